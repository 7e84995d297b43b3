"""A tiny training run on an array, in this process or in a child that a test kills.

python -m tests.train_run FOLDER: train as `parameters()` says, slowly, into FOLDER.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from corpusmith.train import loop
from corpusmith.train.data import Shuffled
from corpusmith.train.machine import Setting
from corpusmith.train.model import build_model
from corpusmith.train.params import TrainParams

VOCABULARY, LENGTH, END = 64, 16, 0
# One thread: on a busy machine two of them wait for each other in every tiny operation.
SETTING = Setting(dtype="fp32", compile=False, threads=1, device="cpu")


@dataclasses.dataclass(frozen=True)
class ArrayWindow:
    inputs: np.ndarray
    targets: np.ndarray
    positions: np.ndarray
    segments: np.ndarray


class ArrayWindows:
    """Windows over one row of tokens, again and again; each end token opens a segment."""

    def __init__(self, tokens: np.ndarray, length: int, *, isolate: bool = False) -> None:
        self.tokens = tokens.astype(np.int64)
        self.length = length
        self.isolate = isolate
        self.tokens_per_epoch = (len(tokens) - 1) // length * length

    def window(self, index: int, /) -> ArrayWindow:
        start = index * self.length % self.tokens_per_epoch
        inputs = self.tokens[start : start + self.length]
        opens = (inputs == END).astype(np.int64)
        opens[0] = 0
        segments = np.cumsum(opens)
        first = np.searchsorted(segments, segments)
        positions = np.arange(self.length) - (first if self.isolate else 0)
        targets = self.tokens[start + 1 : start + self.length + 1]
        return ArrayWindow(inputs, targets, positions, segments)


def parameters(**changes: object) -> TrainParams:
    given = {
        "layers": 2,
        "threads": 1,
        "heads": 2,
        "width": 16,
        "steps": 30,
        "batch_tokens": 4 * LENGTH,
        "micro_batch": 3,
        "lr": 1e-2,
        "dropout": 0.1,  # so that torch's random state matters
        "log_every": 1,
        "checkpoint_every": 5,
        "tensorboard": False,
    }
    return TrainParams.model_validate(given | changes)


def data(isolate: bool = False) -> ArrayWindows:
    """A row that can be learnt: each token follows from the one before it, but for some noise."""
    random = np.random.default_rng(7)
    tokens = np.zeros(60 * LENGTH + 1, np.int64)
    for i in range(1, len(tokens)):
        noise = random.random() < 0.1
        tokens[i] = random.integers(VOCABULARY) if noise else (tokens[i - 1] * 5 + 3) % VOCABULARY
    return ArrayWindows(tokens, LENGTH, isolate=isolate)


def model(params: TrainParams) -> PreTrainedModel:
    return build_model(params, vocab_size=VOCABULARY, end_token=END, length=LENGTH, seed=11)


def run(folder: Path, params: TrainParams, *, seconds: float = 0.0) -> PreTrainedModel:
    """Train in `folder`, or go on there; each step takes `seconds` longer."""
    folder.mkdir(parents=True, exist_ok=True)
    network = model(params)
    windows = Shuffled(data(), seed=3)
    loop.train(
        network,
        windows,
        params,
        SETTING,
        folder,
        progress=lambda state, line: time.sleep(seconds),
    )
    return network


def weights(network: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}


if __name__ == "__main__":
    run(Path(sys.argv[1]), parameters(), seconds=0.1)
