"""The training loop: a plain one, that goes on after a kill as if nothing had happened.

Everything that a step depends on is its number, the weights, AdamW's moments and torch's random
state: the learning rate is a function of the step, and so are the windows that it trains on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from transformers import PreTrainedModel

from corpusmith.errors import CheckError
from corpusmith.store.atomic import disk_errors, write_bytes
from corpusmith.train import checkpoint
from corpusmith.train.data import Batch, Windows, batch_of, micro_batches
from corpusmith.train.machine import Setting
from corpusmith.train.model import optimizer_of, token_losses
from corpusmith.train.params import TrainParams

METRICS = "metrics.jsonl"
EVENTS = "tensorboard"


@dataclasses.dataclass
class State:
    """Where training stands; stored with each checkpoint."""

    step: int = 0  # steps done
    window: int = 0  # the next window of the data
    seconds: float = 0.0  # spent in training, over all interruptions
    loss_sum: float = 0.0  # of the steps since the last line of metrics
    loss_steps: int = 0


def train(
    model: PreTrainedModel,
    windows: Windows,
    params: TrainParams,
    setting: Setting,
    folder: Path,
    *,
    held_out: Sequence[Batch] = (),
    progress: Callable[[State, dict[str, Any]], None] = lambda state, line: None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> State:
    """Train `model` in place for `params.steps` steps, from the last checkpoint in `folder` on.

    Writes checkpoints/, metrics.jsonl and TensorBoard's events into `folder`. `progress` hears of
    each line of metrics: step, loss (nats a token, the mean since the line before), lr, grad_norm
    (before clipping, of that step), tokens (trained so far), seconds. Raises CheckError where the
    loss stops being a number.
    """
    torch.set_num_threads(setting.threads)
    accelerator = Accelerator(cpu=params.device == "cpu")
    network = accelerator.prepare(model)
    optimizer = optimizer_of(model, params)
    state = _resume(folder, model, optimizer, warn)
    network.train()
    forward = torch.compile(network) if setting.compile else network

    per_step = params.windows_per_step(windows.length)
    micro = min(params.micro_batch or per_step, per_step)
    metrics = _Metrics(folder, state, params.tensorboard)
    began = time.monotonic() - state.seconds
    with contextlib.closing(metrics):
        while state.step < params.steps:
            rate = params.learning_rate(state.step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = 0.0
            for run in micro_batches(state.window, per_step, micro):
                batch = batch_of(windows, run).to(accelerator.device)
                with setting.autocast():
                    logits = forward(**batch.arguments(), use_cache=False).logits
                share = token_losses(logits, batch.targets) * (len(run) / per_step)
                accelerator.backward(share)
                loss += share.item()
            norm = float(accelerator.clip_grad_norm_(model.parameters(), params.clip or math.inf))
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise CheckError(
                    f"training diverged: at step {state.step + 1} the loss is {loss} and the norm "
                    f"of the gradients {norm}",
                    where=str(folder),
                    hint=f"train: {{lr: {params.lr / 3:.0e}}}, or a longer warmup",
                )
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

            state.step += 1
            state.window += per_step
            state.loss_sum += loss
            state.loss_steps += 1
            done = state.step == params.steps
            measure = bool(held_out) and params.eval_every > 0
            measure = measure and (done or state.step % params.eval_every == 0)
            if done or measure or state.step % params.log_every == 0:
                line = {
                    "step": state.step,
                    "loss": state.loss_sum / state.loss_steps,
                    "lr": rate,
                    "grad_norm": norm,
                    "tokens": state.window * windows.length,
                }
                if measure:
                    line["held_out_loss"] = mean_loss(network, held_out, setting)
                state.seconds = time.monotonic() - began
                state.loss_sum, state.loss_steps = 0.0, 0
                metrics.write({**line, "seconds": round(state.seconds, 3)})
                progress(state, line)
            if not done and state.step % params.checkpoint_steps == 0:
                state.seconds = time.monotonic() - began
                metrics.flush()
                checkpoint.save(folder, state.step, model, optimizer, dataclasses.asdict(state))
    state.seconds = time.monotonic() - began
    return state


def mean_loss(model: PreTrainedModel, batches: Sequence[Batch], setting: Setting) -> float:
    """Nats per token over windows of equal length."""
    was_training = model.training
    model.eval()
    total = 0.0
    with torch.no_grad(), setting.autocast():
        for batch in batches:
            moved = batch.to(torch.device(setting.device))
            logits = model(**moved.arguments(), use_cache=False).logits
            total += token_losses(logits, moved.targets).item()
    model.train(was_training)
    return total / len(batches)


def _resume(
    folder: Path,
    model: PreTrainedModel,
    optimizer: torch.optim.Optimizer,
    warn: Callable[[str], None],
) -> State:
    found, damaged = checkpoint.latest(folder)
    for path in damaged:
        warn(f"the checkpoint {path.name} is damaged; training goes on from an earlier one")
    if found is None:
        return State()
    return State(**checkpoint.load(found, model, optimizer))


class _Metrics:
    """metrics.jsonl and TensorBoard's events, one line a step logged, also over interruptions."""

    def __init__(self, folder: Path, state: State, tensorboard: bool) -> None:
        path = folder / METRICS
        # Lines after the checkpoint will be written again; the last may be half a line.
        kept = [line for line in read_metrics(folder) if line["step"] <= state.step]
        write_bytes(path, b"".join(_line(line) for line in kept))
        with disk_errors(path):
            self._file = open(path, "ab")  # noqa: SIM115
        self._path = path
        self._writer: Any = None
        if tensorboard:
            # Here, since it takes seconds to load and many small runs go without.
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / EVENTS), purge_step=state.step + 1)

    def write(self, line: dict[str, Any]) -> None:
        with disk_errors(self._path):
            self._file.write(_line(line))
            self._file.flush()
        if self._writer is not None:
            for name, value in line.items():
                if name != "step":
                    self._writer.add_scalar(f"train/{name}", value, line["step"])

    def flush(self) -> None:
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        self._file.close()
        if self._writer is not None:
            self._writer.close()


def _line(value: dict[str, Any]) -> bytes:
    return (json.dumps(value) + "\n").encode()


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl; a half line at the end, from a kill, is left out."""
    try:
        lines = (folder / METRICS).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    # What follows the last newline was never finished.
    return [json.loads(line) for line in lines[:-1]]
