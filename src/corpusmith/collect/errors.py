"""Errors of single records: what ends in quarantine, by short name."""

from __future__ import annotations

EXPECTED_ERRORS = frozenset({"binary_file", "lfs_pointer", "scanned"})
"""Not a fault of the source: a code folder has pictures, a folder of PDFs has scans. They don't
count for `max_quarantined`."""

ERRORS = {
    "ambiguous_layout": "a record that may be laid out in several ways",
    "bad_bzip2": "damaged bzip2 data",
    "bad_csv": "a row whose quotes or number of fields don't fit",
    "bad_document": "a document on which its parser failed",
    "bad_docx": "a DOCX without its main part",
    "bad_encoding": "bytes that are text in no encoding we know",
    "bad_epub": "an EPUB without its package document or chapters",
    "bad_field": "a field of the wrong type",
    "bad_gzip": "damaged gzip data",
    "bad_html": "the parser refused the page",
    "bad_json": "a line that is no JSON",
    "bad_latex": "a LaTeX file that is no document",
    "bad_mail": "a mail that can't be taken apart, or without a header",
    "bad_notebook": "a notebook without cells",
    "bad_odt": "an ODT without its text",
    "bad_parquet": "a damaged Parquet file or row group",
    "bad_path": "a path in an archive that leads out of it",
    "bad_pdf": "no PDF, or one too damaged to be read",
    "bad_subtitles": "a subtitle file without a cue",
    "bad_tar": "bytes that are no tar archive",
    "bad_warc": "bytes that are no WARC record",
    "bad_xml": "no well-formed XML (TMX: or one that declares entities)",
    "bad_xz": "damaged xz data",
    "bad_yaml": "a YAML file that can't be read, or with aliases",
    "bad_zip": "no zip file, or one with a damaged or missing member",
    "bad_zstd": "damaged zstd data",
    "binary_file": "no text: expected in a code folder",
    "decompression_bomb": "a stream that expands beyond all measure",
    "duplicate_key": "a JSON object with the same key twice",
    "duplicate_uri": "two files with one URI",
    "encrypted": "asks for a password, or is under DRM",
    "huge_number": "an integer with thousands of digits",
    "lfs_pointer": "a file of which only Git LFS's pointer is there: expected in a code folder",
    "lone_surrogate": "half of a UTF-16 surrogate pair",
    "no_parent": "an answer or a comment whose question or post is not there",
    "no_text": "a record without the text field",
    "not_a_dump": "a file that does not begin as a dump of its kind",
    "not_an_object": "a JSON line that is no object",
    "not_regular": "a pipe, socket or device (links to files are followed, to folders not)",
    "nul_bytes": "CSV or text with NUL characters (single ones in HTML are left out, in JSON kept)",
    "scanned": "a PDF, or a page of one, with pictures and no text layer",
    "too_complex": "a page that would take quadratic time or memory to parse",
    "too_deep": "nested beyond the limit",
    "too_large": "over `max_document_bytes`",
    "truncated_bzip2": "a bzip2 stream without its end",
    "truncated_gzip": "a gzip stream without its end",
    "truncated_tar": "a tar archive without its end",
    "truncated_warc": "a WARC record without its end",
    "truncated_xml": "a page of a dump without its end",
    "truncated_xz": "an xz stream without its end",
    "truncated_zstd": "a zstd stream without its end",
    "unaligned": "two files that should have as many lines",
    "unknown_compression": "neither plain, gzip nor zstd",
    "unknown_encoding": "an HTTP content encoding that we can't undo",
    "unknown_format": "a document whose name tells no format",
    "unknown_layout": "a record in none of the layouts of its task",
    "unreadable": "the operating system refused",
    "unsafe_member": "a member of an archive that leads out of it, or is a link or device",
    "xml_entities": "XML that declares entities of its own (they can expand without bound)",
}
"""Every error name that a reader writes into `quarantine/`, with its meaning (for the docs)."""


class RecordError(Exception):
    """This record ends in quarantine under `error`, with `message`."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message
