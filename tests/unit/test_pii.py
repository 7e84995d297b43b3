from __future__ import annotations

import io
import json
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.clean.pii import PII_SIGNALS, TYPES, PiiParams, find, keyed_hash, pii
from corpusmith.clean.pii_patterns import FINDERS, SCREENS, luhn
from corpusmith.clean.pii_secrets import entropy
from corpusmith.op import Context
from corpusmith.schema import DOCUMENT
from tests.golden import make_pii

GOLDEN = Path(__file__).parents[1] / "golden"
ITEMS = [json.loads(line) for line in (GOLDEN / "pii.jsonl").read_text("utf-8").splitlines()]


def found(text: str) -> list[tuple[str, str]]:
    _, spans = find(pa.array([text], pa.large_string())).get(0, (text, []))
    return [(text[start:end], kind) for start, end, kind in spans]


def test_precision_and_recall_by_type():
    """Measured: precision 1 for each; recall e-mail .993, phone .995, the others 1. The misses are
    an address in words and a British number without a word before it. The set was written by
    the authors of the patterns: it shows that nothing breaks, not how the web looks."""
    results = find(pa.array([item["text"] for item in ITEMS], pa.large_string()))
    right, wrong, missed = Counter(), Counter(), Counter()
    for row, item in enumerate(ITEMS):
        gold = {tuple(span) for span in item["spans"]}
        ours = set(results[row][1]) if row in results else set()
        right.update(kind for _, _, kind in gold & ours)
        wrong.update(kind for _, _, kind in ours - gold)
        missed.update(kind for _, _, kind in gold - ours)
    for kind in TYPES:
        assert right[kind] >= 75
        assert right[kind] / (right[kind] + wrong[kind]) >= 0.98, kind
        assert right[kind] / (right[kind] + missed[kind]) >= 0.97, kind
    assert sum(not item["spans"] for item in ITEMS) >= 250


def test_the_golden_file_is_what_its_generator_writes():
    made = io.StringIO()
    make_pii.main(made)
    assert made.getvalue() == (GOLDEN / "pii.jsonl").read_text("utf-8")


def test_screens_lose_nothing():
    for item in ITEMS:
        for line in item["text"].split("\n"):
            for kind, finder in FINDERS.items():
                if list(finder(line)):
                    screened = pc.match_substring_regex(pa.array([line]), SCREENS[kind])
                    assert screened.to_pylist() == [True], (kind, line)


@settings(max_examples=100, deadline=None)
@given(st.text("+00 86138()-.4111234:abcf2@x=/", max_size=40))
def test_screens_lose_nothing_of_odd_numbers(line):
    for kind, finder in FINDERS.items():
        if list(finder(line)):
            assert pc.match_substring_regex(pa.array([line]), SCREENS[kind]).to_pylist() == [True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Call +1 (415) 555-2671 now", [("+1 (415) 555-2671", "phone")]),
        ("手机号13800138000", [("13800138000", "phone")]),
        ("phone=13800138000", [("13800138000", "phone")]),
        ('{"phone": "4155552671"}', [("4155552671", "phone")]),
        ("4155552671 widgets", []),
        ("4111 1111 1111 1111", [("4111 1111 1111 1111", "card")]),
        ("4111 1111 1111 1112", []),  # Luhn
        ("41 1111 1111 1111 11", []),  # not as a card is printed
        ("visit 8.8.8.8", [("8.8.8.8", "ip")]),
        ("version 8.8.8.8", []),
        ("ip 192.168.1.1, 127.0.0.1, 203.0.113.5, 256.1.1.1, 08.1.1.1", []),
        ("at 2001:4860:4860::8888.", [("2001:4860:4860::8888", "ip")]),
        ("2001:db8::1 and fe80::1 and ::1", []),
        ("bob@example.com.", [("bob@example.com", "email")]),
        ("联系zhang.san@qq.com吧", [("zhang.san@qq.com", "email")]),
        ("git@github.com:a/b.git", []),
        ("ftp://joe:s3cr3t@example.com/", [("s3cr3t", "secret")]),  # the secret wins
        ("AKIAIOSFODNN7EXAMPLE", [("AKIAIOSFODNN7EXAMPLE", "secret")]),
        ("xAKIAIOSFODNN7EXAMPLE", []),
        ("password = input('password: ')", []),
        ("密码是hunter2x", [("hunter2x", "secret")]),
        ("josé.garcía@corp.example.net", [("josé.garcía@corp.example.net", "email")]),
        ("write to user@例子.公司 please", [("user@例子.公司", "email")]),
        ("联系li@qq.com吧，或a@例子.中国。", [("li@qq.com", "email"), ("a@例子.中国", "email")]),
        ("邮箱：ｚｈａｎｇ＠ｑｑ．ｃｏｍ", [("ｚｈａｎｇ＠ｑｑ．ｃｏｍ", "email")]),
        ("请致电１３８１２３４５６７８", [("１３８１２３４５６７８", "phone")]),
        ("微博＠人民日报，@人民日报", []),
        ("password: MyString99!", [("MyString99!", "secret")]),
        ("db_password: Str1ng-Config7", [("Str1ng-Config7", "secret")]),
        ('password: "required|string|min:8"', []),
        ("token: config.auth.token2", []),
        ("ip=1.1.1.1;", [("1.1.1.1", "ip")]),
        ("host: 12.4.2.9", [("12.4.2.9", "ip")]),
        ("package=12.4.2.9", []),
        ("use 1.0.0.1 or 4.4.4.4", [("1.0.0.1", "ip"), ("4.4.4.4", "ip")]),
        ("1.1.1.1 Scope", []),
        ("upgrade from 10.15.7 to 11.6.1.2", []),
        ("traffic from 81.2.69.1 to 81.2.69.9", [("81.2.69.1", "ip"), ("81.2.69.9", "ip")]),
        ("population 13812345678 people", []),
        ("电话13812345678个人热线", [("13812345678", "phone")]),
    ],
)
def test_examples(text, expected):
    assert found(text) == expected


