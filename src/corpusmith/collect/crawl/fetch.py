"""`fetch` of the source `crawl`: from parameters to WARC files, and on after a kill."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from corpusmith.collect.crawl import scope, warcfile
from corpusmith.collect.crawl.answers import Answers, Previous
from corpusmith.collect.crawl.crawler import Crawler
from corpusmith.collect.crawl.frontier import Frontier
from corpusmith.collect.crawl.params import CrawlParams
from corpusmith.collect.world import Job
from corpusmith.errors import InputError

EXAMPLES = 3
MAX_TOLD = 10  # seeds that gave nothing


def fetch(params: CrawlParams, job: Job) -> dict[str, Any]:
    """Crawl into `job.data`; returns the figures of `summary`.

    InputError where not one page could be fetched; the next call then starts from nothing.
    """
    path = job.state / "frontier.sqlite"
    try:
        return _crawled(params, job, path)
    except sqlite3.OperationalError as error:  # its own word for a full disk, among others
        raise InputError(
            f"the list of URLs can't be written: {error}",
            where=str(path),
            hint="free some space, or look at the folder's rights, and run the same command again: "
            "it goes on from what it has",
        ) from error


def _crawled(params: CrawlParams, job: Job, path: Path) -> dict[str, Any]:
    from corpusmith.collect.crawl import spider

    frontier = Frontier(path)
    if frontier.journal("failed"):  # whole: whatever was wrong may be mended
        frontier.close()
        path.unlink()
        frontier = Frontier(path)
    end = restore(frontier, job.data)
    agent = spider.user_agent(params)
    files = warcfile.WarcFiles(job.data, params.file_bytes, warcinfo(params, agent), end)
    previous = None
    if job.previous is not None and (job.previous / "state" / path.name).exists():
        previous = Previous(job.previous)
    answers = Answers(params, frontier, files, previous)
    for seed in params.seeds:
        url = scope.normal(seed)
        refused = "scope:host" if url is None else answers.enqueue(url, 0)
        if refused:
            raise InputError(
                f"the seed {seed} is not in the crawl's own scope: {refused}",
                hint="widen hosts, prefixes, include or exclude",
            )
    crawl = Crawler(params, frontier, answers, job.progress)
    crawl.watch = job.watch
    try:
        if not crawl.finished():
            spider.run(crawl)
        crawl.sync()
        files.close()
        found = summary(params, frontier, crawl)
        if not found["pages"]:
            frontier.journal("failed", "yes")
            raise InputError(
                "not one page could be fetched: "
                + _words(found["failed"] | found["skipped"] | found["links_refused"]),
                where=", ".join(params.seeds),
                expected="a page with status 200 that robots.txt and the recipe's rules allow",
                hint=_hint(found, frontier.journal("led outside")),
            )
        warnings = _lost_seeds(params, frontier) + _warnings(found)
        return {"agent": agent, **found, "warnings": warnings}
    finally:
        with contextlib.suppress(sqlite3.OperationalError):  # what raised is the word to hear
            frontier.close()


def restore(frontier: Frontier, data: Path) -> tuple[str, int] | None:
    """Where the WARC files end, by what is committed.

    After a power cut records that the frontier names may be missing or damaged: behind the last
    sync each is looked at, and from the first that is not whole on all are fetched again.
    """
    synced, _, size = (frontier.journal("synced") or ":0").rpartition(":")
    rows = frontier.db.execute(
        "select id, file, offset, length from pages where file is not null "
        "and (file > ? or (file = ? and offset + length > ?)) order by file, offset",
        (synced, synced, int(size)),
    ).fetchall()
    for place, (_, file, offset, length) in enumerate(rows):
        path = data / file
        found = b""
        if path.exists():
            with open(path, "rb") as opened:
                opened.seek(offset)
                found = opened.read(length)
        if len(found) < length or not warcfile.whole(found):
            lost = [row[0] for row in rows[place:]]
            frontier.requeue(lost)
            break
    row = frontier.db.execute(
        "select file, max(offset + length) from pages where file is not null "
        "group by 1 order by 1 desc limit 1"
    ).fetchone()
    return (row[0], row[1]) if row else None


def warcinfo(params: CrawlParams, agent: str) -> str:
    fields = {
        "software": agent.split(" ")[0],
        "format": "WARC File Format 1.1",
        "http-header-user-agent": agent,
        "robots": "obey",
        "operator": params.contact,
    }
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())


def summary(params: CrawlParams, frontier: Frontier, crawl: Crawler) -> dict[str, Any]:
    """Figures of a crawl: what was fetched, and what was not, by kind."""
    failed = frontier.tally("reason", "state='failed'")
    skipped = frontier.tally("reason", "state='skipped'")
    left = sum(frontier.tally("state", "state='queued' and kind='page'").values())
    return {
        "pages": frontier.pages(),
        "not_modified": frontier.tally("reason", "state='done'").get("not_modified", 0),
        "redirects": frontier.tally("reason", "state='done'").get("redirect", 0),
        "bytes_received": crawl.bytes,
        "hosts": frontier.db.execute("select count(*) from origins").fetchone()[0],
        "failed": failed,
        "skipped": skipped,
        "links_refused": frontier.counted("links"),
        "notes": frontier.counted("notes"),
        "limit": crawl.limit() if left else "",
        "left": left,
        "examples": {
            kind: [
                row[0]
                for row in frontier.db.execute(
                    "select url from pages where state='failed' and reason=? order by id limit ?",
                    (kind, EXAMPLES),
                )
            ]
            for kind in failed
        },
    }


def _words(kinds: dict[str, int]) -> str:
    return ", ".join(f"{kind} {number:,}" for kind, number in kinds.items()) or "no answer"


def _lost_seeds(params: CrawlParams, frontier: Frontier) -> list[str]:
    """A sentence for each seed that gave no page: whoever named it should hear of it."""
    told = []
    for seed in dict.fromkeys(scope.normal(s) or s for s in params.seeds):
        row = frontier.db.execute(
            "select state, reason from pages where key=?", (scope.key(seed),)
        ).fetchone()
        if row and row[0] in ("failed", "skipped"):
            told.append(f"the seed {seed} gave no page: {row[1]}")
    rows = frontier.db.execute(
        "select substr(name, 9), value from journal where name like 'outside:%' order by name"
    )
    told += [f"{url} redirects to {target}, which is outside of the crawl" for url, target in rows]
    return told[:MAX_TOLD]


def _warnings(found: dict[str, Any]) -> list[str]:
    warnings = []
    if found["left"]:
        warnings.append(
            f"the crawl ended at {found['limit']} with {found['left']:,} URLs that it knew of and "
            "did not fetch"
        )
    if found["failed"]:
        number = sum(found["failed"].values())
        warnings.append(f"{number:,} URLs could not be fetched: {_words(found['failed'])}")
    return warnings


def _hint(found: dict[str, Any], outside: str | None) -> str:
    if outside:
        return f"a seed redirects to {outside}: take that as the seed, or name its host in hosts"
    if any("private_address" in kind for kind in found["failed"]):
        return "name the address if it is meant to be crawled: allow_private: [127.0.0.1]"
    if "robots" in found["skipped"]:
        return "ask the site's owner: robots.txt is obeyed"
    if found["skipped"] and all(kind.startswith("type:") for kind in found["skipped"]):
        return "name the content types that the crawl should keep in types"
    return "look at the seeds in a browser; run the same command again"
