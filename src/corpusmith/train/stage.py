"""Stage `train`: tokens and a mix in, a Transformers checkpoint out.

config.json, generation_config.json, model.safetensors    GPT2LMHeadModel.from_pretrained
tokenizer.json, tokenizer_config.json                     AutoTokenizer.from_pretrained
metrics.jsonl        a line every `log_every` steps
tensorboard/         the same as events
setting.json         dtype, compile, threads, device, and what they were chosen on
training.json        written last: parameters, tokens trained, setting, hashes of the files
progress.json        while it trains: step, steps, loss, tokens_per_second
checkpoints/         while it trains, see `corpusmith.train.checkpoint`
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpusmith.errors import InputError, MissingExtraError
from corpusmith.op import TaskContext, Work
from corpusmith.store.atomic import disk_errors, read_json, write_json
from corpusmith.store.fingerprint import hash_file, hash_json
from corpusmith.tokenize.documents import clean_parts, rewriting_folders
from corpusmith.train.params import EXTRA, SHAPES, TrainParams

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from corpusmith.train.machine import Setting

TRAINING = "training.json"
SETTING = "setting.json"
PROGRESS = "progress.json"
CLOCKED = (TRAINING, SETTING, "metrics.jsonl", "tensorboard/")
"""What has a clock in it, and so no checksum."""


def execute(work: Work) -> None:
    """Train in a process of its own. Parameters: `train` (`TrainParams`) and `pack`.

    Inputs: tokenizer, tokens, mix; for `eval_every` also the cleaned parts and `split`.
    """
    spec: dict[str, Any] = {
        "tokens": str(work.inputs["tokens"]),
        "mix": str(work.inputs["mix"]),
        "tokenizer": str(work.inputs["tokenizer"]),
        "pack": work.params["pack"],
        "train": work.params["train"],
        "seed": work.seed,
        "held_out": [],
    }
    if TrainParams.model_validate(work.params["train"]).eval_every:
        if "split" in work.inputs:
            split = str(work.inputs["split"])
            after = [str(folder) for folder in rewriting_folders(work)]
            spec["held_out"] = [[str(f), part, split, *after] for f, part in clean_parts(work)]
        else:
            work.warnings.append(
                "train.eval_every has no effect: no documents are held out for this stage"
            )
    result = work.engine.once("corpusmith.train.stage:task", spec, folder=work.folder)
    work.warnings += result.pop("warnings", [])
    work.info.update(result)


def task(spec: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """Train, or go on training, in `ctx.folder`; returns what is in training.json, but for times.

    Raises MissingExtraError without the extra `train`, InputError where the tokens are too few
    or the checkpoint to start from does not fit, CheckError where training diverges.
    """
    require_train_extra()
    from corpusmith.train import machine

    machine.keep_memory()  # before PyTorch allocates anything
    folder = Path(ctx.folder)
    params = TrainParams.model_validate(spec["train"])
    finished = _finished(folder, spec)
    if finished is None:
        finished = _train(spec, params, folder, ctx)
    return {k: v for k, v in finished.items() if k not in ("seconds", "files", "spec")}


def require_train_extra() -> None:
    """MissingExtraError where a library of the extra `train` is not installed."""
    import importlib.util

    for name in EXTRA:
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(name, "train")


def _train(
    spec: dict[str, Any], params: TrainParams, folder: Path, ctx: TaskContext
) -> dict[str, Any]:
    import torch

    from corpusmith.tokenize.pack import PackedDataset
    from corpusmith.tokenize.tokenizer import Tokenizer
    from corpusmith.train import checkpoint, loop
    from corpusmith.train.data import Shuffled, held_out_windows
    from corpusmith.train.model import build_model, parameter_counts

    torch.set_num_threads(params.threads)
    tokenizer = Tokenizer.load(find_tokenizer(Path(spec["tokenizer"])))
    length = int(spec["pack"]["length"])
    packed = PackedDataset(
        spec["tokens"], spec["mix"], length, spec["seed"], isolate=bool(spec["pack"]["isolate"])
    )
    windows = Shuffled(packed, spec["seed"])
    if windows.tokens_per_epoch < length:
        raise InputError(
            f"{windows.tokens_per_epoch:,} tokens to train on are less than one window of {length}",
            where=str(spec["mix"]),
            hint="add documents, loosen the rules (corpusmith show), or shorten pack.length",
        )
    model = build_model(
        params,
        vocab_size=tokenizer.vocab_size,
        end_token=tokenizer.end_token,
        length=length,
        seed=spec["seed"],
    )
    setting = _setting(params, model, windows, folder)
    model.to(torch.device(setting.device))  # type: ignore[arg-type]
    held_out = []
    if spec["held_out"]:
        documents = list(_held_out_tokens(spec["held_out"], tokenizer))
        if documents:
            held_out = held_out_windows(documents, length, tokenizer.end_token, params.eval_windows)

    warnings = list(setting.notes)

    def progress(state: loop.State, line: dict[str, Any]) -> None:
        speed = line["tokens"] / max(state.seconds, 1e-9)
        write_json(
            folder / PROGRESS,
            {
                "step": state.step,
                "steps": params.steps,
                "loss": line["loss"],
                "tokens_per_second": round(speed),
            },
        )
        tell = getattr(ctx, "progress", None)
        if tell is not None:
            note = f"step {state.step:,}, loss {line['loss']:.3f}, {speed:,.0f} tokens/s"
            tell(state.step / params.steps, note)

    state = loop.train(
        model,
        windows,
        params,
        setting,
        folder,
        held_out=held_out,
        progress=progress,
        warn=warnings.append,
    )
    _write_model(folder, model, tokenizer)
    tokens = state.window * length
    last = loop.read_metrics(folder)[-1]
    result = {
        "model": params.model if params.model in SHAPES else Path(params.model).name,
        **parameter_counts(model),
        "length": length,
        "vocab_size": tokenizer.vocab_size,
        "steps": state.step,
        "windows": state.window,
        "tokens_trained": tokens,
        "tokens_per_epoch": windows.tokens_per_epoch,
        "unique_tokens": packed.unique_tokens,
        "epochs": tokens / windows.tokens_per_epoch,
        "loss": last["loss"],
        "initializer_range": model.config.initializer_range,
        "seed": spec["seed"],
        "dtype": setting.dtype,
        "compile": setting.compile,
        "threads": setting.threads,
        "device": setting.device,
        "processor": read_json(folder / SETTING)["processor"],
        "warnings": warnings,
    }
    seconds = round(state.seconds, 3)
    files = {
        path.name: hash_file(path)
        for path in sorted(folder.iterdir())
        if path.suffix in (".json", ".safetensors") and path.name not in (PROGRESS, TRAINING)
    }
    finished = {**result, "seconds": seconds, "files": files, "spec": _identity(spec)}
    write_json(folder / TRAINING, finished)
    (folder / PROGRESS).unlink(missing_ok=True)
    checkpoint.clear(folder)
    return finished


def find_tokenizer(folder: Path) -> Path:
    """The tokenizer's own folder: the stage's, or the one below it that has the files."""
    for candidate in (folder, folder / "tokenizer"):
        if (candidate / "tokenizer.json").is_file():
            return candidate
    return folder


def _setting(params: TrainParams, model: PreTrainedModel, windows: Any, folder: Path) -> Setting:
    """What an earlier start chose, else a new choice, written down before the first step."""
    from accelerate import Accelerator

    from corpusmith.train import machine
    from corpusmith.train.data import batch_of

    path = folder / SETTING
    names = {field.name for field in dataclasses.fields(machine.Setting)}
    try:
        stored = read_json(path)
    except (OSError, ValueError):
        device = Accelerator(cpu=params.device == "cpu").device
        model.to(device)
        per_step = params.windows_per_step(windows.length)
        count = min(params.micro_batch or per_step, per_step)
        batch = batch_of(windows, range(count)).to(device)
        setting = machine.choose(params, model, batch, device)
        write_json(path, machine.report(setting))
        return setting
    return machine.Setting(**{name: value for name, value in stored.items() if name in names})


def _held_out_tokens(entries: list[list[str]], tokenizer: Any) -> Any:
    from corpusmith.train.data import held_out_documents

    for folder, part, split, *after in entries:
        paths = [Path(path) for path in after]
        for table in held_out_documents(Path(folder), part, Path(split), ["id", "text"], paths):
            yield from tokenizer.encode_batch(table["text"].to_pylist())


def _write_model(folder: Path, model: PreTrainedModel, tokenizer: Any) -> None:
    """Write the files that Transformers loads; each is there whole or not at all."""
    temporary = folder / f".model.{os.getpid()}.tmp"
    with disk_errors(folder):
        shutil.rmtree(temporary, ignore_errors=True)
        model.save_pretrained(temporary, safe_serialization=True)
        tokenizer.save(temporary)
        for path in sorted(temporary.iterdir()):
            with open(path, "rb") as file:
                os.fsync(file.fileno())
            os.replace(path, folder / path.name)
        shutil.rmtree(temporary, ignore_errors=True)


def _identity(spec: dict[str, Any]) -> str:
    return hash_json({key: spec[key] for key in ("pack", "train", "seed")})


def _finished(folder: Path, spec: dict[str, Any]) -> dict[str, Any] | None:
    """training.json of a run that ended after it was written, if its files are still whole."""
    try:
        found = read_json(folder / TRAINING)
        whole = found["spec"] == _identity(spec) and all(
            hash_file(folder / name) == digest for name, digest in found["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return None
    return found if whole else None
