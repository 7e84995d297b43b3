"""Dumps in the published schemas, of real texts: MediaWiki exports, and more below."""

from __future__ import annotations

import bz2
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics
from xml.sax.saxutils import escape, quoteattr

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="de">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>dewiki</dbname>
    <base>https://de.wikipedia.org/wiki/Wikipedia:Hauptseite</base>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Diskussion</namespace>
      <namespace key="6" case="first-letter">Datei</namespace>
      <namespace key="14" case="first-letter">Kategorie</namespace>
    </namespaces>
  </siteinfo>
"""
TAIL = "</mediawiki>\n"


@dataclass
class WikiPage:
    title: str
    text: str
    ns: int = 0
    redirect: str = ""
    model: str = "wikitext"
    timestamp: str = "2024-05-06T07:08:09Z"


def wiki_page(page: WikiPage, number: int) -> str:
    redirect = f"    <redirect title={quoteattr(page.redirect)} />\n" if page.redirect else ""
    return (
        f"  <page>\n    <title>{escape(page.title)}</title>\n    <ns>{page.ns}</ns>\n"
        f"    <id>{number}</id>\n{redirect}    <revision>\n      <id>{1000 + number}</id>\n"
        f"      <timestamp>{page.timestamp}</timestamp>\n      <contributor>\n"
        f"        <username>Someone</username>\n        <id>77</id>\n      </contributor>\n"
        f"      <model>{page.model}</model>\n      <format>text/x-wiki</format>\n"
        f'      <text bytes="{len(page.text.encode())}" xml:space="preserve">'
        f"{escape(page.text)}</text>\n      <sha1>x</sha1>\n    </revision>\n  </page>\n"
    )


def topic_pages(count: int) -> list[WikiPage]:
    """Pages of real text: Python's help topics, with some markup around."""
    found = []
    items = sorted(topics.items())
    for number in range(count):
        name, text = items[number % len(items)]
        plain = " ".join(text.split()).replace("[", "(").replace("]", ")")
        plain = plain.replace("{", "(").replace("}", ")").replace("'", "’").replace("_", " ")
        plain = plain.replace("<", "‹").replace(">", "›").replace("&", "and").replace("|", "/")
        body = f"'''{name}''' [[topic|is]] this: {plain[:3000]}\n\n[[Kategorie:Python]]"
        found.append(WikiPage(f"{name} {number}", body))
    return found


def wiki_dump(pages: Sequence[WikiPage]) -> bytes:
    body = "".join(wiki_page(page, n) for n, page in enumerate(pages, start=1))
    return (HEAD + body + TAIL).encode()


def wiki_multistream(pages: Sequence[WikiPage], path: Path, *, each: int = 100) -> list[int]:
    """As `pages-articles-multistream.xml.bz2`: the head, `each` pages a stream, the tail; returns
    where the streams begin."""
    parts = [HEAD]
    for at in range(0, len(pages), each):
        chunk = enumerate(pages[at : at + each], start=at + 1)
        parts.append("".join(wiki_page(page, n) for n, page in chunk))
    parts.append(TAIL)
    starts = []
    data = b""
    for part in parts:
        starts.append(len(data))
        data += bz2.compress(part.encode())
    path.write_bytes(data)
    return starts


# --- Stack Exchange ------------------------------------------------------------------------


def rows_xml(name: str, rows: Sequence[dict[str, object]]) -> bytes:
    """`Posts.xml` and the like: a row a line, as the dumps have them."""
    lines = [
        "  <row "
        + " ".join(f"{key}={quoteattr(str(value), NEW_LINES)}" for key, value in row.items())
        + " />"
        for row in rows
    ]
    head = f'\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<{name}>\r\n'
    return (head + "\r\n".join(lines) + f"\r\n</{name}>").encode()


NEW_LINES = {"\n": "&#xA;", "\r": "&#xD;"}


def question(number: int, title: str, body: str, **more: object) -> dict[str, object]:
    row: dict[str, object] = {
        "Id": number,
        "PostTypeId": 1,
        "CreationDate": "2020-01-02T03:04:05.678",
    }
    row |= {"Score": 5, "ViewCount": 9, "Body": body, "OwnerUserId": 7, "Title": title}
    return {**row, "Tags": "<python><text>", "ContentLicense": "CC BY-SA 4.0", **more}


def answer(number: int, parent: int, body: str, score: int, **more: object) -> dict[str, object]:
    row: dict[str, object] = {"Id": number, "PostTypeId": 2, "ParentId": parent}
    row |= {"CreationDate": "2020-02-02T00:00:00.000", "Score": score, "Body": body}
    return {**row, "ContentLicense": "CC BY-SA 4.0", **more}
