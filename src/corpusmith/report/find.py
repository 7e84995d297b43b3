"""One document of a run: found by id, by the beginning of its id, or by URI."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.clean.redaction import redact
from corpusmith.errors import InputError
from corpusmith.loading import load_operation
from corpusmith.report.run import Run
from corpusmith.store.fingerprint import document_id
from corpusmith.store.overlay import iter_current, rewrote
from corpusmith.store.parts import iter_part, part_names, read_part

ID_DIGITS = 32
LISTED = 5
SHORTEST_PREFIX = 4  # hex digits: fewer are taken for a URI


@dataclasses.dataclass(frozen=True)
class Found:
    """Where a document is. `quarantine` is its row there, where it went there."""

    id: str | None
    source: str
    part: str
    uri: str
    quarantine: dict[str, Any] | None = None


def find(run: Run, wanted: str) -> Found:
    """The document with this id, this beginning of an id, or this URI.

    A URI may lack its `#position` where only one document has it. Raises InputError where
    nothing fits, or several documents do (five of them are named).
    """
    text = wanted.strip()
    if not text:
        raise InputError("no document named", expected="an id, the beginning of one, or a URI")
    found: list[Found] = []
    if SHORTEST_PREFIX <= len(text) <= ID_DIGITS and set(text.lower()) <= set(string.hexdigits):
        found = _by_id(run, text.lower())
    if not found:
        ids = {document_id(source, text) for source in run.sources}
        found = [hit for one in sorted(ids) for hit in _by_id(run, one)]
    if not found:
        found = _by_uri(run, text)
    if len(found) == 1:
        return found[0]
    where = str(run.folder)
    if found:
        some = ", ".join(f"{f.id or '-'} ({f.uri})" for f in found[:LISTED])
        more = f" and {len(found) - LISTED:,} more" if len(found) > LISTED else ""
        raise InputError(
            f"{wanted!r} fits {len(found):,} documents: {some}{more}",
            where=where,
            expected="an id, a beginning that only one id has, or a whole URI",
        )
    raise InputError(
        f"no document {wanted!r} in this run",
        where=where,
        expected=f"an id ({ID_DIGITS} hex digits) or a URI from one of: {', '.join(run.sources)}",
        hint='run.sql("select id, uri from documents") in Python lists them',
    )


def _by_id(run: Run, prefix: str) -> list[Found]:
    def test(table: pa.Table) -> Any:
        return pc.starts_with(table["id"], prefix)

    return list(_search(run, test))


def _by_uri(run: Run, text: str) -> list[Found]:
    exact = list(_search(run, lambda table: pc.equal(table["uri"], text)))
    return exact or list(_search(run, lambda table: pc.starts_with(table["uri"], text + "#")))


def _search(run: Run, test: Callable[[pa.Table], Any]) -> Iterator[Found]:
    """Documents first, then what is in quarantine and is no document."""
    seen: set[str] = set()
    folders = run.clean_folders() or run.collect_folders()
    for source, folder in folders.items():
        for part in part_names(folder):
            for table in iter_part(folder, "documents", part, columns=["id", "uri"]):
                for row in table.filter(test(table)).to_pylist():
                    seen.add(row["id"])
                    yield Found(row["id"], source, part, row["uri"])
    for folders in (run.collect_folders(), run.clean_folders()):
        for source, folder in folders.items():
            for part in part_names(folder):
                for table in iter_part(folder, "quarantine", part):
                    for row in table.filter(pc.fill_null(test(table), False)).to_pylist():
                        if row["id"] not in seen:
                            yield Found(row["id"], source, part, row["uri"], row)


def document(
    run: Run, folder: Path, part: str, wanted: str, columns: Sequence[str] | None = None
) -> dict[str, Any]:
    """One row of `documents/`, as the last step left it; {} where it is not there."""
    decided = [other for _, other in run.decide_folders()]
    for table in iter_current(folder, "documents", part, decided, columns=columns):
        rows = table.filter(pc.equal(table["id"], wanted))
        if rows.num_rows:
            return rows.to_pylist()[0]
    return {}


def sidecar(folder: Path, kind: str, part: str, wanted: str) -> list[dict[str, Any]]:
    """The rows of a sidecar that are about one document, in their order."""
    rows = []
    for table in iter_part(folder, kind, part):
        rows += table.filter(pc.equal(table["id"], wanted)).to_pylist()
    return rows


def edit_rows(run: Run, found: Found) -> list[dict[str, Any]]:
    """Rows of `edits/` about a document, of the pass and of steps that rewrote texts after it."""
    folder = run.clean_folders().get(found.source)
    if folder is None or found.id is None:
        return []
    folders = [folder, *(f for _, f in run.decide_folders() if rewrote(f, "edits", found.part))]
    return [row for f in folders for row in sidecar(f, "edits", found.part, found.id)]


def decision(run: Run, part: str, wanted: str) -> tuple[dict[str, Any] | None, bool]:
    """The decision by which a document left (None: it was kept), and whether it is held out."""
    split = run.split_folder()
    held = split is not None and bool(_decisions(split, part, wanted))
    for _, folder in run.decide_folders():
        rows = _decisions(folder, part, wanted)
        if rows:
            return rows[0], held
    return None, held


def _decisions(folder: Path, part: str, wanted: str) -> list[dict[str, Any]]:
    if part not in part_names(folder):
        return []
    table = read_part(folder, "decisions", part)
    return table.filter(pc.equal(table["id"], wanted)).to_pylist()


def places(run: Run, wanted: Iterable[str]) -> dict[str, Found]:
    """Where the documents with exactly these ids are, in one pass over all ids."""
    ids = pa.array(sorted(set(wanted)), pa.string())
    if not len(ids):
        return {}
    found = _search(run, lambda table: pc.is_in(table["id"], value_set=ids))
    return {one.id: one for one in found if one.id is not None}


def masker(run: Run) -> Callable[[list[str]], list[str]]:
    """Masks personal data in texts that are about to be shown, as the run's own step does.

    What is stored is masked already; this holds where texts are put together for the eye.
    Without such a step in the recipe: no change.
    """
    steps = [step for step in run.lock.get("passes", []) if _is_pii(step)]
    if not steps:
        return lambda texts: texts
    operation = load_operation(steps[-1]["op"])
    locate = operation.locate
    if locate is None:
        return lambda texts: texts
    params = operation.params.model_validate(steps[-1]["params"]) if operation.params else None

    def mask(texts: list[str]) -> list[str]:
        return (
            redact(pa.array(texts, pa.large_string()), locate, params).to_pylist() if texts else []
        )

    return mask


def _is_pii(step: dict[str, Any]) -> bool:
    return step["op"].rpartition(":")[2] == "pii"
