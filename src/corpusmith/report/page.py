"""What the report's page shows, as plain values for its template."""

from __future__ import annotations

import collections
import functools
import platform
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow.compute as pc

from corpusmith.report import charts
from corpusmith.report.find import masker, places
from corpusmith.report.page_model import evaluation, samples, training
from corpusmith.report.page_record import commands, recipe_text, stages
from corpusmith.report.quality import Histogram, Quality, rows_at
from corpusmith.report.run import ENDED, Run
from corpusmith.report.scan import scan
from corpusmith.report.show import Row, Sizes, funnel
from corpusmith.report.tables import figure
from corpusmith.store.parts import iter_part, part_names, read_part
from corpusmith.store.workspace import read_manifest

EXCERPT_CHARS = 280
KEYS_DRAWN = 2  # languages whose own bounds a histogram draws
ROWS = 15  # of a table of languages or licenses; the rest is one row
QUARANTINE_EXAMPLES = 2
DEDUP = ("exact", "near", "substring")


def page(run: Run) -> dict[str, Any]:
    """Everything that `page.html.j2` shows of a finished run."""
    sizes, quality = Sizes(run), Quality(run)
    for part in scan(run, quality.columns()):
        sizes.add(part)
        quality.add(part)
    rows = funnel(run, sizes)
    mask = masker(run)
    examples = _examples(run, quality, mask)
    made = stages(run)
    return {
        "run": run.folder.name,
        "ended": ENDED.get(run.summary.get("status", "finished"), ""),
        "error": run.summary.get("error") or {},
        "missing": [stage["name"] for stage in run.planned() if stage["name"] not in run.made],
        "summary": run.summary,
        "sources": run.sources,
        "funnel": rows,
        "flow": flow(rows, run.sources),
        "silent": silent(rows),
        "dropped": dropped(rows, examples, run),
        "histograms": histograms(quality, run),
        "breakdowns": {n: breakdown(c) for n, c in quality.breakdowns.items() if c},
        "dedup": dedup(run),
        "split": run.info("split") if run.has("split") else None,
        "tokens": tokens(run),
        "mix": run.summary["tokens"]["mix"] or None,
        "training": training(run),
        "evaluation": evaluation(run),
        "samples": samples(run),
        "quarantine": quarantine(run, mask),
        "stages": made,
        "reused": sum(stage["seconds"] is None for stage in made),
        "libraries": run.lock.get("libraries", {}),
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "recipe": recipe_text(run),
        "next": commands(run, rows, examples),
    }


# --- the funnel --------------------------------------------------------------------------


def flow(rows: list[Row], sources: list[str]) -> dict[str, Any]:
    """Segments of the flow of documents and (where there are tokens) of tokens."""
    steps = [row for row in rows if row["rule"] is None]
    # A step at which nothing happened takes no room; the first and the last always do.
    shown = [
        row
        for row in steps
        if row["documents_left"] or row["created"] or row["kind"] in ("read", "kept", "drawn")
    ]
    units = ["documents"]
    if rows and rows[0]["tokens_in"]:
        units.append("tokens")
    segments = []
    for row in shown:
        pictures = {}
        for unit in units:
            before = [row["by_source"][s][f"{unit}_in"] + _created(row, s, unit) for s in sources]
            after = [row["by_source"][s][f"{unit}_out"] for s in sources]
            whole = max((sum(_ins(r, sources, unit)) for r in steps), default=0)
            title = f"{row['step']}: {sum(before):,} {unit} in, {sum(after):,} out"
            pictures[unit] = charts.flow_segment(before, after, whole, row["as"], title)
        segments.append({"row": row, "pictures": pictures})
    return {"units": units, "segments": segments}


