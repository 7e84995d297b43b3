"""Whether the rule sets' variant `datatrove` decides and measures as datatrove 0.10.1 does.

    python -m benchmarks.equal_filters [--documents 20000] [--keep DIR]

Documents are English and real: sections of Debian's documentation pages (text by our extractor),
docstrings of the standard library, READMEs of installed packages, and plain text of the shared data
where it is. datatrove runs on them in its own environment (`make peers`), by its own code:
`benchmarks/peers/datatrove_filters.py`. The last line says, rule set by rule set, on which share of
the documents the decisions are equal, and on which share each number is (within 1e-6, relative
above 1). `seconds` are CPU seconds of one core; datatrove's are those of its filters alone.
`--keep` leaves both sides' lines in a folder. The small form compares with datatrove's figures in
tests/golden instead of running it.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import data
from benchmarks.common import ROOT, claim
from corpusmith.clean.c4_datatrove import c4_datatrove
from corpusmith.clean.datatrove import QUALITY, REPETITION
from corpusmith.clean.datatrove import warm as warm_measures
from corpusmith.clean.quality import quality
from corpusmith.clean.repetition import repetition
from corpusmith.clean.rules import load_rule_set, verdicts
from corpusmith.clean.words import WordsParams
from corpusmith.collect.errors import RecordError
from corpusmith.collect.extract import extract_text
from corpusmith.op import Context

PEER = ROOT / ".venv-peers/datatrove/bin/python"
GOLDEN = ROOT / "tests/golden/datatrove.jsonl"
DOCUMENTS = 20_000
SHARE = 0.98  # of the documents on which each rule set must decide alike
RULE_SETS = ("gopher_quality", "gopher_repetition", "c4", "fineweb")
NOT_ENGLISH = "debian-handbook"
LEAST, MOST = 200, 20_000  # characters of a document


def main(
    documents: int = DOCUMENTS, small: bool = False, keep: Path | None = None
) -> dict[str, Any]:
    """Compare; returns the final line."""
    if small:
        rows = [json.loads(line) for line in GOLDEN.open(encoding="utf-8")]
        return {"name": "equal_filters", **compare([row["text"] for row in rows], rows)}
    if not PEER.exists():
        raise SystemExit(f"{PEER.relative_to(ROOT)} is not there: run `make peers`")
    texts, words = collect(documents)
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        peer, seconds = run_peer(texts, folder)
    result = {"name": "equal_filters", **compare(texts, peer), "data": words}
    result["datatrove_seconds"] = seconds
    result["ratio"] = round(sum(seconds.values()) / result["seconds"], 1)
    result["claims"] = [
        claim("English documents compared with datatrove", result["documents"], f"{documents}.."),
        *(
            claim(
                f"decisions equal to datatrove's, {name}", result["decisions"][name], f"{SHARE}.."
            )
            for name in RULE_SETS
        ),
    ]
    return result


# --- documents ---------------------------------------------------------------------------


def collect(wanted: int) -> tuple[list[str], str]:
    """So many documents, the same ones each time on one machine, and in words what they are."""
    roots, words = data.folders([n for n in data.HTML_PACKAGES if n != NOT_ENGLISH])
    pages = [path for root in roots for path in data.files(root, ".html")]
    random.Random(0).shuffle(pages)
    found = [section for text in _others() for section in sections(text)]
    random.Random(1).shuffle(found)
    found = found[: wanted // 2]
    for page in pages:
        if len(found) >= wanted:
            break
        try:
            found += sections(extract_text(page.read_bytes()))
        except RecordError:
            continue
    random.Random(2).shuffle(found)
    return found[:wanted], f"sections of {words}, docstrings, READMEs, books and articles"


def _others() -> Iterator[str]:
    for path in data.files(Path(sysconfig.get_path("stdlib")), ".py"):
        if "site-packages" not in path.parts:
            try:
                yield from docstrings(path.read_text("utf-8"))
            except (UnicodeDecodeError, SyntaxError):
                continue
    for name in ("METADATA", ".md", ".rst"):
        for path in data.files(Path(sysconfig.get_path("purelib")), name):
            text = path.read_text("utf-8", "replace")
            yield text.partition("\n\n")[2] if name == "METADATA" else text
    shared = ROOT.parent / "shared/data"
    for folder in ("books", "articles", "nltk_plain"):
        for path in data.files(shared / folder, ".txt"):
            yield path.read_text("utf-8", "replace")


def docstrings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text and len(text) >= LEAST:
                yield text


def sections(text: str) -> Iterator[str]:
    """The text in pieces of up to about 4,000 characters, cut where a line is blank (or at any
    line, where none is); what is too short is left out."""
    size = 500 + len(text) % 3500
    piece: list[str] = []
    length = 0
    for line in text.split("\n"):
        if length >= size and (not line.strip() or length >= 4 * size):
            yield from _fitting("\n".join(piece))
            piece, length = [], 0
        piece.append(line)
        length += len(line) + 1
    yield from _fitting("\n".join(piece))


def _fitting(text: str) -> Iterator[str]:
    text = text.strip("\n")
    if LEAST <= len(text) <= MOST and len(text.split()) > 5:
        yield text


# --- both sides --------------------------------------------------------------------------


def run_peer(texts: list[str], folder: Path) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """datatrove's lines, and the seconds that each of its filters took."""
    source, target = folder / "documents.jsonl", folder / "datatrove.jsonl"
    with open(source, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    script = ROOT / "benchmarks/peers/datatrove_filters.py"
    done = subprocess.run(
        [PEER, script, source, target], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds = json.loads(done.stdout.splitlines()[-1])["seconds"]
    with open(target, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines], seconds


def compare(texts: list[str], peer: list[dict[str, Any]]) -> dict[str, Any]:
    """Shares of the documents whose decisions, numbers and C4 texts are equal."""
    batch = pa.table(
        {
            "id": [str(number) for number in range(len(texts))],
            "text": pa.array(texts, pa.large_string()),
            "modality": ["text"] * len(texts),
            "lang": ["en"] * len(texts),
        }
    )
    warm_measures()
    c4_datatrove(batch.slice(0, 1), Context())
    began = time.process_time()
    context = Context(params=WordsParams(words="spacy_en"))
    measured = [quality(batch, context), repetition(batch, context)]
    cut = c4_datatrove(batch, Context())
    seconds = time.process_time() - began
    for table in (*measured, cut.drop_columns(["text", "edits"])):
        for name in table.column_names:
            batch = batch.append_column(name, table[name])
    drops = dropped(batch)
    kept = [[row[name] is True for row in peer] for name in RULE_SETS]
    equal = {
        name: np.asarray(theirs) == ~drops[name]
        for name, theirs in zip(RULE_SETS, kept, strict=True)
    }
    both = [(row["c4_text"], text.as_py()) for row, text in zip(peer, cut["text"], strict=True)
            if row["c4"] is True]  # fmt: skip
    return {
        "documents": len(texts),
        "mb": round(sum(len(text.encode()) for text in texts) / 1e6, 1),
        "seconds": round(seconds, 2),
        "decisions": {name: round(float(same.mean()), 6) for name, same in equal.items()},
        "kept_by_datatrove": {
            name: round(float(np.mean(theirs)), 4)
            for name, theirs in zip(RULE_SETS, kept, strict=True)
        },
        "numbers": equal_numbers(batch, peer),
        "c4_texts": round(sum(a == b for a, b in both) / max(len(both), 1), 6),
        "disagreements": {name: int((~same).sum()) for name, same in equal.items()},
    }


def dropped(signals: pa.Table) -> dict[str, np.ndarray]:
    """bool[documents] for each of datatrove's filters: a rule of ours that stands for it fails."""
    found = {}
    for name in ("gopher", "c4", "fineweb"):
        rules = load_rule_set({"set": name, "variant": "datatrove"}, ROOT)
        fails = list(zip(rules.rules, verdicts(rules, signals).fails, strict=True))
        if name != "gopher":
            found[name] = np.any([failed for _, failed in fails], axis=0)
            continue
        for part, columns in (("quality", QUALITY), ("repetition", REPETITION)):
            mine = [failed for rule, failed in fails if rule.signal in columns]
            found[f"gopher_{part}"] = np.any(mine, axis=0)
    return found


def equal_numbers(batch: pa.Table, peer: list[dict[str, Any]]) -> dict[str, float]:
    """The share of the documents, of those where datatrove compares the number at all."""
    found = {}
    for name in (*QUALITY, *REPETITION, "c4_sentences"):
        theirs = [row["signals"].get(name) for row in peer]
        rows = [number for number, value in enumerate(theirs) if value is not None]
        if rows:
            ours = np.asarray(batch[name], np.float64)[rows]
            wanted = np.array([theirs[row] for row in rows], np.float64)
            close = np.abs(ours - wanted) <= 1e-6 * np.maximum(1, np.abs(wanted))
            found[name] = round(float(close.mean()), 6)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    print(json.dumps(main(options.documents, keep=options.keep), ensure_ascii=False))
