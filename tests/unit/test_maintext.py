"""The main text engine's output: structure as Markdown, plain text, links, formulas; the fields."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from corpusmith.collect import maintext
from corpusmith.collect.errors import RecordError
from corpusmith.collect.extract import extract_page, extract_text
from corpusmith.collect.page_fields import Fields, page_fields
from tests.collect_run import collect

QUALITY = Path(__file__).parent.parent / "quality" / "pages"


def written(page: str, *, markdown: bool = True, links: bool = False) -> str:
    """All of a page's text, whatever the classifier says."""
    scan = maintext.scan_page(page.encode())
    everything = np.ones(len(scan.blocks), np.float32)
    return maintext.write(
        *(scan, maintext.measure_page(scan), everything, 0.5),
        markdown=markdown, links=links, url="https://h.example/a/b",
    )  # fmt: skip


STRUCTURES = {
    "headings": (
        "<h1>A <code>b</code><a href='#x'>¶</a></h1><p>c<h3>d\ne</h3>",
        "# A `b`\n\nc\n\n### d e",
    ),
    "lists": (
        "<ul><li>a<li>b<ol start=9><li>c<p>more<li>d</ol><li>e</ul>",
        "- a\n- b\n  9. c\n\n     more\n  10. d\n- e",
    ),
    "code": (
        "<pre class='language-python hl'>\nif a:\n    b = '`' &lt; 1\n\n</pre>",
        "```python\nif a:\n    b = '`' < 1\n```",
    ),
    "exponents and numbers of notes": (
        "<p>6 &times; 10<sup>&minus;23</sup>, 10 <sup> 6 </sup>, n<sup>-1</sup>;"
        " so it was.<sup>12</sup>",
        "6 × 10⁻²³, 10 ⁶ , n⁻¹; so it was.¹²",
    ),
    "superscripts that are no figures": (
        "<p>1<sup>st</sup>, a<sup>[7]</sup> <sup><a href=x>3</a></sup> 2<sup>123456</sup>"
        "<sup></sup> <sup>4<p>5</sup>6",
        "1st, a[7] 3 2123456 4\n\n56",
    ),
    "a wiki's links to edit": (
        "<h2>A<span class='mw-editsection'>[<a href='#'>edit</a>]</span></h2><p>b",
        "## A\n\nb",
    ),
    "code by lines": ("<pre><div>a</div><div> b</div></pre>", "```\na\n b\n```"),
    "a fence in code": ("<pre>```\nx\n```</pre>", "````\n```\nx\n```\n````"),
    "code in a list": ("<ul><li>a<pre>x\ny</pre></ul>", "- a\n\n  ```\n  x\n  y\n  ```"),
    "tables": (
        "<table><tr><th>a<th>b<tr><td>1|2<td><p>x</p><p>y</p><tr><td colspan=2>z</table>",
        "| a | b |\n| --- | --- |\n| 1\\|2 | x y |\n| z | |",
    ),
    "tables for layout": ("<table><tr><td><table><tr><td>a</table><td>b</table>", "a\n\nb"),
    "quotes": ("<blockquote><p>a<p>b<br>c</blockquote>d", "> a\n>\n> b\n> c\n\nd"),
    "quotes and lists": (
        "<ul><li><blockquote><p>a<p>b</blockquote><li>c</ul><blockquote>d<ol><li>e</ol></blockquote>",
        "- > a\n  >\n  > b\n- c\n\n> d\n>\n> 1. e",
    ),
    "deep lists": ("<ul><li>" * 12 + "x", " " * 20 + "- x"),
    "items without a list": (
        "<table><tr><td>a<td><li>b<tr><td>c<td>d</table>",
        "| a | b |\n| --- | --- |\n| c | d |",
    ),
    "breaks": ("a<br>b<br><br>c", "a\nb\n\nc"),
    "formulas": (
        "<p>x <math display=\"block\"><mi>y</mi><annotation encoding='application/x-tex'>y^2 &lt; 3"
        "</annotation></math> <script type='math/tex'>a<b</script> "
        "<math alttext='z'><mi>q</mi></math>",
        "x $$y^2 < 3$$ $a<b$ $z$",
    ),
    "second forms": ("<p>a <span aria-hidden=true>b<span>c</span></span> d", "a d"),
    "unfinished": ("<p>a &lt b <c d='e>f", "a < b f"),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURES)
def test_structure_as_markdown(name: str) -> None:
    page, expected = STRUCTURES[name]
    assert written(page) == expected


def test_plain_text_has_no_marks() -> None:
    page = (
        "<h2>A</h2><ul><li>b <code>c</code></ul><pre>d\n e</pre>"
        "<table><tr><td>f<td>g<tr><td>h<td>i</table>"
    )
    assert written(page, markdown=False, links=True) == "A\n\nb c\n\nd\n e\n\nf\tg\nh\ti"


def test_links_are_absolute_where_they_are_asked_for() -> None:
    page = (
        "<p>a <a href='../c d?x=1&amp;y=(2)'>b <code>e</code></a> "
        "<a href='javascript:f()'>g</a> <a href=h></a>"
    )
    assert written(page) == "a b `e` g"
    assert written(page, links=True) == "a [b `e`](https://h.example/c%20d?x=1&y=%282%29) g"


