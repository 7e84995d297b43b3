"""A small finished run, written through the store as the stages write it, for tests of reports.

Every figure of it can be counted by hand from the list DOCUMENTS in tests/tiny_corpus.py.
"""

from __future__ import annotations

import collections
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpusmith import schema
from corpusmith.clean.decide import decide
from corpusmith.clean.rules import load_rule_set
from corpusmith.report.run import Run
from corpusmith.report.summary import summarize
from corpusmith.store.atomic import write_json
from corpusmith.store.fingerprint import hash_file, hash_json
from corpusmith.store.parts import PartWriter
from corpusmith.store.workspace import Workspace, finish, read_manifest
from corpusmith.tokenize.encode import DOCS
from corpusmith.tokenize.mix import MIX
from tests.tiny_corpus import (
    DOCUMENTS,
    MAIL,
    RULES,
    STEPS,
    USES,
    document,
    edits,
    fates,
    id_checksum,
    signals,
    tokens_of,
)


def build(
    root: Path,
    *,
    change: Callable[[str, str, pa.Table], pa.Table] | None = None,
    unencoded: frozenset[str] = frozenset(),
) -> Run:
    """Write the run below `root`. `change(stage, kind, table)` may alter any table on its way;
    documents with the ids `unencoded` go to quarantine when they are encoded."""
    return _Builder(root, change or (lambda stage, kind, table: table), unencoded).run()


