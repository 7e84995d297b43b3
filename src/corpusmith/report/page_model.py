"""What the report's page shows of training and evaluation."""

from __future__ import annotations

import json
from typing import Any

from corpusmith.report import charts
from corpusmith.report.run import Run
from corpusmith.store.atomic import read_json


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
    groups: list[dict[str, Any]] = [
        {
            "by": "all held-out documents",
            "rows": [_scores("", "pooled", found, baselines)],
        }
    ]
    for by, members in found.get("by", {}).items():
        rows = [
            _scores(by, label, scores, scores.get("baselines", {}))
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
