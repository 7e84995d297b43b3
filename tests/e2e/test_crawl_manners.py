"""Manners of the crawler: robots.txt, waits, sitemaps, dead hosts; where it may connect to."""

from __future__ import annotations

import datetime
import email.utils
import gzip
import ipaddress
import itertools
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from corpusmith.errors import InputError
from tests.crawl_run import crawl
from tests.crawl_site import HTML, Site, page


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_host_that_says_wait_is_waited_for(tmp_path: Path, sites: list[Site]) -> None:
    times: dict[str, int] = {}

    def first(status: int, wait: Any) -> Any:
        """Refuses the first time."""

        def answer(request: Any) -> Any:
            times[request.path] = times.get(request.path, 0) + 1
            if times[request.path] > 1:
                return page()
            return status, {**HTML, "Retry-After": wait()}, b"later"

        return answer

    date = lambda: email.utils.formatdate(time.time() + 3, usegmt=True)  # noqa: E731
    site = Site(
        {"/": page("/slow", "/busy"), "/slow": first(429, lambda: "2"), "/busy": first(503, date)}
    )
    never = Site({"/": page("/x", "/y"), "/x": (503, {"Retry-After": "86400"}, b""), "/y": page()})
    broken = Site({"/": page("/e"), "/e": (500, HTML, b"")})
    sites += [site, never, broken]
    found = crawl(tmp_path / "s", *(f"{s.url}/" for s in sites), per_host=1, sitemaps=False)
    assert found.info["failed"] == {"retry_after_too_long": 1, "status:503": 1, "status:500": 1}
    assert found.info["notes"]["retried"] == 3
    for path, wait in (("/slow", 2.0), ("/busy", 1.9)):
        before, after = site.asked(path)
        assert after.time - before.time >= wait
        # The whole host was left alone.
        assert not [a for a in site.log if before.time + 0.2 < a.time < before.time + wait - 0.2]
    assert len(never.asked("/x")) == 1 and not never.asked("/y")
    assert len(broken.asked("/e")) == 2


def test_robots_are_obeyed_and_asked_again(tmp_path: Path, sites: list[Site]) -> None:
    rules = "User-agent: *\nDisallow: /private\n\n"
    rules += "User-agent: docbot\nDisallow: /not-you\nCrawl-delay: 0.3\n"
    changing = Site({"/": page("/1")}, "User-agent: *\nAllow: /\n")
    changing.other = lambda request: page(f"/{int(request.path[1:]) + 1}")

    def change(request: Any) -> Any:
        closed = len(changing.asked("/robots.txt")) > 1
        return 200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /" if closed else b""

    changing.pages["/robots.txt"] = change
    site = Site(
        {
            "/": page("/private/a", "/not-you", "/b", "/c"),
            "/private/a": page(),
            "/not-you": page(),
            "/b": page(),
            "/c": page(),
        },
        rules,
    )
    closed = Site({"/": page()}, "User-agent: *\nDisallow: /\n")
    error = Site({"/": page(), "/robots.txt": (503, HTML, b"")})
    missing = Site({"/": page(), "/robots.txt": (403, HTML, b"")})
    moved = Site(
        {
            "/": page("/no"),
            "/robots.txt": (301, {"Location": "/r2"}, b""),
            "/r2": (200, {}, b"User-agent: *\nDisallow: /no"),
        }
    )
    sites += [changing, site, closed, error, missing, moved]
    found = crawl(
        tmp_path / "s",
        *(f"{s.url}/" for s in sites),
        agent="docbot",
        robots_seconds=1.5,
        per_host=1,
        sitemaps=False,
        delay_seconds=0.05,
        depth=1000,
    )
    states = found.states
    assert states[f"{site.url}/not-you"] == (
        "skipped",
        "robots",
    )  # its own group alone holds for it
    assert states[f"{site.url}/private/a"] == states[f"{site.url}/b"] == ("done", "")
    asked = [a.time for a in site.log]
    assert min(b - a for a, b in itertools.pairwise(asked[1:])) >= 0.2  # crawl-delay
    assert states[f"{closed.url}/"] == ("skipped", "robots") and not closed.asked("/")
    assert states[f"{error.url}/"] == ("failed", "robots_unreachable:status:503")
    assert not error.asked("/") and len(error.asked("/robots.txt")) == 2
    assert states[f"{missing.url}/"] == ("done", "")
    assert states[f"{moved.url}/no"] == ("skipped", "robots")
    # The one that closed while it was crawled: pages before, none after.
    second = changing.asked("/robots.txt")[1].time
    assert [a for a in changing.log if a.time < second and a.path != "/robots.txt"]
    assert not [a for a in changing.log if a.time > second and a.path != "/robots.txt"]


def test_sitemaps_lead_to_pages_that_nothing_links_to(tmp_path: Path, sites: list[Site]) -> None:
    site = Site({"/": page(), "/in-xml": page(), "/in-list": page(), "/in-gz": page()})
    head = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>'
    ns = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'

    def urls(kind: str, *paths: str) -> bytes:
        inner = "".join(f"<{kind}><loc>{site.url}{p}</loc></{kind}>" for p in paths)
        top = {"url": "urlset", "sitemap": "sitemapindex"}[kind]
        return f"{head}<{top} {ns}>{inner}</{top}>".encode()

    xml = {"Content-Type": "application/xml"}
    site.pages |= {
        "/robots.txt": (
            200,
            {},
            f"Sitemap: {site.url}/index.xml\nSitemap: {site.url}/bad.xml".encode(),
        ),
        "/index.xml": (200, xml, urls("sitemap", "/one.xml", "/two.txt", "/three.xml.gz")),
        "/one.xml": (200, xml, urls("url", "/in-xml", "/outside/../in-xml")),
        "/two.txt": (200, {"Content-Type": "text/plain"}, f"{site.url}/in-list\n".encode()),
        "/three.xml.gz": (
            200,
            {"Content-Type": "application/gzip"},
            gzip.compress(urls("url", "/in-gz")),
        ),
        "/bad.xml": (500, xml, b""),
    }
    sites.append(site)
    found = crawl(tmp_path / "s", f"{site.url}/")
    assert found.info["pages"] == 4
    assert found.info["failed"] == {"sitemap:status:500": 1}


