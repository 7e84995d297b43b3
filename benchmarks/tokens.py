"""Speed of the token stages per second of one core: training a vocabulary, encoding, packing.

    python -m benchmarks.tokens

Text: Python's standard library as it is on this machine, and ../shared/data where it is there.
The last line is JSON. `encode_mb_per_second` is ours, `library_mb_per_second` the bare
`tokenizers` on the same texts in the same batches, and only their ratio travels between machines.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpusmith import schema
from corpusmith.engine.base import Order, perform
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import PartWriter, file_path, part_entry
from corpusmith.tokenize.pack import PackedDataset
from corpusmith.tokenize.tokenizer import Tokenizer
from corpusmith.tokenize.vocab import train_bpe

VOCABULARY = 8192
DATA = Path(__file__).resolve().parents[2] / "shared/data"


def texts_of(limit_bytes: int) -> list[str]:
    """Real texts up to about that many bytes, always the same on one machine."""
    roots = [(Path(sysconfig.get_path("stdlib")), "**/*.py"), (DATA, "**/*.html")]
    found: list[str] = []
    total = 0
    for root, pattern in roots:
        for path in sorted(root.glob(pattern)) if root.is_dir() else ():
            if total >= limit_bytes:
                return found
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            found.append(text)
            total += len(text.encode())
    return found


def batches(texts: list[str], chars: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if sum(map(len, batch)) >= chars:
            yield batch
            batch = []
    if batch:
        yield batch


def measure(texts: list[str], root: Path) -> dict[str, float]:
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    began = time.process_time()
    tokenizer = train_bpe(texts, VOCABULARY)
    training = time.process_time() - began

    began = time.process_time()
    for batch in batches(texts, 1 << 20):
        for encoding in tokenizer.library.encode_batch_fast(batch, add_special_tokens=False):
            np.array(encoding.ids, dtype=np.int32)
    library = time.process_time() - began

    began = time.process_time()
    tokens = sum(len(row) for row in tokenizer.encode_batch(texts))
    encoding_seconds = time.process_time() - began

    tokenizer.save(root / "tokenizer")
    rows = [
        {"id": document_id("s", str(n)), "source": "s", "uri": str(n), "text": text, "meta": "{}"}
        for n, text in enumerate(texts)
    ]
    with PartWriter(root / "clean", "s-00000") as out:
        out.write("documents", schema.table(schema.DOCUMENT, rows))
    stage = root / "tokens"
    orders: list[tuple[str, str, str, dict[str, Any]]] = [
        ("encode:encode_task", "part-00000", "main", {"folder": str(root / "clean"), "after": []}),
        ("encode:join_task", "docs", "docs", {"parts": ["part-00000"]}),
        ("mix:mix_task", "mix", "main", {"tokens_folder": str(stage), "params": {}, "seed": 0}),
    ]
    seconds = {}
    for function, part, round_name, spec in orders:
        began = time.process_time()
        spec = {"part": "s-00000", "tokenizer": str(root / "tokenizer"), **spec}
        folder = str(root / "mix" if part == "mix" else stage)
        address = f"corpusmith.tokenize.{function}"
        perform(Order(address, part, spec, folder, round_name, 16 << 20, False, {}, 1), None, None)
        seconds[function] = time.process_time() - began
    assert part_entry(stage, "part-00000")["info"]["tokens"] == tokens + len(texts)
    assert file_path(stage, ".", "part-00000", ".bin").stat().st_size == 2 * (tokens + len(texts))

    packed = PackedDataset(stage, root / "mix", 256)
    windows = min(len(packed), 20_000)
    began = time.process_time()
    for index in range(windows):
        packed.window(index)
    packing = time.process_time() - began
    assert Tokenizer.load(stage).fingerprint == tokenizer.fingerprint
    return {
        "text_mb": megabytes,
        "train_mb_per_second": megabytes / training,
        "library_mb_per_second": megabytes / library,
        "encode_mb_per_second": megabytes / encoding_seconds,
        "stage_mb_per_second": megabytes / seconds["encode:encode_task"],
        "packed_tokens_per_second": windows * 256 / packing,
        "bytes_per_token": megabytes * 1e6 / tokens,
    }


def main(small: bool = False) -> dict[str, float]:
    """Measure and print; `small` in a few seconds, with figures that mean nothing."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    texts = texts_of(400_000 if small else 30_000_000)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(texts, Path(folder))
    for name, value in found.items():
        print(f"{name:28} {value:14,.1f}")
    result = {"benchmark": "tokens", "pyarrow": pa.__version__}
    print(json.dumps({**result, **{name: round(value, 3) for name, value in found.items()}}))
    return found


if __name__ == "__main__":
    main(small="--small" in sys.argv[1:])
