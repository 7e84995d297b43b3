"""A recipe with `dedup: substring`: English, Chinese and code, from sources to the report."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import corpusmith as cs
from corpusmith import recipe, steps
from corpusmith.errors import RecipeError
from corpusmith.report.diff import diff
from corpusmith.report.run import Run
from corpusmith.report.show import funnel
from corpusmith.report.verify import verify
from corpusmith.report.whatif_run import whatif_run
from corpusmith.report.why import why
from corpusmith.tokenize.megatron import IndexedDataset
from corpusmith.tokenize.tokenizer import Tokenizer
from tests.e2e import corpus
from tests.reference import signals as reference_tokens
from tests.reference import substring as reference
from tests.unit.test_verify import rewrite

WINDOW = 30
MAIL = "jane.roe@example.org"

RECIPE = """
corpusmith: 1
corpus: spans
sources:
  prose: {{read: jsonl, path: prose.jsonl, part_bytes: {part_bytes}}}
  code:  {{read: code, path: code}}
clean:
  - normalize
  - measure: [quality]
  - keep: {{name: any, where: {{tokens: 5..}}}}
  - dedup: exact
  - pii: mask
  - dedup: {{substring: {{tokens: 30}}}}
  - keep: {{name: left, where: {{kept_bytes: 60..}}}}
split:    {{held_out: 0.2, min_documents: 3}}
tokenize: {{train: bpe, vocab: 400}}
"""


def prose() -> list[str]:
    draw = random.Random(4)
    notice = " ".join(f"Write to {MAIL} about clause {n} of the terms." for n in range(6))
    chinese = "".join(corpus.CHINESE)
    texts = []
    for number in range(90):
        words = " ".join(f"{draw.choice('abcdefgh')}{draw.randrange(900)}" for _ in range(45))
        own = "".join(chr(0x4E00 + draw.randrange(4000)) for _ in range(40))
        body = words if number % 2 else own
        texts.append(
            {
                0: f"{body}\n\n{notice}",
                1: f"{chinese}\n{body}",
                2: f"{body}\n{notice}\n{chinese}\n{body[::-1]}",
                3: body,
            }[number % 4]
        )
    return [*texts, notice + "\n" + chinese, texts[0]]


LICENSE = "\n".join(
    f"# {n}. Redistribution of part {n} is permitted, without warranty." for n in range(5)
)


def build(folder: Path, part_bytes: int) -> Path:
    folder.mkdir(parents=True)
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in prose()]
    (folder / "prose.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in "abcdef":
        path = folder / "code" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        lines = [f"def {name}_{n}(x):\n    return x * {n} + {ord(name)}" for n in range(9)]
        path.write_text(LICENSE + "\n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    path = folder / "recipe.yaml"
    path.write_text(RECIPE.format(part_bytes=part_bytes), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("spans") / "x"
    return cs.run(build(folder, 12_000), workdir=folder / "w", workers=2)


def texts(run: Run, folder: Path) -> dict[str, str]:
    """What a stage's folder itself has, by id."""
    tables = [pq.read_table(path) for path in sorted((folder / "documents").glob("*.parquet"))]
    return {row["id"]: row["text"] for table in tables for row in table.to_pylist()}


