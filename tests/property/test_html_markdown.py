"""The kernels' Markdown of a page is that of the slow reference, over trees drawn at random."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.collect import maintext
from tests.reference import html_markdown as slow
from tests.reference.html_markdown import Element, Inline

WORDS = ("one", "two three", "文字，", "a|b", "x < y", "مرحبا", "&amp;", "😀", "`")
FLOW = (
    "p",
    "p",
    "div",
    "h1",
    "h2",
    "h4",
    "ul",
    "ol",
    "blockquote",
    "pre",
    "table",
    "dl",
    "section",
)
LANGUAGES = ("", "", "python", "c++")


def pieces(random: Random, code: bool = True) -> list[Inline]:
    found: list[Inline] = [("text", random.choice(WORDS), "")]
    for _ in range(random.randrange(4)):
        kind = random.choice(("text", "code", "link", "break") if code else ("text", "break"))
        if kind == "break":
            found.append(("break", "", ""))
        else:
            if found[-1][0] != "break":
                found.append(("text", " ", ""))
            found.append(
                (kind, random.choice(WORDS), random.choice(("/a", "https://h.example/b?c")))
            )
        if found[-1][0] == "break":
            found.append(("text", random.choice(WORDS), ""))
    return found


def element(random: Random, depth: int) -> Element:
    tag = random.choice(FLOW if depth else ("p", "h2", "pre", "div"))
    if tag in ("ul", "ol"):
        items = [Element("li", flow(random, depth - 1)) for _ in range(random.randrange(1, 4))]
        start = random.choice((0, 0, 9, 98)) if tag == "ol" else 0
        return Element(tag, list(items), start)
    if tag == "dl":
        pairs = [Element(t, flow(random, 0)) for t in ("dt", "dd")]
        return Element(tag, list(pairs))
    if tag == "table":
        return table(random, depth)
    if tag == "pre":
        lines = [random.choice(("x", " y", "```", "", "z ")) for _ in range(random.randrange(1, 5))]
        text = "\n".join(["q", *lines, "r"])
        return Element(tag, [[("text", text, "")]], language=random.choice(LANGUAGES))
    if tag in ("p", "h1", "h2", "h4"):
        return Element(tag, [pieces(random)])
    return Element(tag, flow(random, depth - 1))


def flow(random: Random, depth: int) -> list[Element | list[Inline]]:
    found: list[Element | list[Inline]] = []
    for _ in range(random.randrange(1, 4)):
        if (found and isinstance(found[-1], list)) or random.random() < 0.6:
            found.append(element(random, max(depth, 0)))
        else:
            found.append(pieces(random))
    return found


def table(random: Random, depth: int) -> Element:
    rows = []
    for _ in range(random.randrange(1, 4)):
        cells = []
        for _ in range(random.randrange(1, 4)):
            inner: list[Element | list[Inline]] = [pieces(random)]
            if random.random() < 0.15:
                inner = flow(random, depth - 1)
            elif random.random() < 0.15:
                inner = []
            cells.append(
                Element(random.choice(("td", "td", "th")), inner, random.choice((0, 0, 2)))
            )
        rows.append(Element("tr", list(cells)))
    if random.random() < 0.5:
        return Element("table", [Element("tbody", list(rows))])
    return Element("table", list(rows))


@given(st.integers(0, 2**32), st.booleans(), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=150)
def test_it_is_that_of_the_slow_reference(
    seed: int, markdown: bool, links: bool, everything: bool
) -> None:
    random = Random(seed)
    root = Element("body", flow(random, random.choice((1, 3, 5))))
    blocks = list(slow.blocks(root))
    verdicts = [everything or random.random() < 0.6 for _ in blocks]
    # A table and a <pre> stay or go as a whole: the first block's verdict is that of all.
    for number, (path, _) in enumerate(blocks):
        whole = slow.code_of(path) or slow.data_table(path)
        if whole is not None:
            first = next(n for n, (other, _) in enumerate(blocks) if whole in other)
            verdicts[number] = verdicts[first]
    page = slow.to_html(root)
    scan = maintext.scan_page(page.encode())
    assert len(scan.blocks) == len(blocks), page
    found = maintext.write(
        scan,
        maintext.measure_page(scan),
        np.array(verdicts, np.float32),
        0.5,
        markdown=markdown,
        links=links,
    )
    assert found == slow.render(root, lambda n: verdicts[n], markdown, links), page
