"""Our side of the pairs: public operations, stages and `run`, called as a user's recipe does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.common import recipe
from benchmarks.peers.side import Job, Pages, Texts, digest, each, serve, subset
from corpusmith import catalog, runner, schema
from corpusmith.clean.rules import RuleSet, evaluate, load_rule_set
from corpusmith.engine.base import Order, perform, resolve
from corpusmith.op import Context
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import PartWriter, file_path, part_entry

BATCH_BYTES = 16 << 20
NEAR = recipe("dedup: {near: {threshold: 0.75}}")
FILTERS = recipe("measure: [quality, repetition, code]", "keep: gopher")


def documents(rows: list[dict[str, Any]]) -> pa.Table:
    """Lines of texts.py as the table of documents that operations get."""
    found = [
        {
            "id": document_id("pair", str(n)),
            "source": "pair",
            "uri": row.get("uri", ""),
            "text": row["text"],
            "modality": "code" if row.get("kind") == "code" else "text",
            "meta": "{}",
        }
        for n, row in enumerate(rows)
    ]
    return schema.table(schema.DOCUMENT, found)


def batches(table: pa.Table) -> Iterator[pa.Table]:
    """Slices of about BATCH_BYTES of text, each in one contiguous chunk."""
    ends = np.cumsum(pa.compute.binary_length(table["text"]).to_numpy())
    start = 0
    while start < table.num_rows:
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + BATCH_BYTES)))
        yield table.slice(start, stop - start).combine_chunks()
        start = stop


class Operations(Job):
    """Operations on batches in memory."""

    def load(self) -> int:
        for address in catalog.KERNELS:
            resolve(address)()
        self.lines = self.rows()
        return len(self.lines)

    def documents(self, count: int) -> pa.Table:
        return documents(self.lines[:count])

    def prepare(self, count: int) -> None:
        self.batches = list(batches(self.documents(count)))

    def run(self, count: int, until: float) -> dict[str, Any]:
        kept = sum(self.one(batch) for batch in self.batches)
        return {"documents": count, "kept": kept}

    def one(self, batch: pa.Table) -> int:
        """Do a batch; how many of its documents stay."""
        raise NotImplementedError


def apply(name: str, batch: pa.Table, **params: Any) -> pa.Table:
    """The columns of an operation of the catalog."""
    function = resolve(catalog.OPERATIONS[name].address)
    model = function.operation.params
    return function(batch, Context(params=model(**params) if model else None))


def beside(table: pa.Table, *others: pa.Table) -> pa.Table:
    """Tables of the same rows as one, the later ones' columns in place of equal names."""
    columns = {name: one[name] for one in (table, *others) for name in one.column_names}
    return pa.table(columns)


def dropped(table: pa.Table, *sets: RuleSet) -> set[str]:
    """Ids of documents that rule sets drop, by the decisions that a run would write."""
    return {i for one in sets for i in evaluate(one, table, one.name)["id"].to_pylist()}


class Measures(Operations):
    """Every signal of every document, and nothing decided."""

    def one(self, batch: pa.Table) -> int:
        for name in ("quality", "repetition", "code"):
            apply(name, batch)
        return batch.num_rows


class Signals(Operations):
    """Every signal; C4's lines cut and the text measured again; the decisions of Gopher, C4 and
    FineWeb on texts, those of StarCoder on code, which C4's edit leaves alone as in a run."""

    def load(self) -> int:
        names = ("gopher", "code", "c4", "fineweb")
        self.gopher, self.code, self.c4, self.fineweb = (load_rule_set(n, Path()) for n in names)
        return super().load()

    def one(self, batch: pa.Table) -> int:
        measured = [apply(name, batch) for name in ("quality", "repetition", "code")]
        signals = beside(batch, *measured)
        gone = dropped(signals, self.gopher, self.code)
        texts = signals.filter(pc.equal(signals["modality"], "text")).combine_chunks()
        if texts.num_rows:
            cut = apply("c4_lines", texts, terminal="off")  # as the peer's filter is set
            texts = beside(texts, cut)
            again = beside(texts, apply("quality", texts))
            gone |= dropped(again, self.c4, self.fineweb)
        return batch.num_rows - len(gone)


class SignalsDatatrove(Operations):
    """datatrove's numbers and decisions, by the variants that the benchmark equal_filters holds to
    it: documents as English texts, words from spaCy's rules, each set on the text as it came."""

    def load(self) -> int:
        raw = [{"set": name, "variant": "datatrove"} for name in ("gopher", "c4", "fineweb")]
        self.sets = [load_rule_set(one, Path()) for one in raw]
        return super().load()

    def documents(self, count: int) -> pa.Table:
        return documents([{"text": row["text"]} for row in self.lines[:count]])

    def one(self, batch: pa.Table) -> int:
        measured = [apply(name, batch, words="spacy_en") for name in ("quality", "repetition")]
        cut = apply("c4_datatrove", batch, terminal=False)
        signals = beside(batch, *measured, cut.drop_columns(["text", "edits"]))
        return batch.num_rows - len(dropped(signals, *self.sets))


class Signatures(Operations):
    """Signatures alone, as the peers make them: no hashes for exact verification."""

    def one(self, batch: pa.Table) -> int:
        return apply("minhash", batch, verify="estimate").num_rows


