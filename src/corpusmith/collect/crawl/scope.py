"""URLs: their one spelling, and whether the crawl may go there.

Two spellings are one page: host in small letters, no default port, no fragment, percent-encoding
and dot segments normalized (RFC 3986, section 6.2.2), no parameters that only follow people around,
and, for telling pages apart, parameters in alphabetical order.
"""

from __future__ import annotations

import collections
import re
from urllib.parse import urljoin, urlsplit, urlunsplit

from w3lib.url import canonicalize_url, safe_url_string

from corpusmith.collect.crawl.params import CrawlParams

MAX_URL_CHARS = 2000
MAX_SEGMENTS = 30
MAX_REPEATED = 3  # of one path segment: /a/b/a/b/a/b/a is a broken relative link
_TRACKING = re.compile(
    r"(utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|phpsessid|jsessionid|aspsessionid\w*)(=.*)?\Z"
    # Only what looks like a session: elsewhere `sid` tells one story from another.
    r"|sid=[0-9a-f]{16,}\Z",
    re.IGNORECASE | re.DOTALL,
)
_SESSION = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


def normal(url: str, base: str = "") -> str | None:
    """The URL as it is fetched; None where it is none of the web.

    >>> normal("../b?utm_source=x&z=1&a=2#top", "HTTP://Example.org:80/x/y/")
    'http://example.org/x/b?z=1&a=2'
    """
    try:
        joined = urljoin(base, url.strip()) if base else url.strip()
        parts = urlsplit(safe_url_string(joined))
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host or parts.username is not None:
        return None
    host = f"[{host}]" if ":" in host else host
    netloc = host if port in (None, _PORTS[scheme]) else f"{host}:{port}"
    path = _without_dots(_SESSION.sub("", parts.path))
    query = parts.query
    if query:
        query = "&".join(p for p in query.split("&") if not _TRACKING.match(p))
    found = urlunsplit((scheme, netloc, path, query, ""))
    try:
        key(found)
    except ValueError:
        return None
    return found


def _without_dots(path: str) -> str:
    """The path without `.` and `..` (RFC 3986, section 5.2.4)."""
    out: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        if segment == "..":
            del out[-1:]
        elif segment != ".":
            out.append(segment)
            continue
        if place == len(segments) - 1:
            out.append("")
    return "/" + "/".join(out)


def _ascii(host: str) -> str:
    """A host, or `*.host`, as it stands in normal URLs (RFC 3490)."""
    star, name = ("*.", host[2:]) if host.startswith("*.") else ("", host)
    try:
        return star + name.encode("idna").decode()
    except UnicodeError:
        return host


def key(url: str) -> str:
    """What two spellings of one page share."""
    return canonicalize_url(url)


def origin(url: str) -> str:
    """Scheme, host and port: what a robots.txt holds for (RFC 9309, section 2.3)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Scope:
    """The rules of one crawl."""

    def __init__(self, params: CrawlParams) -> None:
        seeds = [urlsplit(normal(seed) or "").hostname or "" for seed in params.seeds]
        self.hosts = tuple(map(_ascii, params.hosts)) or tuple(seeds)
        self.prefixes = tuple(normal(p) or p for p in params.prefixes)
        self.include = [re.compile(p) for p in params.include]
        self.exclude = [re.compile(p) for p in params.exclude]
        self.depth = params.depth

    def host(self, url: str) -> bool:
        host = urlsplit(url).hostname or ""
        return any(
            host == h or (h.startswith("*.") and (host == h[2:] or host.endswith(h[1:])))
            for h in self.hosts
        )

    def refusal(self, url: str, depth: int) -> str:
        """Why a (normal) URL is not for this crawl; "" where it is."""
        if not self.host(url):
            return "scope:host"
        if self.prefixes and not url.startswith(self.prefixes):
            return "scope:prefix"
        if self.include and not any(p.search(url) for p in self.include):
            return "scope:include"
        if any(p.search(url) for p in self.exclude):
            return "scope:exclude"
        if depth > self.depth:
            return "depth"
        if len(url) > MAX_URL_CHARS:
            return "url_too_long"
        segments = [s for s in urlsplit(url).path.split("/") if s]
        most = max(collections.Counter(segments).values(), default=0)
        if len(segments) > MAX_SEGMENTS or most > MAX_REPEATED:
            return "repeating_path"
        return ""
