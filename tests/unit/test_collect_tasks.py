"""Data made for a task: layouts, messages, text, what is refused and why."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpusmith.errors import InputError
from tests.collect_run import Collected, collect

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def read(tmp_path: Path, kind: str, record: Any, out: str = "out", **params: Any) -> Collected:
    """One record as JSON Lines."""
    (tmp_path / "a.jsonl").write_text(json.dumps(record, ensure_ascii=False) + "\n")
    return collect(tmp_path / out, read=kind, path=tmp_path / "a.jsonl", **params)


def said(found: Collected) -> list[list[tuple[str, str]]]:
    """(role, content) of each turn of each document."""
    rows = found.documents["messages"].to_pylist()
    return [[(m["role"], m["content"]) for m in row] for row in rows]


def asked(question: str, answer: str) -> list[tuple[str, str]]:
    return [("user", question), ("assistant", answer)]


# --- pairs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "params", "layout", "prompt"),
    [
        ({"source": "Hi", "target": "你好"}, {}, "source/target", ""),
        ({"src": "Hi", "tgt": "你好"}, {}, "src/tgt", ""),
        ({"en": "Hi", "zh": "你好", "id": 7}, {}, "en/zh", "en → zh\n\n"),
        ({"translation": {"en": "Hi", "zh": "你好"}}, {}, "translation", "en → zh\n\n"),
        ({"zh": "你好", "en": "Hi", "de": "x"}, {"languages": ["en", "zh"]}, "en/zh",
         "en → zh\n\n"),
        ({"a": {"x": "Hi"}, "b": "你好"}, {"source_text": "a.x", "target_text": "b"},
         "named fields", ""),
        ({"source": "Hi", "target": "你好"}, {"prompt": "译成中文："}, "source/target",
         "译成中文：\n\n"),
        ({"en": "Hi", "zh": "你好"}, {"prompt": ""}, "en/zh", ""),
    ],
)  # fmt: skip
def test_pairs_of_records(
    tmp_path: Path, record: dict, params: dict, layout: str, prompt: str
) -> None:
    found = read(tmp_path, "pairs", record, **params)
    assert said(found) == [asked(f"{prompt}Hi", "你好")]
    assert found.texts == [f"user: {prompt}Hi\n\nassistant: 你好"]
    assert found.info["layouts"] == {layout: 1}


def test_both_directions_share_a_group_and_name_their_languages(tmp_path: Path) -> None:
    record = {"en": "Hi", "zh_TW": "你好", "n": 1, "lang": "en"}
    found = read(tmp_path, "pairs", record, direction="both")
    assert said(found) == [asked("en → zh_TW\n\nHi", "你好"), asked("zh_TW → en\n\n你好", "Hi")]
    assert found.uris == ["a.jsonl#0.0", "a.jsonl#0.1"]
    assert found.documents["lang"].to_pylist() == ["zh", "en"]
    assert found.meta == [
        {"group": "a.jsonl#0", "n": 1, "source_lang": "en", "target_lang": "zh_TW"},
        {"group": "a.jsonl#0", "n": 1, "source_lang": "zh_TW", "target_lang": "en"},
    ]
    assert found.info["read"] == 1 and found.info["created"] == 1


def test_a_layout_that_may_be_two_is_not_guessed(tmp_path: Path) -> None:
    found = read(tmp_path, "pairs", {"source": "a", "target": "b", "en": "c", "de": "d"})
    assert found.errors == [("a.jsonl#0", "ambiguous_layout")]
    assert "source/target or en/de" in found.messages[0]
    other = read(tmp_path, "pairs", {"question": "a", "answer": "b"}, "other")
    assert other.errors == [("a.jsonl#0", "unknown_layout")]
    assert "'answer', 'question'" in other.messages[0] and "src/tgt" in other.messages[0]


def test_an_empty_side_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, "pairs", {"source": "a", "target": "  "})
    assert found.errors == [("a.jsonl#0", "no_text")]


def write_pair(tmp_path: Path, source: bytes, target: bytes) -> list[Path]:
    (tmp_path / "c.en").write_bytes(source)
    (tmp_path / "c.zh").write_bytes(target)
    return [tmp_path / "c.en", tmp_path / "c.zh"]


@pytest.mark.parametrize("part_bytes", [0, 40, 1])
def test_aligned_lines(tmp_path: Path, part_bytes: int) -> None:
    count = 50
    paths = write_pair(
        tmp_path,
        "".join(f"line {i}\r\n" for i in range(count)).encode(),
        "\n".join(f"第{i}行" for i in range(count)).encode(),  # no line feed at the end
    )
    found = collect(tmp_path / "out", read="pairs", path=paths, part_bytes=part_bytes)
    assert said(found) == [asked(f"en → zh\n\nline {i}", f"第{i}行") for i in range(count)]
    assert found.uris == [f"c.en#line={i + 1}" for i in range(count)]
    assert len(found.parts) > (1 if part_bytes else 0)


def test_aligned_lines_in_the_order_of_the_path_and_packed(tmp_path: Path) -> None:
    (tmp_path / "c.en.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    (tmp_path / "c.zh").write_text("一\n二\n")
    found = collect(tmp_path / "out", read="pairs", path=[tmp_path / "c.zh", tmp_path / "c.en.gz"])
    assert said(found) == [asked("zh → en\n\n一", "one"), asked("zh → en\n\n二", "two")]


def test_many_aligned_files_by_language(tmp_path: Path) -> None:
    for name in ("a.en-zh", "b.en-zh"):
        (tmp_path / f"{name}.en").write_text(f"{name}\n")
        (tmp_path / f"{name}.zh").write_text("中\n")
    found = collect(tmp_path / "out", read="pairs", path=tmp_path, languages=["zh", "en"])
    assert said(found) == [asked("zh → en\n\n中", n) for n in ("a.en-zh", "b.en-zh")]


def test_line_counts_that_differ_are_an_error_with_both(tmp_path: Path) -> None:
    paths = write_pair(tmp_path, b"1\n2\n3\n", b"1\n2\n")
    found = collect(tmp_path / "out", read="pairs", path=paths)
    assert found.errors == [("c.en", "unaligned")] and found.texts == []
    assert "3 lines, and 2 in" in found.messages[0]


def test_an_empty_line_on_one_side_is_one_row(tmp_path: Path) -> None:
    paths = write_pair(tmp_path, b"1\n\n\n4\n", b"a\n\nc\nd\n")
    found = collect(tmp_path / "out", read="pairs", path=paths)
    assert [s[1][1] for s in said(found)] == ["a", "d"]
    assert found.errors == [("c.en#line=3", "no_text")]


def test_files_without_a_partner_are_named(tmp_path: Path) -> None:
    for name in ("a.en", "a.zh", "b.en"):
        (tmp_path / name).write_text("x\n")
    with pytest.raises(InputError, match=r"b\.en has no partner in zh"):
        collect(tmp_path / "out", read="pairs", path=tmp_path, languages=["en", "zh"])
    with pytest.raises(InputError, match="one of 3 files of lines"):
        collect(tmp_path / "out", read="pairs", path=tmp_path)


TMX = """<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en-US" datatype="plaintext" segtype="sentence"/><body>
<tu tuid="1" creationdate="20240229T120000Z"><prop type="domain">it</prop>
 <tuv xml:lang="zh-CN">
 <seg>点击<bpt i="1">&lt;b&gt;</bpt>确定<ept i="1">&lt;/b&gt;</ept>。</seg></tuv>
 <tuv xml:lang="en-US"><seg>Click <hi>OK</hi> &amp; go<ph>{0}</ph>.</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg>only</seg></tuv></tu>
