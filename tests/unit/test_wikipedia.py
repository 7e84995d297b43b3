"""MediaWiki dumps: wikitext to Markdown, every compression, streams over cores, damage."""

from __future__ import annotations

import bz2
import gzip
import lzma
import time
from pathlib import Path

import mwparserfromhell
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.collect.dumps.wikitext import MAX_DEPTH, Names, markdown_of
from tests.collect_run import Collected, collect
from tests.dump_files import TAIL, WikiPage, topic_pages, wiki_dump, wiki_multistream
from tests.inline import InlineEngine

PARIS = """{{Infobox city|name={{lang|fr|Paris}}|image=[[File:A.jpg|thumb|A [[tower]]]]}}
'''Paris''' ({{IPA|fr|paʁi}}; {{lang-fr|Paris}}) is the [[capital city|capital]] of [[France]].<ref
name="a">{{cite web|title=x}}</ref> It has {{convert|105|km2|sqmi}} &amp; two [[bus]]es.<ref
name="a"/>

== History ==
{{main|History of Paris}}
=== Empty ===
=== Roman age ===
* one [[thing]]
** two
# first
# second

{| class="wikitable"
|+ People
! Year !! Number
|-
| 1800 || 500,000
|-
| style="text-align:right" | 1900
| 2,700,000
|}

Where <math>x^2</math>, write <syntaxhighlight lang="python">
if a:
  b
</syntaxhighlight>
[http://example.org A site] and [[Foo (bar)|]].<!-- hidden -->
[[Category:Cities|Paris]]
[[de:Paris]]

== See also ==
"""
PARIS_TEXT = """Paris (Paris) is the capital of France. It has 105 km2 & two buses.

## History

### Roman age

- one thing
  - two
1. first
2. second

People

| Year | Number |
| --- | --- |
| 1800 | 500,000 |
| 1900 | 2,700,000 |

Where $x^2$, write

```python
if a:
  b
```

A site and Foo."""


def test_wikitext() -> None:
    article = markdown_of(PARIS)
    assert article.text == PARIS_TEXT
    assert article.categories == ["Cities"]


def test_names_of_the_wiki_itself() -> None:
    names = Names(frozenset({"file", "datei"}), frozenset({"category", "kategorie"}))
    article = markdown_of("[[Datei:x.png|mini|Bild]]Ein [[Wort]].\n[[Kategorie:Wörter]]", names)
    assert (article.text, article.categories) == ("Ein Wort.", ["Wörter"])


def test_chinese_lines_are_joined_without_a_space() -> None:
    assert markdown_of("'''水车'''是[[河流|河]]边的\n机器。\n\n第二段。").text == (
        "水车是河边的机器。\n\n第二段。"
    )


@pytest.mark.parametrize(
    "piece",
    [
        *("{", "{{", "{{{", "[[", "{|\n", "<ref>", "<!--", "}}", "[http://x ", "'''", "= ", "*"),
        *("{{a|", "[[a|", "<math>", "<br>", "__A", "((", "\n* x", "{|\n|{{", "]]", "|}\n"),
        *("<nowiki>", "[[File:", "\n|-", "&", "<pre", "\ue000", "{{lang|"),
    ],
)
def test_hostile_wikitext_takes_linear_time(piece: str) -> None:
    def seconds(chars: int) -> float:
        text = piece * (chars // len(piece))
        began = time.process_time()
        markdown_of(text)
        return time.process_time() - began

    small = min(seconds(5_000) for _ in range(2))
    large = seconds(40_000)
    assert large < 24 * small + 0.1 and large < 5


def test_deep_nesting_is_text_beyond_the_limit() -> None:
    depth = 3 * MAX_DEPTH
    inside = markdown_of("[[" * depth + "word" + "]]" * depth).text
    assert "word" in inside
    assert markdown_of("{{" * 100_000).text.count("{") > 0


PLAIN = st.lists(
    st.sampled_from(["wheel", "river", "磨", "stone", "salt", "corn", "über", "miller"]), max_size=6
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("tlxbrhe"), PLAIN), min_size=1, max_size=8))
def test_words_are_those_of_mwparserfromhell(parts: list[tuple[str, list[str]]]) -> None:
    """Links, external links, bold, references and headings: the words that another parser finds."""
    wrap = {
        "t": "{}", "l": "[[Target|{}]]", "x": "[http://example.org {}]", "b": "'''{}'''",
        "r": "kept<ref>{} gone</ref>", "h": "''{}''", "e": "{{{{Unknown|{}}}}}",
    }  # fmt: skip
    source = " ".join(wrap[kind].format(" ".join(words) or "word") for kind, words in parts)
    code = mwparserfromhell.parse(source)
    for tag in code.filter_tags(matches=lambda node: node.tag == "ref"):
        code.remove(tag)
    assert markdown_of(source).text.split() == code.strip_code().split()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}[]|=*#:;'<>-!/\nab r\ue000\ue001&", max_size=80))
