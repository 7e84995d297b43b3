"""The crawl's rules one by one: spellings of URLs, scope, addresses, throttling, lost records."""

from __future__ import annotations

import email.utils
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scrapy import Request
from scrapy.http import Response
from twisted.internet.address import IPv4Address, IPv6Address

from corpusmith.collect.crawl import net, pages, scope, warcfile
from corpusmith.collect.crawl.addresses import networks, public
from corpusmith.collect.crawl.answers import Answers, Got
from corpusmith.collect.crawl.cookies import Cookies
from corpusmith.collect.crawl.fetch import restore
from corpusmith.collect.crawl.frontier import Frontier, Page
from corpusmith.collect.crawl.hosts import Host, retry_after
from corpusmith.collect.crawl.pages import header_directives
from corpusmith.collect.crawl.params import CrawlParams
from corpusmith.collect.readers import READERS
from corpusmith.collect.world import WORLD


def params(**more: Any) -> CrawlParams:
    given = {"seeds": ["http://a.example/"], "contact": "me@example.org", **more}
    return CrawlParams(**given)


def test_cookies_stay_with_their_host_and_within_bounds() -> None:
    kept = Cookies()
    url = "http://a.example/x"

    def take(*cookies: str, of: str = url) -> None:
        request = Request(of)
        kept.take(Response(of, headers={"Set-Cookie": list(cookies)}), request)

    take("s=1; Path=/", "p=2; Path=/other", "gone=3; Max-Age=0")
    assert kept.header(url) == "s=1" and kept.header("http://a.example/other") in (
        *("s=1; p=2", "p=2; s=1"),
    )
    take("wide=4; Domain=.example", of="http://b.a.example/")
    assert kept.header("http://c.a.example/") == "" == kept.header("http://b.example/")
    take("big=" + "y" * 9000)
    assert kept.header(url) == ""  # a server would refuse it
    take(*(f"x{n}=1" for n in range(60)))
    assert kept.header(url) == ""
    take("s=5; Path=/")
    assert kept.header(url) == "s=5"


# --- URLs ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("HTTP://A.Example:80", "", "http://a.example/"),
        ("https://a.example:443/x#y", "", "https://a.example/x"),
        ("//b.example/x", "https://a.example/", "https://b.example/x"),
        ("../c?z=1&b=2", "http://a.example/x/y/z", "http://a.example/x/c?z=1&b=2"),
        ("/../../x/./y/../z", "http://a.example/", "http://a.example/x/z"),
        ("//b.example//[x/../y", "http://a.example/", "http://b.example//y"),
        ("http://a.example//b.example/c", "", "http://a.example//b.example/c"),
        ("/x/..", "http://a.example/", "http://a.example/"),
        ("/é?q=ü", "http://a.example/", "http://a.example/%C3%A9?q=%C3%BC"),
        ("/a b", "http://a.example/", "http://a.example/a%20b"),
        (
            "/x;jsessionid=1A?utm_source=m&id=3&PHPSESSID=9",
            "http://a.example/",
            "http://a.example/x?id=3",
        ),
        ("http://例え.example/", "", "http://xn--r8jz45g.example/"),
        # A session; a story of a site that counts them so.
        ("/x?sid=0123456789abcdef0&id=3", "http://a.example/", "http://a.example/x?id=3"),
        ("/x?sid=03/05/12/1&id=3", "http://a.example/", "http://a.example/x?sid=03/05/12/1&id=3"),
        ("http://[::1]:8080/", "", "http://[::1]:8080/"),
        *(
            (bad, "http://a.example/", None)
            for bad in ("javascript:alert(1)", "mailto:a@b", "data:,x")
        ),
        *(
            (bad, "", None)
            for bad in ("http://", "http://[x", "http://u:p@a.example/", "ftp://a/", "http://a:x/")
        ),
    ],
)
def test_a_url_has_one_spelling(url: str, base: str, expected: str | None) -> None:
    assert scope.normal(url, base) == expected


