"""One document's way through a run: where from, signals, rules, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpusmith.clean.decide import as_signals
from corpusmith.clean.ranges import Column
from corpusmith.clean.rules import RuleSet, verdicts
from corpusmith.report.find import (
    Found,
    decision,
    document,
    edit_rows,
    find,
    masker,
    places,
    sidecar,
)
from corpusmith.report.run import Run
from corpusmith.report.scan import read_signals, token_parts
from corpusmith.report.tables import figure, plain, printable
from corpusmith.schema import DOCUMENT_RULE_COLUMNS
from corpusmith.store.overlay import iter_current, rewrote
from corpusmith.store.parts import committed, part_names, read_part

IN_DOCUMENT = ("id", *DOCUMENT_RULE_COLUMNS)  # columns of signals/ that are shown as `document`
META_SHOWN, META_CHARS = 20, 200
EXCERPT_CHARS = 400
EDITS_SHOWN = 50


def why(run: Run, wanted: str) -> dict[str, Any]:
    """What the run knows of one document, as JSON values.

    `wanted` is an id, the beginning of one, or a URI (see `find`). Keys: `id`, `uri`, `source`,
    `part`, `verdict` {status: kept, held_out, dropped, merged or quarantined, and the decision},
    `document` (its columns without the text), `excerpt` (the beginning of the text after
    the last edit), `signals` [{signal, column, value, step, text_version}], `steps` [{step,
    kind, result: passed, left or not_reached, rules [{rule, signal, value, value_text, range,
    result: pass, fail or off}]}], `edits` [{step, text_version, start, end, kind, removed,
    removed_hash, replacement, masked, duplicate_of}], `stands_for` (what left as its duplicate),
    `split`, `tokens`, `uses`.

    What was masked as personal data is shown masked. Raises InputError as `find` does.
    """
    found = find(run, wanted)
    base: dict[str, Any] = {
        "id": found.id,
        "uri": found.uri,
        "source": found.source,
        "part": found.part,
    }
    if found.quarantine is not None:
        return {**base, "verdict": _quarantined(found.quarantine)}
    assert found.id is not None
    folders = run.clean_folders() or run.collect_folders()
    row = document(run, folders[found.source], found.part, found.id)
    text = row.pop("text", "")
    left, held = decision(run, found.part, found.id)
    base["verdict"] = _unencoded(run, found, left) or _verdict(run, left, held)
    base["document"] = {k: plain(v) for k, v in row.items() if k not in ("id", "uri", "source")}
    base["document"]["meta"] = masked_meta(run, row.get("meta") or "{}")
    base["excerpt"] = text[:EXCERPT_CHARS]
    base["signals"] = _described(run, _signals(run, found, [f for _, f in run.decide_folders()]))
    base["steps"] = _steps(run, found, left)
    base["edits"] = edits(run, found)
    base["stands_for"] = _stands_for(run, found.id)
    return {**base, **_training(run, found, left, held)}


def masked_meta(run: Run, meta: str) -> str:
    """The JSON of a meta column, its strings masked as the run masks texts."""
    mask = masker(run)

    def inside(value: Any) -> Any:
        if isinstance(value, str):
            return mask([value])[0]
        if isinstance(value, dict):
            return {key: inside(each) for key, each in value.items()}
        return [inside(each) for each in value] if isinstance(value, list) else value

    return json.dumps(inside(json.loads(meta)), ensure_ascii=False, sort_keys=True)


def _unencoded(run: Run, found: Found, left: dict[str, Any] | None) -> dict[str, Any] | None:
    """The verdict on a document that no step dropped and the tokenizer could not encode."""
    part = token_parts(run).get(found.part)
    if left is not None or part is None or not committed(run.stage("tokens"), part):
        return None
    for row in sidecar(run.stage("tokens"), "quarantine", part, found.id or ""):
        return _quarantined(row)
    return None


def _quarantined(row: dict[str, Any]) -> dict[str, Any]:
    return {"status": "quarantined", **{name: row[name] for name in ("step", "error", "message")}}


def _verdict(run: Run, left: dict[str, Any] | None, held: bool) -> dict[str, Any]:
    if left is None:
        return {"status": "held_out" if held else "kept"}
    verdict = {"status": "merged" if left["duplicate_of"] else "dropped", **left}
    verdict.pop("id")
    if left["duplicate_of"]:
        other = places(run, [left["duplicate_of"]]).get(left["duplicate_of"])
        verdict["duplicate_of"] = {
            "id": left["duplicate_of"],
            "uri": other.uri if other else None,
            "source": other.source if other else None,
        }
    return verdict


def _signals(run: Run, found: Found, after: Sequence[Path]) -> pa.Table:
    """The document's row of `signals/` with all columns, as the stages `after` left it; no rows
    where it was not cleaned yet."""
    folders = run.clean_folders()
    if not folders:
        return pa.table({"id": pa.array([], pa.string())})
    folder = folders[found.source]
    ids = read_signals(folder, found.part, ["id"])["id"].combine_chunks()
    place = int(np.flatnonzero(np.asarray(ids) == found.id)[0])
    for table in iter_current(folder, "signals", found.part, after):
        if place < table.num_rows:
            return table.slice(place, 1)
        place -= table.num_rows
    raise AssertionError("a row counted is a row there")


def _described(run: Run, signals: pa.Table) -> list[dict[str, Any]]:
    if not signals.num_rows:
        return []
    measured = {
        column: (signal, step)
        for step in run.lock.get("passes", [])
        for signal, column in step["columns"].items()
    }
    described = []
    for name, value in signals.to_pylist()[0].items():
        if name in IN_DOCUMENT:
            continue
        signal, step = measured.get(name, (name, None))
        described.append(
            {
                "signal": signal,
                "column": name,
                "value": plain(value),
                "step": step["step"] if step else None,
                "text_version": step["text_version"] if step else None,
            }
        )
    return described


def _steps(run: Run, place: Found, left: dict[str, Any] | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    gone = False
    decided = dict(run.decide_folders())
    passed: list[Path] = []
    signals = _signals(run, place, passed)
    for step in run.lock.get("decides", []):
        if step["step"] not in decided:
            continue  # the run was stopped before it
        here = left is not None and left["step"] == step["step"]
        result = "left" if here else "not_reached" if gone else "passed"
        gone = gone or here
        entry: dict[str, Any] = {"step": step["step"], "kind": step["kind"], "result": result}
        if step["rules"] is not None:
            rule_set = RuleSet.model_validate(step["rules"])
            entry["rules"] = _rules(rule_set, as_signals(signals, step["columns"]))
        found.append(entry)
        passed.append(decided[step["step"]])
        if rewrote(passed[-1], "signals", place.part):
            signals = _signals(run, place, passed)
    return found


def _rules(rule_set: RuleSet, signals: pa.Table) -> list[dict[str, Any]]:
    """Every rule on the one row of `signals`, whether an earlier one failed or not."""
    judged = verdicts(rule_set, signals)
    rows = []
    for number, rule in enumerate(rule_set.rules):
        met = int(judged.which[number][0])
        value = text = None
        if rule.signal in signals.column_names and signals.num_rows:
            value = plain(signals[rule.signal][0].as_py())
            text = Column(rule.signal, signals[rule.signal]).text(np.array([0]))[0].as_py()
        rows.append(
            {
                "rule": rule.name,
                "signal": rule.signal,
                "value": value,
                "value_text": text,
                "range": str(judged.conditions[number][met]) if met >= 0 else "off",
                "result": "off" if met < 0 else "fail" if judged.fails[number][0] else "pass",
            }
        )
    return rows


def edits(run: Run, found: Found) -> list[dict[str, Any]]:
    """What edits did to a document, in their order; what was masked has `removed` None."""
    rows = edit_rows(run, found)
    mask = masker(run)
    removed = mask([row["removed"] or "" for row in rows])
    put_in = mask([row["replacement"] or "" for row in rows])
    return [
        {
            "step": row["step"],
            "text_version": row["text_version"],
            "start": row["start"],
            "end": row["end"],
            "kind": row["kind"],
            "removed": None if row["removed"] is None else old,
            "removed_hash": row["removed_hash"],
            "replacement": new,
            "masked": row["removed"] is None,
            "duplicate_of": row.get("duplicate_of"),
        }
        for row, old, new in zip(rows, removed, put_in, strict=True)
    ]


def _stands_for(run: Run, wanted: str) -> list[dict[str, Any]]:
    """Ids, steps and values of the documents that left as duplicates of this one."""
    found = []
    for step, folder in run.decide_folders():
        for part in part_names(folder):
            table = read_part(folder, "decisions", part, columns=["id", "duplicate_of", "value"])
            mask = np.asarray(table["duplicate_of"].combine_chunks()) == wanted
            for row in table.filter(pa.array(mask, pa.bool_())).to_pylist():
                found.append({"id": row["id"], "step": step, "value": row["value"]})
    return found


def _training(run: Run, found: Found, left: dict[str, Any] | None, held: bool) -> dict[str, Any]:
    """Side of the split, tokens (with the end token) and how often the mix uses it."""
    out: dict[str, Any] = {"split": None, "tokens": None, "uses": None}
    if left is not None:
        return out
    if run.split_folder() is not None:
        out["split"] = "held_out" if held else "train"
    part = token_parts(run).get(found.part)
    if part is None or not committed(run.stage("tokens"), part):
        return out
    for row in sidecar(run.stage("tokens"), "docs", part, found.id or ""):
        out["tokens"] = row["token_count"]
        out["token_place"] = {"part": row["part"], "sequence": row["sequence"]}
    if run.has("mix") and out["tokens"] is not None:
        rows = pq.read_table(
            run.stage("mix") / "mix.parquet", columns=["uses"], filters=[("id", "=", found.id)]
        )
        out["uses"] = rows["uses"][0].as_py() if rows.num_rows else None
    return out


# --- as text -----------------------------------------------------------------------------


def _meta(text: str | None) -> list[str]:
    """What the source says of it besides: title, author, address, commit, ..."""
    said = json.loads(text or "{}")
    flat = {
        k: v for k, v in said.items() if isinstance(v, str | int | float) and v not in ("", False)
    }
    lines = [f"  {key} {printable(str(value))[:META_CHARS]}" for key, value in flat.items()]
    more = len(said) - len(lines[:META_SHOWN])
    shown = lines[:META_SHOWN] + ([f"  and {more} more fields: --json"] if more else [])
    return ["meta", *shown] if lines else []


def render_why(found: dict[str, Any]) -> list[str]:
    """Lines for a terminal."""
    lines = [
        f"document  {found['id'] or '(never became one)'}",
        f"uri       {printable(found['uri'])}",
        f"source    {found['source']}, part {found['part']}",
        f"verdict   {_sentence(found['verdict'])}",
    ]
    if found["verdict"]["status"] == "quarantined":
        return lines
    row = found["document"]
    lines.append(
        f"columns   modality {row['modality']}, language {_value(row['lang'])} "
        f"({_value(row['lang_score'])}), license {_value(row['license'])}, "
        f"created {_value(row['created'])}"
    )
    lines += _meta(row["meta"])
    if found["tokens"] is not None:
        uses = "" if found["uses"] is None else f", used {found['uses']} times by the mix"
        lines.append(f"training  {found['tokens']:,} tokens{uses}")
    elif found["split"] == "held_out":
        lines.append("training  held out for evaluation: no tokens of it are trained on")
    if found["stands_for"]:
        some = ", ".join(other["id"] for other in found["stands_for"][:5])
        lines.append(f"kept for  {len(found['stands_for'])} duplicates: {some}")
    lines += ["", "steps"]
    for step in found["steps"]:
        word = {"passed": "passed", "left": "LEFT HERE", "not_reached": "not reached"}
        lines.append(f"  {step['step']}: {word[step['result']]}")
        for rule in step.get("rules", []):
            sign = {"pass": "ok  ", "fail": "FAIL", "off": "off "}[rule["result"]]
            name, signal = rule["rule"], rule["signal"]
            measured = signal if signal == name else f"{name} ({signal})"
            wanted = "does not apply" if rule["result"] == "off" else f"wanted {rule['range']}"
            lines.append(f"    {sign} {measured} = {_value(rule['value_text'])}, {wanted}")
    if found["signals"]:
        lines += ["", "signals (measured by step, on text version)"]
        for signal in found["signals"]:
            by = f"  [{signal['step']}, {signal['text_version']}]" if signal["step"] else ""
            value = _value(signal["value"])
            if signal["column"] == "emptied_by" and signal["value"] is None:
                value = "no step"
            lines.append(f"  {signal['column']} = {value}{by}")
    if found["edits"]:
        lines += ["", f"edits ({len(found['edits']):,})"]
        for edit in found["edits"][:EDITS_SHOWN]:
            old = "(masked)" if edit["masked"] else _quoted(edit["removed"])
            lines.append(
                f"  {edit['step']} {edit['kind']} at {edit['start']}..{edit['end']}: "
                f"{old} -> {_quoted(edit['replacement'])}"
                + (f" (stands in {edit['duplicate_of']})" if edit["duplicate_of"] else "")
            )
        if len(found["edits"]) > EDITS_SHOWN:
            lines.append(f"  and {len(found['edits']) - EDITS_SHOWN:,} more (--json shows all)")
    lines += ["", "text after the last edit", *_indented(found["excerpt"])]
    return lines


def _sentence(verdict: dict[str, Any]) -> str:
    status = verdict["status"]
    if status == "quarantined":
        return f"in quarantine: {verdict['error']} in step {verdict['step']}: {verdict['message']}"
    if status == "kept":
        return "kept"
    if status == "held_out":
        return "kept, and held out for evaluation"
    if status == "merged":
        other = verdict["duplicate_of"]
        return (
            f"left in step {verdict['step']} as {verdict['rule']} (value {verdict['value']}) of "
            f"{other['id']} ({other['source']}: {other['uri']})"
        )
    bounds = ""
    if verdict["min"] is not None or verdict["max"] is not None:
        wanted = (
            verdict["min"]
            if verdict["min"] == verdict["max"]
            else f"{verdict['min'] or ''}..{verdict['max'] or ''}"
        )
        bounds = f", wanted {wanted}"
    also = f"; it also fails {', '.join(verdict['also'])}" if verdict["also"] else ""
    return (
        f"dropped in step {verdict['step']} by {verdict['rule']}: "
        f"{verdict['signal']} = {verdict['value']}{bounds}{also}"
    )


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return figure(value)
    text = str(value)
    return printable(text if len(text) <= 60 else f"{text[:57]}...")


def _quoted(text: str | None, limit: int = 60) -> str:
    text = text or ""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def _indented(text: str) -> list[str]:
    return [f"  {printable(line)}" for line in text.splitlines()] or ["  (empty)"]
