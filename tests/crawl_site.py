"""Servers on loopback for tests of the crawler: a site of real documentation, and its log.

The pages are the docstrings of the standard library, one a module, class, function and method, with
the links that they have by nature: index to modules, module to members, each to its parent and
neighbours.
"""

from __future__ import annotations

import dataclasses
import html
import importlib
import inspect
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODULES = (
    *("argparse", "array", "ast", "asyncio", "base64", "bisect", "bz2", "calendar", "codecs"),
    *("collections", "concurrent.futures", "configparser", "contextlib", "copy", "csv", "ctypes"),
    *("datetime", "decimal", "difflib", "dis", "email.message", "enum", "fractions", "ftplib"),
    *("functools", "gettext", "glob", "gzip", "hashlib", "heapq", "html.parser", "http.client"),
    *("imaplib", "inspect", "io", "ipaddress", "itertools", "json", "logging", "lzma", "mailbox"),
    *("math", "mimetypes", "multiprocessing", "operator", "os", "pathlib", "pickle", "pickletools"),
    *("platform", "plistlib", "poplib", "pprint", "queue", "random", "re", "sched", "selectors"),
    *("shelve", "shlex", "shutil", "smtplib", "socket", "sqlite3", "ssl", "statistics", "string"),
    *("struct", "subprocess", "tarfile", "tempfile", "textwrap", "threading", "timeit", "tokenize"),
    *("traceback", "turtle", "types", "typing", "unittest", "unittest.mock", "urllib.request"),
    *("uuid", "warnings", "wave", "weakref", "xml.dom.minidom", "xmlrpc.client", "zipfile"),
)


def documentation(count: int) -> dict[str, bytes]:
    """Path -> page, the index at `/`; `count` pages in all. Each is reachable from the index."""
    members: dict[str, list[tuple[str, str]]] = {}
    wanted = count - 1
    for name in MODULES:
        if wanted <= 0:
            break
        module = importlib.import_module(name)
        found = [("index", inspect.getdoc(module) or name)]
        for key, value in sorted(vars(module).items()):
            if key.startswith("_") or getattr(value, "__module__", None) != name:
                continue
            found.append((key, inspect.getdoc(value) or key))
            if inspect.isclass(value):
                found += [
                    (f"{key}.{inner}", doc)
                    for inner, method in sorted(vars(value).items())
                    if callable(method) and (doc := inspect.getdoc(method))
                ]
        members[name] = found[:wanted]
        wanted -= len(members[name])
    assert wanted <= 0, f"the standard library has {wanted} pages too few"
    pages = {"/": _page("The library", "All modules.", [f"/{name}/index" for name in members])}
    for name, found in members.items():
        paths = [f"/{name}/{key}" for key, _ in found]
        for place, (key, text) in enumerate(found):
            # The index names only the first; the others are found from page to page.
            near = paths[1:40] if key == "index" else [f"/{name}/index"]
            near += paths[place + 1 : place + 4] + paths[40 * place : 40 * place + 40]
            pages[paths[place]] = _page(f"{name}: {key}", text, near)
    return pages


def _page(title: str, text: str, links: list[str]) -> bytes:
    listed = "".join(f'<li><a href="{html.escape(link)}">{link}</a></li>' for link in links)
    body = "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n\n"))
    head = f"<head><title>{html.escape(title)}</title></head>"
    nav = f"<nav><ul>{listed}</ul></nav>"
    return (
        f"<!doctype html><html lang=en>{head}<body>{nav}"
        f"<main><h1>{html.escape(title)}</h1>{body}</main></body></html>"
    ).encode()


@dataclasses.dataclass
class Asked:
    """One line of the server's log."""

    path: str
    headers: dict[str, str]
    time: float
    status: int = 0  # 0 while it is not answered whole
    abandoned: bool = False  # whoever asked is dead


ANSWERED = "answered"
"""What a page's function returns that has written to the socket itself."""


class Site:
    """A server whose pages are bytes, answers (status, headers, body), or functions that take the
    request's handler and return either, or ANSWERED. `other` answers what no page does."""

    def __init__(self, pages: dict[str, Any], robots: str | None = None) -> None:
        self.pages = pages
        if robots is not None:
            self.pages["/robots.txt"] = (200, {"Content-Type": "text/plain"}, robots.encode())
        self.log: list[Asked] = []
        self.gate = threading.Event()  # closed: requests are taken and not answered
        self.gate.set()
        self.close_after = 0  # answers after which the gate closes by itself; 0: never
        self.other: Callable[[Any], Any] | None = None
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                site.handle(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                pass  # the crawler may hang up

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def handle(self, request: Any) -> None:
        asked = Asked(request.path, dict(request.headers), time.time())
        self.log.append(asked)
        if self.close_after and len(self.answered()) >= self.close_after:
            self.gate.clear()
        self.gate.wait()
        if asked.abandoned:
            request.close_connection = True
            return
        page = self.pages.get(request.path)
        if page is None and self.other is not None:
            page = self.other
        answer = page(request) if callable(page) else page
        if answer == ANSWERED:
            return
        if answer is None:
            answer = (404, {"Content-Type": "text/html"}, b"<title>Not found</title>")
        if isinstance(answer, bytes):
            answer = (200, {"Content-Type": "text/html; charset=utf-8"}, answer)
        status, headers, body = answer
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if "Content-Length" not in headers and status != 304:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
        request.wfile.flush()
        asked.status = status

    def answered(self) -> list[str]:
        """Paths that were answered whole, in order."""
        return [asked.path for asked in self.log if asked.status]

    def abandon(self) -> set[str]:
        """Paths that were asked for and not answered: whoever asked was killed. Opens the gate."""
        left = {asked.path for asked in self.log if not asked.status}
        for asked in self.log:
            asked.abandoned = not asked.status
        self.close_after = 0
        self.gate.set()
        return left

    def asked(self, path: str) -> list[Asked]:
        return [asked for asked in self.log if asked.path == path]

    def close(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


HTML = {"Content-Type": "text/html"}


def page(*links: str, text: str = "A page with some words.") -> bytes:
    return (
        "<html><body>" + "".join(f'<a href="{link}">x</a> ' for link in links) + text + "</body>"
    ).encode()
