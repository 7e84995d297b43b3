"""HTML, WARC and WET: what the text is, what a page says of itself, what is skipped."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import random
import zlib
from pathlib import Path

import pytest
import zstandard
from fastwarc.stream_io import BrotliWriter, GzipWriter
from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from corpusmith.collect.bounds import check_html
from corpusmith.collect.encoding import UndecodableError, decode
from corpusmith.collect.errors import RecordError
from corpusmith.collect.extract import extract_page, extract_text
from corpusmith.collect.licenses import spdx, spdx_header
from tests.collect_run import collect

PAGE = """<!DOCTYPE html><html lang="{lang}"><head><meta charset="{charset}">
<title>Some &amp; title</title><link rel="canonical" href="https://example.org/a?b&amp;c"></head>
<body><nav><a href="/">Home</a><a href="/x">More</a></nav><main><article><h1>Heading</h1>
<p>{text}</p><p>Second paragraph of the main text, long enough to be kept.</p></article></main>
<footer><a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC</a></footer>
</body></html>"""
MAIN = "# Heading\n\n{text}\n\nSecond paragraph of the main text, long enough to be kept."


def test_main_text_and_what_the_page_says(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    text = "正文的第一段，说明这一页的内容。"
    (folder / "a.html").write_text(PAGE.format(lang="zh-CN", charset="utf-8", text=text))
    (folder / "empty.html").write_text("")
    (folder / "script.htm").write_text("<script>var x = '<p>no text</p>';</script>")
    found = collect(tmp_path / "out", read="html", path=folder)
    assert found.texts == [MAIN.format(text=text), "", ""]  # the rule `empty_text` drops them later
    assert found.meta[0] == {
        "title": "Some & title",
        "canonical": "https://example.org/a?b&c",
        "html_lang": "zh-CN",
        "license_url": "https://creativecommons.org/licenses/by/4.0/",
    }
    assert found.documents["license"].to_pylist() == ["CC-BY-4.0", None, None]
    assert found.documents["lang"].to_pylist() == [None] * 3


@pytest.mark.parametrize(
    ("encoding", "declared", "charset", "repaired"),
    [
        ("utf-8", "utf-8", None, False),
        ("utf-8", "iso-8859-1", None, False),  # bytes lie less often than declarations
        ("gb18030", "gb2312", None, False),
        ("gb18030", "nonsense", "gbk", False),
        ("big5", "big5", None, False),
        ("shift_jis", "utf-8", "shift_jis", False),
        ("utf-16", "utf-8", None, False),  # by its mark
        ("gb18030", "", None, True),  # neither declared: recognised
    ],
)
def test_encodings_of_pages(
    encoding: str, declared: str, charset: str | None, repaired: bool
) -> None:
    text = "中文文字的第一段内容" * 5 if encoding != "big5" else "中文文字的第一段內容" * 5
    if encoding == "shift_jis":
        text = "日本語の文章をここに書きます。" * 5
    html = PAGE.format(lang="zh", charset=declared, text=text).encode(encoding)
    page = extract_page(html, charset=charset)
    assert text in page.text
    assert page.repaired == repaired


def test_undecodable_pages() -> None:
    noise = random.Random(1).randbytes(3000).replace(b"\0", b"\1")
    with pytest.raises(RecordError, match="characters are not valid utf-8") as caught:
        extract_page(b'<meta charset="utf-8"><p>' + noise)
    assert caught.value.error == "bad_encoding"
    # A few broken bytes in a long page are replaced, as browsers do, and counted.
    page = extract_page(b'<meta charset="utf-8"><p>' + "文字和".encode() * 300 + b"\xe6</p>")
    assert page.repaired and page.text.count("\ufffd") == 1


def test_extract_text_is_public() -> None:
    import corpusmith.collect

    html = PAGE.format(lang="en", charset="utf-8", text="The first paragraph of this page.")
    assert corpusmith.collect.extract_text is extract_text
    assert extract_text(html) == extract_text(html.encode())
    assert extract_text(html) == MAIN.format(text="The first paragraph of this page.")
    other = extract_text(html, url="https://example.org/", engine="trafilatura")
    assert "The first paragraph of this page." in other


def test_trafilatura_by_choice(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        PAGE.format(lang="en", charset="utf-8", text="First one. " * 9)
    )
    found = collect(tmp_path / "o", read="html", path=tmp_path / "a.html", extract="trafilatura")
    assert "First one." in found.texts[0] and "Home" not in found.texts[0]


@pytest.mark.parametrize(
    "page",
    [
        "<p>unclosed" * 5000,
        "<ul>" + "<li>item" * 5000 + "</ul>",
        "<table>" + "<tr><td>a<td>b" * 5000 + "</table>",
        "<svg>" + "<path d='M0'/>" * 5000 + "</svg>",
        "<a name=x>anchor" * 3000,
        "<!-- " + "<div>" * 5000 + " -->",
        "<script>" + "if (a<b) x='<div>';" * 3000 + "</script>",
        "<dl>" + "<dt>a<dd>b" * 4000 + "</dl>",
        "<div data-json='" + json.dumps({str(i): i for i in range(2000)}) + "'>x</div>",
        "</b></i></p>" * 5000,
        "<br>" * 20_000,
    ],
)
def test_old_and_odd_pages_are_within_bounds(page: str) -> None:
    check_html(page)


def test_bounds_on_real_pages(shared: Path) -> None:
    """No page of the real data is near the limits, so none may be refused."""
    pages = sorted((shared / "html").rglob("*.html"))
    assert len(pages) > 500
    for path in pages:
        check_html(path.read_text("utf-8", "replace"))
    for path in sorted((shared / "articles" / "html").glob("*.gz")):
        check_html(gzip.decompress(path.read_bytes()).decode("utf-8", "replace"))


# --- WARC ----------------------------------------------------------------------------------


def warc(records: list[tuple[WarcRecordType, dict[str, str], bytes]], packed: bool = True) -> bytes:
    """A WARC file as fastwarc writes it."""
    out = io.BytesIO()
    for kind, headers, content in records:
        record = WarcRecord()
        record.init_headers(kind)
        for name, value in headers.items():
            record.headers[name] = value
        if kind == WarcRecordType.response:
            record.headers["Content-Type"] = "application/http; msgtype=response"
        record.set_bytes_content(content)
        if packed:
            raw = io.BytesIO()
            record.write(raw)
            out.write(gzip.compress(raw.getvalue(), 6, mtime=0))
        else:
            record.write(out)
    return out.getvalue()


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers])
    return head.encode() + b"\r\n\r\n" + body


def chunked(body: bytes, size: int = 100) -> bytes:
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def brotli(data: bytes) -> bytes:
    out = io.BytesIO()
    writer = BrotliWriter(out)
    writer.write(data)
    writer.close()
    return out.getvalue()


HTML = "Content-Type: text/html; charset=utf-8"
TEXT = "The text of this page is in the main element."
BODY = PAGE.format(lang="en", charset="utf-8", text=TEXT).encode()
WHEN = {"WARC-Date": "2024-01-02T03:04:05Z", "WARC-Target-URI": "https://example.org/p?q=1"}


@pytest.mark.parametrize("packed", [True, False])
def test_responses_become_documents_and_others_are_counted(tmp_path: Path, packed: bool) -> None:
    kinds = WarcRecordType
    records = [
        (kinds.warcinfo, {}, b"software: test\r\n"),
        (kinds.request, WHEN, b"GET / HTTP/1.1\r\n\r\n"),
        (kinds.response, WHEN, http(BODY, HTML)),
        (kinds.response, WHEN, http(b"gone", HTML, status="404 Not Found")),
        (kinds.response, WHEN, http(b"\x89PNG", "Content-Type: image/png")),
        (kinds.response, WHEN, http("纯文本".encode(), "Content-Type: text/plain")),
        (kinds.revisit, WHEN, b""),
        (kinds.metadata, WHEN, b"a: b\r\n"),
        (kinds.response, WHEN, http(BODY, "X-No-Type: 1")),
    ]
    data = warc(records, packed)
    path = tmp_path / ("a.warc.gz" if packed else "a.warc")
    path.write_bytes(data)
    found = collect(tmp_path / "out", read="warc", path=path, group="host")
    assert found.texts == [MAIN.format(text=TEXT), "纯文本", MAIN.format(text=TEXT)]
    assert found.info["skipped"] == {
        **{"record:metadata": 1, "record:request": 1, "record:revisit": 1, "record:warcinfo": 1},
        **{"status:404": 1, "type:image": 1},
    }
    # Offsets are those that fastwarc itself gives on the whole file.
    offsets = [r.stream_pos for r in ArchiveIterator(io.BytesIO(data), parse_http=False)]
    assert found.uris == [f"{path.name}#{offsets[i]}" for i in (2, 5, 8)]
    row = found.documents.to_pylist()[0]
    assert row["created"] == datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    assert row["license"] == "CC-BY-4.0"
    assert found.meta[0]["url"] == "https://example.org/p?q=1"
    assert found.meta[0]["group"] == "example.org"
    assert found.meta[0]["warc_record_id"].startswith("urn:uuid:")


CODINGS = {
    "gzip": (gzip.compress(BODY), "Content-Encoding: gzip"),
    "deflate": (zlib.compress(BODY), "Content-Encoding: deflate"),
    "raw_deflate": (zlib.compress(BODY, wbits=-15), "Content-Encoding: deflate"),
    "br": (brotli(BODY), "Content-Encoding: br"),
    "zstd": (zstandard.compress(BODY), "Content-Encoding: zstd"),
    "chunked": (chunked(BODY), "Transfer-Encoding: chunked"),
    "chunked_gzip": (
        chunked(gzip.compress(BODY)),
        "Transfer-Encoding: chunked\r\nContent-Encoding: gzip",
    ),
    "decoded_gzip": (BODY, "Content-Encoding: gzip"),
    "decoded_br": (BODY, "Content-Encoding: br"),
    "decoded_chunked": (BODY, "Transfer-Encoding: chunked"),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_content_codings(tmp_path: Path, coding: str) -> None:
    body, header = CODINGS[coding]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(warc([(WarcRecordType.response, WHEN, http(body, HTML, header))]))
    found = collect(tmp_path / "out", read="warc", path=path)
    assert found.texts == [MAIN.format(text=TEXT)]


def test_bodies_that_were_cut(tmp_path: Path) -> None:
    body = gzip.compress(PAGE.format(lang="en", charset="utf-8", text=TEXT * 200).encode())[:-60]
    records = [
        (WarcRecordType.response, WHEN, http(body, HTML, "Content-Encoding: gzip")),
        (
            *(WarcRecordType.response, {**WHEN, "WARC-Truncated": "length"}),
            http(body, HTML, "Content-Encoding: gzip"),
        ),
        (WarcRecordType.response, WHEN, http(b"x", HTML, "Content-Encoding: compress")),
    ]
    (tmp_path / "a.warc.gz").write_bytes(warc(records))
    found = collect(tmp_path / "out", read="warc", path=tmp_path / "a.warc.gz")
    assert [error for _, error in found.errors] == ["truncated_gzip", "unknown_encoding"]
    assert found.meta[0]["truncated"] == "length"
    assert found.texts[0].count(TEXT) > 50


def test_many_records_in_one_gzip_member(tmp_path: Path) -> None:
    records = [(WarcRecordType.response, WHEN, http(BODY, HTML))] * 5
    out = io.BytesIO()
    writer = GzipWriter(out)
    writer.write(warc(records, packed=False))
    writer.close()
    (tmp_path / "a.warc.gz").write_bytes(out.getvalue())
    found = collect(tmp_path / "out", read="warc", path=tmp_path / "a.warc.gz")
    assert found.texts == [MAIN.format(text=TEXT)] * 5
    size = len(warc(records[:1], packed=False))
    assert found.uris == ["a.warc.gz#0", *(f"a.warc.gz#0:{size * i}" for i in range(1, 5))]


@pytest.mark.parametrize("packed", [True, False])
def test_a_large_warc_is_cut_between_records(tmp_path: Path, packed: bool) -> None:
    random_ = random.Random(1)
    texts = [f"{i} {random_.randbytes(300).hex()}" for i in range(60)]
    records = [
        (WarcRecordType.response, WHEN, http(t.encode(), "Content-Type: text/plain")) for t in texts
    ]
    data = bytearray(warc(records, packed))
    whole = tmp_path / ("a.warc.gz" if packed else "a.warc")
    whole.write_bytes(data)
    one = collect(tmp_path / "1", read="warc", path=whole)
    cut = collect(tmp_path / "2", read="warc", path=whole, part_bytes=5000)
    assert one.texts == texts and len(one.parts) == 1
    assert len(cut.parts) > 3 and cut.documents["id"] == one.documents["id"]
    # Damage is found in the same place however the file is cut.
    place = len(data) // 2
    data[place : place + 8] = b"\xff" * 8
    whole.write_bytes(data)
    one = collect(tmp_path / "3", read="warc", path=whole)
    cut = collect(tmp_path / "4", read="warc", path=whole, part_bytes=5000)
    assert one.errors == cut.errors and one.info["ids"] == cut.info["ids"]


def test_wet(tmp_path: Path) -> None:
    records = [
        (WarcRecordType.warcinfo, {}, b"x: y\r\n"),
        (
            WarcRecordType.conversion,
            {**WHEN, "WARC-Identified-Content-Language": "zho,eng"},
            "网页的文字\n第二行\n".encode(),
        ),
    ]
    (tmp_path / "a.warc.wet.gz").write_bytes(warc(records))
    found = collect(tmp_path / "out", read="wet", path=tmp_path)
    assert found.texts == ["网页的文字\n第二行\n"]
    assert found.meta[0]["languages"] == "zho,eng" and found.info["skipped"] == {
        "record:warcinfo": 1
    }


# --- encodings and licences ----------------------------------------------------------------

TEXTS = {
    "gb18030": "这是一个用来测试编码识别的中文句子，包含常用的汉字和标点符号。",
    "big5": "這是一個用來測試編碼識別的中文句子，包含常用的漢字和標點符號。",
    "cp932": "これは文字コードの判定を試験するための日本語の文章です。",
    "euc_jp": "漢字とひらがなとカタカナが含まれている日本語の文章です。",
    "cp949": "이것은 인코딩 인식을 시험하기 위한 한국어 문장입니다. 잘 작동하기를 바랍니다.",
    "cp1251": "Это предложение на русском языке для проверки кодировки.",
    "koi8-r": "Это предложение на русском языке для проверки кодировки.",
    "cp1252": "Die Straße führt über die Brücke; schöne Grüße aus Österreich.",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy. Řeřicha čeká na květen.",
    "cp1253": "Αυτή είναι μια πρόταση στα ελληνικά για τον έλεγχο.",
    "cp1255": "זה משפט בעברית לבדיקת הקידוד של הטקסט",
    "cp1256": "هذه جملة باللغة العربية لاختبار ترميز النص",
}


@pytest.mark.parametrize("codec", TEXTS)
def test_recognised_encodings(codec: str) -> None:
    found = decode(TEXTS[codec].encode(codec))
    assert (found.text, found.repaired) == (TEXTS[codec], True)


def test_declared_encodings_and_what_stays_undecodable() -> None:
    assert decode("naïve".encode("latin-1"), "ISO-8859-1").encoding == "cp1252"
    assert decode("中文".encode(), "gbk").encoding == "utf-8"
    assert decode(b"plain", "no-such-thing").text == "plain"
    assert decode("日本".encode("iso2022_jp"), "iso-2022-jp").text == "日本"
    assert decode(b"h\0i\0").text == "hi"
    for data in (b"\xe4\xb8\xad\xe6", b"\x80\x81\x82", bytes(range(256)), b"\xff\xfea"):
        with pytest.raises(UndecodableError):
            decode(data)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/", "CC-BY-NC-SA-4.0"),
        ("//creativecommons.org/licenses/by-sa/3.0/de/", "CC-BY-SA-3.0-DE"),
        ("http://creativecommons.org/licenses/by/2.5/xx/", "CC-BY-2.5"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
        ("CC BY 3.0", "CC-BY-3.0"),
        ("mit", "MIT"),
        ("Apache License 2.0", "Apache-2.0"),
        ("https://www.apache.org/licenses/LICENSE-2.0.html", "Apache-2.0"),
        ("all rights reserved", None),
        ("", None),
        (None, None),
        (["MIT"], None),
    ],
)
def test_spdx(value: object, expected: str | None) -> None:
    assert spdx(value) == expected


def test_spdx_header() -> None:
    assert spdx_header("/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */") == (
        "GPL-2.0 WITH Linux-syscall-note"
    )
    assert spdx_header("<!-- SPDX-License-Identifier: MIT -->") == "MIT"
    assert spdx_header("x" * 9000 + "\nSPDX-License-Identifier: MIT") is None
    tag = "SPDX-License-Identifier: ISC"
    for line in ("# ", "// (c) Me. ", " * ", "-- ", "(* ", "dnl ", "REM ", '" ', "", "\ufeff# "):
        assert spdx_header(f"a\n{line}{tag}\nb") == "ISC", line
    for line in ('x = "# ', 'f("', "    '# ", "(folder / 'a').write_text('", "`"):
        assert spdx_header(f"a\n{line}{tag}'\nb") is None, line