def test_documents_are_what_the_definition_says(run: Run) -> None:
    assert len(run.parts("prose")) > 2
    gone = {row["id"] for row in run.dropped().read_all().to_pylist() if row["step"] != "left"}
    early = {
        row["id"]
        for row in run.dropped().read_all().to_pylist()
        if row["step"] in ("any", "exact", "normalize", "pii", "collect")
    }
    before = {**texts(run, run.stage("clean.prose")), **texts(run, run.stage("clean.code"))}
    there = [name for name in before if name not in early]
    old = [reference_tokens.tokens(before[name]) for name in there]
    marks = reference.removed_tokens(old, WINDOW)
    expected = {
        name: "".join(t for t, cut in zip(row, mark, strict=True) if not cut)
        for name, row, mark in zip(there, old, marks, strict=True)
    }
    after = {row["id"]: row["text"] for row in run.documents().read_all().to_pylist()}
    assert len(after) > 80
    short = {row["id"] for row in run.dropped().read_all().to_pylist() if row["step"] == "left"}
    assert set(after) == {n for n in there if expected[n]} - short
    for name, text in after.items():
        assert "".join(text.split()) == expected[name]
    # Boilerplate in both languages and the license stand once (but for 29 tokens where they meet
    # something else that comes again); what is left is whole.
    everything = "\n".join(after.values())
    for once in ("clause 1 of the terms", corpus.CHINESE[3], "3. Redistribution"):
        assert everything.count(once) == 1
    # `def` came after the license before: a span is cut wherever it ends, in code as well.
    assert any(text.startswith("b_0(x):\n    return") for text in after.values())
    assert MAIL not in everything and "<EMAIL>" in everything
    [emptied] = [r for r in run.dropped().read_all().to_pylist() if r["step"] == "substring"]
    assert emptied["rule"] == "substring_duplicate" and emptied["duplicate_of"] in after
    assert emptied["id"] in gone


def test_everything_behind_it_sees_the_new_texts(run: Run) -> None:
    after = {r["id"]: r["text"] for r in run.documents(split="train").read_all().to_pylist()}
    held = {r["id"]: r["text"] for r in run.documents(split="held_out").read_all().to_pylist()}
    assert held and after
    folder = run.stage("tokens")
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    docs = pq.read_table(folder / "docs.parquet").to_pylist()
    assert {row["id"] for row in docs} == set(after)
    for row in docs:
        data = IndexedDataset(folder / row["part"])[row["sequence"]]
        expected = tokenizer.encode_batch([after[row["id"]]])[0]
        assert np.array_equal(data[:-1], expected)
        assert row["text_bytes"] == len(after[row["id"]].encode())
    signals = {row["id"]: row["kept_bytes"] for row in run.signals().read_all().to_pylist()}
    for name, text in {**after, **held}.items():
        assert signals[name] == len(text.encode())
    by_source = run.info("split")["by_source"]
    for source in ("prose", "code"):
        mine = run.documents(split="held_out").read_all()
        mine = mine.filter(pc.equal(mine["source"], source))
        assert by_source[source]["held_out_bytes"] == pc.sum(pc.binary_length(mine["text"])).as_py()
    total = sum(len(text.encode()) for text in {**after, **held}.values())
    kept = next(row for row in funnel(run) if row["step"] == "kept")
    assert kept["bytes_out"] == total


