"""Bounds for a page before it is parsed: counts, so that results don't depend on the clock.

The parser and the extraction take time in proportion to the sum of the depths of all nodes, to
the squares of the attributes of one tag and of the options of one list, and to the nodes that
misnested formatting makes the parser clone (HTML standard, section 13.2.4.3, "the list of active
formatting elements"). A tag scan with numpy bounds all of them from above in a few per cent of the
parsing time; only a page that this bound doesn't clear is walked tag by tag, with the tree
construction rules that matter.
"""

from __future__ import annotations

import re

import numpy as np

from corpusmith.collect.errors import RecordError

MAX_DEPTH = 512  # what browsers build (Blink's maximum DOM tree depth)
MAX_TAGS = 1_000_000  # about 250 MB of tree
FREE_TAGS = 1_500  # so few cost under a second in any shape
MAX_VISITS = 20_000_000  # sum of depths over nodes; about 2 seconds of extraction
MAX_CLONES = 500_000
MAX_ATTRIBUTES = 1_000  # of one tag
MAX_OPTIONS = 10_000  # of a page: the parser takes quadratic time in those of one <select> (0.35 s)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FORMATTING = _words("a b big code em font i nobr s small strike strong tt u")
_VOID = _words(
    "area base br col embed hr img input link meta param source track wbr keygen frame "
    "basefont bgsound"
)
_RAW = _words("script style textarea title xmp iframe noembed noframes plaintext")
# Start tags that close an open <p> (HTML standard, 13.2.6.4.7).
_CLOSES_P = _words(
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure "
    "footer header hgroup main menu nav ol p search section summary ul h1 h2 h3 h4 h5 h6 pre "
    "listing form li dd dt plaintext hr xmp"
)
# A start tag that ends an open element of its kind, and the elements that it doesn't look beyond.
_P, _BUTTON = frozenset({"p"}), frozenset({"button", "table", "td", "th", "caption"})


def _closing(names: str, kinds: str, walls: str) -> dict[str, tuple[frozenset, frozenset]]:
    return {n: (frozenset(kinds.split()), frozenset(walls.split())) for n in names.split()}


# A start tag that ends open elements of these kinds, and those that it doesn't look beyond.
_CLOSES = {
    **_closing("li", "li", "ul ol menu table"),
    **_closing("dd dt", "dd dt", "dl table"),
    **_closing("option", "option", "select"),
    **_closing("optgroup", "option optgroup", "select"),
    **_closing("td th", "td th", "table tr"),
    **_closing("tr", "tr td th", "table"),
    **_closing("tbody thead tfoot", "tbody thead tfoot tr td th", "table"),
    **_closing("rt rp", "rt rp", "ruby"),
}
_TAG = re.compile(
    r"<(?:!--(?P<comment>)|(?P<bang>[!?])|(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)"
    r"(?P<rest>(?:[^>\"']|=\s*+\"[^\"]*+\"|=\s*+'[^']*+'|[\"'])*+)>?)"
)
_LONG_TAG = re.compile(rb"<[a-zA-Z][^\s/>]*+((?:[^>\"']|\"[^\"]*+\"|'[^']*+'|[\"'])*+)")
_ATTRIBUTE = re.compile(r"[^\s/>=]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]*))?")


def check_html(page: str, data: bytes | None = None) -> None:
    """RecordError (too_deep, too_complex) for a page that is too costly to parse.

    `data`: the page in UTF-8, where that is at hand.
    """
    if not _cleared(page.encode("utf-8", "surrogatepass") if data is None else data):
        _walk(page)


