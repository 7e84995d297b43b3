"""The parameters of the recipe's `train:` block. This module loads neither torch nor numpy."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SHAPES = ("gpt2", "llama")
"""Architectures that can be trained from scratch; any other `model` is a checkpoint."""

EXTRA = ("torch", "transformers", "accelerate", "safetensors")
"""The libraries of the extra `train` without which nothing is trained."""

DEFAULT_LAYERS, DEFAULT_HEADS, DEFAULT_WIDTH = 4, 4, 128


class TrainParams(BaseModel):
    """How a model is shaped and trained. Steps and sizes are counts, never times.

    One step trains on `batch_tokens // length` windows of `length` tokens, where `length` is
    that of `pack:`. `lr` rises from 0 over `warmup` steps, then falls to `min_lr` times `lr`.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = "gpt2"  # gpt2, llama, or a folder or hub id to start from
    revision: str | None = None  # of a hub id
    layers: int | None = Field(None, ge=1)
    heads: int | None = Field(None, ge=1)
    kv_heads: int | None = Field(None, ge=1)  # llama only; default: as many as heads
    width: int | None = Field(None, ge=8)
    mlp_width: int | None = Field(None, ge=8)  # default: 4 x width (gpt2), 8/3 x width (llama)
    tie: bool = True  # one matrix for the input and the output embeddings
    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    initializer_range: float | None = Field(None, gt=0.0)  # default: see `standard_deviation`

    steps: int = Field(ge=1)
    batch_tokens: int = Field(8192, ge=1)
    micro_batch: int | None = Field(None, ge=1)  # windows a forward pass; default: whole batch
    lr: float = Field(1e-3, gt=0.0)
    min_lr: float = Field(0.1, ge=0.0, le=1.0)  # as a fraction of lr
    warmup: int | None = Field(None, ge=0)  # steps; default: 5 % of them
    decay: Literal["cosine", "linear", "constant"] = "cosine"
    weight_decay: float = Field(0.1, ge=0.0)  # of matrices; never of norms and biases
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = Field(1e-8, gt=0.0)
    clip: float | None = Field(1.0, gt=0.0)  # norm of all gradients together

    dtype: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    device: Literal["auto", "cpu"] = "auto"
    threads: int = Field(2, ge=1, le=1024)  # of torch; a part of the result, unlike --workers

    log_every: int = Field(10, ge=1)  # steps
    eval_every: int = Field(0, ge=0)  # steps; 0: no held-out loss while training
    eval_windows: int = Field(64, ge=1)
    checkpoint_every: int | None = Field(None, ge=1)  # steps; default: an eighth, at least 50
    tensorboard: bool = True

    @model_validator(mode="after")
    def _fits(self) -> TrainParams:
        if self.model not in SHAPES:
            given = [
                name
                for name in (
                    "layers",
                    "heads",
                    "kv_heads",
                    "width",
                    "mlp_width",
                    "initializer_range",
                )
                if getattr(self, name) is not None
            ]
            if given:
                raise ValueError(
                    f"{', '.join(given)}: the checkpoint {self.model!r} already fixes the shape; "
                    f"leave these out, or name one of {', '.join(SHAPES)}"
                )
            return self
        _, heads, width = self.shape
        if width % heads:
            raise ValueError(f"width {width} is no multiple of heads {heads}")
        if self.kv_heads is not None and (self.model != "llama" or heads % self.kv_heads):
            raise ValueError(f"kv_heads {self.kv_heads} is for llama and must divide heads {heads}")
        if self.model == "llama" and (width // heads) % 2:
            raise ValueError(f"a head of llama needs an even width, not {width // heads}")
        if self.model == "llama" and self.dropout:
            raise ValueError("dropout: llama has none")
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """Layers, heads and width, with the defaults filled in."""
        return (
            self.layers or DEFAULT_LAYERS,
            self.heads or DEFAULT_HEADS,
            self.width or DEFAULT_WIDTH,
        )

    @property
    def standard_deviation(self) -> float:
        """Of the initial weights: `initializer_range`, else min(0.08, 1/sqrt(width)).

        GPT-2's own 0.02 fits a width of 768 to 1,600; a small model started with it learns so
        slowly that it loses to a bigram model in the same few minutes.
        """
        return self.initializer_range or min(0.08, 1 / math.sqrt(self.shape[2]))

    @property
    def warmup_steps(self) -> int:
        return self.warmup if self.warmup is not None else self.steps // 20

    @property
    def checkpoint_steps(self) -> int:
        return self.checkpoint_every or max(50, self.steps // 8)

    def windows_per_step(self, length: int) -> int:
        """Windows of `length` tokens in one step, at least one."""
        return max(1, self.batch_tokens // length)

    def learning_rate(self, step: int) -> float:
        """Of the step with this number, counted from 0.

        A linear rise over the first W steps, lr (step + 1) / W; then with
        x = (step + 1 - W) / (steps - W) in (0, 1] the factor min + (1 - min) f(x), where
        f is (1 + cos(pi x)) / 2 (Loshchilov and Hutter 2017, arXiv 1608.03983), 1 - x, or 1.
        """
        warmup = min(self.warmup_steps, self.steps)
        if step < warmup:
            return self.lr * (step + 1) / warmup
        x = min(1.0, (step + 1 - warmup) / max(1, self.steps - warmup))
        fall = {
            "cosine": (1 + math.cos(math.pi * x)) / 2,
            "linear": 1 - x,
            "constant": 1.0,
        }[self.decay]
        return self.lr * (self.min_lr + (1 - self.min_lr) * fall)
