"""TMX 1.4b (https://www.gala-global.org/tmx-14b): translation units, streamed.

Native codes inside segments (bpt, ept, ph, it, ut) are no text and left out; `hi` and `sub` are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.parsers import expat

from corpusmith.collect.streams import DamagedError

_CODES = frozenset({"bpt", "ept", "ph", "it", "ut"})
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")


class Unit:
    """A <tu>: where it begins, its texts by language, and what else it says."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.texts: dict[str, str] = {}
        self.meta: dict[str, Any] = {}
        self.error: tuple[str, str] | None = None


def units(blocks: Iterable[bytes], limit: int) -> Iterator[tuple[Unit, str]]:
    """(unit, language of the source in the header); `limit`: bytes of text that a unit may have."""
    parser = _Parser(limit)
    source = iter(blocks)
    damage: DamagedError | None = None
    while True:
        try:
            block = next(source, None)
        except DamagedError as error:
            damage, block = error, None
        if block is None and damage is not None:
            break
        try:
            parser.feed(block)
        except expat.ExpatError as error:
            damage = DamagedError("bad_xml", f"no XML: {error}", parser.offset)
        except _RefusedError as error:
            damage = DamagedError("bad_xml", str(error), parser.offset)
        yield from ((unit, parser.source) for unit in parser.done)
        parser.done = []
        if block is None or damage is not None:
            break
    if damage is not None:
        raise DamagedError(damage.error, damage.message, parser.offset)


class _RefusedError(Exception):
    pass


class _Parser:
    def __init__(self, limit: int) -> None:
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters
        # Entities of one's own are how XML expands without end; TMX has no use for them.
        self._expat.EntityDeclHandler = self._refuse
        self._limit = limit
        self.source = ""
        self.done: list[Unit] = []
        self.offset = 0  # of the first unit that is not done
        self._unit: Unit | None = None
        self._lang = ""
        self._codes = 0  # how many elements with native codes are open
        self._in: str = ""  # seg, prop, note
        self._name = ""
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, block: bytes | None) -> None:
        self._expat.Parse(block or b"", block is None)

    def _refuse(self, *_: Any) -> None:
        raise _RefusedError("it declares entities, which TMX does not need and a bomb does")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "header":
            self.source = attributes.get("srclang", "")
        elif name == "tu":
            self._unit = Unit(self._expat.CurrentByteIndex)
            self.offset = self._unit.offset
            self._size = 0
            keys = ("tuid", "creationdate", "changedate", "srclang")
            self._unit.meta = {key: attributes[key] for key in keys if key in attributes}
        elif self._unit is None:
            return
        elif name == "tuv":
            self._lang = attributes.get("xml:lang", attributes.get("lang", ""))
        elif name in ("seg", "prop", "note"):
            self._in, self._pieces = name, []
            self._name = attributes.get("type", name)
        elif name in _CODES:
            self._codes += 1
        elif name == "sub":  # text inside of native codes: a footnote, an alternative text
            self._codes = -abs(self._codes)

    def _end(self, name: str) -> None:
        unit = self._unit
        if unit is None:
            return
        if name == "tu":
            self.done.append(unit)
            self.offset = self._expat.CurrentByteIndex
            self._unit = None
        elif name in ("seg", "prop", "note") and self._in == name:
            text = "".join(self._pieces)
            if name == "seg" and self._lang in unit.texts:
                unit.error = "bad_field", f"the unit has two variants in {self._lang!r}"
            elif name == "seg":
                unit.texts[self._lang] = text
            else:
                unit.meta[self._name] = text
            self._in, self._pieces, self._codes = "", [], 0
        elif name in _CODES:
            self._codes = max(0, abs(self._codes) - 1)
        elif name == "sub":
            self._codes = abs(self._codes)

    def _characters(self, data: str) -> None:
        if self._unit is None or not self._in or self._codes > 0:
            return
        self._size += len(data)
        if self._size > self._limit:
            self._pieces = []
            message = (
                f"over {self._size} characters, the limit is {self._limit} (max_document_bytes)"
            )
            self._unit.error = "too_large", message
            return
        self._pieces.append(data)


def time_of(stamp: str | None) -> str | None:
    """TMX's YYYYMMDDThhmmssZ as ISO 8601."""
    match = _TIME.fullmatch(stamp or "")
    return "{}-{}-{}T{}:{}:{}Z".format(*match.groups()) if match else None


def chosen(
    texts: dict[str, str], source: str, languages: list[str] | None
) -> tuple[str, str] | str:
    """The two languages of a unit, source first; a sentence where they are not known.

    `en` names `en-US` too, where the unit has no plain `en`.
    """
    if languages:
        found = [_match(texts, code) for code in languages]
        missing = [code for code, name in zip(languages, found, strict=True) if name is None]
        if missing:
            return f"no variant in {missing[0]!r}; it has {', '.join(texts) or 'none'}"
        return found[0] or "", found[1] or ""
    if len(texts) != 2:
        return f"{len(texts)} variants ({', '.join(texts)}): say `languages: [from, into]`"
    first = _match(texts, source)
    names = list(texts)
    if first is not None:
        names.sort(key=lambda name: name != first)
    return names[0], names[1]


def _match(texts: dict[str, str], code: str) -> str | None:
    lower = {name.lower().replace("_", "-"): name for name in texts}
    code = code.lower().replace("_", "-")
    if code in lower:
        return lower[code]
    same = [name for key, name in lower.items() if key.split("-")[0] == code]
    return same[0] if len(same) == 1 else None