def test_any_wikitext_has_a_text(source: str) -> None:
    markdown_of(source).text.encode()


# --- dumps ---------------------------------------------------------------------------------

PAGES = [
    *topic_pages(130),
    WikiPage("Alt", "#REDIRECT [[Neu]]", redirect="Neu"),
    WikiPage("Diskussion:Neu", "Meinung", ns=1),
    WikiPage("Skript", "x = 1", model="css"),
    WikiPage("水车 & <Mühle>", "Ein '''&''' und <br> noch [[eins]]."),
]


def facts(found: Collected) -> list[tuple]:
    return [(m["title"], t) for m, t in zip(found.meta, found.texts, strict=True)]


def test_a_dump_in_every_form(tmp_path: Path) -> None:
    data = wiki_dump(PAGES)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.xml").write_bytes(data)
    (folder / "b.xml.gz").write_bytes(gzip.compress(data))
    (folder / "c.xml.zst").write_bytes(zstandard.compress(data))
    (folder / "d.xml.bz2").write_bytes(bz2.compress(data))
    (folder / "e.xml.xz").write_bytes(lzma.compress(data))
    wiki_multistream(PAGES, folder / "f.xml.bz2", each=10)
    found = collect(tmp_path / "out", read="wikipedia", path=folder)
    assert found.errors == []
    assert found.info["skipped"] == {"redirect": 6, "namespace:1": 6, "model:css": 6}
    rows = facts(found)
    assert len(rows) == 6 * 131 and rows == rows[:131] * 6
    assert rows[130] == ("水车 & <Mühle>", "Ein & und noch eins.")
    row = found.documents.slice(130, 1).to_pylist()[0]
    assert row["uri"] == f"a.xml#{data.rindex(b'<page>')}"
    assert (row["lang"], row["license"]) == ("de", "CC-BY-SA-4.0")
    assert str(row["created"]) == "2024-05-06 07:08:09+00:00"
    meta = found.meta[130]
    assert (meta["page_id"], meta["revision_id"]) == (134, 1134)
    assert meta["url"].startswith("https://de.wikipedia.org/wiki/%E6%B0%B4%E8%BD%A6_%26_%3CM")
    assert found.meta[0]["categories"] == ["Python"]
    # In several streams a position names the stream.
    last = found.uris[-1]
    assert last.startswith("f.xml.bz2#") and last.count(":") == 1


