"""The held-out split: whole groups, by hash, with a minimum for each source."""

from __future__ import annotations

import itertools
import json
import random

import numpy as np
import pytest
import xxhash

from corpusmith.dedup import exact, split
from tests.dedup_run import Corpus, document
from tests.reference import minhash as reference
from tests.unit.test_dedup import chinese, english, mutated

MEASURES = [
    ("corpusmith.dedup.near:minhash", {"verify": "estimate"}),
    ("corpusmith.dedup.exact:exact_hash", {"normalize": "loose"}),
]


def texts(random_, count, write=english):
    return [write(random_.sample(range(100_000, 999_999), 40)) for _ in range(count)]


@pytest.fixture(scope="module")
def docs():
    """Pages and code of 150 modules that share `meta.module`, 150 loose pages, near copies."""
    random_ = random.Random(3)
    pages, code = [], []
    for i, text in enumerate(texts(random_, 150)):
        pages.append(document("pages", f"m{i}", text, json.dumps({"module": f"m{i}", "n": i})))
    for i, text in enumerate(texts(random_, 150, chinese)):
        code.append(document("code", f"m{i}", text, json.dumps({"about": {"module": f"m{i}"}})))
    for i in range(150):
        base = random_.sample(range(100_000, 999_999), 40)
        pages.append(document("pages", f"x{i}", english(base)))
        if i % 3 == 0:
            # one word of 40 changed: 31 of 41 shingles in common, or 41 of 41
            pages.append(document("pages", f"y{i}", english(mutated(random_, base, 1))))
        if i % 5 == 0:
            code.append(document("code", f"z{i}", english(base).upper()))
    return {"pages": pages, "code": code}


def run(root, docs, *, part_rows=1000, shuffle=None, seed=0, **params):
    corpus = Corpus(root, docs, MEASURES, part_rows=part_rows, shuffle=shuffle)
    params = {"held_out": 0.1, "group": ["module", "about.module"], **params}
    work = corpus.run(split.execute, "split", seed=seed, **params)
    return work, corpus.decisions(work), corpus


def expected_groups(docs, similarity):
    """Groups by definition: same module, same text but for case, Jaccard of 5-grams."""
    listed = [d for s in docs.values() for d in docs_of(s)]
    sets = [reference.shingles(d["text"], 5) for d in listed]
    group = list(range(len(listed)))

    def key(doc):
        meta = json.loads(doc["meta"])
        return meta.get("module") or meta.get("about", {}).get("module")

    for i, j in itertools.combinations(range(len(listed)), 2):
        near = sets[i] & sets[j] and reference.jaccard(sets[i], sets[j]) >= similarity
        # `module` and `about.module` are different keys, so they do not meet by name.
        same_key = key(listed[i]) and key(listed[i]) == key(listed[j])
        same_key = same_key and listed[i]["source"] == listed[j]["source"]
        if near or same_key:
            old, new = group[j], group[i]
            group = [new if g == old else g for g in group]
    return {d["id"]: g for d, g in zip(listed, group, strict=True)}


def docs_of(source):
    return source


def test_groups_stay_on_one_side_and_hashes_decide(tmp_path, docs):
    """Every group that shares much (.7 and more) is whole; its smallest id's hash decides."""
    work, rows, _ = run(tmp_path, docs, min_documents=0, min_bytes=0, seed=5)
    held = {r["id"] for r in rows}
    group = expected_groups(docs, 0.7)
    members: dict[int, list[str]] = {}
    for name, g in group.items():
        members.setdefault(g, []).append(name)
    assert sum(len(m) > 1 for m in members.values()) > 50
    for names in members.values():
        value = (xxhash.xxh3_64_intdigest(f"5:{min(names)}".encode()) >> 11) / 2**53
        assert {name in held for name in names} == {value < 0.1}
    for row in rows:
        assert (row["rule"], row["signal"], row["max"]) == ("held_out", "split_hash", "0.1")
        assert float(row["value"]) < 0.1
        assert row["duplicate_of"] is None and row["step"] == "split"
    info = work.info
    assert info["held_out_documents"] == len(held)
    for source, listed in docs.items():
        figures = info["by_source"][source]
        mine = [d for d in listed if d["id"] in held]
        assert figures["held_out_documents"] == len(mine)
        assert figures["held_out_bytes"] == sum(len(d["text"].encode()) for d in mine)
        assert figures["training_documents"] == len(listed) - len(mine)
    assert work.warnings == []