def _cleared(page: bytes) -> bool:
    """Whether upper bounds of depth, visits, clones and attributes are within the limits."""
    data = np.frombuffer(page, np.uint8)
    at = np.flatnonzero(data == ord("<"))
    if not len(at):
        return True
    # An attribute takes two characters or more, so a tag with too many is long. Attributes whose
    # values are tags escape this; those that escape the other bounds as well meet the watchdog.
    gaps = at[1:] - at[:-1]
    long = at[:-1][gaps > 2 * MAX_ATTRIBUTES].tolist()
    for start in [*long, int(at[-1])]:
        end = page.find(b"<", start + 1)
        piece = page[start : end if end > 0 else len(page)]
        match = _LONG_TAG.match(piece)
        rest = match[1].decode("utf-8", "replace") if match is not None else ""
        if _attributes(rest) > MAX_ATTRIBUTES:
            return False
    if len(at) <= FREE_TAGS:
        return True
    at = at[at < len(data) - 4]  # what is cut off at the end is no tag
    close = data[at + 1] == ord("/")
    letters = [data[at + 1 + close + i].astype(np.int32) | 32 for i in range(3)]
    is_tag = (letters[0] >= ord("a")) & (letters[0] <= ord("z"))
    pair = (letters[0] << 8 | letters[1]) & 0x7FFF
    void = _VOID_PAIR[pair] & ~close & ((pair != _LI) | (letters[2] == ord("n")))
    step = (1 - 2 * close.astype(np.int32)) * (is_tag & ~void)
    if int((is_tag & ~close & (pair == _OP)).sum()) > MAX_OPTIONS:
        return False
    depth = _clamped(step)
    if len(at) > MAX_TAGS and int(is_tag.sum()) > MAX_TAGS:
        return False
    deepest, visits = int(depth.max()), int(depth.sum())
    if deepest <= MAX_DEPTH and visits <= MAX_CLONES:
        return True  # formatting elements are among those counted
    ended = ~((letters[1] >= ord("a")) & (letters[1] <= ord("z")))
    ended_2 = ~((letters[2] >= ord("a")) & (letters[2] <= ord("z")))
    formatting = ended & _FORMAT_ONE[letters[0]] | ended_2 & _FORMAT_PAIR[pair]
    formatting |= _FORMAT_THIRD[pair] == letters[2]
    if int(_clamped(step * formatting).sum()) > MAX_CLONES:
        return False
    if deepest <= MAX_DEPTH and visits <= MAX_VISITS:
        return True
    # Old pages leave <p>, <li> and cells open, which tree construction closes. Between two others
    # at most IMPLIED of these elements are open, so the depth of the others bounds it as well.
    implied = ended & _IMPLIED_ONE[letters[0]] | ended_2 & _IMPLIED_PAIR[pair]
    depth = IMPLIED * (_clamped(step * ~implied) + 1)
    return int(depth.max()) <= MAX_DEPTH and int(depth.sum()) <= MAX_VISITS


def _table(size: int, keys: list[int]) -> np.ndarray:
    table = np.zeros(size, bool)
    table[keys] = True
    return table


def _pair(name: str) -> int:
    return ord(name[0]) << 8 | ord(name[1])


IMPLIED = 6  # a, li or dd, tr, td, p, and one to spare
_LI = _pair("li")
_OP = _pair("op")
# Void elements by their first letters: br, hr, img, input, meta, link; the rest is rare.
_VOID_PAIR = _table(1 << 15, [_pair(n) for n in ("br", "hr", "im", "in", "me", "li")])
_IMPLIED_ONE = _table(256, [ord("a"), ord("p")])
_IMPLIED_PAIR = _table(1 << 15, [_pair(n) for n in ("li", "dd", "dt", "tr", "td", "th")])
# A second <a> closes the first, so it is not among those that add up.
_FORMAT_ONE = _table(256, [ord(n) for n in "bisu"])
_FORMAT_PAIR = _table(1 << 15, [_pair(n) for n in ("em", "tt")])
_FORMAT_THIRD = np.zeros(1 << 15, np.int32)
for _name in ("big", "code", "font", "nobr", "small", "strong"):
    _FORMAT_THIRD[_pair(_name)] = ord(_name[2])


def _clamped(step: np.ndarray) -> np.ndarray:
    """int64[n]: running sum of steps that never falls under 0, so that stray end tags count not."""
    total = np.cumsum(step, dtype=np.int64)
    return total - np.minimum(np.minimum.accumulate(total), 0)


