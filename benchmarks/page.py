"""benchmarks/RESULTS.md: claims, pairs and figures, written from the last lines of benchmarks.

The lines stand at the page's end as they were printed, and are read again from there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.common import met

MARK = "```json"
Result = dict[str, Any]


def write(output: Path, results: dict[str, Result], order: list[str]) -> None:
    """The page with these results, and with those that it has of other benchmarks, in an order
    of names; one of another name is no longer a benchmark and goes."""
    together = {**earlier(output), **results}
    ordered = {name: together[name] for name in order if name in together}
    output.write_text(page(ordered), encoding="utf-8")


def earlier(output: Path) -> dict[str, Result]:
    """The results that a page of ours holds."""
    if not output.exists():
        return {}
    _, _, block = output.read_text("utf-8").partition(MARK + "\n")
    lines = [json.loads(line) for line in block.partition("```")[0].splitlines()]
    return {line["name"]: line for line in lines}


def page(results: dict[str, Result]) -> str:
    """RESULTS.md: what is claimed and what was measured, each figure, and the lines themselves."""
    lines = [
        "# Measured",
        "",
        "Made by `make bench` (`python -m benchmarks`). How each figure is measured stands at the",
        "top of `benchmarks/<name>.py`. MB are 10^6 bytes.",
        "",
    ]
    machines: dict[str, list[str]] = {}
    for name, result in results.items():
        machines.setdefault(_machine(result), []).append(name)
    lines += [f"- {', '.join(names)}: {machine}" for machine, names in machines.items()]
    lines += ["", "## Claims", "", "| claim | bound | measured | met |", "|---|---|---|---|"]
    for result in results.values():
        for one in result.get("claims", []):
            verdict = "yes" if met(one) else "**no**"
            lines.append(f"| {one['what']} | {one['bound']} | {one['measured']:g} | {verdict} |")
    pairs = {n: r for n, r in results.items() if "peer" in r}
    lines += pairs_table(pairs)
    for name, result in results.items():
        if name in pairs:
            continue
        if name == "where" and "failed" not in result:
            lines += where_section(result)
            continue
        lines += ["", f"## {name}", ""]
        if result.get("data"):
            lines += [f"Input: {result['data']}.", ""]
        if "failed" in result:
            lines.append(f"**Failed**: {result['failed']}")
            continue
        lines += ["| figure | value |", "|---|---|"]
        lines += [f"| {key} | {_cell(value)} |" for key, value in _figures(result)]
    raw = [json.dumps(result, ensure_ascii=False) for result in results.values()]
    return "\n".join([*lines, "", "## Lines", "", MARK, *raw, "```", ""])


def _machine(result: Result) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return (
        f"{result['date']}, {result['cpu']}, {result['cores']} cores, "
        f"Python {result['python']}, {versions}"
    )


def pairs_table(results: dict[str, Result]) -> list[str]:
    """Both sides of every pair, one row each."""
    if not results:
        return []
    lines = [
        *("", "## Beside the peers", ""),
        "One core each (but for `two-workers`), the same documents, taking turns: see `duel.py`.",
        "",
        "| pair | what | peer | MB | seconds | MB/s | ratio: median (min, max) | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in results.items():
        ratio = one["ratio"]
        cells = [
            *(name, one["what"], f"{one['peer']} ({_versions(one)})", f"{one['mb']:g}"),
            f"{one['seconds']:g} / {one['peer_seconds']:g}",
            f"{one['mb_per_s']:g} / {one['peer_mb_per_s']:g}",
            f"**{ratio['median']:g}** ({ratio['min']:g}, {ratio['max']:g})",
            f"{one['peak_mb']:,} / {one['peer_peak_mb']:,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", "Ours / the peer's in each cell."]


STAGES = {
    "collect": "reading (`collect`)",
    "clean": "pass over the text (`clean`)",
    "decide": "rules and duplicates (`decide`)",
    "tokens": "tokens (`tokenizer`, `tokens`, `mix`)",
    "main": "planning, summary, report (`main`)",
}


def where_section(one: Result) -> list[str]:
    """Where the CPU time of a run goes, and how near that is to what the machine can do."""
    total = one["cpu_seconds"]
    groups = dict.fromkeys(STAGES, 0.0)
    for stage, seconds in one["stages"].items():
        kind = stage.partition(".")[0]
        groups[kind if kind in groups else "tokens"] += seconds
    limits = one["limits"]
    rows = [
        f"| {words} | {groups[kind]:.3g} | {100 * groups[kind] / total:.0f} % "
        f"| {_rate(groups[kind])} |"
        for kind, words in STAGES.items()
    ]
    return [
        *("", "## Where the time of a run goes", ""),
        f"CPU seconds for 100 MB of text with one worker: a run from JSON Lines to token shards of "
        f"{one['mb']:g} MB,",
        f"{one['documents']:,} documents of which {one['kept']:,} are kept; {total:g} s in all. "
        "What is measured stands at the top of `where.py`.",
        *("", "| stage | seconds | share | MB/s |", "|---|---|---|---|", *rows),
        *("", "| operation by itself | seconds | MB/s |", "|---|---|---|"),
        *(f"| `{name}` | {s:.3g} | {_rate(s)} |" for name, s in one["operations"].items()),
        "",
        f"Limits: zstd {limits['zstd']:g} s to write and {limits['unzstd']:g} s to read, each time "
        "that the texts go to the disk or come back",
        f"(`collect` and `clean` write them); Python's JSON parser {limits['json']:g} s. Memory "
        f"bandwidth is none: copying the text once takes {limits['copy']:g} s",
        f"({_rate(limits['copy'])} MB/s), a {total / max(limits['copy'], 1e-9):,.0f}th of the "
        "whole. What the kernels take is look-ups in tables within the first two",
        "caches and branches that can't be foreseen: [docs/log.md](../docs/log.md).",
    ]


def _rate(seconds: float) -> str:
    return f"{100 / seconds:,.0f}" if seconds else ""


def _versions(one: Result) -> str:
    return ", ".join(f"{name} {version}" for name, version in one["peer_versions"].items())


NOT_FIGURES = ("name", "benchmark", "what", "peer", "claims", "data", "failed", "versions")


def _figures(result: Result) -> list[tuple[str, Any]]:
    """Figures by name; those in a table by `table.name`."""
    found: list[tuple[str, Any]] = []
    for key, value in result.items():
        if key in NOT_FIGURES or key in ("date", "cpu", "cores", "python"):
            continue
        if isinstance(value, dict):
            found += [(f"{key}.{name}", inner) for name, inner in _figures(value)]
        else:
            found.append((key, value))
    return found


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)
