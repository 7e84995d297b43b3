"""Does time grow with the corpus, and memory not? One recipe over 0.25, 1 and 4 GB of text.

    python -m benchmarks.growth [--gigabytes 0.25 1 4] [--documents 250000 1000000] [--small]

Documents are 8 to 24 paragraphs of real text (texts.py) drawn by seed and number, so the same
ones each time and no two alike; 10 % are exact copies of another one and 10 % copies with every
50th word replaced, which leaves a Jaccard similarity of 5-word shingles of about
.98^5 / (2 - .98^5) = .82. The recipe measures, keeps, deduplicates and encodes. Then short
documents, 60 to 83 words in stretches of 12 to 24, through near-dedup alone.

Every size runs in processes of its own, with as many workers as there are cores. Seconds are those
of the run without the start of its workers; peak memory is the largest sum of VmHWM (proc(5)) over
processes alive together. Growth is told by the cost of what a size has more than the next smaller
one: seconds per GB of it, over those of the step before. What was merged must be what was planted.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import texts
from benchmarks.common import claim, command, environment, events, report
from benchmarks.duel import tree_peak_bytes
from benchmarks.pairs import vocabulary
from corpusmith.engine.local import available_cores

GIGABYTES = (0.25, 1.0, 4.0)
DOCUMENTS = (250_000, 1_000_000)
FILE_BYTES = 256_000_000
PARAGRAPH_CHARS = (150, 3_000)
COPIES = 0.1  # of all documents: exact, and as many with words replaced
REPLACED = 50  # every so manyth word
RECIPE = """
corpusmith: 1
corpus: growth
sources:
  texts: {read: jsonl, path: "in/*.jsonl"}
clean:
  - measure: [quality, repetition]
  - keep: {name: prose, where: {words: 50.., alpha_words_dclm_frac: 0.5..}}
  - dedup: {near: {threshold: 0.75}}
tokenize: {load: TOKENIZER}
"""
NEAR = """
corpusmith: 1
corpus: near
sources:
  texts: {read: jsonl, path: "in/*.jsonl"}
clean:
  - dedup: {near: {threshold: 0.75}}