def test_one_key_joins_sources(tmp_path):
    """A module's page and its code, whose texts have nothing in common, are on one side."""
    random_ = random.Random(1)
    docs = {
        source: [
            document(source, f"{i}", text, json.dumps({"module": f"m{i}"}))
            for i, text in enumerate(texts(random_, 100, write))
        ]
        for source, write in (("pages", english), ("code", chinese))
    }
    work, rows, _ = run(tmp_path, docs, group="module", min_documents=20)
    held = {r["id"] for r in rows}
    sides = [(a["id"] in held, b["id"] in held) for a, b in zip(*docs.values(), strict=True)]
    assert {len(set(pair)) for pair in sides} == {1}
    assert work.info["groups"] == 100
    assert work.info["by_source"]["code"]["held_out_documents"] >= 20
    _, apart, _ = run(tmp_path / "apart", docs, group=None, min_documents=20)
    held = {r["id"] for r in apart}
    assert any((a["id"] in held) != (b["id"] in held) for a, b in zip(*docs.values(), strict=True))


def test_part_sizes_and_task_order_change_nothing(tmp_path, docs):
    results = []
    for number, (rows, shuffle) in enumerate([(1000, None), (41, 4)]):
        work, decided, _ = run(tmp_path / f"{number}", docs, part_rows=rows, shuffle=shuffle)
        results.append((decided, work.info, work.warnings))
    assert results[0] == results[1]
    _, other, _ = run(tmp_path / "seed", docs, seed=1)
    assert {r["id"] for r in other} != {r["id"] for r in results[0][0]}


def test_each_source_reaches_its_minimum_in_the_order_of_hashes(tmp_path):
    random_ = random.Random(2)
    docs = {
        "big": [document("big", f"{i}", t) for i, t in enumerate(texts(random_, 60))],
        "tiny": [document("tiny", f"{i}", t) for i, t in enumerate(texts(random_, 7))],
        "long": [document("long", f"{i}", t * 140) for i, t in enumerate(texts(random_, 12))],
    }
    work, rows, _ = run(tmp_path, docs, held_out=0.02, group=None)
    by_source = work.info["by_source"]
    for source, least in (("big", 20), ("tiny", 3)):
        hashes = sorted((split.split_hash(0, d["id"]), d["id"]) for d in docs[source])
        below = sum(value < 0.02 for value, _ in hashes)
        wanted = {name for _, name in hashes[: max(below, least)]}
        assert {r["id"] for r in rows if r["id"] in {d["id"] for d in docs[source]}} == wanted
    # 100 kB of texts of 56 kB are two.
    assert by_source["long"]["held_out_documents"] == 2
    assert by_source["long"]["held_out_bytes"] >= 100_000
    topped = [r for r in rows if r["also"]]
    assert all(r["also"] == ["minimum of its source"] for r in topped)
    assert {float(r["value"]) >= 0.02 for r in topped} == {True}
    assert len(work.warnings) == 1 and "of source 'tiny'" in work.warnings[0]
    assert by_source["tiny"]["training_documents"] == 4


def test_a_huge_group_stays_in_training(tmp_path):
    random_ = random.Random(4)
    docs = {
        "a": [
            document("a", f"{i}", t, json.dumps({"site": "one" if i < 30 else None}))
            for i, t in enumerate(texts(random_, 200))
        ]
    }
    work, rows, _ = run(tmp_path, docs, group="site", held_out=0.3, seed=0)
    # Half of the share is 30 documents: a group of 30 is not above it, one of 31 would be.
    assert work.info["huge_groups"] == 0
    work, rows, _ = run(tmp_path / "b", docs, group="site", held_out=0.2)
    held = {r["id"] for r in rows}
    assert work.info["huge_groups"] == 1 and work.info["huge_documents"] == 30
    assert not held & {d["id"] for d in docs["a"][:30]}
    assert "1 groups with 30 documents in training" in work.warnings[0]


