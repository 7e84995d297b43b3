"""`repair.v1`: characters that a font, a printer or a wrong decoder left for the real ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from corpusmith.clean.normalize import MOJIBAKE, repair_encoding
from corpusmith.clean.scripts import written
from corpusmith.clean.spans import SpanColumns, replace_rows
from corpusmith.op import Context, op, signal

_SOFT_HYPHEN = "\u00ad"
# Zero-width space, marks of direction, word joiner and invisible operators, byte order mark.
_ZERO_WIDTH = "\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_JOINERS = "\u200c\u200d"
# Latin and Armenian ligatures, Hebrew and Arabic presentation forms, but not the ligatures that
# stand for whole words or phrases (U+FDF0..FDFF) and the ornate brackets; Kangxi radicals.
_FORMS = "\ufb00-\ufb4f\ufb50-\ufd3d\ufd40-\ufdef\ufe70-\ufefc\u2f00-\u2fd5"
_LETTERS = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"  # full-width
_HALF = "\uff66-\uff9f\uffa0-\uffdc"  # half-width Katakana and Hangul
_OTHER_WIDTHS = "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffee"

# Where a joiner shapes what is written: behind letters and marks of these scripts, for emoji.
_JOINING = re.compile(
    "[\u0600-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
_EMOJI = re.compile("[\u2190-\u2bff\u3030\u303d\u3297\u3299\ufe0f\u20e3\U0001f000-\U0001faff]")

# Lines, one with the next where a soft hyphen joins them.
_LINES = re.compile("(?:[^\n]*\u00ad[ \t]*\n)*[^\n]*\n?")

REPAIR_SIGNALS = pa.schema(
    [
        signal(
            "repair_changed_chars",
            pa.int32(),
            "code points",
            "removed or put in, whichever is more, summed over the changed spans",
        ),
        signal("repair_edits", pa.int32(), "spans", "places that were repaired"),
    ]
)


class RepairParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mojibake: bool = True
    """Lines of UTF-8 that was read as something else, by ftfy, as `normalize` does it."""
    soft_hyphens: bool = True
    """U+00AD goes; at the end of a line it joins the line with the next one."""
    zero_width: bool = True
    """Zero-width spaces, marks of direction, word joiners and byte order marks go; U+200C and
    U+200D where no script needs them: they stay in Arabic, Persian, Indic and other joining
    scripts, and between emoji."""
    forms: bool = True
    """Ligatures (ﬁ), presentation forms of Arabic and Hebrew, and Kangxi radicals become the
    letters that they stand for."""
    width: Literal["auto", "letters", "all", "off"] = "auto"
    """`letters`: full-width letters and digits become ASCII, half-width Katakana and Hangul full
    width. `all`: full-width punctuation, signs and the ideographic full stop's half-width kin too.
    `auto`: as `letters`, but full-width letters and digits stay in Chinese, Japanese and Korean
    text, where they are a habit of setting. `off`: nothing."""


@op(
    "repair.v1",
    kind="edit",
    needs=("text", "modality"),
    adds=REPAIR_SIGNALS,
    params=RepairParams,
    libraries=("ftfy",),
    modalities=("text", "image-text", "audio-text"),
)
def repair(batch: pa.Table, ctx: Context) -> pa.Table:
    """Repairs what other programs did to characters; source code is exempt.

    Kinds of edits: `repair:mojibake` (a line), `repair:soft_hyphen`, `repair:zero_width`,
    `repair:forms`, `repair:width`. Forms and widths become their compatibility decomposition
    (Unicode's NFKC), each by itself; punctuation and quotes are left alone but for `width: all`.

    `normalize` does the first three as well, but joins no lines: put this before it where soft
    hyphens broke lines. "ﬁne" becomes "fine", "Ａ１" "A1" (in Chinese text with `width: letters`),
    "ｶﾞ" "ガ".
    """
    params = ctx.params or RepairParams()
    column = batch.column("text")
    narrow, wide = _pattern(params, "letters"), _pattern(params, params.width)
    flagged = np.asarray(pc.match_substring_regex(column, _screen(params)))
    rows = np.flatnonzero(flagged)
    spaceless = _east_asian(column.take(pa.array(rows))) if params.width == "auto" else None
    spans, new = SpanColumns(), {}
    changed = np.zeros(len(column), np.int32)
    edits = np.zeros(len(column), np.int32)
    ended = 0
    for number, (row, text) in enumerate(
        zip(rows.tolist(), column.take(pa.array(rows)).to_pylist(), strict=True)
    ):
        spans.end_documents(row - ended)
        ended = row
        pattern = wide
        if spaceless is not None:
            pattern = _pattern(params, "half") if spaceless[number] else narrow
        repaired = _Document(text, pattern, spans)
        after = repaired.run(params.mojibake)
        changed[row], edits[row] = repaired.changed, repaired.edits
        if after != text:
            new[row] = after
    spans.end_documents(len(column) - ended)
    return pa.table(
        {
            "text": replace_rows(column, new),
            "edits": spans.array(),
            "repair_changed_chars": changed,
            "repair_edits": edits,
        }
    )


def _classes(params: RepairParams, width: str) -> list[str]:
    """The characters that may have to change, as pieces of a class."""
    found = [_SOFT_HYPHEN] if params.soft_hyphens else []
    found += [_ZERO_WIDTH, _JOINERS] if params.zero_width else []
    found += [_FORMS] if params.forms else []
    widths = {"off": "", "half": _HALF, "letters": _LETTERS + _HALF}
    found.append(widths.get(width, _LETTERS + _HALF + _OTHER_WIDTHS))
    return found


def _screen(params: RepairParams) -> str:
    """For RE2, over the whole column."""
    width = "letters" if params.width == "auto" else params.width
    pieces = "".join(_classes(params, width))
    found = [f"[{pieces}]"] if pieces else []
    if params.mojibake:  # the rest of that screen is by line
        found.append("[\u0080-\u009f\u00c2-\u00f4\u0420\u0421\u221a\u251c\u252c]")
    return "|".join(found) or "^\\b$"


def _pattern(params: RepairParams, width: str) -> re.Pattern[str] | None:
    pieces = []
    if params.soft_hyphens:
        pieces.append("(?P<soft_hyphen>\u00ad+(?:[ \t]*\n[ \t]*(?=\\w))?)")
    if params.zero_width:
        pieces.append(f"(?P<zero_width>[{_ZERO_WIDTH}{_JOINERS}])")
    if params.forms:
        pieces.append(f"(?P<forms>[{_FORMS}])")
    classes = _classes(params, width)[-1]
    if classes:
        pieces.append(f"(?P<width>[{classes}]+)")
    return re.compile("|".join(pieces)) if pieces else None


def _east_asian(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """bool: Han, Kana or Hangul are most of the characters that have a script."""
    names, counts, _ = written(column)
    main = counts.argmax(axis=1)
    kinds = ("Hani", "Hans", "Hant", "Jpan", "Hira", "Kana", "Hang")
    return np.array([names[row][at] in kinds for row, at in enumerate(main.tolist())], bool)


class _Document:
    """One text: what it becomes, and its spans."""

    def __init__(self, text: str, pattern: re.Pattern[str] | None, spans: SpanColumns) -> None:
        self.text, self.pattern, self.spans = text, pattern, spans
        self.changed = self.edits = 0

    def run(self, mojibake: bool) -> str:
        if not mojibake or not MOJIBAKE.search(self.text):
            return self._stretch(0, len(self.text), self._note)
        out: list[str] = []
        begin = at = 0  # of the stretch that waits, of the line
        for line in _LINES.findall(self.text):
            fixed = repair_encoding(line) if MOJIBAKE.search(line) else line
            if fixed != line:
                out.append(self._stretch(begin, at, self._note))
                if self.pattern is not None:  # what the line holds is of this edit
                    fixed = _Document(fixed, self.pattern, self.spans)._stretch(
                        0, len(fixed), lambda *_: None
                    )
                self.edits += 1
                self.changed += self.spans.add_difference(at, line, fixed, "repair:mojibake")
                out.append(fixed)
                begin = at + len(line)
            at += len(line)
        out.append(self._stretch(begin, len(self.text), self._note))
        return "".join(out)

    def _note(self, start: int, old: str, new: str, kind: str) -> None:
        self.spans.add(start, start + len(old), f"repair:{kind}", old, new)
        self.edits += 1
        self.changed += max(len(old), len(new))

    def _stretch(self, begin: int, end: int, note: Callable[[int, str, str, str], None]) -> str:
        if self.pattern is None:
            return self.text[begin:end]
        out: list[str] = []
        at = begin
        for match in self.pattern.finditer(self.text, begin, end):
            kind, old = match.lastgroup or "", match[0]
            if kind == "zero_width" and old in _JOINERS and self._is_needed(match.start()):
                continue
            new = (
                "" if kind in ("soft_hyphen", "zero_width") else unicodedata.normalize("NFKC", old)
            )
            if new == old:
                continue
            out += [self.text[at : match.start()], new]
            at = match.end()
            note(match.start(), old, new, kind)
        out.append(self.text[at:end])
        return "".join(out)

    def _is_needed(self, at: int) -> bool:
        """Whether the joiner at `at` shapes what stands around it."""
        before = self.text[at - 1 : at]
        if _JOINING.match(before):
            return True
        after = self.text[at + 1 : at + 2]
        both = _EMOJI.match(before) and _EMOJI.match(after)
        return self.text[at] == "\u200d" and bool(both)