"""


class Maker:
    """Documents by number: `number` alone says what a document is."""

    def __init__(self, paragraphs: list[str]) -> None:
        self.paragraphs = paragraphs
        self.words = [paragraph.split() for paragraph in paragraphs]

    def long(self, number: int) -> str:
        draw = random.Random(f"long {number}")
        return "\n\n".join(draw.choices(self.paragraphs, k=draw.randint(8, 24)))

    def short(self, number: int) -> str:
        draw = random.Random(f"short {number}")
        found: list[str] = []
        while len(found) < 60:
            words = draw.choice(self.words)
            start = draw.randrange(max(1, len(words) - 12))
            found += words[start : start + draw.randint(12, 24)]
        return " ".join(found)

    def planted(self, number: int, make: Callable[[int], str]) -> tuple[str, str]:
        """(text, "" or what kind of copy it is)."""
        draw = random.Random(f"copy {number}")
        kind = draw.random()
        if kind >= 2 * COPIES or number == 0:
            return make(number), ""
        text = make(self._original(number, draw))
        if kind < COPIES:
            return text, "exact"
        words = text.split(" ")
        for place in range(REPLACED - 10, len(words), REPLACED):
            words[place] = f"other{number}x{place}"
        return " ".join(words), "near"

    @staticmethod
    def _original(number: int, draw: random.Random) -> int:
        """A document before it that is no copy."""
        while True:
            other = draw.randrange(number)
            if other == 0 or random.Random(f"copy {other}").random() >= 2 * COPIES:
                return other


def paragraphs(megabytes: float) -> list[str]:
    """Different paragraphs of the real text, without white space at their ends."""
    path, _ = texts.corpus(megabytes)
    found = {}
    for row in texts.read(path):
        for part in row["text"].split("\n\n"):
            part = part.strip()
            if PARAGRAPH_CHARS[0] <= len(part) <= PARAGRAPH_CHARS[1]:
                found[part] = None
    return list(found)


def write(
    folder: Path, maker: Maker, make: Callable[[int], str], enough: Callable[[int, int], bool]
) -> dict[str, Any]:
    """JSON Lines files until `enough(documents, bytes)`; what is in them."""
    folder.mkdir(parents=True)
    found: dict[str, Any] = {"documents": 0, "bytes": 0, "exact": 0, "near": 0}
    while not enough(found["documents"], found["bytes"]):
        goal = found["bytes"] + FILE_BYTES
        with open(folder / f"{found['bytes'] // FILE_BYTES:05d}.jsonl", "w", encoding="utf-8") as f:
            while found["bytes"] < goal and not enough(found["documents"], found["bytes"]):
                text, kind = maker.planted(found["documents"], make)
                f.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
                found["documents"] += 1
                found["bytes"] += len(text.encode())
                if kind:
                    found[kind] += 1
    return found


def measure(folder: Path, made: dict[str, Any], recipe: str) -> dict[str, Any]:
    """`corpusmith run` over folder/in; seconds, memory and disk by stage."""
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    work = folder / "work"
    began = time.monotonic()
    process = subprocess.Popen(
        command("run", folder / "recipe.yaml", "--workdir", work, "--progress", "none"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    peak = _peak_until_it_ends(process)
    seconds = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"status {process.returncode}: {peak['stderr'][-2000:]}")
    summary = json.loads((work / "latest" / "summary.json").read_text())
    happened = events(work)
    lost = [event for event in happened if event["event"] == "lost"]
    assert not lost, f"a worker died: {lost}"
    starting = sum(event["seconds"] for event in happened if event["event"] == "warm")
    counts = summary["documents"]
    assert counts["read"] == made["documents"], counts
    found = {
        "mb": round(made["bytes"] / 1e6, 1),
        "documents": made["documents"],
        "planted": made["exact"] + made["near"],
        "merged": counts["merged"],
        "seconds": round(seconds - starting, 2),
        "peak_mb": round(peak["bytes"] / 1e6),
        "largest_process_mb": round(
            max(e.get("peak_memory_bytes", 0) for e in happened if e["event"] == "done") / 1e6
        ),
        "tokens": summary["tokens"]["total"] if summary.get("tokens") else 0,
        "by_stage": {
            stage: {
                "seconds": round(took, 2),
                "peak_mb": round(
                    max(
                        (
                            event.get("peak_memory_bytes", 0)
                            for event in happened
                            if event["event"] == "done" and event["stage"] == stage
                        ),
                        default=0,
                    )
                    / 1e6
                ),
            }
            for stage, took in summary["seconds"].items()
            if stage != "total"
        },
        "disk_mb": {
            path.name.rsplit("-", 1)[0]: round(_size(path) / 1e6, 1)
            for top in ("store", "tokens")
            for path in sorted((work / top).glob("*"))
            if path.is_dir() and _size(path) > 100_000
        },
    }
    shutil.rmtree(work)
    return found


def _peak_until_it_ends(process: subprocess.Popen) -> dict[str, Any]:
    lines: list[str] = []
    assert process.stderr is not None
    stream = process.stderr
    reader = threading.Thread(target=lambda: lines.append(stream.read().decode()), daemon=True)
    reader.start()
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_peak_bytes(process.pid))
        time.sleep(0.1)
    reader.join()
    return {"bytes": peak, "stderr": "".join(lines)}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def growth(sizes: list[dict[str, Any]], amount: str) -> dict[str, float]:
    """Time and memory of the largest size against the smaller ones.

    `time`: seconds for each further `amount` from the last but one size to the last, over those of
    the step before it (with two sizes: over the smaller one's whole). `memory`: the last peak over
    the first."""
    rates, before = [], {"seconds": 0.0, amount: 0}
    for size in sizes:
        rates.append((size["seconds"] - before["seconds"]) / (size[amount] - before[amount]))
        before = size
    if len(sizes) < 2:
        return {}
    return {
        "time": round(rates[-1] / rates[-2], 3),
        "memory": round(sizes[-1]["peak_mb"] / sizes[0]["peak_mb"], 3),
    }


def main(
    gigabytes: tuple[float, ...] = GIGABYTES,
    documents: tuple[int, ...] = DOCUMENTS,
    small: bool = False,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Measure and print; returns the last line."""
    if small:
        gigabytes, documents = (0.002, 0.004), (2_000,)
    result: dict[str, Any] = {"name": "growth", "workers": available_cores()}
    with tempfile.TemporaryDirectory(prefix="corpusmith-growth-", dir=folder) as name:
        maker = Maker(paragraphs(2 if small else 100))
        tokenizer = vocabulary(300 if small else 32_000, texts.corpus(2 if small else 100)[0])
        recipe = RECIPE.replace("TOKENIZER", json.dumps(str(Path(tokenizer).parent)))
        result["sizes"] = list(_sizes(Path(name), maker, gigabytes, recipe))
        result["near"] = list(_near(Path(name), maker, documents))
    result["growth"] = growth(result["sizes"], "mb")
    result["near_growth"] = growth(result["near"], "documents")
    result["mb"] = result["sizes"][-1]["mb"]
    result["seconds"] = result["sizes"][-1]["seconds"]
    result["mb_per_s"] = round(result["mb"] / result["seconds"], 2)
    result["data"] = "documents recombined from paragraphs of real text, a fifth of them copies"
    if not small and gigabytes == GIGABYTES and documents == DOCUMENTS:
        result["claims"] = [
            claim("growth: time of a further GB, 1..4 GB over 0.25..1", result["growth"]["time"],
                  "..1.15"),
            claim("growth: peak memory, 4 GB over 0.25", result["growth"]["memory"], "..1.1"),
            claim("growth: near-dedup's peak memory, 1,000,000 documents over 250,000",
                  result["near_growth"]["memory"], "..1.1"),
        ]  # fmt: skip
    return report(result)


def _sizes(
    folder: Path, maker: Maker, gigabytes: tuple[float, ...], recipe: str
) -> Iterator[dict[str, Any]]:
    for size in gigabytes:
        at = folder / f"{size:g}GB"
        made = write(at / "in", maker, maker.long, lambda _, done, size=size: done >= size * 1e9)
        yield _checked(measure(at, made, recipe), made)
        shutil.rmtree(at)


def _near(folder: Path, maker: Maker, counts: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    for count in counts:
        at = folder / f"{count}"
        made = write(at / "in", maker, maker.short, lambda done, _, count=count: done >= count)
        yield _checked(measure(at, made, NEAR), made)
        shutil.rmtree(at)


def _checked(found: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Nearly every exact copy and nine of ten others are merged, and little else (rules come
    first, and some originals go by them together with their copies)."""
    print(json.dumps(found), file=sys.stderr, flush=True)
    assert 0.85 * found["planted"] <= found["merged"] <= 1.05 * found["planted"] + 20, found
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--gigabytes", type=float, nargs="+", default=GIGABYTES)
    parser.add_argument("--documents", type=int, nargs="*", default=DOCUMENTS)
    parser.add_argument("--folder", type=Path, help="for the files: about 5 times the largest size")
    parser.add_argument("--small", action="store_true")
    o = parser.parse_args()
    main(tuple(o.gigabytes), tuple(o.documents), o.small, o.folder)
