"""The readers `pairs`, `summaries`, `qa`, `dialogues` and `instructions`.

A record becomes one dialogue or several: `messages`, and `text` made of them by `template`. Of
several, each has the record's URI with `.0`, `.1` ... behind it, and they share a split group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corpusmith.collect import delimited, jsonl, parquet
from corpusmith.collect.encoding import UndecodableError, codec_of, decode, mark_of
from corpusmith.collect.errors import RecordError
from corpusmith.collect.lines import Line
from corpusmith.collect.pieces import line_encoding, text_blocks, too_large
from corpusmith.collect.readers import CsvParams
from corpusmith.collect.records import ABSENT, described, get
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError, read_whole
from corpusmith.collect.tasks import aligned, answers, dialogues, pairs, tmx
from corpusmith.collect.tasks.example import Made, Record
from corpusmith.collect.tasks.files import record_reader
from corpusmith.collect.tasks.items import as_record, json_items, yaml_items
from corpusmith.collect.tasks.params import PairsParams, TaskParams
from corpusmith.collect.turns import render

Piece = dict[str, Any]
Convert = Callable[[Record, Any], Made]

CONVERTERS: dict[str, Convert] = {
    "PairsParams": pairs.convert,
    "SummariesParams": answers.summaries,
    "QaParams": answers.questions,
    "DialoguesParams": dialogues.dialogues,
    "InstructionsParams": dialogues.instructions,
}
"""How a record is read, by the parameters of the reader."""


def read(piece: Piece, params: TaskParams, sink: Sink) -> None:
    """The dialogues of a piece."""
    convert = CONVERTERS[type(params).__name__]

    def emit(uri: str, record: Record, repaired: bool) -> None:
        # Taken before `convert` uses fields up; a nested field too.
        group = get(record, params.group) if params.group else ABSENT
        _write(uri, convert(record, params), record, group, params, sink, repaired)

    kind = piece["format"]
    reader = record_reader(kind, params)
    if kind == "lines" or kind == "tmx":
        assert isinstance(params, PairsParams)
        (_read_lines if kind == "lines" else _read_tmx)(piece, params, sink)
    elif kind == "jsonl":
        jsonl.read_records(piece, params, sink, emit)
    elif kind == "parquet":
        parquet.read_records(
            piece, sink, lambda uri, r, b: emit(uri, {k: parquet.plain(v) for k, v in r.items()}, b)
        )
    elif reader is not None:
        assert isinstance(reader[1], CsvParams)
        delimited.read_records(piece, reader[1], sink, emit)
    else:
        _read_items(piece, params, sink, emit)


def _write(
    uri: str,
    made: Made,
    record: Record,
    group: Any,
    params: TaskParams,
    sink: Sink,
    repaired: bool,
) -> None:
    """The documents of a record that was announced to the sink; it is skipped if it has none."""
    for kind, count in made.skipped.items():
        sink.skipped[kind] += count
    if not made.examples:
        sink.withdraw()
        return
    shared = described(record, params, group)
    meta = shared.pop("meta")
    several = len(made.examples) > 1
    if several or made.group:
        meta.setdefault("group", made.group or uri)
    for number, example in enumerate(made.examples):
        if several:
            name = f"{uri}.{number}"
            sink.rename(name) if not number else sink.created(name)
        if isinstance(example, RecordError):
            sink.quarantine(example.error, example.message)
            continue
        text = render(example.messages, params.template)
        if len(text.encode("utf-8", "surrogatepass")) > params.max_document_bytes:
            sink.quarantine(*too_large(len(text.encode()), params.max_document_bytes))
            continue
        sink.layouts[made.layout] += 1
        # Of a pair it is the translation's: what the record says holds for one direction alone.
        fields = {**shared, "lang": example.lang or shared.get("lang")}
        try:
            sink.document(
                text,
                messages=example.messages,
                meta={**meta, **example.meta},
                repaired=repaired,
                **fields,
            )
        except RecordError as error:
            sink.quarantine(error.error, error.message)


# --- files that hold several records as one value --------------------------------------------


def _read_items(piece: Piece, params: TaskParams, sink: Sink, emit: Any) -> None:
    uri = piece["uri"]
    if piece["format"] == "yaml":
        if not sink.record(uri, native=True):
            return
        try:
            items = yaml_items(read_whole(piece["path"], params.max_document_bytes))
        except (DamagedError, RecordError) as error:
            sink.quarantine(error.error, error.message)
            return
        sink.withdraw()  # the file is no record, its items are
        source: Any = items
    else:
        blocks = text_blocks(piece["path"], params.encoding)
        declared = codec_of(line_encoding(params))
        source = json_items(
            blocks,
            params.max_document_bytes,
            "utf-8-sig" if declared in ("", "utf-8") else declared,
        )
    try:
        for number, item in enumerate(source):
            name = f"{uri}#item={number}"
            if not sink.record(name):
                continue
            try:
                emit(name, as_record(item), False)
            except RecordError as error:
                sink.quarantine(error.error, error.message)
    except DamagedError as error:
        # What can't be parsed ends the file: where the next item begins is not known.
        sink.fail(f"{uri}#item={error.offset}", error.error, error.message)


# --- pairs that are no records -----------------------------------------------------------------


def _read_lines(piece: Piece, params: PairsParams, sink: Sink) -> None:
    codes = params.languages or piece["languages"]
    for number, source, target in aligned.pairs(piece, params):
        if not (_is_text(source) or _is_text(target)):
            continue  # an empty line on both sides is no record
        uri = f"{piece['uri']}#line={number}"
        if not sink.record(uri):
            continue
        try:
            first, one = _line(source, params, number, "source")
            second, two = _line(target, params, number, "target")
            examples = pairs.examples_of((first, second), codes, params)
            made = Made("aligned lines", examples)
            _write(uri, made, {}, ABSENT, params, sink, one or two)
        except RecordError as error:
            sink.quarantine(error.error, error.message)


def _is_text(line: Line) -> bool:
    return line.data is None or bool(line.data.strip())


def _line(line: Line, params: PairsParams, number: int, side: str) -> tuple[str, bool]:
    data = line.data
    if data is None:
        raise RecordError(*too_large(line.size, params.max_document_bytes))
    if number == 1 and mark_of(data)[0] == "utf-8":
        data = data[3:]
    if not data.strip():
        raise RecordError("no_text", f"line {number} of the {side} is empty, its partner is not")
    if b"\0" in data:
        raise RecordError("nul_bytes", f"line {number} of the {side} has NUL bytes")
    try:
        decoded = decode(data.removesuffix(b"\r"), line_encoding(params))
    except UndecodableError as error:
        raise RecordError("bad_encoding", f"line {number} of the {side}: {error}") from None
    return decoded.text, decoded.repaired


def _read_tmx(piece: Piece, params: PairsParams, sink: Sink) -> None:
    source = text_blocks(piece["path"], params.encoding)
    for unit, header in tmx.units(source, params.max_document_bytes):
        uri = f"{piece['uri']}#{unit.offset}"
        if not sink.record(uri):
            continue
        try:
            if unit.error:
                raise RecordError(*unit.error)
            names = tmx.chosen(unit.texts, unit.meta.get("srclang", header), params.languages)
            if isinstance(names, str):
                raise RecordError("unknown_layout", names)
            for name in names:
                if not unit.texts[name].strip():
                    raise RecordError("no_text", f"the variant in {name!r} is empty")
            texts = unit.texts[names[0]], unit.texts[names[1]]
            record: Record = dict(unit.meta)
            if (created := tmx.time_of(record.get("creationdate"))) and params.created == "created":
                record["created"] = created
            examples = pairs.examples_of(texts, names, params)
            group = get(record, params.group) if params.group else ABSENT
            _write(uri, Made("tmx", examples), record, group, params, sink, False)
        except RecordError as error:
            sink.quarantine(error.error, error.message)
