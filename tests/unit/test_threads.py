"""Dumps whose records are put together: Stack Exchange and Reddit, sorted on disk."""

from __future__ import annotations

import json
import random
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import pytest
import zstandard

from tests.collect_run import collect
from tests.dump_files import answer, question, rows_xml
from tests.inline import InlineEngine

# --- Stack Exchange ------------------------------------------------------------------------

POSTS = [
    answer(3, 1, "<p>Use <code>len</code>.</p>", 2),
    question(1, "How long is a < b?", "<p>Tell & show:</p>\n<pre><code>a &lt; b\n</code></pre>",
             AcceptedAnswerId=4),
    answer(4, 1, "<p>It is one.</p>", 1, ContentLicense="CC BY-SA 3.0"),
    answer(5, 1, "<p>Best by votes.</p>", 9),
    answer(6, 1, "<p>Bad.</p>", -3),
    question(2, "Nobody knows", "<p>Silence.</p>", ContentLicense="", CreationDate="2010-05-05"),
    {"Id": 8, "PostTypeId": 5, "Body": "about a tag"},
    answer(9, 77, "<p>orphan</p>", 0),
]  # fmt: skip
COMMENTS = [
    {"Id": 21, "PostId": 4, "Score": 0, "Text": "Why\nthough?", "CreationDate": "2021-01-01"},
    {"Id": 20, "PostId": 1, "Score": 0, "Text": "Good question", "CreationDate": "2020-01-01"},
    {"Id": 22, "PostId": 99, "Score": 0, "Text": "lost"},
]  # fmt: skip


def site(folder: Path, name: str = "x.stackexchange.com") -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "Posts.xml").write_bytes(rows_xml("posts", POSTS))
    (path / "Comments.xml").write_bytes(rows_xml("comments", COMMENTS))
    (path / "Users.xml").write_bytes(rows_xml("users", [{"Id": 7, "DisplayName": "Ada"}]))
    return folder


def test_a_question_with_its_answers(tmp_path: Path) -> None:
    folder = site(tmp_path / "in")
    found = collect(tmp_path / "out", read="stackexchange", path=folder, comments=True)
    texts = dict(zip((m["question_id"] for m in found.meta), found.texts, strict=True))
    assert texts[1] == (
        "# How long is a < b?\n\nTell & show:\n\n```\na < b\n```\n\n"
        "Comments:\n\n- Good question\n\n"
        "## Answer (score 1, accepted)\n\nIt is one.\n\nComments:\n\n- Why though?\n\n"
        "## Answer (score 9)\n\nBest by votes.\n\n## Answer (score 2)\n\nUse `len`.\n\n"
        "## Answer (score -3)\n\nBad."
    )
    assert texts[2] == "# Nobody knows\n\nSilence."
    meta = next(m for m in found.meta if m["question_id"] == 1)
    assert meta["tags"] == ["python", "text"] and meta["site"] == "x.stackexchange.com"
    assert [a["id"] for a in meta["answers"]] == [4, 5, 3, 6]
    assert meta["licenses"] == ["CC-BY-SA-3.0", "CC-BY-SA-4.0"]
    licenses = found.documents["license"].to_pylist()
    assert sorted(licenses) == ["CC-BY-SA-2.5", "CC-BY-SA-4.0"]  # without a word, by its day
    posts = (folder / "x.stackexchange.com" / "Posts.xml").read_bytes()
    offset = posts.index(b'  <row Id="1"')
    assert f"x.stackexchange.com/Posts.xml#{offset}" in found.uris
    assert sorted(error for _, error in found.errors) == ["no_parent", "no_parent"]
    assert found.info["skipped"] == {"joined:answer": 4, "post:tag_wiki": 1, "file:users.xml": 1}


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({"answers": "accepted"}, [4]),
        ({"answers": "none"}, []),
        ({"min_score": 2}, [5, 3]),
    ],
)
def test_chosen_answers(tmp_path: Path, params: dict[str, Any], ids: list[int]) -> None:
    found = collect(tmp_path / "out", read="stackexchange", path=site(tmp_path / "in"), **params)
    meta = next(m for m in found.meta if m["question_id"] == 1)
    assert [a["id"] for a in meta["answers"]] == ids
    assert found.info["skipped"]["file:comments.xml"] == 1
    assert "Comments:" not in "".join(found.texts)


