"""Documents recombined from real paragraphs by seed, with duplicates planted at known rates, and
which of these a run found.

A document is known by its number: 8 to 24 paragraphs of real text (texts.py) drawn with it, so the
same ones each time and no two alike; or, short, 60 to 83 words in stretches of 12 to 24. One in ten
is an exact copy of a document before it that is no copy, and one in ten a copy of such a one with
every 50th word replaced, which leaves a Jaccard similarity of 5-word shingles of about
.98^5 / (2 - .98^5) = .82.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import texts
from corpusmith.kernels.minhash import collision_probability
from corpusmith.report.run import Run
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import read_part
from tests.reference import minhash as reference

SOURCE = "texts"  # the recipe's name for it
FILE_BYTES = 256_000_000
PARAGRAPH_CHARS = (150, 3_000)
COPIES = 0.1  # of all documents: exact, and as many with words replaced
REPLACED = 50  # every so manyth word
# Runs without white space, of at most 30 characters; by itself each character of Han and Kana.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]{1,30}")
SIMILARITIES = 200  # near copies whose similarity is worked out
WORDS = 5  # of a shingle


class Maker:
    """Documents by number."""

    def __init__(self, paragraphs: list[str]) -> None:
        self.paragraphs = paragraphs
        self.words = [WORD.findall(paragraph) for paragraph in paragraphs]

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

    @staticmethod
    def origin(number: int) -> tuple[int, str]:
        """(the document that it is a copy of, "exact" or "near"); (itself, "") where it is none."""
        draw = random.Random(f"copy {number}")
        kind = draw.random()
        if kind >= 2 * COPIES or number == 0:
            return number, ""
        while True:
            other = draw.randrange(number)
            if other == 0 or random.Random(f"copy {other}").random() >= 2 * COPIES:
                return other, "exact" if kind < COPIES else "near"

    def document(self, number: int, make: Callable[[int], str]) -> tuple[str, int, str]:
        """(text, origin, kind)."""
        original, kind = self.origin(number)
        text = make(original)
        if kind == "near":
            words = text.split(" ")
            for place in range(REPLACED - 10, len(words), REPLACED):
                words[place] = f"other{number}x{place}"
            text = " ".join(words)
        return text, original, kind


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


class Corpus:
    """JSON Lines files in a folder that grows: a larger corpus begins with the smaller one."""

    def __init__(self, folder: Path, maker: Maker, make: Callable[[int], str]) -> None:
        folder.mkdir(parents=True)
        self.folder, self.maker, self.make = folder, maker, make
        self.bytes = self.files = 0
        self.uris: list[str] = []
        self.copies: dict[int, tuple[int, str]] = {}  # number -> (original, kind)

    def grow(self, *, size: float = 0, documents: int = 0) -> None:
        """Write until there are so many bytes of text and documents, in files of their own."""
        while self.bytes < size or len(self.uris) < documents:
            goal = self.bytes + FILE_BYTES
            name = f"{self.files:05d}.jsonl"
            self.files += 1
            with open(self.folder / name, "wb") as file:
                at = 0
                while self.bytes < goal and (self.bytes < size or len(self.uris) < documents):
                    number = len(self.uris)
                    text, original, kind = self.maker.document(number, self.make)
                    at += self._write(file, f"{name}#{at}", text)
                    if kind:
                        self.copies[number] = original, kind

    def _write(self, file: Any, uri: str, text: str) -> int:
        self.uris.append(uri)
        self.bytes += len(text.encode())
        return file.write(json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n")

    def similarities(self) -> list[float]:
        """Jaccard similarity of some near copies with their originals, by the tests' reference."""
        near = [n for n, (_, kind) in self.copies.items() if kind == "near"]
        found = []
        for number in near[:: max(1, len(near) // SIMILARITIES)]:
            pair = self.maker.document(number, self.make)[0], self.make(self.copies[number][0])
            sets = [reference.shingles(text, WORDS) for text in pair]
            found.append(reference.jaccard(*sets))
        return found


def found_copies(corpus: Corpus, run: Run, threshold: float) -> dict[str, Any]:
    """Which planted copies the run merged with their originals, of those that no rule dropped.

    `near_recall_expected` is the mean over `similarities` of the LSH formula, 0 below the threshold
    of the step `near`. `others`: merged documents that were planted as no copy of the one kept
    nor of what this is a copy of.
    """
    number = {document_id(SOURCE, uri): n for n, uri in enumerate(corpus.uris)}
    kept: dict[int, int] = {}  # of merged documents: the one kept instead
    dropped = set()
    for step, folder in run.decide_folders():
        for part in run.parts(SOURCE):
            for row in _decisions(folder, part):
                if row["duplicate_of"]:
                    kept[number[row["id"]]] = number[row["duplicate_of"]]
                else:
                    dropped.add(number[row["id"]])
        info = run.info(f"decide.{step}")
        if step == "near":
            shape = info["bands"], info["rows"]

    def last(n: int) -> int:
        while n in kept:
            n = kept[n]
        return n

    result: dict[str, Any] = {}
    for wanted in ("exact", "near"):
        pairs = [
            (copy, original)
            for copy, (original, kind) in corpus.copies.items()
            if kind == wanted and not dropped & {copy, original}
        ]
        if pairs:
            met = sum(last(copy) == last(original) for copy, original in pairs)
            result[f"{wanted}_copies"] = len(pairs)
            result[f"{wanted}_recall"] = round(met / len(pairs), 4)
    likely = [
        collision_probability(s, *shape) if s >= threshold else 0.0 for s in corpus.similarities()
    ]
    result["near_recall_expected"] = round(sum(likely) / max(1, len(likely)), 4)
    first = {n: corpus.copies.get(n, (n, ""))[0] for n in kept}
    result["others"] = sum(first[n] != corpus.copies.get(k, (k, ""))[0] for n, k in kept.items())
    result["dropped_by_rules"] = len(dropped)
    return result


def _decisions(folder: Path, part: str) -> list[dict[str, Any]]:
    return read_part(folder, "decisions", part, columns=["id", "duplicate_of"]).to_pylist()
