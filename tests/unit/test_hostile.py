"""Input that attacks: each ends in quarantine under its name, with figures, within bounds of memory
and time, and a hundred good neighbours are read as if nothing had been there."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import random
import sys
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from corpusmith.collect.errors import ERRORS
from tests.collect_run import InlineEngine, collect, measured

MB = 1_000_000
GOOD = [f"good record {i}; 第{i}条" for i in range(100)]


def good_lines() -> list[bytes]:
    return [json.dumps({"text": text}, ensure_ascii=False).encode() for text in GOOD]


def run(tmp_path: Path, path: Path, read: str, *, mb: float, seconds: float, **params: Any) -> dict:
    """Collect in a process of its own; all good neighbours must be there, in order."""
    found = measured(tmp_path / "out", read=read, path=path, **params)
    good = [text for text in found["texts"] if text.startswith("good record")]
    assert good == GOOD
    assert found["bytes"] < mb * MB, f"{found['bytes'] / MB:.0f} MB"
    assert found["seconds"] < seconds
    assert {error for _, error in found["errors"]} <= ERRORS.keys()
    return found


def jsonl_with(tmp_path: Path, bad: list[bytes], name: str = "a.jsonl") -> tuple[Path, list[int]]:
    """100 good lines with the bad ones in the middle; (path, offsets of the bad lines)."""
    lines = good_lines()
    data = b"\n".join(lines[:50]) + b"\n"
    offsets = []
    for line in bad:
        offsets.append(len(data))
        data += line + b"\n"
    data += b"\n".join(lines[50:]) + b"\n"
    path = tmp_path / name
    path.write_bytes(data)
    return path, offsets


BAD_LINES = {
    "no_json": (b'{"text": "cut off', "bad_json", "Unterminated string"),
    "no_object": (b'["text"]', "not_an_object", "holds a list"),
    "no_text": (b'{"body": "x"}', "no_text", "'text' is missing; fields are: 'body'"),
    "null_text": (b'{"text": null}', "no_text", "'text' is null"),
    "text_is_a_number": (b'{"text": 12}', "bad_field", "holds a int"),
    "nul_bytes": (b'{"text": "a"\0\0}', "bad_json", "the line has NUL bytes"),
    "lone_surrogate": (b'{"text": "a\\ud800b"}', "lone_surrogate", "U+D800, at character 1 of 3"),
    "surrogate_in_messages": (
        b'{"messages": [{"role": "user", "content": "\\udfff"}]}',
        *("lone_surrogate", "U+DFFF"),
    ),
    "duplicate_key": (b'{"text": "a", "text": "b"}', "duplicate_key", "'text' occurs twice"),
    "huge_number": (b'{"text": "a", "n": ' + b"9" * 5000 + b"}", "huge_number", "4300 digits"),
    "deep_json": (
        b'{"text": "a", "n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        *("too_deep", "100000 brackets"),
    ),
    "unclosed_deep_json": (b"[" * 2_000_000, "too_deep", "2000000 brackets"),
    "damaged_utf8": (
        '{"text": "中文和'.encode() + b'\xe6"}',
        *("bad_encoding", "not valid utf-8: byte 0xe6 at offset 19"),
    ),
    "no_encoding": (b'{"text": "\x80\x81\x82\x83"}', "bad_encoding", "no other encoding fits"),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_bad_json_lines(tmp_path: Path, case: str) -> None:
    line, error, words = BAD_LINES[case]
    path, offsets = jsonl_with(tmp_path, [line])
    found = run(tmp_path, path, "jsonl", mb=100, seconds=5)
    assert found["errors"] == [(f"a.jsonl#{offsets[0]}", error)]
    assert words in found["messages"][0]
    assert found["info"]["read"] == 101


def test_what_json_lacks_but_writers_write_is_kept(tmp_path: Path) -> None:
    """NaN, infinity, numbers beyond a double, raw tabs, surrogates elsewhere, escaped NULs."""
    line = b'{"text": "odd\tone\\u0000", "a": NaN, "b": 1e999, "c": "\\ud800", "d": -Infinity}'
    path, _ = jsonl_with(tmp_path, [line])
    found = run(tmp_path, path, "jsonl", mb=100, seconds=5)
    assert found["errors"] == []
    odd = found["texts"].index("odd\tone\0")
    assert found["meta"][odd] == {"a": "NaN", "b": "inf", "c": "\ud800", "d": "-Infinity"}


def test_wrong_encodings_are_repaired_and_counted(tmp_path: Path) -> None:
    texts = {
        "gb18030": "这是一个用来测试编码识别的中文句子，我们希望它能够正确工作。",
        "cp1252": "Voilà une phrase française, où l\u2019on a déjà mis des accents.",
        "cp932": "これは文字コードの判定を試験するための日本語の文章です。",
        "cp1251": "Это предложение на русском языке для проверки кодировки.",
    }
    bad = [('{"text": "' + text + '"}').encode(name) for name, text in texts.items()]
    astral = "\U0001f600".encode("utf-16-be")  # each surrogate as three bytes: CESU-8
    cesu = b'{"text": "smile ' + b"".join(
        chr(int.from_bytes(astral[i : i + 2])).encode("utf-8", "surrogatepass") for i in (0, 2)
    )
    path, _ = jsonl_with(tmp_path, [*bad, cesu + b'"}'])
    found = run(tmp_path, path, "jsonl", mb=100, seconds=5)
    assert found["texts"][50:55] == [*texts.values(), "smile \U0001f600"]
    assert found["info"]["repaired_encoding"] == 5 and found["errors"] == []


def test_declared_encoding_is_no_repair(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text": "中"}\n'.encode("big5"))
    found = collect(tmp_path / "out", read="jsonl", path=path, encoding="big5")
    assert found.texts == ["中"] and found.info["repaired_encoding"] == 0


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32", "utf-16-be"])
def test_byte_order_marks(tmp_path: Path, codec: str) -> None:
    text = "\n".join(json.dumps({"text": t}, ensure_ascii=False) for t in GOOD)
    mark = codecs.BOM_UTF16_BE if codec == "utf-16-be" else b""
    (tmp_path / "a.jsonl").write_bytes(mark + text.encode(codec))
    found = run(tmp_path, tmp_path / "a.jsonl", "jsonl", mb=100, seconds=5, part_bytes=1000)
    assert found["errors"] == [] and found["info"]["repaired_encoding"] == 0
    (tmp_path / "b.txt").write_bytes(mark + "good, 好".encode(codec))
    whole = collect(tmp_path / "b", read="text", path=tmp_path / "b.txt")
    assert whole.texts == ["good, 好"]


def test_empty_files_and_blank_lines(tmp_path: Path) -> None:
    path, _ = jsonl_with(tmp_path, [b"", b"  \r"])
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "empty.txt").write_bytes(b"")
    found = run(tmp_path, path.parent / "*.jsonl", "jsonl", mb=100, seconds=5)
    assert found["info"]["read"] == 100 and found["errors"] == []
    assert collect(tmp_path / "c", read="csv", path=tmp_path / "empty.csv").info["read"] == 0
    assert collect(tmp_path / "t", read="text", path=tmp_path / "empty.txt").texts == [""]


# --- compressed streams --------------------------------------------------------------------


def packed_good(extra: int = 0) -> bytes:
    """The good lines, then lines of noise, so that damage behind them has a place."""
    random_ = random.Random(3)
    noise = [json.dumps({"text": random_.randbytes(1000).hex()}).encode() for _ in range(extra)]
    return b"\n".join([*good_lines(), *noise]) + b"\n"


@pytest.mark.parametrize("extra", [400, 3000])  # read as it is, or cut into chunks beforehand
def test_truncated_gzip(tmp_path: Path, extra: int) -> None:
    data = gzip.compress(packed_good(extra), 1)
    (tmp_path / "a.jsonl.gz").write_bytes(data[: len(data) * 2 // 3])
    found = run(tmp_path, tmp_path / "a.jsonl.gz", "jsonl", mb=120, seconds=10)
    assert [error for _, error in found["errors"]] == ["truncated_gzip"]
    assert "without its end mark" in found["messages"][0]
    offset = int(found["errors"][0][0].split("#")[1])
    assert packed_good(extra)[:offset].count(b"\n") == found["info"]["documents"] > 200


@pytest.mark.parametrize("extra", [400, 3000])
def test_broken_gzip(tmp_path: Path, extra: int) -> None:
    data = bytearray(gzip.compress(packed_good(extra), 1))
    middle = len(data) * 2 // 3
    data[middle : middle + 64] = bytes(64)
    (tmp_path / "a.jsonl.gz").write_bytes(data)
    found = run(tmp_path, tmp_path / "a.jsonl.gz", "jsonl", mb=120, seconds=10)
    errors = [error for _, error in found["errors"]]
    assert errors[-1] == "bad_gzip" and "is damaged near byte" in found["messages"][-1]
    assert found["info"]["documents"] > 200


@pytest.mark.parametrize("extra", [400, 3000])
@pytest.mark.parametrize("harm", ["truncated_zstd", "bad_zstd"])
def test_damaged_zstd(tmp_path: Path, extra: int, harm: str) -> None:
    packer = zstandard.ZstdCompressor(1, write_checksum=True)
    data = bytearray(packer.compress(packed_good(extra)))
    middle = len(data) * 2 // 3
    if harm == "truncated_zstd":
        del data[middle:]
    else:
        data[middle : middle + 64] = b"\xff" * 64
    (tmp_path / "a.jsonl.zst").write_bytes(data)
    found = run(tmp_path, tmp_path / "a.jsonl.zst", "jsonl", mb=150, seconds=10)
    assert [error for _, error in found["errors"]][-1] == harm


def test_members_padding_and_garbage_after_gzip(tmp_path: Path) -> None:
    lines = good_lines()
    data = gzip.compress(b"\n".join(lines[:50]) + b"\n") + gzip.compress(b"\n".join(lines[50:]))
    (tmp_path / "a.jsonl.gz").write_bytes(data + bytes(5000))
    assert run(tmp_path, tmp_path / "a.jsonl.gz", "jsonl", mb=100, seconds=5)["errors"] == []
    (tmp_path / "b.jsonl.gz").write_bytes(data.replace(b"\n", b"\n") + b"garbage" * 10)
    found = collect(tmp_path / "b", read="jsonl", path=tmp_path / "b.jsonl.gz")
    assert [error for _, error in found.errors] == ["bad_gzip"]


def test_zip_and_other_formats_are_named(tmp_path: Path) -> None:
    jsonl_with(tmp_path, [])
    (tmp_path / "bomb.jsonl").write_bytes(b"PK\x03\x04" + bytes(100))
    (tmp_path / "x.jsonl").write_bytes(b"\xfd7zXZ\0" + bytes(100))
    found = run(tmp_path, tmp_path, "jsonl", mb=100, seconds=5)
    assert found["errors"] == [
        ("bomb.jsonl#0", "unknown_compression"),
        ("x.jsonl#0", "unknown_compression"),
    ]
    assert "zip" in found["messages"][0] and "xz" in found["messages"][1]


def bomb(kind: str, size: int) -> bytes:
    """A line of `size` bytes in a few kilobytes, behind fifty good lines and before fifty more."""
    lines = good_lines()
    pieces = [b"\n".join(lines[:50]) + b'\n{"text": "', *[b"a" * MB] * (size // MB)]
    pieces.append(b'"}\n' + b"\n".join(lines[50:]) + b"\n")
    if kind == "gz":
        packer: Any = zlib.compressobj(6, zlib.DEFLATED, 31)
        packed = [packer.compress(piece) for piece in pieces]
    else:
        packer = zstandard.ZstdCompressor().compressobj()
        packed = [packer.compress(piece) for piece in pieces]
    return b"".join([*packed, packer.flush()])


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_decompression_bombs_of_one_line(tmp_path: Path, kind: str) -> None:
    size = 400 * MB
    path = tmp_path / f"a.jsonl.{kind}"
    path.write_bytes(bomb(kind, size))
    assert path.stat().st_size < MB
    found = run(tmp_path, path, "jsonl", mb=250, seconds=20)
    assert [error for _, error in found["errors"]] == ["too_large"]
    assert f"{size + 12} bytes, over the limit of 67108864" in found["messages"][0]


def test_one_line_of_1_gb(tmp_path: Path) -> None:
    """Sparse, so it costs no disk; every range of the file must find out that it owns nothing."""
    path = tmp_path / "a.jsonl"
    lines = good_lines()
    with open(path, "wb") as file:
        file.write(b"\n".join(lines[:50]) + b"\n")
        start = file.tell()
        file.seek(10**9)
        end = file.tell()
        file.write(b"\n" + b"\n".join(lines[50:]))
    found = run(tmp_path, path, "jsonl", mb=200, seconds=60)
    assert found["errors"] == [(f"a.jsonl#{start}", "too_large")]
    assert f"{end - start} bytes" in found["messages"][0]


@pytest.mark.parametrize("kind", ["", "gz", "zst"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    """200 MB of JSON Lines under 300 MB (`benchmarks/memory.py` reads 1 GB)."""
    line = json.dumps({"text": "all work and no play " * 500}).encode() + b"\n"
    block = line * 100
    count = 200 * MB // len(block)
    path = tmp_path / f"a.jsonl{'.' + kind if kind else ''}"
    packer: Any = None
    if kind:
        packer = (
            zlib.compressobj(1, zlib.DEFLATED, 31)
            if kind == "gz"
            else zstandard.ZstdCompressor(1).compressobj()
        )
    with open(path, "wb") as file:
        for _ in range(count):
            file.write(packer.compress(block) if packer else block)
        file.write((packer.flush() if packer else b"") if packer else b"")
    found = measured_info(tmp_path / "out", path)
    assert found["info"]["documents"] == 100 * count
    assert found["bytes"] < 300 * MB and found["seconds"] < 60


def measured_info(folder: Path, path: Path) -> dict:
    return measured(folder, read="jsonl", path=path, figures_only=True)


# --- Parquet -------------------------------------------------------------------------------


def parquet(path: Path, texts: list[str], **options: Any) -> bytes:
    pq.write_table(pa.table({"text": texts}), path, **options)
    return path.read_bytes()


def test_truncated_parquet(tmp_path: Path) -> None:
    parquet(tmp_path / "good.parquet", GOOD)
    data = parquet(tmp_path / "bad.parquet", ["x" * 1000] * 1000, compression="none")
    for keep in (0, 3, len(data) // 2, len(data) - 1):
        (tmp_path / f"bad{keep:07d}.parquet").write_bytes(data[:keep])
    (tmp_path / "bad.parquet").unlink()
    found = run(tmp_path, tmp_path, "parquet", mb=120, seconds=10)
    assert [error for _, error in found["errors"]] == ["bad_parquet"] * 4
    assert found["errors"][0][0] == "bad0000000.parquet"


def test_damaged_parquet_pages(tmp_path: Path) -> None:
    """A row group with a damaged page is one row of quarantine; the others are read."""
    texts = [f"{i} " + random.Random(i).randbytes(100).hex() for i in range(300)]
    data = bytearray(
        parquet(
            *(tmp_path / "a.parquet", [*GOOD, *texts]),
            **{"row_group_size": 100, "compression": "zstd", "use_dictionary": False},
        )
    )
    start = pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(2).column(0).data_page_offset
    data[start + 40 : start + 4000] = os.urandom(3960)
    (tmp_path / "a.parquet").write_bytes(data)
    found = run(tmp_path, tmp_path / "a.parquet", "parquet", mb=120, seconds=10)
    assert found["errors"] == [("a.parquet#row=200", "bad_parquet")]
    assert "rows 200 to 299 can't be read" in found["messages"][0]
    assert found["info"]["documents"] == 300


def test_parquet_dictionary_bomb(tmp_path: Path) -> None:
    """One value of 20 MB, 500 times, in a file of some kilobytes: 10 GB if read at once."""
    big = pa.DictionaryArray.from_arrays(
        pa.array([0] * 500 + list(range(1, 101)), pa.int32()), pa.array(["b" * 20 * MB, *GOOD])
    )
    pq.write_table(pa.table({"text": big}), tmp_path / "a.parquet", compression="zstd")
    assert (tmp_path / "a.parquet").stat().st_size < MB
    found = run(
        *(tmp_path, tmp_path / "a.parquet", "parquet"),
        **{"mb": 500, "seconds": 30, "max_document_bytes": MB},
    )
    assert [error for _, error in found["errors"]] == ["too_large"] * 500


# --- files ---------------------------------------------------------------------------------


def test_nul_bytes_in_text(tmp_path: Path) -> None:
    for i, text in enumerate(GOOD):
        (tmp_path / f"{i:03d}.txt").write_text(text)
    (tmp_path / "bad.txt").write_bytes(b"a\0b" * 10)
    (tmp_path / "image.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10)
    found = run(tmp_path, tmp_path, "text", mb=100, seconds=5)
    assert found["errors"] == [("bad.txt", "nul_bytes"), ("image.txt", "nul_bytes")]
    assert "10 NUL bytes in 30, the first at offset 1" in found["messages"][0]


def test_symlink_loops_pipes_and_files_that_vanished(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "real").mkdir(parents=True)
    for i, text in enumerate(GOOD):
        (tree / "real" / f"{i:03d}.txt").write_text(text)
    (tree / "real" / "up").symlink_to(tree)
    (tree / "again").symlink_to(tree / "real")
    (tree / "self").symlink_to(tree / "self")
    (tree / "a.txt").symlink_to(tree / "b.txt")
    (tree / "b.txt").symlink_to(tree / "a.txt")
    (tree / "gone.txt").symlink_to(tree / "nowhere")
    os.mkfifo(tree / "pipe.txt")
    found = run(tmp_path, tree / "**" / "*.txt", "text", mb=100, seconds=5)
    assert found["errors"] == [
        ("a.txt", "unreadable"),
        ("b.txt", "unreadable"),
        ("gone.txt", "unreadable"),
        ("pipe.txt", "not_regular"),
    ]
    assert "No such file" in found["messages"][2] and "no plain file" in found["messages"][3]
    assert found["info"]["skipped"] == {"linked_again": 2}
    assert {uri.split("/")[0] for uri in found["uris"]} == {"real"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that refuses to be read: /proc")
def test_unreadable_file(tmp_path: Path) -> None:
    """As root nothing is forbidden, but reading one's own memory from 0 is an I/O error."""
    jsonl_with(tmp_path, [])
    (tmp_path / "bad.jsonl").symlink_to("/proc/self/mem")
    found = run(tmp_path, tmp_path, "jsonl", mb=100, seconds=5)
    assert found["errors"] == [("bad.jsonl#0", "unreadable")]
    assert "Input/output error" in found["messages"][0]


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("the file system refuses such names")
    folder = os.fsencode(tmp_path / "t")
    os.mkdir(folder)
    for i, text in enumerate(GOOD):
        with open(os.path.join(folder, b"%03d\xff.txt" % i), "w") as file:
            file.write(text)
    found = run(tmp_path, tmp_path / "t", "text", mb=100, seconds=5)
    assert found["uris"][7] == "007%FF.txt"


