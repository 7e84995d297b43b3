"""What a page says of itself: title, author, date, site, language, canonical URL, licence.

From meta tags (Open Graph, Dublin Core, and the names that publishers use), JSON-LD and microdata
(schema.org), `time` elements and links, in the order in which they are known to be right. The tag
scanner has marked where they stand, so that only those few tags are read here.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from corpusmith.collect.dates import parse_time
from corpusmith.collect.maintext import Scan
from corpusmith.kernels.htmlstack import REF_FIELD, REF_JSON, REF_LICENSE, REF_TAG

MAX_TAG, MAX_JSON, MAX_VALUE = 4_096, 1 << 18, 500  # bytes, bytes, characters
MAX_AUTHORS = 20

_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+)))?")
_TAGS = re.compile(r"<[^>]*>")
_END = re.compile(r"</(?:a|span|div|p|address|li|h\d)\b", re.IGNORECASE)
_LANG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*")
_DAY = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})")

_META = {
    "title": ("og:title", "citation_title", "dc.title", "dcterms.title", "twitter:title"),
    "author": (
        *("author", "article:author", "dc.creator", "dcterms.creator", "parsely-author"),
        *("sailthru.author", "citation_author", "byl"),
    ),
    "date": (
        *(
            "article:published_time",
            "og:published_time",
            "datepublished",
            "citation_publication_date",
        ),
        *("dcterms.created", "dcterms.issued", "dc.date.issued", "dcterms.date", "dc.date"),
        *("parsely-pub-date", "sailthru.date", "pubdate", "publishdate", "publish-date", "date"),
    ),
    "site": ("og:site_name", "application-name"),
    "lang": ("content-language", "og:locale"),
    "canonical": ("og:url",),
    "license": ("dcterms.license", "dc.rights.license", "license"),
}
_KNOWN = {name: kind for kind, names in _META.items() for name in names}


@dataclasses.dataclass
class Fields:
    """Each None where the page says nothing."""

    title: str | None = None
    author: str | None = None
    site: str | None = None
    published: datetime | None = None  # in UTC
    lang: str | None = None  # as the page writes it: a BCP 47 tag
    canonical: str | None = None
    license_url: str | None = None


def page_fields(scan: Scan) -> Fields:
    """The fields of a page that was scanned."""
    meta: dict[str, str] = {}  # by name, the first of each
    lang = canonical = license_url = None
    times: list[str] = []
    authors: list[str] = []
    linked: list[Any] = []
    for kind, first, last, _ in scan.refs.tolist():
        if kind == REF_JSON:
            if last - first <= MAX_JSON:
                linked += _json(_text(scan, first, last))
            continue
        tag = _text(scan, first, min(last, first + MAX_TAG))
        lower = tag[:6].lower()
        if kind == REF_LICENSE:
            license_url = license_url or _attributes(tag).get("href")
        elif kind == REF_FIELD:
            _microdata(scan, tag, last, meta, times, authors)
        elif kind == REF_TAG and lower.startswith("<meta"):
            if "content" in tag or "CONTENT" in tag:
                _meta(_attributes(tag), meta)
        elif lower.startswith("<link"):
            if "canonical" in tag.lower():
                found = _attributes(tag)
                if "canonical" in found.get("rel", "").lower().split():
                    canonical = canonical or found.get("href")
        elif lower.startswith("<time"):
            times += filter(None, [_attributes(tag).get("datetime")])
        elif lower.startswith("<html"):
            found = _attributes(tag)
            lang = lang or found.get("lang") or found.get("xml:lang")
    said = _said(linked)

    def first_of(*values: str | None) -> str | None:
        return next((value for value in map(_clean, values) if value), None)

    def of(kind: str) -> str | None:
        return next((meta[name] for name in _META[kind] if meta.get(name)), None)

    author = said.get("author") or of("author")
    if not author or author.startswith(("http://", "https://")):
        author = ", ".join(dict.fromkeys(authors[:MAX_AUTHORS]))
    lang = first_of(lang, of("lang"))
    return Fields(
        title=first_of(of("title"), _title(scan), said.get("headline")),
        author=first_of(author),
        site=first_of(of("site"), said.get("site")),
        published=_published([said.get("date"), of("date"), *times]),
        lang=lang if lang and _LANG.fullmatch(lang) else None,
        canonical=first_of(canonical, of("canonical")),
        license_url=first_of(license_url, said.get("license"), of("license")),
    )


def _text(scan: Scan, first: int, last: int) -> str:
    return scan.data[first:last].tobytes().decode("utf-8", "replace")


def _title(scan: Scan) -> str | None:
    first, last = scan.title
    return html.unescape(_text(scan, first, min(last, first + MAX_TAG)))


def _clean(value: str | None) -> str | None:
    return " ".join(value.split())[:MAX_VALUE] or None if value else None


def _attributes(tag: str) -> dict[str, str]:
    """Names in lower case, the first of each."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(tag, tag.find(" ") if " " in tag else 0):
        value = next((g for g in match.groups()[1:] if g is not None), "")
        found.setdefault(match[1].lower(), html.unescape(value).strip())
    return found


