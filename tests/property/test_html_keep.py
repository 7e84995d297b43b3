"""Settling verdicts, dropping copies, reading attributes: the kernels against slow references."""

from __future__ import annotations

import html.parser
import re
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpusmith.collect import maintext
from corpusmith.kernels import htmllayout, htmltree
from corpusmith.kernels.htmlattrs import HIDDEN
from corpusmith.kernels.htmlstack import (
    E_FLAGS,
    E_HINTS,
    E_LANG_FROM,
    E_LANG_TO,
    E_NUMBER,
)
from corpusmith.kernels.htmltags import HINTS
from tests.reference import html_keep as slow

RANDOM = st.integers(0, 2**32).map(Random)
PARTS = (
    ("<p>{}</p>", 1), ("<pre><div>{}</div><div>{}</div></pre>", 2),
    ("<table><tr><td>{}<td>{}<tr><td>{}<td>{}</table>", 4), ("<table><tr><td>{}<td>{}</table>", 2),
)  # fmt: skip


@given(RANDOM)
def test_tables_and_code_are_settled_as_a_whole(random: Random) -> None:
    """The table of one row lays the page out: its cells stay or go each by itself."""
    page, wholes = "", []
    for number in range(random.randrange(1, 6)):
        kind = random.randrange(4)
        source, count = PARTS[kind]
        page += source.format(*("x" * random.randrange(1, 30) for _ in range(count)))
        wholes += [number if kind in (1, 2) else None] * count
    scan = maintext.scan_page(page.encode())
    measured = maintext.measure_page(scan)
    assert len(wholes) == len(scan.blocks)
    answers = np.array([random.randrange(1025) / 1024 for _ in wholes], np.float32)
    around = np.empty((len(scan.elems), len(htmltree.CONTEXT)), np.int32)
    htmltree.context(scan.elems, scan.blocks, measured.stats, around)
    keep = np.empty(len(scan.blocks), np.bool_)
    sums = np.empty((len(scan.elems), 2), np.float32)
    at_least = random.randrange(1, 1024) / 1024 + 1 / 4096  # on no mean
    htmltree.settle(scan.blocks, scan.elems, around, measured.stats, answers, at_least, sums, keep)
    sizes = measured.stats[:, htmllayout.SIZE].tolist()
    assert keep.tolist() == slow.settled(answers.tolist(), sizes, wholes, at_least)


@given(RANDOM)
def test_headings_stay_above_what_stays(random: Random) -> None:
    tags = [random.choice(("p", "h1", "h2", "h3")) for _ in range(random.randrange(1, 12))]
    scan = maintext.scan_page("".join(f"<{tag}>x</{tag}>" for tag in tags).encode())
    around = np.empty((len(scan.elems), len(htmltree.CONTEXT)), np.int32)
    htmltree.context(scan.elems, scan.blocks, maintext.measure_page(scan).stats, around)
    answers = np.array([random.randrange(1025) / 1024 for _ in tags], np.float32)
    at_least = random.randrange(1, 1024) / 1024 + 1 / 4096
    keep = np.array([random.random() < 0.5 for _ in tags])
    levels = [int(tag[1:] or 0) for tag in tags]
    expected = slow.with_headings(levels, answers.tolist(), keep.tolist(), at_least)
    htmltree.keep_headings(scan.blocks, around, answers, at_least, keep)
    assert keep.tolist() == expected


SENTENCES = (
    "The ferry between the old harbour and the other shore will sail again.",
    "Two captains have been hired, and the boat has spent the winter in dry dock.",
    "Bicycles travel free before nine in the morning, dogs at any time of the day.",
    "渡船将于明年春天恢复航行，市议会在星期一宣布，两位船长已经受聘。",
    "A short one, it is.",
)


@given(RANDOM)
def test_copies_go_where_the_slow_reference_drops_them(random: Random) -> None:
    texts = [
        " ".join(random.choice(SENTENCES) for _ in range(random.randrange(1, 5)))
        for _ in range(random.randrange(1, 7))
    ]
    scan = maintext.scan_page("".join(f"<p>{text}</p>" for text in texts).encode())
    measured = maintext.measure_page(scan)
    found = maintext.write(scan, measured, np.ones(len(texts), np.float32), 0.5)
    good = (measured.stats[:, htmllayout.GOOD] > 0).tolist()
    keep = slow.without_copies([text.encode() for text in texts], good)
    assert found == "\n\n".join(text for text, stays in zip(texts, keep, strict=True) if stays)


class Parsed(html.parser.HTMLParser):
    """Python's own reading of a tag."""

    found: list[tuple[str, str]]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found = [(name, value or "") for name, value in attrs]


NAMES = (
    "class",
    "CLASS",
    "id",
    "role",
    "itemprop",
    "style",
    "hidden",
    "data-x",
    "colspan",
    "title",
)
VALUES = (
    *("story", "siteFooter top", "c-related__list x2", "NAVmenu", "language-c++ hl", "lang-Py3"),
    *(
        "color:red; display : none",
        "DISPLAY:NONE",
        "display:block",
        "3",
        "12px",
        "postBody",
        "x-lang-a",
    ),
    *("relatedARTICLEs", "", "a>b"),
)


@given(RANDOM)
def test_attributes_say_what_pythons_parser_reads(random: Random) -> None:
    """Quoted either way or not at all, spaces around the sign, names in capitals, a ">" inside."""
    source = "<div"
    for name in random.sample(NAMES, random.randrange(1, 6)):
        value = random.choice(VALUES)
        quote = (
            random.choice("\"'")
            if " " in value or ">" in value or not value
            else random.choice(("'", '"', ""))
        )
        around = random.choice(("", " ")) if quote else ""
        source += f" {name}{around}={around}{quote}{value}{quote}"
    parser = Parsed()
    parser.feed(source + ">")
    scan = maintext.scan_page(f"{source}>x</div>".encode())
    elem = scan.elems[1]
    bits = slow.hints_of(parser.found)
    assert {name for bit, name in enumerate(HINTS) if elem[E_HINTS] >> bit & 1} == bits, source
    assert bool(elem[E_FLAGS] & HIDDEN) == slow.hidden(parser.found), source
    language = bytes(scan.data[elem[E_LANG_FROM] : elem[E_LANG_TO]]).decode()
    assert language == slow.code_language(parser.found), source
    spans = [int(re.match("[0-9]*", v)[0] or 0) for name, v in parser.found if name == "colspan"]
    assert elem[E_NUMBER] == (spans[0] if spans else -1), source
