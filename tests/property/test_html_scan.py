"""The tag scanner: equal to the slow reader on pages of its own grammar; harmless and linear on
any."""

from __future__ import annotations

import html
import time
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpusmith.collect import maintext
from corpusmith.kernels import htmlstack
from corpusmith.kernels.htmltags import HINT_WORDS, NAMES, fnv
from tests.reference.html_scan import Reader

TEXTS = [
    "one",
    "two words",
    " ",
    "\n",
    "a&amp;b",
    "&eacute;t&eacute;",
    "&notit;",
    "&#x4e2d;文",
    "&nbsp;",
    "&#128;",
    "文字，。",
    "&unknown;",
    "x&",
    "مرحبا",
    "😀",
    "a\u00a0b",
    "&lt;p&gt;",
    "tail ",
]
STARTS = [
    "<p>",
    "<div>",
    "<ul>",
    "<li>",
    "<ol>",
    "<table>",
    "<tr>",
    "<td>",
    "<th>",
    "<tbody>",
    "<thead>",
    "<caption>",
    "<h1>",
    "<h3>",
    "<span>",
    "<b>",
    "<blockquote>",
    "<dl>",
    "<dt>",
    "<dd>",
    "<section>",
    "<article>",
    "<button>",
    "<my-card>",
    "<br>",
    "<hr>",
    "<form>",
    "<a href=x>",
    "<a href='y z'>",
    "<a name=n>",
    '<div class="a b" id=c>',
    "<img src=x alt='>'>",
]
ENDS = [
    "</p>",
    "</div>",
    "</ul>",
    "</li>",
    "</ol>",
    "</table>",
    "</tr>",
    "</td>",
    "</th>",
    "</h1>",
    "</h2>",
    "</span>",
    "</b>",
    "</a>",
    "</dl>",
    "</dd>",
    "</section>",
    "</button>",
    "</my-card>",
    "</blockquote>",
    "</form>",
    "</tbody>",
    "<!-- <p> -->",
    "<script>if (a<b) '</p>'</script>",
    "<style>p{}</style>",
    "<select><option>x</select>",
]


def page_of(random: Random) -> str:
    """Lists that Hypothesis draws are short, and hold little that closes something."""
    parts = [
        random.choice(random.choice((TEXTS, STARTS, ENDS))) for _ in range(random.randrange(50))
    ]
    return "".join(parts)


PAGES = st.integers(0, 2**32).map(lambda seed: page_of(Random(seed)))


def blocks_of(page: str) -> list[tuple[str, tuple[str, ...], int]]:
    scan = maintext.scan_page(page.encode())
    found = []
    for row in scan.blocks.tolist():
        path, elem = [], row[htmlstack.B_ELEM]
        while elem > 0:
            path.append(NAMES[scan.elems[elem, htmlstack.E_TAG]])
            elem = scan.elems[elem, htmlstack.E_PARENT]
        text = scan.text[row[0] : row[1]].tobytes().decode()
        found.append((text, tuple(reversed(path)), row[htmlstack.B_LINK_BYTES]))
    return found


@given(PAGES)
def test_blocks_are_those_of_the_slow_reader(page: str) -> None:
    expected = [
        (text, tuple("?" if "-" in name else name for name in path), linked)
        for text, path, linked in Reader().read(page)
    ]
    assert blocks_of(page) == expected


@given(
    st.lists(st.sampled_from(sorted(html.entities.html5)), min_size=1, max_size=4),
    st.text(max_size=3),
)
def test_references_are_decoded_as_python_does(names: list[str], tail: str) -> None:
    tail = tail.translate({ord(c): None for c in "<\r"}).encode("utf-8", "ignore").decode()
    page = "".join(f"&{name}" for name in names) + tail
    expected = " ".join(html.unescape(page).replace("\u00a0", " ").split(" "))
    found = " ".join(text for text, _, _ in blocks_of(f"<pre>x{page}"))
    assert found.rstrip() == f"x{expected}".rstrip()