def test_it_is_shown_document_by_document(run: Run) -> None:
    edits = pq.read_table(sorted((run.stage("decide.substring") / "edits").glob("*"))[0])
    assert not any(MAIL in text for text in edits["removed"].to_pylist())
    row = edits.to_pylist()[-1]
    after = {r["id"]: r["text"] for r in run.documents().read_all().to_pylist()}
    found = why(run, row["id"])
    assert found["excerpt"] == after[row["id"]][:400]
    shown = [edit for edit in found["edits"] if edit["step"] == "substring"]
    assert shown[-1]["duplicate_of"] == row["duplicate_of"]
    assert shown[-1]["removed"] == row["removed"]
    changes = diff(run, row["id"])["steps"]
    assert [step["step"] for step in changes][-1] == "substring"
    assert all(step["rebuilt"] for step in changes)
    removed = "".join(line[1:] for line in changes[-1]["lines"] if line.startswith("-"))
    assert row["removed"].split()[0] in removed
    page = (run.folder / "report.html").read_text("utf-8")
    info = run.info("decide.substring")
    assert f"{info['spans']:,} spans cut from {info['changed']:,} documents" in page
    assert run.summary["documents"]["merged"] == 2
    # A rule behind it reads the size of the new text, one asked about another threshold too.
    sizes = sorted(len(text.encode()) for text in after.values())
    limit = sizes[len(sizes) // 2]
    asked = whatif_run(run, [f"left.kept_bytes.min={limit}"])
    assert asked["kept_before"] == len(sizes)
    assert asked["kept_after"] == sum(size >= limit for size in sizes)


def test_same_bytes_for_any_workers_and_batches(run: Run, tmp_path: Path) -> None:
    path = build(tmp_path / "x", 12_000)
    again = cs.run(path, workdir=tmp_path / "w", workers=1, batch_bytes=3000)
    assert corpus.contents(again.root) == corpus.contents(run.root)


def test_verify_recomputes_it(run: Run) -> None:
    assert verify(run)["problems"] == []
    folder = run.stage("decide.substring")
    [part] = [p.stem for p in (folder / "decisions").glob("*") if pq.read_metadata(p).num_rows]
    saved = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    def found(kind: str, change) -> str:
        rewrite(run, "decide.substring", kind, part, change)
        problems = verify(Run(run.folder))["problems"]
        for saved_path, data in saved.items():
            saved_path.write_bytes(data)
        return " ".join(problem["problem"] for problem in problems)

    def text_changed(table):
        column = pc.replace_substring(table["text"], "e", "E", max_replacements=1)
        return table.set_column(table.column_names.index("text"), "text", column)

    assert "its edits do not lead to its text" in found("documents", text_changed)
    assert "not about the same documents" in found(
        "edits", lambda t: t.filter(pc.equal(t["id"], ""))
    )
    larger = found(
        "signals", lambda t: t.set_column(1, "kept_bytes", pc.add(t["kept_bytes"], 1))
    )  # fmt: skip
    assert "kept_bytes is not the text's size" in larger
    assert "documents without text" in found("decisions", lambda t: t.slice(0, 0))
    assert verify(Run(run.folder))["problems"] == []


HEAD = "corpusmith: 1\ncorpus: c\nsources: {a: {read: jsonl, path: a.jsonl}}\nclean:\n"


@pytest.mark.parametrize(
    ("clean", "where", "words"),
    [
        ("- dedup: {substring: {tokens: 1}}", "r.yaml:5:31", "greater than or equal to 2"),
        ("- dedup: {substring: {words: 50}}", "r.yaml:5:23", "one of modalities, tokens"),
        ("- dedup: substring\n- measure: [quality]", "r.yaml:6:13", "stands behind 'substring'"),
        ("- dedup: substring\n- normalize", "r.yaml:6:3", "move `- normalize` above"),
        ("- dedup: substring\n- pii: mask", "r.yaml:6:8", "every measure, edit, mask"),
        ("- dedup: substring\n- dedup: exact", "r.yaml:6:10", "`dedup: exact` stands behind"),
        (
            "- measure: [quality]\n- dedup: substring\n- keep: {name: k, where: {words: 5..}}",
            "r.yaml:7:27",
            "`of: before`",
        ),
    ],
)
def test_what_may_stand_behind_it(tmp_path: Path, clean: str, where: str, words: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(HEAD + clean + "\n")
    with pytest.raises(RecipeError) as caught:
        steps.build(recipe.read(path))
    assert words in str(caught.value)
    assert str(caught.value.where).endswith(where)


def test_what_is_said_of_the_text_before_and_a_second_one(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        HEAD + "- measure: [quality]\n- edit: c4_lines\n- pii: mask\n"
        "- dedup: {substring: {tokens: 100}}\n"
        "- keep: {name: k, where: {words: 5..}, of: before}\n"
        "- {name: again, dedup: {substring: {modalities: [text]}}}\n"
        "split: {held_out: 0.1}\n"
    )
    built = steps.build(recipe.read(path))
    by_name = {step.name: step for step in built.decides}
    assert by_name["substring"].params["text_version"] == 2
    assert by_name["again"].params["text_version"] == 3
    assert by_name["again"].params["tokens"] == 50
    [masking] = by_name["substring"].params["masking"]
    assert masking["op"] == "corpusmith.clean.pii:pii"
    assert built.passes[-1].operation.name == "minhash"  # for the split, of the pass's text
