"""A crawl of real documentation: killed twice and resumed, then crawled again with conditions.

The server's own log says what was asked for.
"""

from __future__ import annotations

import collections
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastwarc
import pytest

from corpusmith import runner
from corpusmith.cli.main import main
from corpusmith.report.verify import verify
from tests.collect_run import collect
from tests.crawl_run import crawl, read, states, warcs
from tests.crawl_site import Site, documentation

PAGES = 300


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site(documentation(PAGES))
    yield found
    found.close()


def wait_for(condition: Callable[[], Any], process: subprocess.Popen) -> None:
    while not condition():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)


def state_of(folder: Path, state: str) -> set[str]:
    return {url for url, (found, _) in states(folder).items() if found == state}


@pytest.mark.timeout(300)
def test_killed_twice_no_page_is_lost_and_none_fetched_twice(tmp_path: Path, site: Site) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"""
corpusmith: 1
corpus: c
sources:
  docs: {{read: crawl, seeds: ["{site.url}/"], contact: tests@example.org, delay_seconds: 0,
         agent: docbot, per_host: 8, allow_private: [127.0.0.1], file_bytes: 60000}}
clean: [normalize]
"""
    )
    work = tmp_path / "w"
    command = [sys.executable, "-m", "corpusmith", "run", str(recipe), "--workdir", str(work)]
    command += ["--until", "snapshot"]

    def start() -> subprocess.Popen:
        return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)

    # First while the server holds its answers back: what it has answered is committed.
    site.close_after = 100
    process = start()
    wait_for(lambda: not site.gate.is_set(), process)
    [folder] = (work / "store").glob("snapshot.docs-*")
    answered = {site.url + path for path in site.answered() if path in site.pages}
    wait_for(lambda: answered <= state_of(folder, "done"), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    hanging = site.abandon()
    assert 1 <= len(hanging) <= 8

    # Then at any moment: only what was in flight can have been answered and be asked for again.
    process = start()
    wait_for(lambda: len(site.answered()) >= 200, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    flying = {url.removeprefix(site.url) for url in state_of(folder, "flight")}
    assert len(flying) <= 8
    site.abandon()

    run = runner.run(recipe, workdir=work, until="snapshot")
    info = run.info("snapshot.docs")
    assert (info["pages"], info["failed"], info["left"]) == (PAGES, {}, 0)
    times = collections.Counter(site.answered())
    assert set(site.pages) <= set(times)
    assert {path for path, number in times.items() if number > 1} <= flying
    assert {p for p in times if p not in site.pages} == {"/robots.txt", "/sitemap.xml"}

    # The files hold each page once, as it was sent; three readers agree.
    found = [row for path in warcs(folder) for row in read(path)]
    assert {url.removeprefix(site.url): payload for url, _, payload in found} == site.pages
    assert len(found) == PAGES and len(warcs(folder)) >= 3
    counts: collections.Counter[str] = collections.Counter()
    for path in warcs(folder):
        with open(path, "rb") as file:
            for record in fastwarc.ArchiveIterator(file, parse_http=False):
                assert record.verify_block_digest()
                counts[record.headers["WARC-Type"]] += 1
    assert counts == {"warcinfo": len(warcs(folder)), "request": PAGES, "response": PAGES}
    read_back = collect(tmp_path / "collected", read="warc", path=folder / "data")
    assert {meta["url"].removeprefix(site.url) for meta in read_back.meta} == set(site.pages)
    assert not read_back.errors and not verify(run)["problems"]

    # Who asked said who it is and how to reach them, and the files say so too.
    for asked in site.log:
        assert asked.headers["User-Agent"].startswith("docbot/")
        assert "(+tests@example.org)" in asked.headers["User-Agent"]
        assert asked.headers["From"] == "tests@example.org"
    first = warcs(folder)[0]
    [(_, _, block), *_] = read(first, "request")
    assert block.startswith(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nUser-Agent: docbot/" in block
    [(_, _, fields)] = read(first, "warcinfo")
    assert b"operator: tests@example.org" in fields


def tagged(body: bytes, tag: str = "", modified: str = "") -> Callable[[Any], Any]:
    """A page that is told apart by an ETag or a date, and answers conditions with 304."""

    def answer(request: Any) -> Any:
        headers = {"Content-Type": "text/html", "ETag": tag, "Last-Modified": modified}
        headers = {name: value for name, value in headers.items() if value}
        conditions = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        if conditions == (tag or None, modified or None):
            return 304, headers, b""
        return 200, headers, body

    return answer


def test_a_second_crawl_asks_only_for_what_has_changed(tmp_path: Path) -> None:
    def page(links: str, text: str) -> bytes:
        return f"<html><body>{links}<p>{text} {'and more words ' * 20}</p></body></html>".encode()

    links = "".join(f'<a href="/{n}">{n}</a>' for n in "abc")
    date = "Tue, 03 Feb 2026 10:00:00 GMT"
    site = Site(
        {
            "/": tagged(page(links, "the index"), tag='"v1"'),
            "/a": tagged(page('<a href="/d">d</a>', "page a"), tag='"a1"'),
            "/b": tagged(page("", "page b"), modified=date),
            "/c": page("", "page c"),
            "/d": tagged(page("", "page d, which only a names"), tag='W/"d1"', modified=date),
        }
    )
    try:
        first = crawl(tmp_path / "one", f"{site.url}/")
        assert first.info["pages"] == 5
        assert any(" pages, " in note and " queued" in note for note in first.notes)
        site.pages["/b"] = page("", "page b was written anew")
        site.log.clear()
        second = crawl(tmp_path / "two", f"{site.url}/", previous=first.folder)
    finally:
        site.close()
    assert {asked.path for asked in site.log if asked.status == 304} == {"/", "/a", "/d"}
    assert second.info["pages"] == 5 and second.info["not_modified"] == 3
    [b] = site.asked("/b")
    assert b.headers["If-Modified-Since"] == date and b.status == 200
    [c] = site.asked("/c")
    assert "If-None-Match" not in c.headers and c.status == 200

    # The new snapshot stands alone: the old records are in it, with a revisit record before each.
    old = {url: (headers["WARC-Record-ID"], payload) for url, headers, payload in first.records()}
    new = {url: (headers["WARC-Record-ID"], payload) for url, headers, payload in second.records()}
    same = {f"{site.url}{path}" for path in ("/", "/a", "/d")}
    assert {url for url in old if new[url] == old[url]} == same and set(old) == set(new)
    revisits = {url: headers for url, headers, _ in second.records("revisit")}
    assert set(revisits) == same
    for url, headers in revisits.items():
        assert headers["WARC-Refers-To"] == old[url][0]
        assert headers["WARC-Profile"].endswith("server-not-modified")
    # Documents are known by their URLs, so that a page keeps its id; one that is the same is equal.
    before, after = (
        {row["uri"]: row for row in found.documents.to_pylist()}
        for found in (
            collect(
                tmp_path / crawled.folder.stem / "c", read="crawled", path=crawled.folder / "data"
            )
            for crawled in (first, second)
        )
    )
    assert set(before) == set(after) == set(old)
    assert all(before[url]["id"] == after[url]["id"] for url in old)
    assert {url for url in old if before[url] == after[url]} >= same
    assert [url for url in old if "written anew" in after[url]["text"]] == [f"{site.url}/b"]


def test_the_shipped_recipe_runs(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a user sees: the plan before, the progress, the documents and the summary after."""
    recipe = tmp_path / "crawl.yaml"

    def corpusmith(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return ended.value.code, *capsys.readouterr()  # type: ignore[return-value]

    assert corpusmith("init", recipe, "--from", "crawl")[0] == 0
    text = recipe.read_text()
    for old, new in (
        ('https://docs.example.org/"]', f'{site.url}/"]'),
        ("max_pages: 2000", "max_pages: 40"),
        ("delay_seconds: 1.0", "delay_seconds: 0"),
        ("# allow_private", "allow_private"),
        ("vocab: 8192", "vocab: 300"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    recipe.write_text(text)
    work = ("--workdir", tmp_path / "w")
    code, _, told = corpusmith("run", recipe, *work, "--refresh", "sight")
    assert code == 2 and "did you mean 'site'?" in told
    _, plan, _ = corpusmith("check", recipe, *work)
    assert "would fetch" in plan and "not known yet" in plan
    code, out, told = corpusmith("run", recipe, *work, "--json")
    assert code == 0, told
    summary = json.loads(out)
    assert summary["documents"]["read"] == 40 and summary["documents"]["kept"] > 0
    assert "fetching site" in told
    assert summary["fetched"]["site"]["pages"] == 40
    assert any("ended at max_pages" in warning for warning in summary["warnings"])
    asked = len(site.log)
    assert "nothing to do" in corpusmith("run", recipe, *work)[2]
    assert len(site.log) == asked