BROKEN = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "<",
                ">",
                "</",
                "<!",
                "<!--",
                "-->",
                "<!-->",
                "<![CDATA[",
                "]]>",
                "<?",
                "<p",
                "<p a='",
                '"',
                "'",
                "<script",
                "<script>",
                "</script",
                "<title>",
                "<svg>",
                "<math>",
                "</math>",
                "<pre>\n",
                "<br/>",
                "<table><tr><td>",
                "</table>",
                "<span aria-hidden=true>",
                "</span>",
                "<a href=",
                "&",
                "&#",
                "&#x",
                "&#1114112;",
                "\x00",
                "\r",
                "\t",
                "=",
                "/",
                "<math alttext='x'>",
                "<code>",
                "<ol start=9999999999>",
                "<td colspan=99999999999>",
                "<annotation encoding='application/x-tex'>",
                "<h2>",
                "<li>",
                "`",
                "|",
            ]
        ),
        st.sampled_from(TEXTS),
        st.binary(max_size=8).map(lambda b: b.decode("latin-1")),
    ),
    max_size=60,
).map("".join)


@given(BROKEN, st.booleans(), st.booleans())
def test_broken_pages_give_text_within_their_bounds(page: str, markdown: bool, links: bool) -> None:
    data = page.encode("utf-8", "replace")
    scan = maintext.scan_page(data)
    for first, last in scan.blocks[:, :2].tolist():
        assert 0 <= first < last <= 2 * len(data) + 64
        scan.text[first:last].tobytes().decode()  # valid UTF-8
    parents = scan.elems[1:, htmlstack.E_PARENT]
    assert (parents < np.arange(1, len(scan.elems))).all() and (parents >= 0).all()
    for first, last in scan.elems[:, [htmlstack.E_FIRST, htmlstack.E_LAST]].tolist():
        assert 0 <= first <= last <= len(scan.blocks)
    measured = maintext.measure_page(scan)
    assert np.isfinite(measured.features).all()
    answers = np.ones(len(scan.blocks), np.float32)
    text = maintext.write(
        scan, measured, answers, 0.5, markdown=markdown, links=links, url="http://h/"
    )
    assert "\ufffd" not in text or "\ufffd" in page or "&#" in page


SLOW_SHAPES = {
    "nested": lambda n: "<div>" * n + "x" + "</div>" * n,
    "nested with text": lambda n: "<div>x" * n,
    "unmatched ends": lambda n: "<div>" * n + "</b></p></h1></li></table>" * n,
    "unclosed comments": lambda n: "<!-- " * n,
    "unclosed scripts": lambda n: "<svg>" * n + "<title>" * n + "<math>" * n,
    "unclosed quotes": lambda n: "<p a='>" * n,
    "lists": lambda n: "<ul><li>x" * n,
    "quotes": lambda n: "<blockquote><p>x" * n,
    "tables": lambda n: "<table><tr><td>x" * n,
    "pre": lambda n: "<pre>x" * n,
    "links": lambda n: f"<a href={'y' * 1900}>" + "<p>x" * n,
    "ampersands": lambda n: "&" * n + "&#" * n,
}


def test_time_is_linear_in_the_page() -> None:
    """Eight times the page may take 24 times the time: what is quadratic would take 64 times."""
    for name, shape in SLOW_SHAPES.items():
        maintext.main_text(maintext.scan_page(shape(100).encode()), links=True)
        seconds = []
        for size in (2_500, 20_000):
            page = shape(size).encode()
            began = time.process_time()
            maintext.main_text(maintext.scan_page(page), links=True)
            seconds.append(time.process_time() - began)
        assert seconds[1] < max(24 * seconds[0], 0.15), (name, seconds)


def test_names_do_not_share_a_hash() -> None:
    names = [
        *NAMES[1:],
        *[
            "class",
            "id",
            "role",
            "itemprop",
            "style",
            "hidden",
            "aria-hidden",
            "href",
            "rel",
            "type",
        ],
    ]
    words = sorted({word for words in HINT_WORDS.values() for word in words.split()})
    entities = sorted(html.entities.html5)
    for group in (names, words, entities):
        assert len({fnv(name) for name in group}) == len(set(group))
