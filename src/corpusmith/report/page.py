"""What the report's page shows, as plain values for its template."""

from __future__ import annotations

import collections
import functools
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from corpusmith.report import charts
from corpusmith.report.find import masker, place_of
from corpusmith.report.quality import Histogram, Quality, rows_at
from corpusmith.report.run import Run
from corpusmith.report.scan import scan
from corpusmith.report.show import Row, Sizes, funnel
from corpusmith.report.tables import figure
from corpusmith.store.atomic import read_json
from corpusmith.store.parts import iter_part, part_names, read_part
from corpusmith.store.workspace import read_manifest

EXCERPT_CHARS = 280
KEYS_DRAWN = 2  # languages whose own bounds a histogram draws
ROWS = 15  # of a table of languages or licenses; the rest is one row
QUARANTINE_EXAMPLES = 2
DEDUP = ("exact", "near")


def page(run: Run) -> dict[str, Any]:
    """Everything that `page.html.j2` shows of a finished run."""
    sizes, quality = Sizes(run), Quality(run)
    for part in scan(run, quality.columns()):
        sizes.add(part)
        quality.add(part)
    rows = funnel(run, sizes)
    mask = masker(run)
    examples = _examples(run, quality, mask)
    return {
        "run": run.folder.name,
        "summary": run.summary,
        "sources": run.sources,
        "funnel": rows,
        "flow": flow(rows, run.sources),
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
        "stages": stages(run),
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
    return {"units": units, "segments": segments, "quiet": len(steps) - len(shown)}


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

    @functools.lru_cache(maxsize=512)
    def where(wanted: str) -> str:
        found = place_of(run, wanted)
        return found.uri if found else ""

    out: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for (step, rule), places in quality.examples().items():
        for place in places:
            table = decided(step, place["part"])
            decision = table.filter(pc.equal(table["id"], place["id"])).to_pylist()[0]
            document = rows_at(run, "documents", place, ["uri", "text"])
            text = " ".join(document["text"][: 4 * EXCERPT_CHARS].split())
            other = decision["duplicate_of"]
            out.setdefault((step, rule), []).append(
                {
                    **decision,
                    "uri": document["uri"],
                    "source": place["source"],
                    # Masked once more: the text is, unless the recipe's own step came before
                    # an edit that put something together.
                    "text": mask([text[:EXCERPT_CHARS]])[0],
                    "cut": len(text) > EXCERPT_CHARS or len(document["text"]) > 4 * EXCERPT_CHARS,
                    "duplicate_uri": where(other) if other else "",
                    "wanted": _wanted(decision),
                }
            )
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
        if row["kind"] in ("read", "clean", "kept", "mix", "drawn", "split"):
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
            }
        )
    return found


def range_text(shown: Histogram) -> str:
    """The default bounds, as a recipe writes them."""
    for bound in shown.thresholds:
        if not bound.key:
            return _range(bound.min, bound.max)
    return "off"


def _range(low: float | None, high: float | None) -> str:
    return f"{'' if low is None else figure(low)}..{'' if high is None else figure(high)}"


def breakdown(groups: dict[str, collections.Counter]) -> list[dict[str, Any]]:
    """Rows of documents, kept, held out, bytes and tokens, the largest first; the rest in one."""
    rows = [{"name": name, **counter} for name, counter in groups.items()]
    rows.sort(key=lambda row: (-row["documents"], row["name"]))
    if len(rows) > ROWS + 1:
        rest: collections.Counter = collections.Counter()
        for row in rows[ROWS:]:
            rest.update({k: v for k, v in row.items() if k != "name"})
        rows = [*rows[:ROWS], {"name": f"{len(rows) - ROWS} others", **rest}]
    return rows


# --- duplicates, tokens, the model -------------------------------------------------------


def dedup(run: Run) -> list[dict[str, Any]]:
    """Figures of each deduplicating step's manifest."""
    kinds = {step["step"]: step["kind"] for step in run.lock.get("decides", [])}
    return [
        {"step": step, "kind": kinds[step], **read_manifest(folder)["info"]}
        for step, folder in run.decide_folders()
        if kinds.get(step) in DEDUP
    ]


def tokens(run: Run) -> dict[str, Any] | None:
    return run.info("tokens") if run.has("tokens") else None


def training(run: Run) -> dict[str, Any] | None:
    """The training stage's figures and its curve."""
    if not run.has("train"):
        return None
    lines = []
    path = run.stage("train") / "metrics.jsonl"
    if path.exists():
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    series = [
        ("training loss", "line-a", [(line["tokens"], line["loss"]) for line in lines]),
        (
            "held-out loss",
            "line-b",
            [(x["tokens"], x["held_out_loss"]) for x in lines if "held_out_loss" in x],
        ),
    ]
    series = [one for one in series if one[2]]
    last = lines[-1] if lines else {}
    title = f"Loss over tokens trained; it ends at {last.get('loss', 0):.3f} nats a token"
    curve = charts.line_chart(
        series, x_label="tokens trained", y_label="loss (nats a token)", title=title
    )
    return {
        "info": run.info("train"),
        "curve": curve,
        "series": [(name, kind) for name, kind, _ in series],
        "last": last,
    }


