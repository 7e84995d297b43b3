"""All text signals (quality, repetition, code) on one core.

    python -m benchmarks.signals [--megabytes 100] [--data ../shared/data/html ...]

Text: the standard library's source and the documentation files of installed packages, and
with `--data` also the text of files (.txt .md .rst .html .json) below those folders. Documents
are taken over again in another order until there is enough. The last line is one of JSON:
megabytes of UTF-8, seconds that one core worked for the measures alone (CPU time of the
process, after compilation; nothing here runs on two cores), and their quotient.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusmith.clean.code import code
from corpusmith.clean.quality import quality
from corpusmith.clean.repetition import repetition
from corpusmith.kernels import codescan, signals
from corpusmith.op import Context

BATCH_BYTES = 8 << 20


def main(
    megabytes: float = 100, data: list[Path] | None = None, kinds: bool = False
) -> dict[str, Any]:
    """Measure and print; returns the final line. `kinds` also measures each kind by itself."""
    documents = _some(_documents(data or []), 4 * megabytes)
    signals.warm()
    codescan.warm()
    if kinds:
        for kind in sorted({document[0] for document in documents}):
            some = [document for document in documents if document[0] == kind]
            print(f"{kind:10}", json.dumps(_measure(some, min(megabytes, 20))))
    result = {"name": "signals", **_measure(documents, megabytes)}
    print(json.dumps(result))
    return result


def _some(
    documents: Iterator[tuple[str, str, str]], megabytes: float
) -> list[tuple[str, str, str]]:
    """The documents, or the first of them if there are more than so many megabytes."""
    some = []
    size = 0
    for document in documents:
        some.append(document)
        size += len(document[2].encode())
        if size > megabytes * 1e6:
            break
    return some


def _measure(documents: list[tuple[str, str, str]], megabytes: float) -> dict[str, float]:
    total = 0
    seconds = 0.0
    for batch in _batches(documents, int(megabytes * 1e6)):
        started = time.process_time()
        for operation in (quality, repetition, code):
            operation(batch, Context())
        seconds += time.process_time() - started
        total += sum(len(text.as_py().encode()) for text in batch.column("text"))
    return {
        "mb": round(total / 1e6, 1),
        "seconds": round(seconds, 3),
        "mb_per_s": round(total / 1e6 / seconds, 1),
    }


def _batches(documents: list[tuple[str, str, str]], wanted: int) -> Iterator[pa.Table]:
    order = random.Random(0)
    rows: list[tuple[str, str, str]] = []
    size = done = 0
    while done < wanted:
        for row in order.sample(documents, len(documents)):
            length = len(row[2].encode())
            rows.append(row)
            size += length
            done += length
            if size >= BATCH_BYTES or done >= wanted:
                yield _table(rows)
                rows, size = [], 0
            if done >= wanted:
                return


def _table(rows: list[tuple[str, str, str]]) -> pa.Table:
    return pa.table(
        {
            "text": pa.array([text for _, _, text in rows], pa.large_string()),
            "uri": [uri for _, uri, _ in rows],
            "modality": ["code" if kind == "code" else "text" for kind, _, _ in rows],
            "meta": ["{}"] * len(rows),
        }
    )


def _documents(folders: list[Path]) -> Iterator[tuple[str, str, str]]:
    """(kind, uri, text) of every document, in the order of the names."""
    paths = sysconfig.get_paths()
    library = Path(paths["stdlib"])
    for path in sorted(library.rglob("*.py")):
        if "site-packages" not in path.parts:
            yield from _read("code", path)
    for suffix in ("md", "rst", "txt"):
        for path in sorted(Path(paths["purelib"]).rglob(f"*.{suffix}")):
            yield from _read("readme", path)
    for path in sorted(Path(paths["purelib"]).glob("*.dist-info/METADATA")):
        yield from _read("readme", path)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".txt", ".md", ".rst", ".html"):
                yield from _read(folder.name, path)
            elif path.suffix == ".json":
                for text in _strings(json.loads(path.read_text("utf-8"))):
                    yield folder.name, str(path), text


def _read(kind: str, path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return
    if path.suffix == ".html":
        text = re.sub(r"<[^>]*>", "", text)
    if text:
        yield kind, str(path), text


def _strings(value: Any) -> Iterator[str]:
    """The longer strings in a JSON value."""
    if isinstance(value, str) and len(value) > 100:
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--kinds", action="store_true", help="measure each kind by itself too")
    options = parser.parse_args()
    main(options.megabytes, options.data, options.kinds)
