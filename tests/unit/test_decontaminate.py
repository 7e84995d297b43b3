"""Decontamination: reading evaluation files, n-grams hit, decisions that name the item."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from corpusmith.dedup import decontaminate as module
from corpusmith.dedup.items import read_items
from corpusmith.errors import InputError
from corpusmith.op import Context
from tests.dedup_run import Corpus, document

QUESTION = "Which of the seven wonders of the ancient world stood longest in the city of Giza"
SHORT = "Name the nine muses of old Greek myth"  # 8 words
CHINESE = "请问中国历史上第一个统一的封建王朝叫什么名字"  # 22 characters


def write_lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_items_of_every_format(tmp_path):
    folder = tmp_path / "eval"
    records = [{"q": "one", "n": 3, "deep": {"list": ["two", {"x": "three"}]}}, {"q": "四"}]
    lines = write_lines(folder / "a.jsonl", records)
    expected = [("#1", "one"), ("#1", "two"), ("#1", "three"), ("#2", "四")]
    files = {"a.jsonl": expected}
    packed = gzip.compress(lines.read_bytes())
    (folder / "a.jsonl.gz").write_bytes(packed)
    files["a.jsonl.gz"] = expected
    (folder / "a.jsonl.zst").write_bytes(zstandard.compress(lines.read_bytes()))
    files["a.jsonl.zst"] = expected
    (folder / "b.json").write_text(json.dumps(records), encoding="utf-8")
    files["b.json"] = expected
    (folder / "c.csv").write_text('q,a\n"one, with\nbreak",two\n', encoding="utf-8-sig")
    files["c.csv"] = [("#0", "q"), ("#0", "a"), ("#1", "one, with\nbreak"), ("#1", "two")]
    (folder / "d.tsv").write_text("q\na b\tc\n", encoding="utf-8")
    files["d.tsv"] = [("#0", "q"), ("#1", "a b"), ("#1", "c")]
    mixed = [{"q": r["q"], "deep": {"list": ["two", "three"] if "n" in r else []}} for r in records]
    pq.write_table(pa.Table.from_pylist(mixed), folder / "e.parquet")
    files["e.parquet"] = expected
    (folder / "f.txt").write_text("first\nline\n\n\nthird\n", encoding="utf-8")
    files["f.txt"] = [("#1", "first\nline"), ("#5", "third")]
    for name, found in files.items():
        assert list(read_items(folder / name, f"e/{name}")) == [
            (f"e/{name}{n}", text) for n, text in found
        ]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.jsonl", b'{"q": "x"}\n{"q": \n', "a.jsonl:2: the evaluation file is not JSON"),
        ("a.jsonl", b'{"q": "\xff"}', "can't read the evaluation file"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.jsonl.gz", gzip.compress(b"x" * 5000)[:30], "can't read the evaluation file"),
        ("a.csv", b'"open', "not CSV"),
        ("a.parquet", b"PAR1", "can't read the evaluation file"),
        ("a.pdf", b"%PDF", "unknown format"),
    ],
)
def test_what_can_not_be_read_is_an_error(tmp_path, name, data, words):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError) as error:
        list(read_items(path, path.name))
    assert words in str(error.value)


def fitted(tmp_path, records, **params):
    path = write_lines(tmp_path / "eval" / "x.jsonl", records)
    model = module.DecontaminateParams(against="eval/*.jsonl", **params)
    module.fit(model, [path], tmp_path / "fit")
    return model, Context(params=model, artifacts={"fit": tmp_path / "fit"})


def measure(context, texts):
    table = module.decontaminate(pa.table({"text": pa.array(texts, pa.large_string())}), context)
    assert table.schema.equals(module.SIGNALS)
    return [tuple(row.values()) for row in table.to_pylist()]


def test_ngrams_hit_by_hand(tmp_path):
    records = [{"q": "too short"}, {"q": QUESTION}, {"q": SHORT, "a": CHINESE}]
    _, context = fitted(tmp_path, records)
    words = QUESTION.split()
    assert len(words) == 16 and len(SHORT.split()) == 8 and len(CHINESE) == 22
    found = measure(
        context,
        [
            "nothing of that",
            "",
            # 14 words in a row: two 13-grams, written another way
            "x " + ", ".join(words[:14]).upper() + " y z",
            " ".join(words[:12]),
            SHORT,
            " ".join(SHORT.split()[:7]),
            # 15 characters of the item: three 13-grams; 4 characters before
            "前言两句" + CHINESE[2:17],
            f"{CHINESE} and {QUESTION}",
            "…",
        ],
    )
    assert found[0] == (0, 0.0, None)
    assert found[1] == (0, 0.0, None)
    assert found[2] == (2, pytest.approx(14 / 17), "x.jsonl#2")
    assert found[3] == (0, 0.0, None)
    assert found[4] == (1, 1.0, "x.jsonl#3")
    assert found[5] == (0, 0.0, None)
    assert found[6] == (3, pytest.approx(15 / 19), "x.jsonl#3")
    assert found[7] == (10 + 4, pytest.approx(38 / 39), "x.jsonl#3")
    assert found[8] == (0, 0.0, None)
    index = json.loads((tmp_path / "fit" / "index.json").read_text())
    assert index == {"lengths": [13, 8], "items": 3, "too_short": 1, "ngrams": 4 + 1 + 10}


def test_nothing_to_look_for_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"no item of .* has 8 words"):
        fitted(tmp_path, [{"q": "too short"}])
    with pytest.raises(InputError, match="no evaluation file matches"):
        module.fit(module.DecontaminateParams(against="none/*"), [], tmp_path)
    with pytest.raises(ValueError, match="min_words 9 is over words 5"):
        module.DecontaminateParams(against="x", words=5, min_words=9)


def test_an_index_changed_in_place_is_read_again(tmp_path):
    _, context = fitted(tmp_path, [{"q": QUESTION}])
    assert measure(context, [QUESTION])[0][0] == 4
    _, context = fitted(tmp_path, [{"q": SHORT}])
    assert measure(context, [QUESTION])[0][0] == 0


def test_decisions_name_the_item(tmp_path):
    model, _ = fitted(tmp_path, [{"q": QUESTION}, {"q": CHINESE}])
    filler = " ".join(["filler"] * 84)
    docs = {
        "a": [
            document("a", "clean", "a text of its own"),
            document("a", "hit", f"{QUESTION} {filler}"),
            document("a", "gone", QUESTION),
        ],
        "b": [document("b", f"{i}", CHINESE + "。" * i) for i in range(3)],
    }
    address = "corpusmith.dedup.decontaminate:decontaminate"
    measures = [(address, model.model_dump()), ("corpusmith.dedup.exact:exact_hash", {})]
    corpus = Corpus(tmp_path / "run", docs, measures, part_rows=2, fit=tmp_path / "fit")
    work = corpus.run(module.execute, "decontaminate", max_frac=0.0)
    rows = corpus.decisions(work)
    assert rows[0] == {
        "id": docs["a"][1]["id"],
        "step": "decontaminate",
        "rule": "contaminated",
        "signal": "contamination_frac",
        "value": "0.16",
        "min": None,
        "max": "0",
        "duplicate_of": None,
        "also": ["item: x.jsonl#1", "ngrams: 4"],
    }
    assert [r["id"] for r in rows[1:]] == [docs["a"][2]["id"], *[d["id"] for d in docs["b"]]]
    assert work.info["by_source"]["a"] == {"in": 3, "measured": 3, "left": 2}
    assert work.info["items"] == {"x.jsonl#2": 3, "x.jsonl#1": 2}
    assert work.warnings == [
        "decontaminate drops 3 of 3 documents of source 'b' (100.0%) as contaminated"
    ]
    # What left before takes no part, and a fraction below the limit stays.
    later = corpus.run(module.execute, "later", after=["decide.decontaminate"])
    assert corpus.decisions(later) == [] and later.info["in"] == 1
    loose = corpus.run(module.execute, "loose", max_frac=0.2)
    assert docs["a"][1]["id"] not in {r["id"] for r in corpus.decisions(loose)}
