"""Operations by address: "package.module:function" of ours, or "./mine.py:function" of a user's."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from pathlib import Path

import xxhash

from corpusmith.errors import UserError, nearest
from corpusmith.op import Operation


def is_user_address(address: str) -> bool:
    return ".py:" in address


@functools.cache
def load_operation(address: str) -> Operation:
    """The operation behind an address; UserError where a user's file doesn't have it."""
    location, _, name = address.rpartition(":")
    if not is_user_address(address):
        return getattr(importlib.import_module(location), name).operation
    path = Path(location)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"can't read {path}: {error.strerror}", expected="FILE.py:FUNCTION"
        ) from error
    # Named by path, so that two files of one name don't collide.
    module_name = f"_corpusmith_user_{xxhash.xxh3_64_hexdigest(str(path.resolve()).encode())}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except Exception as error:
        raise UserError(
            f"{path} can't be imported: {type(error).__name__}: {error}",
            hint=f"python {path} shows the whole traceback",
        ) from error
    function = getattr(module, name, None)
    if function is None:
        names = [n for n, v in vars(module).items() if hasattr(v, "operation")]
        raise UserError(f"{path} has no function {name!r}", expected=nearest(name, names or ["-"]))
    if not hasattr(function, "operation"):
        raise UserError(
            f"{name} in {path} is not an operation",
            expected='a function under @corpusmith.op("name.v1", kind="measure", adds=...)',
        )
    return function.operation
