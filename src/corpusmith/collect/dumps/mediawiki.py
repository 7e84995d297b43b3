"""Dumps of MediaWiki in the export format (https://www.mediawiki.org/xml/export-0.11.xsd), as
Wikipedia publishes them: `pages-articles.xml.bz2`, in many streams or one, gzip, zstd, xz or plain.

A page is a record. Text in a dump is escaped, so `<page>` can only be a page's beginning, and pages
are cut out of the stream before anything is parsed: damage costs the pages that it touches.
"""

from __future__ import annotations

import functools
import re
from typing import Any
from urllib.parse import quote
from xml.parsers import expat

from corpusmith.collect.dates import parse_time
from corpusmith.collect.documents.content import language_code
from corpusmith.collect.dumps.marked import PAGE, piece_records
from corpusmith.collect.dumps.params import WikipediaParams
from corpusmith.collect.dumps.wikitext import CATEGORIES, FILES, Names, markdown_of
from corpusmith.collect.errors import RecordError
from corpusmith.collect.pieces import too_large
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError, reading
from corpusmith.collect.unpack import unpacked

HEAD_BYTES = 1 << 17  # the dump's own description stands in front of its pages
FILE, CATEGORY = "6", "14"
LICENSE = "CC-BY-SA-4.0"
"""Of Wikimedia's texts since June 2023 (https://foundation.wikimedia.org/wiki/Terms_of_use)."""
_WIKIMEDIA = re.compile(
    r"https?://[\w.-]*\b(?:wikipedia|wiktionary|wikibooks|wikiquote|wikisource|wikiversity|"
    r"wikivoyage)\.org/"
)
_FIELDS = frozenset(["title", "ns", "id", "timestamp", "model", "format", "text"])


def read(piece: dict[str, Any], params: WikipediaParams, sink: Sink) -> None:
    """Pages of the wanted namespaces; redirects, other namespaces and other kinds are counted."""
    site = site_of(piece.get("dump", piece["path"]))
    for span in piece_records(piece, params, PAGE):
        uri = f"{piece['uri']}#{span.position}"
        if span.error:
            sink.fail(uri, span.error, span.message)
            continue
        if span.data is None:
            sink.fail(uri, *too_large(span.size, params.max_document_bytes))
            continue
        try:
            page = parse_page(span.data)
        except RecordError as error:
            sink.fail(uri, error.error, error.message)
            continue
        if (kind := _skipped(page, params)) is not None:
            sink.skip(kind)
            continue
        if sink.record(uri):
            _document(page, site, params, sink)


def _skipped(page: dict[str, str], params: WikipediaParams) -> str | None:
    space = page.get("ns", "0")
    if "redirect" in page:
        return "redirect"
    if not space.isdigit() or int(space) not in params.namespaces:
        return f"namespace:{space}" if re.fullmatch(r"-?\d{1,4}", space) else "namespace:other"
    model = page.get("model") or "wikitext"
    if model != "wikitext":
        known = model.isascii() and len(model) < 30 and model.replace("-", "").isalnum()
        return f"model:{model if known else 'other'}"
    if "deleted" in page:
        return "deleted"
    return None


def _document(
    page: dict[str, str], site: dict[str, Any], params: WikipediaParams, sink: Sink
) -> None:
    title = page.get("title", "")
    article = markdown_of(page.get("text", ""), site["names"])
    meta: dict[str, Any] = {"title": title}
    if page.get("id", "").isdigit():
        meta["page_id"] = int(page["id"])
    if page.get("revision", "").isdigit():
        meta["revision_id"] = int(page["revision"])
    if article.categories:
        meta["categories"] = article.categories
    if site["base"]:
        name = quote(title.replace(" ", "_"), safe="/:@!$'()*,;~-._")
        meta["url"] = site["base"].rpartition("/")[0] + "/" + name
    if params.group == "file":
        meta["group"] = title
    license = params.license or (LICENSE if _WIKIMEDIA.match(site["base"]) else None)
    sink.document(
        article.text,
        lang=language_code(site["lang"]),
        license=license,
        created=parse_time(page.get("timestamp")),
        meta=meta,
    )


def parse_page(data: bytes) -> dict[str, str]:
    """title, ns, id, revision, timestamp, model, text of a page's last revision; "redirect" and
    "deleted" where it is. RecordError truncated_xml, bad_xml, xml_entities."""
    end = data.rfind(b"</page>")
    if end < 0:
        raise RecordError(
            "truncated_xml", f"a page of {len(data)} bytes without its end: the dump was cut off"
        )
    found: dict[str, str] = {}
    path: list[str] = []
    pieces: list[str] = []
    wanted = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal wanted
        if len(path) > 16:
            raise RecordError("too_deep", "a page nested over 16 deep")
        path.append(name)
        wanted = name in _FIELDS and len(path) <= 3
        pieces.clear()
        if name == "redirect" and len(path) == 2:
            found["redirect"] = attributes.get("title", "")
        elif name == "text" and "deleted" in attributes:
            found["deleted"] = "text"
        elif name == "revision" and len(path) == 2:
            for key in ("revision", "timestamp", "model", "text", "deleted"):
                found.pop(key, None)  # of a full history the last one counts

    def stop(name: str) -> None:
        nonlocal wanted
        path.pop()
        if wanted:
            inside = len(path) == 2 and path[1] == "revision"
            key = "revision" if inside and name == "id" else name
            if len(path) == 1 or inside:
                found[key] = "".join(pieces)
        wanted = False

    def refuse(*_: object) -> None:
        raise RecordError("xml_entities", "a page that declares entities")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    parser.StartElementHandler = start
    parser.EndElementHandler = stop
    parser.CharacterDataHandler = lambda text: pieces.append(text) if wanted else None
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data[: end + 7], True)
    except expat.ExpatError as error:
        raise RecordError("bad_xml", f"a page that is no XML: {error}"[:300]) from None
    return found


@functools.lru_cache(maxsize=64)
def site_of(path: str) -> dict[str, Any]:
    """{"lang", "base" (URL of the main page), "names"} as the dump's head says; all empty where
    it has none."""
    head = b""
    try:
        with reading(path), open(path, "rb") as file:
            for block in unpacked(file):
                head += block
                if b"<page>" in head or len(head) > HEAD_BYTES:
                    break
    except DamagedError:
        pass  # the reader tells it
    text = head.partition(b"<page>")[0][:HEAD_BYTES].decode("utf-8", "replace")
    lang = re.search(r"<mediawiki\b[^>]*\bxml:lang=\"([\w-]{2,20})\"", text)
    base = re.search(r"<base>([^<]{1,500})</base>", text)
    spaces = re.findall(r"<namespace key=\"(-?\d+)\"[^>/]*>([^<]{1,100})</namespace>", text)
    own = {key: name.lower() for key, name in spaces}
    names = Names(
        FILES | {own[FILE]} if FILE in own else FILES,
        CATEGORIES | {own[CATEGORY]} if CATEGORY in own else CATEGORIES,
    )
    return {"lang": lang[1] if lang else "", "base": base[1] if base else "", "names": names}