def test_only_named_addresses_that_are_not_public_are_crawled(
    tmp_path: Path, sites: list[Site]
) -> None:
    outside = Site({"/": page()})
    sites.append(outside)
    named = f"http://localhost:{outside.server.server_port}/"
    with pytest.raises(InputError, match="private_address 2") as error:
        crawl(tmp_path / "none", f"{outside.url}/", named, allow_private=["10.0.0.0/8"])
    assert "allow_private" in error.value.hint and not outside.log
    # By redirect, by link: 127.0.0.1 may be crawled, its neighbours may not.
    site = Site(
        {
            "/": page(
                "/r", "http://127.0.0.2:9/", "http://[::1]:9/", "http://169.254.169.254/latest/"
            )
        }
    )
    site.pages["/r"] = (302, {"Location": "http://127.0.0.3:9/"}, b"")
    sites.append(site)
    hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "169.254.169.254", "::1"]
    found = crawl(tmp_path / "some", f"{site.url}/", hosts=hosts, retries=0)
    states = found.states
    assert states[f"{site.url}/r"] == ("done", "redirect")
    for url in ("http://127.0.0.2:9/", "http://127.0.0.3:9/", "http://169.254.169.254/latest/"):
        assert states[url] == ("failed", "robots_unreachable:private_address"), url


def test_a_dead_host_does_not_hold_up_the_others(tmp_path: Path, sites: list[Site]) -> None:
    site = Site({"/": page()})
    sites.append(site)
    dead = f"http://127.0.0.1:{free_port()}/"
    found = crawl(tmp_path / "s", dead, f"{site.url}/", "http://nowhere.invalid/")
    assert found.info["pages"] == 1
    assert found.states[dead] == ("failed", "robots_unreachable:connection_refused")
    assert found.states["http://nowhere.invalid/"] == ("failed", "robots_unreachable:dns")


def test_a_seed_that_leads_to_another_host_is_told(tmp_path: Path, sites: list[Site]) -> None:
    site = Site({"/": (301, {"Location": "http://www.elsewhere.example/home"}, b"")})
    sites.append(site)
    with pytest.raises(InputError, match="scope:host 1") as error:
        crawl(tmp_path / "s", f"{site.url}/", sitemaps=False)
    assert "redirects to http://www.elsewhere.example/home" in error.value.hint
    # Nothing of that stays: once it is mended, the same folder is crawled from the start.
    site.pages["/"] = page()
    assert crawl(tmp_path / "s", f"{site.url}/", sitemaps=False).info["pages"] == 1


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, sites: list[Site]) -> None:
    site = Site({"/": page()})
    sites.append(site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "c.pem"))
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    url = f"https://127.0.0.1:{site.server.server_port}/"
    with pytest.raises(InputError, match="robots_unreachable:certificate"):
        crawl(tmp_path / "strict", url)
    found = crawl(tmp_path / "lax", url, verify_certificates=False)
    assert found.info["pages"] == 1


def self_signed(path: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_spelling_that_the_server_insists_on_is_the_page(
    tmp_path: Path, sites: list[Site]
) -> None:
    """Parameters in another order are one page to us; a server may answer one order only."""
    site = Site({"/": page("/x?b=1&a=2", "/x?a=2&b=1", "/y?b=1&a=2")})
    site.pages["/x?b=1&a=2"] = (301, {"Location": "/x?a=2&b=1"}, b"")
    site.pages["/x?a=2&b=1"] = page(text="sorted")
    site.pages["/y?b=1&a=2"] = (301, {"Location": "/y?a=2&b=1"}, b"")
    site.pages["/y?a=2&b=1"] = (301, {"Location": "/y?b=1&a=2"}, b"")
    sites.append(site)
    found = crawl(tmp_path / "s", f"{site.url}/", sitemaps=False)
    assert found.states[f"{site.url}/x?a=2&b=1"] == ("done", "")
    assert found.info["failed"] == {"redirect_loop": 1}
    assert len(site.asked("/x?a=2&b=1")) == len(site.asked("/y?a=2&b=1")) == 1


def test_seeds_that_give_nothing_are_told_beside_those_that_do(
    tmp_path: Path, sites: list[Site]
) -> None:
    site = Site({"/": page(), "/gone": (410, HTML, b"")}, robots="User-agent: *\nDisallow: /no")
    site.pages["/away"] = (302, {"Location": "http://elsewhere.example/"}, b"")
    site.pages["/kept-out"] = (200, {**HTML, "X-Robots-Tag": "noindex, max-snippet:-1"}, page())
    sites.append(site)
    seeds = [f"{site.url}/{path}" for path in ("", "no", "gone", "away", "kept-out")]
    found = crawl(tmp_path / "s", *seeds, sitemaps=False)
    assert found.info["pages"] == 1
    said = " ".join(found.info["warnings"])
    for words in ("/no gave no page: robots", "/gone gave no page: status:410", "noindex"):
        assert words in said
    assert f"{site.url}/away redirects to http://elsewhere.example/" in said
