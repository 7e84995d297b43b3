"""Files of rule sets: YAML to plain values with the line and column of each key.

Reading the three sets of a usual recipe takes ruamel.yaml a quarter of a second. So what the
shipped files hold is kept in the user's cache, under a hash of the file and of who read it.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ruamel.yaml
import xxhash

from corpusmith.errors import UserError
from corpusmith.kernels.sources import user_cache
from corpusmith.store.atomic import write_bytes

FORMAT = 1  # of what `read` makes of the same file

Keys = tuple[str, ...]
Positions = dict[Keys, tuple[int, int]]


def read(text: str) -> tuple[Any, Positions]:
    """The values in a file, and line and column, from 1, of each key. Raises ruamel's errors."""
    positions: Positions = {}
    tree = ruamel.yaml.YAML(typ="rt", pure=True).load(text)
    return _plain(tree, (), positions), positions


def read_shipped(text: str, folder: Path | None = None) -> tuple[Any, Positions]:
    """The same for a file that comes with corpusmith, from the cache (in `folder`) where it is."""
    reader = (FORMAT, importlib.metadata.version("ruamel.yaml"))
    name = xxhash.xxh3_128_hexdigest(repr((reader, text)).encode())
    path = (folder or user_cache() / "rules") / f"{name}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(path.read_bytes())
        return found["values"], {tuple(keys): (line, at) for keys, line, at in found["positions"]}
    values, positions = read(text)
    rows = [[keys, line, at] for keys, (line, at) in positions.items()]
    # Where it can't be written it is read again each time.
    with contextlib.suppress(OSError, UserError):
        write_bytes(path, json.dumps({"values": values, "positions": rows}).encode(), sync=False)
    return values, positions


def _plain(node: Any, keys: Keys, positions: Positions) -> Any:
    """Dicts and lists of YAML's tree; notes line and column of each key."""
    if isinstance(node, Mapping):
        marks = getattr(getattr(node, "lc", None), "data", None) or {}
        for key in node:
            if key in marks:
                positions[(*keys, key_of(key))] = (marks[key][0] + 1, marks[key][1] + 1)
        return {key_of(key): _plain(node[key], (*keys, key_of(key)), positions) for key in node}
    return [_plain(item, keys, positions) for item in node] if isinstance(node, list) else node


def key_of(key: Any) -> str:
    # YAML reads the bare key `null` as the value null, which a recipe may pass on as a text.
    return "null" if key is None or key == "None" else str(key)
