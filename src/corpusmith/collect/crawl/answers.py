"""What becomes of an answer: records, links, another try, or an error with a short name.

Knows nothing of Scrapy: an answer is a `Got`, or the name of what went wrong.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpusmith.collect import http
from corpusmith.collect.crawl import pages, scope, warcfile
from corpusmith.collect.crawl.frontier import Frontier, Page
from corpusmith.collect.crawl.params import CrawlParams
from corpusmith.collect.crawl.warcfile import Headers, WarcFiles
from corpusmith.collect.errors import RecordError
from corpusmith.collect.members import Record, records

EXPANSION = 8  # of a compressed page beyond max_page_bytes: more is a bomb
_HTML = ("text/html", "application/xhtml+xml")


@dataclasses.dataclass(frozen=True)
class Got:
    """An answer, whole or cut."""

    status: int
    headers: Headers
    body: bytes
    ip: str
    sent: Headers  # the request's
    truncated: bool = False
    note: str = ""  # length_too_short

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def response(self) -> http.Response:
        return http.Response(
            self.status, {k.lower(): v for k, v in reversed(self.headers)}, self.body
        )


class Previous:
    """The snapshot that a refresh follows: what it fetched, and when it was changed last."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        path = (folder / "state" / "frontier.sqlite").absolute().as_uri()
        self.frontier = Frontier.__new__(Frontier)
        self.frontier.db = sqlite3.connect(f"{path}?mode=ro&immutable=1", uri=True)

    def conditions(self, page: Page) -> Headers:
        """Headers with which the server need not send again what is at hand (RFC 9110, 13.1)."""
        row = self.frontier.fetched(page.key)
        if row is None or row["url"] != page.url:
            return []
        found = (("If-None-Match", row["etag"]), ("If-Modified-Since", row["modified"]))
        return [(name, value) for name, value in found if value]

    def records(self, page: Page) -> tuple[dict[str, Any], bytes] | None:
        """(what is known, the records as they stand in the file); None where they are damaged."""
        row = self.frontier.fetched(page.key)
        if row is None:
            return None
        with open(self.data / row["file"], "rb") as file:
            file.seek(row["offset"])
            data = file.read(row["length"])
        return (row, data) if len(data) == row["length"] and warcfile.whole(data) else None

    def response(self, row: dict[str, Any], limit: int) -> http.Response | None:
        found = records(
            str(self.data / row["file"]), limit, row["offset"], row["offset"] + row["length"]
        )
        for one in found:
            if isinstance(one, Record) and one.block and one.headers["warc-type"] == "response":
                return http.parse(one.block)
        return None


