"""One page in the making: its language, names, date and addresses, the class names of its site, and
the main text as nodes."""

from __future__ import annotations

import dataclasses
import html
import json
import string
from datetime import UTC, datetime, timedelta
from random import Random

from benchmarks.madepages.body import (
    Figure,
    Head,
    Items,
    Node,
    Para,
    Piece,
    Quote,
    Raw,
    Table,
    identifier,
    snippet,
    text,
)
from benchmarks.madepages.prose import labels, voices

UTILITIES = (
    *("mx-auto", "max-w-3xl", "px-4", "py-8", "flex", "grid", "gap-6", "text-sm", "text-gray-700"),
    *("md:w-2/3", "lg:flex-row", "mt-12", "font-semibold", "rounded-lg", "border-b", "bg-white"),
    *("leading-relaxed", "space-y-4", "items-center", "hover:underline", "relative", "w-full"),
)
LICENSES = {
    "CC BY": "https://creativecommons.org/licenses/by/4.0/",
    "CC BY-SA": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC0": "https://creativecommons.org/publicdomain/zero/1.0/",
}
SITES = ("Tidewater", "Old Mill", "North Quay", "Lantern", "Gannet", "Millrace", "Saltmarsh")


@dataclasses.dataclass
class Said:
    """What a page says of itself where a machine reads it; None: nothing."""

    title: str | None = None
    author: str | None = None
    site: str | None = None
    published: str | None = None  # ISO 8601, UTC
    lang: str | None = None
    canonical: str | None = None
    license_url: str | None = None


