"""Exact substring deduplication of 100 MB of real text, and a suffix array of the same tokens.

    python -m benchmarks.substring [--megabytes 100] [--small]

Text: Debian's HTML documentation without its tags, in 15 languages, and Go's source, mixed by seed.
`seconds` is what the stage `dedup: {substring: {tokens: 50}}` takes with two workers, from the
cleaned documents on disk to the new texts with all their records, workers and kernels being there;
`peak_mb` the most memory that both workers had together, their libraries (about 200 MB each) and
what is mapped of files included. `suffix_array_*` is the other way to the same result: all
tokens numbered, SA-IS, common prefixes, first repeats, in one process on one core and in memory;
it must find the same number of tokens to remove. `cpu_seconds` and `suffix_array_seconds` are CPU
time of one process, the latter without reading and tokenizing.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import data
from benchmarks.common import ROOT, claim, environment, events, report
from corpusmith import catalog, runner
from corpusmith.dedup import substring
from corpusmith.engine.local import LocalEngine
from corpusmith.engine.worker import peak_memory_bytes
from corpusmith.kernels import suffix, tokens, windows
from corpusmith.kernels.buffers import text_buffers
from corpusmith.op import Work
from tests.inline import InlineEngine

MEGABYTES = 100
WINDOW = 50
SECONDS = 120
MEMORY = 12  # bytes a byte of text
PIECE = 1000  # documents
RECIPE = f"""
corpusmith: 1
corpus: substring
sources:
  texts: {{read: jsonl, path: texts.jsonl}}
clean:
  - dedup: {{substring: {{tokens: {WINDOW}}}}}