def test_csv_with_unclosed_quotes(tmp_path: Path) -> None:
    rows = [f"{i},{text}" for i, text in enumerate(GOOD)]
    bad = ['x,"never closed', 'y,"closed" too early', "z,one,too,many"]
    (tmp_path / "a.csv").write_text("\n".join(["id,text", *rows[:50], *bad, *rows[50:]]))
    found = run(tmp_path, tmp_path / "a.csv", "csv", mb=100, seconds=5)
    assert [error for _, error in found["errors"]] == ["bad_csv"] * 3
    assert "a quote that is not closed" in found["messages"][0]
    assert "4 fields, the header has 2" in found["messages"][2]


def test_csv_whose_last_quote_never_ends(tmp_path: Path) -> None:
    """30 MB behind an open quote: found out within the limit, and every row after it is read."""
    rows = [f"{i},{text}" for i, text in enumerate(GOOD)]
    line = "9," + "x" * 100_000 + "\n"
    with open(tmp_path / "a.csv", "w") as file:
        file.write("id,text\n" + "\n".join(rows) + '\nx,"never closed\n')
        for _ in range(300):
            file.write(line)
    found = run(
        *(tmp_path, tmp_path / "a.csv", "csv"),
        **{"mb": 150, "seconds": 20, "max_document_bytes": 8 << 20},
    )
    assert found["info"]["documents"] == 400
    assert [error for _, error in found["errors"]] == ["bad_csv"]


