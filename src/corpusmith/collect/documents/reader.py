"""The readers of documents: a file, or a member of an archive, is one document, or one a page.

`read: documents` takes every kind; `pdf`, `epub`, `docx`, `odt` and `subtitles` take their own,
within archives too. Each document is announced to the watchdog, since PDFs are parsed by native
code.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpusmith.collect.documents import archive
from corpusmith.collect.documents.content import Content, Include, Limits, language_code
from corpusmith.collect.documents.latex_files import MemberFiles, beside, listed
from corpusmith.collect.errors import RecordError
from corpusmith.collect.pieces import too_large
from corpusmith.collect.readers import DocumentsParams
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError, plain_whole, read_whole, reading
from corpusmith.collect.unpack import unpacked
from corpusmith.collect.whole import group_of
from corpusmith.errors import MissingExtraError

KINDS = {
    "pdf": (".pdf",),
    "epub": (".epub",),
    "docx": (".docx", ".docm", ".dotx"),
    "odt": (".odt", ".ott"),
    "html": (".html", ".htm", ".xhtml"),
    "latex": (".tex", ".ltx", ".latex"),
    "subtitles": (".srt", ".vtt", ".ass", ".ssa"),
    "markdown": (".md", ".markdown", ".rst"),
    "text": (".txt", ".text"),
}
_KIND_OF = {suffix: kind for kind, suffixes in KINDS.items() for suffix in suffixes}
_PACKED = (".gz", ".zst")


def kind_of(name: str) -> str:
    """The kind of a file by its name, "" where it is none of ours."""
    name = name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    at = name.rfind(".")
    return _KIND_OF.get(name[at:], "") if at > name.rfind("/") else ""


def _read(
    piece: dict[str, Any], params: DocumentsParams, sink: Sink, *, word: str, kinds: tuple
) -> None:
    uri, path = piece["uri"], piece["path"]
    limits = Limits(params.max_document_bytes, archive_bytes=params.max_archive_bytes)
    if archive.is_archive(uri):
        _read_archive(path, uri, params, sink, kinds, limits)
        return
    kind = kind_of(uri) or (kinds[0] if len(kinds) == 1 else "")
    include: Include = _nothing
    if kind == "latex":
        if _is_part(uri, functools.partial(_whole, path, uri), params, sink):
            return
        include = beside(path, listed(tuple(_paths(params)), word))
    if not sink.record(uri, native=True):
        return
    try:
        if not kind:
            raise RecordError("unknown_format", f"no format is known for the name {uri[-80:]!r}")
        data = _whole(path, uri, params.max_document_bytes)
        _finish(uri, parse(kind, data, uri, params, limits, include), params, sink, kind)
    except (DamagedError, RecordError) as error:
        sink.quarantine(error.error, error.message)
    sink.ctx.publish("")


def _whole(path: str, uri: str, limit: int) -> bytes:
    # By its name alone: an EPUB is a zip file, and so is a DOCX.
    return (read_whole if uri.lower().endswith(_PACKED) else plain_whole)(path, limit)


def _is_part(uri: str, whole: Callable[[int], bytes], params: DocumentsParams, sink: Sink) -> bool:
    """Whether a LaTeX file is no document, only read in by others: then it is counted."""
    from corpusmith.collect.documents.latex_source import is_document

    try:
        part = not is_document(whole(params.max_document_bytes).decode("latin-1"))
    except DamagedError:
        return False  # told when it is read
    if part:
        sink.skip("file:tex without \\begin{document}")
    return part


def _read_archive(
    path: str, uri: str, params: DocumentsParams, sink: Sink, kinds: tuple, limits: Limits
) -> None:
    def wanted(name: str) -> bool:
        return kind_of(name) in kinds

    try:
        with reading(path), open(path, "rb") as file:
            budget = archive.Budget.of(limits, Path(path).stat().st_size)
            sources = MemberFiles(limits.document_bytes)
            for member in archive.members(file, uri, wanted, sink.skip, budget):
                if kind_of(member.path) == "latex" and not member.error and sources.hold(member):
                    continue  # it may read in what comes later
                _read_member(member, params, sink, limits)
            for member in sources.held:
                _read_member(member, params, sink, limits, sources.include(member))
    except DamagedError as error:
        sink.fail(uri, error.error, error.message)


def _read_member(
    member: archive.Member,
    params: DocumentsParams,
    sink: Sink,
    limits: Limits,
    include: Include | None = None,
) -> None:
    if member.error:
        sink.fail(member.uri, member.error, member.message)
        return
    if kind_of(member.path) == "latex" and _is_part(
        member.uri, lambda _: _member_data(member, limits), params, sink
    ):
        return
    if not sink.record(member.uri, native=True):
        return
    try:
        kind = kind_of(member.path)
        data = _member_data(member, limits)
        content = parse(kind, data, member.path, params, limits, include or _nothing)
        _finish(member.uri, content, params, sink, kind)
    except (DamagedError, RecordError) as error:
        sink.quarantine(error.error, error.message)
    sink.ctx.publish("")


def _member_data(member: archive.Member, limits: Limits) -> bytes:
    packed = member.path.lower().endswith(_PACKED)
    return _unpacked(member.data, limits) if packed else member.data


def _nothing(name: str) -> bytes | None:
    return None


def _unpacked(data: bytes, limits: Limits) -> bytes:
    out: list[bytes] = []
    size = 0
    for block in unpacked(io.BytesIO(data)):
        size += len(block)
        if size > limits.document_bytes:
            raise RecordError(*too_large(size, limits.document_bytes))
        out.append(block)
    return b"".join(out)


def parse(
    kind: str,
    data: bytes,
    name: str,
    params: DocumentsParams,
    limits: Limits,
    include: Include = _nothing,
) -> Content:
    """The content of a file of this kind; RecordError where it can't be read."""
    try:
        return _parse(kind, data, name, params, limits, include)
    except (RecordError, DamagedError, MissingExtraError, MemoryError, ModuleNotFoundError):
        raise
    except Exception as error:
        # Libraries raise errors of their own on what no test foresaw; one file must not end the
        # part.
        message = f"{kind}: {type(error).__name__}: {error}"
        raise RecordError("bad_document", message[:300]) from None


