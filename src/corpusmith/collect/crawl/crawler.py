"""The crawl itself: hands out URLs as politeness and limits allow, and takes what comes of them.

Knows nothing of Scrapy: `send(page, headers)` starts a request, `wake(seconds)` asks for another
`pump()`; answers come back through `answered` and `failed`.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable

from corpusmith.collect import http
from corpusmith.collect.crawl import scope
from corpusmith.collect.crawl.answers import Answers, Got
from corpusmith.collect.crawl.frontier import Frontier, Page
from corpusmith.collect.crawl.hosts import MAX_ROBOTS_BYTES, RETRIED, Host, retry_after
from corpusmith.collect.crawl.net import CONNECTION, PASSING
from corpusmith.collect.crawl.params import CrawlParams
from corpusmith.collect.crawl.warcfile import Headers
from corpusmith.collect.errors import RecordError
from corpusmith.errors import CorpusmithError

SYNC_SECONDS = 5.0
LONGEST_WAKE = 60.0
ROBOTS_HOPS = 5


class Crawler:
    """One crawl over one frontier."""

    def __init__(
        self,
        params: CrawlParams,
        frontier: Frontier,
        answers: Answers,
        progress: Callable[[float, str], None],
    ) -> None:
        self.params = params
        self.frontier = frontier
        self.answers = answers
        self.progress = progress
        self.send: Callable[[Page, Headers], None] = lambda page, headers: None
        self.wake: Callable[[float], None] = lambda seconds: None
        self.watch: Callable[[str], None] = lambda url: None
        self.hosts: dict[str, Host] = {}
        self.flying: Counter[str] = Counter()  # by kind
        self.error: BaseException | None = None  # a fault of our own, or of the disk
        states = frontier.tally("state", "kind='page'")
        self.done = frontier.pages()
        self.ended = sum(states.values()) - states.get("queued", 0)
        self.bytes = int(frontier.journal("bytes") or 0)
        self.errors = Counter(frontier.tally("reason", "state='failed'"))
        self._conditional: set[int] = set()  # pages asked for with conditions
        self._began = time.monotonic()
        self._told = self._synced = 0.0

    # --- what is left --------------------------------------------------------------------

    def limit(self) -> str:
        """The name of the limit that is reached; "" where none is."""
        if self.error is not None:
            return "error"
        if self.done >= self.params.max_pages:
            return "max_pages"
        if self.bytes >= self.params.max_bytes:
            return "max_bytes"
        seconds = self.params.max_seconds
        if seconds is not None and time.monotonic() - self._began >= seconds:
            return "max_seconds"
        return ""

    def finished(self) -> bool:
        if self.flying.total():
            return False
        return bool(self.limit()) or not any(n > 0 for n in self.frontier.queued.values())

    # --- handing out ---------------------------------------------------------------------

    def pump(self) -> None:
        """Start all that may be started now, and ask to be called when the next one may."""
        try:
            soonest = self._pump()
        except BaseException as error:
            self.error = self.error or error
            return
        self._tell()
        if soonest is not None and not self.finished():
            self.wake(min(max(soonest - time.time(), 0.005), LONGEST_WAKE))

    def _pump(self) -> float | None:
        soonest: float | None = None
        if self.limit():
            return None
        # Those that wait for longest first; robots and retries may change the counts on the way.
        waiting = [self._host(o) for o, n in list(self.frontier.queued.items()) if n > 0]
        for host in sorted(waiting, key=lambda h: h.next_time):
            if self.flying.total() >= self.params.concurrency:
                break  # what comes back asks again
            while self.flying.total() < self.params.concurrency:
                if host.inflight >= self.params.per_host:
                    break
                now = time.time()
                ready = max(host.next_time, host.blocked_until)
                picked = self._pick(host, now) if ready <= now else ready
                if isinstance(picked, Page):
                    self._start(host, picked, now)
                    continue
                if picked is not None:
                    soonest = picked if soonest is None else min(soonest, picked)
                break
        return soonest

    def _host(self, origin: str) -> Host:
        if origin not in self.hosts:
            self.hosts[origin] = Host.load(self.frontier, self.params, origin)
        host = self.hosts[origin]
        if host.given_up:
            self.frontier.give_up(origin, host.given_up)
        return host

    def _pick(self, host: Host, now: float) -> Page | float | None:
        """The next URL of a host, or when to look again, or None: when something comes back."""
        if host.asking or host.given_up:
            return None
        if host.needs_robots(now):
            url = f"{host.origin}/robots.txt"
            if not self.frontier.add("robots", host.origin, url, host.origin, 0):
                self.frontier.again("robots", host.origin, host.origin)
            return self.frontier.next(host.origin, now, kinds=("robots",))
        full = self.done + self.flying["page"] >= self.params.max_pages
        kinds = ("sitemap",) if full else ("sitemap", "page")
        while True:
            page = self.frontier.next(host.origin, now, kinds=kinds)
            if not isinstance(page, Page) or host.allows(page.url):
                return page
            self.frontier.skip_queued(page, "robots")
            self.ended += page.kind == "page"

    def _start(self, host: Host, page: Page, now: float) -> None:
        headers: Headers = []
        if self.answers.previous is not None and page.kind == "page" and page.attempts == 1:
            headers = self.answers.previous.conditions(page)
        if headers:
            self._conditional.add(page.id)
        self.frontier.start(page)
        self.flying[page.kind] += 1
        host.started(now)
        host.asking = page.kind == "robots"
        self.send(page, headers)

    # --- taking back ---------------------------------------------------------------------

    def answered(self, page: Page, got: Got, latency: float | None) -> None:
        host = self._back(page)
        try:
            host.answered(got.status, latency)
            self.bytes += len(got.body)
            self.watch(page.url)
            self._answered(host, page, got)
        except BaseException as error:
            self.error = self.error or error
        finally:
            self.watch("")
        self.pump()

    def failed(self, page: Page, kind: str) -> None:
        """`kind`: see `net.kind_of`."""
        host = self._back(page)
        try:
            if kind in CONNECTION:
                host.failures += 1
                if host.failures >= self.params.give_up:
                    self.answers.fail(page, kind)
                    self._ended(page, kind)
                    self._give_up(host, f"host_given_up:{kind}")
                    return
            if kind not in PASSING or not self._retry(host, page, 0.0):
                self._lost(host, page, kind)
        except BaseException as error:
            self.error = self.error or error
        finally:
            self.pump()

    def stopped_at_headers(self, page: Page, mime: str, status: int) -> None:
        """The body of a page of a type that is not wanted was not read."""
        host = self._back(page)
        try:
            host.answered(status, None)
            self.answers.stopped_at_headers(page, mime, status)
            self.ended += 1
        except BaseException as error:
            self.error = self.error or error
        self.pump()

    def _back(self, page: Page) -> Host:
        host = self._host(page.origin)
        host.inflight -= 1
        host.asking = False
        self.flying[page.kind] -= 1
        return host

    def _answered(self, host: Host, page: Page, got: Got) -> None:
        conditional = page.id in self._conditional
        self._conditional.discard(page.id)
        if got.status in RETRIED or got.truncated:
            wait = retry_after(got.header("retry-after"))
            if wait > self.params.max_wait_seconds:
                self._lost(host, page, f"status:{got.status}", got)
                self._give_up(host, "retry_after_too_long")
                return
            if wait:
                host.blocked_until = max(host.blocked_until, time.time() + wait)
                host.save(self.frontier)
            if self._retry(host, page, wait):
                return
            if got.status in RETRIED:
                self._lost(host, page, f"status:{got.status}", got)
                return
        moved = 300 <= got.status < 400 and bool(got.header("location"))
        if moved and page.kind != "page":
            self._elsewhere(host, page, got)
        elif page.kind == "robots" and got.status == 200:
            self._robots(host, page, got)
        elif got.status == 304 and conditional:
            if self.answers.not_modified(page, got):
                self.done += 1
                self._ended(page, "")
            else:  # asked for anew: a second try goes without conditions
                self.frontier.later(page, 0.0)
        elif got.status == 200:
            self.frontier.reading(page)
            try:
                (self.answers.sitemap if page.kind == "sitemap" else self.answers.page)(page, got)
            except (OSError, sqlite3.Error, CorpusmithError, MemoryError):
                raise
            except Exception as error:  # of many libraries: one page must not end the crawl
                logging.getLogger(__name__).exception(page.url)
                self.answers.fail(page, f"unreadable:{type(error).__name__}", got, store=False)
            self._ended(page, self._verdict(page))
        elif moved:
            self.answers.redirect(page, got)
            self._ended(page, self._verdict(page))
        else:
            self._lost(host, page, f"status:{got.status}", got)

    def _verdict(self, page: Page) -> str:
        """Why the URL failed in the end; "" where it did not. Counts the pages."""
        row = self.frontier.db.execute(
            "select state, reason, status, kind from pages where id=?", (page.id,)
        ).fetchone()
        self.done += row[0] == "done" and row[2] == 200 and row[3] == "page"
        return row[1] if row[0] == "failed" else ""

    def _ended(self, page: Page, kind: str) -> None:
        self.ended += page.kind == "page"
        if kind:
            self.errors[kind] += 1

    def _retry(self, host: Host, page: Page, wait: float) -> bool:
        if page.attempts > self.params.retries:
            return False
        backoff = self.params.backoff_seconds * 2 ** (page.attempts - 1)
        wait = max(wait, min(backoff, self.params.max_wait_seconds))
        self.frontier.later(page, time.time() + wait)
        self.frontier.count("notes", [("retried", 1)])
        return True

    def _lost(self, host: Host, page: Page, kind: str, got: Got | None = None) -> None:
        """The end of a URL that gave nothing, and of its host where that was its robots.txt."""
        if page.kind == "robots":
            if got is not None and 400 <= got.status < 500 and got.status != 429:
                self._robots(host, page, None)  # RFC 9309, section 2.3.1.3
                return
            # Unreachable: nothing may be fetched (section 2.3.1.4).
            self.frontier.finish(page, "failed", kind)
            self.errors[kind] += 1
            self._give_up(host, f"robots_unreachable:{kind}")
            return
        if page.kind == "sitemap":
            # None at its usual place is no error; one that robots.txt names and that fails is.
            named = not page.url.endswith("/sitemap.xml") or kind != "status:404"
            kind = f"sitemap:{kind}"
            if not named:
                self.frontier.finish(page, "skipped", kind)
                return
        self.answers.fail(page, kind, got)
        self._ended(page, kind)

    def _give_up(self, host: Host, reason: str) -> None:
        host.given_up = reason
        lost = self.frontier.queued[host.origin]
        self.frontier.give_up(host.origin, reason)
        self.errors[reason] += lost

    def _elsewhere(self, host: Host, page: Page, got: Got) -> None:
        """A robots.txt or sitemap that stands somewhere else. After five hops there is no
        robots.txt (RFC 9309, section 2.3.1.2)."""
        target = scope.normal(got.header("location") or "", page.url)
        if target is None or page.hops >= ROBOTS_HOPS:
            if page.kind == "robots":
                self._robots(host, page, None)
            else:
                self._lost(host, page, "too_many_redirects")
            return
        self.frontier.db.execute(
            "update pages set url=?, hops=hops+1 where id=?", (target, page.id)
        )
        self.frontier.later(page, 0.0)

    def _robots(self, host: Host, page: Page, got: Got | None) -> None:
        text: str | None = None
        if got is not None and got.status == 200:
            try:
                data = http.body(got.response, 2 * MAX_ROBOTS_BYTES, truncated=True)
            except RecordError:
                data = b""
            text = data[:MAX_ROBOTS_BYTES].decode("utf-8-sig", "replace")
        sitemaps = host.robots(text, time.time())
        with self.frontier.transaction():
            self.frontier.finish(page, "done", "", status=got.status if got else None)
            host.save(self.frontier, robots=text)
            if self.params.sitemaps:
                for url in sitemaps or [f"{host.origin}/sitemap.xml"]:
                    if found := scope.normal(url, f"{host.origin}/"):
                        self.answers.enqueue(found, 0, kind="sitemap")
        if host.crawl_delay > self.params.max_wait_seconds:
            self._give_up(host, "crawl_delay_too_long")

    # --- progress ------------------------------------------------------------------------

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._synced >= SYNC_SECONDS:
            self.sync()
        if now - self._told >= 0.5:
            self._told = now
            self.progress(*self.figures())

    def sync(self) -> None:
        """All that is committed is on the disk, whatever happens to the machine."""
        self._synced = time.monotonic()
        file, size = self.answers.files.sync()
        self.frontier.journal("synced", f"{file}:{size}")
        self.frontier.journal("bytes", str(self.bytes))

    def figures(self) -> tuple[float, str]:
        queue = sum(self.frontier.queued.values())
        errors = ", ".join(f"{kind} {n:,}" for kind, n in self.errors.most_common(4))
        note = f"{self.done:,} pages, {self.bytes / 1e6:,.1f} MB, {queue:,} queued"
        most = min(self.params.max_pages, self.ended + queue)
        share = (
            self.done / most if self.done >= self.params.max_pages else self.ended / max(most, 1)
        )
        return min(share, 1.0), note + (f"; errors: {errors}" if errors else "")