class _Builder:
    def __init__(
        self,
        root: Path,
        change: Callable[[str, str, pa.Table], pa.Table],
        unencoded: frozenset[str],
    ) -> None:
        self.unencoded = unencoded
        self.workspace = Workspace(root)
        self.workspace.create()
        self.change = change
        self.stages: list[SimpleNamespace] = []
        self.rules = load_rule_set(RULES, Path())

    def stage(self, name: str, kind: str, top: str = "store") -> Path:
        ingredients = {"kind": kind, "name": name}
        fingerprint = hash_json(ingredients)
        folder = self.workspace.stage_folder(top, name, fingerprint)
        self.stages.append(
            SimpleNamespace(
                name=name,
                kind=kind,
                fingerprint=fingerprint,
                folder=folder,
                ingredients=ingredients,
            )
        )
        return folder

    def finish(
        self,
        info: dict[str, Any],
        warnings: list[str] | None = None,
        files: Sequence[str] = (),
    ) -> None:
        made = self.stages[-1]
        made.folder.mkdir(parents=True, exist_ok=True)
        finish(
            made.folder,
            stage=made.name,
            fingerprint=made.fingerprint,
            ingredients=made.ingredients,
            info=info,
            warnings=warnings or [],
            files=files,
        )

    def write(self, out: PartWriter, kind: str, table: pa.Table) -> None:
        out.write(kind, self.change(self.stages[-1].name, kind, table))

    def run(self) -> Run:
        for source in DOCUMENTS:
            self.collect(source)
        self.signals: dict[str, pa.Table] = {}
        for source in DOCUMENTS:
            self.clean(source)
        for step in STEPS:
            self.decide(step)
        self.split()
        self.tokens()
        self.model()
        return self.record()

    # --- stages --------------------------------------------------------------------------

    def parts(self, source: str) -> list[tuple[str, list[tuple[str, str, str, str, str]]]]:
        rows, found, at = fates(source), [], 0
        for number, part in enumerate(DOCUMENTS[source]):
            found.append((f"{source}-{number:05d}", rows[at : at + len(part)]))
            at += len(part)
        return found

    def collect(self, source: str) -> None:
        folder = self.stage(f"collect.{source}", "collect")
        total: collections.Counter = collections.Counter()
        for part, rows in self.parts(source):
            readable = [row for row in rows if row[0] != "R"]
            with PartWriter(folder, part) as out:
                table = schema.table(schema.DOCUMENT, [document(source, *row) for row in readable])
                self.write(out, "documents", table)
                bad = [
                    {"uri": row[3], "step": f"collect.{source}", "error": "bad_encoding",
                     "message": "byte 7 is no UTF-8"}
                    for row in rows if row[0] == "R"
                ]  # fmt: skip
                if bad:
                    self.write(out, "quarantine", schema.table(schema.QUARANTINE, bad))
                # One document of each source counts as created out of the record before it.
                created = 1 if part.endswith("00000") else 0
                out.info = {
                    "read": len(rows) - created,
                    "created": created,
                    "documents": len(readable),
                    "quarantined": len(bad),
                    "ids": id_checksum([row[4] for row in rows]),
                }
                total.update({k: v for k, v in out.info.items() if k != "ids"})
        self.finish({**total, "ids": id_checksum([row[4] for row in fates(source)])})

    def clean(self, source: str) -> None:
        folder = self.stage(f"clean.{source}", "clean")
        quarantined = 0
        for part, rows in self.parts(source):
            good = [row for row in rows if row[0] not in "RQ"]
            failed = [row for row in rows if row[0] == "Q"]
            quarantined += len(failed)
            with PartWriter(folder, part) as out:
                documents = schema.table(schema.DOCUMENT, [document(source, *row) for row in good])
                self.write(out, "documents", documents)
                # Later stages decide on what was written, changed or not.
                self.signals[part] = self.change(f"clean.{source}", "signals", signals(documents))
                out.write("signals", self.signals[part])
                self.write(out, "edits", schema.table(schema.EDITS, edits(source, good)))
                if failed:
                    table = schema.table(
                        schema.QUARANTINE,
                        [
                            {"uri": row[3], "id": row[4], "step": "normalize",
                             "error": "operation_failed",
                             "message": f"ValueError: <i>no</i> {MAIL}"}
                            for row in failed
                        ],
                    )  # fmt: skip
                    self.write(out, "quarantine", table)
        self.finish({"documents": len(fates(source)), "quarantined": quarantined})
        # What summarize reads: documents that came out of the pass.
        manifest = read_manifest(folder)
        manifest["info"]["documents"] = sum(row[0] not in "RQ" for row in fates(source))
        write_json(folder / "manifest.json", manifest)

    def decide(self, step: str) -> None:
        kind = "exact" if step == "exact" else "decide"
        folder = self.stage(f"decide.{step}", kind)
        for part, rows, gone in self._still_there(step):
            table = schema.empty(schema.DECISION)
            left = [row for row in rows if row[0] == {"cut": "E", "exact": "D"}.get(step)]
            if step == "keep":
                stored = self.signals[part]
                mask = pa.array([i not in gone for i in stored["id"].to_pylist()])
                spec = {"step": "keep", "rules": self.rules.model_dump(mode="json")}
                table = decide(spec, stored.filter(mask))
            elif left:
                decision = {
                    "cut": {"rule": "empty_text", "signal": "text_bytes", "value": "0", "min": "1"},
                    "exact": {"rule": "exact_duplicate", "signal": "exact_hash", "value": "00ff",
                              "duplicate_of": fates("pages")[0][4]},
                }[step]  # fmt: skip
                table = schema.table(
                    schema.DECISION,
                    [{"id": row[4], "step": step, "also": [], **decision} for row in left],
                )
            with PartWriter(folder, part) as out:
                self.write(out, "decisions", table)
        info = (
            {"in": 9, "clusters": 1, "merged": 1, "largest_cluster": 2} if kind == "exact" else {}
        )
        self.finish(info)

    def _still_there(self, step: str) -> Any:
        before = {"S": "keep", "E": "cut", "D": "exact"}
        for source in DOCUMENTS:
            for part, rows in self.parts(source):
                gone = {
                    row[4]
                    for row in rows
                    if row[0] in before and STEPS.index(before[row[0]]) < STEPS.index(step)
                }
                yield part, rows, gone

    def split(self) -> None:
        folder = self.stage("split", "split")
        for source in DOCUMENTS:
            for part, rows in self.parts(source):
                held = [
                    {"id": row[4], "step": "split", "rule": "held_out", "signal": "split_hash",
                     "value": "0.01", "max": "0.02", "also": []}
                    for row in rows if row[0] == "H"
                ]  # fmt: skip
                with PartWriter(folder, part) as out:
                    self.write(out, "decisions", schema.table(schema.DECISION, held))
        self.finish({"documents": 6, "overlap": {"words": 13, "sampled": 1, "held_out_ngrams": 8,
                                                 "in_training": 0, "frac": 0.0}})  # fmt: skip

    def tokens(self) -> None:
        folder = self.stage("tokens", "tokens", "tokens")
        names = [(s, part, rows) for s in DOCUMENTS for part, rows in self.parts(s)]
        every, by_source = [], {}
        for number, (source, _, rows) in enumerate(names):
            kept = [row for row in rows if row[0] in "KU" and row[4] not in self.unencoded]
            failed = [
                {"uri": row[4], "id": row[4], "step": "tokens", "error": "crash", "message": "it"}
                for row in rows if row[4] in self.unencoded
            ]  # fmt: skip
            docs, start = [], 0
            for sequence, (_, _, text, _, wanted) in enumerate(kept):
                docs.append(
                    {"part": f"part-{number:05d}", "sequence": sequence, "token_start": start,
                     "token_count": tokens_of(text), "id": wanted, "source": source,
                     "text_bytes": len(text.encode())}
                )  # fmt: skip
                start += tokens_of(text)
            with PartWriter(folder, f"part-{number:05d}") as out:
                out.write("docs", pa.Table.from_pylist(docs, schema=DOCS))
                out.open(".", suffix=".bin").write(bytes(2 * start))
                out.info["source"] = source
                if failed:
                    out.write("quarantine", schema.table(schema.QUARANTINE, failed))
            every += docs
            row = by_source.setdefault(source, {"documents": 0, "tokens": 0, "text_bytes": 0})
            row["documents"] += len(docs)
            row["tokens"] += start
            row["text_bytes"] += sum(d["text_bytes"] for d in docs)
        with PartWriter(folder, "docs", round="docs") as out:
            out.write(".", pa.Table.from_pylist(every, schema=DOCS))
        totals = {k: sum(row[k] for row in by_source.values()) for k in ("documents", "tokens",
                                                                         "text_bytes")}  # fmt: skip
        self.finish({**totals, "by_source": by_source, "vocab_size": 512, "dtype": "uint16"})
        self.mix(every)

    def mix(self, every: list[dict[str, Any]]) -> None:
        unused = {row[4] for source in DOCUMENTS for row in fates(source) if row[0] == "U"}
        rows = [
            {**{k: doc[k] for k in ("part", "sequence", "id", "source")},
             "tokens": doc["token_count"], "uses": 0 if doc["id"] in unused else USES}
            for doc in every
        ]  # fmt: skip
        folder = self.stage("mix", "mix")
        with PartWriter(folder, "mix") as out:
            out.write(".", pa.Table.from_pylist(rows, schema=MIX))
        by_source = {}
        for source in DOCUMENTS:
            mine = [row for row in rows if row["source"] == source]
            available = sum(row["tokens"] for row in mine)
            drawn = sum(row["tokens"] * row["uses"] for row in mine)
            by_source[source] = {
                "weight": 0.5, "available_tokens": available, "target_tokens": drawn,
                "drawn_tokens": drawn, "documents": len(mine),
                "documents_drawn": sum(row["uses"] > 0 for row in mine),
                "epochs": drawn / available,
            }  # fmt: skip
        total = sum(row["drawn_tokens"] for row in by_source.values())
        self.finish(
            {"wanted_tokens": 2 * total, "drawn_tokens": total, "by_source": by_source},
            ["The mix runs short: <b>half</b> of the tokens wanted."],
        )

    def model(self) -> None:
        folder = self.stage("train", "train", "models")
        folder.mkdir(parents=True)
        lines = [
            {"step": 10 * n, "loss": 6.0 / n, "lr": 1e-3, "grad_norm": 1.0, "tokens": 640 * n,
             "seconds": float(n), **({"held_out_loss": 6.2 / n} if n % 2 == 0 else {})}
            for n in range(1, 9)
        ]  # fmt: skip
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "metrics.jsonl").write_text(text)
        files = {"metrics.jsonl": hash_file(folder / "metrics.jsonl")}
        write_json(folder / "training.json", {"files": files})
        self.finish(
            {"model": "gpt2", "parameters": 31_200, "length": 64, "vocab_size": 512, "steps": 80,
             "tokens_trained": 5120, "epochs": 12.5, "loss": 0.75, "dtype": "fp32",
             "compile": False, "threads": 2, "device": "cpu"}
        )  # fmt: skip
        folder = self.stage("evaluate", "evaluate")
        folder.mkdir(parents=True)
        held = [row for row in fates("pages") if row[0] == "H"]
        size = sum(len(row[2].encode()) for row in held)
        scores = [{"id": row[4], "nats": 100.0, "bytes": len(row[2].encode())} for row in held]
        pq.write_table(pa.Table.from_pylist(scores), folder / "documents.parquet")
        value = {"bits_per_byte": 100.0 / math.log(2) / size, "documents": 1, "bytes": size,
                 "perplexity": 12.5}  # fmt: skip
        found = {
            **value,
            "by": {"source": {"pages": {**value, "baselines": {"zlib": 3.5, "bigram": 3.0}}}},
            "windows": {"length": 64, "stride": 32, "first": "the end token", "dtype": "fp32"},
            "baselines": {"zlib": 3.5, "bigram": 3.0},
        }
        write_json(folder / "summary.json", found)
        sample = {"id": held[0][4], "source": "pages", "prompt": "This page",
                  "text": " <img src=x onerror=alert(1)>", "tokens": 9}  # fmt: skip
        (folder / "samples.jsonl").write_text(json.dumps(sample) + "\n")
        self.finish(found, files=["documents.parquet", "samples.jsonl", "summary.json"])

    # --- the record ----------------------------------------------------------------------

    def record(self) -> Run:
        run = self.workspace.root / "runs" / "20260101-000000-abcdef"
        run.mkdir(parents=True)
        fingerprint = hash_json([stage.fingerprint for stage in self.stages])
        operations = [
            ("corpusmith.clean.normalize:normalize", "normalize", 0, {}),
            ("tests.builders:measure", "measure", 1,
             {n: n for n in ("words", "word_mean_chars", "symbols_frac")}),
            ("corpusmith.clean.lines:c4_lines", "cut", 1, {}),
            ("corpusmith.clean.pii:pii", "pii", 2, {}),
        ]  # fmt: skip
        lock = {
            "schema": schema.SCHEMA_VERSION,
            "corpus": "tiny",
            "fingerprint": fingerprint,
            "recipe": {"corpusmith": 1, "corpus": "tiny", "clean": list(STEPS[1:])},
            "recipe_path": "recipe.yaml",
            "sources": list(DOCUMENTS),
            "stages": [
                {
                    "name": stage.name,
                    "kind": stage.kind,
                    "fingerprint": stage.fingerprint,
                    "folder": stage.folder.relative_to(self.workspace.root).as_posix(),
                }
                for stage in self.stages
            ],
            "decides": [
                {
                    "step": step,
                    "kind": "exact" if step == "exact" else "decide",
                    "columns": {},
                    "rules": self.rules.model_dump(mode="json") if step == "keep" else None,
                }
                for step in STEPS
            ],
            "passes": [
                {"op": address, "version": "v1", "params": {}, "step": step,
                 "text_version": version, "columns": columns}
                for address, step, version, columns in operations
            ],
            "libraries": {"pyarrow": pa.__version__},
        }  # fmt: skip
        write_json(run / "recipe.lock.yaml", lock)
        write_json(run / "summary.json", summarize(Run(run), {"clean.pages": 1.5}, 12.0))
        return Run(run)
