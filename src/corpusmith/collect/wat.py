"""WAT files of Common Crawl: titles, descriptions and links of pages.

https://commoncrawl.org/get-started: a `metadata` record of JSON for each record of the WARC file.
"""

from __future__ import annotations

from typing import Any

from corpusmith.collect.dates import parse_time
from corpusmith.collect.errors import RecordError
from corpusmith.collect.jsonl import parse_object
from corpusmith.collect.licenses import spdx
from corpusmith.collect.pieces import too_large
from corpusmith.collect.readers import WatParams
from corpusmith.collect.sink import Sink
from corpusmith.collect.warc import documents, host_of

MAX_LINKS = 5000


def read(piece: dict[str, Any], params: WatParams, sink: Sink) -> None:
    """A document for each page that has a title or a description."""
    for record in documents(piece, params, sink, ("metadata",)):
        uri = f"{piece['uri']}#{record.position}"
        if record.block is None:
            sink.fail(uri, *too_large(record.size, params.max_document_bytes))
            continue
        try:
            envelope = _inner(parse_object(record.block.decode("utf-8", "replace")), "Envelope")
        except RecordError as error:
            sink.fail(uri, error.error, error.message)
            continue
        header = _inner(envelope, "WARC-Header-Metadata")
        if header.get("WARC-Type") != "response":
            sink.skip(f"about:{header.get('WARC-Type')}" if header else "about:nothing")
            continue
        response = _inner(_inner(envelope, "Payload-Metadata"), "HTTP-Response-Metadata")
        page = _inner(response, "HTML-Metadata")
        head = _inner(page, "Head")
        text = "\n\n".join(part for part in (_text(head.get("Title")), _description(head)) if part)
        if not text:
            sink.skip("no_title")
            continue
        if not sink.record(uri):
            continue
        url = header.get("WARC-Target-URI")
        meta: dict[str, Any] = {"url": url} if isinstance(url, str) else {}
        mime = _inner(response, "Headers").get("Content-Type")
        if isinstance(mime, str):
            meta["content_type"] = mime.split(";")[0].strip().lower()
        if links := _links(page):
            meta["links"] = links
        if params.group in ("host", "url"):
            meta["group"] = host_of(url or "") if params.group == "host" else url
        license = next((found for link in _listed(head, "Link") if (found := _license(link))), None)
        sink.document(text, meta=meta, license=license, created=parse_time(header.get("WARC-Date")))


def _inner(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _listed(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = value.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _description(head: dict[str, Any]) -> str:
    for meta in _listed(head, "Metas"):
        name = meta.get("name", meta.get("property"))
        if isinstance(name, str) and name.lower() in ("description", "og:description"):
            return _text(meta.get("content"))
    return ""


def _links(page: dict[str, Any]) -> list[dict[str, str]]:
    """{"url", "text"} of the page's own links, at most 5,000."""
    found = []
    for link in _listed(page, "Links")[:MAX_LINKS]:
        url = link.get("url")
        if link.get("path") == "A@/href" and isinstance(url, str):
            text = _text(link.get("text"))
            found.append({"url": url, "text": text} if text else {"url": url})
    return found


def _license(link: dict[str, Any]) -> str | None:
    return spdx(link.get("url")) if link.get("rel") == "license" else None