def _parse(
    kind: str,
    data: bytes,
    name: str,
    params: DocumentsParams,
    limits: Limits,
    include: Include,
) -> Content:
    """The same; its parser is imported only now."""
    if kind == "pdf":
        from corpusmith.collect.documents import pdf

        return pdf.parse(data)
    if kind == "epub":
        from corpusmith.collect.documents import epub

        return epub.parse(data, limits)
    if kind == "docx":
        from corpusmith.collect.documents import docx

        return docx.parse(data, limits)
    if kind == "odt":
        from corpusmith.collect.documents import odt

        return odt.parse(data, limits)
    if kind == "html":
        return _html(data, params)
    from corpusmith.collect.whole import text_of

    text, repaired = text_of(data, params.encoding)
    if kind == "latex":
        from corpusmith.collect.documents import latex

        content = latex.parse(text, include, lambda data: text_of(data, params.encoding))
        repaired |= content.repaired
    elif kind == "subtitles":
        from corpusmith.collect.documents import subtitles

        content = subtitles.parse(text, name, timecodes=params.timecodes)
    else:
        content = Content(text)
    content.repaired = repaired
    return content


def _html(data: bytes, params: DocumentsParams) -> Content:
    from corpusmith.collect.extract import extract_page
    from corpusmith.collect.licenses import spdx
    from corpusmith.collect.pages import extraction

    page = extract_page(data, charset=params.encoding, **extraction(params))
    meta = {"canonical": page.canonical, "license_url": page.license_url}
    return Content(
        text=page.text,
        title=page.title or "",
        lang=page.lang or "",
        authors=[page.author] if page.author else [],
        license=spdx(page.license_url),
        created=page.published,
        meta={key: value for key, value in meta.items() if value},
        repaired=page.repaired,
    )


def _finish(uri: str, content: Content, params: DocumentsParams, sink: Sink, kind: str) -> None:
    limit = params.max_document_bytes
    if len(content.text) > limit or (
        4 * len(content.text) > limit and len(content.text.encode("utf-8", "replace")) > limit
    ):
        raise RecordError("too_large", f"its text has over {limit} bytes (max_document_bytes)")
    meta = {**content.described(), "format": kind}
    if group := group_of(uri, params.group):
        meta["group"] = group
    for name, count in content.skipped.items():
        sink.skipped[name] += count
    lost = content.lost_pages
    known: dict[str, Any] = {
        "lang": language_code(content.lang),
        "license": content.license,
        "created": content.created,
        "repaired": content.repaired,
    }
    if params.documents == "page" and content.pages:
        _pages(uri, content, meta, known, sink)
        return
    if content.pages:
        meta["page_starts"] = content.pages
    for error, _ in lost.values():
        sink.skip(f"page:{error}")
    if lost:
        meta["pages_without_text"] = {str(n): error for n, (error, _) in lost.items()}
    sink.document(content.text, meta=meta, **known)


def _pages(
    uri: str, content: Content, meta: dict[str, Any], known: dict[str, Any], sink: Sink
) -> None:
    """A document a page, `uri#page=n`; a page without its text is a row of quarantine."""
    ends = [*content.pages[1:], len(content.text)]
    for number, (start, end) in enumerate(zip(content.pages, ends, strict=True), start=1):
        name = f"{uri}#page={number}"
        if number == 1:
            sink.rename(name)
        else:
            sink.created(name)
        if number in content.lost_pages:
            sink.quarantine(*content.lost_pages[number])
        else:
            page = {**meta, "page": number}
            sink.document(content.text[start:end].strip(), meta=page, **known)


def _paths(params: DocumentsParams) -> list[str]:
    return [params.path] if isinstance(params.path, str) else params.path


def _reader(word: str, *kinds: str) -> Callable[[dict[str, Any], DocumentsParams, Sink], None]:
    return functools.partial(_read, word=word, kinds=kinds or (word,))


read = _reader("documents", *KINDS)
read_pdf = _reader("pdf")
read_epub = _reader("epub")
read_docx = _reader("docx")
read_odt = _reader("odt")
read_latex = _reader("latex")
read_subtitles = _reader("subtitles")
