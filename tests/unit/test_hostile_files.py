"""Hostile Parquet, CSV and text files, and what stands in a folder in place of a file."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpusmith.collect.errors import ERRORS
from tests.collect_run import collect
from tests.hostile import GOOD, MB, jsonl_with, run
from tests.inline import InlineEngine

# --- Parquet


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
    """One value of 20 MB, 100 times, in a file of some kilobytes: 2 GB if read at once."""
    big = pa.DictionaryArray.from_arrays(
        pa.array([0] * 100 + list(range(1, 101)), pa.int32()), pa.array(["b" * 20 * MB, *GOOD])
    )
    pq.write_table(pa.table({"text": big}), tmp_path / "a.parquet", compression="zstd")
    assert (tmp_path / "a.parquet").stat().st_size < MB
    found = run(
        *(tmp_path, tmp_path / "a.parquet", "parquet"),
        **{"mb": 500, "seconds": 20, "max_document_bytes": MB},
    )
    assert [error for _, error in found["errors"]] == ["too_large"] * 100


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
        **{"mb": 250, "seconds": 20, "max_document_bytes": 8 << 20},
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


def test_csv_with_the_line_ends_of_an_old_mac(tmp_path: Path) -> None:
    """The whole file would pass for its header, and nothing be read of it."""
    (tmp_path / "a.csv").write_bytes(b"text,n\rone,1\rtwo,2\r")
    (tmp_path / "b.csv").write_bytes(b"text,n\r\n" + "".join(f"{g},1\r\n" for g in GOOD).encode())
    found = run(tmp_path, tmp_path, "csv", mb=100, seconds=5)
    assert found["errors"] == [("a.csv#0", "bad_csv")]
    assert "lines must end in LF or CR LF" in found["messages"][0]


def test_a_document_that_hung_a_worker_is_left_out(tmp_path: Path) -> None:
    path, offsets = jsonl_with(tmp_path, [b'{"text": "killer"}'])
    uri = f"a.jsonl#{offsets[0]}"
    engine = InlineEngine(skip={uri: ("timeout", f"{uri}: over 60 seconds in collect.s")})
    found = collect(tmp_path / "out", engine, read="jsonl", path=path)
    assert found.texts == GOOD and found.errors == [(uri, "timeout")]


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
