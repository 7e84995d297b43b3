"""Parts, manifests and locks: atomic, independent of batches, and honest about trouble."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from corpusmith import schema
from corpusmith.errors import BusyError, InputError
from corpusmith.store import atomic, fingerprint, parts, workspace


def documents(count: int) -> pa.Table:
    return schema.table(
        schema.DOCUMENT,
        [
            {
                "id": fingerprint.document_id("s", str(n)),
                "source": "s",
                "uri": str(n),
                "modality": "text",
                "text": "多 text 😀 " * (n % 37),
                "meta": "{}",
            }
            for n in range(count)
        ],
    )


def test_bytes_do_not_depend_on_batches(tmp_path: Path) -> None:
    table = documents(9000)
    found = set()
    for size in (1, 7, 333, 4096, 9000):
        with parts.PartWriter(tmp_path, f"p{size}") as out:
            for start in range(0, 9000, size):
                out.write("documents", table.slice(start, size))
        entry = parts.part_entry(tmp_path, f"p{size}")["files"]["documents"]
        found.add((entry["xxh3_128"], entry["rows"]))
        data = (tmp_path / entry["path"]).read_bytes()
        assert xxhash.xxh3_128_hexdigest(data) == entry["xxh3_128"]
    assert len(found) == 1
    assert parts.read_part(tmp_path, "documents", "p333").equals(table)


def test_a_part_that_is_not_durable_is_checked_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with parts.PartWriter(tmp_path, "p", round="buckets", durable=False) as out:
        out.write("documents", documents(10))
        out.open("keys").write(b"12345678")
    assert not synced
    assert parts.committed(tmp_path, "p", "buckets", checked=True)
    (tmp_path / "keys" / "p.bin").write_bytes(bytes(8))  # as a power failure may leave it
    assert parts.committed(tmp_path, "p", "buckets")
    assert not parts.committed(tmp_path, "p", "buckets", checked=True)
    with parts.PartWriter(tmp_path, "q") as out:
        out.write("documents", documents(10))
        out.open("keys").write(b"12345678")
    assert len(synced) == 3  # two files and the entry


def test_row_groups_are_bounded_by_bytes(tmp_path: Path) -> None:
    table = documents(100)
    big = "x" * (3 << 20)
    table = table.set_column(4, "text", pa.array([big] * 100, pa.large_string()))
    with parts.PartWriter(tmp_path, "p") as out:
        out.write("documents", table)
    groups = list(parts.iter_part(tmp_path, "documents", "p"))
    assert [group.num_rows for group in groups[:2]] == [3, 3]  # the row that passes 8 MiB closes


def test_signals_of_lists_are_cut_by_their_bytes(tmp_path: Path) -> None:
    hashes = pa.array([[1] * 100_000] * 25, pa.list_(pa.uint64()))  # 0.8 MB a row
    with parts.PartWriter(tmp_path, "p") as out:
        out.write("signals", pa.table({"id": [str(n) for n in range(25)], "hashes": hashes}))
    assert [g.num_rows for g in parts.iter_part(tmp_path, "signals", "p")] == [11, 11, 3]


def test_the_bytes_of_rows() -> None:
    """Strings by their UTF-8, lists by their values, numbers beside them not; in slices as well."""
    pair = pa.struct([("role", pa.string()), ("content", pa.string())])
    table = pa.table(
        {
            "text": pa.array(["ab", None, "多", ""], pa.large_string()),
            "raw": pa.array([b"12345", b"", None, b"1"], pa.large_binary()),
            "fixed": pa.array([b"1234"] * 4, pa.binary(4)),
            "number": pa.array([1, 2, 3, None], pa.int64()),
            "numbers": pa.array([[1, 2, 3], [], None, [4]], pa.list_(pa.uint64())),
            "words": pa.array([["a", None], None, ["bcd"], []], pa.list_(pa.string())),
            "messages": pa.array(
                [
                    [{"role": "r", "content": "abc"}] * 2,
                    [],
                    None,
                    [{"role": None, "content": "多"}],
                ],
                pa.list_(pair),
            ),
        }
    )
    expected = [2 + 5 + 4 + 24 + 1 + 8, 4, 3 + 4 + 3, 1 + 4 + 8 + 3]
    assert parts.row_bytes(table).tolist() == expected
    assert parts.row_bytes(table.slice(1, 2)).tolist() == expected[1:3]
    both = pa.concat_tables([table.slice(2), table.slice(0, 0), table.slice(0, 1)])
    assert parts.row_bytes(both).tolist() == [*expected[2:], expected[0]]
    assert parts.row_bytes(table.slice(0, 0)).tolist() == []


def test_nothing_remains_of_a_part_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), parts.PartWriter(tmp_path, "p") as out:
        out.write("documents", documents(3))
        raise ZeroDivisionError
    assert not parts.committed(tmp_path, "p")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_rows_that_stay_as_they_were_are_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link, a copy on a disk without links and what was written anew are the same bytes."""
    table = documents(5000)
    with parts.PartWriter(tmp_path / "a", "p") as out:
        out.write("documents", table)
    for folder in ("b", "b"):  # and again over what a killed run left
        with parts.PartWriter(tmp_path / folder, "p") as out:
            out.take_over("documents", tmp_path / "a", "p")
    first, linked = (parts.file_path(tmp_path / f, "documents", "p") for f in "ab")
    assert first.stat().st_ino == linked.stat().st_ino
    with parts.PartWriter(tmp_path / "some", "p") as out:
        out.take_over("documents", tmp_path / "a", "p", table["id"].slice(100, 4800).chunks)
    assert parts.read_part(tmp_path / "some", "documents", "p").equals(table.slice(100, 4800))

    def no_links(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", no_links)
    with parts.PartWriter(tmp_path / "c", "p") as out:
        out.take_over("documents", tmp_path / "a", "p")
    entries = [parts.part_entry(tmp_path / folder, "p") for folder in "abc"]
    assert entries[0] == entries[1] == entries[2]
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


def test_hashes_are_stored_as_they_are_and_the_rest_is_packed(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["x", "y"],
            "hashes": pa.array([bytes(800), None], pa.large_binary()),
            "spans": [[{"words": ["a"], "n": 1}], []],
        }
    )
    with parts.PartWriter(tmp_path, "p") as out:
        out.write("signals", table)
    group = pq.read_metadata(parts.file_path(tmp_path, "signals", "p")).row_group(0)
    columns = [group.column(n) for n in range(group.num_columns)]
    packed = {c.path_in_schema.partition(".")[0]: c.compression for c in columns}
    assert packed == {"id": "ZSTD", "hashes": "UNCOMPRESSED", "spans": "ZSTD"}
    assert {c.compression for c in columns if c.path_in_schema != "hashes"} == {"ZSTD"}
    assert parts.read_part(tmp_path, "signals", "p").equals(table)