def silent(rows: list[Row]) -> dict[str, list[str]]:
    """Steps at which nothing left -> [], and others -> their rules by which nothing left."""
    found: dict[str, list[str]] = {}
    busy = {row["step"] for row in rows if row["rule"] is None and row["documents_left"]}
    for row in rows:
        if row["kind"] != "decide" or row["documents_left"]:
            continue
        if row["rule"] is None:
            found[row["step"]] = []
        elif row["step"] in busy:
            found.setdefault(row["step"], []).append(row["rule"])
    return found


def _created(row: Row, source: str, unit: str) -> int:
    return row["by_source"][source]["created"] if unit == "documents" else 0


def _ins(row: Row, sources: list[str], unit: str) -> list[int]:
    return [row["by_source"][s][f"{unit}_in"] + _created(row, s, unit) for s in sources]


# --- what left ---------------------------------------------------------------------------


def _examples(
    run: Run, quality: Quality, mask: Callable[[list[str]], list[str]]
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """For each step and rule: documents that left, with their decision and a short text."""
    folders = dict(run.decide_folders())

    @functools.lru_cache(maxsize=16)
    def decided(step: str, part: str) -> Any:
        return read_part(folders[step], "decisions", part)

    chosen = [(key, place) for key, places in quality.examples().items() for place in places]
    places_read = [place for _, place in chosen]
    some = 4 * EXCERPT_CHARS + 1
    documents = rows_at(run, "documents", places_read, ["uri", "text"], chars=some)
    out: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for ((step, rule), place), document in zip(chosen, documents, strict=True):
        table = decided(step, place["part"])
        decision = table.filter(pc.equal(table["id"], place["id"])).to_pylist()[0]
        text = " ".join(document["text"][: 4 * EXCERPT_CHARS].split())
        out.setdefault((step, rule), []).append(
            {
                **decision,
                "uri": document["uri"],
                "source": place["source"],
                # Masked once more: the text is, unless the recipe's own step came before
                # an edit that put something together.
                "text": mask([text[:EXCERPT_CHARS]])[0],
                "cut": len(text) > EXCERPT_CHARS or len(document["text"]) > 4 * EXCERPT_CHARS,
                "duplicate_uri": "",
                "wanted": _wanted(decision),
            }
        )
    every = [one for shown in out.values() for one in shown]
    others = places(run, [one["duplicate_of"] for one in every if one["duplicate_of"]])
    for one in every:
        if one["duplicate_of"] in others:
            one["duplicate_uri"] = others[one["duplicate_of"]].uri
    return out


def _wanted(decision: dict[str, Any]) -> str:
    low, high = decision["min"], decision["max"]
    if low is None and high is None:
        return ""
    return low if low == high else f"{low or ''}..{high or ''}"


def dropped(
    rows: list[Row], examples: dict[tuple[str, str], list[dict[str, Any]]], run: Run
) -> list[dict[str, Any]]:
    """Steps with the rules by which documents left, and a few of those documents."""
    bounds = {
        (step["step"], rule["name"]): rule
        for step in run.lock.get("decides", [])
        for rule in (step["rules"] or {"rules": []})["rules"]
    }
    found: list[dict[str, Any]] = []
    for row in rows:
        if row["kind"] in ("read", "clean", "tokens", "kept", "mix", "drawn", "split"):
            continue
        if row["rule"] is None:
            if row["documents_left"]:
                found.append({"row": row, "rules": []})
        elif row["documents_left"]:
            rule = bounds.get((row["step"], row["rule"]))
            found[-1]["rules"].append(
                {
                    "row": row,
                    "signal": rule["signal"] if rule else "",
                    "examples": examples.get((row["step"], row["rule"]), []),
                }
            )
    return found


# --- signals -----------------------------------------------------------------------------


def histograms(quality: Quality, run: Run) -> list[dict[str, Any]]:
    """Charts by rule step; own bounds are drawn for the corpus's most frequent languages."""
    languages = [row["name"] for row in breakdown(quality.breakdowns["lang"])]
    found: list[dict[str, Any]] = []
    for (step, _), shown in quality.histograms.items():
        if not shown.documents:
            continue  # a rule for none of these documents
        if not found or found[-1]["step"] != step:
            found.append({"step": step, "charts": []})
        own = [t.key for t in shown.thresholds if t.key]
        keys = [key for key in languages if key in own][:KEYS_DRAWN]
        found[-1]["charts"].append(
            {
                "shown": shown,
                "svg": charts.histogram(shown, keys),
                "range": range_text(shown),
                "own": [f"{t.key} {_range(t.min, t.max)}" for t in shown.thresholds if t.key],
                "keys": own,
            }
        )
    return found


def range_text(shown: Histogram) -> str:
    """The default bounds, as a recipe writes them."""
    for bound in shown.thresholds:
        if not bound.key:
            return _range(bound.min, bound.max)
    return "off but for " + ", ".join(bound.key for bound in shown.thresholds)


def _range(low: float | None, high: float | None) -> str:
    return f"{'' if low is None else figure(low)}..{'' if high is None else figure(high)}"


def breakdown(groups: dict[str, collections.Counter]) -> list[dict[str, Any]]:
    """Rows of documents, kept, held out, bytes and tokens, the largest first; the rest in one."""
    rows: list[dict[str, Any]] = [{"name": name, **counter} for name, counter in groups.items()]
    rows.sort(key=lambda row: (-row["documents"], row["name"]))
    if len(rows) > ROWS + 1:
        rest: collections.Counter = collections.Counter()
        for row in rows[ROWS:]:
            rest.update({k: v for k, v in row.items() if k != "name"})
        rows = [*rows[:ROWS], {"name": f"{len(rows) - ROWS} others", **rest}]
    return rows


# --- duplicates, tokens, the model -------------------------------------------------------


DEDUP_FIGURES = ("in", "clusters", "merged", "largest_cluster", "candidate_pairs")
DEDUP_SHAPE = ("bands", "rows", "verify", "recall_at_threshold")
SUBSTRING_FIGURES = (
    "left",
    "changed",
    "spans",
    "tokens",
    "removed_tokens",
    "removed_bytes",
    "bytes",
)


def dedup(run: Run) -> list[dict[str, Any]]:
    """Figures of each deduplicating step's manifest, None where it has none of the name."""
    kinds = {step["step"]: step["kind"] for step in run.lock.get("decides", [])}
    found = []
    for step, folder in run.decide_folders():
        if kinds.get(step) in DEDUP:
            info = read_manifest(folder)["info"]
            names = (*DEDUP_FIGURES, *DEDUP_SHAPE, *SUBSTRING_FIGURES)
            figures = {name: info.get(name) for name in names}
            found.append({"step": step, "kind": kinds[step], **figures})
    return found


def tokens(run: Run) -> dict[str, Any] | None:
    """Figures of the tokens' manifest."""
    return run.info("tokens") if run.has("tokens") else None


# --- quarantine --------------------------------------------------------------------------


def quarantine(run: Run, mask: Callable[[list[str]], list[str]]) -> list[dict[str, Any]]:
    """Errors by source and step, with a few rows of each."""
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for source, row in _quarantined(run):
        key = (source, row["step"], row["error"])
        group = groups.setdefault(
            key, {"source": key[0], "step": key[1], "error": key[2], "count": 0, "examples": []}
        )
        group["count"] += 1
        if len(group["examples"]) < QUARANTINE_EXAMPLES:
            message = mask([row["message"] or ""])[0]
            group["examples"].append({"uri": row["uri"], "message": message})
    return sorted(groups.values(), key=lambda g: (-g["count"], g["source"], g["error"]))


def _quarantined(run: Run) -> Iterator[tuple[str, dict[str, Any]]]:
    """Source and row of everything in quarantine."""
    folders = [*run.collect_folders().items(), *run.clean_folders().items()]
    if run.has("tokens"):
        folders.append(("tokens", run.stage("tokens")))
    for source, folder in folders:
        for part in part_names(folder):
            for table in iter_part(folder, "quarantine", part):
                for row in table.to_pylist():
                    yield source, row