@given(st.text("abAB/?&=#.:%é数+-_ 01;", max_size=40))
def test_a_normal_url_stays_as_it_is(tail: str) -> None:
    url = scope.normal(tail, "http://a.example/x/")
    if url is not None:
        assert scope.normal(url) == url
        assert scope.key(scope.key(url)) == scope.key(url)
        assert url.isascii() and "#" not in url


@given(st.text(max_size=30), st.sampled_from(["", "/", "//", "http://", "http://a.example/"]))
def test_no_link_raises(text: str, head: str) -> None:
    url = scope.normal(head + text, "http://a.example/x/")
    if url is not None:
        assert scope.Scope(params()).refusal(url, 0) is not None
        assert scope.origin(url).startswith("http")


def test_parameters_in_another_order_are_the_same_page() -> None:
    assert scope.key("http://a.example/?b=2&a=1") == scope.key("http://a.example/?a=1&b=2")
    assert scope.key("http://a.example/?a=1") != scope.key("http://a.example/?a=2")


def test_scope_says_why() -> None:
    rules = scope.Scope(
        params(
            hosts=["a.example", "*.b.example"],
            prefixes=["http://a.example/docs/", "http://x.b.example/"],
            include=["/docs/", "x[.]b"],
            exclude=["print"],
            depth=3,
        )
    )
    assert rules.refusal("http://a.example/docs/x", 3) == ""
    assert rules.refusal("http://x.b.example/", 0) == ""
    assert rules.refusal("http://notb.example/", 0) == "scope:host"
    assert rules.refusal("http://b.example.evil/", 0) == "scope:host"
    assert rules.refusal("http://a.example/blog/", 0) == "scope:prefix"
    assert rules.refusal("http://a.example/docs/print", 0) == "scope:exclude"
    assert rules.refusal("http://a.example/docs/x", 4) == "depth"
    assert rules.refusal("http://a.example/docs/" + "x" * 2000, 0) == "url_too_long"
    assert rules.refusal("http://a.example/docs/" + "b/c/" * 4, 0) == "repeating_path"
    assert scope.Scope(params(include=["docs"])).refusal("http://a.example/x", 0) == "scope:include"
    assert scope.Scope(params()).refusal("http://a.example/x", 0) == ""
    named = scope.Scope(params(hosts=["例え.example", "*.bücher.example"]))
    for url in ("http://例え.example/", "http://www.bücher.example/"):
        assert named.refusal(scope.normal(url) or "", 0) == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("noindex, nofollow", {"noindex", "nofollow"}),
        ("none", {"noindex", "nofollow"}),
        ("noindex, unavailable_after: 25 Jun 2010 15:00:00 PST", {"noindex"}),
        ("unavailable_after: Friday, 25-Jun-10 15:00:00 EST, noindex", {"noindex"}),
        ("max-image-preview: none, max-snippet:-1", set()),
        ("otherbot: noindex, nofollow", set()),
        ("otherbot: noindex, corpusmith: nofollow", {"nofollow"}),
        ("Corpusmith: noindex", {"noindex"}),
        ("*: noindex", {"noindex"}),
    ],
)
def test_what_a_header_says_of_robots(value: str, expected: set[str]) -> None:
    """Examples of https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag"""
    assert header_directives(value, "corpusmith") == expected


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("contact", "nobody", "reached"),
        ("seeds", ["ftp://a/"], "http"),
        ("seeds", [], "at least 1"),
        ("hosts", ["http://a"], "host names"),
        ("include", ["("], "regular expressions"),
        ("allow_private", ["localhost"], "addresses or networks"),
        ("agent", "my bot/1", "pattern"),
        ("seeds", ["http://a:99999/"], "port"),
    ],
)
def test_parameters_are_checked(key: str, value: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        params(**{key: value})


def test_no_source_of_the_world_shares_a_key_with_its_reader() -> None:
    """Its keys and those of the reader stand side by side in a recipe."""
    mine = set(WORLD["crawl"].params.model_fields)
    assert not mine & set(READERS["warc"].params.model_fields)


# --- addresses -----------------------------------------------------------------------------


def test_only_public_addresses_are_connected_to() -> None:
    """One address of each range of RFC 6890 and its successors, and of the clouds' services."""
    for address in ("8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"):
        assert public(address), address
    refused = (
        "127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 "
        "0.0.0.0 100.64.0.1 100.100.100.200 192.0.0.192 198.18.0.1 224.0.0.1 255.255.255.255 "
        "240.0.0.1 fec0::1 64:ff9b:1::a00:1 "
        "168.63.129.16 192.0.2.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 "
        "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::7f00:1 2002:7f00:1:: 2002:a00:1:: 64:ff9b::7f00:1 "
        "64:ff9b::a9fe:a9fe 2001:db8::1 localhost 127.1 0x7f000001"
    )
    for address in refused.split():
        assert not public(address), address
    allowed = networks(["127.0.0.0/8", "fd00::/8"])
    assert public("127.0.0.1", allowed) and public("fd00::1", allowed)
    assert public("::ffff:127.0.0.1", allowed)
    assert not public("10.0.0.1", allowed) and not public("::1", allowed)


def test_a_name_that_resolves_to_a_private_address_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where only one of its addresses is, and where the check of the name came too early."""
    monkeypatch.setattr(net.Guard, "allowed", networks(["127.0.0.1"]))
    monkeypatch.setattr(net.Guard, "refused", {})

    class Receiver:
        found: list[str] = []

        def addressResolved(self, address: Any) -> None:  # noqa: N802
            self.found.append(address.host)

    receiver = net._Filter(Receiver(), "rebinds.example")
    receiver.addressResolved(IPv4Address("TCP", "127.0.0.1", 80))
    receiver.addressResolved(IPv4Address("TCP", "10.0.0.1", 80))
    receiver.addressResolved(IPv6Address("TCP", "::ffff:10.0.0.1", 80))
    assert Receiver.found == ["127.0.0.1"]
    assert net.kind_of(Exception(), "rebinds.example") == "private_address"
    # DNS rebinding: whatever was resolved, the connection's own address decides.
    factory = net._Factory(lambda protocol: None, None)
    assert factory.buildProtocol(IPv4Address("TCP", "10.0.0.1", 80)) is None
    assert factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 80)) is not None


# --- politeness ----------------------------------------------------------------------------


def host(**more: Any) -> Host:
    told = params(**more)
    return Host("http://a.example", told, None, 0.0, 0.0, told.delay_seconds, 0.0, "", None)


def test_a_slow_host_is_asked_less_often_and_a_fast_one_as_often_as_allowed() -> None:
    one = host(delay_seconds=0.5, per_host=2, max_delay_seconds=10)
    for _ in range(20):
        one.answered(200, 8.0)
    assert one.delay == pytest.approx(4.0, rel=0.01)  # the latency over the requests at a time
    for _ in range(20):
        one.answered(200, 0.01)
    assert one.delay == pytest.approx(0.5, rel=0.01)
    one.answered(503, 0.01)
    assert one.delay == pytest.approx(1.0, rel=0.02)
    one.answered(404, 0.0)  # a quick error is no sign of strength
    assert one.delay == pytest.approx(1.0, rel=0.02)
    for _ in range(20):
        one.answered(429, 0.01)
    assert one.delay == 10


def test_crawl_delay_is_the_least() -> None:
    one = host(delay_seconds=0.5, max_delay_seconds=1)
    one.robots("User-agent: *\nCrawl-delay: 7\nDisallow: /x\n", time.time())
    assert one.delay == 7 and not one.allows("http://a.example/x/y")
    one.answered(200, 0.1)
    assert one.delay == 7
    one.robots(None, time.time())
    assert one.delay == 0.5 and one.allows("http://a.example/x/y")


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("120") == 120 and retry_after(None) == retry_after("soon") == 0
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    assert 97 < retry_after(date) <= 100
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


# --- after a power cut ---------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["none", "short", "zeros", "file lost"])
def test_records_that_a_power_cut_took_are_fetched_again(tmp_path: Path, damage: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    frontier = Frontier(tmp_path / "f.sqlite")
    files = warcfile.WarcFiles(data, 2500, "software: test\r\n", None)
    answers = Answers(params(), frontier, files, None)
    for number in range(12):
        answers.enqueue(f"http://a.example/{number}", 0)
        page = frontier.next("http://a.example", time.time())
        assert isinstance(page, Page)
        frontier.start(page)
        # What is there is cut into files of about 4 kB.
        answers.page(page, Got(200, [("Content-Type", "text/plain")], b"%d " % number * 90, "", []))
        if number == 2:
            file, size = files.sync()
            frontier.journal("synced", f"{file}:{size}")
    files.close()
    last = sorted(data.iterdir())[-1]
    assert len(list(data.iterdir())) >= 2 and last.name > file
    names = [row[0] for row in frontier.db.execute("select file from pages order by id")]
    frontier.close()
    if damage == "short":
        last.write_bytes(last.read_bytes()[:-5])
    elif damage == "zeros":
        content = last.read_bytes()
        last.write_bytes(content[:-200] + bytes(200))
    elif damage == "file lost":
        last.unlink()
    frontier = Frontier(tmp_path / "f.sqlite")
    end = restore(frontier, data)
    done = frontier.tally("state", "kind='page'").get("done", 0)
    lost = {"none": 0, "short": 1, "zeros": 1, "file lost": names.count(last.name)}
    assert done == 12 - lost[damage]
    assert frontier.queued.total() == 12 - done
    # Writing goes on behind what is whole, and every record in the files is.
    files = warcfile.WarcFiles(data, 2500, "software: test\r\n", end)
    files.close()
    assert all(warcfile.whole(path.read_bytes()) for path in data.iterdir())
    frontier.close()


def test_a_page_that_ends_the_process_twice_is_left_alone(tmp_path: Path) -> None:
    for starts in range(3):
        frontier = Frontier(tmp_path / "f.sqlite")
        for name in "ab":
            url = f"http://a.example/{name}"
            frontier.add("page", url, url, "http://a.example", 0)
        pages = []
        while isinstance(page := frontier.next("http://a.example", time.time()), Page):
            frontier.start(page)
            pages.append(page)
        assert [page.url[-1] for page in pages] == (["a", "b"] if starts < 2 else ["b"])
        frontier.reading(pages[0])
        frontier.db.close()  # as a dying process leaves it
    frontier = Frontier(tmp_path / "f.sqlite")
    assert frontier.tally("reason", "state='failed'") == {"crash": 1}
    frontier.close()


def test_links_and_sitemaps_that_are_cut_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_LINKS", 3)
    monkeypatch.setattr(pages, "MAX_SITEMAP_URLS", 3)
    frontier = Frontier(tmp_path / "f.sqlite")
    answers = Answers(params(), frontier, warcfile.WarcFiles(tmp_path, 1 << 30, "", None), None)
    home = "http://a.example"
    answers.enqueue(f"{home}/", 0)
    answers.enqueue(f"{home}/sitemap.xml", 0, kind="sitemap")
    links = "".join(f'<a href="/{n % 4}">x</a>' for n in range(9)).encode()
    listed = "".join(f"{home}/s{n}\n" for n in range(4)).encode()
    for kind, body, answer in (("page", links, answers.page), ("sitemap", listed, answers.sitemap)):
        page = frontier.next(home, time.time(), kinds=(kind,))
        frontier.start(page)
        answer(page, Got(200, [("Content-Type", "text/html")], body, "", []))
    assert frontier.counted("notes") == {"sitemap_cut": 1, "too_many_links": 1}
    found = {row[0] for row in frontier.db.execute("select url from pages where kind='page'")}
    assert found == {f"{home}/", *(f"{home}/{name}" for name in ("0", "1", "2", "s0", "s1", "s2"))}
    frontier.close()
