"""The main text of a web page, by our own engine (default), trafilatura or resiliparse, with what
the page says of itself.

Bounds are checked before a parser sees the page; our own engine has none and reads any page in time
linear in its bytes. Decoding prefers UTF-8 wherever the bytes are valid UTF-8, since declarations
lie more often than bytes. What the page says of itself is found without a second parse, by looking
into the tags that hold it.
"""

from __future__ import annotations

import dataclasses
import html as entities
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from corpusmith.collect.bounds import check_html
from corpusmith.collect.encoding import codec_of, mark_of
from corpusmith.collect.errors import RecordError
from corpusmith.errors import MissingExtraError

if TYPE_CHECKING:
    from corpusmith.collect.page_fields import Fields

Engine = Literal["resiliparse", "trafilatura", "corpusmith"]
Format = Literal["markdown", "text"]
HEAD_CHARS = 1 << 15  # how far title, language and canonical URL are looked for
MAX_REPLACED_FRAC = 0.01  # of the characters, before a page counts as no text

_META_CHARSET = re.compile(
    rb"<meta\b[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE
)
_XML_ENCODING = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{2,40})")
_TITLE = re.compile(r"<title\b[^>]{0,200}>([^<]{0,2000})", re.IGNORECASE)
_LANG = re.compile(
    r"<html\b[^>]{0,500}?\b(?:xml:)?lang\s*=\s*[\"']?([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)",
    re.IGNORECASE,
)
_LINK = re.compile(r"<link\b[^>]{0,1000}>", re.IGNORECASE)
_CANONICAL = re.compile(r"\brel\s*=\s*[\"']?canonical\b", re.IGNORECASE)
_REL = re.compile(r"\brel\s*=\s*(?:\"[^\"<>]*|'[^'<>]*|)\Z", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Page:
    """What a page's text is and what it says of itself."""

    text: str
    title: str | None
    lang: str | None  # as in <html lang>
    canonical: str | None
    license_url: str | None
    encoding: str
    repaired: bool  # neither UTF-8 nor what was declared, or with undecodable bytes replaced
    author: str | None = None  # this and what follows: of our own engine only
    site: str | None = None
    published: datetime | None = None  # in UTC


def extract_text(
    html: bytes | str,
    url: str | None = None,
    engine: Engine = "corpusmith",
    *,
    format: Format = "markdown",
    links: bool = False,
) -> str:
    """The main text of a page, blocks on lines of their own; "" where there is none.

    `engine`: corpusmith, our own, trafilatura (a fifth of its speed) or resiliparse (faster, keeps
    most); F1s are in docs/stages/collect.md. `format` and `links` are of our own engine: Markdown
    with headings, lists, code, tables and, where asked for, links; or plain text. `url`
    makes links absolute, and helps trafilatura to tell content from navigation. RecordError
    (too_deep, too_complex, bad_encoding, bad_html) where the page can't be parsed.
    """
    page = html if isinstance(html, str) else decode_html(html)[0]
    if engine == "corpusmith":
        return _ours(page.encode("utf-8", "replace"), url, format, links)[0]
    return _main_text(page, url, engine)


def extract_page(
    html: bytes,
    *,
    charset: str | None = None,
    url: str | None = None,
    engine: Engine = "corpusmith",
    format: Format = "markdown",
    links: bool = False,
) -> Page:
    """Text and self-description. `charset`: what HTTP or the recipe says of the encoding."""
    page, encoding, repaired = decode_html(html, charset)
    if engine == "corpusmith":
        as_is = encoding == "utf-8" and not repaired and not mark_of(html)[0] and b"\0" not in html
        data = html if as_is else page.encode("utf-8", "replace")
        text, said = _ours(data, url, format, links)
        return Page(
            *(text, said.title, said.lang, said.canonical, said.license_url, encoding, repaired),
            *(said.author, said.site, said.published),
        )
    text = _main_text(page, url, engine, html if encoding == "utf-8" else None)
    body = page.find("<body", 0, HEAD_CHARS)
    head = page[: body if body > 0 else HEAD_CHARS]
    return Page(
        text=text,
        title=_group(_TITLE.search(head)),
        lang=_group(_LANG.search(head, 0, 4096)),
        canonical=_canonical(head),
        license_url=_license(page),
        encoding=encoding,
        repaired=repaired,
    )


def _ours(data: bytes, url: str | None, format: Format, links: bool) -> tuple[str, Fields]:
    # Its kernels load Numba, which the other engines do without.
    from corpusmith.collect.maintext import main_text, scan_page
    from corpusmith.collect.page_fields import page_fields

    scan = scan_page(data)
    said = page_fields(scan)  # first: resolved links are written into the scan
    return main_text(scan, markdown=format == "markdown", links=links, url=url), said


def decode_html(html: bytes, charset: str | None = None) -> tuple[str, str, bool]:
    """(page, encoding, repaired) by mark, UTF-8, HTTP, meta, detection, in this order.

    RecordError "bad_encoding" where over 1 % of the characters can't be decoded, "binary_file"
    where NUL bytes say that it is no text at all.
    """
    mark, size = mark_of(html)
    head = html[:1024]
    if not mark:
        seven_bit = b"\x1b" in html  # ISO 2022 switches alphabets with escapes, in plain ASCII
        if not seven_bit:
            try:
                page = html.decode("utf-8")
                return _no_nul(page) if b"\0" in html else page, "utf-8", False
            except UnicodeDecodeError:
                pass
    declared = [mark, codec_of(charset)]
    for pattern in (_META_CHARSET, _XML_ENCODING):
        if match := pattern.search(head):
            declared.append(codec_of(match[1].decode("ascii")))
    for codec in declared:
        # A meta tag that could be read as ASCII can't be right about UTF-16.
        if codec and (codec == mark or not codec.startswith(("utf-16", "utf-32"))):
            try:
                return _no_nul(html[size:].decode(codec)), codec, False
            except UnicodeError:
                pass
    fallback = next((c for c in declared if c), "") or detect_encoding(html) or "utf-8"
    # bytes_to_str tries the encoding, UTF-8 and Windows-1252 strictly, then replaces.
    page = bytes_to_str(html, fallback, "replace", fallback_encodings=("utf-8",))
    replaced = page.count("\ufffd")
    if replaced > max(8, MAX_REPLACED_FRAC * len(page)):
        raise RecordError(
            "bad_encoding", f"{replaced} of {len(page)} characters are not valid {fallback}"
        )
    return _no_nul(page), fallback, True


def _no_nul(page: str) -> str:
    count = page.count("\0")
    # The HTML standard drops single NULs; a page of them is an image or an archive.
    if count > max(8, MAX_REPLACED_FRAC * len(page)):
        raise RecordError("binary_file", f"{count} NUL characters in {len(page)}: no text")
    return page.replace("\0", "") if count else page


def _main_text(page: str, url: str | None, engine: str, data: bytes | None = None) -> str:
    check_html(page, data)
    try:
        if engine == "trafilatura":
            return (
                _trafilatura().extract(
                    page, url=url, include_comments=False, include_links=False, include_images=False
                )
                or ""
            )
        return extract_plain_text(
            page, main_content=True, links=False, form_fields=False, alt_texts=False
        )
    except (MissingExtraError, MemoryError):
        raise
    except Exception as error:
        # Both engines raise errors of many libraries; one page must not end the part.
        raise RecordError("bad_html", f"{engine}: {type(error).__name__}: {error}"[:300]) from None


def _trafilatura() -> Any:
    try:
        import trafilatura
    except ImportError as error:
        # Of what it needs itself, lxml's cleaner is easily missing, and names no module.
        raise MissingExtraError(error.name or f"trafilatura ({error})", "web-data") from None
    return trafilatura


def _group(match: re.Match | None) -> str | None:
    if match is None:
        return None
    return " ".join(entities.unescape(match[1]).split()) or None


def _canonical(head: str) -> str | None:
    if "canonical" not in head.lower():  # most heads; a search that ignores case is slow
        return None
    for tag in _LINK.finditer(head):
        if _CANONICAL.search(tag[0]):
            return _href(tag[0])
    return None


def _license(page: str) -> str | None:
    """Where the first link with rel=license points (https://html.spec.whatwg.org/#link-type-license)."""
    at = page.find("license")
    while at >= 0:
        near = max(0, at - 80)
        if page.find("=", near, at) > 0 and _REL.search(page, near, at):
            start = page.rfind("<", max(0, at - 1000), at)
            end = page.find(">", at, at + 1000)
            if start >= 0 and end >= 0 and (found := _href(page[start : end + 1])):
                return found
        at = page.find("license", at + 7)
    return None


def _href(tag: str) -> str | None:
    match = _HREF.search(tag)
    if match is None:
        return None
    return entities.unescape(next(g for g in match.groups() if g is not None)).strip() or None
