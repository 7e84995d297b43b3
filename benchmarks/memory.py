"""Peak memory of the largest process while 1 GB passes: JSON Lines, plain, gz, zst; one line.

    python -m benchmarks.memory [--megabytes 1000] [--small]

The lines are documents of the standard library's text, cut at random, so that few are equal. They
go through the whole cleaning with two workers. Then a file with one line of the same size between
200 good ones: that line must be found out while streaming, and quarantined, the others kept.
Peaks are the kernel's high-water marks of resident memory: of every process of the run (`peak_*`),
and of the workers alone as events.jsonl has them (`worker_*`); MB are 10^6 bytes.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

from benchmarks import data
from benchmarks.common import claim, events, report, run
from corpusmith.report.run import Run

MEGABYTES = 1000
DOCUMENT_CHARS = (500, 20_000)
GOOD_LINES = 200
RECIPE = """
corpusmith: 1
corpus: memory
sources:
  big: {{read: jsonl, path: "{name}"}}
clean:
  - normalize
  - language
  - measure: [quality, repetition]
  - keep: {{name: ours, where: {{words: 1..}}}}
  - dedup: exact
  - dedup: {{near: {{threshold: 0.8}}}}
  - pii: mask
"""
OPENERS = {
    "plain": ("big.jsonl", lambda path: open(path, "wb")),
    "gz": ("big.jsonl.gz", lambda path: gzip.open(path, "wb", compresslevel=1)),
    "zst": ("big.jsonl.zst", lambda path: zstandard.open(path, "wb")),
}


def main(small: bool = False, megabytes: float = MEGABYTES) -> dict[str, Any]:
    """Measure and print; returns the last line. AssertionError where the long line isn't found."""
    wanted = int((8 if small else megabytes) * 1e6)
    # A line may be as long as a document, 64 MiB; the small form's must be longer, too.
    line = max(wanted, 70_000_000)
    texts = data.library_texts()
    # What the parent holds when it starts a process counts as that process's: hold no more.
    text = "\n".join(texts)
    del texts
    result: dict[str, Any] = {"name": "memory", "mb": round(wanted / 1e6, 1)}
    for kind in ("gz",) if small else tuple(OPENERS):
        name, opener = OPENERS[kind]
        with tempfile.TemporaryDirectory() as folder:
            with opener(Path(folder) / name) as file:
                _documents(file, text, wanted)
            found, _ = _measure(Path(folder), name)
            result |= {f"{key}_{kind}": value for key, value in found.items()}
    with tempfile.TemporaryDirectory() as folder:
        with open(Path(folder) / "line.jsonl", "wb") as raw:
            _one_line(raw, text, line)
        found, done = _measure(Path(folder), "line.jsonl")
        result |= {f"{key}_line": value for key, value in found.items()}
        counts = done.summary["documents"]
        assert counts["quarantined"] == 1, counts
        assert counts["read"] == GOOD_LINES + 1, counts
        [bad] = done.quarantine().to_pylist()
        result["line_mb"] = round(line / 1e6, 1)
        result["line_quarantined_as"] = bad["error"]
    result["seconds"] = round(sum(v for k, v in result.items() if k.startswith("seconds_")), 1)
    result["data"] = "the standard library's source, cut at random"
    if not small:
        kinds = ", ".join(OPENERS)
        peak = max(result[f"peak_mb_{kind}"] for kind in OPENERS)
        result["claims"] = [
            claim(f"peak MB of a process, 1 GB of JSON Lines ({kinds})", peak, "..1500"),
            claim("peak MB of a process, one line of 1 GB", result["peak_mb_line"], "..1000"),
        ]
    return report(result)


def _pieces(text: str) -> Iterator[str]:
    chosen = random.Random(0)
    while True:
        length = chosen.randint(*DOCUMENT_CHARS)
        start = chosen.randrange(len(text) - length)
        yield text[start : start + length]


def _documents(file: IO[bytes] | io.BufferedIOBase, text: str, wanted: int) -> None:
    """JSON Lines of so many bytes."""
    size = 0
    for number, piece in enumerate(_pieces(text)):
        line = json.dumps({"text": piece, "number": number}, ensure_ascii=False).encode() + b"\n"
        file.write(line)
        size += len(line)
        if size >= wanted:
            return


def _one_line(file: IO[bytes], text: str, wanted: int) -> None:
    """Good lines, one with so many bytes of text, and good lines."""
    pieces = _pieces(text)
    for number in range(GOOD_LINES + 1):
        if number == GOOD_LINES // 2:
            file.write(b'{"text": "')
            size = 0
            while size < wanted:
                size += file.write(json.dumps(next(pieces)).encode()[1:-1])
            file.write(b'"}\n')
        else:
            file.write(json.dumps({"text": next(pieces)}).encode() + b"\n")


def _measure(folder: Path, name: str) -> tuple[dict[str, float], Run]:
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(name=name), encoding="utf-8")
    workdir = folder / "work"
    arguments = ("run", recipe, "--workdir", workdir, "--workers", 2, "--progress", "none")
    seconds, peak = run(*arguments, log=folder / "log")
    workers = max(e.get("peak_memory_bytes", 0) for e in events(workdir))
    found = {
        "peak_mb": round(peak / 1e6),
        "worker_mb": round(workers / 1e6),
        "seconds": round(seconds, 1),
    }
    return found, Run(workdir)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--megabytes", type=float, default=MEGABYTES)
    parser.add_argument("--small", action="store_true", help="8 MB and a line of 70 MB")
    options = parser.parse_args()
    main(options.small, options.megabytes)
