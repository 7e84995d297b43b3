"""Substring deduplication, from documents to new texts, edits and decisions."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.clean.spans import apply_edits, revert_edits
from corpusmith.dedup import exact, rewrite, substring, substring_rounds
from corpusmith.errors import CorpusmithError
from corpusmith.op import Work
from corpusmith.store.overlay import kept_documents, read_current
from corpusmith.store.parts import part_entry, part_names, read_part
from tests.dedup_run import Corpus, document
from tests.reference import signals as reference_tokens
from tests.reference import substring as reference

EXACT = "corpusmith.dedup.exact:exact_hash"


class Result:
    """A corpus after `dedup: {substring: {tokens: window}}`."""

    def __init__(
        self, corpus: Corpus, window: int, after: tuple[str, ...] = (), **params: Any
    ) -> None:
        self.corpus = corpus
        step = params.pop("step", "substring")
        self.work: Work = corpus.run(substring.execute, step, after, tokens=window, **params)
        self.folders = [corpus.root / name for name in (*after, f"decide.{step}")]

    def parts(self) -> list[tuple[Path, str]]:
        inputs = self.corpus.inputs
        folders = [inputs[f"clean.{source}"] for source in self.corpus.sources]
        return [(folder, part) for folder in folders for part in part_names(folder)]

    def texts(self) -> list[str]:
        """The text of every document now, also of those that left."""
        return [
            text
            for folder, part in self.parts()
            for text in read_current(folder, "documents", part, self.folders)["text"].to_pylist()
        ]

    def kept(self) -> list[str]:
        return [
            name
            for folder, part in self.parts()
            for table in kept_documents(folder, part, self.folders, ["id"])
            for name in table["id"].to_pylist()
        ]

    def rows(self, kind: str) -> list[dict[str, Any]]:
        tables = [read_part(self.work.folder, kind, part) for _, part in self.parts()]
        return [row for table in tables for row in table.to_pylist()]


def documents_of(texts: list[str], source: str = "a") -> list[dict[str, Any]]:
    return [document(source, str(number), text) for number, text in enumerate(texts)]


def check(result: Result, before: list[str], window: int) -> None:
    """New texts, edits, decisions and figures are what the definition says of the old ones."""
    old = [reference_tokens.tokens(text) for text in before]
    marks = reference.removed_tokens(old, window)
    expected = [
        [t for t, gone in zip(*row, strict=True) if not gone]
        for row in zip(old, marks, strict=True)
    ]
    after = result.texts()
    ids = [
        name
        for folder, part in result.parts()
        for name in read_part(folder, "documents", part)["id"].to_pylist()
    ]
    # Where two symbols meet they may read as one token: characters are what must be there.
    squeezed = [
        ["".join(text.split()), "".join(row)] for text, row in zip(after, expected, strict=True)
    ]
    assert [a for a, _ in squeezed] == ["".join(b.split()) for _, b in squeezed]
    row_of = {name: number for number, name in enumerate(ids)}
    edits: dict[str, list[dict[str, Any]]] = {}
    for row in result.rows("edits"):
        edits.setdefault(row["id"], []).append(row)
    for name, x, y, mark in zip(ids, before, after, marks, strict=True):
        assert (name in edits) == any(mark)
        assert apply_edits(x, edits.get(name, [])) == y
        assert revert_edits(y, edits.get(name, [])) == x
        for row in edits.get(name, []):
            place = row_of[row["duplicate_of"]]
            assert place <= row_of[name] and not all(marks[place])
    left = {row["id"]: row["duplicate_of"] for row in result.rows("decisions")}
    assert list(left) == [
        n for n, row, was in zip(ids, expected, old, strict=True) if was and not row
    ]
    assert all(after[row_of[other]] for other in left.values())
    assert result.kept() == [name for name in ids if name not in left]
    info = result.work.info
    assert info["in"] == len(ids) and info["left"] == len(left)
    assert info["tokens"] == sum(map(len, old))
    assert info["removed_tokens"] == sum(map(sum, marks))
    assert info["removed_bytes"] == len("".join(before).encode()) - len("".join(after).encode())
    for folder, part in result.parts():
        kept_bytes = read_current(folder, "signals", part, result.folders)["kept_bytes"].to_pylist()
        texts = read_current(folder, "documents", part, result.folders)["text"].to_pylist()
        assert kept_bytes == [len(text.encode()) for text in texts]


PIECES = st.lists(
    st.lists(st.sampled_from(["ab", "c", "中", "国", ",", "--", "é9"]), max_size=7),
    min_size=1,
    max_size=4,
)
GAPS = st.lists(st.sampled_from([" ", "\n", "\n\n", " \t", "\u3000"]), min_size=1, max_size=4)
CORPORA = st.tuples(
    PIECES, GAPS, st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=6)
).map(
    lambda t: [
        "".join(
            word + t[1][(n + len(row)) % len(t[1])]
            for n, word in enumerate(w for i in row for w in t[0][i % len(t[0])])
        )
        for row in t[2]
    ]
)


@given(st.lists(CORPORA, min_size=3, max_size=6), st.integers(2, 6), st.integers(2, 5))
@settings(max_examples=8, deadline=None)
def test_it_does_what_the_definition_says(corpora: list, window: int, rows: int) -> None:
    texts = [text for corpus in corpora for text in corpus]
    with tempfile.TemporaryDirectory() as name:
        half = len(texts) // 2
        sources = {"a": documents_of(texts[:half]), "b": documents_of(texts[half:], "b")}
        corpus = Corpus(Path(name), sources, [], part_rows=rows * 3, shuffle=1)
        check(Result(corpus, window), texts, window)


def fibonacci(length: int) -> str:
    a, b = "a", "ab"
    while len(b) < length:
        a, b = b, b + a
    return " ".join(b[:length])


LICENSE = " ".join(f"word{i % 61} of clause {i}," for i in range(40))
ADVERSARIAL = {
    "one letter": ["a " * 3000],
    "one letter, in pieces": ["a " * n for n in (49, 50, 51, 99, 100, 101, 5000)],
    "a run of one character is one token": ["a" * 5000, "a" * 5000, "=" * 900, "=" * 900],
    "one Chinese character": ["中" * 700, "国" * 49, "中" * 120],
    "Fibonacci": [fibonacci(3000), fibonacci(1000)],
    "one document a thousand times": [LICENSE] * 1000,
    "a license around everything": [
        f"{LICENSE}\n\nbody {n} of its own\n\n{LICENSE}" for n in range(60)
    ],
    "window by window": [" ".join(f"w{n}" for n in range(s, s + 75)) for s in range(0, 500, 25)],
    "empty texts": ["", " \n", "", LICENSE, "", LICENSE, "\u200b", ""],
}  # fmt: skip


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_texts(name: str, tmp_path: Path) -> None:
    texts = ADVERSARIAL[name]
    rows = 250 if len(texts) > 100 else 3
    corpus = Corpus(tmp_path, {"a": documents_of(texts)}, [], part_rows=rows)
    check(Result(corpus, 50), texts, 50)


def test_a_document_a_thousand_times_leaves_one(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path, {"a": documents_of([LICENSE] * 1000)}, [], part_rows=400)
    result = Result(corpus, 50)
    assert len(result.kept()) == 1
    assert {row["duplicate_of"] for row in result.rows("decisions")} == set(result.kept())
    assert len(result.rows("decisions")) == 999
    [warning] = result.work.warnings
    assert "99.9%" in warning


SIGNED = "To sign up write to somebody at the address below, " * 2


def test_bytes_do_not_depend_on_order_pieces_or_tables(tmp_path: Path, monkeypatch) -> None:
    texts = [*ADVERSARIAL["a license around everything"], fibonacci(500), "a " * 300, SIGNED] * 2
    digests = []
    for number in range(3):
        if number == 2:
            monkeypatch.setattr(substring_rounds, "PIECE_BYTES", 700)
            monkeypatch.setattr(substring_rounds, "TABLE_RECORDS", 8)
            monkeypatch.setattr(substring_rounds, "BLOCK_WINDOWS", 5)
            monkeypatch.setattr(rewrite, "PIECE_BYTES", 900)
            monkeypatch.setattr(substring, "BUCKET_BYTES", 3000)
        corpus = Corpus(
            tmp_path / str(number),
            {"a": documents_of(texts)},
            [],
            part_rows=30,
            shuffle=number or None,
        )
        result = Result(corpus, 20)
        digests.append(
            [part_entry(result.work.folder, part)["files"] for _, part in result.parts()]
        )
    assert any("documents" in files for files in digests[0])
    assert digests[0] == digests[1] == digests[2]


def test_other_constants_are_taken_where_windows_share_a_fingerprint(
    tmp_path: Path, monkeypatch
) -> None:
    """Four bits of fingerprint make different windows look equal; with all bits it is mended."""
    texts = [*ADVERSARIAL["window by window"], LICENSE, LICENSE]
    weak, (seed, bits) = (0, 0xF << 60), substring.ATTEMPTS[1]
    monkeypatch.setattr(substring, "ATTEMPTS", (weak, (seed, bits)))
    corpus = Corpus(tmp_path, {"a": documents_of(texts)}, [], part_rows=10)
    result = Result(corpus, 50)
    check(result, texts, 50)
    assert result.work.scratch == [
        *("windows", "pairs", "spans"), *("windows.1", "pairs.1", "spans.1"),
    ]  # fmt: skip
    monkeypatch.setattr(substring, "ATTEMPTS", (weak,))
    with pytest.raises(CorpusmithError, match="same fingerprint with each of 1"):
        Result(corpus, 50, step="again")


CUTS = {
    # of "text" the tokens begin..end-1 go
    "the larger gap stays": ("one\n\ntwo three four", 1, 3, "one\n\nfour"),
    "also behind the cut": ("one two\n\nthree", 1, 2, "one\n\nthree"),
    "of equal gaps the first": ("one\ttwo three", 1, 2, "one\tthree"),
    "the longer one": ("one two  three", 1, 2, "one  three"),
    "at the beginning the gap goes": ("  one\n\ntwo", 0, 1, "two"),
    "at the end the gap before goes": ("one\n\ntwo\n", 1, 2, "one\n"),
    "everything": (" one two\n", 0, 2, ""),
    "words do not become one": ("one(two)three", 1, 4, "one three"),
    "nor with a mark before": ("e\u0301(two)a", 1, 4, "e\u0301 a"),
    "symbols may": ("(one)", 1, 2, "()"),
    "a word and a symbol": ("one(two)", 1, 3, "one)"),
    "Chinese takes no space": ("他说,不,好", 2, 5, "他说好"),
    "next to a Chinese character": ("a中b", 1, 2, "a b"),
    "astral": ("😀 one𠀀 𠀁", 1, 3, "😀 𠀁"),
}


@pytest.mark.parametrize("name", CUTS)
def test_what_becomes_of_white_space(name: str) -> None:
    text, begin, end, after = CUTS[name]
    data = text.encode()
    [(_, starts, stops)] = rewrite._tokenized(
        pa.chunked_array([pa.array([text], pa.large_string())])
    )
    cuts = rewrite.cut_spans(data, starts, stops, [[begin, end]], ["x"])
    assert rewrite._apply(data, cuts)[0] == after
    # Two spans that touch are one cut in two pieces.
    for middle in range(begin + 1, end):
        pieces = rewrite.cut_spans(
            data, starts, stops, [[begin, middle], [middle, end]], ["x", "y"]
        )
        new, rows = rewrite._apply(data, pieces)
        assert new == after == apply_edits(text, [{**row, "kind": ""} for row in rows])
        assert [row["duplicate_of"] for row in rows] == ["x", "y"]


def test_what_left_before_takes_no_part_and_other_modalities_stay(tmp_path: Path) -> None:
    texts = [LICENSE, LICENSE, "mine " + LICENSE, LICENSE + " yours"]
    rows = documents_of(texts)
    rows[2]["modality"] = "code"
    corpus = Corpus(tmp_path, {"a": rows}, [(EXACT, {})])
    first = corpus.run(exact.execute, "exact")
    result = Result(corpus, 50, ("decide.exact",), modalities=["text"])
    assert result.texts() == [LICENSE, LICENSE, "mine " + LICENSE, "yours"]
    [kept] = {row["duplicate_of"] for row in corpus.decisions(first)}
    assert [row["duplicate_of"] for row in result.rows("edits")] == [kept]
    assert result.work.info["in"] == 3
    assert result.kept() == [kept, rows[2]["id"], rows[3]["id"]]
    none = Result(corpus, 50, ("decide.exact",), modalities=["image-text"], step="none")
    assert "saw no text" in none.work.warnings[0]
    assert none.texts() == texts


def test_a_second_one_works_on_what_the_first_left(tmp_path: Path) -> None:
    words = [f"w{n}" for n in range(200)]
    texts = [" ".join(words[a:b]) for a, b in ((0, 200), (0, 100), (90, 120), (90, 130))]
    corpus = Corpus(tmp_path, {"a": documents_of(texts)}, [])
    first = Result(corpus, 50)
    check(first, texts, 50)
    assert first.texts() == [texts[0], "", texts[2], texts[3]]
    second = Result(corpus, 20, ("decide.substring",), step="twice")
    assert second.texts() == [texts[0], "", "", ""]
    rows = second.rows("decisions")
    assert [row["id"] for row in rows] == [documents_of(texts)[n]["id"] for n in (2, 3)]


def test_what_a_step_masks_is_masked_in_what_is_removed(tmp_path: Path) -> None:
    """In the pass masking comes first; here the texts still have what it would have taken out."""
    secret = "write to jane.doe@example.org "
    texts = [f"{n} {secret * 20}" for n in range(2)]
    corpus = Corpus(tmp_path, {"a": documents_of(texts)}, [])
    masking = [{"op": "corpusmith.clean.pii:pii", "params": {"action": "mask"}}]
    result = Result(corpus, 50, masking=masking)
    [row] = [row for row in result.rows("edits") if row["id"] == documents_of(texts)[1]["id"]]
    assert "jane" not in row["removed"] and "<EMAIL>" in row["removed"]


def test_params_are_checked() -> None:
    assert substring.SubstringParams().tokens == 50
    for wrong in ({"tokens": 1}, {"words": 50}, {"tokens": "many"}):
        with pytest.raises(ValueError):
            substring.SubstringParams(**wrong)