class Answers:
    """Writes what was fetched into the WARC files and the frontier, in this order."""

    def __init__(
        self,
        params: CrawlParams,
        frontier: Frontier,
        files: WarcFiles,
        previous: Previous | None,
    ) -> None:
        self.params = params
        self.frontier = frontier
        self.files = files
        self.previous = previous
        self.scope = scope.Scope(params)
        self.cookies_changed: Callable[[str], bool] = lambda url: False

    # --- URLs ----------------------------------------------------------------------------

    def enqueue(
        self,
        url: str,
        depth: int,
        *,
        kind: str = "page",
        via: int | None = None,
        hops: int = 0,
        key: str = "",
    ) -> str:
        """ "" where it is queued or known, else why it is not for this crawl. `key`: by which it is
        known, where that is not the one of its URL."""
        refused = self.scope.refusal(url, depth) if kind == "page" else ""
        if kind == "sitemap" and not self.scope.host(url):
            refused = "scope:host"
        if not refused:
            key = key or scope.key(url)
            self.frontier.add(kind, key, url, scope.origin(url), depth, via, hops)
        return refused

    def _links(self, links: list[str], depth: int) -> None:
        refused = Counter(self.enqueue(url, depth) for url in links)
        del refused[""]
        self.frontier.count("links", refused.items())

    # --- a page --------------------------------------------------------------------------

    def page(self, page: Page, got: Got) -> None:
        """A page with status 200."""
        if got.truncated and not got.body:
            self.fail(page, "truncated", got, store=False)
            return
        response = got.response
        mime = response.mime or pages_type(got.body)
        limit = EXPANSION * self.params.max_page_bytes
        try:
            body = http.body(response, limit, truncated=got.truncated)
        except RecordError as error:
            kind = "decompression_bomb" if error.error == "too_large" else error.error
            self.fail(page, kind, got, store=False)
            return
        if mime not in self.params.types:
            self._skip(page, f"type:{mime or 'unknown'}", status=got.status)
            return
        found = pages.Found()
        if mime in _HTML:
            try:
                found = pages.found_in(body, response.charset, page.url, self.params.agent)
            except RecordError as error:  # it is kept: the reader has its own word for it
                self.frontier.count("notes", [(error.error, 1)])
        said = found.robots | self._header_robots(got)
        links = [] if "nofollow" in said else found.links
        if "noindex" in said:
            with self.frontier.transaction():
                self.frontier.finish(page, "skipped", "noindex", status=got.status)
                self._links(links, page.depth + 1)
            return
        notes = [got.note] if got.note else []
        notes += ["truncated"] if got.truncated else []
        notes += ["too_many_links"] if found.cut else []
        if found.canonical and scope.key(found.canonical) != page.key:
            notes.append("canonical_elsewhere")
        self._store(page, got, "done", "", mime=mime, notes=notes, links=links)

    def not_modified(self, page: Page, got: Got) -> bool:
        """A 304: the records of the last snapshot stand in this one too, behind a revisit record
        that says so. False where they can't be read: then the page is asked for anew."""
        known = self.previous.records(page) if self.previous else None
        if known is None or self.previous is None:
            return False
        row, copied = known
        response = self.previous.response(row, 2 * self.params.max_page_bytes)
        if response is None:
            return False
        links: list[str] = []
        if row["type"] in _HTML:
            try:
                limit = EXPANSION * self.params.max_page_bytes
                body = http.body(response, limit, truncated=True)
                found = pages.found_in(body, response.charset, page.url, self.params.agent)
                links = [] if "nofollow" in found.robots else found.links
            except RecordError:
                pass
        date = warcfile.now()
        headers = [
            *self._headers(page, got, date),
            ("WARC-Profile", warcfile.NOT_MODIFIED),
            ("WARC-Refers-To", row["record"]),
            ("WARC-Refers-To-Target-URI", row["url"]),
            ("WARC-Refers-To-Date", row["fetched"]),
            ("Content-Type", "application/http; msgtype=response"),
        ]
        revisit = warcfile.record(
            "revisit", warcfile.response_block(got.status, got.headers, b""), headers
        )
        place = self.files.write([revisit, copied], row["record"])
        place = dataclasses.replace(
            place, offset=place.offset + len(revisit), length=place.length - len(revisit)
        )
        facts = {name: row[name] for name in ("status", "type", "bytes", "fetched")}
        facts |= {
            "etag": got.header("etag") or row["etag"],
            "modified": got.header("last-modified") or row["modified"],
        }
        with self.frontier.transaction():
            self.frontier.finish(page, "done", "not_modified", place, **facts)
            self._links(links, page.depth + 1)
        return True

    def redirect(self, page: Page, got: Got) -> None:
        target = scope.normal(got.header("location") or "", page.url)
        if target is None:
            self.fail(page, "bad_redirect", got)
            return
        chain = self.frontier.chain(page)
        again = target in chain and self.cookies_changed(target)
        if target in chain and not again:
            # Also one to itself: some sites wait for a cookie to come back, and it never does.
            wants = target == page.url and got.header("set-cookie") and not self.params.cookies
            self.fail(page, "wants_cookie" if wants else "redirect_loop", got)
        elif page.hops >= self.params.max_redirects:
            self.fail(page, "too_many_redirects", got)
        else:
            where: dict[str, Any] = {"via": page.id, "hops": page.hops + 1}
            if again:
                where["key"] = f"again {page.hops + 1}:{target}"
            elif scope.key(target) in chain.values():
                # The same page to us, in the one spelling that this server answers to.
                where["key"] = f"exact:{target}"
            self._store(page, got, "done", "redirect", redirect=(target, where))

    def fail(self, page: Page, kind: str, got: Got | None = None, *, store: bool = True) -> None:
        """The last word on a URL that gave no page; an answer that came is kept."""
        if got is not None and store and page.kind == "page":
            self._store(page, got, "failed", kind)
        else:
            status = got.status if got is not None else None
            self.frontier.finish(page, "failed", kind, status=status)

    def _skip(self, page: Page, reason: str, **facts: Any) -> None:
        self.frontier.finish(page, "skipped", reason, **facts)

    def stopped_at_headers(self, page: Page, mime: str, status: int) -> None:
        """A page of another type than is wanted: its body was not asked for."""
        self._skip(page, f"type:{mime}", status=status, type=mime)

    # --- records -------------------------------------------------------------------------

    def _headers(self, page: Page, got: Got, date: str) -> Headers:
        found = [("WARC-Date", date), ("WARC-Target-URI", page.url)]
        return found + ([("WARC-IP-Address", got.ip)] if got.ip else [])

    def _store(
        self,
        page: Page,
        got: Got,
        state: str,
        reason: str,
        *,
        mime: str | None = None,
        notes: list[str] | None = None,
        links: list[str] | None = None,
        redirect: tuple[str, dict[str, Any]] | None = None,
    ) -> None:
        date = warcfile.now()
        shared = self._headers(page, got, date)
        identity = warcfile.new_id()
        answer = [
            *shared,
            ("Content-Type", "application/http; msgtype=response"),
            *([("WARC-Truncated", "disconnect")] if got.truncated else []),
        ]
        question = [
            *shared,
            ("WARC-Concurrent-To", identity),
            ("Content-Type", "application/http; msgtype=request"),
        ]
        response = warcfile.response_block(got.status, got.headers, got.body)
        place = self.files.write(
            [
                warcfile.record("request", warcfile.request_block(page.url, got.sent), question),
                warcfile.record("response", response, answer, identity=identity, payload=got.body),
            ],
            identity,
        )
        with self.frontier.transaction():
            self.frontier.finish(
                page,
                state,
                reason,
                place,
                status=got.status,
                type=mime or got.response.mime,
                etag=got.header("etag"),
                modified=got.header("last-modified"),
                bytes=len(got.body),
                fetched=date,
            )
            self.frontier.count("notes", [(note, 1) for note in notes or []])
            self._links(links or [], page.depth + 1)
            if redirect is not None:
                target, where = redirect
                if refused := self.enqueue(target, page.depth, **where):
                    self.frontier.count("links", [(refused, 1)])
                    self.frontier.journal("led outside", target)
                    if page.depth == 0:
                        self.frontier.journal(f"outside:{page.url}", target)

    def _header_robots(self, got: Got) -> set[str]:
        found: set[str] = set()
        for name, value in got.headers:
            if name.lower() == "x-robots-tag":
                found |= pages.header_directives(value, self.params.agent)
        return found

    # --- sitemaps ------------------------------------------------------------------------

    def sitemap(self, page: Page, got: Got) -> None:
        limit = EXPANSION * self.params.max_page_bytes
        try:
            body = http.body(got.response, limit, truncated=got.truncated)
            if body[:2] == b"\x1f\x8b":  # sitemap.xml.gz, sent as a file
                packed = http.Response(200, {"content-encoding": "gzip"}, body)
                body = http.body(packed, limit, truncated=got.truncated)
        except RecordError as error:
            self.fail(page, f"sitemap:{error.error}", got)
            return
        with self.frontier.transaction():
            self.frontier.finish(page, "done", "", status=got.status)
            refused: Counter[str] = Counter()
            for number, (kind, url) in enumerate(pages.sitemap_urls(body, page.url)):
                if number >= pages.MAX_SITEMAP_URLS:
                    self.frontier.count("notes", [("sitemap_cut", 1)])
                    break
                deep = kind == "sitemap" and page.depth >= 3  # an index of indexes
                refused["depth" if deep else self.enqueue(url, page.depth + 1, kind=kind)] += 1
            del refused[""]
            self.frontier.count("links", refused.items())


def pages_type(body: bytes) -> str:
    """The type of an answer that names none."""
    head = body[:512].lstrip().lower()
    return "text/html" if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) else ""