def _meta(found: dict[str, str], meta: dict[str, str]) -> None:
    content = found.get("content")
    for key in ("property", "name", "itemprop", "http-equiv"):
        name = found.get(key, "").lower()
        if content and name in _KNOWN:
            meta.setdefault(name, content)


def _microdata(
    scan: Scan, tag: str, last: int, meta: dict[str, str], times: list[str], authors: list[str]
) -> None:
    """An element that is itemprop or rel "author", or itemprop "datePublished"."""
    found = _attributes(tag)
    names = f"{found.get('itemprop', '')} {found.get('rel', '')}".lower().split()
    if "datepublished" in names:
        value = found.get("content") or found.get("datetime")
        if value:
            meta.setdefault("datepublished", value)
    if "author" in names:
        after = _text(scan, last, last + MAX_VALUE)
        if end := _END.search(after):
            after = after[: end.start()]
        name = _clean(html.unescape(_TAGS.sub(" ", after)))
        if name and len(name) <= 100:
            authors.append(name)


def _published(values: list[str | None]) -> datetime | None:
    for value in values:
        if not value:
            continue
        found = parse_time(value.strip())
        if found is None and (day := _DAY.match(value.strip())):
            found = parse_time(f"{day[1]}-{int(day[2]):02d}-{int(day[3]):02d}")
        if found is not None and 1900 <= found.year <= 2200:
            return found
    return None


# --- JSON-LD -----------------------------------------------------------------------------------


def _json(text: str) -> list[Any]:
    try:
        return [
            json.loads(text.strip().removeprefix("<![CDATA[").removesuffix("]]>"), strict=False)
        ]
    except (ValueError, RecursionError):
        return []  # many pages have broken ones, and nothing else depends on it


def _objects(linked: list[Any]) -> Iterator[dict[str, Any]]:
    """The objects of the lists and graphs, outermost first, a bounded number."""
    waiting = list(linked)
    for _ in range(200):
        if not waiting:
            return
        value = waiting.pop(0)
        if isinstance(value, list):
            waiting = value[:100] + waiting
        elif isinstance(value, dict):
            yield value
            waiting += [
                value[key] for key in ("@graph", "mainEntity", "mainEntityOfPage") if key in value
            ]


def _said(linked: list[Any]) -> dict[str, str]:
    """What the first object that has a publication date or a headline says; site and licence
    of any."""
    found: dict[str, str] = {}

    def keep(key: str, value: Any) -> None:
        if isinstance(value, str) and value.strip():
            found.setdefault(key, value)

    for item in _objects(linked):
        if "datePublished" in item or "headline" in item:
            keep("date", item.get("datePublished"))
            keep("headline", item.get("headline"))
            keep("author", _names(item.get("author")))
        publisher = item.get("publisher")
        keep("site", publisher.get("name") if isinstance(publisher, dict) else None)
        keep("license", item.get("license"))
    return found


def _names(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    names = [v.get("name") if isinstance(v, dict) else v for v in values[:MAX_AUTHORS]]
    return ", ".join(dict.fromkeys(n.strip() for n in names if isinstance(n, str) and n.strip()))
