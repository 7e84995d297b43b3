"""Servers that mean harm, or are only broken: each ends in bounded time, and under its own name."""

from __future__ import annotations

import functools
import gzip
import io
import time
from pathlib import Path
from typing import Any

import pytest

from tests.crawl_run import crawl
from tests.crawl_site import ANSWERED, HTML, Site, page


def raw(*pieces: bytes, seconds: float = 0.0, times: int = 1) -> Any:
    """A handler that writes bytes as they are, the last of them `times` over, and hangs up."""

    def answer(request: Any) -> str:
        request.close_connection = True
        try:
            for piece in pieces[:-1]:
                request.wfile.write(piece)
            for _ in range(times):
                request.wfile.write(pieces[-1])
                request.wfile.flush()
                time.sleep(seconds)
        except OSError:
            pass  # the crawler has hung up
        return ANSWERED

    return answer


def sized(length: int, body: bytes, *headers: str) -> Any:
    head = "".join(f"{line}\r\n" for line in ("Content-Type: text/html", *headers))
    return raw(f"HTTP/1.1 200 OK\r\n{head}Content-Length: {length}\r\n\r\n".encode(), body)


def bomb() -> bytes:
    """100 MB of zeros as 100 kB of gzip."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as file:
        for _ in range(100):
            file.write(bytes(1_000_000))
    return out.getvalue()


@pytest.mark.timeout(240)
def test_every_trap_ends_and_is_told_by_its_name(tmp_path: Path, sites: list[Site]) -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    image = (200, {"Content-Type": "image/png"}, b"\x89PNG" + bytes(1000))
    ok = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    traps: dict[str, tuple[Any, tuple[str, str]]] = {
        "/loop-a": ((302, {"Location": "/loop-b"}, b""), ("done", "redirect")),
        "/self": (
            (302, {"Location": "/self", "Set-Cookie": "seen=1"}, b""),
            ("failed", "wants_cookie"),
        ),
        "/no-target": ((302, {"Location": "ftp://x/"}, b""), ("failed", "bad_redirect")),
        "/header-line": (raw(big + b"X: ", b"a" * 10_000_000), ("failed", "header_too_large")),
        "/header-lines": (
            raw(big, b"X-Line: abcdefghijklmnopqrstuvwxyz\r\n", times=300_000),
            ("failed", "header_too_large"),
        ),
        "/drip": (
            raw(ok + b"Content-Length: 9999\r\n\r\n", b"x", seconds=0.2, times=200),
            ("failed", "timeout"),
        ),
        "/silent": (raw(b"", b"", seconds=30), ("failed", "timeout")),
        "/bomb": (
            (200, {**HTML, "Content-Encoding": "gzip"}, bomb()),
            ("failed", "decompression_bomb"),
        ),
        "/bad-gzip": (
            (200, {**HTML, "Content-Encoding": "gzip"}, gzip.compress(b"x")[:10] + b"\xff" * 50),
            ("failed", "bad_gzip"),
        ),
        "/half-gzip": (
            (200, {**HTML, "Content-Encoding": "gzip"}, gzip.compress(b"x" * 99999)[:60]),
            ("failed", "truncated_gzip"),
        ),
        "/long": (sized(5_000_000, b"x" * 5_000_000), ("failed", "too_large")),
        "/endless": (raw(ok + b"\r\n", b"y" * 100_000, times=1000), ("failed", "too_large")),
        "/says-more": (sized(9999, page(text="cut off")), ("done", "")),
        "/says-less": (sized(20, page(text="goes on behind its length")), ("done", "")),
        "/no-http": (raw(b"SSH-2.0-OpenSSH_9\r\n"), ("failed", "connection")),
        "/hangs-up": (raw(b"HTTP/1.1 200 OK\r\nContent-"), ("failed", "connection")),
        "/chunks": (
            raw(ok + b"Transfer-Encoding: chunked\r\n\r\n", b"zzz\r\nnot a size\r\n"),
            ("failed", "truncated"),
        ),
        "/image": (image, ("skipped", "type:image/png")),
        "/gone": ((410, HTML, b"gone"), ("failed", "status:410")),
        "/noindex": (
            (200, {**HTML, "X-Robots-Tag": "noindex"}, page("/behind-noindex")),
            ("skipped", "noindex"),
        ),
        "/attributes": (
            (200, HTML, b"<a " + b" ".join(b"x%d=1" % n for n in range(50_000)) + b">"),
            ("done", ""),
        ),
        "/deep": ((200, HTML, b"<div>" * 100_000 + page("/behind-deep")), ("done", "")),
    }
    hops = {f"/hop-{n}": (302, {"Location": f"/hop-{n + 1}"}, b"") for n in range(9)}
    more: dict[str, Any] = {
        "/loop-b": (302, {"Location": "/loop-a"}, b""),
        "/behind-noindex": page(),
        "/behind-deep": page(),
        "/tracked": page(),
        **hops,
    }
    links = [
        *traps,
        "/hop-0",
        "/calendar/0",
        "/tracked?utm_source=x",
        "/tracked#top",
        "/TRACKED/../tracked",
    ]
    links += [
        f"/a/{'b/c/' * 9}",
        "/" + "long" * 600,
        "javascript:void(0)",
        "mailto:a@b.c",
        "http://[",
    ]
    site = Site(
        {**{path: answer for path, (answer, _) in traps.items()}, **more, "/": page(*links)}
    )
    site.other = lambda request: (
        page(f"{int(request.path.rpartition('/')[2]) + 1}")
        if request.path.startswith("/calendar/")
        else (404, HTML, b"no")
    )
    sites.append(site)
    began = time.monotonic()
    found = crawl(
        tmp_path / "s", f"{site.url}/", timeout_seconds=2, depth=12, max_page_bytes=2_000_000
    )
    assert time.monotonic() - began < 90
    states = {url.removeprefix(site.url): state for url, state in found.states.items()}
    wrong = {p: (states[p], e) for p, (_, e) in traps.items() if states[p] != e}
    assert not wrong
    info = found.info
    assert states["/loop-b"] == ("failed", "redirect_loop")
    assert states["/hop-5"] == ("failed", "too_many_redirects") and "/hop-6" not in states
    assert states["/behind-noindex"] == ("done", "")
    assert "/behind-deep" not in states and info["notes"]["too_deep"] == 1
    calendar = [path for path in states if path.startswith("/calendar/")]
    assert len(calendar) == 12  # depth 1 to 12
    assert len(site.asked("/tracked")) == 1
    # Each error is in the summary, by kind; what may pass was tried again.
    failed = [reason for state, reason in states.values() if state == "failed"]
    assert info["failed"] == {kind: failed.count(kind) for kind in info["failed"]}
    assert sum(info["failed"].values()) == len(failed)
    assert info["skipped"] == {"type:image/png": 1, "noindex": 1, "sitemap:status:404": 1}
    assert info["links_refused"] == {"depth": 1, "repeating_path": 1, "url_too_long": 1}
    assert info["notes"]["truncated"] == info["notes"]["length_too_short"] == 1
    assert len(site.asked("/drip")) == 2 and len(site.asked("/long")) == 1
    # No cookie ever went back, and what was cut says so.
    assert not [asked for asked in site.log if "Cookie" in asked.headers]
    cut = {url: headers.get("WARC-Truncated") for url, headers, _ in found.records()}
    assert cut[f"{site.url}/says-more"] == "disconnect"
    assert cut[f"{site.url}/says-less"] is None


def test_encodings_are_read_as_a_browser_would(tmp_path: Path, sites: list[Site]) -> None:
    def encoded(name: str, text: str, declare: bool) -> tuple[int, dict[str, str], bytes]:
        charset = f"; charset={name}" if declare else ""
        body = f'<meta charset="{name}"><a href="/{text}-{name}">{text}</a>' + text * 50
        return 200, {"Content-Type": f"text/html{charset}"}, body.encode(name)

    cases = {
        "/gb": encoded("gb18030", "数据", True),
        "/sjis": encoded("shift_jis", "日本語", False),
        "/latin": encoded("iso-8859-1", "café", False),
        "/utf16": encoded("utf-16", "données", True),
        "/utf8": encoded("utf-8", "ελληνικά", False),
    }
    broken = 200, {"Content-Type": "text/html; charset=utf-8"}, bytes(range(128, 256)) * 40
    site = Site({**cases, "/broken": broken, "/": page(*cases, "/broken")})
    site.other = lambda request: page() if "-" in request.path else None
    sites.append(site)
    found = crawl(tmp_path / "s", f"{site.url}/")
    assert found.info["pages"] == 2 + 2 * len(cases) and not found.info["failed"]
    # Paths are UTF-8 whatever the page is in (WHATWG URL, "URL parsing").
    asked = {path for path in site.answered() if "-" in path}
    assert "/%E6%95%B0%E6%8D%AE-gb18030" in asked and "/caf%C3%A9-iso-8859-1" in asked
    assert len(asked) == len(cases)


def wall(request: Any, *, text: str) -> Any:
    """Shows nothing without a cookie, which a page of its own sets."""
    if "consent=yes" in (request.headers.get("Cookie") or ""):
        return page("/a", "/b", text=text)
    return 302, {"Location": f"/consent?back={request.path}"}, b""


def consent(request: Any) -> Any:
    back = request.path.partition("back=")[2]
    if not back:
        return 404, HTML, b""
    return 302, {"Location": back, "Set-Cookie": "consent=yes; Path=/; Max-Age=600"}, b""


def own_cookie(request: Any) -> Any:
    if "id=7" in (request.headers.get("Cookie") or ""):
        return page(text="with its cookie")
    return 302, {"Location": "/self", "Set-Cookie": "id=7"}, b""


@pytest.mark.parametrize("kept", [True, False])
def test_a_wall_of_cookies_is_passed_where_the_recipe_says_so(
    tmp_path: Path, sites: list[Site], kept: bool
) -> None:
    """Pages that go to a page of consent and back, and one that sets its cookie itself."""
    walled = {path: functools.partial(wall, text=path) for path in ("/", "/a", "/b")}
    site = Site({**walled, "/self": own_cookie})
    site.other = consent
    other = Site({"/": (200, {**HTML, "Set-Cookie": "mine=1; Domain=127.0.0.1"}, page())})
    sites += [site, other]
    seeds = [f"{site.url}/", f"{site.url}/a", f"{site.url}/self", f"{other.url}/"]
    found = crawl(tmp_path / "s", *seeds, cookies=kept, sitemaps=False, per_host=2)
    assert found.info["pages"] == (5 if kept else 1), found.states
    sent = [asked.headers["Cookie"] for asked in site.log if "Cookie" in asked.headers]
    assert bool(sent) is kept and "Cookie" not in site.log[0].headers
    assert all(set(value.split("; ")) <= {"consent=yes", "id=7", "mine=1"} for value in sent)
    if kept:
        requests = b"".join(block for _, _, block in found.records("request"))
        assert b"consent=yes" in requests
    else:
        assert found.states[f"{site.url}/self"] == ("failed", "wants_cookie")
        assert any("/self gave no page: wants_cookie" in w for w in found.info["warnings"])
