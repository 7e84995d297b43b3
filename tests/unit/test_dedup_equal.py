"""Near-dedup held equal to what it promises: the LSH formula, and counting all pairs."""

from __future__ import annotations

import functools
import json
import random

import numpy as np
import pytest

from benchmarks import data, recall
from corpusmith.dedup import near, reduce
from tests.conftest import SHARED
from tests.dedup_run import Corpus, document
from tests.reference import minhash as reference
from tests.reference.similar_pairs import components, similar_pairs

NEAR = "corpusmith.dedup.near:minhash"
CHINESE = SHARED / "cmrc2018" / "data" / "cmrc2018_dev.json"
DOCUMENTS = 5000
THRESHOLD = 0.75


@pytest.mark.parametrize("similarity", recall.LEVELS)
def test_candidates_are_found_as_often_as_the_formula_says(similarity):
    """25,000 pairs: a standard error of at most .31 points, and a bound of 1 point."""
    found = recall.level(similarity, 25_000, seed=1)
    assert abs(found["recall"] - (1 - (1 - similarity**8) ** 14)) < 0.01


# --- real text ---------------------------------------------------------------------------


def changed(draw, text):
    """A copy with words (of Chinese: characters) replaced, cut off at the end, or both."""
    between = "" if "。" in text else " "
    words = list(text) if between == "" else text.split(between)
    for _ in range(draw.choice([0, 1, 1, 2, 3, 5])):
        words[draw.randrange(len(words))] = "".join(draw.choices("abcdefgh", k=7))
    return between.join(words[: len(words) - draw.choice([0, 0, 0, len(words) // 20])])


def real_texts():
    """Chinese paragraphs where they are here, then the standard library's files."""
    if CHINESE.exists():
        for item in json.loads(CHINESE.read_text("utf-8"))[:400]:
            yield item["context_text"]
    for path in data.library_files():
        try:
            yield path.read_text("utf-8")[:20_000]
        except UnicodeDecodeError:
            continue


@pytest.fixture(scope="module")
def documents():
    """5,000 documents in two sources: pieces of real text, which repeats itself in licences and
    tables, half of them copies of others, and a few without a word."""
    draw = random.Random(5)
    pieces = ["", "… !", "#" * 40]
    for text in real_texts():
        start = 0
        while start < len(text):
            size = draw.randrange(150, 900)
            pieces.append(text[start : start + size])
            start += size
        if len(pieces) >= DOCUMENTS // 2:
            break
    texts = pieces[: DOCUMENTS // 2]
    while len(texts) < DOCUMENTS:
        texts.append(changed(draw, draw.choice(pieces[:2000])))
    draw.shuffle(texts)
    half = DOCUMENTS // 2
    return {
        source: [document(source, f"{n}", text) for n, text in enumerate(some)]
        for source, some in (("b", texts[:half]), ("a", texts[half:]))
    }


@functools.cache
def words_of(piece: str) -> tuple[str, ...]:
    return tuple(reference.words(piece))


def shingles(text):
    """tests/reference's shingles of 5 words; pieces between white space are worked out once."""
    found = [word for piece in text.split() for word in words_of(piece)]
    n = min(5, len(found))
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)} if n else set()


@pytest.fixture(scope="module")
def similar(documents):
    """The documents in the recipe's order, their shingles, and all pairs from the threshold on."""
    listed = [doc for docs in documents.values() for doc in docs]
    sets = [shingles(doc["text"]) for doc in listed]
    for number in range(0, DOCUMENTS, 500):
        assert sets[number] == reference.shingles(listed[number]["text"], 5)
    return listed, sets, list(similar_pairs(sets, THRESHOLD))


def share_a_band(sets, pairs):
    """The pairs whose reference signatures agree in a whole band of 8 of 112 places."""
    hashed = functools.cache(reference.shingle_hash)
    numbers = reference.permutations(112, 0)
    a = np.array([x for x, _ in numbers], np.uint32)[:, None]
    b = np.array([y for _, y in numbers], np.uint32)[:, None]

    @functools.cache
    def bands(number):
        upper = np.array([hashed(s) >> 32 for s in sets[number]], np.uint32)
        return (a * upper + b).min(axis=1).reshape(14, 8)

    return [(i, j, s) for i, j, s in pairs if (bands(i) == bands(j)).all(axis=1).any()]


def leaving(listed, pairs):
    """{id of a document that leaves: id of the one kept}: of a component the first source's, of
    those the longest, of those the one with the smallest id."""
    label = components(len(listed), [(i, j) for i, j, _ in pairs])
    best = {}
    for number, doc in enumerate(listed):
        key = (doc["source"] != "b", -len(doc["text"]), doc["id"])
        best[label[number]] = min(best.get(label[number], key), key)
    return {
        doc["id"]: best[label[number]][2]
        for number, doc in enumerate(listed)
        if best[label[number]][2] != doc["id"]
    }


@pytest.mark.parametrize("shape", [{}, {"bands": 112, "rows": 1}], ids=["14x8", "112x1"])
def test_clusters_of_5000_documents_equal_brute_force(
    tmp_path, documents, similar, shape, monkeypatch
):
    """With 14 x 8 those of the similar pairs that share a band; with one row a band all pairs: a
    similar one shares none with probability .25^112. There bands count as crowded early."""
    listed, sets, pairs = similar
    assert len(pairs) > 1500
    if shape:
        monkeypatch.setattr(reduce, "PAIRWISE_LIMIT", 8)
    corpus = Corpus(tmp_path, documents, [(NEAR, shape)], part_rows=700)
    work = corpus.run(near.execute, "near", threshold=THRESHOLD, **shape)
    rows = corpus.decisions(work)
    expected = leaving(listed, pairs if shape else share_a_band(sets, pairs))
    assert {row["id"]: row["duplicate_of"] for row in rows} == expected
    assert (work.info["large_groups"] > 100) is bool(shape)
    assert work.info["pairs_left_out"] == 0
    # What is dropped was verified: it or the one through which it belongs there is as similar as
    # the decision says, and that reaches the threshold.
    place = {doc["id"]: number for number, doc in enumerate(listed)}
    for row in rows:
        mine = sets[place[row["id"]]]
        value = reference.jaccard(mine, sets[place[row["duplicate_of"]]])
        assert row["value"] == f"{value:.4f}"
        if value < THRESHOLD:
            name, through = row["also"][0].removeprefix("through: ").split()
            assert float(through) >= THRESHOLD
            assert through == f"{reference.jaccard(mine, sets[place[name]]):.4f}"


# --- crowds ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["template", "close", "mixed"])
def test_no_candidate_is_lost_in_a_crowd(kind):
    """Documents of one template, hundreds of which share each band: the 64 that all were compared
    with before are like none of the planted pairs."""
    found = recall.crowded(kind, 1500)
    assert found["lost"] == found["pairs_left_out"] == 0
    assert found["candidates"] > 0.8


@pytest.mark.parametrize("verify", ["exact", "estimate"])
def test_clusters_of_a_crowd_equal_brute_force(verify):
    """800 documents of one template, of all grades of likeness; `estimate` compares signatures."""
    sets, _ = recall.crowd_of("mixed", 800, seed=3)
    signs = recall.signatures(sets)
    kept, info, _ = recall.decide(sets, signs, verify)
    assert info["large_groups"] >= 10  # of 14 bands
    bands = signs.reshape(800, 14, 8)
    if verify == "exact":
        pairs = [
            (i, j) for i, j, _ in similar_pairs([set(one.tolist()) for one in sets], THRESHOLD)
        ]
    else:
        alike = (signs[:, None] == signs[None]).sum(axis=2) >= THRESHOLD * 112
        pairs = [(i, j) for i, j in np.argwhere(alike).tolist() if i < j]
    edges = [(i, j) for i, j in pairs if (bands[i] == bands[j]).all(axis=1).any()]
    label = np.array(components(800, edges))
    assert 10 < len(set(label.tolist())) < 790
    assert ((kept[:, None] == kept[None]) == (label[:, None] == label[None])).all()


def test_what_is_left_out_is_a_warning(tmp_path, monkeypatch):
    """Documents of few words that are all common: prefixes tell nothing apart, no two are similar,
    and there are no steps to compare them in."""
    draw = random.Random(1)
    vocabulary = ["".join(draw.choices("abcdefgh", k=6)) for _ in range(100)]
    docs = [
        document("s", f"{number}", " ".join(draw.sample(vocabulary, 50))) for number in range(120)
    ]
    shape = {"words": 1, "bands": 12, "rows": 1}
    corpus = Corpus(tmp_path, {"s": docs}, [(NEAR, shape)])
    monkeypatch.setattr(reduce, "PAIRWISE_LIMIT", 8)
    work = corpus.run(near.execute, "all", threshold=0.9, **shape)
    assert work.info["pairs_left_out"] == work.info["merged"] == 0
    assert work.warnings == []
    monkeypatch.setattr(reduce, "STEPS_A_DOCUMENT", 0)
    work = corpus.run(near.execute, "near", threshold=0.9, **shape)
    left_out = work.info["pairs_left_out"]
    assert left_out > 0
    assert any(f"left out {left_out:,} pairs of documents" in one for one in work.warnings)
