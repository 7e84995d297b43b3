"""The reader `repository`: the files that `read: git` fetched, a document each.

The licence of a file is that of its SPDX header, else that of the licence files or the manifest in
its folder or the nearest one above; a licence file there that is not recognised leaves it unknown.
What is someone else's code by its place has no licence from above that place.
"""

from __future__ import annotations

import functools
from typing import Any

from corpusmith.collect.code import describe, text_of_code
from corpusmith.collect.dates import parse_time
from corpusmith.collect.errors import RecordError
from corpusmith.collect.git.manifests import more_precise
from corpusmith.collect.git.params import RepositoryParams
from corpusmith.collect.git.tables import described_in
from corpusmith.collect.license_texts import licenses_of, together
from corpusmith.collect.licenses import spdx_header
from corpusmith.collect.linguist import (
    Rule,
    attribute_rules,
    attributes_of,
    is_documentation,
    vendored_root,
)
from corpusmith.collect.notebooks import notebook_text
from corpusmith.collect.parquet import read_records
from corpusmith.collect.pieces import too_large
from corpusmith.collect.sink import Sink
from corpusmith.collect.whole import group_of


def read(piece: dict[str, Any], params: RepositoryParams, sink: Sink) -> None:
    """The files of a piece; `uri` is the repository's name and the path in it."""
    repository = _Repository.of(piece["path"])

    def name(_: str, row: dict[str, Any]) -> str:
        return f"{repository.name}/{row['path']}"

    def emit(uri: str, row: dict[str, Any], _: bool) -> None:
        if row["error"]:
            kind, _, message = row["error"].partition(": ")
            raise RecordError(kind, message)
        data = row["content"]
        if len(data) > params.max_document_bytes:
            raise RecordError(*too_large(len(data), params.max_document_bytes))
        _document(uri, row["path"], data, row, repository, params, sink)

    read_records(piece, sink, emit, name)


def _document(
    uri: str,
    path: str,
    data: bytes,
    row: dict[str, Any],
    repository: _Repository,
    params: RepositoryParams,
    sink: Sink,
) -> None:
    text, encoding, repaired = text_of_code(path, data, params.encoding)
    meta: dict[str, Any] = {**describe(path, text), "documentation": is_documentation(path)}
    meta |= attributes_of(path, repository.rules)
    header = spdx_header(text)
    root = vendored_root(path) if meta["vendored"] else ""
    license, license_file = repository.license_of(path, root)
    if path.lower().endswith(".ipynb") and params.notebooks == "markdown":
        text, more = notebook_text(text, outputs=params.outputs)
        meta |= more
    for key in ("blob", "changed"):
        if row[key]:
            meta[key] = row[key]
    meta |= {"path": path, "repository": repository.url, "commit": repository.commit}
    if license_file:
        meta["license_file"] = license_file
    if repository.license:
        meta["repository_license"] = repository.license
    if encoding != "utf-8":
        meta["encoding"] = encoding
    if group := group_of(uri, params.group):
        meta["group"] = group
    created = parse_time(row["created"] or repository.created)
    sink.document(text, license=header or license, created=created, meta=meta, repaired=repaired)


class _Repository:
    """What holds for whole folders of a repository."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.name: str = described["name"]
        self.url: str = described["repository"]
        self.commit: str | None = described["commit"]
        self.created: str | None = described["created"]
        self.rules: list[Rule] = []
        # Those of deeper folders come later, and decide.
        for folder, text in sorted(described["attributes"].items(), key=lambda i: i[0].count("/")):
            self.rules += attribute_rules(folder, text)
        folders: dict[str, dict[str, list[str]]] = {}
        for path, text in described["licenses"].items():
            folder, _, name = path.rpartition("/")
            folders.setdefault(folder, {})[name] = licenses_of(text)
        self._licenses = {
            folder: (together(files), f"{folder}/{min(files)}".lstrip("/"))
            for folder, files in folders.items()
        }
        for path, said in sorted(described.get("stated", {}).items()):
            folder = path.rpartition("/")[0]
            found = self._licenses.get(folder)
            if found is None or (found[0] is not None and more_precise(said, found[0])):
                self._licenses[folder] = (said, path)
        self.license = self._licenses.get("", (None, ""))[0]

    @staticmethod
    @functools.lru_cache(maxsize=8)
    def of(table: str) -> _Repository:
        """Of the table with this path, read once by each process."""
        return _Repository(described_in(table))

    def license_of(self, path: str, root: str | None = "") -> tuple[str | None, str]:
        """(SPDX expression, path of the file that says so) for a file; nothing from above `root`,
        nothing at all where that is None."""
        folder = path
        while folder and root is not None:
            folder = folder.rpartition("/")[0]
            if not f"{folder}/".startswith(root):
                break
            if folder in self._licenses:
                return self._licenses[folder]
        return None, ""
