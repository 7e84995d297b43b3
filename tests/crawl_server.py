"""A server with the layout of Common Crawl, made of pages of the test's own, and with its faults.

crawl-data/CRAWL/{warc,wet,wat,cc-index-table}.paths.gz
crawl-data/CRAWL/segments/1/{warc,wet,wat}/CC-MAIN-0-0000N.warc[.wet|.wat].gz
cc-index/table/cc-main/warc/crawl=CRAWL/subset={warc,robotstxt}/part-0000N.parquet
"""

from __future__ import annotations

import datetime
import gzip
import http.server
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

CRAWL = "CC-MAIN-2024-33"
DAY = datetime.datetime(2024, 8, 1)


class Page(NamedTuple):
    """A page of the crawl, and where its record stands."""

    host: str
    path: str
    language: str
    mime: str
    status: int
    time: datetime.datetime
    text: str

    @property
    def url(self) -> str:
        return f"https://{self.host}{self.path}"


def pages(count: int = 120) -> list[Page]:
    hosts = ("example.org", "www.example.org", "blog.example.org", "other.net", "zh.example.cn")
    made = []
    for n in range(count):
        host = hosts[n % len(hosts)]
        language = "zho,eng" if host.endswith(".cn") else "eng"
        words = (
            f"第{n}页的正文。" * 12 if language.startswith("zho") else f"Text of page {n}. " * 12
        )
        mime = "application/pdf" if n % 20 == 19 else "text/html"
        status = 404 if n % 30 == 7 else 200
        time_ = DAY + datetime.timedelta(hours=n)
        made.append(Page(host, f"/p/{n}", language, mime, status, time_, words))
    return made


def record(kind: str, page: Page, block: bytes, content: str) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {page.url}\r\n"
        f"WARC-Date: {page.time.isoformat()}Z\r\nContent-Type: {content}\r\n"
        f"WARC-Record-ID: <urn:uuid:{page.path}>\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", 1, mtime=0)


def response(page: Page) -> bytes:
    body = f"<html><head><title>{page.path}</title></head><body><p>{page.text}</p></body></html>"
    head = f"HTTP/1.1 {page.status} X\r\nContent-Type: {page.mime}; charset=utf-8\r\n\r\n"
    return record("response", page, (head + body).encode(), "application/http; msgtype=response")


def envelope(page: Page) -> bytes:
    links = [
        {"path": "A@/href", "url": "/next", "text": "Next"},
        {"path": "IMG@/src", "url": "i.png"},
    ]
    head = {
        "Title": f"Page {page.path}",
        "Metas": [{"name": "description", "content": "About it"}],
        "Link": [{"rel": "license", "url": "https://creativecommons.org/licenses/by/4.0/"}],
    }
    http_part = {
        "Headers": {"Content-Type": "text/html; charset=utf-8"},
        "HTML-Metadata": {"Head": head, "Links": links},
    }
    header = {
        "WARC-Type": "response",
        "WARC-Target-URI": page.url,
        "WARC-Date": f"{page.time.isoformat()}Z",
    }
    payload = {"HTTP-Response-Metadata": http_part}
    value = {"Envelope": {"WARC-Header-Metadata": header, "Payload-Metadata": payload}}
    return record("metadata", page, json.dumps(value).encode(), "application/json")


def build(root: Path, made: list[Page], files: int = 3, groups: int = 10) -> None:
    """Write the crawl below `root`; the index sorted by SURT key in two files, `groups` rows each
    row group."""
    base = f"crawl-data/{CRAWL}"
    rows = []
    lists: dict[str, list[str]] = {"warc": [], "wet": [], "wat": []}
    for number in range(files):
        part = made[number::files]
        for kind, make in (
            ("warc", response),
            ("wet", lambda p: record("conversion", p, p.text.encode(), "text/plain")),
            ("wat", envelope),
        ):
            suffix = "" if kind == "warc" else f".{kind}"
            name = f"{base}/segments/1/{kind}/CC-MAIN-0-{number:05d}.warc{suffix}.gz"
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            lists[kind].append(name)
            with path.open("wb") as file:
                for page in part:
                    data = make(page)
                    if kind == "warc":
                        rows.append(_row(page, name, file.tell(), len(data)))
                    file.write(data)
    rows.sort(key=lambda row: row["url_surtkey"])
    index = f"cc-index/table/cc-main/warc/crawl={CRAWL}"
    tables = [f"{index}/subset=robotstxt/part-00000.parquet"]
    half = (len(rows) + 1) // 2
    for number in range(2):
        name = f"{index}/subset=warc/part-{number:05d}.parquet"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist(rows[number * half : (number + 1) * half], SCHEMA)
        # Without dictionaries and compression a row group is far from the footer.
        pq.write_table(table, root / name, row_group_size=groups, compression="none")
        tables.append(name)
    for kind, names in {**lists, "cc-index-table": tables}.items():
        (root / base / f"{kind}.paths.gz").write_bytes(gzip.compress("\n".join(names).encode()))


