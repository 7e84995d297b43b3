"""Checkpoints from which training goes on bit by bit.

    checkpoints/step-00000400/
        model.safetensors       weights, each shared one once
        optimizer.safetensors   AdamW's moments and step counts, by name of the weight
        random.safetensors      states of torch's generators
        state.json              step, position in the data, what the next log line needs
        COMPLETE.json           size and hash of each of the above, written last

The folder is written under a temporary name and renamed. No pickle anywhere.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from corpusmith.store.atomic import disk_errors, read_json, write_json
from corpusmith.store.fingerprint import hash_file

FOLDER = "checkpoints"
COMPLETE = "COMPLETE.json"
KEPT = 2
_NAME = re.compile(r"step-(\d{8})\Z")


def save(
    folder: Path,
    step: int,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
    *,
    keep: int = KEPT,
) -> Path:
    """Write the checkpoint after `step` steps below `folder`, and remove all but the last `keep`.

    `state` holds JSON values. Raises DiskError where the disk is full or read-only.
    """
    base = folder / FOLDER
    final = base / f"step-{step:08d}"
    temporary = base / f".{final.name}.{os.getpid()}.tmp"
    with disk_errors(final):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        save_file(_weights(model), temporary / "model.safetensors")
        save_file(_moments(model, optimizer), temporary / "optimizer.safetensors")
        save_file(_random_states(), temporary / "random.safetensors")
        write_json(temporary / "state.json", {"step": step, **state})
        files = sorted(path for path in temporary.iterdir())
        for path in files:
            _to_disk(path)
        write_json(temporary / COMPLETE, {path.name: _identity(path) for path in files})
        shutil.rmtree(final, ignore_errors=True)
        os.replace(temporary, final)
        _to_disk(base)
    _remove(found for found in _all(folder)[:-keep])
    return final


def latest(folder: Path) -> tuple[Path | None, list[Path]]:
    """The newest whole checkpoint below `folder`, and the newer ones that are damaged.

    Every byte is read and compared with the marker.
    """
    damaged: list[Path] = []
    for path in reversed(_all(folder)):
        if whole(path):
            return path, damaged
        damaged.append(path)
    return None, damaged


def whole(path: Path) -> bool:
    """Whether the marker is there and every file has the size and the hash that it names."""
    try:
        marker = read_json(path / COMPLETE)
        return bool(marker) and all(
            _identity(path / name) == identity for name, identity in marker.items()
        )
    except (OSError, ValueError, AttributeError):
        return False


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Put the checkpoint into model, optimizer and torch's generators; returns its state."""
    weights = load_file(path / "model.safetensors")
    with torch.no_grad():
        for name, tensor in _weights(model).items():
            tensor.copy_(weights[name])
    _set_moments(model, optimizer, load_file(path / "optimizer.safetensors"))
    for name, state in load_file(path / "random.safetensors").items():
        if name == "cpu":
            torch.set_rng_state(state)
        elif name.startswith("cuda") and torch.cuda.is_available():
            torch.cuda.set_rng_state(state, int(name.removeprefix("cuda.")))
    return json.loads((path / "state.json").read_bytes())


def clear(folder: Path) -> None:
    """Remove all checkpoints: the model is finished."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


# --- what a checkpoint holds -------------------------------------------------------------


def _weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters, shared ones under their first name, and the buffers that are saved as well."""
    names = set(model.state_dict())
    found = {name: p.detach() for name, p in model.named_parameters()}
    found |= {name: b for name, b in model.named_buffers() if name in names}
    return {name: tensor.contiguous() for name, tensor in found.items()}


def _names(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
    """The names of the optimizer's parameters in the order of its own numbering."""
    by_id = {id(p): name for name, p in model.named_parameters()}
    return [by_id[id(p)] for group in optimizer.param_groups for p in group["params"]]


def _moments(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    states = optimizer.state_dict()["state"]
    return {
        f"{key}.{name}": torch.as_tensor(value).contiguous()
        for number, name in enumerate(_names(model, optimizer))
        for key, value in states.get(number, {}).items()
    }


def _set_moments(
    model: nn.Module, optimizer: torch.optim.Optimizer, moments: dict[str, torch.Tensor]
) -> None:
    numbers = {name: number for number, name in enumerate(_names(model, optimizer))}
    states: dict[int, dict[str, torch.Tensor]] = {}
    for key_and_name, value in moments.items():
        key, _, name = key_and_name.partition(".")
        states.setdefault(numbers[name], {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": states})


def _random_states() -> dict[str, torch.Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        for number, state in enumerate(torch.cuda.get_rng_state_all()):
            states[f"cuda.{number}"] = state
    return states


# --- files -------------------------------------------------------------------------------


def _all(folder: Path) -> list[Path]:
    base = folder / FOLDER
    if not base.is_dir():
        return []
    return sorted(path for path in base.iterdir() if _NAME.match(path.name))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        # Without its marker it is no checkpoint, however far the removal gets.
        (path / COMPLETE).unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)


def _identity(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "xxh3_128": hash_file(path)}


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
