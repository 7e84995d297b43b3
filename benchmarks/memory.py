"""Peak memory of a whole run over one large file: JSON Lines (plain, gz, zst), and 1 GB in one
line, which ends in quarantine.

    python -m benchmarks.memory [--gigabytes 0.3] [--cases plain,gz,zst,one_line] [--small]

The text is real: Debian's pages with their tags and Go's source, whole files first, then the same
files cut into documents at other places in each further pass. Every run reads, cleans with all
measures, edits and masking, finds exact and near duplicates, splits, trains a tokenizer and makes
tokens, with two workers and kernels compiled before. Parts are of 64 MiB, as those of 1 GB and more
are, so that five of them tell what more of them need; `growth.py` runs up to 4 GB. `mb` is the
resident size of the largest process, `mb_by_stage` that of the largest worker in each stage.
Bounds: 1,500 MB, and 1,000 MB for the single line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import zstandard

from benchmarks import data
from benchmarks.common import claim, events, report, run
from corpusmith import catalog
from corpusmith.engine.local import LocalEngine
from corpusmith.report.run import Run

GIGABYTES = 0.3
LINE_BYTES = 1_000_000_000
BOUNDS_MB = {"plain": 1500, "gz": 1500, "zst": 1500, "one_line": 1000}
SMALL = ("gz", "one_line")
CUT_CHARS = (0, 4000, 6100, 8200, 10300)  # of each further pass; 0 = whole files
SHIFT_CHARS = 1300
CLEAN = """
corpusmith: 1
corpus: memory
sources: {s: {read: jsonl, path: "s/*", part_bytes: 67108864}}
max_quarantined: 1.0
clean:
  - normalize
  - language
  - measure: [quality, repetition, code]
  - keep: {name: ours, where: {words: 20..}}
  - edit: c4_lines
  - edit: dclm_lines
  - measure: [quality]
  - dedup: exact
  - dedup: {near: {threshold: 0.75}}
  - pii: mask
"""
TOKENS = """
split: {held_out: 0.02}
tokenize: {train: bpe, vocab: 8192}
"""


def main(
    gigabytes: float = GIGABYTES, small: bool = False, cases: Sequence[str] = tuple(BOUNDS_MB)
) -> dict[str, Any]:
    """Measure and print; returns the last line."""
    size = int((0.004 if small else gigabytes) * 1e9)
    with LocalEngine(1, warm=catalog.KERNELS) as engine:
        engine.warm()
    texts, words = _sources(small)
    result: dict[str, Any] = {"name": "memory", "mb": round(size / 1e6), "cases": {}}
    for case in SMALL if small else cases:
        with tempfile.TemporaryDirectory(prefix="corpusmith-") as name:
            # The line is found out while it is read: sparse, it costs nothing to be large.
            written = (60_000_000 if small else LINE_BYTES) if case == "one_line" else size
            result["cases"][case] = _measure(Path(name), case, written, texts)
        print(case, json.dumps(result["cases"][case]), flush=True)
    result["data"] = words
    if not small:
        result["claims"] = [
            claim(f"largest process of a whole run, MB, {case}", found["mb"], bound)
            for case, found in result["cases"].items()
            for bound in [f"..{BOUNDS_MB[case]}"]
        ]
    return report(result)


def _measure(folder: Path, case: str, size: int, texts: Sequence[Path]) -> dict[str, Any]:
    (folder / "s").mkdir()
    _write(folder / "s", case, size, texts)
    recipe = folder / "recipe.yaml"
    recipe.write_text(CLEAN + ("" if case == "one_line" else TOKENS), encoding="utf-8")
    workdir = folder / "work"
    seconds, peak = run(
        *("run", recipe, "--workdir", workdir, "--workers", 2), log=folder / "log.txt"
    )
    stages: dict[str, int] = {}
    for event in events(workdir):
        if "peak_memory_bytes" in event:
            worker = round(event["peak_memory_bytes"] / 1e6)
            stages[event["stage"]] = max(stages.get(event["stage"], 0), worker)
    documents = Run(workdir / "latest").summary["documents"]
    return {
        # A worker forgets its peak before each task, so the last one is not its largest.
        "mb": max(round(peak / 1e6), *stages.values()),
        "seconds": round(seconds, 1),
        "documents": documents["read"],
        "quarantined": documents["quarantined"],
        "kept": documents["kept"],
        "mb_by_stage": stages,
    }


# --- the input ---------------------------------------------------------------------------


def _sources(small: bool) -> tuple[list[Path], str]:
    if small:
        return list(data.library_files()), "the standard library's source"
    roots, words = data.folders((*data.HTML_PACKAGES, "golang-1.19-src"))
    endings = (".html", ".go", ".py")
    return [path for root in roots for end in endings for path in data.files(root, end)], words


def _documents(texts: Sequence[Path]) -> Iterator[str]:
    for number, chars in enumerate(CUT_CHARS):
        for path in texts:
            text = path.read_text("utf-8", "replace")
            if not chars:
                yield text
                continue
            for start in range(number * SHIFT_CHARS, len(text), chars):
                yield text[start : start + chars]


def _write(folder: Path, case: str, size: int, texts: Sequence[Path]) -> None:
    """A file of about `size` bytes decompressed."""
    if case == "one_line":
        with open(folder / "a.jsonl", "wb") as file:
            file.write(b'{"text": "before"}\n{"text": "')
            file.truncate(size)
            file.seek(size)
            file.write(b'"}\n{"text": "after"}\n')
        return
    packer: Any = None
    if case == "gz":
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    elif case == "zst":
        packer = zstandard.ZstdCompressor(1).compressobj()
    written = 0
    with open(folder / f"a.jsonl{'' if packer is None else '.' + case}", "wb") as file:
        for text in _documents(texts):
            line = json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n"
            file.write(packer.compress(line) if packer else line)
            written += len(line)
            if written >= size:
                break
        if packer:
            file.write(packer.flush())
    assert written >= size, f"the texts give {written / 1e6:.0f} MB, {size / 1e6:.0f} are wanted"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=GIGABYTES)
    parser.add_argument("--cases", default=",".join(BOUNDS_MB))
    parser.add_argument("--small", action="store_true", help="a few MB, gz and one line")
    options = parser.parse_args()
    main(options.gigabytes, options.small, options.cases.split(","))
