"""The conservation law and the joins of a run, recomputed from its Parquet files.

For every source: what the readers logged = documents and quarantine of collect; documents of
collect = documents and quarantine of clean; a document leaves at most once; what did not leave
and is not held out has tokens, and nothing else has.
"""

from __future__ import annotations

import collections
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpusmith.collect.sink import ids_checksum
from corpusmith.report.findings import LISTED, Findings, some
from corpusmith.report.rewritten import check_rewritten
from corpusmith.report.run import Run
from corpusmith.report.scan import token_parts
from corpusmith.store.fingerprint import document_id
from corpusmith.store.overlay import rewrote
from corpusmith.store.parts import file_path, part_entry, part_names, read_part

COUNTS = ("read", "created", "kept", "dropped", "merged", "quarantined", "held_out")


def check_conservation(run: Run, found: Findings) -> None:
    """Every source and every step; then the figures of summary.json."""
    check = _Check(run, found)
    for source in run.sources:
        check.source(source)
    check.duplicates()
    check.mix()
    check.summary()


class _Check:
    def __init__(self, run: Run, found: Findings) -> None:
        self.run = run
        self.found = found
        self.counts = {source: dict.fromkeys(COUNTS, 0) for source in run.sources}
        self.by_rule: dict[tuple[str, str], collections.Counter] = {}
        self.steps = run.decide_folders()
        self.tokens_of = token_parts(run)
        self.token_counts: collections.Counter = collections.Counter()
        self.named: dict[str, set[int]] = {}  # id in a duplicate_of -> steps that named it

    # --- one source ----------------------------------------------------------------------

    def source(self, source: str) -> None:
        collected = self.run.collect_folders().get(source)
        cleaned = self.run.clean_folders().get(source)
        if collected is None:
            return
        everyone: list[pa.Array] = []
        logged: list[str] = []
        parts: list[str] = []
        with self.found.reading(collected):
            parts = part_names(collected)
        for part in parts:
            with self.found.reading(f"{collected} part {part}"):
                info = part_entry(collected, part)["info"]
                ids = _ids(collected, "documents", part)
                columns = ["uri", "id", "error"]
                rows = read_part(collected, "quarantine", part, columns=columns).to_pylist()
                self._errors(source, "read", [row["error"] for row in rows])
                unreadable = [row["id"] or document_id(source, row["uri"]) for row in rows]
                self._logged(f"{collected} part {part}", info, ids, unreadable)
                self.counts[source]["read"] += info["read"]
                self.counts[source]["created"] += info["created"]
                self.counts[source]["quarantined"] += len(unreadable)
                logged.append(info["ids"])
                everyone += [ids, pa.array(unreadable, pa.string())]
                if cleaned is not None:
                    self._part(source, cleaned, part, ids)
        with self.found.reading(collected):
            self._unique(f"source {source}", everyone)
            if cleaned is not None and part_names(cleaned) != parts:
                self.found.problem("join", cleaned, "its parts are not those that were collected")
        with self.found.reading(collected):
            whole = ids_checksum(i for ids in everyone for i in ids.to_pylist())
            if whole != self.run.info(f"collect.{source}")["ids"]:
                self.found.problem(
                    "conservation",
                    collected,
                    f"source {source!r}: the ids in documents/ and quarantine/ are not those that "
                    "the reader logged",
                )

    def _logged(
        self, where: str, info: dict[str, Any], ids: pa.Array, unreadable: list[str]
    ) -> None:
        there, logged = len(ids) + len(unreadable), info["read"] + info["created"]
        if there != logged:
            self.found.problem(
                "conservation",
                where,
                f"the reader logged {logged:,} documents ({info['read']:,} read, "
                f"{info['created']:,} created); {len(ids):,} are in documents/ and "
                f"{len(unreadable):,} in quarantine/",
            )
        elif ids_checksum([*ids.to_pylist(), *unreadable]) != info["ids"]:
            self.found.problem("conservation", where, "the ids are not those that were logged")

    def _unique(self, where: str, chunks: list[pa.Array]) -> None:
        ids = pa.chunked_array(chunks, pa.string())
        if len(pc.unique(ids)) != len(ids):
            twice = pc.value_counts(ids)
            names = twice.filter(pc.greater(twice.field("counts"), 1)).field("values")
            self.found.problem("conservation", where, f"ids that occur twice: {some(names)}")

    # --- one part ------------------------------------------------------------------------

    def _part(self, source: str, cleaned: Path, part: str, collected: pa.Array) -> None:
        where = f"{cleaned} part {part}"
        ids = _ids(cleaned, "documents", part)
        table = read_part(cleaned, "quarantine", part, columns=["id", "error"])
        failed = table["id"].combine_chunks()
        self._errors(source, "clean", table["error"].to_pylist())
        self.counts[source]["quarantined"] += len(failed)
        self.found.counts["documents"] += len(ids)
        both = pa.chunked_array([ids, failed], pa.string()).combine_chunks()
        self._same(
            "conservation", where, both, collected, "what was collected", "documents and quarantine"
        )
        signals = _ids(cleaned, "signals", part)
        if not signals.equals(ids):
            self.found.problem("join", where, "documents/ and signals/ are not row by row the same")
        edits = read_part(cleaned, "edits", part, columns=["id"])["id"].combine_chunks()
        self.found.counts["edits"] += len(edits)
        self._subset("join", f"{where}, edits/", edits, ids)
        kept = self._decisions(source, part, ids)
        self.counts[source]["kept"] += len(kept)
        held = self._held_out(source, part, kept)
        training = kept.filter(pc.invert(pc.is_in(kept, value_set=held)))
        self._tokens(source, part, training)

    def _decisions(self, source: str, part: str, ids: pa.Array) -> pa.Array:
        """Checks every step's decisions; returns the ids that none of them names."""
        gone = pa.array([], pa.string())
        for number, (step, folder) in enumerate(self.steps):
            where = f"{folder} part {part}"
            if part not in part_names(folder):
                self.found.problem("decisions", where, "the part is not there")
                continue
            columns = ["id", "rule", "duplicate_of", "step"]
            table = read_part(folder, "decisions", part, columns=columns)
            mine = table["id"].combine_chunks()
            self.found.counts["decisions"] += len(mine)
            self._subset("decisions", where, mine, ids)
            again = mine.filter(pc.is_in(mine, value_set=gone))
            if len(again) or len(pc.unique(mine)) != len(mine):
                self.found.problem(
                    "decisions", where, f"documents that leave twice: {some(again) or 'within it'}"
                )
            if rewrote(folder, "documents", part):
                cleaned = self.run.clean_folders()[source]
                alive = ids.filter(pc.invert(pc.is_in(ids, value_set=gone)))
                before = [other for _, other in self.steps[:number]]
                check_rewritten(self.found, cleaned, part, before, folder, alive, mine)
            gone = pa.chunked_array([gone, mine], pa.string()).combine_chunks()
            self._count(source, step, table)
            for row in table.filter(pc.is_valid(table["duplicate_of"])).to_pylist():
                self.named.setdefault(row["duplicate_of"], set()).add(number)
        return ids.filter(pc.invert(pc.is_in(ids, value_set=gone)))

    def _count(self, source: str, step: str, table: pa.Table) -> None:
        merged = len(table) - table["duplicate_of"].null_count
        self.counts[source]["merged"] += merged
        self.counts[source]["dropped"] += len(table) - merged
        for row in pc.value_counts(table["rule"]).to_pylist():
            counter = self.by_rule.setdefault((step, row["values"]), collections.Counter())
            counter[source] += row["counts"]

    def _errors(self, source: str, step: str, errors: list[str]) -> None:
        for error in errors:
            self.by_rule.setdefault((step, error), collections.Counter())[source] += 1

    def _held_out(self, source: str, part: str, kept: pa.Array) -> pa.Array:
        folder = self.run.split_folder()
        if folder is None:
            return pa.array([], pa.string())
        if part not in part_names(folder):
            self.found.problem("decisions", f"{folder} part {part}", "the part is not there")
            return pa.array([], pa.string())
        table = read_part(folder, "decisions", part, columns=["id", "rule"])
        held = table["id"].combine_chunks()
        self._subset("decisions", f"{folder} part {part}", held, kept)
        if len(pc.unique(held)) != len(held):
            self.found.problem("decisions", f"{folder} part {part}", "documents held out twice")
        self.counts[source]["held_out"] += len(held)
        for row in pc.value_counts(table["rule"]).to_pylist():
            counter = self.by_rule.setdefault(("split", row["values"]), collections.Counter())
            counter[source] += row["counts"]
        return held

    def _tokens(self, source: str, part: str, training: pa.Array) -> None:
        if part not in self.tokens_of:
            return
        folder, name = self.run.stage("tokens"), self.tokens_of[part]
        docs = read_part(folder, "docs", name, columns=["id", "token_count"])
        table = read_part(folder, "quarantine", name, columns=["id", "error"])
        failed = table["id"].combine_chunks()
        self._errors(source, "tokens", table["error"].to_pylist())
        self.counts[source]["quarantined"] += len(failed)
        self.counts[source]["kept"] -= len(failed)
        ids = docs["id"].combine_chunks()
        self.token_counts[source] += pc.sum(docs["token_count"]).as_py() or 0
        both = pa.chunked_array([ids, failed], pa.string()).combine_chunks()
        self._same(
            "tokens",
            f"{folder} part {name}",
            both,
            training,
            "what is kept and not held out",
            "docs.parquet",
        )

    # --- over all parts ------------------------------------------------------------------

    def duplicates(self) -> None:
        """`duplicate_of` names a document that was still there when its duplicate left."""
        unknown = set(self.named)
        for folder in self.run.clean_folders().values():
            with self.found.reading(folder):
                for part in part_names(folder):
                    unknown -= set(_ids(folder, "documents", part).to_pylist())
        for name in sorted(unknown)[:LISTED]:
            self.found.problem("duplicates", "decisions/", f"duplicate_of {name}: no such document")
        named = pa.array(sorted(self.named), pa.string())
        for number, (step, folder) in enumerate(self.steps):
            with self.found.reading(folder):
                for part in part_names(folder):
                    ids = _ids(folder, "decisions", part)
                    for name in ids.filter(pc.is_in(ids, value_set=named)).to_pylist():
                        for namer in [n for n in self.named[name] if number <= n]:
                            self.found.problem(
                                "duplicates",
                                f"decisions of {self.steps[namer][0]}",
                                f"duplicate_of {name}: it left itself in step {step}",
                            )

    def mix(self) -> None:
        """Rows of the mix and of docs.parquet are those of the parts, in their order."""
        if not self.run.has("tokens"):
            return
        folder = self.run.stage("tokens")
        with self.found.reading(folder / "docs.parquet"):
            docs = pq.read_table(folder / "docs.parquet", columns=["id", "token_count"])
            parts = [
                read_part(folder, "docs", name, columns=["id", "token_count"])
                for name in self.tokens_of.values()
            ]
            if parts and not docs.equals(pa.concat_tables(parts)):
                self.found.problem("join", folder / "docs.parquet", "not the rows of its parts")
            if self.run.has("mix"):
                path = self.run.stage("mix") / "mix.parquet"
                mix = pq.read_table(path, columns=["id", "tokens"])
                if not mix.rename_columns(["id", "token_count"]).equals(docs):
                    self.found.problem("join", path, "not row by row those of docs.parquet")

    def summary(self) -> None:
        """The figures of summary.json are those of the files."""
        summary, where = self.run.summary, self.run.folder / "summary.json"
        if not self.run.clean_folders():
            return
        for source, counts in self.counts.items():
            stated = {name: summary["by_source"][source].get(name, 0) for name in COUNTS}
            if stated != counts:
                wrong = [
                    f"{n} {stated[n]:,}, found {counts[n]:,}"
                    for n in COUNTS
                    if stated[n] != counts[n]
                ]
                self.found.problem("summary", where, f"source {source!r}: {'; '.join(wrong)}")
            left = counts["dropped"] + counts["merged"] + counts["quarantined"]
            if counts["read"] + counts["created"] != counts["kept"] + left:
                self.found.problem(
                    "conservation",
                    f"source {source}",
                    f"{counts['read']:,} read + {counts['created']:,} created are not "
                    f"{counts['kept']:,} kept + {counts['dropped']:,} dropped + "
                    f"{counts['merged']:,} merged + {counts['quarantined']:,} quarantined",
                )
        by_step = {}
        for row in summary["by_step"]:
            if row["rule"] is not None:
                by_step[row["step"], row["rule"]] = row["by_source"]
            if row["dropped"] != sum(row["by_source"].values()):
                problem = f"{row['dropped']:,} is not the sum of {row['by_source']}"
                self.found.problem("summary", where, f"{row['step']} / {row['rule']}: {problem}")
        for key in sorted({*by_step, *self.by_rule}):
            there = dict(sorted(self.by_rule.get(key, {}).items()))
            if by_step.get(key, {}) != there:
                self.found.problem(
                    "summary", where, f"{key[0]} / {key[1]}: {by_step.get(key, {})}, found {there}"
                )
        for name, total in summary["documents"].items():
            found = sum(counts.get(name, 0) for counts in summary["by_source"].values())
            if total != found:
                problem = f"documents.{name} is {total:,}, the sources add up to {found:,}"
                self.found.problem("summary", where, problem)
        if self.run.has("tokens") and summary["tokens"]["total"] != self.token_counts.total():
            self.found.problem(
                "summary",
                where,
                f"{summary['tokens']['total']:,} tokens, found {self.token_counts.total():,}",
            )

    # --- sets ----------------------------------------------------------------------------

    def _same(
        self, check: str, where: str, ids: pa.Array, wanted: pa.Array, of: str, what: str
    ) -> None:
        missing = wanted.filter(pc.invert(pc.is_in(wanted, value_set=ids)))
        if len(missing):
            self.found.problem(
                check, where, f"{len(missing):,} of {of} not in {what}: {some(missing)}"
            )
        self._subset(check, where, ids, wanted)
        if len(pc.unique(ids)) != len(ids):
            self.found.problem(check, where, f"{what}: documents that stand there twice")

    def _subset(self, check: str, where: str, ids: pa.Array, of: pa.Array) -> None:
        strange = pc.unique(ids.filter(pc.invert(pc.is_in(ids, value_set=of))))
        if len(strange):
            self.found.problem(
                check, where, f"{len(strange):,} ids that do not belong there: {some(strange)}"
            )


def _ids(folder: Path, kind: str, part: str) -> pa.Array:
    """Ids of a part's table, from the file, whatever the manifest says of its rows."""
    if not file_path(folder, kind, part).exists():
        return pa.array([], pa.string())
    return read_part(folder, kind, part, columns=["id"])["id"].combine_chunks()


def bits_per_byte(path: Path) -> float:
    """-log2 likelihood of all documents over their bytes, from the stored scores."""
    table = pq.read_table(path, columns=["nats", "bytes"])
    nats = np.asarray(table["nats"])
    return float(nats.sum()) / (math.log(2) * float(np.asarray(table["bytes"]).sum()))
