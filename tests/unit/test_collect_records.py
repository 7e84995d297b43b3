"""JSON Lines, CSV, TSV, Parquet and lines of text: fields, splitting, order, conservation."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.collect.delimited import rows
from corpusmith.collect.lines import lines, range_lines
from corpusmith.collect.readers import CsvParams
from corpusmith.collect.stage import execute
from corpusmith.engine.local import LocalEngine
from corpusmith.errors import InputError
from corpusmith.op import Work
from tests.collect_run import collect
from tests.inline import InlineEngine


def write_jsonl(path: Path, records: list[dict], *, packed: str = "") -> bytes:
    data = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode()
    if packed == "gz":
        path.write_bytes(gzip.compress(data, 1, mtime=0))
    elif packed == "zst":
        path.write_bytes(zstandard.compress(data))
    else:
        path.write_bytes(data)
    return data


def sample(count: int, seed: int = 1) -> list[dict]:
    random_ = random.Random(seed)
    words = ["alpha", "beta", "gamma", "中文", "文本", "naïve", "😀", "δ"]
    return [
        {"text": " ".join(random_.choices(words, k=random_.randint(0, 60))), "n": i}
        for i in range(count)
    ]


def test_fields_are_mapped_and_the_rest_survives(tmp_path: Path) -> None:
    record = {
        "body": "Hello, 世界",
        "date": "2024-02-29T12:00:00+02:00",
        "license": "https://creativecommons.org/licenses/by-sa/4.0/",
        "lang": "zh-CN",
        "nested": {"b": [1, 2.5, None], "a": "ü"},
        "page": "https://example.org/x",
        "score": 0.1,
    }
    write_jsonl(tmp_path / "a.jsonl", [record])
    found = collect(
        *(tmp_path / "out",),
        **{"read": "jsonl", "path": tmp_path / "a.jsonl", "text": "body", "created": "date"},
        uri="page",
        group="nested.a",
    )
    row = found.documents.to_pylist()[0]
    assert row["text"] == "Hello, 世界"
    assert row["uri"] == "a.jsonl#0"
    assert row["created"] == datetime.datetime(2024, 2, 29, 10, tzinfo=datetime.UTC)
    assert row["license"] == "CC-BY-SA-4.0"
    assert row["lang"] == "zh" and row["lang_score"] is None
    assert row["modality"] == "text" and row["media"] is None and row["messages"] is None
    assert row["meta"] == (
        '{"group": "ü", "license": "https://creativecommons.org/licenses/by-sa/4.0/", '
        '"nested": {"a": "ü", "b": [1, 2.5, null]}, "score": 0.1, "url": "https://example.org/x"}'
    )


def test_constants_apply_where_a_record_says_nothing(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "a.jsonl", [{"text": "a"}, {"text": "b", "license": "MIT", "lang": "de"}]
    )
    found = collect(
        tmp_path / "out", read="jsonl", path=tmp_path / "a.jsonl", license="CC0-1.0", lang="en"
    )
    assert found.documents["license"].to_pylist() == ["CC0-1.0", "MIT"]
    assert found.documents["lang"].to_pylist() == ["en", "de"]


def test_dialogues_become_messages_and_text(tmp_path: Path) -> None:
    openai = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "你好"}]
    sharegpt = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "你好"}]
    tools = [{"role": "assistant", "content": "x", "tool_calls": [{"id": 1}]}]
    write_jsonl(
        tmp_path / "a.jsonl",
        [
            {"messages": openai},
            {"conversations": sharegpt},
            {"messages": openai, "text": "own text"},
            {"messages": tools},
        ],
    )
    found = collect(tmp_path / "out", read="jsonl", path=tmp_path / "a.jsonl")
    assert found.documents["messages"].to_pylist()[:3] == [openai, openai, openai]
    assert found.texts == ["user: Hi\n\nassistant: 你好"] * 2 + ["own text", "assistant: x"]
    assert found.meta[:3] == [{}, {}, {}]
    assert found.meta[3] == {"messages": tools}  # what messages can't hold is not lost


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1700000000, "2023-11-14T22:13:20+00:00"),
        (1700000000123, "2023-11-14T22:13:20.123000+00:00"),
        ("1700000000", "2023-11-14T22:13:20+00:00"),
        ("2023-11-14", "2023-11-14T00:00:00+00:00"),
        ("Tue, 14 Nov 2023 22:13:20 GMT", "2023-11-14T22:13:20+00:00"),
    ],
)
def test_times(tmp_path: Path, value: object, expected: str) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "a", "created": value}])
    found = collect(tmp_path / "out", read="jsonl", path=tmp_path / "a.jsonl")
    assert found.documents["created"][0].as_py().isoformat() == expected
    assert found.meta == [{}]


@pytest.mark.parametrize("value", ["yesterday", 2023, True, None, "", [1], 1e300])
def test_what_is_no_time_stays_in_meta(tmp_path: Path, value: object) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "a", "created": value}])
    found = collect(tmp_path / "out", read="jsonl", path=tmp_path / "a.jsonl")
    assert found.documents["created"][0].as_py() is None
    assert found.meta == [{"created": value}]


@pytest.mark.parametrize("packed", ["", "gz", "zst"])
def test_parts_are_a_function_of_the_input(tmp_path: Path, packed: str) -> None:
    """Cut small, read backwards and in tiny batches: every record once, offsets of the stream."""
    records = sample(3000)
    name = f"a.jsonl{'.' + packed if packed else ''}"
    data = write_jsonl(tmp_path / name, records, packed=packed)
    source = {"read": "jsonl", "path": tmp_path / name, "part_bytes": 20_000}
    if packed:  # large enough to be cut beforehand: noise that doesn't compress
        noise = [{"text": random.Random(i).randbytes(800).hex()} for i in range(2000)]
        records += noise
        data = write_jsonl(tmp_path / name, records, packed=packed)
        source["part_bytes"] = 200_000
    once = collect(tmp_path / "once", **source)
    again = collect(tmp_path / "again", InlineEngine(batch_bytes=30_000, shuffle=1), **source)
    assert len(once.parts) > 3
    assert once.texts == [r["text"] for r in records]
    for uri, text in list(zip(once.uris, once.texts, strict=True))[::97]:
        offset = int(uri.split("#")[1])
        assert json.loads(data[offset : data.index(b"\n", offset)])["text"] == text
    for file in sorted((tmp_path / "once" / "documents").iterdir()):
        assert file.read_bytes() == (tmp_path / "again" / "documents" / file.name).read_bytes()
    assert once.info == again.info


def test_a_split_and_an_unsplit_reading_have_the_same_ids(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", sample(500))
    whole = collect(tmp_path / "1", read="jsonl", path=tmp_path / "a.jsonl")
    split = collect(tmp_path / "2", read="jsonl", path=tmp_path / "a.jsonl", part_bytes=777)
    assert len(whole.parts) == 1 and len(split.parts) > 50
    assert whole.documents["id"] == split.documents["id"]
    assert whole.info["ids"] == split.info["ids"]


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=300).map(lambda b: b.replace(b"\x00", b"\n")),
    st.integers(1, 40),
    st.integers(1, 60),
)
def test_ranges_own_each_line_once(tmp_path_factory, data: bytes, step: int, limit: int) -> None:
    path = tmp_path_factory.mktemp("r") / "f"
    path.write_bytes(data)
    expected, offset = [], 0
    for line in data.split(b"\n"):
        expected.append((offset, line if len(line) <= limit else None, len(line)))
        offset += len(line) + 1
    if not data or data.endswith(b"\n"):
        expected.pop()
    found = []
    for start in range(0, len(data), step):
        found += range_lines(str(path), start, min(start + step, len(data)), limit=limit)
    assert [tuple(line) for line in found] == expected
    blocks = [data[i : i + 7] for i in range(0, len(data), 7)]
    assert [tuple(line) for line in lines(blocks, offset=0, limit=limit)] == expected


def test_csv_keeps_quoted_line_ends_and_unknown_columns(tmp_path: Path) -> None:
    table = [["id", "text", "note"], ["1", 'say "hi",\nthen go', "a;b"], ["2", "二", ""]]
    with open(tmp_path / "a.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table)
    found = collect(tmp_path / "out", read="csv", path=tmp_path / "a.csv")
    assert found.texts == ['say "hi",\nthen go', "二"]
    assert found.meta == [{"id": "1", "note": "a;b"}, {"id": "2", "note": ""}]
    data = (tmp_path / "a.csv").read_bytes()
    assert [int(u.split("#")[1]) for u in found.uris] == [data.index(b"1,"), data.index(b"2,")]


FIELD = st.text(alphabet=st.sampled_from('ab",\n \t中;'), max_size=8)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(FIELD, min_size=2, max_size=2), min_size=1, max_size=12),
    st.integers(1, 50),
)
def test_csv_rows_are_those_of_the_csv_module(table: list[list[str]], block: int) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(table)
    data = out.getvalue().encode()
    blocks = [data[i : i + block] for i in range(0, len(data), block)]
    found = list(rows(blocks, CsvParams(path="x"), offset=0))
    parsed = [next(csv.reader(io.StringIO(r.data.decode(), newline=""))) for r in found]
    assert parsed == table
    assert all(not r.message for r in found)
    assert b"".join(r.raw for r in found) == data
    assert [r.offset for r in found] == [data.index(r.raw, r.offset) for r in found]


@pytest.mark.parametrize("packed", ["", "gz"])
def test_large_csv_is_cut_between_rows(tmp_path: Path, packed: str) -> None:
    random_ = random.Random(2)
    table = [
        [str(i), "line one\n" * random_.randint(0, 3) + random_.randbytes(400).hex()]
        for i in range(3000)
    ]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["id", "text"])
    writer.writerows(table)
    data = out.getvalue().encode()
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(data, 1, mtime=0) if packed else data)
    found = collect(tmp_path / "out", read="csv", path=path, part_bytes=200_000)
    assert len(found.parts) > 8
    assert [[m["id"], t] for m, t in zip(found.meta, found.texts, strict=True)] == table


def test_tsv_takes_quotes_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b'text\tlabel\r\n"quoted\tx\r\nit\'s "fine"\ty\r\n')
    found = collect(tmp_path / "out", read="tsv", path=tmp_path / "a.tsv", part_bytes=15)
    assert found.texts == ['"quoted', 'it\'s "fine"']
    assert [m["label"] for m in found.meta] == ["x", "y"]
    assert len(found.parts) == 3  # the header's row, which owns no document, is read in each


def test_csv_without_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,one\n2,two\n")
    found = collect(tmp_path / "o", read="csv", path=tmp_path / "a.csv", columns=["id", "text"])
    assert found.texts == ["one", "two"]


def test_parquet_rows_types_and_row_groups(tmp_path: Path) -> None:
    moment = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "text": pa.array(["one", "二", None, "four"], pa.large_string()),
            "created": pa.array([moment, None, moment, moment], pa.timestamp("ms", "UTC")),
            "tags": [["a"], [], None, ["b", "c"]],
            "raw": [b"\x00\xff", None, b"", b"a"],
            "price": pa.array([None, "1.10", None, None]).cast(pa.string()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    found = collect(tmp_path / "out", read="parquet", path=tmp_path / "a.parquet", part_bytes=1)
    assert len(found.parts) == 2
    assert found.texts == ["one", "二", "four"]
    assert found.uris == ["a.parquet#row=0", "a.parquet#row=1", "a.parquet#row=3"]
    assert found.documents["created"].to_pylist() == [moment, None, moment]
    assert found.meta[0] == {"price": None, "raw": "AP8=", "tags": ["a"]}
    assert found.errors == [("a.parquet#row=2", "no_text")]


def test_text_by_line_and_by_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("one\r\n\r\n二\n".encode())
    lines_ = collect(tmp_path / "1", read="text", path=tmp_path, documents="line")
    assert lines_.texts == ["one", "二"]
    assert lines_.uris == ["a.txt#0", "a.txt#7"]
    files = collect(tmp_path / "2", read="text", path=tmp_path / "a.txt")
    assert files.texts == ["one\r\n\r\n二\n"] and files.uris == ["a.txt"]


def test_long_texts_are_split_on_request(tmp_path: Path) -> None:
    text = "".join(f"line {i} 行\n" for i in range(5000))
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "b.txt").write_text("short")
    found = collect(
        *(tmp_path / "out",),
        **{"read": "text", "path": tmp_path, "long": "split", "max_document_bytes": 20_000},
    )
    assert "".join(found.texts[:-1]) == text and found.texts[-1] == "short"
    assert found.info["read"] == 2 and found.info["created"] == len(found.texts) - 2 > 1
    data = text.encode()
    for uri, piece in zip(found.uris[:-1], found.texts[:-1], strict=True):
        start, end = map(int, uri.split("#bytes=")[1].split("-"))
        assert data[start:end].decode() == piece and end - start <= 20_000


def test_markdown_is_kept_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: x\n---\n# 标题\n\ntext\n")
    found = collect(tmp_path / "out", read="markdown", path=tmp_path)
    assert found.texts == ["---\ntitle: x\n---\n# 标题\n\ntext\n"]


def test_globs_roots_and_order(tmp_path: Path) -> None:
    for name in ("b/x.txt", "a/deep/y.txt", "a/z.txt", "a/.hidden.txt", "a/n.csv", ".git/c.txt"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    tree = tmp_path / "tree"
    folder = collect(tmp_path / "1", read="text", path=tree)
    assert folder.uris == ["a/deep/y.txt", "a/z.txt", "b/x.txt"]
    assert folder.info["skipped"] == {"hidden": 2, "other_extension": 1}
    assert collect(tmp_path / "2", read="text", path=tree / "**" / "*.txt").uris == folder.uris
    assert collect(tmp_path / "3", read="text", path=tree / "*" / "*.txt").uris == [
        "a/z.txt",
        "b/x.txt",
    ]
    assert collect(tmp_path / "4", read="text", path=tree / "[ab]" / "?.txt").uris == [
        "a/z.txt",
        "b/x.txt",
    ]
    assert collect(tmp_path / "5", read="text", path=[tree / "b", tree / "a" / "z.txt"]).uris == [
        "a/z.txt",
        "b/x.txt",
    ]
    moved = tmp_path / "moved"
    tree.rename(moved)
    assert collect(tmp_path / "6", read="text", path=moved).documents == folder.documents


def test_a_missing_path_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "books.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"did you mean 'books\.jsonl'"):
        collect(tmp_path / "o", read="jsonl", path=tmp_path / "boks.jsonl")
    with pytest.raises(InputError, match="no file matches"):
        collect(tmp_path / "o", read="jsonl", path=tmp_path / "*.gz")
    with pytest.raises(InputError, match="only local files"):
        collect(tmp_path / "o", read="jsonl", path=["s3://bucket/x.jsonl"])


def test_groups(tmp_path: Path) -> None:
    for name in ("json/decoder.py", "json/__init__.py"):
        path = tmp_path / "t" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    found = collect(tmp_path / "o", read="code", path=tmp_path / "t", group="module")
    assert [m["group"] for m in found.meta] == ["json", "json.decoder"]
    found = collect(tmp_path / "p", read="code", path=tmp_path / "t", group="folder")
    assert [m["group"] for m in found.meta] == ["json", "json"]


def test_same_bytes_for_one_two_and_three_workers(tmp_path: Path) -> None:
    """Through the local engine's processes: gzip cut in one round, parsed in another."""
    noise = [{"text": random.Random(i).randbytes(700).hex()} for i in range(2500)]
    write_jsonl(tmp_path / "a.jsonl.gz", noise, packed="gz")
    write_jsonl(tmp_path / "b.jsonl", sample(800))
    folders = []
    for workers in (1, 2, 3):
        folder = tmp_path / f"out{workers}"
        with LocalEngine(workers=workers) as engine:
            work = Work(
                folder=folder,
                params={
                    **{"source": "s", "read": "jsonl", "path": str(tmp_path / "*.jsonl*")},
                    "part_bytes": 500_000,
                },
                inputs={},
                engine=engine,
            )
            execute(work)
        folders.append(folder)
        assert work.info["documents"] == 3300
    files = sorted(p.relative_to(folders[0]) for p in folders[0].rglob("*.*") if p.is_file())
    assert len(files) > 8
    for file in files:
        first, *others = [(folder / file).read_bytes() for folder in folders]
        assert others == [first, first]
