"""A server that speaks as much of the Hugging Face Hub's API as its own libraries ask for.

GET  /api/datasets/ID[/revision/REV]      what a dataset is: commit, card, files
GET  /api/datasets/ID/tree/REV[/PATH]     a folder's entries
POST /api/datasets/ID/paths-info/REV      the same of single paths
GET  /datasets/ID/resolve/REV/PATH        a file's bytes, or a range of them (HEAD too)

`gated/...` answers as a gated dataset does without a token, all else that is not there with 404.
https://huggingface.co/docs/hub/api
"""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml


class Hub(http.server.ThreadingHTTPServer):
    """`root/ID/` has the files of a dataset; `log` every request with its range and its token."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.log: list[tuple[str, str, str, str]] = []
        self.forbidden = ""  # files with this in their path are answered with 403,
        self.forbidden_from = 0  # where bytes from there on are asked for

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, name: str) -> str:
        """The id of a dataset's only commit: of its files and their contents."""
        digest = hashlib.sha1()
        for path in sorted((self.root / name).rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(self.root).as_posix().encode() + path.read_bytes())
        return digest.hexdigest()


@contextmanager
def serving(root: Path) -> Iterator[Hub]:
    with Hub(root) as hub:
        threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
        yield hub
        hub.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(body)

    def do_GET(self) -> None:
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        told = (self.headers.get("Range", ""), self.headers.get("Authorization", ""))
        if path == "/allow":  # the test's own
            self.server.forbidden = ""
            self.server.log.clear()
            return self._json({})
        self.server.log.append((self.command, path, *told))
        found = re.fullmatch(
            r"(?:/api)?/datasets/(?P<id>[^/]+/[^/]+)(?:/(?P<what>revision|tree|paths-info|resolve)/"
            r"(?P<revision>[^/]+)(?:/(?P<path>.*))?)?",
            path,
        )
        if found is None:
            return self._json({"error": "Not Found"}, 404)
        name, folder = found["id"], self.server.root / found["id"]
        if name.startswith("gated/") and not self.headers.get("Authorization"):
            return self._json({"error": "gated"}, 401, {"X-Error-Code": "GatedRepo"})
        if not folder.is_dir():
            return self._json({"error": "not there"}, 404, {"X-Error-Code": "RepoNotFound"})
        commit = self.server.commit(name)
        if found["revision"] not in (None, "main", commit):
            return self._json({"error": "no rev"}, 404, {"X-Error-Code": "RevisionNotFound"})
        if found["what"] == "resolve":
            return self._file(folder / (found["path"] or ""), commit)
        if found["what"] == "tree":
            deep = parse_qs(parts.query).get("recursive", [""])[0].lower() in ("true", "1")
            base = folder / (found["path"] or "")
            if not base.is_dir():
                return self._json({"error": "none"}, 404, {"X-Error-Code": "EntryNotFound"})
            paths = sorted(base.rglob("*") if deep else base.iterdir())
            return self._json([self._entry(folder, p) for p in paths])
        if found["what"] == "paths-info":
            if self.headers.get("Content-Type", "").startswith("application/json"):
                asked = json.loads(body)["paths"]
            else:
                asked = parse_qs(body.decode())["paths"]
            asked = [asked] if isinstance(asked, str) else asked
            there = [folder / p for p in asked if (folder / p).exists()]
            return self._json([self._entry(folder, p) for p in there])
        return self._json(self._dataset(name, folder, commit))

    def _dataset(self, name: str, folder: Path, commit: str) -> dict[str, Any]:
        card: dict[str, Any] = {}
        readme = folder / "README.md"
        if readme.exists() and readme.read_text().startswith("---\n"):
            card = yaml.safe_load(readme.read_text().split("---\n")[1])
        files = [p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if p.is_file()]
        return {
            **{"_id": "1", "id": name, "author": name.split("/")[0], "sha": commit},
            **{"private": False, "gated": False, "disabled": False, "tags": [], "downloads": 0},
            **{"likes": 0, "cardData": card, "lastModified": "2024-01-01T00:00:00.000Z"},
            "siblings": [{"rfilename": file} for file in files],
        }

    def _entry(self, folder: Path, path: Path) -> dict[str, Any]:
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            return {"type": "directory", "oid": "0" * 40, "size": 0, "path": name}
        oid = hashlib.sha1(path.read_bytes()).hexdigest()
        return {"type": "file", "oid": oid, "size": path.stat().st_size, "path": name}

    def _file(self, path: Path, commit: str) -> None:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        begins = int(match[1]) if match else 0
        named = self.server.forbidden and self.server.forbidden in path.name
        if named and begins >= self.server.forbidden_from:
            return self._json({"error": "forbidden"}, 403)
        if not path.is_file():
            return self._json({"error": "none"}, 404, {"X-Error-Code": "EntryNotFound"})
        data = path.read_bytes()
        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": commit}
        headers["Accept-Ranges"] = "bytes"
        if match:
            start = int(match[1])
            end = min(int(match[2]) + 1 if match[2] else len(data), len(data))
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
            return self._send(data[start:end], 206, headers)
        return self._send(data, 200, headers)

    def _json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        more = {"Content-Type": "application/json", **(headers or {})}
        self._send(json.dumps(value).encode(), status, more)

    def _send(self, data: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