def evaluation(run: Run) -> dict[str, Any] | None:
    """Bits per byte: pooled, and by each group, with the baselines beside it."""
    if not run.has("evaluate"):
        return None
    found = read_json(run.stage("evaluate") / "summary.json")
    if "bits_per_byte" not in found:
        return None
    baselines = found.get("baselines", {})
    groups = [
        {
            "by": "all held-out documents",
            "rows": [_scores("", "pooled", found, {n: b["bits_per_byte"] for n, b in baselines.items()})],
        }
    ]
    for by, members in found.get("by", {}).items():
        rows = [
            _scores(by, label, scores, {n: b["by"].get(by, {}).get(label) for n, b in baselines.items()})
            for label, scores in members.items()
        ]
        groups.append({"by": by, "rows": rows})
    top = max(
        [v for g in groups for r in g["rows"] for v in r["values"].values() if v is not None],
        default=1.0,
    )
    return {
        "bits_per_byte": found["bits_per_byte"],
        "groups": groups,
        "top": top,
        "names": ["model", *baselines],
        "windows": found.get("windows", {}),
        "baselines": baselines,
    }


def _scores(by: str, label: str, scores: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    path = f"model.by.{by}.{label}.bits_per_byte" if by else "model.bits_per_byte"
    return {
        "label": label,
        "path": path,
        "documents": scores["documents"],
        "bytes": scores["bytes"],
        "perplexity": scores.get("perplexity"),
        "values": {"model": scores["bits_per_byte"], **others},
    }


def samples(run: Run) -> list[dict[str, Any]]:
    """What the model wrote; its prompts come from texts that are masked already."""
    path = run.stage("evaluate") / "samples.jsonl" if run.has("evaluate") else None
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]


# --- quarantine, record, commands --------------------------------------------------------


def quarantine(run: Run, mask: Callable[[list[str]], list[str]]) -> list[dict[str, Any]]:
    """Errors by source and step, with a few rows of each."""
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for folders in (run.collect_folders(), run.clean_folders()):
        for source, folder in folders.items():
            for part in part_names(folder):
                for table in iter_part(folder, "quarantine", part):
                    for row in table.to_pylist():
                        key = (source, row["step"], row["error"])
                        group = groups.setdefault(
                            key,
                            {"source": source, "step": row["step"], "error": row["error"],
                             "count": 0, "examples": []},
                        )  # fmt: skip
                        group["count"] += 1
                        if len(group["examples"]) < QUARANTINE_EXAMPLES:
                            message = mask([row["message"] or ""])[0]
                            group["examples"].append({"uri": row["uri"], "message": message})
    return sorted(groups.values(), key=lambda g: (-g["count"], g["source"], g["error"]))


def stages(run: Run) -> list[dict[str, Any]]:
    """Name, fingerprint, folder and seconds (None: it was there already) of every stage."""
    seconds = run.summary["seconds"]
    return [{**stage, "seconds": seconds.get(stage["name"])} for stage in run.stages()]


def recipe_text(run: Run) -> str:
    """The recipe's values as YAML; secrets are redacted in the lock file already."""
    import io

    import ruamel.yaml

    yaml = ruamel.yaml.YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 96
    out = io.StringIO()
    yaml.dump(run.lock.get("recipe", {}), out)
    return out.getvalue()


def commands(
    run: Run, rows: list[Row], examples: dict[tuple[str, str], list[dict[str, Any]]]
) -> list[dict[str, str]]:
    """Commands to go on with, made of this run's own rules and documents."""
    latest = _shell(_near(run.root / "latest" if _is_latest(run) else run.folder))
    found = [
        {"do": f"corpusmith show {latest}", "what": "this funnel in the terminal, by source too"}
    ]
    some = [found for found in examples.values() if found]
    if some:
        document = some[0][0]["id"]
        found.append(
            {"do": f"corpusmith why {latest} {document}", "what": "one document's whole way"}
        )
        found.append(
            {"do": f"corpusmith diff {latest} {document}", "what": "what edits changed in it"}
        )
    change = _threshold(run, rows)
    if change:
        found.append(
            {
                "do": f"corpusmith whatif {latest} --set {change}",
                "what": "what another threshold would keep, from stored signals",
            }
        )
    found.append({"do": f"corpusmith verify {latest}", "what": "re-check that nothing is lost"})
    if run.has("train"):
        found.append(
            {
                "do": f'GPT2LMHeadModel.from_pretrained("{_near(run.stage("train"))}")',
                "what": "the model in Transformers (LlamaForCausalLM for a Llama shape)",
            }
        )
    return found


def _threshold(run: Run, rows: list[Row]) -> str:
    """`step.rule.min=half of it` for the rule on a number that dropped most."""
    limits = {
        (step["step"], rule["name"]): rule["default"]
        for step in run.lock.get("decides", [])
        for rule in (step["rules"] or {"rules": []})["rules"]
        if rule["default"] and rule["default"].get("values") is None
    }
    for row in sorted(rows, key=lambda r: -r["documents_left"]):
        limit = limits.get((row["step"], row["rule"]))
        if limit and row["documents_left"]:
            for bound, factor in (("min", 0.5), ("max", 2.0)):
                try:
                    moved = float(limit[bound]) * factor
                except (TypeError, ValueError):
                    continue
                return f"{row['step']}.{row['rule']}.{bound}={moved:g}"
    return ""


def _is_latest(run: Run) -> bool:
    return (run.root / "latest").resolve() == run.folder or not (run.root / "latest").exists()


def _near(path: Path) -> str:
    """The path from where the command was given, where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _shell(text: str) -> str:
    return text if all(c.isalnum() or c in "/._-+" for c in text) else f"'{text}'"