def test_csv_headers_that_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,text\nx,y\n")
    (tmp_path / "b.csv").write_text('"text\nx\n')
    (tmp_path / "c.csv").write_text("text\n" + "\n".join(GOOD))
    found = run(tmp_path, tmp_path, "csv", mb=100, seconds=5)
    assert found["errors"] == [("a.csv#0", "bad_csv"), ("b.csv#0", "bad_csv")]
    assert "'text' more than once" in found["messages"][0]


def test_a_document_that_hung_a_worker_is_left_out(tmp_path: Path) -> None:
    path, offsets = jsonl_with(tmp_path, [b'{"text": "killer"}'])
    engine = InlineEngine()
    uri = f"a.jsonl#{offsets[0]}"
    engine.skip = {uri: ("timeout", f"{uri}: over 60 seconds in collect.s")}
    found = collect(tmp_path / "out", engine, read="jsonl", path=path)
    assert found.texts == GOOD and found.errors == [(uri, "timeout")]


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
    "tags": ("<br>" * 1_200_000, "too_complex", "1000001 tags"),
}


@pytest.mark.parametrize("case", BAD_PAGES)
def test_pages_that_would_take_quadratic_time(tmp_path: Path, case: str) -> None:
    page, error, words = BAD_PAGES[case]
    good_pages(tmp_path / "p")
    (tmp_path / "p" / "bad.html").write_text(page)
    found = run(tmp_path, tmp_path / "p", "html", mb=200, seconds=20)
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
    found = run(tmp_path, path, "warc", mb=120, seconds=10)
    assert found["errors"] == [(f"a.warc.gz#{size}", "truncated_gzip")]
    assert f"bytes {size} to {path.stat().st_size}" in found["messages"][0]