def test_only_kept_documents_are_split(tmp_path):
    docs = {"a": [document("a", f"{i}", english([10**5 + i // 2])) for i in range(120)]}
    corpus = Corpus(tmp_path, docs, MEASURES)
    first = corpus.run(exact.execute, "exact")
    gone = {r["id"] for r in corpus.decisions(first)}
    work = corpus.run(split.execute, "split", after=["decide.exact"], held_out=0.1)
    assert len(gone) == 60 and work.info["documents"] == 60
    held = {r["id"] for r in corpus.decisions(work)}
    assert held and not held & gone


def test_overlap_by_hand(tmp_path):
    """Held-out 13-grams that training has, counted from the texts with the reference."""
    random_ = random.Random(6)
    shared = [english(random_.sample(range(100_000, 999_999), 16)) for _ in range(3)]
    docs = {"a": []}
    for i, text in enumerate(texts(random_, 120)):
        docs["a"].append(document("a", f"{i}", f"{text} {random_.choice(shared)} {text[:90]}"))
    work, rows, _ = run(tmp_path, docs, group=None, part_rows=50)
    held = {r["id"] for r in rows}
    grams = {True: set(), False: set()}
    for d in docs["a"]:
        grams[d["id"] in held] |= reference.shingles(d["text"], 13)
    common = grams[True] & grams[False]
    assert work.info["overlap"] == {
        "words": 13,
        "sampled": 1,
        "held_out_ngrams": len(grams[True]),
        "in_training": len(common),
        "frac": round(len(common) / len(grams[True]), 6),
    }
    assert common


def test_a_large_overlap_is_sampled(tmp_path, docs, monkeypatch):
    from corpusmith.dedup import split_overlap

    whole, _, _ = run(tmp_path / "w", docs, held_out=0.3)
    monkeypatch.setattr(split_overlap, "SAMPLE_NGRAMS", 1000)
    part, _, _ = run(tmp_path / "p", docs, held_out=0.3)
    sampled = part.info["overlap"]["sampled"]
    assert sampled > 1 and whole.info["overlap"]["sampled"] == 1
    total = whole.info["overlap"]["held_out_ngrams"]
    got = part.info["overlap"]["held_out_ngrams"]
    spread = (total / sampled) ** 0.5
    assert abs(got - total / sampled) < 5 * spread


def test_missing_signatures_and_keys_are_warnings(tmp_path, docs):
    corpus = Corpus(tmp_path, docs, MEASURES[1:])
    work = corpus.run(split.execute, "split", held_out=0.1, group="nowhere")
    assert work.warnings[:2] == [
        "split has no MinHash signatures: near-duplicates may stand on both sides",
        "split: no document's meta has the key 'nowhere'",
    ]


def test_no_documents(tmp_path):
    work, rows, _ = run(tmp_path, {"a": [], "b": []})
    assert rows == [] and work.warnings == []
    assert work.info["documents"] == 0 and work.info["overlap"]["frac"] is None


@pytest.mark.parametrize(
    ("meta", "key", "value"),
    [
        ('{"a": {"b": "x"}}', "a.b", "x"),
        ('{"a.b": "y", "a": {"b": "x"}}', "a.b", "y"),
        ('{"a": 3}', "a", 3),
        ("[1]", "a", None),
        ("not json", "a", None),
        (None, "a", None),
        ("[" * 100_000, "a", None),
    ],
)
def test_group_keys(meta, key, value):
    assert split._lookup(meta, key) == value


def test_select_leaves_half_of_a_source():
    """One group of 4 of a source's 6 documents can't be taken to reach the minimum."""
    label = np.array([0, 0, 0, 0, 1, 2])
    value = np.array([0.3, 0.3, 0.3, 0.3, 0.5, 0.9])
    held, topped, info = split.select(
        label, value, np.full(6, 10), np.zeros(6, int), ["a"],
        fraction=0.1, min_documents=3, min_bytes=1000,
    )  # fmt: skip
    assert held.tolist() == [False] * 4 + [True] * 2
    assert topped.tolist() == held.tolist()
    assert info["by_source"]["a"]["short"]
