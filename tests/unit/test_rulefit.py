"""`rules fit`: bounds by hand on known samples, the file as a rule set, the command on a sample."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpusmith.clean import rulefit
from corpusmith.clean.rules import evaluate, load_rule_set
from corpusmith.cli.main import main
from corpusmith.errors import UserError


def sample(rows: int = 101, language: str = "sw") -> pa.Table:
    """Every signal of document i is i / 100, but words, and word lengths from 2 to 12."""
    steps = np.arange(rows) / 100
    columns: dict = {name: pa.array(steps, pa.float32()) for name in rulefit.SIGNALS}
    columns["lang"] = [language] * rows
    columns["words"] = pa.array([1000] * rows, pa.int32())
    columns["word_mean_chars"] = pa.array(2 + steps * 10, pa.float32())
    for name in ("hash_per_word", "ellipsis_per_word", "bullet_lines_frac", "ellipsis_lines_frac"):
        columns[name] = pa.array([0.0] * rows, pa.float32())
    columns["duplicate_line_chars_frac"] = pa.array([0.0] * rows, pa.float32())
    return pa.table(
        {"id": [str(row) for row in range(rows)], "modality": ["text"] * rows} | columns
    )


def test_tails_by_hand():
    """Of 101 documents with 0.00, 0.01 ... 1.00 a tenth lies below 0.10 and above 0.90."""
    rules, kept = rulefit.fit(sample(), "sw", tail=0.1)
    found = {rule.name: rule.range for rule in rules}
    assert found["terminal_lines_frac"] == "0.1.."
    assert found["dup_lines_frac"] == "..0.9"
    assert found["word_mean_chars"] == "3..11"  # 2 + 1 and 2 + 9
    assert found["words"] == "50..100000"
    # 0.10 to 0.90 pass: 81 of 101, since the same documents fail all rules.
    assert kept == pytest.approx(81 / 101)
    dropped = {rule.name: rule.dropped for rule in rules}
    assert dropped["dup_lines_frac"] == pytest.approx(10 / 101)


def test_mean_and_deviations_by_hand():
    """Mean 0.5; variance of 0..100 evenly is (101^2 - 1) / 12 = 850, its root 29.155."""
    rules, _ = rulefit.fit(sample(), "sw", method="mean_std", std=1.0)
    found = {rule.name: rule.range for rule in rules}
    assert found["terminal_lines_frac"] == "0.208.."  # 0.20845 rounded down
    assert found["newlines_per_word"] == "..0.792"  # 0.79155 rounded up
    assert found["word_mean_chars"] == "4..10"  # 7 - 2.9 and 7 + 2.9


def test_no_bound_cuts_off_more_than_its_tail():
    draw = random.Random(3)
    table = sample(77)
    for name in rulefit.SIGNALS[1:]:
        if name != "words":
            at = table.column_names.index(name)
            values = [draw.choice([0.0, 0.1, draw.random()]) for _ in range(77)]
            table = table.set_column(at, name, pa.array(values, pa.float32()))
    for tail in (0.02, 0.05, 0.2):
        for rule in rulefit.fit(table, "sw", tail=tail)[0]:
            sides = 2 if rule.name == "word_mean_chars" else 1
            assert rule.fixed or rule.dropped <= sides * tail + 1e-9, rule


def test_too_few():
    with pytest.raises(UserError, match=r"(?s)0 documents in 'de'.*sw 101"):
        rulefit.fit(sample(), "de")
    with pytest.raises(UserError, match="19 documents"):
        rulefit.fit(sample(19), "sw")


def test_the_file_is_a_rule_set_for_its_language_alone(tmp_path):
    rules, kept = rulefit.fit(sample(), "sw", tail=0.1)
    text = rulefit.rule_file(rules, "sw", ["How it came to be."], "a test")
    (tmp_path / "sw.yaml").write_text(text, "utf-8")
    rule_set = load_rule_set("./sw.yaml", tmp_path)
    assert rule_set.segmenter == "segmented_words"
    dropped = evaluate(rule_set, sample(), "fitted_sw").num_rows
    assert 1 - dropped / 101 == pytest.approx(kept)
    assert evaluate(rule_set, sample(language="de"), "fitted_sw").num_rows == 0


SENTENCES = [
    "Kila mtu ana haki ya kuishi, uhuru na usalama wa nafsi yake",
    "Watu wote wamezaliwa huru, na wote ni sawa",
    "Hakuna mtu atakayewekwa katika utumwa",
    "Kila mtu anastahili kuwa na haki zote na uhuru wote",
    "Watoto wanasoma vitabu vyao shuleni",
    "Mvua imenyesha usiku kucha na mito imejaa maji mengi",
]


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    draw = random.Random(1)
    lines = []
    for _ in range(30):
        text = "\n".join(". ".join(draw.sample(SENTENCES, 4)) + "." for _ in range(4))
        lines.append(json.dumps({"body": text}))
    Path("clean.jsonl").write_text("\n".join(lines), "utf-8")
    command = ["rules", "fit", "clean.jsonl", "--language", "sw", "--text", "body"]
    command += ["--workers", "1", "--progress", "none"]
    with pytest.raises(SystemExit, match="0"):
        main(command)
    told = capsys.readouterr().out
    assert "30 documents in sw" in told and "wrote sw.yaml" in told
    rule_set = load_rule_set("./sw.yaml", tmp_path)
    assert {rule.name for rule in rule_set.rules} == set(rulefit.SIGNALS) - {"lang"}
    with pytest.raises(SystemExit, match="2"):
        main(command)
    assert "sw.yaml is there already" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        main(["rules", "show", "sw.yaml"])
    assert capsys.readouterr().out == Path("sw.yaml").read_text("utf-8")


def test_list_and_show(capsys):
    for command in (["rules", "--json"], ["rules", "list", "--json"]):
        with pytest.raises(SystemExit, match="0"):
            main(command)
        rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
        assert len(rows["fineweb2"]["languages"]) >= 26 and rows["code"]["languages"] == []
    for command in (["rules", "fineweb2"], ["rules", "show", "fineweb2"]):
        with pytest.raises(SystemExit, match="0"):
            main(command)
        assert capsys.readouterr().out.startswith("# FineWeb-2's filters")