def test_a_private_key_without_an_end_goes_as_far_as_its_lines():
    body = "\n".join(["MIIEpAIBAAKCAQEA" * 4] * 5)
    text = f"key:\n-----BEGIN RSA PRIVATE KEY-----\n{body}\nand more text."
    assert found(text) == [(f"-----BEGIN RSA PRIVATE KEY-----\n{body}", "secret")]


def test_luhn_and_entropy_by_hand():
    assert luhn("79927398713")  # the example of ISO/IEC 7812-1 and of Luhn's article
    assert not luhn("79927398710")
    assert entropy("aabb") == 1
    assert entropy("abcd") == 2


def documents(text: list[str], messages: list | None = None, meta: list | None = None) -> pa.Table:
    size = len(text)
    return pa.table(
        {
            "text": pa.array(text, pa.large_string()),
            "messages": pa.array(messages or [None] * size, DOCUMENT.field("messages").type),
            "meta": pa.array(meta or ["{}"] * size, pa.string()),
        }
    )


def test_masks_text_messages_and_meta():
    meta = (
        '{"a": "mail bob@x.io", "bob@x.io": 1, "n": 13800138000, "e": "b\\u006fb\\u0040x.io\\n",'
        ' "deep": [["call +1 415 555 2671"]], "bad": "\\ud800 a@b.de"}'
    )
    turns = [
        {"role": "user", "content": "我的邮箱是bob@x.io"},
        {"role": "a@b.de", "content": None},
    ]
    result = pii(
        documents(["plain", "from 81.2.69.142 to bob@x.io"], [None, turns], ["{}", meta]),
        Context(secret=b"key"),
    )
    assert result["text"].to_pylist() == ["plain", "from <IP> to <EMAIL>"]
    assert result["messages"].to_pylist() == [
        None,
        [{"role": "user", "content": "我的邮箱是<EMAIL>"}, {"role": "<EMAIL>", "content": None}],
    ]
    assert result["meta"].to_pylist()[0] == "{}"
    assert json.loads(result["meta"].to_pylist()[1]) == {
        "a": "mail <EMAIL>",
        "bob@x.io": 1,  # keys and numbers are left
        "n": 13800138000,
        "e": "<EMAIL>\n",
        "deep": [["call <PHONE>"]],
        "bad": "\ufffd <EMAIL>",
    }
    assert result.select(PII_SIGNALS.names).schema.equals(PII_SIGNALS)
    assert result["pii_emails"].to_pylist() == [0, 6]
    assert result["pii_phones"].to_pylist() == [0, 1]
    edits = result["edits"][1].as_py()
    assert [(e["start"], e["end"], e["kind"]) for e in edits] == [
        (5, 16, "pii:ip"),
        (20, 28, "pii:email"),
    ]
    assert edits[1]["removed_hash"] == keyed_hash("bob@x.io", b"key")
    assert "bob@x.io" not in json.dumps(result["edits"].to_pylist())


def test_without_a_key_there_is_no_hash():
    (edit,) = pii(documents(["bob@x.io"]), Context())["edits"][0].as_py()
    assert edit["removed"] is None
    assert edit["removed_hash"] is None


def test_hashes_depend_on_the_key():
    assert keyed_hash("a", b"1") == keyed_hash("a", b"1") != keyed_hash("a", b"2")
    assert len(keyed_hash("a", b"k" * 1000)) == 32


def test_types():
    result = pii(documents(["bob@x.io 81.2.69.142"]), Context(params=PiiParams(types=("ip",))))
    assert result["text"].to_pylist() == ["bob@x.io <IP>"]
    assert result["pii_emails"].to_pylist() == [0]


def test_a_batch_without_any_keeps_its_buffer():
    batch = documents(["nothing here", "1 2 3"])
    result = pii(batch, Context(secret=b"k"))
    before, after = (t["text"].chunk(0).buffers()[2].address for t in (batch, result))
    assert before == after


@pytest.mark.parametrize(
    "unit",
    ["a", "1", "@", "a@", "1.1.1.", "1 ", "a@a.", "-----BEGIN PRIVATE KEY-----", "password=",
     "eyJ", "eyJaaaaaaaa.", "://a:", "2001:", "+1", "00 ", "密码", "1234-", "(12", "xoxb-"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(unit):
    megabyte = (unit * (1_000_000 // len(unit) + 1))[:1_000_000]
    started = time.process_time()
    find(pa.array([megabyte], pa.large_string()))
    assert time.process_time() - started < 2


def test_hostile_meta():
    deep = '{"a":' + "[" * 50_000 + '"bob@x.io"' + "]" * 50_000 + "}"
    broken = '"' * 50_000 + "\\" * 50_001 + "bob@x.io"
    result = pii(documents(["", ""], meta=[deep, broken]), Context(secret=b"k"))
    assert result["meta"].to_pylist()[0] == deep.replace("bob@x.io", "<EMAIL>")
