"""Choices that depend on the machine: threads, memory allocator, dtype, compilation.

They shape a model's last bits. So they are made once, written beside the model, and used
again when training resumes.
"""

from __future__ import annotations

import ctypes
import dataclasses
import platform
import sys
import time
from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from torch import nn

from corpusmith.train.data import Batch
from corpusmith.train.model import token_losses
from corpusmith.train.params import TrainParams

GAIN = 1.15
"""bf16 or compilation is chosen where it is at least so many times as fast: a smaller gain is
within a busy machine's noise, and the choice should come out the same every time."""

PASSES = 3
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # numbers from glibc's malloc.h
MMAP_BYTES = 32 << 20  # glibc's maximum on 64-bit machines (HEAP_MAX_SIZE / 2)
TRIM_BYTES = 1 << 30


@dataclasses.dataclass(frozen=True)
class Setting:
    """How the arithmetic is done."""

    dtype: str  # fp32 or bf16: of the forward pass; weights and moments stay fp32
    compile: bool
    threads: int
    device: str
    measured: dict[str, float] = dataclasses.field(default_factory=dict)
    """Seconds of one forward and backward pass by choice, where these were measured."""
    notes: list[str] = dataclasses.field(default_factory=list)

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which the forward pass runs."""
        kind = torch.device(self.device).type
        return torch.autocast(kind, dtype=torch.bfloat16, enabled=self.dtype == "bf16")


def keep_memory() -> bool:
    """Let glibc keep freed memory instead of giving it back after each tensor.

    PyTorch allocates and frees the same megabytes in every step; without this each is mapped,
    zeroed and unmapped by the kernel anew, which costs about a fifth of the time. Returns whether
    the C library took it (not on macOS or musl).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)) and bool(
        mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)
    )


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def choose(params: TrainParams, model: nn.Module, batch: Batch, device: torch.device) -> Setting:
    """Fill in `dtype: auto` and check `compile: true`, by measuring where there is a choice.

    Weights, gradients and random state are left as they were. bf16 is the choice only where
    the machine computes it faster; compilation only where it works and is faster.
    """
    notes: list[str] = []
    measured: dict[str, float] = {}
    base = Setting(dtype="fp32", compile=False, threads=params.threads, device=str(device))
    dtype = params.dtype
    if dtype == "auto":
        measured = _race(base, model, batch)
        dtype = "bf16" if measured["bf16"] * GAIN <= measured["fp32"] else "fp32"
    chosen = dataclasses.replace(base, dtype=dtype)
    compiled = False
    if params.compile:
        try:
            eager = _seconds(chosen, model, batch)
            faster = _seconds(chosen, cast(nn.Module, torch.compile(model)), batch)
        except Exception as error:
            first = (str(error) or type(error).__name__).strip().splitlines()[0]
            notes.append(f"compile: true, but it does not work here, so eager: {first}")
        else:
            measured |= {"eager": eager, "compiled": faster}
            compiled = faster * GAIN <= eager
            if not compiled:
                notes.append("compile: true, but it measured no faster here, so eager")
    return dataclasses.replace(chosen, compile=compiled, measured=measured, notes=notes)


def _race(base: Setting, model: nn.Module, batch: Batch) -> dict[str, float]:
    half = dataclasses.replace(base, dtype="bf16")
    # A processor without bf16 emulates it, twenty times as slowly: one window shows that.
    one = batch.first(1)
    found = {"fp32": _seconds(base, model, one), "bf16": _seconds(half, model, one, passes=1)}
    if found["bf16"] < 3 * found["fp32"]:
        found = {"fp32": _seconds(base, model, batch), "bf16": _seconds(half, model, batch)}
    return {name: round(value, 5) for name, value in found.items()}


def _seconds(setting: Setting, model: nn.Module, batch: Batch, *, passes: int = PASSES) -> float:
    """The fastest of a few passes after one to warm up.

    The minimum, since whatever else the machine does can only add time.
    """

    def once() -> float:
        _synchronize(setting)
        began = time.perf_counter()
        with setting.autocast():
            logits = model(**batch.arguments(), use_cache=False).logits
        token_losses(logits, batch.targets).backward()
        _synchronize(setting)
        return time.perf_counter() - began

    with torch.random.fork_rng():
        once()
        fastest = min(once() for _ in range(passes))
    model.zero_grad(set_to_none=True)
    return fastest


def _synchronize(setting: Setting) -> None:
    if torch.device(setting.device).type == "cuda":
        torch.cuda.synchronize()


def report(setting: Setting) -> dict[str, Any]:
    """For the manifest: the setting and what it was chosen on."""
    return {
        **dataclasses.asdict(setting),
        "processor": processor(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
    }
