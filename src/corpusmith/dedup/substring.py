"""Exact substring deduplication: spans of N tokens and more that stand in the corpus twice.

Lee et al. 2022 (arXiv 2107.06499), over tokens in place of BPE tokens: those of the quality
signals, words, single characters of scripts without spaces, and symbols (kernels/chars.py).
White space is no part of the comparison, case and everything else is.

A **window** is N tokens in a row of one document. Where equal windows stand in several places,
within a document or across documents, the first (sources in the recipe's order, then parts and
rows, then tokens) stays. Removed is every token that lies in a window that came before, unless
it lies in the first occurrence of a window that comes again. So each window that was repeated
still stands where it first stood, whole.

    round "windows"   a task a part: its tokens, and a record of every window, by bucket
    round "pairs"     a task a bucket: windows whose fingerprint came before -> pairs
    round "spans"     a task a part: pairs compared token by token -> spans to remove
    round "main"      a task a part: documents/, signals/ and edits/ of the documents changed,
                      decisions/ for those of which nothing is left (dedup/rewrite.py)

A fingerprint that two different windows share is found out in "spans"; then the first three
rounds are made again with other constants. So no result depends on one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from corpusmith.dedup.buckets import Part, list_parts, part_tasks
from corpusmith.dedup.clusters import DROPPED_FRAC
from corpusmith.dedup.rewrite import RULE
from corpusmith.errors import CorpusmithError
from corpusmith.kernels.windows import ALL_BITS
from corpusmith.op import Task, Work
from corpusmith.store.parts import part_entry

ATTEMPTS = tuple((seed, int(ALL_BITS)) for seed in range(4))
"""Seed of the hash functions, and the bits of a fingerprint that count."""
BUCKET_BYTES = (
    16 << 20
)  # of text a task of round "pairs": 5 million windows of Chinese, 3 of English
MAX_BUCKETS = 1 << 16


class SubstringParams(BaseModel):
    """`dedup: {substring: {tokens: 50}}`."""

    model_config = ConfigDict(extra="forbid")

    tokens: int = Field(default=50, ge=2, le=1_000_000)
    """The shortest span that is removed, in tokens: words, single characters of scripts without
    spaces, symbols."""
    modalities: list[str] | None = None
    """Only documents of these are compared and cut, `[text]` for example; without it all are.
    In source code a span cut out may leave a file that does not parse."""


def execute(work: Work) -> None:
    """The stage. `work.info` counts tokens, spans and bytes removed, in all and by source."""
    known = SubstringParams.model_fields
    params = SubstringParams.model_validate({k: v for k, v in work.params.items() if k in known})
    parts = list_parts(work)
    buckets = bucket_count(sum(kept_bytes(part) for part in parts))
    for attempt, (seed, bits) in enumerate(ATTEMPTS):
        suffix = f".{attempt}" if attempt else ""
        spec = {**params.model_dump(), "seed": seed, "bits": bits, "buckets": buckets}
        found = _search(work, parts, {**spec, "suffix": suffix})
        if not any(entry["info"]["unequal"] for entry in found):
            break
    else:
        raise CorpusmithError(
            f"different windows of {params.tokens} tokens had the same fingerprint with each of "
            f"{len(ATTEMPTS)} hash functions",
            where=f"step {work.params['step']}",
            expected="chance does not do that: texts made for it, or a fault of corpusmith",
        )
    cut = {
        "step": work.params["step"],
        "suffix": suffix,
        "text_version": work.params.get("text_version", 0),
        "masking": work.params.get("masking") or [],
    }
    tasks = part_tasks(work, parts, cut)
    done = work.engine.map("corpusmith.dedup.rewrite:rewrite_part", tasks, folder=work.folder)
    _describe(work, parts, found, done)


def _search(work: Work, parts: list[Part], spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The first three rounds; entries of the last one."""
    engine, folder, suffix = work.engine, work.folder, spec["suffix"]
    address = "corpusmith.dedup.substring_rounds:"
    work.scratch += [f"{name}{suffix}" for name in ("windows", "pairs", "spans")]
    engine.map(
        f"{address}window_part",
        part_tasks(work, parts, spec),
        folder=folder,
        round=f"windows{suffix}",
        scratch=True,
    )
    tasks = [
        Task(f"bucket-{b:05d}", {"bucket": b, "buckets": spec["buckets"], "suffix": suffix})
        for b in range(spec["buckets"])
    ]
    engine.map(f"{address}pair_bucket", tasks, folder=folder, round=f"pairs{suffix}", scratch=True)
    return engine.map(
        f"{address}span_part",
        part_tasks(work, parts, spec),
        folder=folder,
        round=f"spans{suffix}",
        scratch=True,
    )


def kept_bytes(part: Part) -> int:
    """UTF-8 bytes of a part's texts after the pass."""
    return part_entry(Path(part.folder), part.name)["info"].get("kept_bytes", 0)


def bucket_count(text_bytes: int) -> int:
    """A power of two from 2 on, a function of the input's size alone."""
    count = 2
    while count < MAX_BUCKETS and text_bytes > count * BUCKET_BYTES:
        count *= 2
    return count


def _describe(
    work: Work, parts: list[Part], found: list[dict[str, Any]], done: list[dict[str, Any]]
) -> None:
    names = ("in", "left", "changed", "spans", "tokens", "removed_tokens", "bytes", "removed_bytes")
    by_source = {source: dict.fromkeys(names, 0) for source in work.params["sources"]}
    for part, searched, rewritten in zip(parts, found, done, strict=True):
        figures = {**searched["info"], **rewritten["info"]}
        for name in names:
            by_source[part.source][name] += figures[name]
    total = {name: sum(row[name] for row in by_source.values()) for name in names}
    step = work.params["step"]
    work.info.update(total, rules={step: {RULE: total["left"]}}, by_source=by_source)
    for source, row in by_source.items():
        if row["removed_bytes"] > DROPPED_FRAC * row["bytes"]:
            work.warnings.append(
                f"{step} removes {row['removed_bytes']:,} of {row['bytes']:,} bytes of source "
                f"{source!r} ({row['removed_bytes'] / row['bytes']:.1%}) as repeated spans"
            )
    if total["in"] and not total["tokens"]:
        work.warnings.append(
            f"{step} found nothing because it saw no text: none of the {total['in']} documents "
            "has a token" + _of_modalities(work.params.get("modalities"))
        )


def _of_modalities(modalities: list[str] | None) -> str:
    return f" in the modalities {', '.join(modalities)}" if modalities else ""
