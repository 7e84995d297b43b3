"""Cookies of a crawl, where a recipe asks for them: in memory, each host's for itself alone.

Nothing of them outlives the process. After a kill a site that wants one gives it again.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http.cookies import CookieJar

MAX_COOKIES = 50  # of a host (RFC 6265, section 6.1); one that sends more begins with none again
MAX_HEADER_BYTES = 8 << 10  # servers refuse longer ones


class Cookies:
    """By host, whatever a cookie's Domain says: no host learns of another."""

    def __init__(self) -> None:
        self._jars: dict[str, CookieJar] = {}
        self._redirected: dict[str, str] = {}  # URL -> the cookies with which it redirected

    def header(self, url: str) -> str:
        """The value of the Cookie header for a request now; "" where there is none."""
        jar = self._jars.get(_host(url))
        if jar is None:
            return ""
        request = Request(url)
        jar.add_cookie_header(request)
        value = request.headers.get("Cookie") or b""
        return value.decode("latin-1") if len(value) <= MAX_HEADER_BYTES else ""

    def take(self, response: Any, request: Request) -> None:
        """Keep what an answer sets; remember with what a URL redirected."""
        host = _host(request.url)
        if response.headers.getlist("Set-Cookie"):
            jar = self._jars.setdefault(host, CookieJar())
            jar.extract_cookies(response, request)
            if len(jar) > MAX_COOKIES:
                del self._jars[host]
        if 300 <= response.status < 400:
            sent = request.headers.get("Cookie") or b""
            self._redirected[request.url] = sent.decode("latin-1")

    def changed(self, url: str) -> bool:
        """Whether a URL that redirected would now be asked with other cookies than then."""
        return self.header(url) != self._redirected.get(url, "")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
