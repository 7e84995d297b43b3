"""XML of office files as a small tree, by expat, with bounds and without any entity of its own.

Names are `prefix:local` with the prefix that the format's standard uses for the namespace,
whatever the file's own is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

from corpusmith.collect.errors import RecordError

MAX_DEPTH = 256
MAX_ELEMENTS = 1_000_000  # about 300 MB of tree
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMESPACES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "http://schemas.openxmlformats.org/package/2006/metadata/core-properties": "cp",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://www.idpf.org/2007/opf": "opf",
    "http://openebook.org/namespaces/oeb-package/1.0/": "opf",
    "urn:oasis:names:tc:opendocument:xmlns:container": "container",
    _OFFICE + "office:1.0": "office",
    _OFFICE + "text:1.0": "text",
    _OFFICE + "table:1.0": "table",
    _OFFICE + "drawing:1.0": "draw",
    _OFFICE + "style:1.0": "style",
    _OFFICE + "meta:1.0": "meta",
    "http://www.w3.org/1998/Math/MathML": "math",
    "http://www.w3.org/XML/1998/namespace": "xml",
    "http://www.w3.org/1999/xlink": "xlink",
}


class Node:
    """An element: its name, attributes, and children (elements and strings)."""

    __slots__ = ("attributes", "children", "name")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Node | str] = []

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def elements(self, name: str = "") -> Iterator[Node]:
        """The children that are elements, of this name."""
        for child in self.children:
            if isinstance(child, Node) and (not name or child.name == name):
                yield child

    def child(self, name: str) -> Node | None:
        return next(self.elements(name), None)

    def find_all(self, name: str) -> Iterator[Node]:
        """All elements below of this name, in the order of the document."""
        for child in self.elements():
            if child.name == name:
                yield child
            yield from child.find_all(name)

    @property
    def text(self) -> str:
        """All character data below."""
        return "".join(c if isinstance(c, str) else c.text for c in self.children)


def parse_xml(data: bytes, what: str) -> Node:
    """The root. RecordError (bad_xml, xml_entities, too_deep, too_complex) naming `what`."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    root = Node("", {})
    stack = [root]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MAX_ELEMENTS:
            raise RecordError("too_complex", f"{what} has over {MAX_ELEMENTS} elements, the limit")
        if len(stack) > MAX_DEPTH:
            raise RecordError("too_deep", f"{what} is nested over {MAX_DEPTH} deep")
        node = Node(_short(name), {_short(k): v for k, v in attributes.items()})
        stack[-1].children.append(node)
        stack.append(node)

    def end(name: str) -> None:
        stack.pop()

    def refuse(*_: object) -> None:
        raise RecordError("xml_entities", f"{what} declares entities; none is expanded")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: stack[-1].children.append(text)
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise RecordError("bad_xml", f"{what} is no XML: {error}"[:300]) from None
    except (ValueError, LookupError) as error:  # an encoding that expat does not know
        raise RecordError("bad_xml", f"{what} can't be decoded: {error}"[:300]) from None
    return next(root.elements())


_cache: dict[str, str] = {}


def _short(name: str) -> str:
    found = _cache.get(name)
    if found is None:
        space, mark, local = name.rpartition("}")
        found = f"{_NAMESPACES.get(space, '?')}:{local}" if mark else local
        if len(_cache) < 10_000:
            _cache[name] = found
    return found


def whole_number(value: str, default: int, most: int) -> int:
    """An attribute as a number within 0..most."""
    return min(int(value), most) if re.fullmatch(r"\d{1,9}", value or "") else default
