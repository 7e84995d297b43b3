"""A run's training windows as a PyTorch iterable dataset, for loops that are not ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch.utils.data import IterableDataset, get_worker_info

from corpusmith.tokenize.pack import PackedDataset


class WindowStream(IterableDataset):
    """One epoch of windows: dicts of int64 tensors (length,), `input_ids` and `labels`.

    `labels` are the inputs moved by one token, so a model that shifts labels itself (as those
    of Transformers do) is given `input_ids` for both. Workers of a DataLoader share the epoch.
    """

    def __init__(self, tokens: Path, mix: Path, length: int, seed: int, epoch: int = 0) -> None:
        super().__init__()
        self.tokens, self.mix, self.length, self.seed = tokens, mix, length, seed
        self.epoch = epoch

    def set_epoch(self, epoch: int) -> None:
        """Another epoch has another order."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        windows = PackedDataset(self.tokens, self.mix, self.length, self.seed)
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info else (0, 1)
        start = self.epoch * len(windows)
        for index in range(start + first, start + len(windows), step):
            window = windows.window(index)
            yield {
                "input_ids": torch.from_numpy(window.inputs),
                "labels": torch.from_numpy(window.targets),
            }
