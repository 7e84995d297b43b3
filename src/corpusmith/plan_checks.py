"""What can be known before a run, so that it does not fail after hours: extras, tokenizers, and
checkpoints that the recipe names. Only what would be made anew is looked at.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpusmith.collect.readers import ReaderSpec, function_of
from corpusmith.errors import CorpusmithError, InputError, MissingExtraError
from corpusmith.recipe import Recipe, Where
from corpusmith.train.params import EXTRA, SHAPES

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?\Z")


def at(
    recipe: Recipe, where: Where, check: Callable[..., Any], *arguments: Any, key: bool = False
) -> Any:
    """What `check` returns; its error gets the line and column of `where` (`key`: of its key)."""
    try:
        return check(*arguments)
    except CorpusmithError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        raise recipe.error(
            where, what, expected=error.expected, hint=error.hint, key=key
        ) from error


def reader_installed(spec: ReaderSpec, params: dict[str, Any]) -> None:
    """MissingExtraError where a reader's libraries are not installed."""
    function_of(spec)
    extract = params.get("extract")
    if extract not in (None, "corpusmith") and importlib.util.find_spec(extract) is None:
        raise MissingExtraError(extract, spec.extra)


def training_installed() -> None:
    """MissingExtraError where a library of the extra `train` is not installed."""
    for name in EXTRA:
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(name, "train")


def named_files(recipe: Recipe, where: Where, text: str, what: str) -> Path | None:
    """The local file or folder that `text` names; None where it can only be an id of the hub.

    InputError where it is a path, and nothing is there: one with `.`, `~` or `/` in front, with
    more than one slash, with the suffix .json, or in a folder that is there. Whoever takes a path
    from the environment means a path as well: what the hub gives is not known by its content.
    """
    path = recipe.resolve(text)
    if path.exists():
        return path
    a_path = text.endswith(".json") or not _HUB_ID.match(text)
    if a_path or where in recipe.templates or ("/" in text and path.parent.is_dir()):
        raise InputError(
            f"there is no {what} {text}",
            expected=f"a file or folder that is there (looked for at {path}), or an id of the hub",
            hint=f"ls {path.parent}",
        )
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtraError("huggingface_hub", "train")
    return None


def tokenizer_loads(path: Path, end_token: str | None) -> int:
    """The size of its vocabulary; InputError where there is no whole tokenizer."""
    from corpusmith.tokenize.tokenizer import Tokenizer

    return Tokenizer.load(path, end_token=end_token).vocab_size


def checkpoint_fits(folder: Path, length: int, vocab_size: int | None) -> None:
    """InputError where a model to start from lacks its files, or is too small.

    `length`: tokens of a window; `vocab_size`: of the tokenizer, None where it is not made yet.
    """
    expected = "a folder with config.json and *.safetensors (a Transformers checkpoint)"
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder", expected=expected)
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"can't read its config.json: {error}", expected=expected) from error
    if not any(folder.glob("*.safetensors")):
        raise InputError(f"no *.safetensors in {folder}", expected=expected)
    if not isinstance(config, dict):
        raise InputError("its config.json is no mapping", expected=expected)
    rows = config.get("vocab_size")
    if isinstance(rows, int) and vocab_size is not None and vocab_size > rows:
        raise InputError(
            f"the tokenizer has {vocab_size:,} tokens, the model only {rows:,}",
            hint="use the model's own tokenizer: tokenize: {load: ...}",
        )
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    if isinstance(positions, int) and length > positions:
        raise InputError(
            f"windows of {length} tokens do not fit into the model's {positions} positions",
            hint=f"pack: {{length: {positions}}}",
        )


def is_checkpoint(model: str) -> bool:
    """Whether `train: {model: ...}` names weights to start from, not a shape."""
    return model not in SHAPES
