"""Batches of windows, as tensors. Which windows a step sees is a function of its number alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from corpusmith.store.overlay import iter_current
from corpusmith.store.parts import committed, iter_part
from corpusmith.tokenize.order import mix64

MASK_64 = (1 << 64) - 1

HELD_OUT = "held_out"
"""The rule of the split's decisions on documents that are kept from training."""


class WindowLike(Protocol):
    """One training example of L tokens, as `corpusmith.tokenize.pack.Window` has it."""

    @property
    def inputs(self) -> np.ndarray: ...  # int64[L]

    @property
    def targets(self) -> np.ndarray: ...  # int64[L]

    @property
    def positions(self) -> np.ndarray: ...  # int64[L]

    @property
    def segments(self) -> np.ndarray: ...  # int64[L]


class Windows(Protocol):
    """An endless row of windows, as `corpusmith.tokenize.pack.PackedDataset` gives it."""

    length: int  # tokens of a window
    isolate: bool  # attention stays within a segment
    tokens_per_epoch: int

    def window(self, index: int, /) -> WindowLike: ...


BLOCK_WINDOWS = 1 << 20
"""Windows shuffled together at most: 8 MB."""


class Shuffled:
    """The same windows in another order, a seeded permutation within each epoch.

    Packing puts a long document into windows that follow one another. Training on them in that
    order, a batch of a few windows would be a piece of one single document for many steps. Index
    i is the place in training; a block is an epoch, or 2^20 windows of it. As the data's own
    order, the permutation is a function of seed and index alone.
    """

    def __init__(self, windows: Windows, seed: int) -> None:
        self.windows = windows
        self.seed = seed
        self.length = windows.length
        self.isolate = windows.isolate
        self.tokens_per_epoch = windows.tokens_per_epoch
        self.block = max(1, min(BLOCK_WINDOWS, windows.tokens_per_epoch // windows.length))
        self._number = -1
        self._order = np.zeros(0, np.int64)

    def place(self, index: int) -> int:
        """The number, in the data's own order, of the window that comes as `index`-th."""
        number, offset = divmod(index, self.block)
        if number != self._number:
            at = np.arange(self.block, dtype=np.uint64)
            salt = mix64(mix64(np.array([self.seed & MASK_64], np.uint64)) ^ np.uint64(number))
            # The keys all differ: mix64 is a bijection of the 64-bit numbers.
            self._order = np.argsort(mix64(at ^ salt)).astype(np.int64)
            self._number = number
        return number * self.block + int(self._order[offset])

    def window(self, index: int, /) -> WindowLike:
        return self.windows.window(self.place(index))


@dataclasses.dataclass(frozen=True)
class Batch:
    """Windows stacked. `positions` and `mask` are None where attention is plainly causal."""

    inputs: torch.Tensor  # int64[B, L]
    targets: torch.Tensor  # int64[B, L]
    positions: torch.Tensor | None = None  # int64[B, L]
    mask: torch.Tensor | None = None  # bool[B, 1, L, L], row attends to column

    def to(self, device: torch.device) -> Batch:
        return self._each(lambda tensor: tensor.to(device))

    def first(self, count: int) -> Batch:
        """Its first windows."""
        return self._each(lambda tensor: tensor[:count])

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
        return Batch(
            change(self.inputs),
            change(self.targets),
            None if self.positions is None else change(self.positions),
            None if self.mask is None else change(self.mask),
        )

    def arguments(self) -> dict[str, torch.Tensor]:
        """What the model's `forward` takes."""
        found = {"input_ids": self.inputs}
        if self.positions is not None and self.mask is not None:
            found |= {"position_ids": self.positions, "attention_mask": self.mask}
        return found


def batch_of(windows: Windows, indices: Sequence[int]) -> Batch:
    """The windows with these indices, in this order."""
    found = [windows.window(index) for index in indices]
    inputs = torch.from_numpy(np.stack([window.inputs for window in found]))
    targets = torch.from_numpy(np.stack([window.targets for window in found]))
    if not windows.isolate:
        return Batch(inputs, targets)
    segments = torch.from_numpy(np.stack([window.segments for window in found]))
    positions = torch.from_numpy(np.stack([window.positions for window in found]))
    same = segments[:, :, None] == segments[:, None, :]
    causal = torch.ones(windows.length, windows.length, dtype=torch.bool).tril()
    return Batch(inputs, targets, positions, (same & causal)[:, None])


def micro_batches(first: int, count: int, size: int) -> list[range]:
    """The windows first..first+count-1 in runs of at most `size`.

    >>> micro_batches(10, 5, 2)
    [range(10, 12), range(12, 14), range(14, 15)]
    """
    return [
        range(start, min(start + size, first + count))
        for start in range(first, first + count, size)
    ]


def held_out_documents(
    folder: Path, part: str, split: Path, columns: Sequence[str], after: Sequence[Path] = ()
) -> Iterator[pa.Table]:
    """Row groups of a cleaned part's documents that `split` holds out; `columns` include id.

    `after`: folders of the deciding stages, of which some may have rewritten texts.
    """
    ids: list[pa.Array] = []
    if committed(split, part):
        for table in iter_part(split, "decisions", part, columns=["id", "rule"]):
            ids += table.filter(pc.equal(table["rule"], HELD_OUT))["id"].chunks
    chosen = pa.chunked_array(ids, type=pa.string()).combine_chunks()
    if not len(chosen):
        return
    for table in iter_current(folder, "documents", part, after, columns=columns):
        table = table.filter(pc.is_in(table["id"], value_set=chosen))
        if table.num_rows:
            yield table


def held_out_windows(
    documents: Sequence[np.ndarray], length: int, end_token: int, limit: int
) -> list[Batch]:
    """At most `limit` windows over held-out documents, evenly spread, each a batch of one.

    Documents follow one another with the end token before each; windows do not overlap. This is
    the quick measure for a curve; `corpusmith.evaluate.likelihood` is the exact one.
    """
    end = np.array([end_token], np.int64)
    pieces = [piece for tokens in documents for piece in (end, tokens.astype(np.int64))]
    stream = np.concatenate([*pieces, end])
    count = (len(stream) - 1) // length
    chosen = np.unique(np.linspace(0, count - 1, min(limit, count)).astype(np.int64))
    return [
        Batch(
            torch.from_numpy(stream[i * length : (i + 1) * length])[None],
            torch.from_numpy(stream[i * length + 1 : (i + 1) * length + 1])[None],
        )
        for i in chosen.tolist()
    ]
