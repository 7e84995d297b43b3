"""Hostile web pages and WARC files."""

from __future__ import annotations

import gzip
import random
import zlib
from pathlib import Path

import pytest

from corpusmith.collect.dates import parse_time
from tests.collect_run import collect
from tests.hostile import GOOD, MB, run

# --- web pages -----------------------------------------------------------------------------

PAGE = "<html><head><title>t</title></head><body><main><p>{}</p></main></body></html>"


def good_pages(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for i, text in enumerate(GOOD):
        (folder / f"{i:03d}.html").write_text(PAGE.format(text))


BAD_PAGES = {
    "nested": ("<div>" * 100_000 + "x" + "</div>" * 100_000, "too_deep", "nested over 512 deep"),
    "nested_unclosed": ("<span>" * 100_000, "too_deep", "nested over 512 deep"),
    "nested_lists": ("<ul><li>" * 50_000, "too_deep", "nested over 512 deep"),
    "attributes": (
        "<p " + " ".join(f"a{i}=1" for i in range(20_000)) + ">x",
        *("too_complex", "20000 attributes of one <p>"),
    ),
    "misnested": (
        "".join(f"<b id={i}><i id={i}><p>" for i in range(4000)),
        *("too_deep", "nested over 512 deep"),
    ),
    "clones": (
        "<p>" + "".join(f"<b id={i}>" for i in range(400)) + "</p>" + "<p>x</p>" * 100_000,
        *("too_complex", "over the limit of"),
    ),
    "deep_and_wide": ("<div>" * 400 + "<p>x y z</p>" * 100_000, "too_complex", "depths of tags"),
    "options": ("<select>" + "<option>x" * 300_000, "too_complex", "10001 options"),
    "tags": ("<br>" * 1_200_000, "too_complex", "1000001 tags"),
}


@pytest.mark.parametrize("case", BAD_PAGES)
def test_pages_that_would_take_quadratic_time(tmp_path: Path, case: str) -> None:
    """In a parser's tree; our own engine has none and reads them (`test_maintext.py`)."""
    page, error, words = BAD_PAGES[case]
    good_pages(tmp_path / "p")
    (tmp_path / "p" / "bad.html").write_text(page)
    found = run(tmp_path, tmp_path / "p", "html", mb=200, seconds=20, extract="resiliparse")
    assert found["errors"] == [("bad.html", error)]
    assert words in found["messages"][0]


def test_binary_and_bombs_as_pages(tmp_path: Path) -> None:
    good_pages(tmp_path / "p")
    (tmp_path / "p" / "a.html").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(5000))
    (tmp_path / "p" / "b.html.gz").write_bytes(gzip.compress(b"<p>" + b"a" * 200 * MB, 6))
    (tmp_path / "p" / "c.html").write_bytes(b"<p>" + bytes(range(128, 256)) * 20)
    found = run(tmp_path, tmp_path / "p", "html", mb=200, seconds=20)
    assert [error for _, error in found["errors"]][:2] == ["binary_file", "too_large"]
    assert "compressed bytes make over" in found["messages"][1]


# --- WARC ----------------------------------------------------------------------------------


WARC_MB = 150  # of which the kernels of main text are about 15


def response(body: bytes, head: bytes = b"Content-Type: text/html; charset=utf-8") -> bytes:
    http = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body
    return (
        b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        b"WARC-Date: 2024-01-02T03:04:05Z\r\nWARC-Target-URI: https://example.org/\r\n"
        b"Content-Type: application/http; msgtype=response\r\n"
        b"Content-Length: %d\r\n\r\n" % len(http) + http + b"\r\n\r\n"
    )


def good_members() -> list[bytes]:
    return [gzip.compress(response(PAGE.format(text).encode()), 6, mtime=0) for text in GOOD]


def warc_with(tmp_path: Path, bad: bytes) -> tuple[Path, int]:
    members = good_members()
    before = b"".join(members[:50])
    path = tmp_path / "a.warc.gz"
    path.write_bytes(before + bad + b"".join(members[50:]))
    return path, len(before)