</body></tmx>"""


def test_tmx(tmp_path: Path) -> None:
    (tmp_path / "a.tmx").write_text(TMX)
    found = collect(tmp_path / "out", read="pairs", path=tmp_path / "a.tmx", languages=["en", "zh"])
    # Codes of the editor are no text; marked-up words are.
    assert said(found) == [asked("en-US → zh-CN\n\nClick OK & go.", "点击确定。")]
    assert found.documents["created"].to_pylist()[0].isoformat() == "2024-02-29T12:00:00+00:00"
    assert found.meta[0]["domain"] == "it" and found.meta[0]["tuid"] == "1"
    assert [error for _, error in found.errors] == ["unknown_layout"]
    assert "no variant in 'zh'; it has en" in found.messages[0]
    assert found.uris == [f"a.tmx#{TMX.encode().index(b'<tu tuid')}"]


def test_tmx_that_is_a_bomb_or_ends_early(tmp_path: Path) -> None:
    bomb = TMX.replace('SYSTEM "tmx14.dtd"', '[<!ENTITY a "ha"><!ENTITY b "&a;&a;">]')
    (tmp_path / "bomb.tmx").write_text(bomb)
    (tmp_path / "cut.tmx").write_text(TMX[: TMX.index("<tu><tuv")] + "<tu><tuv xml:la")
    found = collect(tmp_path / "out", read="pairs", path=tmp_path, languages=["en", "zh"])
    assert [(uri.split("#")[0], error) for uri, error in found.errors] == [
        ("bomb.tmx", "bad_xml"),
        ("cut.tmx", "bad_xml"),
    ]
    assert "entities" in found.messages[0] and len(found.texts) == 1


# --- summaries and questions -------------------------------------------------------------------


def test_summaries_join_sentences_and_keep_the_other_answers(tmp_path: Path) -> None:
    record = {"source": ["一。", "二。"], "target": ["甲", "乙", "甲"], "paper_id": "x"}
    found = read(tmp_path, "summaries", record)
    assert said(found) == [asked("一。二。", "甲")]
    assert found.meta == [{"answers": ["甲", "乙"], "paper_id": "x"}]
    each = read(tmp_path, "summaries", record, "each", answers="each", prompt="总结")
    assert said(each) == [asked("总结\n\n一。二。", "甲"), asked("总结\n\n一。二。", "乙")]


def squad() -> dict[str, Any]:
    """SQuAD 2.0's form: https://rajpurkar.github.io/SQuAD-explorer/"""
    qas = [
        {"id": "q1", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 0}] * 2},
        {"id": "q2", "question": "Why?", "answers": [], "is_impossible": True},
        {"id": "q3", "question": "When?", "answers": [{"text": "then", "answer_start": 9}]},
        {"id": "q4", "answers": []},
    ]
    paragraphs = [{"context": "Ann went then.", "qas": qas}]
    return {"version": "v2.0", "data": [{"title": "T", "paragraphs": paragraphs}]}