@pytest.mark.parametrize("name", ["a.xml", "a.xml.bz2", "a.xml.zst"])
def test_however_it_is_cut_each_page_is_read_once(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpusmith.collect.stage.INLINE_BYTES", 0)
    path = tmp_path / name
    if name.endswith("bz2"):
        wiki_multistream(PAGES, path, each=7)
    else:
        data = wiki_dump(PAGES)
        path.write_bytes(zstandard.compress(data) if name.endswith("zst") else data)
    whole = collect(tmp_path / "whole", read="wikipedia", path=path, part_bytes=1 << 30)
    for part_bytes in (20_000, 50_001):
        engine = InlineEngine(shuffle=1)
        found = collect(
            tmp_path / f"p{part_bytes}", engine, read="wikipedia", path=path, part_bytes=part_bytes
        )
        assert len(found.parts) > 3
        assert (found.uris, found.texts) == (whole.uris, whole.texts)
        assert found.info["skipped"] == whole.info["skipped"]


def test_damage_costs_the_pages_that_it_touches(tmp_path: Path) -> None:
    pages = topic_pages(100)
    path = tmp_path / "a.xml.bz2"
    starts = wiki_multistream(pages, path, each=10)
    data = bytearray(path.read_bytes())
    middle = (starts[4] + starts[5]) // 2
    data[middle : middle + 20] = bytes(20)
    path.write_bytes(data)
    found = collect(tmp_path / "out", read="wikipedia", path=path)
    assert found.errors == [(f"a.xml.bz2#{starts[4]}:0", "bad_bzip2")]
    assert f"from there to byte {starts[5]}" in found.messages[0]
    assert [m["title"] for m in found.meta] == [page.title for page in [*pages[:30], *pages[40:]]]


def test_truncated_and_foreign_dumps(tmp_path: Path) -> None:
    data = wiki_dump(topic_pages(20))
    (tmp_path / "a.xml").write_bytes(data[: len(data) // 2])
    multi = tmp_path / "b.xml.bz2"
    wiki_multistream(topic_pages(20), multi, each=5)
    multi.write_bytes(multi.read_bytes()[:-400])
    (tmp_path / "c.xml").write_text("<rss><channel>no dump</channel></rss>")
    evil = data.decode().replace("Someone", "&x;", 1)
    (tmp_path / "d.xml").write_text(evil)
    found = collect(tmp_path / "out", read="wikipedia", path=tmp_path)
    errors = dict(found.errors)
    assert [error for _, error in found.errors] == [
        "truncated_xml", "truncated_bzip2", "not_a_dump", "bad_xml"
    ]  # fmt: skip
    cut = next(uri for uri in errors if uri.startswith("a.xml"))
    assert cut == f"a.xml#{data[: len(data) // 2].rindex(b'<page>')}"
    assert sum(uri.startswith("d.xml") for uri in found.uris) == 19


def test_a_page_over_the_limit_is_never_held(tmp_path: Path) -> None:
    pages = [*topic_pages(3), WikiPage("Big", "word " * 100_000), *topic_pages(2)]
    (tmp_path / "a.xml").write_bytes(wiki_dump(pages))
    found = collect(tmp_path / "out", read="wikipedia", path=tmp_path, max_document_bytes=50_000)
    assert [error for _, error in found.errors] == ["too_large"]
    assert len(found.texts) == 5
    assert TAIL not in found.texts[-1]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("3×10<sup>8</sup> m/s, 5 km<sup>2</sup>", "3×10⁸ m/s, 5 km²"),
        ("{{val|6.022|e=23|u=mol}} of {{chem|H|2|O}}, {{ordinal|3}}", "6.022×10²³ mol of H2O, 3rd"),
        ("{{formatnum:12345}}{{unknown|x}}, {{unknown}}, y", "12345, y"),
        # Chinese: one variant of each conversion; rules that show nothing go.
        ("-{zh-hant:電腦; zh-hans:计算机}-与-{信息}--{H|zh-cn:a;zh-tw:b}-", "计算机与信息"),
        ("-{A|zh-hk:巴士;zh-tw:公車}-", "巴士"),
        ("{{link-en|机器|Machine}}、{{tsl|en|Foo|福}}、{{le|人工智能|AI}}", "机器、福、人工智能"),
        ("（{{lang-en|Mao}}，{{bd|1950年|1月1日|2000年}}）", "（Mao，1950年1月1日－2000年）"),
        ("{{読み仮名|徳川|とくがわ}}は{{仮リンク|首都|en|Capital}}", "徳川（とくがわ）は首都"),
        ('Berlin ({{enS|Berlin}}, {{IPA|x}}) {{Höhe|34|DE-NHN}} {{"|Wort}}',
         "Berlin (Berlin) 34 m „Wort“"),
    ],
)  # fmt: skip
def test_words_that_only_markup_holds(source: str, text: str) -> None:
    assert markdown_of(source).text == text


def test_cells_over_rows_and_columns() -> None:
    source = '{|\n! a !! b !! c\n|-\n|rowspan="2"| d || colspan=2 | e\n|-\n| f || g\n|}'
    lines = markdown_of(source).text.split("\n")
    assert lines[2:] == ["| d | e |  |", "|  | f | g |"]
