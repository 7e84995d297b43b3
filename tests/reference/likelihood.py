"""Likelihoods the slow, obvious way: one token at a time, plain Python around the model.

Shares nothing with `corpusmith.evaluate`.
"""

from __future__ import annotations

import math
from collections import Counter

import torch


def document_nats(model: torch.nn.Module, tokens: list[int], length: int, end_token: int) -> float:
    """Each token from the context that the definition gives it, one forward pass for each."""
    sequence = [end_token, *tokens]
    stride = length // 2
    total = 0.0
    for target in range(1, len(sequence)):
        # The first window that has the target among its successors: start + length >= target.
        start = 0
        while start + length < target:
            start += stride
        context = torch.tensor([sequence[start:target]])
        with torch.no_grad():
            logits = model(input_ids=context).logits[0, -1].double()
        total -= float(torch.log_softmax(logits, dim=0)[sequence[target]])
    return total


def bigram_nats(
    training: list[tuple[int, int]], vocab_size: int, tokens: list[int], end_token: int
) -> float:
    """Witten-Bell, interpolated, from lists of pairs."""
    followers = Counter(following for _, following in training)
    types = len(followers)

    def unigram(token: int) -> float:
        return (followers[token] + types / vocab_size) / (len(training) + types)

    total = 0.0
    before = end_token
    for token in tokens:
        after = [following for previous, following in training if previous == before]
        different = len(set(after))
        if after:
            p = (after.count(token) + different * unigram(token)) / (len(after) + different)
        else:
            p = unigram(token)
        total -= math.log(p)
        before = token
    return total