def test_squad(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(json.dumps(squad(), indent=1))
    found = collect(tmp_path / "out", read="qa", path=tmp_path / "dev.json")
    assert said(found) == [
        asked("Ann went then.\n\nWho?", "Ann"),
        asked("Ann went then.\n\nWhen?", "then"),
    ]
    assert found.info["skipped"] == {"unanswerable": 1} and found.info["layouts"] == {"squad": 2}
    assert found.meta[0] == {
        **{"title": "T", "id": "q1", "paragraph": 0, "answers": ["Ann", "Ann"]},
        **{"answer_start": [0, 0], "group": "dev.json#item=0"},
    }
    # One question that can't be read costs no other.
    assert found.errors == [("dev.json#item=0.2", "no_text")]
    assert "question 3: the field 'question' is missing" in found.messages[0]


def test_unanswerable_questions_get_the_answer_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(json.dumps(squad()))
    found = collect(
        tmp_path / "out", read="qa", path=tmp_path / "dev.json", questions="together",
        unanswerable="unknown", template="plain",
    )  # fmt: skip
    assert found.texts == ["Ann went then.\n\nWho?\n\nAnn\n\nWhy?\n\nunknown\n\nWhen?\n\nthen"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"question": "2+2?", "answer": "#### 4"}, asked("2+2?", "#### 4")),
        ({"question": "2+2?", "answer": 4}, asked("2+2?", "4")),
        ({"question": "Q", "answers": {"text": ["A"], "answer_start": [3]}, "context": "C"},
         asked("C\n\nQ", "A")),
        ({"question": "Q", "choices": ["x", "y"], "answer": 1}, asked("Q\n\nA. x\nB. y", "B. y")),
        ({"question": "Q", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "1"},
         asked("Q\n\n1. x\n2. y", "1. x")),
    ],
)  # fmt: skip
def test_questions_in_rows(tmp_path: Path, record: dict, expected: list) -> None:
    assert said(read(tmp_path, "qa", record)) == [expected]