@pytest.mark.parametrize("place", [0, 1, 12, 60, -6, -1])
def test_flipped_bits_in_warc(tmp_path: Path, place: int) -> None:
    """In the magic, the data or the checksum: one damaged member, one row, all others read."""
    bad = bytearray(gzip.compress(response(PAGE.format("lost " * 100).encode()), 6))
    bad[place] ^= 0x10
    path, start = warc_with(tmp_path, bytes(bad))
    found = run(tmp_path, path, "warc", mb=120, seconds=10)
    assert found["errors"] == [(f"a.warc.gz#{start}", "bad_gzip")]
    assert f"bytes {start} to {start + len(bad)} of the file" in found["messages"][0]


def test_noise_and_a_damaged_member_are_one_span(tmp_path: Path) -> None:
    bad = bytearray(gzip.compress(response(b"x" * 500), 6))
    bad[20:40] = b"\xff" * 20
    noise = random.Random(4).randbytes(300).replace(b"\x1f", b"\x1e")
    path, start = warc_with(tmp_path, noise + bytes(bad))
    found = run(tmp_path, path, "warc", mb=120, seconds=10)
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
    found = run(tmp_path, path, "warc", mb=120, seconds=20)
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
    found = run(tmp_path, path, "warc", mb=120, seconds=10)
    assert found["errors"] == [(f"a.warc.gz#{start}", error)]
    assert words in found["messages"][0]


