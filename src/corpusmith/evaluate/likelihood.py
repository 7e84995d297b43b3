"""How well a model predicts held-out documents: nats, bits per byte, perplexity.

    bits per byte = sum of nats / (sum of UTF-8 bytes x ln 2)
    perplexity    = exp(sum of nats / sum of tokens)

Ratios of sums over documents, never means of ratios. The nats of a document are
-ln p(t1 .. tn | end token): its tokens without any special one, so special tokens, which have
no bytes, are in neither sum. Each document is scored alone, in fp32.

A document longer than the context of L tokens is scored in windows with a stride of L // 2.
The sequence is s = (end token, t1, ..., tn). Window 0 has the inputs s[0 : L] and scores all
their successors; window k > 0 has the inputs s[kS : kS + L], S = L // 2, and scores the
successors that no earlier window has, each thus with at least L - S tokens of context. So every
token is scored once, and nothing depends on how documents are packed or batched.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel


@dataclasses.dataclass(frozen=True)
class Row:
    """One window of one document: inputs s[start : start + size], scored from `first` on."""

    document: int
    start: int
    first: int  # offset in the window of the first input whose successor is scored
    size: int


def rows_of(document: int, tokens: int, length: int) -> list[Row]:
    """The windows of a document of so many tokens.

    >>> [(r.start, r.first, r.size) for r in rows_of(0, 10, 4)]
    [(0, 0, 4), (2, 2, 4), (4, 2, 4), (6, 2, 4)]
    """
    stride = length // 2
    rows: list[Row] = []
    done = 0
    while done < tokens:
        start = len(rows) * stride
        size = min(length, tokens - start)
        rows.append(Row(document, start, done - start, size))
        done = start + size
    return rows


def document_nats(
    model: PreTrainedModel,
    documents: Sequence[np.ndarray],
    *,
    length: int,
    end_token: int,
    batch: int = 16,
) -> np.ndarray:
    """float64[documents]: -ln of the probability of each document's tokens.

    `documents` are integer arrays; `length` >= 2 is the window L, `batch` windows are computed at
    a time. The model is used as it is: in fp32 and without dropout, if it is in `eval` mode.
    """
    if length < 2:
        raise ValueError(f"a window has at least 2 tokens, not {length}")
    rows = [row for n, tokens in enumerate(documents) for row in rows_of(n, len(tokens), length)]
    # Windows of one size together: less padding. The order can't matter to the sums by document,
    # since each document's windows are added in the order of `rows`.
    order = sorted(range(len(rows)), key=lambda i: (-rows[i].size, i))
    nats = np.zeros(len(rows))
    for at in range(0, len(order), batch):
        chosen = order[at : at + batch]
        nats[chosen] = _row_nats(model, documents, [rows[i] for i in chosen], end_token)
    total = np.zeros(len(documents))
    np.add.at(total, [row.document for row in rows], nats)
    return total


def _row_nats(
    model: PreTrainedModel, documents: Sequence[np.ndarray], rows: list[Row], end_token: int
) -> np.ndarray:
    size = max(row.size for row in rows)
    inputs = np.full((len(rows), size), end_token, np.int64)
    targets = np.zeros((len(rows), size), np.int64)
    scored = np.zeros((len(rows), size), bool)
    for i, row in enumerate(rows):
        tokens = documents[row.document]
        stop = row.start + row.size
        if row.start:
            inputs[i, : row.size] = tokens[row.start - 1 : stop - 1]
        else:
            inputs[i, 1 : row.size] = tokens[: stop - 1]
        targets[i, : row.size] = tokens[row.start : stop]
        scored[i, row.first : row.size] = True
    device = next(model.parameters()).device
    # Padding stands on the right, where causal attention never looks.
    with torch.inference_mode():
        logits = model(input_ids=torch.from_numpy(inputs).to(device), use_cache=False).logits
        mask = torch.from_numpy(scored).to(device)
        losses = nn.functional.cross_entropy(
            logits[mask].float(), torch.from_numpy(targets).to(device)[mask], reduction="none"
        )
    found = np.zeros((len(rows), size))
    found[scored] = losses.double().cpu().numpy()
    return found.sum(axis=1)


def bits_per_byte(nats: float, byte_count: int) -> float:
    """nats / (bytes x ln 2); not a number where there are no bytes."""
    return nats / (byte_count * math.log(2)) if byte_count else math.nan


def perplexity(nats: float, tokens: int) -> float:
    """exp(nats / tokens); not a number where there are no tokens, infinite beyond a float."""
    if not tokens:
        return math.nan
    mean = nats / tokens
    return math.exp(mean) if mean < 700 else math.inf


@dataclasses.dataclass
class Sums:
    """What ratios are made of; sums of documents add up to those of their group."""

    documents: int = 0
    nats: float = 0.0
    bytes: int = 0
    tokens: int = 0

    def add(self, nats: float, byte_count: int, tokens: int) -> None:
        self.documents += 1
        self.nats += nats
        self.bytes += byte_count
        self.tokens += tokens

    def summary(self) -> dict[str, float | int | None]:
        """The sums and both ratios; a ratio without a denominator is null."""
        ratios = {
            "bits_per_byte": bits_per_byte(self.nats, self.bytes),
            "perplexity": perplexity(self.nats, self.tokens),
        }
        finite = {name: x if math.isfinite(x) else None for name, x in ratios.items()}
        return {**finite, **dataclasses.asdict(self)}


def pooled(rows: Iterable[tuple[float, int, int]]) -> Sums:
    """Sums over (nats, bytes, tokens) of documents."""
    sums = Sums()
    for nats, byte_count, tokens in rows:
        sums.add(nats, byte_count, tokens)
    return sums
