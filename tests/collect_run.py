"""Running a collect stage in a test: the real stage and store, tasks one after another in here,
or in a process of its own, so that memory and time can be asserted."""

from __future__ import annotations

import json
import multiprocessing
import time
import traceback
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusmith import op, schema
from corpusmith.collect.sink import ids_checksum
from corpusmith.collect.stage import execute
from corpusmith.engine.worker import peak_memory_bytes
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import read_part
from tests.inline import InlineEngine


class Collected:
    """What a stage wrote."""

    def __init__(self, work: op.Work, parts: list[str]) -> None:
        self.folder = work.folder
        self.info = work.info
        self.parts = parts
        self.documents = self._all("documents")
        self.quarantine = self._all("quarantine")
        if parts:
            self.check()

    def _all(self, kind: str) -> pa.Table:
        empty = schema.SIDECARS[kind].empty_table()
        return pa.concat_tables([empty, *(read_part(self.folder, kind, p) for p in self.parts)])

    @property
    def texts(self) -> list[str]:
        return self.documents["text"].to_pylist()

    @property
    def uris(self) -> list[str]:
        return self.documents["uri"].to_pylist()

    @property
    def meta(self) -> list[dict[str, Any]]:
        return [json.loads(m) for m in self.documents["meta"].to_pylist()]

    @property
    def errors(self) -> list[tuple[str, str]]:
        """(uri, error) of the quarantine."""
        rows = self.quarantine
        return list(zip(rows["uri"].to_pylist(), rows["error"].to_pylist(), strict=True))

    @property
    def messages(self) -> list[str]:
        return self.quarantine["message"].to_pylist()

    def check(self) -> None:
        """Conservation, recomputed from the files: what was read is what is there."""
        info = self.info
        assert info["documents"] == self.documents.num_rows
        assert info["quarantined"] == self.quarantine.num_rows
        assert info["read"] + info["created"] == info["documents"] + info["quarantined"]
        source = self.documents["source"][0].as_py() if len(self.documents) else "s"
        ids = self.documents["id"].to_pylist()
        assert ids == [document_id(source, uri) for uri in self.uris]
        ids += [document_id(source, uri) for uri in self.quarantine["uri"].to_pylist()]
        assert len(set(ids)) == len(ids)
        assert info["ids"] == ids_checksum(ids)
        assert not (self.folder / "scratch").exists()


def collect(
    folder: Path, engine: InlineEngine | None = None, *, check: bool = True, **params: Any
) -> Collected:
    """Run the stage into `folder` with these parameters (source "s"), and check conservation."""
    engine = engine or InlineEngine()
    params = {"source": "s", **params}
    params["path"] = (
        [str(p) for p in params["path"]]
        if isinstance(params["path"], list)
        else str(params["path"])
    )
    folder.mkdir(parents=True, exist_ok=True)
    work = op.Work(folder=folder, params=params, inputs={}, engine=engine)
    execute(work)
    return Collected(work, engine.parts if check else [])


def measured(folder: Path, **params: Any) -> dict[str, Any]:
    """The same in a process of its own, with what it took:

    {"info", "errors", "messages", "texts": [first 200 characters], "meta", "repaired",
     "bytes": peak memory above what the process had after its imports, "seconds"}
    """
    # Forked from a server that has imported everything, which a test pays for once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(theirs, folder, params), daemon=True)
    process.start()
    theirs.close()
    try:
        result = ours.recv() if ours.poll(240) else {"failed": "took over 240 seconds"}
    except EOFError:
        process.join()
        result = {"failed": f"ended with status {process.exitcode}"}
    finally:
        process.kill()
        process.join()
    assert "failed" not in result, result["failed"]
    return result


PRELOAD = [
    *("tests.collect_run", "tests.warm_jsonl"),
    *(
        "corpusmith.collect." + n
        for n in ("cut", "jsonl_texts", "delimited", "parquet", "pages", "warc")
    ),
]


def _measure(pipe: Any, folder: Path, params: dict[str, Any]) -> None:
    try:
        before = peak_memory_bytes()
        began = time.monotonic()
        # A check would read all documents back: where their size is measured it has to wait.
        small = not params.pop("figures_only", False)
        found = collect(folder, check=small, **params)
        pipe.send(
            {
                "seconds": time.monotonic() - began,
                "bytes": peak_memory_bytes() - before,
                "info": found.info,
                "errors": found.errors,
                "messages": found.messages,
                "texts": [text[:200] for text in found.texts],
                "uris": found.uris,
                "meta": found.meta,
            }
        )
    except BaseException:
        pipe.send({"failed": traceback.format_exc()})
        raise
