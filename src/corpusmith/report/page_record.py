"""What the report's page says of how a run was made, and how to go on from it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import ruamel.yaml

from corpusmith.report.run import Run
from corpusmith.report.show import Row


def stages(run: Run) -> list[dict[str, Any]]:
    """Name, fingerprint, folder and seconds (None: it was there already) of every stage."""
    seconds = run.summary["seconds"]
    return [{**stage, "seconds": seconds.get(stage["name"])} for stage in run.stages()]


def recipe_text(run: Run) -> str:
    """The recipe's values as YAML; secrets are redacted in the lock file already."""
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
    latest = _shell(_near(run.folder))
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


def _near(path: Path) -> str:
    """The path from where the command was given, where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _shell(text: str) -> str:
    return text if all(c.isalnum() or c in "/._-+" for c in text) else f"'{text}'"