"""


def main(small: bool = False, megabytes: float = MEGABYTES) -> dict[str, Any]:
    """Measure and print; returns the last line."""
    with LocalEngine(1, warm=catalog.KERNELS) as engine:
        engine.warm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size, words = _write(folder / "texts.jsonl", 1e6 if small else megabytes * 1e6, small)
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        two = _measure(folder)
        cpu_seconds, removed = _one_process(folder)
        if two["removed_tokens"] != removed:
            raise AssertionError("one process and two workers remove different tokens")
        other = _in_a_child(folder / "texts.jsonl")
    if other["removed_tokens"] != two["removed_tokens"]:
        raise AssertionError(
            f"the suffix array removes {other['removed_tokens']:,} tokens, the windows "
            f"{two['removed_tokens']:,}"
        )
    result = {
        "name": "substring",
        "mb": round(size / 1e6, 1),
        "seconds": two["seconds"],
        "mb_per_s": round(size / 1e6 / two["seconds"], 1),
        "workers": 2,
        "cpu_seconds": cpu_seconds,
        "mb_per_cpu_second": round(size / 1e6 / cpu_seconds, 1),
        "peak_mb": two["peak_mb"],
        "peak_bytes_per_text_byte": round(two["peak_mb"] * 1e6 / size, 2),
        "documents": two["in"],
        "tokens": two["tokens"],
        "removed_tokens": two["removed_tokens"],
        "removed_frac": round(two["removed_bytes"] / size, 4),
        "documents_changed": two["changed"],
        "documents_emptied": two["left"],
        "seconds_by_round": two["by_round"],
        "scratch_bytes_per_text_byte": round(two["scratch_bytes"] / size, 2),
        **{f"suffix_array_{key}": value for key, value in other.items() if key != "removed_tokens"},
        "data": words,
    }
    if not small:
        scaled = round(two["seconds"] * MEGABYTES * 1e6 / size, 1)
        memory = result["peak_bytes_per_text_byte"]
        result["claims"] = [
            claim("MB of text deduplicated by substring", result["mb"], f"{MEGABYTES - 1}.."),
            claim(f"seconds for {MEGABYTES} MB of text, 2 workers", scaled, f"..{SECONDS}"),
            claim("bytes of memory a byte of text, both workers", memory, f"..{MEMORY}"),
        ]
    return report(result)


def _write(path: Path, wanted: float, small: bool) -> tuple[int, str]:
    """JSON Lines of about so many bytes of text; the bytes, and in words what it is."""
    if small:
        texts, words = iter(data.library_texts()), "the standard library's source"
    else:
        folders, words = data.folders((*data.HTML_PACKAGES, "golang-1.19-src"))
        paths = [p for f in folders for s in (".html", ".go", ".py") for p in data.files(f, s)]
        random.Random(0).shuffle(paths)
        texts = _texts(paths)
    size = 0
    with open(path, "w", encoding="utf-8") as file:
        for text in texts:
            size += len(text.encode())
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
            if size >= wanted:
                break
    return size, f"{words}: pages without their tags, and source"


def _texts(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        yield re.sub(r"<[^>]*>", "", text) if path.suffix == ".html" else text


def _measure(folder: Path) -> dict[str, Any]:
    workdir = folder / "run"
    run = runner.run(folder / "recipe.yaml", workdir=workdir, workers=2)
    done = [e for e in events(workdir) if e["event"] == "done" and _of_stage(e)]
    peaks: dict[int, int] = {}
    by_round: dict[str, float] = {}
    for event in done:
        peaks[event["worker"]] = max(peaks.get(event["worker"], 0), event["peak_memory_bytes"])
        name = event["round"]
        by_round[name] = round(by_round.get(name, 0.0) + event["seconds"], 3)
    return {
        **run.info("decide.substring"),
        "seconds": run.summary["seconds"]["decide.substring"],
        "peak_mb": round(sum(peaks.values()) / 1e6, 1),
        "by_round": by_round,
        "scratch_bytes": sum(e["bytes_written"] for e in done if e["round"] != "main"),
    }


def _one_process(folder: Path) -> tuple[float, int]:
    """CPU seconds of the stage on the same cleaned documents, and the tokens that it removes."""
    windows.warm()
    [cleaned] = (folder / "run" / "store").glob("clean.texts-*")
    work = Work(
        folder=folder / "one",
        params={"step": "substring", "sources": ["texts"], "after": [], "tokens": WINDOW},
        inputs={"clean.texts": cleaned},
        engine=InlineEngine(),
    )
    began = time.process_time()
    substring.execute(work)
    return round(time.process_time() - began, 2), work.info["removed_tokens"]


def _of_stage(event: dict[str, Any]) -> bool:
    return bool(event["stage"] == "decide.substring")


# --- the other way -----------------------------------------------------------------------


def _in_a_child(path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.substring", "--suffix-array", str(path)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def by_suffix_array(path: Path) -> dict[str, Any]:
    """{"seconds", "peak_mb", "removed_tokens"} of the texts of a file, in the file's order."""
    suffix.warm()
    windows.warm()
    hashes, ends = _hashes(path)
    began = time.process_time()
    _, numbers = np.unique(hashes, return_inverse=True)
    del hashes
    rows = len(ends) - 1
    # A separator, number 0, behind each document.
    values = np.zeros(len(numbers) + rows, np.int32)
    places = np.arange(len(numbers)) + np.repeat(np.arange(rows), np.diff(ends))
    values[places] = numbers + 1
    del numbers, places
    ends = ends + np.arange(rows + 1)
    array = suffix.suffix_array(values)
    common = suffix.common_prefixes(values, array)
    first = suffix.first_repeats(array, common, WINDOW)
    del array, common, values
    for begin, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        first[max(begin, end - WINDOW) : end] = -1  # these hold a separator
    own = np.arange(len(first))
    source = np.where((first >= 0) & (first != own), 0, -1)
    repeated = first == own
    found = np.zeros((len(first) // 2 + 1, 4), np.int64)
    spans = found[: windows.removed_spans(source, repeated, ends, WINDOW, found)]
    return {
        "seconds": round(time.process_time() - began, 2),
        "peak_mb": round(peak_memory_bytes() / 1e6, 1),
        "removed_tokens": int((spans[:, 2] - spans[:, 1]).sum()),
    }


def _hashes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """uint64[tokens] and int64[documents + 1], a thousand documents at a time."""
    seed, multiplier, _, _ = windows.hash_constants(0)
    hashes, ends = [np.zeros(0, np.uint64)], [np.zeros(1, np.int64)]

    def add(texts: list[str]) -> None:
        data_, offsets = text_buffers(pa.array(texts, pa.large_string()))
        size = len(data_)
        mine, last = np.empty(size, np.uint64), np.empty(len(offsets), np.int64)
        tokens.canonical(
            data_, offsets, *tokens.class_tables(), seed, multiplier, 0,
            np.empty(2 * size, np.uint8), np.empty(size, np.uint32), mine, last,
        )  # fmt: skip
        hashes.append(mine[: last[-1]].copy())
        ends.append(ends[-1][-1] + last[1:])

    texts: list[str] = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            texts.append(json.loads(line)["text"])
            if len(texts) == PIECE:
                add(texts)
                texts = []
    add(texts)
    return np.concatenate(hashes), np.concatenate(ends)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--megabytes", type=float, default=MEGABYTES)
    parser.add_argument("--small", action="store_true", help="a megabyte, in seconds")
    parser.add_argument("--suffix-array", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.suffix_array:
        print(json.dumps(by_suffix_array(options.suffix_array)))
    else:
        main(options.small, options.megabytes)
