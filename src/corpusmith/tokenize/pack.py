"""Packing at load: fixed windows over the drawn documents, without writing them down.

Epoch e is a permutation of the uses of documents, fresh for each e. The stream is all epochs one
after the other, each document as its tokens and then its end token; before the first stands
one more end token. Window i of length L has

    inputs   = stream[i L     : i L + L]
    targets  = stream[i L + 1 : i L + L + 1]

so neighbours overlap by one token, and each token of each use is a target exactly once, in any
epoch: windows run across the ends of epochs. Window i is a function of (files, seed, i) alone, so
training resumes exactly by going on with the next i.

A document's first token is predicted from the end token before it, as in evaluation. Therefore a
target belongs to its own document, and an input to the document of its target: an end token opens
the next segment. With `isolate`, attention must stay within a segment and positions begin at 0
in each; then no document sees another, and nothing else changes.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from corpusmith.errors import InputError
from corpusmith.store.parts import part_entry
from corpusmith.tokenize.megatron import IndexedDataset
from corpusmith.tokenize.mix import read_mix
from corpusmith.tokenize.order import epoch_order, id_bits

EPOCHS_IN_MEMORY = 2
"""Orders held at a time, 16 bytes a use: a window may need the end of one and the next."""


@dataclasses.dataclass(frozen=True)
class Window:
    """One training example of L tokens."""

    inputs: np.ndarray  # int64[L]
    targets: np.ndarray  # int64[L]: the token after each input
    positions: np.ndarray  # int64[L]: 0..L-1, or from 0 in each segment with `isolate`
    segments: np.ndarray  # int64[L]: 0, 1, ... for each document's stretch in the window
    documents: list[tuple[str, int, int]]
    """(id, start, count) of each segment: which of the document's tokens are its targets."""


@dataclasses.dataclass(frozen=True)
class _Epoch:
    rows: np.ndarray  # int64[uses]: rows of the mix in order
    ends: np.ndarray  # int64[uses]: tokens up to the end of each