SCHEMA = pa.schema(
    [
        *[(name, pa.string()) for name in ("url_surtkey", "url", "url_host_name")],
        ("url_host_registered_domain", pa.string()),
        ("fetch_time", pa.timestamp("ms")),
        ("fetch_status", pa.int16()),
        *[(name, pa.string()) for name in ("content_mime_detected", "content_languages")],
        ("warc_filename", pa.string()),
        *[(name, pa.int32()) for name in ("warc_record_offset", "warc_record_length")],
        ("filler", pa.string()),
    ]
)


def _row(page: Page, name: str, offset: int, length: int) -> dict[str, Any]:
    key = ",".join(reversed(page.host.removeprefix("www.").split(".")))
    return {
        "url_surtkey": f"{key}){page.path}",
        "url": page.url,
        "url_host_name": page.host,
        "url_host_registered_domain": ".".join(page.host.split(".")[-2:]),
        "fetch_time": page.time,
        "fetch_status": page.status,
        "content_mime_detected": page.mime,
        "content_languages": page.language,
        "warc_filename": name,
        "warc_record_offset": offset,
        "warc_record_length": length,
        # As wide as the columns of the real one that nobody asks for.
        "filler": f"{offset}{page.path}" * 300,
    }


class Crawl(http.server.ThreadingHTTPServer):
    """`faults`: part of a path -> what goes wrong, one after another, before it goes well.

    "503" "403" "wrong" (another range) "early" (half of the body) "whole" (200 to a range request)
    "drop" (the connection is closed before an answer)
    """

    daemon_threads = True

    def __init__(self, root: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.root = root
        self.log: list[tuple[str, str, int]] = []  # path, range asked for, bytes of the answer
        self.faults: dict[str, list[str]] = {}
        self.seconds_per_block = 0.0  # of 16 KiB

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def asked(self, part: str) -> list[str]:
        """The ranges that were asked for of files with this in their path."""
        return [span for path, span, _ in self.log if part in path]


@contextmanager
def serving(root: Path) -> Iterator[Crawl]:
    with Crawl(root) as crawl:
        threading.Thread(target=crawl.serve_forever, args=(0.01,), daemon=True).start()
        yield crawl
        crawl.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Crawl
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        path, span = self.path.lstrip("/"), self.headers.get("Range", "")
        faults = next((f for part, f in self.server.faults.items() if part in path and f), [])
        fault = faults.pop(0) if faults else ""
        place = self.server.root / path
        data = place.read_bytes() if place.is_file() else None
        if fault == "drop":
            self.server.log.append((path, span, 0))
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if fault in ("503", "403") or data is None:
            status = int(fault or 404)
            self.server.log.append((path, span, 0))
            self._head(status, {"Content-Length": "0", "Retry-After": "0"})
            return
        start, end = 0, len(data)
        headers = {"ETag": f'"{len(data)}-{hash(data) & 0xFFFF}"', "Accept-Ranges": "bytes"}
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", span)
        if self.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
            match = None
        if match and fault != "whole":
            if not match[1]:
                start = max(0, len(data) - int(match[2]))
            else:
                start = int(match[1])
                end = min(int(match[2]) + 1, end) if match[2] else end
            if start >= len(data):
                self._head(416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": "0"})
                return
            if fault == "wrong":
                start = start // 2 + 1
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        body = data[start:end]
        self.server.log.append((path, span, len(body)))
        headers["Content-Length"] = str(len(body))
        self._head(206 if "Content-Range" in headers else 200, headers)
        if fault == "early":
            body = body[: len(body) // 2]
            self.close_connection = True
        for at in range(0, len(body), 1 << 14):
            try:
                self.wfile.write(body[at : at + (1 << 14)])
            except OSError:  # the reader is gone
                self.close_connection = True
                return
            time.sleep(self.server.seconds_per_block)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
