"""Exact and near deduplication, from documents to decisions."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from corpusmith.dedup import buckets, clusters, exact, near, reduce
from corpusmith.op import Context
from tests.dedup_run import Corpus, document
from tests.reference import minhash as reference

EXACT = "corpusmith.dedup.exact:exact_hash"
NEAR = "corpusmith.dedup.near:minhash"


def english(numbers):
    """A word for each number, of letters only (digits would be folded to 0)."""
    return " ".join(
        "".join("bcdfghjklm"[int(d)] + "aeiou"[int(d) % 5] for d in str(n)) for n in numbers
    )


def chinese(numbers):
    """Two Chinese characters for each number below 4,000,000."""
    return "".join(chr(0x4E00 + n // 2000) + chr(0x6000 + n % 2000) for n in numbers)


def planted(similarity, seed, write, words):
    """Two texts whose sets of 5-word shingles have about this Jaccard similarity.

    One text, and its copy with another tail: n shingles of which s stay is s / (2n - s).
    """
    random_ = random.Random(seed)
    size = 200
    shared = round(size * 2 * similarity / (1 + similarity))
    numbers = random_.sample(range(100_000, 999_999), 2 * size)
    text, tail = numbers[:size], numbers[size:]
    return write(text), write(text[:shared] + tail[: size - shared])


def true_jaccard(a, b, words=5):
    return reference.jaccard(reference.shingles(a, words), reference.shingles(b, words))


def ids_of(decisions):
    return {row["id"] for row in decisions}


# --- the operations ----------------------------------------------------------------------


def batch(texts):
    return pa.table({"text": pa.array(texts, pa.large_string())})


def test_exact_hash():
    table = exact.exact_hash(batch(["abc", "", "中文", "Abc \n", " "]), Context())
    values = table["exact_hash"].to_pylist()
    assert values[0] == xxhash.xxh3_128(b"abc").digest()
    assert values[1] is None
    assert values[2] == xxhash.xxh3_128("中文".encode()).digest()
    assert table["text_length_chars"].to_pylist() == [3, 0, 2, 5, 1]
    loose = exact.exact_hash(
        batch(["abc", "", "Straße  x", "ABC \n", " \t", "STRASSE\u3000X"]),
        Context(params=exact.ExactParams(normalize="loose")),
    )["exact_hash"].to_pylist()
    assert loose[0] == loose[3] == values[0]
    assert loose[2] == loose[5] == xxhash.xxh3_128(b"strasse x").digest()
    assert loose[1] is None and loose[4] is None


@pytest.mark.parametrize("verify", ["exact", "estimate"])
def test_minhash_columns(verify):
    params = near.NearParams(verify=verify, words=3)
    texts = ["a b c d", "", "a b", "…!", "中文文本", "A,  b C-d"]
    table = near.minhash(batch(texts), Context(params=params))
    assert table.schema.equals(near.minhash.operation.schema(params))
    assert table["shingles"].to_pylist() == [2, 0, 1, 0, 2, 2]
    signatures = table["minhash"].to_pylist()
    assert signatures[1] is None and signatures[3] is None
    assert signatures[0] == signatures[5]
    assert np.frombuffer(signatures[4], "<u4").tolist() == reference.signature(
        {reference.shingle_hash(s) for s in reference.shingles("中文文本", 3)}, 112, 0
    )
    if verify == "exact":
        hashes = table["shingle_hashes"].to_pylist()
        assert hashes[1] is None
        assert hashes[2] == reference.shingle_hash(("a", "b")).to_bytes(8, "little")
    assert near.minhash(batch([]), Context(params=params)).num_rows == 0


def test_the_signature_does_not_depend_on_the_threshold():
    """So that a threshold can be moved without a new pass over the text."""
    assert near.NearParams.decide_only == ("threshold",)
    tables = [
        near.minhash(batch(["a b c d e f g"]), Context(params=near.NearParams(threshold=t)))
        for t in (0.5, 0.75, 0.9)
    ]
    assert tables[0].equals(tables[1]) and tables[1].equals(tables[2])


def test_params_are_checked():
    with pytest.raises(ValueError, match="both bands and rows"):
        near.NearParams(bands=3)
    with pytest.raises(ValueError):
        near.NearParams(threshold=0)
    assert near.NearParams().shape == (14, 8)
    assert near.NearParams(bands=20, rows=13).permutations == 260


# --- exact duplicates --------------------------------------------------------------------


def test_exact_keeps_the_first_source_then_the_longest_then_the_smallest_id(tmp_path):
    same = "the same text"
    a = [document("a", f"a{i}", f"only {i}") for i in range(3)] + [document("a", "dup", same)]
    b = [document("b", f"b{i}", same) for i in range(5)] + [document("b", "e", "")] * 1
    b += [document("b", f"t{i}", "twice  IN b" if i else "twice in b") for i in range(2)]
    corpus = Corpus(tmp_path, {"a": a, "b": b}, [(EXACT, {"normalize": "loose"})], part_rows=3)
    work = corpus.run(exact.execute, "exact")
    rows = corpus.decisions(work)
    kept = a[3]["id"]
    digest = xxhash.xxh3_128(same.encode()).hexdigest()
    expected = [
        {
            "id": doc["id"],
            "step": "exact",
            "rule": "exact_duplicate",
            "signal": "exact_hash",
            "value": digest,
            "min": None,
            "max": None,
            "duplicate_of": kept,
            "also": [],
        }
        for doc in b[:5]
    ]
    assert rows[:5] == expected
    # Equal but for case and spaces: the longer stays.
    assert [(r["id"], r["duplicate_of"]) for r in rows[5:]] == [(b[6]["id"], b[7]["id"])]
    assert work.info["clusters"] == 2
    assert work.info["merged"] == work.info["left"] == 6
    assert work.info["by_source"]["b"] == {"in": 8, "signed": 7, "left": 6}
    assert work.warnings == []
    # Reversed in the recipe, the other source's smallest id stays.
    other = Corpus(tmp_path / "r", {"b": b, "a": a}, [(EXACT, {})], part_rows=3)
    rows = other.decisions(other.run(exact.execute, "exact"))
    smallest = min(doc["id"] for doc in b[:5])
    assert {r["duplicate_of"] for r in rows} == {smallest}
    assert ids_of(rows) == {d["id"] for d in [*b[:5], a[3]]} - {smallest}


def test_a_document_that_left_takes_no_part(tmp_path):
    docs = [document("a", f"{i}", "same text") for i in range(4)]
    corpus = Corpus(tmp_path, {"a": docs}, [(EXACT, {})], part_rows=2)
    first = corpus.run(exact.execute, "exact")
    second = corpus.run(exact.execute, "again", after=["decide.exact"])
    assert len(corpus.decisions(first)) == 3
    assert corpus.decisions(second) == []
    assert second.info["in"] == 1
    assert second.warnings == []


# --- near duplicates ---------------------------------------------------------------------


@pytest.mark.parametrize("write", [english, chinese])
@pytest.mark.parametrize("verify", ["exact", "estimate"])
def test_recall_of_planted_pairs_is_the_formulas(tmp_path, write, verify):
    """100 pairs at each Jaccard .5 to .9: found as often as 1 - (1 - s^8)^14 says.

    For `exact` no pair below the threshold; the number found of those at or above it is a sum
    of independent trials, held within 4 standard deviations (one false alarm in 16,000).
    For `estimate` the trials succeed where also at least 84 of 112 places agree.
    """
    docs, pairs = [], []
    for similarity in (0.5, 0.6, 0.7, 0.8, 0.9):
        for p in range(100):
            a, b = planted(similarity, int(similarity * 10) * 1000 + p, write, 5)
            pairs.append((len(docs), true_jaccard(a, b) if p < 3 else None, similarity))
            docs += [document("s", f"{len(docs)}", a), document("s", f"{len(docs) + 1}", b)]
    # All pairs of one similarity have the same true Jaccard: checked on three, used for all.
    truth = {}
    for _, jaccard, similarity in pairs:
        if jaccard is not None:
            assert abs(jaccard - similarity) < 0.02
            assert truth.setdefault(similarity, jaccard) == jaccard
    corpus = Corpus(tmp_path, {"s": docs}, [(NEAR, {"verify": verify})], part_rows=300)
    work = corpus.run(near.execute, "near", threshold=0.75, verify=verify)
    left = ids_of(corpus.decisions(work))
    for similarity, jaccard in truth.items():
        found = sum(
            len({docs[place]["id"], docs[place + 1]["id"]} & left) == 1
            for place, _, s in pairs
            if s == similarity
        )
        if verify == "exact":
            if jaccard < 0.75:
                assert found == 0
                continue
            p = 1 - (1 - jaccard**8) ** 14
        else:
            p = estimated_recall(jaccard, 14, 8, 84)
        expected, spread = 100 * p, math.sqrt(100 * p * (1 - p))
        assert abs(found - expected) <= 4 * spread + 0.5, (similarity, found, expected)
    assert work.info["recall_at_threshold"] == pytest.approx(0.772, abs=1e-3)


def estimated_recall(s, bands, rows, needed):
    """P(some band agrees whole, and at least `needed` of bands x rows places agree).

    Places agree independently with probability s: the distribution of agreements of one
    band, split into whole and not, convolved over the bands.
    """
    binomial = [math.comb(rows, k) * s**k * (1 - s) ** (rows - k) for k in range(rows + 1)]
    everything, none_whole = np.array([1.0]), np.array([1.0])
    for _ in range(bands):
        everything = np.convolve(everything, binomial)
        none_whole = np.convolve(none_whole, [*binomial[:-1], 0.0])
    return float((everything - none_whole)[needed:].sum())


def mutated(random_, numbers, changes):
    numbers = list(numbers)
    for _ in range(changes):
        numbers[random_.randrange(len(numbers))] = random_.randrange(100_000, 999_999)
    return numbers


@pytest.fixture(scope="module")
def family():
    """500 documents in two languages: families of copies with a few words changed, and loners."""
    random_ = random.Random(7)
    docs = {"zh": [], "en": []}
    while sum(map(len, docs.values())) < 500:
        write, source = random_.choice([(english, "en"), (chinese, "zh")])
        base = [random_.randrange(100_000, 999_999) for _ in range(60)]
        for _ in range(random_.choice([1, 1, 2, 5])):
            text = write(mutated(random_, base, random_.choice([0, 1, 1, 2, 4])))
            # A copy may stand in the other source as well.
            place = source if random_.random() < 0.8 else random_.choice(["en", "zh"])
            docs[place].append(document(place, f"{len(docs[place])}", text))
    return docs


def brute_force(docs, sources, threshold):
    """Clusters over all pairs by true Jaccard; {id: (kept, jaccard with it)} of who leaves."""
    listed = [(index, doc) for index, s in enumerate(sources) for doc in docs[s]]
    sets = [reference.shingles(doc["text"], 5) for _, doc in listed]
    cluster = list(range(len(listed)))
    for i, j in itertools.combinations(range(len(listed)), 2):
        if sets[i] & sets[j] and reference.jaccard(sets[i], sets[j]) >= threshold:
            old, new = cluster[j], cluster[i]
            cluster = [new if c == old else c for c in cluster]
    leaving = {}
    for c in set(cluster):
        members = [i for i in range(len(listed)) if cluster[i] == c]
        kept = min(
            members, key=lambda i: (listed[i][0], -len(listed[i][1]["text"]), listed[i][1]["id"])
        )
        for i in members:
            if i != kept:
                value = reference.jaccard(sets[i], sets[kept])
                leaving[listed[i][1]["id"]] = (listed[kept][1]["id"], value)
    return leaving


def test_clusters_equal_brute_force(tmp_path, family):
    """With one row a band every pair that shares anything is a candidate: nothing is missed."""
    expected = brute_force(family, ["zh", "en"], 0.6)
    assert len(expected) > 100
    shape = {"bands": 112, "rows": 1, "verify": "exact", "threshold": 0.6}
    corpus = Corpus(tmp_path, {s: family[s] for s in ("zh", "en")}, [(NEAR, shape)], part_rows=90)
    work = corpus.run(near.execute, "near", **shape)
    rows = corpus.decisions(work)
    assert {r["id"]: r["duplicate_of"] for r in rows} == {i: k for i, (k, _) in expected.items()}
    chains = 0
    for row in rows:
        value = expected[row["id"]][1]
        assert row["value"] == f"{value:.4f}"
        assert (row["rule"], row["signal"], row["min"]) == ("near_duplicate", "jaccard", "0.6")
        if value < 0.6:
            chains += 1
            [text] = row["also"]
            name, similarity = text.removeprefix("through: ").split()
            assert name != row["id"] and float(similarity) >= 0.6
        else:
            assert row["also"] == []
    assert chains > 0
    assert work.info["merged"] == len(expected)
    assert work.info["clusters"] == len({k for k, _ in expected.values()})
    kept = {r["duplicate_of"] for r in rows}
    assert not kept & ids_of(rows)


@pytest.mark.parametrize("verify", ["exact", "estimate"])
def test_part_sizes_task_order_and_batches_change_nothing(tmp_path, family, verify):
    results = []
    for number, (part_rows, shuffle) in enumerate([(1000, None), (37, 1), (120, 2)]):
        corpus = Corpus(
            tmp_path / f"{number}",
            family,
            [(NEAR, {"verify": verify}), (EXACT, {})],
            part_rows=part_rows,
            shuffle=shuffle,
        )
        first = corpus.run(exact.execute, "exact")
        second = corpus.run(near.execute, "near", after=["decide.exact"], verify=verify)
        infos = [first.info, second.info]
        results.append((corpus.decisions(first), corpus.decisions(second), infos))
    assert results[0] == results[1] == results[2]
    assert results[0][0] and results[0][1]


def test_many_buckets_and_large_groups_give_the_same(tmp_path, family, monkeypatch):
    """A bucket of more documents than are compared pairwise, in pieces of a few documents."""
    copies = [document("zh", f"copy{i}", chinese(range(5000, 5100))) for i in range(150)]
    docs = {"zh": family["zh"] + copies, "en": family["en"]}
    results = []
    for number, (limit, documents, hashes, rows) in enumerate(
        [(1000, 10_000, 10**7, 10**7), (64, 20, 3000, 500)]
    ):
        monkeypatch.setattr(reduce, "PAIRWISE_LIMIT", limit)
        monkeypatch.setattr(buckets, "BATCH_DOCUMENTS", documents)
        monkeypatch.setattr(buckets, "BATCH_HASHES", hashes)
        monkeypatch.setattr(buckets, "BUCKET_ROWS", rows)
        monkeypatch.setattr(clusters, "EDGES_HELD", rows)
        corpus = Corpus(tmp_path / f"{number}", docs, [(NEAR, {})], part_rows=100)
        work = corpus.run(near.execute, "near")
        # Through whom a chain was found depends on what was compared first.
        results.append([{**row, "also": None} for row in corpus.decisions(work)])
        assert work.info["largest_cluster"] == 150
        assert (work.info["large_groups"] > 0) == (limit == 64)
    assert results[0] == results[1]


# --- warnings ----------------------------------------------------------------------------


def test_an_empty_column_is_a_warning(tmp_path):
    docs = [document("a", f"{i}", "… !") for i in range(5)]
    corpus = Corpus(tmp_path, {"a": docs}, [(NEAR, {}), (EXACT, {})])
    work = corpus.run(near.execute, "near")
    assert work.warnings == [
        "near found nothing because its column is empty: none of the 5 documents has a value "
        "in 'minhash'"
    ]
    empty = Corpus(tmp_path / "e", {"a": [document("a", "x", "")]}, [(EXACT, {})])
    work = empty.run(exact.execute, "exact")
    assert "found nothing because its column is empty" in work.warnings[0]


def test_one_source_without_signatures_is_a_warning(tmp_path):
    docs = {
        "a": [document("a", f"{i}", english([10**5 + i])) for i in range(5)],
        "b": [document("b", "x", "…")],
    }
    corpus = Corpus(tmp_path, docs, [(NEAR, {})])
    work = corpus.run(near.execute, "near")
    assert work.warnings == [
        "near compared no document of source 'b': none of its 1 has a value in 'minhash'"
    ]


def test_an_emptied_source_and_a_huge_cluster_are_warnings(tmp_path):
    docs = {
        "a": [document("a", f"{i}", f"text {english([10**5 + i])}") for i in range(40)],
        "b": [document("b", f"{i}", "one text only") for i in range(60)],
    }
    corpus = Corpus(tmp_path, docs, [(EXACT, {})])
    work = corpus.run(exact.execute, "exact")
    kept = min(d["id"] for d in docs["b"])
    assert work.warnings == [
        "exact drops 59 of 60 documents of source 'b' (98.3%) as duplicates",
        f"exact merged a huge cluster: 60 of 100 documents became one, {kept}",
    ]


def test_no_documents_no_parts(tmp_path):
    corpus = Corpus(tmp_path, {"a": []}, [(NEAR, {}), (EXACT, {})])
    for execute, name in ((near.execute, "near"), (exact.execute, "exact")):
        work = corpus.run(execute, name)
        assert work.info["in"] == work.info["merged"] == 0 and not work.warnings
        assert corpus.decisions(work) == []


def test_the_length_column():
    class Work:
        params = {"columns": {"text_chars": "text_chars@one"}}

    assert clusters.length_column(Work) == "text_chars@one"
    Work.params = {"columns": {"text_chars": "c", "text_length_chars": "l"}}
    assert clusters.length_column(Work) == "l"
