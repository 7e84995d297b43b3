"""EPUB 2 and 3 (https://www.w3.org/TR/epub-33/): the chapters of the spine, as Markdown."""

from __future__ import annotations

import posixpath
import re
from typing import Any
from urllib.parse import unquote

from corpusmith.collect.dates import parse_time
from corpusmith.collect.documents.content import Content, Limits
from corpusmith.collect.documents.hypertext import markdown_of
from corpusmith.collect.documents.markdown import squeezed
from corpusmith.collect.documents.package import Package
from corpusmith.collect.documents.xmltree import Node, parse_xml
from corpusmith.collect.encoding import UndecodableError, decode
from corpusmith.collect.errors import RecordError
from corpusmith.collect.licenses import spdx

CONTAINER = "META-INF/container.xml"
FONT_ALGORITHMS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_PAGES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document", "")


def parse(data: bytes, limits: Limits) -> Content:
    """RecordError: bad_epub (no package, no spine), encrypted, bad_zip, bad_xml, too_large."""
    package = Package(data, limits)
    if CONTAINER not in package:
        raise RecordError("bad_epub", f"{CONTAINER} is missing")
    _refuse_protected(package)
    container = parse_xml(package.read(CONTAINER), CONTAINER)
    files = [f.get("full-path") for f in container.find_all("container:rootfile")]
    opf = next((name for name in files if name in package), None)
    if opf is None:
        raise RecordError("bad_epub", f"no package document: {CONTAINER} names {files[:3]}")
    root = parse_xml(package.read(opf), opf)
    chapters, skipped = _spine(root, opf, package)
    texts: list[str] = []
    starts: list[int] = []
    names: list[str] = []
    missing: list[str] = []
    length = 0
    repaired = False
    for name in chapters:
        raw = package.get(name)
        if raw is None:
            missing.append(name)
            continue
        try:
            decoded = decode(raw)
        except UndecodableError as error:
            raise RecordError("bad_encoding", f"{name}: {error}"[:300]) from None
        repaired |= decoded.repaired
        body = markdown_of(decoded.text)
        if body.text:
            length += 2 if texts else 0
            starts.append(length)
            names.append(body.title)
            texts.append(body.text)
            length += len(body.text)
    if missing and not texts:
        raise RecordError("bad_epub", f"no chapter of the spine is there: {missing[:3]}")
    content = _described(root)
    content.text = "\n\n".join(texts)
    content.repaired = repaired
    content.meta["chapters"] = [
        {"start": s, "title": t} for s, t in zip(starts, names, strict=True)
    ]
    if missing:
        content.meta["missing_chapters"] = missing[:100]
        content.skipped["missing_chapter"] = len(missing)
    if skipped:
        content.skipped["outside_the_text"] = skipped
    return content


def _refuse_protected(package: Package) -> None:
    """RecordError "encrypted" where more than fonts is encrypted."""
    raw = package.get("META-INF/encryption.xml")
    if raw is None:
        return
    root = parse_xml(raw, "META-INF/encryption.xml")
    for entry in root.elements():
        methods = [n for n in entry.elements() if n.name.endswith(":EncryptionMethod")]
        if any(m.get("Algorithm") not in FONT_ALGORITHMS for m in methods) or not methods:
            raise RecordError("encrypted", "the EPUB's chapters are encrypted (DRM)")


def _spine(root: Node, opf: str, package: Package) -> tuple[list[str], int]:
    """(members in reading order, how many of the spine are set aside as not in its order)."""
    items: dict[str, tuple[str, str, str]] = {}
    for node in root.find_all("opf:item"):
        href = unquote(node.get("href").partition("#")[0])
        path = posixpath.normpath(posixpath.join(posixpath.dirname(opf), href))
        items[node.get("id")] = (path, node.get("media-type"), node.get("properties"))
    found: list[str] = []
    aside = 0
    for reference in root.find_all("opf:itemref"):
        path, kind, properties = items.get(reference.get("idref"), ("", "-", ""))
        if kind not in _PAGES:
            continue
        if "nav" in properties.split():
            aside += 1  # a table of contents that repeats the headings
        elif path not in found:
            found.append(path)
    if not found:
        raise RecordError("bad_epub", f"{opf} has no spine with chapters")
    return found, aside


def _described(root: Node) -> Content:
    values: dict[str, list[str]] = {}
    meta: dict[str, Any] = {}
    authors: list[str] = []
    others: list[str] = []
    roles = {
        node.get("refines").lstrip("#"): node.text.strip()
        for node in root.find_all("opf:meta")
        if node.get("property") == "role"
    }
    block = next(root.find_all("opf:metadata"), Node("", {}))
    for node in block.elements():
        text = squeezed(node.text)
        if not text:
            continue
        prefix, _, local = node.name.partition(":")
        if node.name == "dc:creator":
            role = node.get("opf:role") or roles.get(node.get("id"), "aut")
            (authors if role == "aut" else others).append(text)
        elif prefix == "dc":
            values.setdefault(local, []).append(text)
        elif node.name == "opf:meta" and node.get("property") == "dcterms:modified":
            values.setdefault("modified", []).append(text)
    for key in ("identifier", "publisher", "subject", "description", "source"):
        if key in values:
            meta[key] = values[key] if len(values[key]) > 1 else values[key][0]
    if others:
        meta["contributors"] = others
    rights = " ".join(values.get("rights", []))
    # Of a book often only the year is known.
    dates = [
        parse_time(f"{v}-01" if re.fullmatch(r"\d{4}", v) else v)
        for v in (*values.get("date", []), *values.get("modified", []))
    ]
    return Content(
        text="",
        title=values.get("title", [""])[0],
        authors=authors,
        lang=values.get("language", [""])[0],
        license=next((i for i in (spdx(v) for v in _license_words(rights)) if i), None),
        rights=rights,
        created=next((d for d in dates if d is not None), None),
        meta=meta,
    )


def _license_words(rights: str) -> list[str]:
    return [rights, *(word.strip(".,;()") for word in rights.split() if "/" in word)]
