"""What a crawl may be told. Imports nothing heavy: the plan checks recipes with it."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

MIB = 1 << 20
_CONTACT = re.compile(r"(mailto:)?[^@\s]+@[^@\s]+\.[^@\s]+\Z|https?://\S+\Z")
_HOST = re.compile(r"(\*\.)?[^\s/:*]+\Z")
Seconds = Annotated[float, Field(ge=0)]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


class CrawlParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    seeds: list[str] = Field(min_length=1, description="the URLs to start from")
    contact: str = Field(
        description="an e-mail address or a page about the crawl: it stands in the user agent, so "
        "that whoever runs a site can reach you"
    )
    agent: str = Field(
        "corpusmith",
        pattern=r"^[A-Za-z_-]+$",
        description="the name in the user agent, by which robots.txt may address the crawl",
    )
    # Scope.
    hosts: list[str] = Field(
        [], description="hosts to stay on, `*.example.org` with all below; those of the seeds"
    )
    prefixes: list[str] = Field([], description="beginnings of URLs to stay under")
    include: list[str] = Field([], description="regular expressions: one must be found in a URL")
    exclude: list[str] = Field([], description="regular expressions: none may be found in a URL")
    types: list[str] = Field(
        ["text/html", "application/xhtml+xml", "text/plain"],
        description="content types to keep; others are left at their headers",
    )
    depth: int = Field(20, ge=0, description="links from a seed or sitemap to a page at most")
    sitemaps: bool = Field(True, description="look for pages in the hosts' sitemaps")
    # Limits.
    max_pages: int = Field(10_000, gt=0, description="pages (status 200) to fetch at most")
    max_bytes: int = Field(10 << 30, gt=0, description="bytes to receive at most, over all")
    max_page_bytes: int = Field(8 * MIB, gt=0, description="bytes of one page at most")
    max_seconds: float | None = Field(None, gt=0, description="time to crawl for at most")
    # Politeness.
    delay_seconds: Seconds = Field(
        1.0,
        description="least time between two requests to a host; a crawl-delay in its robots.txt or "
        "slow answers make it longer",
    )
    max_delay_seconds: Seconds = Field(60.0, description="most that slow answers make of it")
    per_host: int = Field(2, gt=0, le=64, description="requests to a host at the same time")
    concurrency: int = Field(16, gt=0, le=512, description="requests at the same time, over all")
    robots_seconds: Seconds = Field(
        86_400, description="a robots.txt is asked for again when it is as old"
    )
    # Failures.
    timeout_seconds: float = Field(60.0, gt=0, description="for one answer, to its last byte")
    retries: int = Field(4, ge=0, description="further tries after an error that may pass")
    backoff_seconds: Seconds = Field(5.0, description="before the first of them; then doubled")
    max_wait_seconds: Seconds = Field(
        600.0, description="a host that asks for a longer wait (Retry-After) is given up"
    )
    max_redirects: int = Field(5, ge=0, description="that may follow each other")
    cookies: bool = Field(
        False,
        description="keep the cookies of each host in memory while it is crawled, and send them "
        "back to it: for sites that show nothing without",
    )
    verify_certificates: bool = Field(True, description="of https, against the system's")
    give_up: int = Field(
        20, gt=0, description="connections in a row that fail, after which a host is given up"
    )
    allow_private: list[str] = Field(
        [],
        description="addresses or networks that are not public and may be crawled all the same "
        "(`127.0.0.1`, `10.1.0.0/16`)",
    )
    file_bytes: int = Field(1 << 30, gt=0, description="size at which a new WARC file is begun")

    @field_validator("seeds", "prefixes")
    @classmethod
    def _urls(cls, values: list[str]) -> list[str]:
        for value in values:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise ValueError(f"http:// or https:// URLs without a password, not {value!r}")
            try:
                _ = parts.port
            except ValueError as error:
                raise ValueError(f"URLs with a port up to 65535, not {value!r}: {error}") from None
        return values

    @field_validator("contact")
    @classmethod
    def _contact(cls, value: str) -> str:
        if not _CONTACT.match(value):
            raise ValueError("an e-mail address or a URL under which you can be reached")
        return value

    @field_validator("hosts")
    @classmethod
    def _hosts(cls, values: list[str]) -> list[str]:
        for value in values:
            if not _HOST.match(value) and not _is_address(value):
                raise ValueError(f"host names, or *.name, without scheme and port, not {value!r}")
        return [value.strip("[]").lower() for value in values]

    @field_validator("include", "exclude")
    @classmethod
    def _patterns(cls, values: list[str]) -> list[str]:
        for value in values:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"regular expressions; {value!r}: {error}") from None
        return values

    @field_validator("allow_private")
    @classmethod
    def _networks(cls, values: list[str]) -> list[str]:
        for value in values:
            try:
                ipaddress.ip_network(value)
            except ValueError as error:
                raise ValueError(f"addresses or networks; {error}") from None
        return values
