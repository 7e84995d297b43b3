"""What a model must beat: a general compressor, and a model that sees one token back.

Both are given in bits per byte of the same held-out documents as the model.

**zlib.** `zlib.compressobj(9)` over the UTF-8 bytes of the held-out documents, one after the
other in the order of their parts, as one stream for each group; 8 x compressed bytes / bytes.
It has seen no training text, and it gains from what held-out documents have in common.

**Bigram with Witten-Bell smoothing** (Witten and Bell 1991, "The zero-frequency problem", method C;
interpolated as in Chen and Goodman 1998, section 2.6), over tokens. With c the counts in the
training windows, N their sum, T(v) the number of different tokens seen after v, T that of
all different tokens, V the vocabulary's size:

    p(w)     = (c(w) + T / V) / (N + T)
    p(w | v) = (c(v w) + T(v) p(w)) / (c(v) + T(v)),  and p(w) where v was never seen

It counts the pairs (input, target) of the very windows that the model was trained on, and a
document's first token is predicted from the end token, as for the model.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np

MERGE_PAIRS = 1 << 22
"""Pairs collected before they are counted: 32 MB."""


class Zlib:
    """Compressed size of documents by group, each group one stream."""

    def __init__(self) -> None:
        self._streams: dict[str, zlib._Compress] = {}
        self._compressed: dict[str, int] = {}
        self._bytes: dict[str, int] = {}

    def add(self, groups: Iterable[str], text: bytes) -> None:
        """Append one document to the streams of these groups."""
        for group in groups:
            if group not in self._streams:
                self._streams[group] = zlib.compressobj(9)
                self._compressed[group] = self._bytes[group] = 0
            self._compressed[group] += len(self._streams[group].compress(text))
            self._bytes[group] += len(text)

    def bits_per_byte(self) -> dict[str, float]:
        """Of each group; ends the streams. A group without bytes is left out."""
        found = {}
        for group, stream in self._streams.items():
            self._compressed[group] += len(stream.flush())
            if self._bytes[group]:
                found[group] = 8 * self._compressed[group] / self._bytes[group]
        self._streams = {}
        return found


class WittenBell:
    """Bigram probabilities over tokens 0..V-1. Memory: 16 bytes for each different pair."""

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        self.tokens = 0  # pairs counted
        self._pairs = np.zeros(0, np.int64)  # sorted: previous x V + next
        self._counts = np.zeros(0, np.int64)
        self._waiting: list[np.ndarray] = []
        self._waiting_size = 0
        self._fitted = False

    def add(self, previous: np.ndarray, following: np.ndarray) -> None:
        """Count pairs of tokens, two integer arrays of one length."""
        pairs = previous.astype(np.int64) * self.vocab_size + following
        self._waiting.append(pairs)
        self._waiting_size += len(pairs)
        self.tokens += len(pairs)
        self._fitted = False
        if self._waiting_size >= MERGE_PAIRS:
            self._merge()

    def _merge(self) -> None:
        if not self._waiting:
            return
        fresh, counts = np.unique(np.concatenate(self._waiting), return_counts=True)
        self._waiting, self._waiting_size = [], 0
        both = np.concatenate([self._pairs, fresh])
        self._pairs, place = np.unique(both, return_inverse=True)
        weights = np.concatenate([self._counts, counts])
        self._counts = np.zeros(len(self._pairs), np.int64)
        np.add.at(self._counts, place, weights)

    def _fit(self) -> None:
        self._merge()
        size = self.vocab_size
        previous, following = self._pairs // size, self._pairs % size
        counted = np.bincount(following, weights=self._counts, minlength=size)  # c(w)
        types = np.count_nonzero(counted)
        self._unigram = (counted + types / size) / max(1.0, counted.sum() + types)
        if not types:
            self._unigram = np.full(size, 1 / size)
        self._followers = np.bincount(previous, minlength=size)  # T(v)
        self._seen = np.bincount(previous, weights=self._counts, minlength=size)  # c(v)
        self._fitted = True

    def probabilities(self, previous: np.ndarray, following: np.ndarray) -> np.ndarray:
        """float64[n]: p(following | previous), elementwise over two integer arrays."""
        if not self._fitted:
            self._fit()
        pairs = previous.astype(np.int64) * self.vocab_size + following
        counts = np.zeros(len(pairs))
        if len(self._pairs):
            place = np.minimum(np.searchsorted(self._pairs, pairs), len(self._pairs) - 1)
            counts = np.where(self._pairs[place] == pairs, self._counts[place], 0)
        lower = self._unigram[following]
        followers = self._followers[previous]
        total = self._seen[previous] + followers
        return np.where(total > 0, (counts + followers * lower) / np.maximum(total, 1), lower)

    def document_nats(self, tokens: np.ndarray, end_token: int) -> float:
        """-ln of the probability of a document's tokens, the first after the end token."""
        if not len(tokens):
            return 0.0
        previous = np.concatenate([[end_token], tokens[:-1]])
        return float(-np.log(self.probabilities(previous, tokens)).sum())