class World:
    """What the parts of a page share."""

    def __init__(self, language: str, seed: int, naming: str | None = None) -> None:
        self.rng = Random(f"{language} {seed}")
        rng = self.rng
        self.language = language
        self.main, self.other = voices(language, rng)
        self.label = labels(language)
        self.direction = ' dir="rtl"' if language == "ar" else ""
        self.naming = naming or rng.choice(("words", "words", "bem", "utility", "hashed"))
        self._classes: dict[str, str] = {}
        self.site = f"{rng.choice(SITES)} {rng.choice(('Post', 'Journal', 'Works', 'Board'))}"
        self.host = f"https://{self.site.lower().replace(' ', '-')}.example"
        self.title = self.main.title()
        self.author = self.main.name()
        self.slug = "".join(rng.choice(string.ascii_lowercase) for _ in range(9))
        self.url = f"{self.host}/{self.slug}"
        self.date = datetime(2012, 1, 1, 6, 30, tzinfo=UTC) + timedelta(
            hours=rng.randrange(110_000)
        )
        self.said = Said()

    # --- names of classes

    def c(self, role: str, more: str = "") -> str:
        """class="…" for a part of the page, as its site names things; the same all over a page."""
        if role not in self._classes:
            self._classes[role] = self._name(role)
        names = " ".join(filter(None, (self._classes[role], more)))
        return f' class="{names}"' if names else ""

    def _name(self, role: str) -> str:
        rng = self.rng
        if self.naming == "bem":
            block, _, rest = role.partition("-")
            return f"c-{block}__{rest or 'root'}"
        if self.naming == "utility":
            return " ".join(rng.sample(UTILITIES, rng.randint(2, 5)))
        if self.naming == "hashed":
            tail = "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(6))
            if rng.random() < 0.4:  # CSS modules keep the name in front
                return f"{role.title().replace('-', '')}_{role.split('-')[-1]}__{tail}"
            return f"css-{tail.lower()}"
        return "" if self.naming == "none" else role

    # --- the head

    def head(self, *, kind: str = "WebPage", say: float = 0.7, more: str = "") -> str:
        """<head>, and what of its contents counts as said by the page. `say`: how likely each is."""
        rng, said = self.rng, self.said
        safe = html.escape
        out = [f'<meta charset="utf-8"><title>{safe(self.title)} | {safe(self.site)}</title>']
        said.title, said.lang = f"{self.title} | {self.site}", self.language
        if rng.random() < say:
            out.append(f'<meta property="og:title" content="{safe(self.title)}">')
            said.title = self.title
        if rng.random() < say:
            out.append(f'<meta property="og:site_name" content="{safe(self.site)}">')
            said.site = self.site
        if rng.random() < say:
            out.append(f'<link rel="canonical" href="{self.url}">')
            said.canonical = self.url
        stamp = self.date.isoformat()
        if kind == "WebPage" and rng.random() < 0.5:
            pass
        elif rng.random() < 0.5:
            said.title = said.title if said.title == self.title else f"{self.title} | {self.site}"
            about = {
                "@context": "https://schema.org", "@type": kind, "headline": self.title,
                "datePublished": stamp, "author": [{"@type": "Person", "name": self.author}],
            }  # fmt: skip
            out.append(f'<script type="application/ld+json">{json.dumps(about)}</script>')
            said.author, said.published = self.author, stamp
        else:
            out.append(f'<meta name="author" content="{safe(self.author)}">')
            out.append(f'<meta property="article:published_time" content="{stamp}">')
            said.author, said.published = self.author, stamp
        out.append(f'<meta name="description" content="{safe(self.other.said("S"))}">')
        out.append('<link rel="stylesheet" href="/s.css"><script>window.q=[];q.push(1<2)</script>')
        return f"<head>{''.join(out)}{more}</head>"

    def page(self, body: str, *, kind: str = "WebPage", say: float = 0.7, more: str = "") -> str:
        head = self.head(kind=kind, say=say, more=more)
        start = f'<!doctype html>\n<html lang="{self.language}"{self.direction}>'
        return f"{start}{head}\n<body{self.c('body')}>\n{body}\n</body></html>\n"

    def day(self) -> str:
        """The date as a reader sees it."""
        if self.language in ("zh", "ja"):
            return f"{self.date.year}年{self.date.month}月{self.date.day}日"
        months = self.main.lists["month"]
        return f"{self.date.day} {months[self.date.month - 1]} {self.date.year}"

    def license(self) -> str:
        """A link to a licence, said as such."""
        if self.rng.random() < 0.5:
            return ""
        name = self.rng.choice(list(LICENSES))
        self.said.license_url = LICENSES[name]
        return f'<a rel="license" href="{LICENSES[name]}">{name}</a>'

    # --- main text

    def para(self, low: int = 2, high: int = 5, code: float = 0.0, link: float = 0.25) -> Para:
        """A paragraph, some with a link, names in code or bold words in it."""
        pieces: list[Piece] = []
        gap = self.main.space
        for _ in range(self.rng.randint(low, high)):
            if pieces and gap:
                pieces.append(("text", gap, ""))
            sentence = self.main.said("S")
            draw = self.rng.random()
            if draw < code:
                # Between the words of a sentence, as documentation names what it speaks of.
                first, second = self._cut(sentence)
                name = identifier(self.rng)
                pieces += [("text", first, ""), ("code", name, ""), ("text", second, "")]
            elif draw < code + link:
                first, second = self._cut(sentence)
                linked = self.main.one("what")
                pieces += [("text", first, ""), ("link", linked, f"/{self.slug}/{len(pieces)}")]
                pieces.append(("text", second, ""))
            elif draw > 0.95:
                pieces.append(("bold", sentence, ""))
            else:
                pieces.append(("text", sentence, ""))
        return Para(pieces)

    def _cut(self, sentence: str) -> tuple[str, str]:
        """A sentence cut at a comma, to hold something more in the middle."""
        gap = self.main.space
        for comma in ("，", "、", "،", ", "):
            first, found, second = sentence.partition(comma)
            if found and len(first) > 4 and len(second) > 4:
                return first + found.rstrip() + gap, found.replace(" ", "") + gap + second
        return sentence[:-1] + (gap and " "), sentence[-1:]

    def items(self, count: int, ordered: bool = False, depth: int = 0) -> Items:
        found = []
        for _ in range(count):
            inner = (
                self.items(self.rng.randint(2, 3)) if depth and self.rng.random() < 0.4 else None
            )
            words = self.main.said(self.rng.choice(("S", "what", "T")))
            found.append(([("text", words, "")], inner))
        return Items(found, ordered)  # type: ignore[arg-type]

    def table(self, rows: int, columns: int) -> Table:
        cells = [[self.main.said("what"), *self._numbers(columns - 1)] for _ in range(rows)]
        return Table([[self.main.said("T") for _ in range(columns)], *cells])

    def _numbers(self, count: int) -> list[str]:
        return [f"{self.rng.randint(1, 9)},{self.rng.randint(100, 999)}" for _ in range(count)]

    def story(
        self, low: int, high: int, *, level: int = 2, heads: float = 0.2, extras: float = 0.15,
        code: float = 0.0, between: tuple[str, ...] = (), words: tuple[int, int] = (2, 5),
    ) -> list[Node]:  # fmt: skip
        """Paragraphs with headings, lists, quotes, tables, code and pictures among them; `between`:
        HTML of boxes that stand in the text and are not of it."""
        rng = self.rng
        nodes: list[Node] = [self.para(*words)]
        for _ in range(rng.randint(low, high) - 1):
            if rng.random() < heads:
                nodes.append(Head(level + (rng.random() < 0.2), self.main.title()))
            nodes.append(self.para(*words, code=code))
            draw = rng.random()
            if draw < extras:
                kind = rng.choice(("list", "list", "quote", "figure", "table", "ordered"))
                if kind == "quote":
                    nodes.append(
                        Quote([self.main.paragraph(1, 2) for _ in range(rng.randint(1, 2))])
                    )
                elif kind == "figure":
                    nodes.append(Figure(self.other.said("S")))
                elif kind == "table":
                    nodes.append(self.table(rng.randint(2, 5), rng.randint(2, 4)))
                else:
                    nodes.append(self.items(rng.randint(2, 5), kind == "ordered", depth=1))
            elif code and draw < extras + 0.45:
                nodes.append(snippet(rng))
        for box in between:
            nodes.insert(rng.randint(1, max(1, len(nodes) - 1)), Raw(box))
        # A list right behind a list would be one list in Markdown.
        parted: list[Node] = []
        for node in nodes:
            if isinstance(node, Items) and parted and isinstance(parted[-1], Items):
                parted.append(text(self.main.said("S")))
            parted.append(node)
        return parted
