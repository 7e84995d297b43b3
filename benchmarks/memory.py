"""Peak memory of one process that reads large files: 1 GB of JSON Lines (plain, gz, zst), and 1 GB
in one line, which ends in quarantine.

    python -m benchmarks.memory [--gigabytes 1]

The files are written to a temporary folder (1 GB for the plain one, the line is sparse). Each is
read by the whole collect stage in a fresh process. The last line is one of JSON: megabytes and
seconds by case, the larger of them first. Bounds: 1,500 MB, and 1,000 MB for the single line.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import zstandard

from corpusmith.collect.stage import execute
from corpusmith.engine.base import Order, perform
from corpusmith.engine.worker import peak_memory_bytes
from corpusmith.op import Work
from corpusmith.store.parts import part_entry

BOUNDS_MB = {"plain": 1500, "gz": 1500, "zst": 1500, "one_line": 1000}
ROOT = Path(__file__).resolve().parent.parent


def main(gigabytes: float = 1.0, small: bool = False) -> dict[str, Any]:
    """Measure and print; returns the final line."""
    size = int((0.03 if small else gigabytes) * 1e9)
    result: dict[str, Any] = {"name": "memory", "mb": round(size / 1e6), "cases": {}}
    with tempfile.TemporaryDirectory(prefix="corpusmith-") as name:
        for case in BOUNDS_MB:
            folder = Path(name) / case
            folder.mkdir()
            path = _write(folder, case, size)
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.memory", "--read", str(path)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
                capture_output=True,
                text=True,
                check=True,
            )
            found = json.loads(done.stdout.splitlines()[-1])
            found["within"] = found["mb"] < BOUNDS_MB[case]
            result["cases"][case] = found
            print(case, json.dumps(found))
            path.unlink()
    result["within"] = all(case["within"] for case in result["cases"].values())
    print(json.dumps(result))
    return result


def _write(folder: Path, case: str, size: int) -> Path:
    """A file of about `size` bytes decompressed."""
    if case == "one_line":
        path = folder / "a.jsonl"
        with open(path, "wb") as file:
            file.write(b'{"text": "before"}\n{"text": "')
            file.truncate(size)
            file.seek(size)
            file.write(b'"}\n{"text": "after"}\n')
        return path
    words = random.Random(1).choices(
        ["the", "of", "corpus", "中文", "data", "naïve", "文本", "model"], k=4000
    )
    lines = [json.dumps({"text": " ".join(words[i : i + 900])}) for i in range(0, 3000, 10)]
    block = "\n".join(lines).encode() + b"\n"
    path = folder / f"a.jsonl{'' if case == 'plain' else '.' + case}"
    packer: Any = None
    if case == "gz":
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    elif case == "zst":
        packer = zstandard.ZstdCompressor(1).compressobj()
    with open(path, "wb") as file:
        for _ in range(max(1, size // len(block))):
            file.write(packer.compress(block) if packer else block)
        if packer:
            file.write(packer.flush())
    return path


class _Here:
    """An engine that runs every task in this process, whose memory is measured."""

    workers = 1

    def map(
        self, function: str, tasks: Any, *, folder: Path, round: str = "main", **_: Any
    ) -> list:
        for task in tasks:
            order = Order(
                *(function, task.part, task.spec, str(folder), round, 16 << 20, False, {}, 1)
            )
            perform(order, None, None)
        return [part_entry(folder, task.part, round) for task in tasks]

    def once(self, function: str, spec: dict, *, folder: Path, resources: str = "") -> dict:
        raise ValueError("the stage has no such task")


def read(path: Path) -> None:
    """Read the file in this process and print what it took."""
    began = time.monotonic()
    params = {"source": "s", "read": "jsonl", "path": str(path)}
    work = Work(path.parent / "out", params, {}, _Here())
    execute(work)
    peak = peak_memory_bytes()
    found = {key: work.info[key] for key in ("documents", "quarantined")}
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"mb": round(peak / 1e6), "seconds": seconds, **found}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read(options.read)
    else:
        main(options.gigabytes)
