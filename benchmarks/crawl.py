"""A crawl of 2,000 pages of documentation on loopback, once undisturbed, once under SIGKILL.

    python -m benchmarks.crawl [--small]

The pages are docstrings of the standard library (`tests/crawl_site.py`), the server is a thread of
the benchmark, there is no delay between requests, 8 are in flight. Undisturbed: pages a second by
the clock and by CPU time of the crawler alone, and its peak memory. Then 6 kills of the whole
process group at random moments (fixed seed), each followed by the same command. At the end each
page stands in the WARC files exactly once and as it was sent; by the server's own log nothing was
answered twice but what was in flight at a kill.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import resource
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import claim, command, environment, events, report
from corpusmith.store.workspace import read_manifest
from tests.crawl_run import read, states, warcs
from tests.crawl_site import Site, documentation

PAGES, KILLS, IN_FLIGHT = 2000, 6, 8
RECIPE = """
corpusmith: 1
corpus: crawled
sources:
  docs: {{read: crawl, seeds: ["{url}/"], contact: bench@example.org, delay_seconds: 0,
         per_host: {flight}, concurrency: {flight}, allow_private: [127.0.0.1]}}
clean: [normalize]
"""


def main(small: bool = False) -> dict[str, Any]:
    """Crawl, kill, compare and print; returns the last line. AssertionError where bytes differ."""
    pages, kills = (80, 1) if small else (PAGES, KILLS)
    site = Site(documentation(pages))
    try:
        with tempfile.TemporaryDirectory() as name:
            quiet = _quiet(Path(name), site)
            killed = _killed(Path(name), site, kills)
    finally:
        site.close()
    claims = [
        claim("pages lost", killed["lost"], "..0"),
        claim("pages answered again that were not in flight", killed["repeated"], "..0"),
    ]
    result = {"name": "crawl", "pages": pages, **quiet, **killed}
    return report(result if small else {**result, "claims": claims})


def _start(folder: Path, site: Site, log: Path) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(url=site.url, flight=IN_FLIGHT))
    arguments = command("run", recipe, "--workdir", folder / "w", "--until", "snapshot")
    with open(log, "ab") as out:
        return subprocess.Popen(
            arguments, start_new_session=True, stdout=out, stderr=out, env=environment()
        )


def _snapshot(folder: Path) -> Path:
    [found] = (folder / "w" / "store").glob("snapshot.docs-*")
    return found


def _quiet(name: Path, site: Site) -> dict[str, Any]:
    folder = name / "quiet"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = _start(folder, site, name / "quiet.log")
    assert process.wait(600) == 0, (name / "quiet.log").read_text()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    times = [asked.time for asked in site.log]
    seconds = max(times) - min(times)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = max(event.get("peak_memory_bytes", 0) for event in events(folder / "w"))
    info = read_manifest(_snapshot(folder))["info"]
    assert info["pages"] == len(site.pages) and not info["failed"]
    return {
        "pages_per_second": round(info["pages"] / seconds, 1),
        "pages_per_cpu_second": round(info["pages"] / cpu, 1),
        "peak_mb": round(peak / 1e6, 1),
    }


def _killed(name: Path, site: Site, kills: int) -> dict[str, Any]:
    folder = name / "killed"
    site.log.clear()
    drawn = random.Random(0)
    steps = sorted(drawn.sample(range(len(site.pages) // 20, len(site.pages)), kills))
    flying: set[str] = set()
    done = 0
    for step in steps:
        process = _start(folder, site, name / "killed.log")
        while len({a.path for a in site.log if a.status}) < step and process.poll() is None:
            time.sleep(0.005)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            done += 1
        process.wait()
        found = states(_snapshot(folder)).items()
        flying |= {url.removeprefix(site.url) for url, (state, _) in found if state == "flight"}
    assert _start(folder, site, name / "killed.log").wait(600) == 0
    counts = collections.Counter(site.answered())
    stored = [row for path in warcs(_snapshot(folder)) for row in read(path)]
    bodies = {url.removeprefix(site.url): body for url, _, body in stored}
    assert bodies.keys() <= site.pages.keys() and len(stored) == len(bodies)
    assert all(site.pages[path] == body for path, body in bodies.items())
    again = {path for path, number in counts.items() if number > 1}
    return {
        "kills": done,
        "lost": len(site.pages) - len(bodies),
        "answered_twice": len(again),
        "repeated": len(again - flying - {"/robots.txt", "/sitemap.xml"}),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", action="store_true")
    main(**vars(parser.parse_args()))
