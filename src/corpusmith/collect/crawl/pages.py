"""What a fetched page says of others: links, its canonical URL, what robots may do; sitemaps."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator

from lxml import etree

from corpusmith.collect.bounds import check_html
from corpusmith.collect.crawl.scope import normal
from corpusmith.collect.errors import RecordError
from corpusmith.collect.extract import decode_html

MAX_LINKS = 10_000  # of one page
MAX_SITEMAP_URLS = 50_000  # https://www.sitemaps.org/protocol.html
_REFRESH = re.compile(r"\s*[\d.]+\s*[;,]\s*url\s*=\s*['\"]?([^'\"]+)", re.IGNORECASE)
_VALUED = re.compile(r"unavailable_after|max-[\w-]+")  # directives that take a value
_LINKING = {"a": "href", "area": "href", "link": "href", "iframe": "src", "frame": "src"}
_LINK_RELS = {"next", "prev", "canonical", "alternate"}


@dataclasses.dataclass
class Found:
    links: list[str] = dataclasses.field(default_factory=list)  # normal URLs, in order, each once
    canonical: str | None = None
    robots: set[str] = dataclasses.field(default_factory=set)  # of meta robots: noindex, ...
    cut: bool = False  # it has more than MAX_LINKS links


def found_in(html: bytes, charset: str | None, url: str, agent: str) -> Found:
    """Of a page of HTML; RecordError where it is no text, or would take too long to parse (libxml2
    takes quadratic time in the attributes of a tag: 350 s for 200,000)."""
    page, _, _ = decode_html(html, charset)
    data = page.encode("utf-8", "replace")
    check_html(page, data)
    found = Found()
    base = url
    links: dict[str, None] = {}
    seen: set[str] = set()  # as they are written
    parser = etree.HTMLParser(
        recover=True, no_network=True, remove_comments=True, huge_tree=True, encoding="utf-8"
    )
    try:
        tree = etree.parse(io.BytesIO(data), parser) if data.strip() else None
        root = tree.getroot() if tree is not None else None
    except etree.LxmlError as error:
        raise RecordError("bad_html", str(error)[:200]) from None
    for element in root.iter(*_LINKING, "base", "meta") if root is not None else ():
        tag = element.tag
        if tag == "base":
            if base is url and element.get("href"):
                base = normal(element.get("href"), url) or url
            continue
        if tag == "meta":
            name = (element.get("name") or "").strip().lower()
            if name in ("robots", agent.lower()):
                found.robots |= directives(element.get("content") or "")
            refreshes = (element.get("http-equiv") or "").lower() == "refresh"
            if refreshes and (match := _REFRESH.match(element.get("content") or "")):
                _add(links, match[1], base)
            continue
        rels = set((element.get("rel") or "").lower().split())
        if tag == "link" and not rels & _LINK_RELS:
            continue
        target = element.get(_LINKING[tag])
        if target and "canonical" in rels:
            found.canonical = normal(target, base)
        if target and target not in seen and "nofollow" not in rels:
            found.cut = found.cut or len(links) >= MAX_LINKS
            if found.cut:
                continue
            seen.add(target)
            _add(links, target, base)
    found.links = [*links]
    return found


def _add(links: dict[str, None], target: str, base: str) -> None:
    if len(target) < 10_000 and (url := normal(target, base)):
        links.setdefault(url)


def directives(text: str) -> set[str]:
    """noindex, nofollow, ... of a meta element or an X-Robots-Tag header."""
    words = {word.strip().lower() for word in text.split(",")}
    return words | ({"noindex", "nofollow"} if "none" in words else set())


def header_directives(value: str, agent: str) -> set[str]:
    """The directives of an X-Robots-Tag header that are for us: those behind no name of a crawler,
    and those behind ours. Some directives have a colon themselves, and dates have commas.

    >>> header_directives("noindex, unavailable_after: Friday, 25-Jun-10 15:00:00 EST", "us")
    {'noindex'}
    >>> header_directives("otherbot: noindex, nofollow", "us")
    set()
    """
    found: set[str] = set()
    ours = True
    for word in value.split(","):
        name, colon, rest = word.partition(":")
        name = name.strip().lower()
        if colon and re.fullmatch(r"[\w*-]+", name) and not _VALUED.fullmatch(name):
            ours = name in ("*", agent.lower())
            word = rest
        if ours:
            found |= directives(word)
    return found & {"noindex", "nofollow"}


def sitemap_urls(data: bytes, url: str) -> Iterator[tuple[str, str]]:
    """(kind, URL) of a sitemap: `page`, or `sitemap` for the files of an index. Nothing where it is
    none; whoever asks stops behind MAX_SITEMAP_URLS. Plain lists of URLs are sitemaps as well."""
    if b"<" not in data[:1000]:
        for line in data.decode("utf-8", "replace").splitlines():
            if "//" in line and (found := normal(line, url)):
                yield "page", found
        return
    kind = ""
    try:
        events = etree.iterparse(
            io.BytesIO(data),
            events=("end",),
            recover=True,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
        )
        for _, element in events:
            tag = etree.QName(element).localname if isinstance(element.tag, str) else ""
            if tag == "loc":
                parent = element.getparent()
                kind = etree.QName(parent).localname if parent is not None else ""
                said = (element.text or "").strip()
                # A file that was cut off ends in half a URL, which is no path beside it.
                target = normal(said, url) if said.startswith("/") or "://" in said else None
                if target and kind in ("url", "sitemap"):
                    yield ("sitemap" if kind == "sitemap" else "page"), target
            elif tag in ("url", "sitemap"):
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.LxmlError:
        return
