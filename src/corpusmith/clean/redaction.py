"""What masking removed is hidden in the other edits of the same pass, too.

An edit's row shows what it took out and put in. Where a value that a masking step removes went
through earlier edits (a no-break space inside of a phone number became a space), or left with a
line that an edit dropped, it stands in those rows as well, whole or in pieces. A piece alone
speaks for nothing: `138` + U+200B + `1234` + U+200B + `5678` leaves an edit of `1234`. So values
are looked for in the text before each edit, and each is carried back, edit by edit, through the
spans that touch it:

    text 0 --edits of step 1--> text 1 --edits of step 2--> text 2 --masking

`removed` of an edit that changed a part of a value becomes null, with a keyed hash, as for what
masking itself removed; in `replacement` a block stands for each code point of it. A value that an
edit took out whole becomes its token (`<PHONE>`).
"""

from __future__ import annotations

import bisect
import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.clean.spans import BLOCK

Values = list[tuple[int, int, str]]  # start, end, token; sorted; code points
Locate = Callable[[pa.Array | pa.ChunkedArray, Any], dict[int, Values]]


@dataclasses.dataclass
class EditStep:
    """One edit step of a batch: the text that it read, and its spans."""

    text: pa.Array | pa.ChunkedArray  # one row a document, before the edit
    parents: np.ndarray  # int64[edits]: the document's row, rising
    spans: pa.Table  # columns of `schema.EDIT_SPAN`; of a document sorted, without overlap
    name: str = ""
    text_version: int = 0  # of the text that it read


@dataclasses.dataclass(frozen=True)
class Masking:
    """A masking step: its place among the edit steps, and what it looks for."""

    at: int
    locate: Locate
    params: Any
    hash: Callable[[str], str | None]


def hide(steps: Sequence[EditStep], masking: Masking) -> None:
    """Rewrite `spans` of each step but the masking one, as the module says."""
    for step in steps[masking.at + 1 :]:
        # Their text was masked before; only an edit could have made such a value.
        for name in ("removed", "replacement"):
            step.spans = _put(step.spans, name, _redacted(step.spans[name], masking))
    later = _own(steps[masking.at])  # by row, the values in the text that the step at hand led to
    for step in reversed(steps[: masking.at]):
        if len(step.parents):
            later = _hide_earlier(step, later, masking)


def redact(strings: pa.Array, locate: Locate, params: Any) -> pa.Array:
    """The strings with a token in place of each value; nulls stay.

    For text that stands alone, such as an error's message: characters that don't show hide no
    value, and go where one is found behind them.
    """
    masking = Masking(0, locate, params, lambda value: None)
    strings = _put_array(strings, _visible_values(strings, masking))
    return _put_array(strings, _redacted(strings, masking))


def redact_message(message: str, locate: Locate, params: Any) -> str:
    """An error's message with tokens. It may quote a text, with escapes for what doesn't show."""
    spelled = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), message)
    for text in (message, spelled):
        hidden = redact(pa.array([text], pa.large_string()), locate, params)[0].as_py()
        if hidden != text:
            return hidden
    return message


def keyed_hash(value: str, secret: bytes) -> str | None:
    """32 hex digits: BLAKE2b of 128 bits of the value's UTF-8, keyed; None without a key."""
    if not secret:
        return None
    key = secret if len(secret) <= 64 else hashlib.blake2b(secret).digest()
    return hashlib.blake2b(value.encode(), digest_size=16, key=key).hexdigest()


def with_tokens(text: str, values: Values) -> str:
    """The text with each value's token in its place."""
    pieces, at = [], 0
    for start, end, token in values:
        pieces += [text[at:start], token]
        at = end
    return "".join([*pieces, text[at:]])


def _own(step: EditStep) -> dict[int, Values]:
    found: dict[int, Values] = {}
    columns = (step.spans[name].to_pylist() for name in ("start", "end", "replacement"))
    for row, value in zip(step.parents.tolist(), zip(*columns, strict=True), strict=True):
        found.setdefault(row, []).append(value)
    return found


def _redacted(strings: Any, masking: Masking) -> dict[int, str | None]:
    located = masking.locate(strings, masking.params)
    return {row: with_tokens(strings[row].as_py(), values) for row, values in located.items()}


def _hide_earlier(step: EditStep, later: dict[int, Values], masking: Masking) -> dict[int, Values]:
    """Hide in one step; returns the values in the text that it read, by row."""
    changed = np.unique(step.parents)
    located = masking.locate(step.text.take(pa.array(changed)), masking.params)
    before = {int(changed[place]): values for place, values in located.items()}
    hidden = set(_visible_values(step.spans["removed"], masking))
    rows = sorted({*later, *before, *step.parents[sorted(hidden)].tolist()})
    firsts = np.searchsorted(step.parents, rows).tolist()
    ends = np.searchsorted(step.parents, rows, side="right").tolist()

    removed: dict[int, str | None] = {}
    hashes: dict[int, str | None] = {}
    put_in: dict[int, str | None] = {}
    result: dict[int, Values] = {}
    for row, first, end in zip(rows, firsts, ends, strict=True):
        edits = _Edits(step.spans.slice(first, end - first))
        alone = {number - first for number in hidden if first <= number < end}
        carried = edits.take_back(later.get(row, []))
        whole = edits.within(before.get(row, []), carried, alone)
        for number in sorted(edits.touched | alone):
            value = edits.removed(number)
            if value is not None:  # else another masking step hid it
                removed[first + number] = None
                hashes[first + number] = masking.hash(value)
        for number, text in whole.items():
            removed[first + number] = text
        put_in.update({first + number: text for number, text in edits.blocked.items()})
        spans = [(edits.starts[number], edits.ends[number], "") for number in alone]
        result[row] = _merged([*carried, *before.get(row, []), *spans])
    for name, values in (("removed", removed), ("removed_hash", hashes), ("replacement", put_in)):
        step.spans = _put(step.spans, name, values)
    return result


