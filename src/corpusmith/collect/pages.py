"""HTML files: a document a page, its main text."""

from __future__ import annotations

from typing import Any

from corpusmith.collect.errors import RecordError
from corpusmith.collect.extract import Page, extract_page
from corpusmith.collect.licenses import spdx
from corpusmith.collect.readers import HtmlParams, PageParams
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
        page = extract_page(html, charset=params.encoding, **extraction(params))
    except (DamagedError, RecordError) as error:
        sink.quarantine(error.error, error.message)
        return
    meta: dict[str, Any] = {}
    if group := group_of(uri, params.group):
        meta["group"] = group
    finish(page, meta, sink)


def extraction(params: PageParams) -> dict[str, Any]:
    """What a source says of the extraction, as `extract_page` takes it."""
    return {"engine": params.extract, "format": params.format or "markdown", "links": params.links}


def finish(page: Page, meta: dict[str, Any], sink: Sink, **known: Any) -> None:
    """The document of a page that was announced to `sink`; `meta` gets what the page says.

    `created` is when the page says that it was published, else when it was fetched.
    """
    for key, value in (
        ("title", page.title),
        ("author", page.author),
        ("site", page.site),
        ("canonical", page.canonical),
        ("html_lang", page.lang),
        ("license_url", page.license_url),
    ):
        if value:
            meta[key] = value
    if page.encoding != "utf-8":
        meta["encoding"] = page.encoding
    if page.published is not None:
        if fetched := known.get("created"):
            meta["fetched"] = fetched.isoformat()
        known["created"] = page.published
    license = spdx(page.license_url)
    sink.document(page.text, license=license, meta=meta, repaired=page.repaired, **known)