class Encoding(Texts):
    """The task of stage `tokens`: a part of cleaned documents to a shard with its index."""

    def load(self) -> int:
        from corpusmith.tokenize.tokenizer import Tokenizer

        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        for address in catalog.KERNELS:
            resolve(address)()
        self.tokenizer = Path(self.options["tokenizer"]).parent
        self.vocab = Tokenizer.load(self.tokenizer).vocab_size
        self.written = 0
        return super().load()

    def prepare(self, count: int) -> None:
        if self.written != count:
            shutil.rmtree(self.temporary / "clean", ignore_errors=True)
            with PartWriter(self.temporary / "clean", "pair-00000") as out:
                for batch in batches(documents([{"text": text} for text in self.texts[:count]])):
                    out.write("documents", batch)
            self.written = count
        shutil.rmtree(self.temporary / "tokens", ignore_errors=True)

    def run(self, count: int, until: float) -> dict[str, Any]:
        spec = {"folder": str(self.temporary / "clean"), "part": "pair-00000", "after": []}
        function = "corpusmith.tokenize.encode:encode_task"
        spec["tokenizer"] = str(self.tokenizer)
        folder = self.temporary / "tokens"
        order = Order(function, "part-00000", spec, str(folder), "main", 16 << 20, False, {}, 1)
        perform(order, None, None)
        return {"documents": count}

    def figures(self, count: int) -> dict[str, Any]:
        """Tokens without end tokens, and the hash of their ids: to hold against the peer's."""
        folder = self.temporary / "tokens"
        kind = "<u2" if self.vocab < 65_500 else "<i4"
        ids = np.fromfile(file_path(folder, ".", "part-00000", ".bin"), kind)
        inside = ids[ids != ids[-1]]  # no text has the end token: it is no merge of bytes
        ends = len(ids) - len(inside)
        documents = part_entry(folder, "part-00000")["info"]["documents"]
        assert ends == documents, f"{ends} end tokens of {documents} documents"
        return {"tokens": len(inside), "ids_sha256": digest(inside)}


class Extraction(Pages):
    def load(self) -> int:
        from corpusmith.collect.extract import extract_page

        self.extract = extract_page
        return super().load()

    def run(self, count: int, until: float) -> dict[str, Any]:
        chars = 0

        def take(page: bytes) -> None:
            nonlocal chars
            chars += len(self.extract(page, engine="resiliparse").text)

        return {"documents": each(self.pages, count, until, take), "chars": chars}


class Run(Job):
    """`corpusmith run` from a JSON Lines file. Starting the worker and loading compiled kernels
    is start-up; hashing the input, writing every record and the report count."""

    can_stop = False
    recipe = ""

    def load(self) -> int:
        from corpusmith.engine.local import LocalEngine

        with LocalEngine(1, warm=catalog.KERNELS) as engine:
            engine.warm()
        with open(self.data, "rb") as file:
            return sum(1 for _ in file)

    def text(self) -> str:
        return self.recipe

    def prepare(self, count: int) -> None:
        folder = self.scratch()
        subset(self.data, count, folder / "in" / "documents.jsonl")
        (folder / "recipe.yaml").write_text(self.text(), encoding="utf-8")

    def run(self, count: int, until: float) -> dict[str, Any]:
        starting = cpu = 0.0

        def listen(event: dict[str, Any]) -> None:
            nonlocal starting, cpu
            if event["event"] == "warm":
                starting += event["seconds"]
                cpu += sum(cpu_seconds_of(pid) for pid in event["pids"])
            elif event["event"] == "lost":
                raise RuntimeError(f"a worker died: {event}")  # its retries would count as work

        found = runner.run(
            self.temporary / "recipe.yaml",
            workdir=self.temporary / "work",
            workers=self.options.get("workers", 1),
            until=self.options.get("until"),
            listener=listen,
        )
        summary = found.summary
        return {
            "documents": count,
            "startup_seconds": starting,
            "startup_cpu_seconds": cpu,
            "worker_start_seconds": round(starting, 2),
            "kept": summary["documents"]["kept"],
            "passed_filters": summary["documents"]["kept"] + summary["documents"]["merged"],
            "written_tokens": summary["tokens"]["total"] if summary.get("tokens") else 0,
            "seconds": {k: v for k, v in summary["seconds"].items() if v >= 0.05},
        }


def cpu_seconds_of(pid: int) -> float:
    """Of a process that runs; 0 where there is no /proc (proc(5): utime and stime)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Near(Run):
    recipe = NEAR


class Filters(Run):
    recipe = FILTERS


class Cleaning(Run):
    def text(self) -> str:
        """FineWeb's order and datatrove's formulas; each document gets a language label."""
        measure = "measure: [{quality: {words: spacy_en}}, {repetition: {words: spacy_en}}]"
        return recipe(
            *(["language"] if self.options.get("language") else []),
            measure,
            "keep: {set: gopher, variant: datatrove}",
            "edit: {c4_datatrove: {terminal: false}}",
            "keep: {set: c4, variant: datatrove}",
            "measure: [{quality: {words: spacy_en}}]",
            "keep: {set: fineweb, variant: datatrove}",
            "dedup: {near: {threshold: 0.75}}",
            tokenize=f'{{load: "{Path(self.options["tokenizer"]).parent}"}}',
        )


JOBS: dict[str, type[Job]] = {
    "measures": Measures,
    "signals": Signals,
    "signals_datatrove": SignalsDatatrove,
    "minhash": Signatures,
    "encoding": Encoding,
    "extraction": Extraction,
    "near": Near,
    "filters": Filters,
    "cleaning": Cleaning,
}

if __name__ == "__main__":
    serve(JOBS, ("corpusmith",))