def test_rows_about_one_passage_stay_together(tmp_path: Path) -> None:
    rows = [{"context": c, "question": q, "answer": "a"} for c in ("one", "two") for q in "xy"]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    groups = [
        m["group"] for m in collect(tmp_path / "o", read="qa", path=tmp_path / "a.parquet").meta
    ]
    assert groups[0] == groups[1] != groups[2] == groups[3]


# --- dialogues and instructions ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "expected", "meta"),
    [
        ({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]},
         asked("Hi", "Yo"), {}),
        ({"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yo"}],
          "system": "Be kind.", "tools": "[]"},
         [("system", "Be kind."), *asked("Hi", "Yo")], {"tools": "[]"}),
        ({"turns": [{"speaker": "USER", "utterance": "Hi"}, {"speaker": "SYSTEM", "utterance": "Yo",
          "frames": [1]}]}, asked("Hi", "Yo"), {"turns": [{}, {"frames": [1]}]}),
        ({"dialog": ["Hi", "Yo", "?"]}, [*asked("Hi", "Yo"), ("user", "?")], {}),
        ({"dialogue": [{"speaker": "Ross", "text": "Hi"}]}, [("Ross", "Hi")], {}),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]},
          {"role": "assistant", "content": None,
           "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
          {"role": "tool", "tool_call_id": "1", "content": "7"}]},
         [("user", "Hi"), ("assistant", '{"arguments": "{}", "name": "f"}'), ("tool", "7")],
         {"messages": [
             {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
             {"role": "assistant", "content": None,
              "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
             {"tool_call_id": "1"}]}),
    ],
)  # fmt: skip
def test_dialogues(tmp_path: Path, record: dict, expected: list, meta: dict) -> None:
    found = read(tmp_path, "dialogues", record)
    assert said(found) == [expected] and found.meta == [meta]
    assert found.texts == ["\n\n".join(f"{role}: {content}" for role, content in expected)]


def test_chatml(tmp_path: Path) -> None:
    found = read(tmp_path, "dialogues", {"dialog": ["Hi", "Yo"]}, template="chatml")
    assert found.texts == ["<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYo<|im_end|>\n"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"instruction": "Add", "input": "1 2", "output": "3"}, asked("Add\n\n1 2", "3")),
        ({"instruction": "Add", "input": "", "output": "3"}, asked("Add", "3")),
        ({"instruction": "Add", "context": "1 2", "response": "3"}, asked("Add\n\n1 2", "3")),
        ({"prompt": "1+2=", "completion": "3"}, asked("1+2=", "3")),
        ({"prompt": [{"role": "user", "content": "1"}],
          "completion": [{"role": "assistant", "content": "2"}]}, asked("1", "2")),
        ({"system_prompt": "S", "question": "Q", "response": "R"},
         [("system", "S"), *asked("Q", "R")]),
        ({"instruction": "C", "output": "D", "history": [["A", "B"]]},
         [*asked("A", "B"), *asked("C", "D")]),
    ],
)  # fmt: skip
def test_instructions(tmp_path: Path, record: dict, expected: list) -> None:
    found = read(tmp_path, "instructions", record)
    assert said(found) == [expected] and found.meta == [{}]


# --- files -------------------------------------------------------------------------------------