def test_sites_are_kept_apart_and_rows_damaged_told(tmp_path: Path) -> None:
    folder = site(tmp_path / "in")
    site(tmp_path / "in", "y.stackexchange.com")
    bad = folder / "z.stackexchange.com"
    bad.mkdir()
    data = rows_xml("posts", [question(1, "Cut", "<p>whole</p>"), question(2, "Off", "<p>x</p>")])
    evil = b'<!DOCTYPE r [<!ENTITY a "b">]><row Id="3" PostTypeId="1" Body="&a;" />\n'
    number = b'<row Id="x" PostTypeId="1" Body="" />\n'
    (bad / "Posts.xml").write_bytes(evil + number + data[: data.index(b"Off")])
    found = collect(tmp_path / "out", read="stackexchange", path=folder)
    assert len(found.texts) == 2 + 2 + 1
    errors = sorted(error for uri, error in found.errors if uri.startswith("z."))
    assert errors == ["bad_field", "bad_xml", "xml_entities"]


# --- Reddit ----------------------------------------------------------------------------------


def submission(name: str, title: str, **more: Any) -> dict[str, Any]:
    made = {"id": name, "title": title, "selftext": "", "subreddit": "mills", "score": 7}
    return {**made, "created_utc": 1_500_000_000, "author": "ada", "over_18": False, **more}


def comment(name: str, thread: str, parent: str, body: str, **more: Any) -> dict[str, Any]:
    made = {"id": name, "link_id": f"t3_{thread}", "parent_id": parent, "body": body, "score": 1}
    when = 1_500_000_100 + int(name, 36)
    return {**made, "created_utc": when, "subreddit": "mills", "author": "ben", **more}


def packed(path: Path, records: list[dict[str, Any]], *, window: int = 0) -> None:
    data = "".join(json.dumps(r) + "\n" for r in records).encode()
    if not path.name.endswith(".zst"):
        path.write_bytes(data)
        return
    params = zstandard.ZstdCompressionParameters.from_level(3, window_log=window, enable_ldm=True)
    # Without the size of the content, so that the frame asks for the whole window.
    compressor = zstandard.ZstdCompressor(compression_params=params)
    out = compressor.compressobj()
    path.write_bytes(out.compress(data) + out.flush())


