"""The model: GPT-2 and Llama shapes of Transformers, or a checkpoint to start from."""

from __future__ import annotations

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
)
from transformers.utils import logging as transformers_logging

from corpusmith.errors import InputError
from corpusmith.train.params import SHAPES, TrainParams

# Its bars for loading and saving would stand in the worker's log, a line for each refresh.
transformers_logging.disable_progress_bar()


def build_model(
    params: TrainParams, *, vocab_size: int, end_token: int, length: int, seed: int
) -> PreTrainedModel:
    """A causal language model in fp32 on the CPU, its weights a function of `seed`.

    `vocab_size` rows of embeddings, positions for `length` tokens; `end_token` is its first and
    its last token. Raises InputError where a checkpoint can't be read or does not fit.
    """
    torch.manual_seed(seed)
    if params.model not in SHAPES:
        return _from_checkpoint(params, vocab_size, end_token, length)
    layers, heads, width = params.shape
    if params.model == "gpt2":
        config = GPT2Config(
            vocab_size=vocab_size,
            n_positions=length,
            n_embd=width,
            n_layer=layers,
            n_head=heads,
            n_inner=params.mlp_width,
            # The same function as GPT-2's "gelu_new", in one kernel instead of eight.
            activation_function="gelu_pytorch_tanh",
            resid_pdrop=params.dropout,
            embd_pdrop=params.dropout,
            attn_pdrop=params.dropout,
            initializer_range=params.standard_deviation,
            tie_word_embeddings=params.tie,
            bos_token_id=end_token,
            eos_token_id=end_token,
        )
        return GPT2LMHeadModel(config)
    llama = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=width,
        # Three matrices instead of GPT-2's two: 8/3 makes both MLPs equally large.
        intermediate_size=params.mlp_width or -(-8 * width // (3 * 16)) * 16,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=params.kv_heads,
        max_position_embeddings=length,
        initializer_range=params.standard_deviation,
        tie_word_embeddings=params.tie,
        bos_token_id=end_token,
        eos_token_id=end_token,
    )
    return LlamaForCausalLM(llama)


def load_model(path: str, *, revision: str | None = None) -> PreTrainedModel:
    """A causal language model from a folder or hub id, in fp32; safetensors only, never pickle.

    Raises InputError with the library's words where that fails.
    """
    try:
        return AutoModelForCausalLM.from_pretrained(
            path, revision=revision or "main", dtype=torch.float32, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"can't load the model {path!r}: {str(error).splitlines()[0]}",
            expected="a folder with config.json and model.safetensors, or a model id of the hub",
        ) from error


def _from_checkpoint(
    params: TrainParams, vocab_size: int, end_token: int, length: int
) -> PreTrainedModel:
    model = load_model(params.model, revision=params.revision)
    rows = model.get_input_embeddings().weight.size(0)  # type: ignore[union-attr, operator]
    if vocab_size > rows:
        raise InputError(
            f"the tokenizer has {vocab_size:,} tokens, the model {params.model!r} only {rows:,}",
            hint=f"use the model's own tokenizer: `tokenize: {{load: {params.model}}}`",
        )
    positions = context_length(model)
    if length > positions:
        raise InputError(
            f"windows of {length} tokens do not fit into the {positions} positions of "
            f"{params.model!r}",
            hint=f"`pack: {{length: {positions}}}`",
        )
    model.config.bos_token_id = model.config.eos_token_id = end_token
    if model.generation_config is not None:
        model.generation_config.bos_token_id = end_token
        model.generation_config.eos_token_id = end_token
    return model


def context_length(model: PreTrainedModel) -> int:
    """Tokens that the model can take at once."""
    return int(model.config.max_position_embeddings)


def parameter_counts(model: nn.Module) -> dict[str, int]:
    """All parameters, shared ones once, and those outside the embeddings."""
    total = sum(p.numel() for p in model.parameters())
    embeddings = {
        id(module.weight): module.weight.numel()
        for module in model.modules()
        if isinstance(module, nn.Embedding)
    }
    output = getattr(model, "lm_head", None)
    if output is not None:
        embeddings[id(output.weight)] = output.weight.numel()
    return {"parameters": total, "parameters_without_embeddings": total - sum(embeddings.values())}


def optimizer_of(model: nn.Module, params: TrainParams) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101); matrices decay, vectors do not."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": params.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=params.lr, betas=params.betas, eps=params.eps, fused=True)


def token_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean nats per token; `logits` [windows, tokens, vocabulary], `targets` [windows, tokens]."""
    flat = logits.float().flatten(0, 1)
    return nn.functional.cross_entropy(flat, targets.flatten())