class _Edits:
    """The edits of one document in one step, and which of them touch a value."""

    def __init__(self, rows: pa.Table) -> None:
        starts, ends = (np.asarray(rows[name]) for name in ("start", "end"))
        lengths = np.asarray(pc.utf8_length(rows["replacement"]))
        shifts = np.cumsum(lengths - (ends - starts))  # code points that the edits so far added
        before = np.concatenate([[0], shifts[:-1]]).astype(np.int64)
        self._rows = rows
        self.starts: list[int] = starts.tolist()
        self.ends: list[int] = ends.tolist()  # in the text before
        self.touched: set[int] = set()  # changed a part of a value
        self.blocked: dict[int, str] = {}  # what they put in, with blocks for values
        self._shifts: list[int] = [0, *shifts.tolist()]
        self._starts: list[int] = (starts + before).tolist()  # in the text after
        self._ends: list[int] = (starts + before + lengths).tolist()

    def removed(self, number: int) -> str | None:
        return self._rows["removed"][number].as_py()

    def take_back(self, later: Values) -> Values:
        """Where values of the text after stood in the text before.

        Touched is an edit whose result overlaps a value, or that only took out inside of one;
        not one that ends where a value starts.
        """
        carried = []
        for start, end, token in later:
            first = number = bisect.bisect_right(self._ends, start)
            old_start, old_end = start - self._shifts[first], end - self._shifts[first]
            while number < len(self.starts) and self._starts[number] < end:
                self.touched.add(number)
                self._block(number, start, end)
                if number == first and self._starts[number] <= start:
                    old_start = self.starts[number]
                old_end = max(end, self._ends[number]) - self._shifts[number + 1]
                number += 1
            carried.append((old_start, old_end, token))
        return carried

    def within(self, before: Values, carried: Values, alone: set[int]) -> dict[int, str]:
        """What edits took out that held whole values of the text before, with tokens; edits that
        cut through one are touched."""
        found: dict[int, Values] = {}
        for start, end, token in before:
            number = max(bisect.bisect_right(self.starts, start) - 1, 0)
            while number < len(self.starts) and self.starts[number] < end:
                left, right = self.starts[number], self.ends[number]
                if left <= start and end <= right:
                    found.setdefault(number, []).append((start - left, end - left, token))
                elif right > start:
                    self.touched.add(number)
                number += 1
        return {
            number: with_tokens(text, values)
            for number, values in found.items()
            if number not in self.touched | alone and (text := self.removed(number)) is not None
        }

    def _block(self, number: int, start: int, end: int) -> None:
        text = self.blocked.get(number)
        if text is None:
            text = self._rows["replacement"][number].as_py()
        left = max(start - self._starts[number], 0)
        right = max(min(end - self._starts[number], len(text)), left)
        if right > left:
            self.blocked[number] = text[:left] + BLOCK * (right - left) + text[right:]


def _merged(values: Values) -> Values:
    """Sorted, with those that overlap as one."""
    merged: Values = []
    for start, end, token in sorted(values):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, token))
    return merged


_UNSEEN = (
    "\u00ad\u0300-\u036f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
)
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_ESCAPED = re.compile(
    r"\\(?:x|u)(a0|ad|03[0-6][0-9a-f]|061c|1680|180e|20[0-6][0-9a-f]|3000|fe0[0-9a-f]|feff)"
)
_SCREEN = f"[{_UNSEEN}{_SPACES}]"
_UNSEEN_RUN, _SPACE = re.compile(f"[{_UNSEEN}]+"), re.compile(f"[{_SPACES}]")


def _visible_values(strings: Any, masking: Masking) -> dict[int, str]:
    """Strings that hold a value once what doesn't show is left out and each space is plain, so:
    row -> the string in that form."""
    # The pattern is slow to look for, and has nothing of ASCII in it.
    rows = np.flatnonzero(~np.asarray(pc.fill_null(pc.string_is_ascii(strings), True)))
    some = strings.take(pa.array(rows))
    chosen = np.flatnonzero(np.asarray(pc.match_substring_regex(some, _SCREEN)))
    if not len(chosen):
        return {}
    rows = rows[chosen]
    texts = [
        _SPACE.sub(" ", _UNSEEN_RUN.sub("", text))
        for text in some.take(pa.array(chosen)).to_pylist()
    ]
    located = masking.locate(pa.array(texts, pa.large_string()), masking.params)
    return {int(rows[place]): texts[place] for place in sorted(located)}


def _put(table: pa.Table, name: str, values: Mapping[int, str | None]) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, table.field(place), _put_array(table[name], values))


def _put_array(column: Any, values: Mapping[int, str | None]) -> Any:
    """The column with some rows replaced."""
    if not values:
        return column
    mask = np.zeros(len(column), bool)
    rows = sorted(values)
    mask[rows] = True
    new = pa.array([values[row] for row in rows], column.type)
    return pc.replace_with_mask(column, pa.array(mask), new)