def test_truncated_warc(tmp_path: Path) -> None:
    last = gzip.compress(response(PAGE.format("lost " * 1000).encode()), 6)
    path, _ = warc_with(tmp_path, b"")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + last[: len(last) // 2])
    found = run(tmp_path, path, "warc", mb=WARC_MB, seconds=10)
    assert found["errors"] == [(f"a.warc.gz#{size}", "truncated_gzip")]
    assert f"bytes {size} to {path.stat().st_size}" in found["messages"][0]


@pytest.mark.parametrize("place", [0, 1, 12, 60, -6, -1])
def test_flipped_bits_in_warc(tmp_path: Path, place: int) -> None:
    """In the magic, the data or the checksum: one damaged member, one row, all others read."""
    bad = bytearray(gzip.compress(response(PAGE.format("lost " * 100).encode()), 6))
    bad[place] ^= 0x10
    path, start = warc_with(tmp_path, bytes(bad))
    found = run(tmp_path, path, "warc", mb=WARC_MB, seconds=10)
    assert found["errors"] == [(f"a.warc.gz#{start}", "bad_gzip")]
    assert f"bytes {start} to {start + len(bad)} of the file" in found["messages"][0]


def test_noise_and_a_damaged_member_are_one_span(tmp_path: Path) -> None:
    bad = bytearray(gzip.compress(response(b"x" * 500), 6))
    bad[20:40] = b"\xff" * 20
    noise = random.Random(4).randbytes(300).replace(b"\x1f", b"\x1e")
    path, start = warc_with(tmp_path, noise + bytes(bad))
    found = run(tmp_path, path, "warc", mb=WARC_MB, seconds=10)
    assert found["errors"] == [(f"a.warc.gz#{start}", "bad_gzip")]
    assert f"bytes {start} to {start + 300 + len(bad)}" in found["messages"][0]


def test_warc_bomb(tmp_path: Path) -> None:
    """A record of 200 MB in 200 kB of gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    size = 200 * MB
    head = response(b"").split(b"Content-Length")[0] + b"Content-Length: %d\r\n\r\n" % size
    packed = [packer.compress(head)]
    packed += [packer.compress(b"a" * MB) for _ in range(size // MB)]
    packed += [packer.compress(b"\r\n\r\n"), packer.flush()]
    path, start = warc_with(tmp_path, b"".join(packed))
    found = run(tmp_path, path, "warc", mb=WARC_MB, seconds=20)
    assert found["errors"] == [(f"a.warc.gz#{start}", "too_large")]
    assert f"{size} bytes" in found["messages"][0]


def test_http_body_bomb(tmp_path: Path) -> None:
    """190 kB of a page that gzip made of 200 MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join([packer.compress(b"a" * MB) for _ in range(200)]) + packer.flush()
    assert len(body) < 200_000
    head = b"Content-Type: text/html\r\nContent-Encoding: gzip"
    path, start = warc_with(tmp_path, gzip.compress(response(body, head), 6))
    found = run(tmp_path, path, "warc", mb=250, seconds=20)
    assert found["errors"] == [(f"a.warc.gz#{start}", "too_large")]
    assert "compressed bytes make over the limit" in found["messages"][0]


BAD_RECORDS = {
    "no_warc": (b"hello, this is no WARC record\r\n", "bad_warc", "it begins with b'hello"),
    "endless_header": (
        b"WARC/1.1\r\n" + b"a: " + b"x" * 200_000,
        "bad_warc",
        "header line of over",
    ),
    "many_headers": (b"WARC/1.1\r\n" + b"a: b\r\n" * 50_000, "bad_warc", "a header of over"),
    "bad_length": (
        b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: -5\r\n\r\n",
        *("bad_warc", "Content-Length '-5'"),
    ),
    "short": (
        b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: 5000\r\n\r\nabc",
        *("truncated_warc", "of 5000 bytes ends after 3"),
    ),
    "no_http": (
        b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n",
        *("bad_warc", "no HTTP response"),
    ),
}


@pytest.mark.parametrize("case", BAD_RECORDS)
def test_bad_warc_records(tmp_path: Path, case: str) -> None:
    data, error, words = BAD_RECORDS[case]
    path, start = warc_with(tmp_path, gzip.compress(data, 6))
    found = run(tmp_path, path, "warc", mb=WARC_MB, seconds=10)
    assert found["errors"] == [(f"a.warc.gz#{start}", error)]
    assert words in found["messages"][0]


def test_damage_in_a_plain_warc(tmp_path: Path) -> None:
    records = [response(PAGE.format(text).encode()) for text in GOOD]
    before = b"".join(records[:50])
    bad = records[0].replace(b"Content-Length: ", b"Content-Length: x")
    (tmp_path / "a.warc").write_bytes(before + bad + b"".join(records[50:]))
    found = run(tmp_path, tmp_path / "a.warc", "warc", mb=WARC_MB, seconds=10)
    assert found["errors"] == [(f"a.warc#{len(before)}", "bad_warc")]
    assert f"bytes {len(before)} to {len(before) + len(bad)}" in found["messages"][0]


def test_records_of_old_tools(tmp_path: Path) -> None:
    """Types in capital letters, and dates as web archives name their files."""
    record = response(PAGE.format(GOOD[0]).encode())
    for old, new in ((b": response", b": RESPONSE"), (b"2024-01-02T03:04:05Z", b"20240102030405")):
        assert old in record
        record = record.replace(old, new, 1)
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(record))
    found = collect(tmp_path / "out", read="warc", path=tmp_path / "a.warc.gz")
    [row] = found.documents.to_pylist()
    assert row["created"].isoformat() == "2024-01-02T03:04:05+00:00"


def test_a_url_that_comes_again_is_another_document(tmp_path: Path) -> None:
    records = [gzip.compress(response(PAGE.format(text).encode())) for text in GOOD[:3]]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(records))
    found = collect(tmp_path / "out", read="crawled", path=tmp_path / "a.warc.gz")
    places = [len(records[0]), len(records[0]) + len(records[1])]
    url = "https://example.org/"
    assert found.uris == [url, *(f"{url}#a.warc.gz#{place}" for place in places)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20240102030405", "2024-01-02T03:04:05"),
        (19991231235959, "1999-12-31T23:59:59"),
        ("20241399000000", None),  # no date, and as milliseconds after the year 2600
        (1700000000123, "2023-11-14T22:13:20.123000"),
    ],
)
def test_fourteen_digits_are_a_date(value: object, expected: str | None) -> None:
    found = parse_time(value)
    assert (found and found.isoformat()) == (expected and f"{expected}+00:00")
