"""Texts that a model writes after given beginnings, the same ones on every run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedModel


def continue_tokens(
    model: PreTrainedModel,
    prompt: np.ndarray,
    *,
    count: int,
    length: int,
    end_token: int,
    temperature: float = 0.8,
    top_k: int = 50,
    seed: int = 0,
) -> np.ndarray:
    """int64[<= count]: tokens drawn one after the other, until the end token or `count`.

    The model sees the end token, the prompt and what it wrote, at most the last `length` of them.
    `temperature` 0 takes the likeliest token each time; `top_k` 0 draws from all. One generator
    on the CPU, seeded for each call: the other samples don't matter.
    """
    generator = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    context = [end_token, *(int(token) for token in prompt)]
    found: list[int] = []
    with torch.inference_mode():
        while len(found) < count:
            inputs = torch.tensor([context[-length:]], device=device)
            logits = model(input_ids=inputs, use_cache=False).logits[0, -1].float().cpu()
            token = draw(logits, temperature, top_k, generator)
            if token == end_token:
                break
            context.append(token)
            found.append(token)
    return np.array(found, np.int64)


def draw(logits: torch.Tensor, temperature: float, top_k: int, generator: torch.Generator) -> int:
    """One token from float[vocabulary]: softmax(logits / temperature) over the `top_k` largest."""
    if temperature == 0:
        return int(logits.argmax())
    if 0 < top_k < len(logits):
        values, tokens = logits.topk(top_k)
    else:
        values, tokens = logits, torch.arange(len(logits))
    probabilities = torch.softmax(values.double() / temperature, dim=0)
    return int(tokens[torch.multinomial(probabilities, 1, generator=generator)])


def spread(total: int, count: int) -> Sequence[int]:
    """`count` (or all) of the numbers 0..total-1, evenly spread.

    >>> list(spread(10, 3))
    [0, 3, 6]
    """
    chosen = min(count, total)
    return [i * total // chosen for i in range(chosen)]
