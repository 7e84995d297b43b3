"""Speed of near-duplicate search on one core: signatures of text, and signals to decisions.

    python -m benchmarks.neardup

Text: Python's standard library as it is on this machine, repeated with a few words changed
until it is large enough, so that about half of the documents are near-duplicates. `minhash_*`
is the measure alone (MB of UTF-8 a second of CPU time, with and without the hashes that exact
verification needs), `decide_*` the stage from stored signals to decisions, told in documents a
second and in MB of the text that they stand for; `stored_*` what the signals take beside it.
The last line is JSON.
"""

from __future__ import annotations

import json
import random
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusmith.dedup import near
from corpusmith.engine.base import BATCH_BYTES
from corpusmith.op import Context, Work
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import PartWriter, part_entry
from tests.inline import InlineEngine

PART_BYTES = 64 << 20


def corpus(limit_bytes: int) -> list[str]:
    """Texts of about that many bytes: originals, then copies with 1 % of their words changed."""
    originals = []
    total = 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("**/*.py")):
        if total >= limit_bytes / 2:
            break
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        # Documents of web size: cut at 8,000 characters.
        for start in range(0, len(text), 8000):
            originals.append(text[start : start + 8000])
        total += len(text)
    found = list(originals)
    chosen = random.Random(0)
    while total < limit_bytes:
        words = chosen.choice(originals).split(" ")
        for _ in range(len(words) // 100):
            words[chosen.randrange(len(words))] = f"word{chosen.randrange(10**6)}"
        found.append(" ".join(words))
        total += len(found[-1])
    return found


def batches(texts: list[str]) -> list[pa.Table]:
    found, rows, size = [], [], 0
    for text in texts:
        rows.append(text)
        size += len(text)
        if size >= BATCH_BYTES:
            found.append(pa.table({"text": pa.array(rows, pa.large_string())}))
            rows, size = [], 0
    if rows:
        found.append(pa.table({"text": pa.array(rows, pa.large_string())}))
    return found


def main(small: bool = False) -> dict[str, Any]:
    texts = corpus((1 if small else 100) << 20)
    size = sum(len(text.encode()) for text in texts)
    near.warm()
    result: dict[str, Any] = {
        "benchmark": "neardup",
        "documents": len(texts),
        "text_bytes": size,
    }
    for verify in ("estimate", "exact"):
        params = near.NearParams(verify=verify)
        context = Context(params=params)
        tables = batches(texts)
        seconds = []
        for _ in range(1 if small else 3):
            began = time.process_time()
            measured = [near.minhash(table, context) for table in tables]
            seconds.append(time.process_time() - began)
        signals = pa.concat_tables(measured)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            began = time.perf_counter()
            info, stored = _decide(folder, signals, texts, verify)
            deciding = time.perf_counter() - began - info.pop("writing_seconds")
        result[f"minhash_{verify}_mb_per_second"] = round(size / min(seconds) / 1e6, 1)
        result[f"decide_{verify}_mb_per_second"] = round(size / deciding / 1e6, 1)
        result[f"decide_{verify}_documents_per_second"] = round(len(texts) / deciding)
        result[f"stored_{verify}_bytes_per_text_byte"] = round(stored / size, 3)
        result[f"merged_{verify}"] = info["merged"]
    print(json.dumps(result))
    return result


def _decide(
    folder: Path, signals: pa.Table, texts: list[str], verify: str
) -> tuple[dict[str, Any], int]:
    """Run the stage over parts of about 64 MiB of text; its info, and bytes of the signals."""
    began = time.perf_counter()
    ids = pa.array([document_id("bench", str(i)) for i in range(len(texts))])
    signals = signals.append_column("id", ids)
    rows = max(1, len(texts) * PART_BYTES // max(1, sum(map(len, texts))))
    cleaned = folder / "clean.bench"
    stored = 0
    for number, start in enumerate(range(0, len(texts), rows)):
        part = f"bench-{number:05d}"
        with PartWriter(cleaned, part) as out:
            out.write("signals", signals.slice(start, rows))
        stored += part_entry(cleaned, part)["files"]["signals"]["bytes"]
    writing = time.perf_counter() - began
    work = Work(
        folder=folder / "decide.near",
        params={"step": "near", "sources": ["bench"], "after": [], "verify": verify},
        inputs={"clean.bench": cleaned},
        engine=InlineEngine(),
    )
    near.execute(work)
    return {**work.info, "writing_seconds": writing}, stored


if __name__ == "__main__":
    main(small="--small" in sys.argv)
