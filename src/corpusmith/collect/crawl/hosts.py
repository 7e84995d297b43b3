"""Politeness: how often a host is asked, what its robots.txt allows, when it is left alone."""

from __future__ import annotations

import dataclasses
import email.utils
import time
from typing import Any

from protego import Protego

from corpusmith.collect.crawl.frontier import Frontier
from corpusmith.collect.crawl.params import CrawlParams

MAX_ROBOTS_BYTES = 512 << 10  # RFC 9309, section 2.5
RETRIED = frozenset({408, 429, 500, 502, 503, 504})
SLOW_DOWN = frozenset({429, 503})


@dataclasses.dataclass
class Host:
    """One origin. Times are seconds since the epoch, since they outlive the process."""

    origin: str
    params: CrawlParams
    verdict: str | None  # of robots.txt: rules, all (there is none), None (not known)
    asked: float  # when robots.txt was
    crawl_delay: float
    delay: float  # between two requests, at present
    blocked_until: float  # by Retry-After
    given_up: str
    rules: Protego | None
    inflight: int = 0
    next_time: float = 0.0
    failures: int = 0  # of connections, in a row
    asking: bool = False  # robots.txt is in flight

    @classmethod
    def load(cls, frontier: Frontier, params: CrawlParams, origin: str) -> Host:
        row = frontier.origin(origin)
        host = cls(
            origin=origin,
            params=params,
            verdict=row["verdict"],
            asked=row["asked"] or 0.0,
            crawl_delay=row["crawl_delay"],
            delay=row["delay"] or params.delay_seconds,
            blocked_until=row["blocked_until"],
            given_up=row["given_up"],
            rules=Protego.parse(row["robots"]) if row["robots"] is not None else None,
        )
        host.delay = max(host.delay, host.least)
        return host

    @property
    def least(self) -> float:
        return max(self.params.delay_seconds, self.crawl_delay)

    def needs_robots(self, now: float) -> bool:
        return self.verdict is None or now - self.asked >= self.params.robots_seconds

    def allows(self, url: str) -> bool:
        return self.rules is None or self.rules.can_fetch(url, self.params.agent)

    def started(self, now: float) -> None:
        self.inflight += 1
        self.next_time = now + self.delay

    def answered(self, status: int, latency: float | None) -> None:
        """Throttle by what the host can bear: the delay follows the time that it takes to answer
        (as Scrapy's AutoThrottle does); an answer that is none never makes it shorter."""
        self.failures = 0
        target = max((latency or 0.0) / self.params.per_host, self.least)
        wanted = max(target, (self.delay + target) / 2)
        if status in SLOW_DOWN:
            wanted = max(2 * self.delay, self.least, 0.1)
        if status < 400 or wanted > self.delay:
            self.delay = min(wanted, max(self.params.max_delay_seconds, self.least))

    def robots(self, text: str | None, now: float) -> list[str]:
        """Take a robots.txt (None: there is none); returns the sitemaps that it names."""
        self.asked = now
        self.verdict = "all" if text is None else "rules"
        self.rules = None if text is None else Protego.parse(text)
        found = self.rules.crawl_delay(self.params.agent) if self.rules else None
        self.crawl_delay = min(found or 0.0, 1e6)
        self.delay = max(self.params.delay_seconds, self.crawl_delay)
        return list(self.rules.sitemaps) if self.rules else []

    def save(self, frontier: Frontier, **more: Any) -> None:
        names = ("verdict", "asked", "crawl_delay", "delay", "blocked_until")
        frontier.set_origin(self.origin, **{n: getattr(self, n) for n in names}, **more)


def retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, section 10.2.3); 0.0 for none."""
    if not value:
        return 0.0
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