def test_one_record_a_file_and_arrays_and_yaml(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]
    (tmp_path / "a.json").write_text(json.dumps({"id": 1, "messages": turns}))
    (tmp_path / "b.json").write_text(json.dumps([{"messages": turns}, ["Hi", "Yo"]]))
    (tmp_path / "c.yml").write_text(
        "categories: [x]\nconversations:\n- [Hi, Yo]\n- broken\n- [5, 6]\n"
    )
    (tmp_path / "d.json").write_text('{"conversations": [["Hi", "Yo"]], "n": 1}')
    found = collect(tmp_path / "out", read="dialogues", path=tmp_path)
    assert said(found)[:4] == [asked("Hi", "Yo")] * 4
    assert said(found)[4] == asked("5", "6") and said(found)[5] == asked("Hi", "Yo")
    assert found.uris == [
        *("a.json#item=0", "b.json#item=0", "b.json#item=1"),
        *("c.yml#item=0", "c.yml#item=2", "d.json#item=0"),
    ]
    assert found.errors == [("c.yml#item=1", "not_an_object")]
    assert found.meta[3] == {"categories": ["x"]}


@pytest.mark.parametrize(
    ("name", "data", "error", "words"),
    [
        ("a.json", b'[{"dialog": ["a", "b"]}, {"dialog": ', "bad_json", "Expecting value"),
        ("a.json", b'[{"dialog": ["a", "b"]}, {"dialog": ["\xff"]}]', "bad_encoding", "no utf-8"),
        ("a.json", b'[{"dialog": ["a", "b"]}' + b" " * 99 + b"]x", "bad_json", "more than one"),
        ("a.json", b'[{"dialog": ["a", "b"]},' + b"[" * 9999, "too_deep", "nested"),
        ("a.json", b'[{"dialog": ["a", "b"]}, ["' + b"x" * 70000, "bad_json", "Unterminated"),
        ("b.yml", b"- &a [x, y]\n- *a\n", "bad_yaml", "aliases"),
        ("b.yml", b"- [x, y\n", "bad_yaml", "expected"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, data: bytes, error: str, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    found = collect(tmp_path / "out", read="dialogues", path=tmp_path / name)
    assert [e for _, e in found.errors] == [error] and words in found.messages[0]
    assert len(found.texts) == (1 if name == "a.json" else 0)


def test_an_item_over_the_limit_ends_the_file_without_being_held(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([["a", "b"], ["x" * 3_000_000, "y"], ["c", "d"]]))
    found = collect(
        tmp_path / "out", read="dialogues", path=tmp_path / "a.json", max_document_bytes=50_000
    )
    assert found.errors == [("a.json#item=1", "too_large")] and len(found.texts) == 1


def test_columns_of_files_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "fra.txt").write_text("Go.\tVa !\tCC-BY 2.0\nRun!\tCours !\tCC-BY 2.0\n")
    found = collect(
        tmp_path / "out", read="pairs", path=tmp_path / "fra.txt", format="tsv",
        columns=["en", "fr", "license"],
    )  # fmt: skip
    assert said(found)[1] == asked("en → fr\n\nRun!", "Cours !")
    assert found.documents["license"].to_pylist() == ["CC-BY-2.0"] * 2


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
@pytest.mark.parametrize(
    ("kind", "path", "documents", "quarantined"),
    [
        ("pairs", "parallel/tldr/en-zh.jsonl", 6589, 0),
        ("qa", "cmrc2018/data/cmrc2018_dev.json", 3219, 0),  # 3,219 questions: the paper's table 2
        ("summaries", "scitldr/SciTLDR-Data/SciTLDR-A/dev.jsonl", 619, 0),  # the paper's dev set
        ("dialogues", "sgd/dev/dialogues_001.json", 128, 0),
    ],
)
def test_real_data(tmp_path: Path, kind: str, path: str, documents: int, quarantined: int) -> None:
    found = collect(tmp_path / "out", read=kind, path=DATA / path)
    assert (found.info["documents"], found.info["quarantined"]) == (documents, quarantined)
    assert all(text.startswith("user: ") and "\n\nassistant: " in text for text in found.texts)
