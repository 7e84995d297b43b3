"""The kernels' features of a page's blocks are those of the slow reference, by name."""

from __future__ import annotations

import html
from random import Random

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from corpusmith.collect import maintext
from corpusmith.kernels import htmlblocks
from tests.reference.html_features import Element, Page, Text, of_block

TITLE = "The Ferry returns | Post"
SENTENCES = (
    "The ferry between the old harbour and the other shore will sail again in spring.",
    "Two captains have been hired, and the boat has spent the winter in dry dock",
    "渡船将于明年春天恢复航行，市议会在星期一宣布，两位船长已经受聘。",
    "ستعود العبارة إلى الإبحار بين الضفتين في الربيع المقبل، كما أعلن المجلس؟",
    "“It was the boat that people asked for” (at every meeting).",
    "渡し船は春に戻る。ＡＢ！",
)
SHORT = ("more", "Share", "The Ferry returns", "The Fern", "12:30", "newsletter", "阅读", "A.", "»")
CONTAINERS = (
    *("div", "div", "div", "section", "article", "main", "nav", "header", "footer", "aside"),
    *("form", "figure", "details", "blockquote", "address", "button"),
)
NAMES = (
    *(
        "",
        "",
        "",
        "story",
        "entry-content",
        "c-related__list",
        "siteFooter",
        "css-1x2",
        "comment 3",
    ),
    *("share-tools", "Nav_menu__x9", "postBody main", "ADslot", "row7", "row8"),
)


def block(random: Random) -> Text:
    pieces = []
    for _ in range(random.choice((1, 1, 2, 3))):
        words = random.choice(SENTENCES if random.random() < 0.6 else SHORT)
        pieces += [(words, random.random() < 0.25), (" ", False)]
    return Text(pieces[:-1])


def element(random: Random, depth: int) -> Element:
    draw = random.random()
    names, hidden = random.choice(NAMES), random.random() < 0.05
    if draw < 0.35 or depth == 0:
        tag = random.choice(("p", "p", "p", "h1", "h2", "pre"))
        return Element(tag, [block(random)], names, hidden)
    if draw < 0.5:
        items = [Element("li", [block(random)], names) for _ in range(random.randrange(1, 5))]
        return Element("ul", list(items), random.choice(NAMES), hidden)
    if draw < 0.6:
        cells = [Element(random.choice(("td", "th")), [block(random)]) for _ in range(2)]
        return Element("table", [Element("tr", list(cells))], names, hidden)
    inner = [element(random, depth - 1) for _ in range(random.randrange(4))]
    if random.random() < 0.3:  # cards: one part again and again
        inner = [Element("div", [Element("p", [block(random)])], names) for _ in range(4)]
    children: list[Element | Text] = list(inner)
    if random.random() < 0.3:
        children.insert(random.randrange(len(children) + 1), block(random))
    return Element(random.choice(CONTAINERS), children, random.choice(NAMES), hidden)


def to_html(node: Element | Text) -> str:
    if isinstance(node, Text):
        return "".join(
            f"<a href=x>{html.escape(words)}</a>" if link else html.escape(words)
            for words, link in node.pieces
        )
    names = f' class="{node.names}"' if node.names else ""
    style = ' style="color: red; display: none"' if node.hidden else ""
    inner = "".join(to_html(child) for child in node.children)
    return f"<{node.tag}{names}{style}>{inner}</{node.tag}>"


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_features_are_those_of_the_slow_reference(seed: int) -> None:
    random = Random(seed)
    children: list[Element | Text] = [element(random, 4) for _ in range(random.randrange(1, 6))]
    root = Element("page", [*children, Element("p", [block(random)])])
    page = Page(root, TITLE)
    # Exactly 30 % in links: float32 and float64 may say different things of whether it is good.
    assume(all(abs(s.linked - 0.3 * s.size) > 1e-3 for s in page.sizes))
    source = f"<title>{TITLE}</title>" + "".join(to_html(child) for child in root.children)
    scan = maintext.scan_page(source.encode())
    assert len(scan.blocks) == len(page.blocks), source
    found = maintext.measure_page(scan).features
    for number, values in enumerate(found.tolist()):
        expected = of_block(page, number)
        assert set(expected) == set(htmlblocks.FEATURES)
        wrong = {
            name: (value, float(expected[name]))
            for name, value in zip(htmlblocks.FEATURES, values, strict=True)
            # Both are rounded to steps of 1/1024, sums of float32 before that.
            if abs(value - expected[name]) > 1.6 / 1024
        }
        assert not wrong, (page.blocks[number].text, wrong, source)
    assert np.isfinite(found).all()
