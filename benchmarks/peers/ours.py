"""Our side of the pairs: public operations, stages and `run`, called as a user's recipe does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.peers.side import Job, Pages, Texts, each, serve, subset
from corpusmith import catalog, runner, schema
from corpusmith.engine.base import Order, perform, resolve
from corpusmith.op import Context
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import PartWriter, file_path, part_entry

BATCH_BYTES = 16 << 20
MEASURES = ("quality", "repetition", "code")
CLEANING = """
corpusmith: 1
corpus: pair
sources:
  texts: {read: jsonl, path: "in/*.jsonl"}
clean:
LANGUAGE
  - measure: [{quality: {words: spacy_en}}, {repetition: {words: spacy_en}}]
  - keep: {set: gopher, variant: datatrove}
  - edit: {c4_datatrove: {terminal: false}}
  - keep: {set: c4, variant: datatrove}
  - measure: [{quality: {words: spacy_en}}]
  - keep: {set: fineweb, variant: datatrove}
  - dedup: {near: {threshold: 0.75}}
tokenize: {load: "TOKENIZER"}
"""
FILTERS = """
corpusmith: 1
corpus: pair
sources:
  texts: {read: jsonl, path: "in/*.jsonl"}
clean:
  - measure: [quality, repetition, code]
  - keep: gopher
"""
NEAR = """
corpusmith: 1
corpus: pair
sources:
  texts: {read: jsonl, path: "in/*.jsonl"}
clean:
  - dedup: {near: {threshold: 0.75}}
"""


def documents(texts: list[str]) -> pa.Table:
    """Texts as the table of documents that operations get."""
    rows = [
        {"id": document_id("pair", str(n)), "source": "pair", "uri": f"{n}.txt", "text": text}
        for n, text in enumerate(texts)
    ]
    return schema.table(schema.DOCUMENT, [{"modality": "text", "meta": "{}", **r} for r in rows])


def batches(table: pa.Table) -> Iterator[pa.Table]:
    """Slices of about BATCH_BYTES of text, each in one contiguous chunk."""
    ends = np.cumsum(pa.compute.binary_length(table["text"]).to_numpy())
    start = 0
    while start < table.num_rows:
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + BATCH_BYTES)))
        yield table.slice(start, stop - start).combine_chunks()
        start = stop


class Operations(Texts):
    """Operations on batches in memory."""

    names: tuple[str, ...] = ()
    params: Any = None

    def load(self) -> int:
        for address in catalog.KERNELS:
            resolve(address)()
        self.operations = [resolve(catalog.OPERATIONS[name].address) for name in self.names]
        return super().load()

    def prepare(self, count: int) -> None:
        self.batches = list(batches(documents(self.texts[:count])))

    def run(self, count: int, until: float) -> dict[str, Any]:
        for batch in self.batches:
            for operation in self.operations:
                operation(batch, Context(params=self.params))
        return {"documents": count}


class Signals(Operations):
    names = MEASURES


class Signatures(Operations):
    """Signatures alone, as the peers make them: no hashes for exact verification."""

    names = ("minhash",)

    def load(self) -> int:
        from corpusmith.dedup.near import NearParams

        self.params = NearParams(verify="estimate")
        return super().load()


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
                for batch in batches(documents(self.texts[:count])):
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
        """Tokens without end tokens, and the sum of their ids: to hold against the peer's."""
        folder = self.temporary / "tokens"
        kind = "<u2" if self.vocab < 65_500 else "<i4"
        ids = np.fromfile(file_path(folder, ".", "part-00000", ".bin"), kind)
        end = int(ids[-1])
        documents = part_entry(folder, "part-00000")["info"]["documents"]
        total = int(ids.sum(dtype=np.uint64)) - end * documents
        return {"tokens": len(ids) - documents, "ids_sum": total}


class Extraction(Pages):
    def load(self) -> int:
        from corpusmith.collect.extract import extract_page

        self.extract = extract_page
        return super().load()

    def run(self, count: int, until: float) -> dict[str, Any]:
        chars = 0

        def take(page: bytes) -> None:
            nonlocal chars
            chars += len(self.extract(page).text)

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
                cpu += cpu_seconds_of(event["pid"])
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
            "tokens": summary["tokens"]["total"] if summary.get("tokens") else 0,
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
        folder = str(Path(self.options["tokenizer"]).parent)
        language = "  - language" if self.options.get("language") else ""
        return CLEANING.replace("TOKENIZER", folder).replace("LANGUAGE\n", language + "\n")


JOBS: dict[str, type[Job]] = {
    "signals": Signals,
    "minhash": Signatures,
    "encoding": Encoding,
    "extraction": Extraction,
    "near": Near,
    "filters": Filters,
    "cleaning": Cleaning,
}

if __name__ == "__main__":
    serve(JOBS, ("corpusmith",))