def test_a_text_that_the_page_holds_twice_is_written_once() -> None:
    text = (
        "The ferry between the old harbour and the other shore will sail again, the council said. "
    )
    assert written(f"<p>{text * 2}</p><div hidden>{text * 2}</div>") == (text * 2).strip()


def test_tables_and_code_go_or_stay_as_a_whole() -> None:
    scan = maintext.scan_page(b"<p>x</p><table><tr><td>aaaa<td>b<tr><td>cccc<td>d</table>")
    answers = np.array([0.0, 1.0, 0.0, 1.0, 0.0], np.float32)
    text = maintext.write(scan, maintext.measure_page(scan), answers, 0.5)
    assert text == "| aaaa | b |\n| --- | --- |\n| cccc | d |"


HEAD = """<html lang=de-AT><head><title>T &amp; U | Site</title>
<meta property=og:title content='T &amp; U'>
<meta name=author content='A. Uthor'><meta property=og:site_name content=Site>
<meta property='article:published_time' content='2024-02-29T12:00:00+02:00'>
<link rel='alternate canonical' href='https://s.example/t'></head><body><p>x
<a href='https://creativecommons.org/licenses/by/4.0/' rel='license noopener'>CC BY</a>"""
LINKED = """<title>t</title><script type="application/ld+json">[{"@graph":[{"@type":"NewsArticle",
"headline":"H","datePublished":"2023-05-06","author":[{"name":"A"},{"name":"B"}],
"publisher":{"name":"P"},"license":"https://l.example/"}]}]</script>
<script type="application/ld+json">{broken"""
MICRO = """<p itemprop="author" itemscope><span>Ann <b>Other</b></span></p>
<time itemprop=datePublished datetime="2022-01-02T03:04:05Z">then</time>"""


def test_fields() -> None:
    published = datetime(2024, 2, 29, 10, tzinfo=UTC)
    license_url = "https://creativecommons.org/licenses/by/4.0/"
    assert page_fields(maintext.scan_page(HEAD.encode())) == Fields(
        "T & U", "A. Uthor", "Site", published, "de-AT", "https://s.example/t", license_url
    )
    assert page_fields(maintext.scan_page(LINKED.encode())) == Fields(
        *("t", "A, B", "P", datetime(2023, 5, 6, tzinfo=UTC), None, None, "https://l.example/")
    )
    said = page_fields(maintext.scan_page(MICRO.encode()))
    assert (said.author, said.published) == ("Ann Other", datetime(2022, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert page_fields(maintext.scan_page(b"<p>x")) == Fields()


def test_in_a_recipe(tmp_path: Path) -> None:
    """Markdown in `text`, fields in their columns and in meta."""
    page = tmp_path / "a.html"
    page.write_bytes((QUALITY / "news-en.html").read_bytes())
    found = collect(tmp_path / "o", read="html", path=page, extract="corpusmith")
    assert "\n\n## What a crossing will cost\n\n" in found.texts[0]
    assert "Letters" not in found.texts[0] and "gull42" not in found.texts[0]
    plain = collect(
        tmp_path / "p", read="html", path=page, extract="corpusmith", format="text", links=True
    )
    assert "\n\nWhat a crossing will cost\n\n" in plain.texts[0]
    html = page.read_bytes()
    assert extract_text(html, engine="corpusmith") == found.texts[0]
    said = extract_page(html, engine="corpusmith")
    assert (said.author, said.site) == ("Maud Ellery", "Harbour Post")
    assert said.published == datetime(2025, 3, 4, 5, 30, tzinfo=UTC)


def test_other_encodings() -> None:
    page = "<meta charset=gb18030><title>题目</title><p>" + "中文文字的第一段内容，" * 9
    found = extract_page(page.encode("gb18030"), engine="corpusmith")
    assert (found.title, found.encoding) == ("题目", "gb18030") and "第一段" in found.text


HOSTILE = {
    "nested": "<div>" * 100_000 + "x" + "</div>" * 100_000,
    "lists": "<ul><li>" * 50_000,
    "formatting": "<p>" + "".join(f"<b id={i}>" for i in range(400)) + "</p>" + "<p>x</p>" * 20_000,
    "attributes": "<p " + " ".join(f"a{i}=1" for i in range(20_000)) + ">x",
    "options": "<select>" + "<option>x" * 20_000,
    "one tag": "<" + "a" * 3_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_are_read(name: str) -> None:
    text = extract_text(HOSTILE[name].encode(), engine="corpusmith", links=True)
    assert len(text) <= len(HOSTILE[name])


def test_too_many_tags_are_refused_with_their_number() -> None:
    with pytest.raises(RecordError, match="1000001 times '<', over the limit of 1000000"):
        maintext.scan_page(b"<br>" * 1_000_001)


def test_format_and_links_of_other_engines_are_refused(tmp_path: Path) -> None:
    for more in ({"format": "markdown"}, {"links": True}):
        with pytest.raises(ValueError, match="are of `extract: corpusmith`; trafilatura gives"):
            collect(tmp_path / "o", read="html", path=tmp_path, extract="trafilatura", **more)