def test_threads_with_a_window_of_2_gib(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    comments = [
        comment("c3", "p1", "t1_c1", "a reply\n\nin two parts"),
        comment("c1", "p1", "t3_p1", "first &amp; best"),
        comment("c2", "p1", "t3_p1", "[deleted]"),
        comment("c4", "p1", "t1_c2", "under the deleted one"),
        comment("c5", "p1", "t1_c4", "low", score=-9),
        comment("c6", "p1", "t1_c5", "under the low one"),
        comment("d1", "gone", "t3_gone", "its submission is elsewhere"),
    ]
    packed(folder / "RC_2017-07.zst", comments, window=31)
    posts = [
        submission("p1", "Which stone?", selftext="For &gt; rye."),
        submission("p2", "Bye", selftext="[removed]"),
    ]
    packed(folder / "RS_2017-07.zst", posts, window=27)
    found = collect(tmp_path / "out", read="reddit", path=folder, min_score=0)
    texts = dict(zip((m["thread_id"] for m in found.meta), found.texts, strict=True))
    assert texts == {
        "p1": "# Which stone?\n\nFor > rye.\n\n- first & best\n  - a reply\n\n    in two parts\n"
        "- under the deleted one\n  - under the low one",
        "p2": "# Bye",
        "gone": "- its submission is elsewhere",
    }
    assert found.info["skipped"] == {
        "joined:comment": 5, "deleted:comment": 1, "left_out:comment": 1, "deleted:submission": 1,
    }  # fmt: skip
    meta = {m["thread_id"]: m for m in found.meta}
    assert meta["gone"]["submission_missing"] and meta["p1"]["subreddit"] == "mills"
    assert "author" not in meta["p1"] and "ada" not in json.dumps(list(meta.values()))
    assert sorted(found.uris)[1].startswith("RS_2017-07.zst#")


def hard(folder: Path) -> int:
    """Many threads whose comments are spread over two files; returns their number."""
    folder.mkdir()
    words = sorted(topics.values())
    rng = random.Random(3)
    posts = [submission(f"t{n}", f"Thread {n}", selftext=words[n % 60][:500]) for n in range(120)]
    comments = [
        comment(f"c{n}", f"t{rng.randrange(120)}", "", words[n % 60][:300]) for n in range(900)
    ]
    for made in comments:
        made["parent_id"] = made["link_id"]
    rng.shuffle(comments)
    packed(folder / "RC_a.jsonl", comments[:400])
    packed(folder / "RC_b.zst", comments[400:], window=20)
    packed(folder / "RS.jsonl", posts)
    return 120


def test_however_it_is_cut_and_sorted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = hard(tmp_path / "in")
    whole = collect(tmp_path / "whole", read="reddit", path=tmp_path / "in", part_bytes=1 << 30)
    rows = sorted(zip(whole.uris, whole.texts, strict=True))
    assert len(rows) == count and whole.info["skipped"] == {"joined:comment": 900}
    assert len(whole.parts) == 1
    # Runs of 20 kB, merged from disk, give the same; so do many parts, in any order.
    monkeypatch.setattr("corpusmith.collect.dumps.threads.SORT_BYTES", 20_000)
    small = collect(tmp_path / "small", read="reddit", path=tmp_path / "in", part_bytes=1 << 30)
    assert (small.uris, small.texts) == (whole.uris, whole.texts)
    parts = collect(
        *(tmp_path / "parts", InlineEngine(shuffle=2)),
        read="reddit", path=tmp_path / "in", part_bytes=20_000,
    )  # fmt: skip
    assert len(parts.parts) > 10
    assert sorted(zip(parts.uris, parts.texts, strict=True)) == rows


def test_hostile_reddit(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    chain = [comment("a0", "p1", "t3_p1", "zero")]
    chain += [comment(f"a{n}", "p1", f"t1_a{n - 1}", f"number {n}") for n in range(1, 3000)]
    circle = [comment("x1", "p1", "t1_x2", "one"), comment("x2", "p1", "t1_x1", "two")]
    good = [submission("p1", "Deep"), *chain, *circle, comment("x1", "p1", "t3_p1", "again")]
    packed(folder / "a.jsonl", good)
    big = [comment(f"b{n}", "big", "t3_big", "x" * 9_000) for n in range(200)]
    packed(folder / "b.jsonl", [submission("big", "Too big"), *big])
    bad = [{"id": "../x", "title": "t"}, {"id": "z", "body": "neither"}, {"id": "z", "link_id": 3}]
    packed(folder / "c.jsonl", bad)
    with open(folder / "c.jsonl", "ab") as file:
        file.write(b'{"id": "q", "title": "cut')
    found = collect(tmp_path / "out", read="reddit", path=folder, max_document_bytes=1_000_000)
    assert len(found.texts) == 1
    assert found.texts[0].count("number") == 2999 and len(found.texts[0]) < 200_000
    assert "- one" in found.texts[0] and found.info["skipped"]["circular:comment"] == 2
    assert sorted(error for _, error in found.errors) == [
        "bad_field", "bad_field", "bad_json", "duplicate_key", "no_text", "too_large"
    ]  # fmt: skip
    told = next(m for m in found.messages if m.startswith("a thread of"))
    assert "201 records" in told
