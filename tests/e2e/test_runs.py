"""Whole runs from the command line and from Python: gates, users' operations, nothing lost."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import pytest

import corpusmith as cs
from corpusmith.errors import CheckError
from corpusmith.report.verify import verify
from tests.e2e import corpus

HEAD = "corpusmith: 1\ncorpus: c\nsources: {a: {read: jsonl, path: a.jsonl}}\n"


def rows(folder: Path, texts: list[str], *, broken: int = 0) -> None:
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    lines += ['{"text": broken'] * broken
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def recipe(folder: Path, clean: str) -> Path:
    path = folder / "r.yaml"
    path.write_text(HEAD + clean, encoding="utf-8")
    return path


def test_too_much_quarantine_fails_by_name(tmp_path: Path) -> None:
    rows(tmp_path, [f"text number {n}" for n in range(90)], broken=10)
    path = recipe(tmp_path, "clean: [normalize]\n")
    done = corpus.corpusmith("run", path, "--workdir", tmp_path / "w", code=1)
    assert "10 of 100 documents of source 'a' (10.0%) went to quarantine" in done.stderr
    path.write_text(path.read_text() + "max_quarantined: 0.2\n")
    run = cs.run(path, workdir=tmp_path / "w")
    assert run.summary["documents"]["quarantined"] == 10
    assert run.summary["documents"]["read"] == 100
    assert verify(run)["problems"] == []


def test_a_users_operation_is_cached_by_its_source(tmp_path: Path) -> None:
    rows(tmp_path, [f"please {n} " * (n % 5) + "text" for n in range(40)])
    mine = tmp_path / "mine.py"
    mine.write_text(
        "import pyarrow as pa\n"
        "import pyarrow.compute as pc\n"
        "from corpusmith.op import op, signal\n"
        "ADDS = pa.schema([signal('polite_words', pa.int64(), 'words', 'please')])\n"
        "@op('politeness.v1', kind='measure', adds=ADDS)\n"
        "def politeness(batch, ctx):\n"
        "    counts = pc.count_substring(batch['text'], 'please')\n"
        "    if 'please 3 ' in ''.join(t.as_py() for t in batch['text'] if len(batch) == 1):\n"
        "        raise ValueError('three is too much')\n"
        "    if pc.any(pc.match_substring(batch['text'], 'please 3 ')).as_py():\n"
        "        raise ValueError('three is in this batch')\n"
        "    return pa.table({'polite_words': pc.cast(counts, pa.int64())})\n"
    )
    path = recipe(
        tmp_path,
        "clean:\n  - measure: ['./mine.py:politeness']\n"
        "  - keep: {name: polite, where: {polite_words: 2..}}\n",
    )
    run = cs.run(path, workdir=tmp_path / "w")
    # Texts have n % 5 times the word; document 3 made its operation fail, and it alone.
    [bad] = run.quarantine().to_pylist()
    assert (bad["error"], bad["step"]) == ("operation_failed", "politeness")
    assert "three is too much" in bad["message"]
    kept = [n for n in range(40) if n % 5 >= 2 and n != 3]
    assert run.summary["documents"]["kept"] == len(kept)
    before = run.stage("clean.a")
    assert cs.run(path, workdir=tmp_path / "w").folder == run.folder
    mine.write_text(mine.read_text() + "# changed\n")
    assert cs.run(path, workdir=tmp_path / "w").stage("clean.a") != before


def test_an_operation_that_ends_every_process_is_given_up_early(tmp_path: Path) -> None:
    rows(tmp_path, [f"text number {n}" for n in range(60)])
    (tmp_path / "mine.py").write_text(
        "import os\n"
        "import pyarrow as pa\n"
        "from corpusmith.op import op, signal\n"
        "@op('deadly.v1', kind='measure', adds=pa.schema([signal('d', pa.int64(), '', 'd')]))\n"
        "def deadly(batch, ctx):\n"
        "    os._exit(3)\n"
    )
    path = recipe(tmp_path, "clean: [{measure: ['./mine.py:deadly']}]\n")
    done = corpus.corpusmith("run", path, "--workdir", tmp_path / "w", code=1)
    assert "source 'a' was given up before its end: 4 documents ended their process" in done.stderr
    assert "a.jsonl#0, a.jsonl#26, a.jsonl#52" in done.stderr
    # Two tries of the whole part, and then one process for each of the 3 that may go and one more.
    lost = [e for e in corpus.events(tmp_path / "w") if e["event"] == "lost"]
    assert len(lost) == 2 + 4


def test_names_and_errors_that_are_no_unicode(tmp_path: Path) -> None:
    """A file name with a byte that is no UTF-8, an exception with a lone surrogate in its text."""
    (tmp_path / "mine.py").write_text(
        "import pyarrow as pa\n"
        "from corpusmith.op import op, signal\n"
        "ADDS = pa.schema([signal('half', pa.int64(), '', 'x')])\n"
        "@op('half.v1', kind='measure', adds=ADDS)\n"
        "def half(batch, ctx):\n"
        "    if any('bad' in t.as_py() for t in batch['text']):\n"
        "        raise ValueError('half a pair: \\ud800')\n"
        "    return pa.table({'half': [1] * len(batch)})\n"
    )
    folder = tmp_path / "t"
    folder.mkdir()
    names = [b"a.txt", b"b.txt"] + [b"caf\xe9.txt"] * (sys.platform != "darwin")
    for name in names:
        with open(os.path.join(os.fsencode(folder), name), "w") as file:
            file.write("bad" if name == b"b.txt" else "good")
    path = tmp_path / "r.yaml"
    path.write_text(
        "corpusmith: 1\ncorpus: c\nmax_quarantined: 0.9\n"
        "sources: {a: {read: text, path: t}}\nclean: [{measure: ['./mine.py:half']}]\n"
    )
    run = cs.run(path, workdir=tmp_path / "w")
    [bad] = run.quarantine().to_pylist()
    assert (bad["uri"], bad["error"]) == ("b.txt", "operation_failed")
    assert bad["message"] == r"ValueError: half a pair: \ud800"
    assert run.summary["documents"]["kept"] == len(names) - 1
    assert verify(run)["problems"] == []


def test_what_is_no_document_is_told(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    for name in ("a.txt", "b.txt", ".hidden.txt", "c.png"):
        (tmp_path / "t" / name).write_text(f"text of {name}")
    path = tmp_path / "r.yaml"
    path.write_text("corpusmith: 1\ncorpus: c\nsources: {a: {read: text, path: t}}\n")
    run = cs.run(path, workdir=tmp_path / "w")
    assert run.summary["documents"]["read"] == 2
    assert run.summary["skipped"] == {"a": {"hidden": 1, "other_extension": 1}}
    words = "no documents by definition: hidden 1, other_extension 1"
    assert words in corpus.corpusmith("show", tmp_path / "w").stdout
    assert words in (run.folder / "report.html").read_text()


def test_a_source_without_a_document_is_a_warning(tmp_path: Path) -> None:
    rows(tmp_path, ["text"])
    (tmp_path / "empty.jsonl").write_text("\n")
    path = tmp_path / "r.yaml"
    path.write_text(
        "corpusmith: 1\ncorpus: c\nsources:\n  a: {read: jsonl, path: a.jsonl}\n"
        "  b: {read: jsonl, path: empty.jsonl}\n"
    )
    run = cs.run(path, workdir=tmp_path / "w")
    assert any("source 'b' has no document" in str(w) for w in run.summary["warnings"])


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_in_random_corpora(tmp_path: Path, seed: int) -> None:
    """The conservation law, recomputed from the files, for random texts and random rules."""
    draw = random.Random(seed)
    words = [
        "数据",
        "clean",
        "the",
        "😀",
        "é́",
        "model",
        "\u00a0",
        "a@b-mail.org",
        "。",
        "\n\n",
        "x",
    ]
    texts = [
        "".join(
            draw.choice(words) + draw.choice(["", " ", "\n"]) for _ in range(draw.randrange(80))
        )
        for _ in range(draw.randrange(1, 300))
    ]
    texts += draw.choices(texts, k=draw.randrange(40))
    rows(tmp_path, texts, broken=draw.randrange(3))
    low, high = sorted(draw.choices(range(90), k=2))
    steps = [
        "normalize",
        "language",
        "{measure: [quality, repetition]}",
        f"{{keep: {{name: words, where: {{words: {low}..{high}}}}}}}",
        f"{{keep: {{name: lines, where: {{dup_lines_frac: ..{draw.random():.2f}}}}}}}",
        "{edit: c4_lines}",
        "{dedup: exact}",
        "{dedup: near}",
        "{pii: mask}",
    ]
    chosen = [
        step
        for step in steps
        if draw.random() < 0.8 or "measure" in step or step in ("normalize", "language")
    ]
    path = recipe(tmp_path, "max_quarantined: 1.0\nclean: [" + ", ".join(chosen) + "]\n")
    run = cs.run(
        path, workdir=tmp_path / "w", workers=1, batch_bytes=draw.choice([1, 999, 1 << 24])
    )
    counts = run.summary["documents"]
    assert counts["read"] + counts["created"] == (
        counts["kept"] + counts["dropped"] + counts["merged"] + counts["quarantined"]
    )
    assert run.documents().read_all().num_rows == counts["kept"]
    assert verify(run)["problems"] == []


def test_a_planted_loss_is_found(tmp_path: Path) -> None:
    rows(tmp_path, [f"text number {n}" for n in range(50)])
    run = cs.run(recipe(tmp_path, "clean: [normalize]\n"), workdir=tmp_path / "w")
    corpus.corpusmith("verify", run.folder)
    [part] = (run.stage("clean.a") / "documents").glob("*.parquet")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    done = corpus.corpusmith("verify", run.folder, code=1)
    assert "checksum" in done.stdout


def test_strict_turns_a_warning_into_a_failure(tmp_path: Path) -> None:
    rows(tmp_path, ["the very same text"] * 50)
    path = recipe(tmp_path, "clean: [{dedup: exact}]\n")
    done = corpus.corpusmith("run", path, "--workdir", tmp_path / "w")
    assert "WARNING" in done.stdout
    assert "98" in done.stdout  # 49 of 50 documents are gone
    corpus.corpusmith("run", path, "--workdir", tmp_path / "w", "--strict", code=1)
    with pytest.raises(CheckError):
        cs.run(path, workdir=tmp_path / "w", strict=True)


def test_errors_and_exit_codes(tmp_path: Path) -> None:
    assert "no run here" in corpus.corpusmith("show", tmp_path, code=2).stderr
    done = corpus.corpusmith("check", tmp_path / "none.yaml", "--json", code=2)
    assert json.loads(done.stdout)["error"].startswith("can't read the recipe")
    assert "corpusmith init" in json.loads(done.stdout)["try"]
    corpus.corpusmith("run", code=2)
    corpus.corpusmith("nonsense", code=2)
    corpus.corpusmith("init", tmp_path / "new.yaml")
    corpus.corpusmith("init", tmp_path / "new.yaml", code=2)


def test_masked_text_stands_nowhere(tmp_path: Path) -> None:
    texts = [
        f"A line that ends without an end and names zoe{n}@lost-mail.org\n"
        f"Write to anna{n}@kept-mail.org\u00a0today, please.\nThe rest is a sentence of words."
        for n in range(30)
    ]
    rows(tmp_path, texts)
    path = recipe(
        tmp_path,
        "clean: [normalize, {edit: c4_lines}, {measure: quality}, {pii: mask},"
        " {keep: {name: w, where: {words: 16..}, of: before}}]\n",
    )
    run = cs.run(path, workdir=tmp_path / "w")
    [some] = run.signals().read_all()["id"].slice(0, 1).to_pylist()
    shown = [
        corpus.corpusmith(*words, run.folder, some).stdout for words in (("why",), ("diff",))
    ] + [(run.folder / "report.html").read_text()]
    for text in shown:
        assert "lost-mail" not in text
        assert "kept-mail" not in text
    for kind in ("documents", "signals", "edits"):
        table = run.sql(f"select * from '{run.stage('clean.a')}/{kind}/*.parquet'")
        assert table.num_rows
        assert "mail.org" not in str(table.to_pylist())
