"""Limits of a crawl, on the crawler itself: `send` answers at once from a web of numbered pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corpusmith.collect.crawl.answers import Answers, Got
from corpusmith.collect.crawl.crawler import Crawler
from corpusmith.collect.crawl.fetch import summary
from corpusmith.collect.crawl.frontier import Frontier, Page
from corpusmith.collect.crawl.params import CrawlParams
from corpusmith.collect.crawl.warcfile import Headers, WarcFiles

HTML = [("Content-Type", "text/html")]


def crawl(
    folder: Path, hosts: int = 1, **more: Any
) -> tuple[dict[str, Any], list[str], list[float]]:
    """(figures, URLs asked for, waits asked for). Page n has 500 bytes and links to 2n and 2n+1."""
    seeds = [f"http://h{n}.example/1" for n in range(hosts)]
    given = {"seeds": seeds, "contact": "a@b.example", "delay_seconds": 0, **more}
    params = CrawlParams(**given)
    (folder / "data").mkdir()
    frontier = Frontier(folder / "f.sqlite")
    answers = Answers(params, frontier, WarcFiles(folder / "data", 1 << 30, "", None), None)
    for seed in seeds:
        answers.enqueue(seed, 0)
    crawler = Crawler(params, frontier, answers, lambda fraction, note: None)
    sent: list[Page] = []
    asked: list[str] = []
    waits: list[float] = []
    crawler.send = lambda page, headers: sent.append(page)
    crawler.wake = waits.append
    crawler.pump()
    most = 0
    while sent:
        most = max(most, len(sent))
        page = sent.pop(0)
        asked.append(page.url)
        headers: Headers = HTML
        status, body = 200, b""
        if page.kind == "page":
            number = int(page.url.rpartition("/")[2])
            links = f'<a href="/{2 * number}">x</a><a href="/{2 * number + 1}">y</a>'
            body = links.encode().ljust(500)
        else:
            status = 404
        crawler.answered(page, Got(status, headers, body, "", []), 0.0)
        assert crawler.error is None, crawler.error
    assert crawler.finished() or waits
    assert most <= params.concurrency
    found = summary(params, frontier, crawler)
    frontier.close()
    return found, asked, waits


@pytest.mark.parametrize("flight", [1, 2, 7])
def test_no_page_over_max_pages_is_asked_for(tmp_path: Path, flight: int) -> None:
    found, asked, _ = crawl(tmp_path, max_pages=20, per_host=flight, concurrency=flight)
    assert found["pages"] == 20 and found["limit"] == "max_pages"
    assert len([url for url in asked if url[-1].isdigit()]) == 20
    assert found["left"] == 21  # every page but the first 20 that these link to: 41 are known


def test_max_bytes_ends_it_with_what_is_in_flight(tmp_path: Path) -> None:
    found, _, _ = crawl(tmp_path, max_bytes=10_000, per_host=3)
    assert 20 <= found["pages"] <= 22 and found["limit"] == "max_bytes"


def test_max_seconds_ends_it(tmp_path: Path) -> None:
    found, _, _ = crawl(tmp_path, max_seconds=0.5, max_pages=10**6, max_bytes=10**12)
    assert found["pages"] > 10 and found["limit"] == "max_seconds"


def test_depth_ends_it(tmp_path: Path) -> None:
    found, _, _ = crawl(tmp_path, depth=4)
    assert found["pages"] == 2**5 - 1 and found["left"] == 0 and found["limit"] == ""
    assert found["links_refused"] == {"depth": 2**5}


def test_hosts_take_turns_and_wait_for_their_delay(tmp_path: Path) -> None:
    """Nobody's delay holds up another host, and a host within its delay is asked to wait."""
    found, asked, waits = crawl(tmp_path, hosts=3, delay_seconds=5, sitemaps=False)
    assert sorted(asked) == [f"http://h{n}.example/robots.txt" for n in range(3)]
    assert found["pages"] == 0 and found["left"] == 3
    assert 4 < waits[-1] <= 5