class _Tree:
    """The open elements and the active formatting elements while a page is walked."""

    def __init__(self) -> None:
        self.names: list[str] = []  # open elements, outermost first
        self.numbers: list[int] = []  # of the same
        self.open: set[int] = set()
        self.active: list[tuple[str, str, int]] = []  # formatting: name, attributes, number
        self.foreign = 0  # open svg and math elements, in which tags can close themselves
        self.clones = 0
        self.visits = 0
        self._number = 0

    def push(self, name: str) -> int:
        self._number += 1
        self.names.append(name)
        self.numbers.append(self._number)
        self.open.add(self._number)
        self.foreign += name in ("svg", "math")
        self.visits += len(self.names)
        return self._number

    def cut(self, length: int) -> None:
        """Close all elements from the one at `length` on."""
        self.foreign -= sum(name in ("svg", "math") for name in self.names[length:])
        self.open.difference_update(self.numbers[length:])
        del self.names[length:], self.numbers[length:]

    def reconstruct(self) -> None:
        """Open again, as clones, the formatting elements that a closed block took with it."""
        for index, (name, rest, number) in enumerate(self.active):
            if number not in self.open:
                self.active[index] = (name, rest, self.push(name))
                self.clones += 1

    def close_within(self, kinds: frozenset[str], walls: frozenset[str]) -> None:
        """Close the open elements of these kinds, looking outwards up to a wall."""
        if not any(kind in self.names for kind in kinds):
            return
        cut = -1
        for index in range(len(self.names) - 1, -1, -1):
            if self.names[index] in walls:
                break
            if self.names[index] in kinds:
                cut = index
        if cut >= 0:
            self.cut(cut)

    def start(self, name: str, rest: str) -> None:
        if name in _CLOSES_P:
            self.close_within(_P, _BUTTON)
        if closes := _CLOSES.get(name):
            self.close_within(*closes)
        if name not in _CLOSES_P and name not in _CLOSES:
            self.reconstruct()
        number = self.push(name)
        # The standard's "Noah's Ark clause": three equal ones at most.
        if name in _FORMATTING and sum(a[:2] == (name, rest) for a in self.active) < 3:
            self.active.append((name, rest, number))

    def end(self, name: str) -> None:
        if name in self.names:
            self.cut(len(self.names) - 1 - self.names[::-1].index(name))
        if name in _FORMATTING:
            for index in range(len(self.active) - 1, -1, -1):
                if self.active[index][0] == name:
                    del self.active[index]
                    break


def _walk(page: str) -> None:
    """Count as tree construction would; RecordError at the first limit."""
    tree = _Tree()
    tags = options = at = 0
    while match := _TAG.search(page, at):
        if tree.active and match.start() > at:
            tree.reconstruct()
        at = match.end()
        if match["comment"] is not None or match["bang"] is not None:
            mark = "-->" if match["comment"] is not None else ">"
            end = page.find(mark, at)
            if end < 0:
                return
            at = end + len(mark)
            continue
        name, rest = match["name"].lower(), match["rest"]
        tags += 1
        if match["close"]:
            tree.visits += 1
            tree.end(name)
        elif name in _RAW and not tree.foreign:
            end = _end_of(page, name, at)
            if end < 0:
                return
            at = end
        else:
            if (count := _attributes(rest)) > MAX_ATTRIBUTES:
                raise _complex(f"{count} attributes of one <{name[:20]}>", MAX_ATTRIBUTES)
            options += name in ("option", "optgroup")
            if options > MAX_OPTIONS:
                raise _complex(f"{options} options by character {at} of {len(page)}", MAX_OPTIONS)
            if name in _VOID or (tree.foreign and rest.endswith("/")):
                tree.visits += len(tree.names) + 1
            else:
                tree.start(name, rest)
        if len(tree.names) > MAX_DEPTH:
            message = f"nested over {MAX_DEPTH} deep at character {at} of {len(page)}"
            raise RecordError("too_deep", message)
        if tags > MAX_TAGS:
            raise _complex(f"{tags} tags by character {at} of {len(page)}", MAX_TAGS)
        if tree.visits > MAX_VISITS:
            raise _complex(f"depths of tags that sum up to {tree.visits}", MAX_VISITS)
        if tree.clones > MAX_CLONES:
            raise _complex(f"{tree.clones} clones of misnested formatting", MAX_CLONES)


def _attributes(rest: str) -> int:
    """How many attributes a tag has; 0 where it is too short to have too many."""
    return len(_ATTRIBUTE.findall(rest)) if len(rest) > 2 * MAX_ATTRIBUTES else 0


def _end_of(page: str, name: str, at: int) -> int:
    match = re.compile("</" + name, re.IGNORECASE).search(page, at)
    return match.start() if match else -1


def _complex(what: str, limit: int) -> RecordError:
    return RecordError("too_complex", f"{what}, over the limit of {limit}")
