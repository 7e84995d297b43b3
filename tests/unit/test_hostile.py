"""Input that attacks: each ends in quarantine under its name, with figures, within bounds of memory
and time, and a hundred good neighbours are read as if nothing had been there.

Here: JSON Lines, encodings, compressed streams and size; the rest is in `test_hostile_files` and
`test_hostile_web`.
"""

from __future__ import annotations

import codecs
import gzip
import json
import random
import zlib
from pathlib import Path
from typing import Any

import pytest
import zstandard

from corpusmith.collect import jsonl_texts
from tests.collect_run import collect, measured
from tests.hostile import GOOD, MB, good_lines, jsonl_with, run

BAD_LINES = {
    "no_json": (b'{"text": "cut off', "bad_json", "Unterminated string"),
    "no_object": (b'["text"]', "not_an_object", "holds a list"),
    "no_text": (b'{"body": "x"}', "no_text", "'text' is missing; fields are: 'body'"),
    "null_text": (b'{"text": null}', "no_text", "'text' is null"),
    "text_is_a_number": (b'{"text": 12}', "bad_field", "holds a int"),
    "nul_bytes": (b'{"text": "a\0\0"}', "nul_bytes", "2 NUL bytes, the first at character 11"),
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


def test_long_lines_are_read_like_short_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel takes the text out of a long line, a parser reads a short one whole."""
    odd = [
        b'{"text": "odd\tone\\u0000", "a": NaN, "b": 1e999, "c": "\\ud800", "d": -Infinity}',
        b' {"n": {"text": "}\\""}, "text" : "\\ud83d\\ude00\\/\\u00e9", "date": "2024-02-29"} ',
        b'\xef\xbb\xbf{"text": "a mark"}',
        b'{"messages": [{"role": "user", "content": "hi"}], "text": "", "license": "MIT"}',
        b'{"messages": [{"role": "user", "content": "hi"}], "license": "MIT", "lang": "en"}',
        '{"text": "Voil\u00e0 o\u00f9 l\u2019on a mis des accents."}'.encode("cp1252"),
        b'{"te\\u0078t": "escaped name"}',
        b'{"text": "x"} more',
        b'{"n": [1, {]}, "text": "x"}',
    ]
    path, _ = jsonl_with(tmp_path, [*(line for line, _, _ in BAD_LINES.values()), *odd])
    found = []
    for limit in (0, 1 << 30):
        monkeypatch.setattr(jsonl_texts, "KERNEL_BYTES", limit)
        found.append(collect(tmp_path / str(limit), read="jsonl", path=path))
    assert found[0].documents.equals(found[1].documents)
    assert found[0].quarantine.equals(found[1].quarantine)
    assert found[0].info == found[1].info
    assert found[0].info["quarantined"] == len(BAD_LINES) + 2
    assert "\U0001f600/\u00e9" in found[0].texts


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
    size = 200 * MB
    path = tmp_path / f"a.jsonl.{kind}"
    path.write_bytes(bomb(kind, size))
    assert path.stat().st_size < MB
    found = run(tmp_path, path, "jsonl", mb=200, seconds=20)
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
    """150 MB of JSON Lines in under 250 MB (`benchmarks/memory.py` reads 1 GB)."""
    line = json.dumps({"text": "all work and no play " * 500}).encode() + b"\n"
    block = line * 100
    count = 150 * MB // len(block)
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
    assert found["bytes"] < 250 * MB and found["seconds"] < 60


def measured_info(folder: Path, path: Path) -> dict:
    return measured(folder, read="jsonl", path=path, figures_only=True)
