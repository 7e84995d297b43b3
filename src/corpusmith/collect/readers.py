"""The readers by name, with the parameters that a recipe may give them.

Imports nothing heavy: the plan checks recipes with it. Sizes are bytes.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from corpusmith.collect.dumps.params import (
    MboxParams,
    RedditParams,
    StackExchangeParams,
    WikipediaParams,
)
from corpusmith.collect.git.params import RepositoryParams
from corpusmith.collect.source_params import Name, RecordParams, Size, SourceParams
from corpusmith.collect.tasks.params import (
    DialoguesParams,
    InstructionsParams,
    PairsParams,
    QaParams,
    SummariesParams,
)
from corpusmith.errors import MissingExtraError

__all__ = [
    "READERS",
    "Name",
    "ReaderSpec",
    "RecordParams",
    "SourceParams",
    "function_at",
    "function_of",
]


class JsonlParams(RecordParams):
    pass


class ParquetParams(RecordParams):
    long: Literal["quarantine", "split"] = "quarantine"


class CsvParams(RecordParams):
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    quote: Annotated[str, StringConstraints(max_length=1)] = Field(
        '"', description="the quote character; '' where quotes mean nothing"
    )
    columns: list[Name] | None = Field(None, description="names, for files without a header")


class TsvParams(CsvParams):
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = "\t"
    quote: Annotated[str, StringConstraints(max_length=1)] = ""


class TextParams(SourceParams):
    documents: Literal["file", "line"] = Field("file", description="what one document is")
    long: Literal["quarantine", "split"] = Field(
        "quarantine", description="split: a file over the limit becomes `uri#bytes=a-b` documents"
    )


class MarkdownParams(SourceParams):
    long: Literal["quarantine", "split"] = "quarantine"


class PageParams(SourceParams):
    """Sources of web pages."""

    extract: Literal["corpusmith", "trafilatura", "resiliparse"] = "corpusmith"
    format: Literal["markdown", "text"] | None = None
    links: bool = False

    @model_validator(mode="after")
    def _format_is_ours(self) -> PageParams:
        if self.extract != "corpusmith" and (self.format or self.links):
            raise ValueError(
                "`format` and `links` are of `extract: corpusmith`; "
                f"{self.extract} gives plain text"
            )
        return self


class HtmlParams(PageParams):
    pass


class WarcParams(PageParams):
    pass


class WetParams(SourceParams):
    pass


class DocumentsParams(HtmlParams):
    documents: Literal["file", "page"] = Field(
        "file",
        description="what one document is: a file, or each page of a PDF (`uri#page=n`)",
    )
    timecodes: bool = Field(False, description="the time in front of each line of subtitles")
    max_archive_bytes: Size = Field(
        16 << 30, description="what an archive, with those within it, may hold decompressed"
    )


class WatParams(SourceParams):
    pass


class CodeParams(SourceParams):
    modality: Literal["text", "code", "image-text", "audio-text"] = "code"


@dataclasses.dataclass(frozen=True)
class ReaderSpec:
    """How a source is read. `read(piece, params, sink)` makes the documents of one piece."""

    params: type[SourceParams]
    function: str  # "module:function" of read(piece, params, sink)
    extensions: tuple[str, ...]  # chosen from a folder; () = all files
    # How its files are cut into pieces; files are documents, containers hold any number of them.
    unit: Literal["lines", "csv", "rows", "files", "containers", "warc", "tasks", "pages", "mails"]
    doc: str
    extra: str = ""  # the optional dependencies that it needs
    libraries: tuple[str, ...] = ()  # distributions whose version shapes its documents
    # "module:function" of what puts records of several places together, see `dumps.threads`: the
    # first makes rows, those between regroup them, the last is read(key, records, params, sink).
    gather: tuple[str, ...] = ()


_BASE = "corpusmith.collect."
_COMPRESSED = ("", ".gz", ".zst")
ARCHIVES = (
    *(".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.xz", ".txz"),
    *(".tar.bz2", ".tbz2"),
)


def _names(*suffixes: str) -> tuple[str, ...]:
    return tuple(suffix + packed for suffix in suffixes for packed in _COMPRESSED)


_TASKS = _BASE + "tasks.read:read"
_RECORDS = (
    *_names(".jsonl", ".ndjson", ".jsonlines", ".json", ".csv", ".tsv", ".yml", ".yaml"),
    *(".parquet", ".pq"),
)


def _documents(word: str, suffixes: tuple[str, ...], doc: str, **more: Any) -> ReaderSpec:
    function = f"{_BASE}documents.reader:{word}"
    return ReaderSpec(DocumentsParams, function, suffixes, "containers", doc, **more)


_PDF, _EPUB, _DOCX, _ODT = (".pdf",), (".epub",), (".docx", ".docm", ".dotx"), (".odt", ".ott")
_LATEX = (".tex", ".ltx", ".latex")
_SUBTITLES = (".srt", ".vtt", ".ass", ".ssa")
_PDFIUM: dict[str, Any] = {"extra": "documents", "libraries": ("pypdfium2",)}


READERS: dict[str, ReaderSpec] = {
    "jsonl": ReaderSpec(
        JsonlParams,
        _BASE + "jsonl_texts:read",
        _names(".jsonl", ".ndjson", ".jsonlines"),
        "lines",
        "JSON Lines, plain, gzip or zstd: a document a line",
    ),
    "parquet": ReaderSpec(
        ParquetParams, _BASE + "parquet:read", (".parquet", ".pq"), "rows", "Parquet: a row each"
    ),
    "csv": ReaderSpec(
        CsvParams, _BASE + "delimited:read", _names(".csv"), "csv", "CSV (RFC 4180): a row each"
    ),
    "tsv": ReaderSpec(
        TsvParams,
        _BASE + "delimited:read",
        _names(".tsv", ".tab"),
        "csv",
        "tab-separated values, without quotes unless `quote` says so: a row each",
    ),
    "text": ReaderSpec(
        TextParams, _BASE + "whole:read_text", _names(".txt", ".text"), "files", "plain text files"
    ),
    "markdown": ReaderSpec(
        MarkdownParams,
        _BASE + "whole:read_markdown",
        _names(".md", ".markdown", ".rst"),
        "files",
        "Markdown and reStructuredText files, as they are",
    ),
    "html": ReaderSpec(
        HtmlParams,
        _BASE + "pages:read",
        _names(".html", ".htm", ".xhtml"),
        "files",
        "web pages: the main text",
        "web-data",
    ),
    "documents": _documents(
        "read",
        (
            *(*_PDF, *_EPUB, *_DOCX, *_ODT, *_LATEX, *_SUBTITLES, ".html", ".htm", ".xhtml"),
            *(".txt", ".text", ".md", ".markdown", ".rst", *ARCHIVES),
        ),
        "PDF, EPUB, DOCX, ODT, HTML, LaTeX, subtitles, Markdown, text; in zip and tar archives too",
        **_PDFIUM,
    ),
    "pdf": _documents("read_pdf", _PDF, "PDF: the text layer in reading order", **_PDFIUM),
    "epub": _documents("read_epub", _EPUB, "EPUB: the chapters in the spine's order"),
    "docx": _documents("read_docx", _DOCX, "Word's DOCX as Markdown"),
    "odt": _documents("read_odt", _ODT, "OpenDocument text as Markdown"),
    "latex": _documents("read_latex", _LATEX, "LaTeX sources as Markdown, with what they read in"),
    "subtitles": _documents(
        "read_subtitles", _SUBTITLES, "SubRip, WebVTT, SubStation Alpha: cues joined to sentences"
    ),
    "wikipedia": ReaderSpec(
        WikipediaParams,
        _BASE + "dumps.mediawiki:read",
        tuple(".xml" + packed for packed in (*_COMPRESSED, ".bz2", ".xz")),
        "pages",
        "dumps of MediaWiki: an article each, as Markdown",
    ),
    "stackexchange": ReaderSpec(
        StackExchangeParams,
        _BASE + "dumps.stackexchange:read",
        _names(".xml"),
        "lines",
        "Stack Exchange's dump: a question with its answers each",
        gather=tuple(_BASE + "dumps.stackexchange:" + name for name in ("gather", "join", "read")),
    ),
    "reddit": ReaderSpec(
        RedditParams,
        _BASE + "dumps.reddit:read",
        (*_names(".jsonl", ".ndjson"), ".zst"),
        "lines",
        "Reddit's submissions and comments as JSON Lines: a thread each",
        gather=tuple(_BASE + "dumps.reddit:" + name for name in ("gather", "read")),
    ),
    "mbox": ReaderSpec(
        MboxParams,
        _BASE + "dumps.mbox:read",
        tuple(".mbox" + packed for packed in (*_COMPRESSED, ".bz2", ".xz")),
        "mails",
        "mailboxes: a mail each, or a thread",
        gather=tuple(_BASE + "dumps.mbox:" + name for name in ("gather", "read_thread")),
    ),
    "warc": ReaderSpec(
        WarcParams,
        _BASE + "warc:read",
        (".warc.gz", ".warc"),
        "warc",
        "WARC: the main text of pages that were answered with status 200",
        "web-data",
    ),
    "crawled": ReaderSpec(
        WarcParams,
        _BASE + "warc:read_crawled",
        (".warc.gz", ".warc"),
        "warc",
        "WARC as `read: crawl` writes it: as `warc`, but known by their URLs",
        "web-data",
    ),
    "wet": ReaderSpec(
        WetParams,
        _BASE + "warc:read_wet",
        (".warc.wet.gz", ".wet.gz", ".wet", ".warc.wet"),
        "warc",
        "WET: the text of conversion records",
    ),
    "wat": ReaderSpec(
        WatParams,
        _BASE + "wat:read",
        (".warc.wat.gz", ".wat.gz", ".wat", ".warc.wat"),
        "warc",
        "WAT: titles and descriptions of pages, their links in meta",
    ),
    "code": ReaderSpec(
        CodeParams, _BASE + "code:read", (), "files", "code folders: a file each, with its language"
    ),
    "repository": ReaderSpec(
        RepositoryParams,
        _BASE + "git.reader:read",
        (".parquet",),
        "rows",
        "tables of repositories' files, as `read: git` makes them: a file each",
    ),
    "pairs": ReaderSpec(
        PairsParams,
        _TASKS,
        (),
        "tasks",
        "translation pairs: two files aligned line by line, TMX, or records",
    ),
    "summaries": ReaderSpec(
        SummariesParams, _TASKS, _RECORDS, "tasks", "texts with their summaries"
    ),
    "qa": ReaderSpec(
        QaParams, _TASKS, _RECORDS, "tasks", "questions and answers, with passages or choices"
    ),
    "dialogues": ReaderSpec(
        DialoguesParams,
        _TASKS,
        _RECORDS,
        "tasks",
        "dialogues: OpenAI's messages, ShareGPT's, lists of turns",
    ),
    "instructions": ReaderSpec(
        InstructionsParams, _TASKS, _RECORDS, "tasks", "instructions with input and answer"
    ),
}
"""What `read:` in a recipe may name."""


def function_of(spec: ReaderSpec) -> Any:
    """The reader's function; its module (and what that needs) is imported only now."""
    return function_at(spec.function, spec.extra)


def function_at(address: str, extra: str = "") -> Any:
    """What stands at "module:name"; MissingExtraError where its module needs what `extra` has."""
    module, _, name = address.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if extra and error.name and not error.name.startswith("corpusmith"):
            raise MissingExtraError(error.name, extra) from None
        raise
