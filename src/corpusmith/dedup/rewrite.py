"""Round "main" of `substring`: documents without the spans that were found.

White space takes no part in the comparison, so a cut has to say what becomes of it. Between what
stays before and behind a cut, one of the two gaps stays: the one with more newlines, else the
longer, else the first. Where both are empty and two words would become one, a space is put in. At
the beginning or end of a document the gap goes with the span.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from corpusmith import schema
from corpusmith.clean.redaction import redact
from corpusmith.dedup.buckets import Part, map_array
from corpusmith.dedup.substring_rounds import Windows
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.chars import EXTEND, KIND, WORD, Classes, classes
from corpusmith.kernels.tokens import class_tables, token_ranges
from corpusmith.loading import load_operation
from corpusmith.op import TaskContext
from corpusmith.store.overlay import iter_current
from corpusmith.store.parts import PartWriter, batches_of, iter_part

KIND_OF_EDIT = "substring:duplicate"
RULE = "substring_duplicate"
PIECE_BYTES = 8 << 20  # of text at a time
ALSO = 10  # further documents that a decision names


class Cut(NamedTuple):
    """A piece of text that goes: bytes [start, stop), what stands there now, and whose it is."""

    start: int
    stop: int
    replacement: str
    source: str  # id of the document in which it stands first


def rewrite_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """What is left of the documents of a part of which spans were found."""
    place = Part(**spec["place"])
    after = [Path(folder) for folder in spec["after"]]
    suffix = spec["suffix"]
    spans = np.array(map_array(ctx.folder, "found" + suffix, place.name, "<i8").reshape(-1, 4))
    left = Windows(ctx.folder, suffix)
    ids = _ids(left, spans[:, 3])
    ends = left.map("token_ends", left.names.index(place.name), "<i8")
    spans[:, 1:3] -= ends[spans[:, 0]][:, None]  # counted from the document's first token now
    row = 0
    with ctx.writer() as out:
        out.info = {"changed": 0, "left": 0, "removed_bytes": 0}
        out.write("decisions", schema.DECISION.empty_table())
        groups = iter_current(Path(place.folder), "documents", place.name, after)
        for group in groups if len(spans) else ():
            for table in batches_of(group, PIECE_BYTES):
                begin, end = np.searchsorted(spans[:, 0], [row, row + table.num_rows])
                if begin < end:
                    mine = spans[begin:end].copy()
                    mine[:, 0] -= row
                    _rewrite(table, mine, ids, spec, out)
                row += table.num_rows


def _ids(left: Windows, rows: np.ndarray) -> dict[int, str]:
    """The ids of documents by their global rows; reads the column of ids of their parts."""
    wanted = np.unique(rows)
    parts = np.searchsorted(left.first_rows, wanted, side="right") - 1
    found: dict[int, str] = {}
    for part in np.unique(parts).tolist():
        chosen = wanted[parts == part]
        local = chosen - left.first_rows[part]
        folder, start = Path(left.infos[part]["folder"]), 0
        for table in iter_part(folder, "signals", left.names[part], columns=["id"]):
            begin, end = np.searchsorted(local, [start, start + table.num_rows])
            names = table["id"].take(pa.array(local[begin:end] - start)).to_pylist()
            found.update(zip(chosen[begin:end].tolist(), names, strict=True))
            start += table.num_rows
    return found


def _rewrite(
    table: pa.Table, spans: np.ndarray, ids: dict[int, str], spec: dict[str, Any], out: PartWriter
) -> None:
    """Write what becomes of the rows of `table` that `spans` name (by their place in it)."""
    rows, begins = np.unique(spans[:, 0], return_index=True)
    changed = table.take(pa.array(rows))
    names = changed["id"].to_pylist()
    texts: list[str] = []
    edits: dict[str, list] = {name: [] for name in schema.EDITS.names}
    decisions: list[dict[str, Any]] = []
    for name, mine, (text, starts, stops) in zip(
        names, np.split(spans, begins[1:]), _tokenized(changed["text"]), strict=True
    ):
        sources = [ids[row] for row in mine[:, 3].tolist()]
        cuts = cut_spans(text, starts, stops, mine[:, 1:3].tolist(), sources)
        new, pieces = _apply(text, cuts)
        for edit in pieces:
            for column, value in edit.items():
                edits[column].append(value)
        edits["id"] += [name] * len(cuts)
        texts.append(new)
        out.info["removed_bytes"] += len(text) - len(new.encode())
        if not new:
            decisions.append(_decision(name, spec["step"], sources))
    column = pa.array(texts, pa.large_string())
    out.write("documents", changed.set_column(changed.column_names.index("text"), "text", column))
    lengths = pa.array([len(text.encode()) for text in texts], pa.int64())
    out.write("signals", pa.table({"id": pa.array(names, pa.string()), "kept_bytes": lengths}))
    out.write("edits", _edit_table(edits, spec))
    out.write("decisions", schema.table(schema.DECISION, decisions))
    out.info["changed"] += len(texts)
    out.info["left"] += len(decisions)


def _tokenized(column: pa.ChunkedArray) -> Iterator[tuple[bytes, np.ndarray, np.ndarray]]:
    """Each text as UTF-8, and where its tokens begin and stop."""
    data, offsets = text_buffers(column)
    starts, stops = np.empty(len(data), np.int64), np.empty(len(data), np.int64)
    ends = np.empty(len(offsets), np.int64)
    token_ranges(data, offsets, *class_tables(), starts, stops, ends)
    for row in range(len(offsets) - 1):
        begin, tokens = offsets[row], slice(ends[row], ends[row + 1])
        text = data[begin : offsets[row + 1]].tobytes()
        yield text, starts[tokens] - begin, stops[tokens] - begin


def cut_spans(
    text: bytes,
    starts: np.ndarray,
    stops: np.ndarray,
    spans: Sequence[Sequence[int]],
    sources: Sequence[str],
) -> list[Cut]:
    """What to cut of a text whose token i is `text[starts[i]:stops[i]]`.

    `spans` are [first token, token after the last), sorted, without overlap; those that touch are
    one cut in as many pieces. `sources` has an id for each.
    """
    cuts: list[Cut] = []
    index = 0
    while index < len(spans):
        last = index
        while last + 1 < len(spans) and spans[last + 1][0] == spans[last][1]:
            last += 1
        begin, end = spans[index][0], spans[last][1]
        start, stop, put_in = _whole_cut(text, starts, stops, begin, end)
        edges = [start, *(starts[spans[i][0]] for i in range(index + 1, last + 1)), stop]
        for i in range(index, last + 1):
            piece = i - index
            cuts.append(
                Cut(edges[piece], edges[piece + 1], put_in if i == last else "", sources[i])
            )
        index = last + 1
    return cuts


def _whole_cut(
    text: bytes, starts: np.ndarray, stops: np.ndarray, begin: int, end: int
) -> tuple[int, int, str]:
    """Bytes [start, stop) to cut for tokens begin..end-1, and what to put in; see the module."""
    if begin == 0 and end == len(starts):
        return 0, len(text), ""
    if begin == 0:
        return 0, starts[end], ""
    if end == len(starts):
        return stops[begin - 1], stops[end - 1], ""
    before = text[stops[begin - 1] : starts[begin]]
    behind = text[stops[end - 1] : starts[end]]
    if (behind.count(b"\n"), len(behind)) > (before.count(b"\n"), len(before)):
        return stops[begin - 1], stops[end - 1], ""
    joined = not before and _is_word(text, starts[begin - 1], stops[begin - 1])
    if joined and _is_word(text, starts[end], stops[end]):
        return starts[begin], starts[end], " "
    return starts[begin], starts[end], ""


def _is_word(text: bytes, start: int, stop: int) -> bool:
    """Whether a token is one that would go on in a word behind it, or go on from one before."""
    code = ord(text[start:stop].decode()[0])
    tables: Classes = classes()
    leaf = tables.leaves[int(tables.roots[code >> 7]) * 128 + (code & 127)]
    kind = tables.flags[code if code < 128 else 256 + int(leaf)] & KIND
    return bool(kind in (WORD, EXTEND))


def _apply(text: bytes, cuts: Sequence[Cut]) -> tuple[str, list[dict[str, Any]]]:
    """The text without the cuts, and a row of `edits/` for each, in code points."""
    pieces: list[str] = []
    rows = []
    at = chars = 0
    for cut in cuts:
        kept, removed = text[at : cut.start].decode(), text[cut.start : cut.stop].decode()
        chars += len(kept)
        rows.append(
            {
                "start": chars,
                "end": chars + len(removed),
                "removed": removed,
                "replacement": cut.replacement,
                "duplicate_of": cut.source,
            }
        )
        pieces += [kept, cut.replacement]
        at, chars = cut.stop, chars + len(removed)
    pieces.append(text[at:].decode())
    return "".join(pieces), rows


def _edit_table(edits: dict[str, list], spec: dict[str, Any]) -> pa.Table:
    """Rows of `edits/`; what a step of the recipe masks is masked in them too."""
    count = len(edits["id"])
    edits["step"] = [spec["step"]] * count
    edits["text_version"] = [spec["text_version"]] * count
    edits["kind"] = [KIND_OF_EDIT] * count
    edits["removed_hash"] = [None] * count
    columns = {f.name: pa.array(edits[f.name], f.type) for f in schema.EDITS}
    for masking in spec["masking"]:
        operation = load_operation(masking["op"])
        params = operation.params.model_validate(masking["params"]) if operation.params else None
        assert operation.locate is not None
        for name in ("removed", "replacement"):
            columns[name] = redact(columns[name], operation.locate, params)
    return pa.table(columns, schema=schema.EDITS)


def _decision(name: str, step: str, sources: Sequence[str]) -> dict[str, Any]:
    """All of the text stands elsewhere: in `duplicate_of`, and in those that `also` names."""
    first, *others = dict.fromkeys(sources)
    return {
        "id": name,
        "step": step,
        "rule": RULE,
        "signal": "kept_bytes",
        "value": "0",
        "min": "1",
        "duplicate_of": first,
        "also": [f"part of it in: {other}" for other in others[:ALSO]],
    }
