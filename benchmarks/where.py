"""Where the CPU time of a run goes, stage by stage, and what could not be done faster.

    python -m benchmarks.where [--megabytes 100] [--small]

One worker, CPU seconds (user and system) for 100 MB of text. `stages`: a run of a cleaning recipe
from JSON Lines to token shards, each stage by its worker's time in its tasks, `main` by the
process that plans, hands out tasks and reports. `operations`: each operation of the pass by
itself on batches in memory, the shorter of two turns. `limits`: what is done to the same bytes at
least: parsing the JSON, copying the text once (memory bandwidth), zstd at the level of the store.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import texts
from benchmarks.common import recipe, report
from benchmarks.pairs import vocabulary
from benchmarks.peers.ours import apply, batches, cpu_seconds_of, documents
from corpusmith import runner

MEGABYTES = 100
VOCAB = 32_000
STEPS = (
    *("normalize", "language", "measure: [quality, repetition, code]", "keep: gopher"),
    *("edit: c4_lines", "measure: [quality]", "keep: c4", "dedup: exact"),
    "dedup: {near: {threshold: 0.75}}",
)
OPERATIONS = ("normalize", "language", "quality", "repetition", "code", "c4_lines", "minhash")


def main(small: bool = False, megabytes: float = MEGABYTES) -> dict[str, Any]:
    """Measure and print; returns the last line."""
    with tempfile.TemporaryDirectory(prefix="corpusmith-where-") as name:
        folder = Path(name)
        if small:
            path, words = texts.small(folder / "small.jsonl")
        else:
            path, words = texts.corpus(megabytes)
        rows = texts.read(path)
        size = sum(len(row["text"].encode()) for row in rows)
        tokenizer = Path(
            vocabulary(300 if small else VOCAB, path, folder / "tokenizer" if small else None)
        ).parent
        (folder / "in").mkdir()
        (folder / "in" / "documents.jsonl").symlink_to(path)
        (folder / "recipe.yaml").write_text(
            recipe(*STEPS, tokenize=f'{{load: "{tokenizer}"}}'), encoding="utf-8"
        )
        stages, found = _stages(folder)
    scale = 1e8 / size
    result = {
        "name": "where",
        "mb": round(size / 1e6, 1),
        "documents": len(rows),
        "kept": found["documents"]["kept"],
        "cpu_seconds": round(sum(stages.values()) * scale, 2),
        "stages": {stage: round(s * scale, 3) for stage, s in stages.items()},
        "operations": {k: round(s * scale, 3) for k, s in _operations(rows).items()},
        "limits": {k: round(s * scale, 3) for k, s in _limits(rows).items()},
        "data": words,
    }
    return report(result)


def _stages(folder: Path) -> tuple[dict[str, float], dict[str, Any]]:
    """CPU seconds of each stage and of this process, and the run's summary."""
    spent: dict[str, float] = defaultdict(float)
    before: dict[int, float] = {}

    def listen(event: dict[str, Any]) -> None:
        if event["event"] == "start":
            before[event["pid"]] = cpu_seconds_of(event["pid"])
        elif event["event"] == "done":
            spent[event["stage"]] += cpu_seconds_of(event["pid"]) - before[event["pid"]]

    began = time.process_time()
    run = runner.run(folder / "recipe.yaml", workdir=folder / "w", workers=1, listener=listen)
    spent["main"] = time.process_time() - began
    return dict(spent), run.summary


def _operations(rows: list[dict[str, Any]]) -> dict[str, float]:
    table = documents(rows)
    return {
        name: _shorter(lambda name=name: [apply(name, _anew(b)) for b in batches(table)])
        for name in OPERATIONS
    }


def _anew(batch: pa.Table) -> pa.Table:
    """The batch with its texts elsewhere in memory: measures that share work do it again."""
    rows = batch.take(np.arange(batch.num_rows))
    return rows.combine_chunks()


def _limits(rows: list[dict[str, Any]]) -> dict[str, float]:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    text = "".join(row["text"] for row in rows).encode()
    here, there = np.frombuffer(text, np.uint8), np.empty(len(text), np.uint8)
    there[:] = 0  # its pages are there
    codec = pa.Codec("zstd", compression_level=1)
    blocks = [text[at : at + (1 << 20)] for at in range(0, len(text), 1 << 20)]  # Parquet's pages
    packed = [codec.compress(block) for block in blocks]
    sizes = [len(block) for block in blocks]
    return {
        "json": _shorter(lambda: [json.loads(line) for line in lines]),
        "copy": _shorter(lambda: np.copyto(there, here)),
        "zstd": _shorter(lambda: [codec.compress(block) for block in blocks]),
        "unzstd": _shorter(
            lambda: [codec.decompress(p, n) for p, n in zip(packed, sizes, strict=True)]
        ),
    }


def _shorter(work: Callable[[], Any]) -> float:
    """CPU seconds of the shorter of two turns."""
    turns = []
    for _ in range(2):
        began = time.process_time()
        work()
        turns.append(time.process_time() - began)
    return min(turns)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--megabytes", type=float, default=MEGABYTES)
    parser.add_argument("--small", action="store_true", help="half a megabyte, in seconds")
    options = parser.parse_args()
    main(options.small, options.megabytes)
