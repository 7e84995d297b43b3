"""The tables that stages exchange: the document and its sidecars.

Columns are the only interface between stages. A column's name carries its unit; no stored
column is dictionary-encoded. Spans are half-open ranges of Unicode code points.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1
"""Version of every table, manifest, recipe and summary below. Older is read, newer refused."""

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.large_string())])

MEDIUM = pa.struct(
    [
        ("type", pa.string()),  # image, audio
        ("mime", pa.string()),
        ("ref", pa.string()),  # blobs/<hash>, or null where only `uri` is known
        ("uri", pa.string()),
        ("width", pa.int32()),  # pixels
        ("height", pa.int32()),  # pixels
        ("seconds", pa.float64()),
    ]
)

DOCUMENT = pa.schema(
    [
        ("id", pa.string()),  # 32 hex digits, see `corpusmith.store.fingerprint.document_id`
        ("source", pa.string()),
        ("uri", pa.string()),
        ("modality", pa.string()),  # text, code, image-text, audio-text
        ("text", pa.large_string()),  # never null
        ("messages", pa.list_(MESSAGE)),
        ("lang", pa.string()),
        ("lang_score", pa.float32()),
        ("license", pa.string()),  # SPDX id
        ("created", pa.timestamp("us", tz="UTC")),
        ("meta", pa.string()),  # JSON object: every other field of the input; never null
        ("media", pa.list_(MEDIUM)),
    ]
)

EDIT_SPAN = pa.struct(
    [
        ("start", pa.int64()),  # code points of the text before the edit, half-open
        ("end", pa.int64()),
        ("kind", pa.string()),  # what was done: "c4_lines:no_terminal", "pii:email", ...
        ("removed", pa.large_string()),  # null where PII masking removed it
        ("removed_hash", pa.string()),  # keyed hash of what PII masking removed, else null
        ("replacement", pa.large_string()),
    ]
)
"""One change of a text. Spans of a document are sorted and do not overlap."""

EDITS = pa.schema(
    [
        ("id", pa.string()),
        ("step", pa.string()),
        ("text_version", pa.int32()),  # of the text that the span counts in (before the edit)
        *[(f.name, f.type) for f in EDIT_SPAN],
        ("duplicate_of", pa.string()),  # the document in which what was removed stands first
    ]
)

DECISION = pa.schema(
    [
        ("id", pa.string()),
        ("step", pa.string()),
        ("rule", pa.string()),
        ("signal", pa.string()),
        ("value", pa.string()),  # the value measured, in decimal or as is
        ("min", pa.string()),
        ("max", pa.string()),
        ("duplicate_of", pa.string()),  # the id of the document kept instead
        ("also", pa.list_(pa.string())),  # further rules of this step that it fails
    ]
)

QUARANTINE = pa.schema(
    [
        ("uri", pa.string()),
        ("step", pa.string()),
        ("error", pa.string()),  # a short name: too_large, bad_json, bad_encoding, timeout, ...
        ("message", pa.string()),  # a sentence with the figures
        ("id", pa.string()),  # the document, where it had become one; else null
    ]
)

SIDECARS = {
    "documents": DOCUMENT,
    "edits": EDITS,
    "decisions": DECISION,
    "quarantine": QUARANTINE,
}
"""Schemas by folder. `signals/` has `id` first, then the columns of the recipe's operations."""

DOCUMENT_RULE_COLUMNS = ("source", "modality", "lang", "lang_score", "license", "created")
"""Columns of the document on which a rule may be set; they never go stale."""


def empty(schema: pa.Schema) -> pa.Table:
    return schema.empty_table()


def table(schema: pa.Schema, rows: list[dict]) -> pa.Table:
    """A table of `schema` from rows; an unknown key is an error, a missing one null."""
    unknown = {key for row in rows for key in row} - set(schema.names)
    if unknown:
        raise KeyError(f"columns not in the schema: {sorted(unknown)}")
    return pa.Table.from_pylist(rows, schema=schema)
