"""One document's way, and what edits changed in it; two runs compared."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from corpusmith.errors import InputError
from corpusmith.report.diff import SHOWN_BLOCK, diff, render_diff
from corpusmith.report.run import Run
from corpusmith.report.rundiff import diff_runs, render_diff_runs
from corpusmith.report.why import masked_meta, render_why, why
from tests.builders import build
from tests.tiny_corpus import MAIL, fates

K, S, D, MAILED, ZH, E, H, Q = (row[4] for row in fates("pages"))
UNUSED = fates("code")[1][4]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return build(tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize(
    ("wanted", "status"),
    [(K, "kept"), (S, "dropped"), (D, "merged"), (E, "dropped"), (H, "held_out"),
     (Q, "quarantined"), ("code.jsonl#2", "quarantined")],
)  # fmt: skip
def test_verdicts(run: Run, wanted: str, status: str) -> None:
    found = why(run, wanted)
    assert found["verdict"]["status"] == status
    json.dumps(found)  # JSON values only
    assert render_why(found)


def test_a_dropped_document(run: Run) -> None:
    found = why(run, S)
    verdict = found["verdict"]
    assert (verdict["step"], verdict["rule"], verdict["value"]) == ("keep", "words", "2")
    assert (verdict["min"], verdict["max"]) == ("3", "100000")
    steps = {step["step"]: step for step in found["steps"]}
    assert steps["normalize"]["result"] == "passed"
    assert steps["keep"]["result"] == "left"
    assert steps["exact"]["result"] == "not_reached"
    rules = {rule["rule"]: rule for rule in steps["keep"]["rules"]}
    assert (rules["words"]["value"], rules["words"]["result"]) == (2, "fail")
    assert rules["word_mean_chars"]["result"] == "pass"
    assert found["tokens"] is None and found["split"] is None
    assert "FAIL words = 2, wanted 3..100000" in "\n".join(render_why(found))


def test_what_the_source_says_of_a_document(run: Run) -> None:
    found = why(run, K)
    said = {"title": "A \x1b[31mpage", "author": "Ann", "links": [1], "vendored": False, "n": 3}
    found["document"]["meta"] = json.dumps(said)
    text = "\n".join(render_why(found))
    assert "meta\n  title A " in text and "  author Ann\n  n 3\n  and 2 more fields" in text
    assert "\x1b" not in text
    # What is masked in texts is not shown here either.
    told = masked_meta(run, json.dumps({"from": f"Anna <{MAIL}>", "to": [{"a": MAIL}], "n": 1}))
    assert MAIL not in told and json.loads(told)["n"] == 1 and "Anna" in told


def test_who_left_a_document_without_text(run: Run) -> None:
    for wanted, words in ((K, "no step"), (E, "cut")):
        assert f"  emptied_by = {words}" in "\n".join(render_why(why(run, wanted)))


def test_thresholds_of_the_language(run: Run) -> None:
    [keep] = [step for step in why(run, ZH)["steps"] if step["step"] == "keep"]
    rules = {rule["rule"]: rule for rule in keep["rules"]}
    assert rules["word_mean_chars"]["range"] == "1..5"
    assert rules["word_mean_chars"]["result"] == "pass"


def test_duplicates_name_each_other(run: Run) -> None:
    assert why(run, D)["verdict"]["duplicate_of"] == {
        "id": K,
        "uri": "pages.jsonl#0",
        "source": "pages",
    }
    assert [other["id"] for other in why(run, K)["stands_for"]] == [D]


def test_training(run: Run) -> None:
    kept, unused = why(run, K), why(run, UNUSED)
    assert (kept["split"], kept["tokens"], kept["uses"]) == ("train", 12, 2)
    assert (unused["tokens"], unused["uses"]) == (9, 0)
    assert why(run, H)["split"] == "held_out"


def test_signals_name_step_and_text_version(run: Run) -> None:
    signals = {row["column"]: row for row in why(run, K)["signals"]}
    assert signals["words"]["value"] == 9
    assert (signals["words"]["step"], signals["words"]["text_version"]) == ("measure", 1)


def test_found_by_prefix_and_uri(run: Run) -> None:
    assert why(run, K[:12])["id"] == K
    assert why(run, K.upper())["id"] == K
    assert why(run, "pages.jsonl#4")["id"] == ZH
    with pytest.raises(InputError, match="no document 'ffffffffffff'"):
        why(run, "ffffffffffff")
    with pytest.raises(InputError, match="fits 8 documents"):
        why(run, "pages.jsonl")
    with pytest.raises(InputError, match="no document named"):
        why(run, " ")


def test_masked_text_is_shown_nowhere(run: Run) -> None:
    found, changed = why(run, MAILED), diff(run, MAILED)
    for text in (json.dumps(found), json.dumps(changed), "\n".join(render_why(found)),
                 "\n".join(render_diff(changed))):  # fmt: skip
        assert MAIL not in text and "carl@example.net" not in text
    masked = [edit for edit in found["edits"] if edit["masked"]]
    assert [edit["kind"] for edit in masked] == ["pii:email"]
    assert masked[0]["removed"] is None and masked[0]["removed_hash"] == "ab" * 16


def test_diff_rebuilds_each_step(run: Run) -> None:
    assert diff(run, K)["steps"] == [
        {
            "step": "normalize",
            "text_version": 0,
            "edits": 1,
            "masked": 0,
            "rebuilt": True,
            "lines": [
                "@@ -1,1 +1,1 @@",
                "-The\u00a0first page says a few words about trees.",
                "+The first page says a few words about trees.",
            ],
        }
    ]
    cut, pii = diff(run, MAILED)["steps"]
    rest = "for the <b>rest</b> of it, please."
    assert cut["lines"] == [
        "@@ -1,2 +1,1 @@",
        f"-Write to {SHOWN_BLOCK} today",
        f" Ask {SHOWN_BLOCK} {rest}",
    ]
    assert pii["masked"] == 1
    assert pii["lines"] == ["@@ -1,1 +1,1 @@", f"-Ask {SHOWN_BLOCK} {rest}", f"+Ask <EMAIL> {rest}"]


def test_diff_of_what_has_no_text(run: Run) -> None:
    with pytest.raises(InputError, match="went to quarantine"):
        diff(run, Q)
    assert "no step changed its text" in render_diff(diff(run, S))


def test_no_escape_sequence_reaches_the_terminal(tmp_path: Path) -> None:
    def evil(stage: str, kind: str, table: pa.Table) -> pa.Table:
        if kind != "documents":
            return table
        text = pa.array([f"{t}\x1b[2J" for t in table["text"].to_pylist()], pa.large_string())
        return table.set_column(table.column_names.index("text"), "text", text)

    run = build(tmp_path, change=evil)
    assert "\x1b" not in "\n".join(render_why(why(run, K)))
    assert "\\x1b[2J" in "\n".join(render_why(why(run, K)))


# --- two runs ----------------------------------------------------------------------------


def test_two_runs(run: Run, tmp_path: Path) -> None:
    def other(stage: str, kind: str, table: pa.Table) -> pa.Table:
        """In the second run nothing is a duplicate, and all documents have 10 words more."""
        if stage == "decide.exact" and kind == "decisions":
            return table.slice(0, 0)
        if kind == "signals":
            place = table.column_names.index("words")
            more = pc.add(table["words"], 10).cast(pa.int32())
            return table.set_column(place, table.field("words"), more)
        return table

    second = build(tmp_path, change=other)
    found = diff_runs(run, second)
    json.dumps(found)
    assert found["documents"] == {"both": 10, "only_a": 0, "only_b": 0, "changed": 3}
    changes = {(c["before"], c["after"]): c for c in found["changes"]}
    assert changes["exact / exact_duplicate", "kept"]["examples"] == [D]
    assert changes["keep / words", "kept"]["by_source"] == {"pages": 1}
    # "x" has words enough now, and still fails the rule after.
    assert changes["keep / words", "keep / word_mean_chars"]["by_source"] == {"code": 1}
    assert {"step": "exact", "rule": "exact_duplicate", "a": 1, "b": 0} in found["by_rule"]
    words = next(s for s in found["signals"] if s["signal"] == "words")
    assert words["mean_b"] == pytest.approx(words["mean_a"] + 10)
    assert found["by_source"][0]["kept_b"] == found["by_source"][0]["kept_a"] + 2
    assert render_diff_runs(found)
    assert diff_runs(run, run)["changes"] == []