class PackedDataset:
    """Random access to an endless row of windows. NumPy only, files are mapped, not read."""

    def __init__(
        self,
        tokens_dir: str | Path,
        mix_dir: str | Path,
        length: int,
        seed: int = 0,
        *,
        isolate: bool = False,
    ) -> None:
        """`length` L >= 1 tokens of a window. Raises InputError where the two don't belong together
        or nothing was drawn."""
        if length < 1:
            raise ValueError(f"a window has at least 1 token, not {length}")
        self.length = length
        self.seed = seed
        self.isolate = isolate
        self.folder = Path(tokens_dir)
        info = part_entry(self.folder, "docs", "docs")["info"]
        self.vocab_size: int = info["vocab_size"]
        self.end_token: int = info["end_token"]

        table = read_mix(Path(mix_dir))
        drawn = np.flatnonzero(table["uses"].to_numpy() > 0)
        if not len(drawn):
            raise InputError("the mix draws no document", where=str(mix_dir))
        table = table.take(drawn)
        self._ids = table["id"].combine_chunks()
        self._sources = table["source"].combine_chunks()
        self._bits = id_bits(table["id"])
        self._uses = table["uses"].to_numpy()
        self._tokens = table["tokens"].to_numpy()
        self._sequence = table["sequence"].to_numpy()
        names, self._part = np.unique(
            table["part"].to_numpy(zero_copy_only=False), return_inverse=True
        )
        self._shards = [IndexedDataset(self.folder / name) for name in names]
        self._check()
        self.tokens_per_epoch = int((self._tokens * self._uses).sum())
        self._epochs: OrderedDict[int, _Epoch] = OrderedDict()

    def _check(self) -> None:
        """The mix must have been drawn from these very files."""
        for number, shard in enumerate(self._shards):
            rows = self._part == number
            sequence = self._sequence[rows]
            if sequence.max() >= len(shard) or np.any(
                shard.lengths[sequence] != self._tokens[rows]
            ):
                raise InputError(
                    "the mix was drawn from other tokens",
                    where=str(shard.path),
                    expected="sequences as long as the mix says",
                )

    @property
    def unique_tokens(self) -> int:
        """Tokens of the documents drawn, each counted once."""
        return int(self._tokens.sum())

    def __len__(self) -> int:
        """Windows whose targets all lie in the first epoch. Later ones exist as well."""
        return self.tokens_per_epoch // self.length

    def epoch_of(self, index: int) -> float:
        """Epochs done before window `index`."""
        return index * self.length / self.tokens_per_epoch

    def window(self, index: int) -> Window:
        """Window `index` >= 0."""
        spans = self._spans(index)
        tokens = np.empty(self.length + 1, np.int64)
        tokens[0] = self._token_before(spans[0])
        at = 1
        for row, start, count in spans:
            tokens[at : at + count] = self._read(row, start, count)
            at += count
        counts = np.array([count for _, _, count in spans])
        segments = np.repeat(np.arange(len(spans)), counts)
        positions = np.arange(self.length)
        if self.isolate:
            positions = positions - np.repeat(np.cumsum(counts) - counts, counts)
        return Window(tokens[:-1], tokens[1:], positions, segments, self._named(spans))

    def documents(self, index: int) -> list[tuple[str, int, int]]:
        """(id, start, count): the documents whose tokens are the targets of window `index`.

        Reads no token. `start` counts the document's tokens from 0; the last is its end token.
        """
        return self._named(self._spans(index))

    def sources(self, index: int) -> dict[str, int]:
        """Targets of window `index` by source."""
        found: dict[str, int] = {}
        for row, _, count in self._spans(index):
            name = self._sources[row].as_py()
            found[name] = found.get(name, 0) + count
        return found

    def batch(self, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of several windows, each int64[len(indices), L]."""
        windows = [self.window(index) for index in indices]
        return (
            np.stack([window.inputs for window in windows]),
            np.stack([window.targets for window in windows]),
        )

    def attention_mask(self, index: int) -> np.ndarray:
        """bool[L, L], row attends to column: causal, and within a segment with `isolate`."""
        causal = np.tri(self.length, dtype=bool)
        if not self.isolate:
            return causal
        spans = self._spans(index)
        segments = np.repeat(np.arange(len(spans)), [count for _, _, count in spans])
        return causal & (segments[:, None] == segments[None, :])

    # --- the stream ----------------------------------------------------------------------

    def _epoch(self, number: int) -> _Epoch:
        found = self._epochs.get(number)
        if found is None:
            rows = epoch_order(self._bits, self._uses, self.seed, number)
            found = _Epoch(rows, np.cumsum(self._tokens[rows], dtype=np.int64))
            self._epochs[number] = found
            while len(self._epochs) > EPOCHS_IN_MEMORY:
                self._epochs.popitem(last=False)
        self._epochs.move_to_end(number)
        return found

    def _spans(self, index: int) -> list[tuple[int, int, int]]:
        """(row, start, count) of the targets of a window, across epochs where need be."""
        if index < 0:
            raise IndexError(f"window {index}")
        spans = []
        number, offset = divmod(index * self.length, self.tokens_per_epoch)
        left = self.length
        while left:
            epoch = self._epoch(number)
            place = int(np.searchsorted(epoch.ends, offset, side="right"))
            while left and place < len(epoch.rows):
                row, end = int(epoch.rows[place]), int(epoch.ends[place])
                start = offset - (end - int(self._tokens[row]))
                count = min(left, end - offset)
                spans.append((row, start, count))
                left -= count
                offset += count
                place += 1
            number, offset = number + 1, 0
        return spans

    def _token_before(self, span: tuple[int, int, int]) -> int:
        """The token that the window's first target is predicted from."""
        row, start, _ = span
        # Before a document's first token stands the last one's end token, or the stream's own.
        return int(self._read(row, start - 1, 1)[0]) if start else self.end_token

    def _read(self, row: int, start: int, count: int) -> np.ndarray:
        return self._shards[self._part[row]].read(int(self._sequence[row]), start, count)

    def _named(self, spans: list[tuple[int, int, int]]) -> list[tuple[str, int, int]]:
        return [(self._ids[row].as_py(), start, count) for row, start, count in spans]