def test_damage_in_a_plain_warc(tmp_path: Path) -> None:
    records = [response(PAGE.format(text).encode()) for text in GOOD]
    before = b"".join(records[:50])
    bad = records[0].replace(b"Content-Length: ", b"Content-Length: x")
    (tmp_path / "a.warc").write_bytes(before + bad + b"".join(records[50:]))
    found = run(tmp_path, tmp_path / "a.warc", "warc", mb=120, seconds=10)
    assert found["errors"] == [(f"a.warc#{len(before)}", "bad_warc")]
    assert f"bytes {len(before)} to {len(before) + len(bad)}" in found["messages"][0]


def test_random_noise_is_no_crash(tmp_path: Path) -> None:
    """Every reader on noise with a plausible beginning."""
    random_ = random.Random(5)
    beginnings = [b"", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"PAR1", b"WARC/1.0\r\n", b'{"text"']
    names = {
        **{"jsonl": "jsonl", "csv": "csv", "tsv": "tsv", "text": "txt", "markdown": "md"},
        **{"html": "html", "warc": "warc.gz", "wet": "warc.wet.gz", "parquet": "parquet"},
        "code": "py",
    }
    for read, suffix in names.items():
        folder = tmp_path / read
        folder.mkdir()
        for i, start in enumerate(beginnings):
            (folder / f"{i}.{suffix}").write_bytes(start + random_.randbytes(2000))
        found = collect(tmp_path / f"out-{read}", read=read, path=folder)
        assert {error for _, error in found.errors} <= ERRORS.keys()