def test_a_part_with_a_lost_file_is_not_committed(tmp_path: Path) -> None:
    with parts.PartWriter(tmp_path, "p") as out:
        out.write("documents", documents(3))
    assert parts.committed(tmp_path, "p")
    parts.file_path(tmp_path, "documents", "p").unlink()
    assert not parts.committed(tmp_path, "p")


def test_other_files_are_part_of_the_part(tmp_path: Path) -> None:
    with parts.PartWriter(tmp_path, "p") as out:
        out.open(".", suffix=".bin").write(b"abc")
    entry = parts.part_entry(tmp_path, "p")
    [file] = entry["files"].values()
    assert file["path"] == "p.bin"
    assert (tmp_path / "p.bin").read_bytes() == b"abc"


def test_document_ids_are_stable() -> None:
    # xxh3_128 of "web\0a.html", computed with the xxhsum command line tool's algorithm.
    expected = xxhash.xxh3_128(b"web\x00a.html").hexdigest()
    assert fingerprint.document_id("web", "a.html") == expected
    assert len(expected) == 32
    assert fingerprint.document_id("we", "ba.html") != expected


def test_file_hashes_are_cached_and_renewed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with fingerprint.FileHashes(tmp_path / "cache") as hashes:
        first = hashes.hash(path)
        assert first == xxhash.xxh3_128_hexdigest(b"one")
        path.write_bytes(b"two!")
        assert hashes.hash(path) == xxhash.xxh3_128_hexdigest(b"two!")
    with fingerprint.FileHashes(tmp_path / "cache") as hashes, pytest.raises(InputError):
        hashes.hash(tmp_path / "gone")


def _hold(root: Path, started: object) -> None:
    with workspace.Workspace(root).lock(root / "store" / "x-1"):
        started.set()  # type: ignore[attr-defined]
        time.sleep(60)


def test_a_busy_result_names_its_holder_and_others_are_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, started))
    process.start()
    try:
        assert started.wait(30)
        space = workspace.Workspace(tmp_path)
        with pytest.raises(BusyError) as caught, space.lock(tmp_path / "store" / "x-1"):
            pass
        assert f"process {process.pid} since " in caught.value.what
        assert caught.value.exit_code == 2
        with space.lock(tmp_path / "store" / "y-2"):
            pass
        process.kill()
        process.join()
        with space.lock(tmp_path / "store" / "x-1"):
            pass  # the kernel freed it with its holder
    finally:
        process.kill()


def test_a_newer_schema_is_refused_by_name(tmp_path: Path) -> None:
    atomic.write_json(tmp_path / "manifest.json", {"schema": 99, "fingerprint": "f"})
    with pytest.raises(InputError, match="schema 99"):
        workspace.read_manifest(tmp_path)


def test_the_key_for_masked_text_is_made_once_and_private(tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    key = workspace.user_key(environment)
    assert len(key) == 32
    assert workspace.user_key(environment) == key
    assert os.stat(tmp_path / "corpusmith" / "pii.key").st_mode & 0o077 == 0
    assert workspace.user_key({"CORPUSMITH_PII_KEY": "abc"}) == b"abc"


def test_json_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    atomic.write_json(path, {"名": [1, 2.5]})
    assert json.loads(path.read_text()) == {"名": [1, 2.5]}
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]
