"""Scrapy around a `Crawler`: its engine and downloader, with none of its queues and middlewares.

Redirects, retries, robots.txt, depth and throttling are the crawl's own, since their state has to
survive a kill; cookies are kept only where the recipe says so.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import StopDownload

from corpusmith.collect.crawl.addresses import networks
from corpusmith.collect.crawl.answers import Got
from corpusmith.collect.crawl.cookies import Cookies
from corpusmith.collect.crawl.crawler import Crawler
from corpusmith.collect.crawl.frontier import Page
from corpusmith.collect.crawl.net import Guard, kind_of
from corpusmith.collect.crawl.params import CrawlParams
from corpusmith.collect.crawl.warcfile import Headers
from corpusmith.store.fingerprint import library_versions

_HERE = "corpusmith.collect.crawl."


def user_agent(params: CrawlParams) -> str:
    contact = params.contact.removeprefix("mailto:")
    version = library_versions(["corpusmith"])["corpusmith"]
    return f"{params.agent}/{version} (+{contact})"


def request_headers(params: CrawlParams) -> Headers:
    headers = [
        ("User-Agent", user_agent(params)),
        ("Accept", "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5"),
        ("Accept-Encoding", "gzip, deflate"),
    ]
    contact = params.contact.removeprefix("mailto:")
    return headers + ([("From", contact)] if "://" not in contact else [])


class Queue(BaseScheduler):
    """What the crawl has handed out and Scrapy has not yet asked for."""

    def __init__(self) -> None:
        self.requests: deque[Request] = deque()

    def open(self, spider: Any) -> None:
        self.crawl: Crawler = spider.crawl

    def has_pending_requests(self) -> bool:
        return bool(self.requests) or not self.crawl.finished()

    def enqueue_request(self, request: Request) -> bool:
        self.requests.append(request)
        return True

    def next_request(self) -> Request | None:
        return self.requests.popleft() if self.requests else None


class CrawlSpider(Spider):
    name = "corpusmith"
    crawl: Crawler
    timer: Any = None
    sent: Headers = []
    cookies: Cookies | None = None

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> CrawlSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.headers_received, signal=signals.headers_received)
        spider.crawl.send = spider.send
        spider.crawl.wake = spider.wake
        spider.sent = request_headers(spider.crawl.params)
        if spider.crawl.params.cookies:
            spider.cookies = Cookies()
            spider.crawl.answers.cookies_changed = spider.cookies.changed
        return spider

    async def start(self) -> AsyncIterator[Any]:
        self.crawl.pump()
        return
        yield

    def wake(self, seconds: float) -> None:
        from twisted.internet import reactor  # once Scrapy has installed it

        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        call_later: Any = reactor.callLater  # type: ignore[attr-defined]
        self.timer = call_later(seconds, self.crawl.pump)

    def send(self, page: Page, headers: Headers) -> None:
        headers = [*self.sent, *headers]
        if self.cookies is not None and (value := self.cookies.header(page.url)):
            headers.append(("Cookie", value))
        request = Request(
            page.url,
            headers=headers,
            callback=self.answered,
            errback=self.failed,
            dont_filter=True,
            meta={
                "page": page,
                "sent": headers,
                "download_timeout": self.crawl.params.timeout_seconds,
            },
        )
        assert self.crawler.engine is not None
        self.crawler.engine.crawl(request)

    def headers_received(self, headers: Any, request: Request, **_: Any) -> None:
        """Don't read the body of a picture."""
        page: Page = request.meta["page"]
        mime = (headers.get(b"Content-Type") or b"").decode("latin-1")
        mime = mime.split(";")[0].strip().lower()
        request.meta["mime"] = mime
        if page.kind == "page" and mime and mime not in self.crawl.params.types:
            raise StopDownload(fail=True)

    def answered(self, response: Any) -> None:
        meta = response.request.meta
        if self.cookies is not None:
            self.cookies.take(response, response.request)
        self.crawl.answered(meta["page"], got_of(response), meta.get("download_latency"))

    def failed(self, failure: Any) -> None:
        request, error = failure.request, failure.value
        page: Page = request.meta["page"]
        if isinstance(error, StopDownload):
            response = error.response
            assert response is not None
            if self.cookies is not None:
                self.cookies.take(response, request)
            if response.status == 200:
                self.crawl.stopped_at_headers(page, request.meta["mime"], response.status)
            else:  # an error page, in whatever type: its status is what counts
                self.crawl.answered(page, got_of(response, request), None)
            return
        Guard.notes.pop(page.url, None)
        kind = kind_of(error, _host_of(page))
        if kind == "other":
            logging.getLogger(__name__).error("%s: %r", page.url, error)
        self.crawl.failed(page, kind)


def _host_of(page: Page) -> str:
    return urlsplit(page.url).hostname or ""


def got_of(response: Any, request: Any = None) -> Got:
    """Scrapy's response as the crawl takes it."""
    request = request or response.request
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    ]
    return Got(
        status=response.status,
        headers=headers,
        body=response.body,
        ip=str(response.ip_address or ""),
        sent=request.meta["sent"],
        truncated="dataloss" in response.flags,
        note=Guard.notes.pop(request.meta["page"].url, ""),
    )


def run(crawl: Crawler) -> None:
    """Crawl until nothing is left or a limit is reached. Once a process: its reactor can't be
    started again."""
    params = crawl.params
    Guard.allowed = networks(params.allow_private)
    settings = {
        "SCHEDULER": _HERE + "spider.Queue",
        "DOWNLOAD_HANDLERS_BASE": {},
        "DOWNLOAD_HANDLERS": dict.fromkeys(("http", "https"), _HERE + "net.GuardedHandler"),
        "TWISTED_DNS_RESOLVER": _HERE + "net.GuardedResolver",
        "DOWNLOADER_MIDDLEWARES_BASE": {},
        "SPIDER_MIDDLEWARES_BASE": {},
        "EXTENSIONS_BASE": {},
        "CONCURRENT_REQUESTS": params.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": params.per_host,
        "DOWNLOAD_DELAY": 0,
        "DOWNLOAD_MAXSIZE": params.max_page_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_FAIL_ON_DATALOSS": False,
        "DOWNLOAD_VERIFY_CERTIFICATES": params.verify_certificates,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
        "LOGSTATS_INTERVAL": 0,
    }
    process = AsyncCrawlerProcess(settings)
    process.crawl(CrawlSpider, crawl=crawl)
    process.start(install_signal_handlers=False)
    if crawl.error is not None:
        raise crawl.error
