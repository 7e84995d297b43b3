"""What `words: segmented` costs: the pass's CPU seconds with and without it, by language.

    python benchmarks/segmented_words.py [--megabytes 8] [--rounds 5] [FILE ...]

FILE: a text file a language, named LANGUAGE.txt; without any, the gold sentences of the tests are
repeated. The passes alternate in one process; a ratio is the median of the rounds'. `signals` is
quality and repetition alone, `pass` is normalize, language, quality and repetition. The last line
is JSON: name, and for each language MB, MB/s of the signals with and without, ratios of both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import pyarrow as pa

from corpusmith.clean.language import language
from corpusmith.clean.normalize import normalize
from corpusmith.clean.quality import quality
from corpusmith.clean.repetition import repetition
from corpusmith.clean.words import WordsParams
from corpusmith.op import Context

GOLD = Path(__file__).resolve().parents[1] / "tests" / "golden" / "words.txt"
DOCUMENT_BYTES = 20_000


def texts_of(files: list[Path]) -> dict[str, str]:
    if files:
        return {path.stem: path.read_text("utf-8") for path in files}
    found: dict[str, str] = {}
    for line in GOLD.read_text("utf-8").splitlines():
        if line.startswith("# ") and len(line) < 12:
            name = line[2:]
            found[name] = ""
        elif line and not line.startswith("#"):
            found[name] += line.replace(" ", "") + "\n"
    return found


def batch(text: str, size: int) -> pa.Table:
    """Documents of about 20 kB, in all about `size` bytes."""
    text = text * (DOCUMENT_BYTES // len(text.encode()) + 1)
    letters = DOCUMENT_BYTES * len(text) // len(text.encode())
    pieces = [text[at : at + letters] for at in range(0, len(text), letters)]
    whole = sum(len(piece.encode()) for piece in pieces)
    pieces = (pieces * (size // whole + 1))[: max(1, size // DOCUMENT_BYTES)]
    return pa.table(
        {"text": pa.array(pieces, pa.large_string()), "modality": ["text"] * len(pieces)}
    )


def seconds(table: pa.Table, words: str, whole_pass: bool) -> float:
    # A fresh array: the scan of the round before must not be remembered.
    table = table.set_column(0, "text", pa.array(table["text"].to_pylist(), pa.large_string()))
    context = Context(params=WordsParams(words=words))
    began = time.process_time()
    if whole_pass:
        text = normalize(table, Context())["text"]
        table = table.set_column(0, "text", text)
        language(table, Context())
    quality(table, context)
    repetition(table, context)
    return time.process_time() - began


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--megabytes", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("files", nargs="*", type=Path)
    args = parser.parse_args(arguments)
    result: dict = {"name": "segmented_words", "languages": {}}
    for name, text in texts_of(args.files).items():
        table = batch(text, int(args.megabytes * 1e6))
        size = sum(len(t.encode()) for t in table["text"].to_pylist()) / 1e6
        seconds(table, "segmented", True)  # loads kernels and lists
        took: dict[tuple[str, bool], list[float]] = {}
        for _ in range(args.rounds):
            for whole in (False, True):
                for words in ("unicode", "segmented"):
                    took.setdefault((words, whole), []).append(seconds(table, words, whole))
        row = {"MB": round(size, 2)}
        for words in ("unicode", "segmented"):
            row[f"signals_{words}_MB_s"] = round(size / statistics.median(took[words, False]), 1)
        for whole, label in ((False, "signals"), (True, "pass")):
            pairs = zip(took["segmented", whole], took["unicode", whole], strict=True)
            row[f"{label}_ratio"] = round(statistics.median(a / b for a, b in pairs), 2)
        result["languages"][name] = row
        print(name, row)
    print(json.dumps(result))
    return result


if __name__ == "__main__":
    main()
