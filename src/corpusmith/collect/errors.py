"""Errors of single records: what ends in quarantine, by short name."""

from __future__ import annotations

EXPECTED_ERRORS = frozenset({"binary_file"})
"""Not a fault of the source: a code folder has pictures. They don't count for `max_quarantined`."""

ERRORS = {
    "ambiguous_layout": "a record that may be laid out in several ways",
    "bad_csv": "a row whose quotes or number of fields don't fit",
    "bad_encoding": "bytes that are text in no encoding we know",
    "bad_field": "a field of the wrong type",
    "bad_gzip": "damaged gzip data",
    "bad_html": "the parser refused the page",
    "bad_json": "a line that is no JSON",
    "bad_parquet": "a damaged Parquet file or row group",
    "bad_warc": "bytes that are no WARC record",
    "bad_xml": "TMX that is no XML, or declares entities",
    "bad_yaml": "a YAML file that can't be read, or with aliases",
    "bad_zstd": "damaged zstd data",
    "binary_file": "no text: expected in a code folder",
    "decompression_bomb": "a stream that expands beyond all measure",
    "duplicate_key": "a JSON object with the same key twice",
    "duplicate_uri": "two files with one URI",
    "huge_number": "an integer with thousands of digits",
    "lone_surrogate": "half of a UTF-16 surrogate pair",
    "no_text": "a record without the text field",
    "not_an_object": "a JSON line that is no object",
    "not_regular": "a pipe, socket or device (links to files are followed, to folders not)",
    "nul_bytes": "CSV or text with NUL characters (single ones in HTML are left out, in JSON kept)",
    "too_complex": "a page that would take quadratic time or memory to parse",
    "too_deep": "nested beyond the limit",
    "too_large": "over `max_document_bytes`",
    "truncated_gzip": "a gzip stream without its end",
    "truncated_warc": "a WARC record without its end",
    "truncated_zstd": "a zstd stream without its end",
    "unaligned": "two files that should have as many lines",
    "unknown_compression": "neither plain, gzip nor zstd",
    "unknown_encoding": "an HTTP content encoding that we can't undo",
    "unknown_layout": "a record in none of the layouts of its task",
    "unreadable": "the operating system refused",
}
"""Every error name that a reader writes into `quarantine/`, with its meaning (for the docs)."""


class RecordError(Exception):
    """This record ends in quarantine under `error`, with `message`."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message
