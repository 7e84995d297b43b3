"""HTML files: a document a page, its main text."""

from __future__ import annotations

from typing import Any

from corpusmith.collect.errors import RecordError
from corpusmith.collect.extract import Page, extract_page
from corpusmith.collect.licenses import spdx
from corpusmith.collect.readers import HtmlParams
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError, read_whole
from corpusmith.collect.whole import group_of


def read(piece: dict[str, Any], params: HtmlParams, sink: Sink) -> None:
    """A page. Where no main text is found the document is there with the text ""."""
    uri = piece["uri"]
    if not sink.record(uri, native=True):
        return
    try:
        html = read_whole(piece["path"], params.max_document_bytes)
        page = extract_page(html, charset=params.encoding, engine=params.extract)
    except (DamagedError, RecordError) as error:
        sink.quarantine(error.error, error.message)
        return
    meta: dict[str, Any] = {}
    if group := group_of(uri, params.group):
        meta["group"] = group
    finish(page, meta, sink)


def finish(page: Page, meta: dict[str, Any], sink: Sink, **known: Any) -> None:
    """The document of a page that was announced to `sink`; `meta` gets what the page says."""
    if page.title:
        meta["title"] = page.title
    if page.canonical:
        meta["canonical"] = page.canonical
    if page.lang:
        meta["html_lang"] = page.lang
    license = spdx(page.license_url)
    if page.license_url:
        meta["license_url"] = page.license_url
    if page.encoding != "utf-8":
        meta["encoding"] = page.encoding
    sink.document(page.text, license=license, meta=meta, repaired=page.repaired, **known)
