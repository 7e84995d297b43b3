"""Are near-duplicates found as often as the LSH formula says, and within a crowd too?

    python -m benchmarks recall
    python -m benchmarks.recall [--pairs 100000] [--crowd 100000] [--small]

`levels`: pairs of sets of known Jaccard similarity, random hashes in place of shingles; how many of
them share a band of their signatures (14 x 8, before verification), and 1 - (1 - s^8)^14. With
100,000 pairs the standard error is at most .16 points.

`crowds`: the stage, from stored signals to decisions, over documents of one template: all share it,
and have their own rest. In a `template` crowd that is 30 % of a document (similarity .54 of any
two), in a `close` one 18 % (.69, just under the threshold of .75), in a `mixed` one 5 to 30 %, in
one of `copies` 5 % (.90: all are duplicates). Of the documents of the first three kinds one in ten
is in a planted pair of similarity .8: `candidates` of the pairs share a band, `recall` were found.
Seconds are CPU time of one core, without writing the signals.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.common import claim, report
from corpusmith.dedup import near
from corpusmith.kernels.minhash import band_keys, minimum, permutations
from corpusmith.op import Work
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import PartWriter, part_names, read_part
from tests.inline import InlineEngine

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
PAIRS, CROWD = 100_000, 100_000
UNION = 200  # hashes of both sets of a pair together
SHINGLES = 300  # of a document in a crowd
OWN = {"template": (0.3, 0.3), "close": (0.18, 0.18), "mixed": (0.05, 0.3), "copies": (0.05, 0.05)}
PLANTED = 0.1  # of the documents of a crowd: pairs of similarity .8
SIMILARITY = 0.8
BANDS, ROWS = 14, 8
PART_DOCUMENTS = 10_000


def main(small: bool = False, pairs: int = PAIRS, crowd: int = CROWD) -> dict[str, Any]:
    """Measure and print; returns the last line."""
    if small:
        pairs, crowd = 5_000, 500
    near.warm()
    began = time.process_time()
    found = {f"{s:g}": level(s, pairs, seed) for seed, s in enumerate(LEVELS)}
    result: dict[str, Any] = {
        "name": "recall",
        "pairs": pairs,
        "levels": found,
        "seconds": round(time.process_time() - began, 1),
        "crowds": {kind: crowded(kind, crowd) for kind in OWN},
    }
    result["data"] = "random hashes in place of shingles, Jaccard similarities as planted"
    if not small:
        worst = max(abs(one["recall"] - one["formula"]) for one in found.values())
        crowds = result["crowds"].values()
        result["claims"] = [
            claim("recall: distance from the LSH formula at .5 to .9", round(worst, 4), "..0.01"),
            claim(
                "recall: candidates lost in crowds", sum(c.get("lost", 0) for c in crowds), "..0"
            ),
            claim(
                f"recall: seconds for {crowd:,} documents of one template",
                max(one["seconds"] for one in crowds),
                "..60",
            ),
        ]
    return report(result)


def formula(similarity: float) -> float:
    """1 - (1 - s^r)^b (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4)."""
    return 1 - (1 - similarity**ROWS) ** BANDS


def signatures(sets: np.ndarray) -> np.ndarray:
    """uint32[sets, 112] of uint64[sets, hashes]."""
    a, b = permutations(near.PERMUTATIONS, 0)
    found = np.empty((len(sets), near.PERMUTATIONS), np.uint32)
    for one, out in zip(sets, found, strict=True):
        minimum(one, len(one), a, b, out)
    return found


def level(similarity: float, pairs: int, seed: int) -> dict[str, float]:
    """Of pairs of sets with `similarity`: the share that has a band in common."""
    draw = np.random.default_rng(seed)
    shared, own = round(UNION * similarity), round(UNION * (1 - similarity) / 2)
    assert shared + 2 * own == UNION  # so that the similarity is exact
    hashes = draw.integers(0, 2**64, (pairs, UNION), dtype=np.uint64)
    first = band_keys(signatures(hashes[:, : shared + own]), BANDS, ROWS)
    rest = np.concatenate([hashes[:, :shared], hashes[:, shared + own :]], axis=1)
    second = band_keys(signatures(rest), BANDS, ROWS)
    found = (first == second).any(axis=1).mean()
    return {"recall": round(float(found), 4), "formula": round(formula(similarity), 4)}


def crowd_of(kind: str, documents: int, seed: int = 0) -> tuple[np.ndarray, int]:
    """uint64[documents, SHINGLES] sets, and how many of the first ones are pairs: 2i and 2i + 1."""
    draw = np.random.default_rng(seed)
    least, most = OWN[kind]
    own = np.rint(SHINGLES * draw.uniform(least, most, documents)).astype(int)
    sets = draw.integers(0, 2**64, (documents, SHINGLES), dtype=np.uint64)
    template = draw.integers(0, 2**64, SHINGLES, dtype=np.uint64)
    sets = np.where(np.arange(SHINGLES) < own[:, None], sets, template)
    if kind == "copies":
        return np.sort(sets, axis=1), 0
    planted = int(documents * PLANTED) // 2 * 2
    # c / (2n - c) = s: of the n hashes of a document its copy has c.
    common = round(SHINGLES * 2 * SIMILARITY / (1 + SIMILARITY))
    copies = sets[0:planted:2].copy()
    for copy in copies:
        replaced = draw.choice(SHINGLES, SHINGLES - common, replace=False)
        copy[replaced] = draw.integers(0, 2**64, len(replaced), dtype=np.uint64)
    sets[1:planted:2] = copies
    return np.sort(sets, axis=1), planted


def crowded(kind: str, documents: int) -> dict[str, Any]:
    """The stage over one crowd."""
    sets, planted = crowd_of(kind, documents)
    signs = signatures(sets)
    kept, info, seconds = decide(sets, signs)
    result = {
        "documents": documents,
        "seconds": round(seconds, 1),
        **{name: info[name] for name in ("merged", "candidate_pairs", "pairs_left_out")},
    }
    if planted:
        together = kept[0:planted:2] == kept[1:planted:2]
        keys = band_keys(signs[:planted], BANDS, ROWS)
        candidates = (keys[0::2] == keys[1::2]).any(axis=1)
        result.update(
            candidates=round(float(candidates.mean()), 4),
            recall=round(float(together.mean()), 4),
            lost=int((candidates & ~together).sum()),
        )
    return result


def decide(
    sets: np.ndarray, signs: np.ndarray, verify: str = "exact"
) -> tuple[np.ndarray, dict[str, Any], float]:
    """The stage from stored signals to decisions: the document kept for each one (itself where it
    stays), what the stage tells of itself, and its seconds of CPU time."""
    documents = len(sets)
    ids = [document_id("crowd", str(n)) for n in range(documents)]
    with tempfile.TemporaryDirectory(prefix="corpusmith-recall-") as name:
        folder = Path(name)
        cleaned = folder / "clean.crowd"
        for number, start in enumerate(range(0, documents, PART_DOCUMENTS)):
            stop = min(documents, start + PART_DOCUMENTS)
            with PartWriter(cleaned, f"crowd-{number:05d}") as out:
                out.write("signals", _signals(ids[start:stop], sets[start:stop], signs[start:stop]))
        work = Work(
            folder=folder / "decide.near",
            params={"step": "near", "sources": ["crowd"], "after": [], "verify": verify},
            inputs={"clean.crowd": cleaned},
            engine=InlineEngine(),
        )
        began = time.process_time()
        near.execute(work)
        seconds = time.process_time() - began
        place = {one: n for n, one in enumerate(ids)}
        kept = np.arange(documents)
        for part in part_names(cleaned):
            rows = read_part(work.folder, "decisions", part, columns=["id", "duplicate_of"])
            for one, other in zip(*(rows[c].to_pylist() for c in rows.column_names), strict=True):
                kept[place[one]] = place[other]
    return kept, work.info, seconds


def _signals(ids: list[str], sets: np.ndarray, signs: np.ndarray) -> pa.Table:
    width = pa.binary(4 * near.PERMUTATIONS)
    flat = pa.py_buffer(np.ascontiguousarray(signs.astype("<u4")))
    ends = np.arange(len(sets) + 1) * sets.shape[1]
    return pa.table(
        {
            "id": ids,
            "minhash": pa.FixedSizeBinaryArray.from_buffers(width, len(sets), [None, flat]),
            "shingle_hashes": near.binary_rows(sets.reshape(-1), ends),
            "text_length_chars": pa.array(np.full(len(sets), 2_000), pa.int64()),
        }
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pairs", type=int, default=PAIRS, help="at each similarity")
    parser.add_argument("--crowd", type=int, default=CROWD, help="documents of one template")
    parser.add_argument("--small", action="store_true")
    o = parser.parse_args()
    main(o.small, o.pairs, o.crowd)
