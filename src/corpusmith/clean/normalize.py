"""Text as one form of Unicode: NFC, plain spaces, plain line ends, no mojibake."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.clean.spans import edit_list
from corpusmith.kernels.buffers import large_string, text_buffers
from corpusmith.kernels.dirty import CODE, CP1252_HIGH, HARD, MARKED, ODD, Dirty, dirty_lines
from corpusmith.kernels.rewrite import MOJIBAKE as MOJIBAKE_REPAIRED
from corpusmith.kernels.rewrite import UNICODE, WHITE_SPACE, rewrite
from corpusmith.op import Context, op, signal
from corpusmith.schema import EDIT_SPAN

# Everything below Unicode's category Zs but the space itself.
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_BREAKS = re.compile("[\x0b\x0c\x1c-\x1e\u2028\u2029]")
# Controls but \t, \n and \r; soft hyphen; zero width space and marks of direction; word joiner
# and invisible operators; byte order mark; annotation marks; tags but for flags of regions.
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e007a]+\U000e007f)"
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# U+200C and U+200D change the shape of letters in the scripts from Arabic to Mongolian, and
# join emoji; elsewhere they are debris.
_JOINED_SCRIPTS = (
    "\u0600-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff\U0001e900-\U0001e95f"
)
_EMOJI = "\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_LOST_JOINER = re.compile(
    f"[\u200c\u200d](?<![{_JOINED_SCRIPTS}][\u200c\u200d])"
    f"(?:(?<=\u200c)|(?<![{_EMOJI}\ufe0f\u20e3]\u200d)|(?![{_EMOJI}]))"
)
_LINE_END = re.compile(r"\r\n?|\n")

# UTF-8 read as cp1252, cp1251, MacRoman or cp437: a lead byte's character before that of a
# continuation byte. Where this finds nothing, ftfy would hardly find more.
_CONTINUATION = f"[\x80-\xbf{CP1252_HIGH}]"
MOJIBAKE = re.compile(
    f"[\x80-\x9f]|[\xc2-\xdf]{_CONTINUATION}|[\xe0-\xef]{_CONTINUATION}{{2}}"
    f"|[\xf0-\xf4]{_CONTINUATION}{{3}}"
    "|[\u0420\u0421][^\x00-\x7f\u0410-\u044f]|\u221a[^\x00-\x7f]"
    "|[\u251c\u252c][^\x00-\x7f\u2500-\u257f]"
)
KINDS = pa.array(["normalize:white_space", "normalize:unicode", "normalize:mojibake"])
_FTFY_CHARS = 10_000  # pieces of an endless line, so that ftfy's time stays linear

NORMALIZE_SIGNALS = pa.schema(
    [
        signal(
            "normalize_changed_chars",
            pa.int32(),
            "code points",
            "removed or put in, whichever is more, summed over the changed spans",
        ),
        signal("mojibake_repaired", pa.bool_(), "bool", "a wrongly decoded passage was repaired"),
    ]
)


@op(
    "normalize.v1",
    kind="edit",
    needs=("text", "modality"),
    adds=NORMALIZE_SIGNALS,
    libraries=("ftfy",),
)
def normalize(batch: pa.Table, ctx: Context) -> pa.Table:
    """Unicode and white space in one form. Applying it twice changes nothing more.

    Text, in this order:
      1. mojibake is repaired by ftfy's `fix_encoding`, line by line and only on lines that look
         like it; its other defaults would turn “中文，你好！” into ASCII punctuation. Control
         characters U+0080..9F become what cp1252 has there, as the HTML standard says;
      2. the other separators of category Zs (no-break, ideographic U+3000 ...) become spaces;
      3. \\r\\n, \\r, U+2028, U+2029, vertical tab and form feed become \\n;
      4. controls and zero-width characters go, except \\t, and except joiners (U+200C, U+200D)
         behind a letter of the scripts that need them and between emoji;
      5. NFC;
      6. spaces and tabs at the ends of lines go, and more than two \\n in a row become two.

    Code keeps every character, blank line and indentation: only \\r\\n and \\r become \\n, and a
    byte order mark at the start goes; it is not put in NFC, since that would change literals.

    Kinds of edits: `normalize:mojibake`, `normalize:unicode`, `normalize:white_space`.
    """
    column = batch.column("text")
    data, offsets = text_buffers(column)
    is_code = np.array(pc.fill_null(pc.equal(batch.column("modality"), "code"), False), np.bool_)
    lines = dirty_lines(data, offsets)
    composed = np.flatnonzero((lines.flags & MARKED > 0) & ~is_code)
    lines = _with_lines_not_nfc(lines, data, offsets, composed)
    todo = np.where(is_code, lines.flags & CODE > 0, np.diff(lines.ends) > 0)
    repaired = np.zeros(len(todo), np.bool_)
    if not todo.any():
        none = edit_list(np.zeros(len(todo) + 1), [pa.nulls(0, f.type) for f in EDIT_SPAN])
        nothing = np.zeros(len(todo), np.int32)
        return _result(column, none, nothing, repaired)

    rows = np.repeat(np.arange(len(todo)), np.diff(lines.ends))
    hard = np.flatnonzero((lines.marks & HARD > 0) & ~is_code[rows])
    kinds, texts = np.zeros(len(hard), np.int64), []
    for number, line in enumerate(hard.tolist()):
        text, kinds[number] = _normalize_line(
            data[lines.starts[line] : lines.stops[line]].tobytes().decode()
        )
        texts.append(text)
    repaired[rows[hard[kinds == MOJIBAKE_REPAIRED]]] = True
    done = rewrite(
        data,
        offsets,
        todo,
        is_code,
        (lines.starts, lines.stops, lines.points, lines.marks),
        lines.ends,
        (*text_buffers(pa.array(texts, pa.large_string())), kinds),
    )
    count = len(done.spans)
    spans = [
        pa.array(done.spans[:, 0]),
        pa.array(done.spans[:, 1]),
        pa.DictionaryArray.from_arrays(pa.array(done.spans[:, 2], pa.int8()), KINDS).cast(
            KINDS.type
        ),
        large_string(*done.removed),
        pa.nulls(count, pa.string()),
        large_string(*done.replacement),
    ]
    text = large_string(done.data, done.offsets)
    return _result(text, edit_list(done.ends, spans), done.changed, repaired)


def _result(
    text: pa.Array | pa.ChunkedArray, edits: pa.Array, changed: np.ndarray, repaired: np.ndarray
) -> pa.Table:
    return pa.table(
        {
            "text": text,
            "edits": edits,
            "normalize_changed_chars": changed,
            "mojibake_repaired": repaired,
        }
    )


def _with_lines_not_nfc(
    lines: Dirty, data: np.ndarray, offsets: np.ndarray, rows: np.ndarray
) -> Dirty:
    """The lines with those, HARD, of these rows that are not in NFC."""
    starts, stops, points, owners = [], [], [], []
    for row in rows.tolist():
        text = data[offsets[row] : offsets[row + 1]].tobytes().decode()
        if unicodedata.is_normalized("NFC", text):
            continue
        byte = point = 0
        while point < len(text):
            match = _LINE_END.search(text, point)
            line = text[point : match.end() if match else len(text)]
            size = len(line.encode())
            if not line.isascii() and not unicodedata.is_normalized("NFC", line):
                owners.append(row)
                starts.append(offsets[row] + byte)
                stops.append(offsets[row] + byte + size)
                points.append(point)
            byte += size
            point += len(line)
    if not owners:
        return lines
    known = ~np.isin(lines.starts, starts)
    ends = lines.ends + np.searchsorted(owners, np.arange(len(lines.ends)))
    ends -= np.searchsorted(np.flatnonzero(~known), lines.ends)
    order = np.argsort(np.concatenate([lines.starts[known], np.array(starts)]))

    def merged(old: np.ndarray, new: list[int]) -> np.ndarray:
        return np.concatenate([old[known], np.array(new, np.int64)])[order]

    return Dirty(
        lines.flags,
        merged(lines.starts, starts),
        merged(lines.stops, stops),
        merged(lines.points, points),
        merged(lines.marks, [ODD | HARD] * len(starts)),
        ends,
    )


def _normalize_line(line: str) -> tuple[str, int]:
    """One line with its end, which may come out as several, and the kind of the edit. What needs
    none of mojibake, joiners and NFC is done alike, and faster, by `kernels/rewrite.py`."""
    bare = line.rstrip(" \t\r\n")
    kind = UNICODE
    new = line
    if MOJIBAKE.search(line):
        new = repair_encoding(line)
        if new != line:
            kind = MOJIBAKE_REPAIRED
    new = _SPACES.sub(" ", new.replace("\r\n", "\n").replace("\r", "\n"))
    new = _INVISIBLE.sub(r"\1", _BREAKS.sub("\n", new))
    if "\u200c" in new or "\u200d" in new:
        new = _LOST_JOINER.sub("", new)
    new = unicodedata.normalize("NFC", new)
    if "\n" in new[:-1]:
        new = "\n".join([part.rstrip(" \t") for part in new.split("\n")])
        new = re.sub("\n{3,}", "\n\n", new)
    else:
        new = new.rstrip(" \t\n") + "\n" * new.endswith("\n")
    if kind == UNICODE and bare == new.rstrip():
        kind = WHITE_SPACE
    return new, kind


def repair_encoding(line: str) -> str:
    import ftfy  # loads slowly, and few documents need it

    options = ftfy.TextFixerConfig(
        unescape_html=False, uncurl_quotes=False, fix_character_width=False
    )
    if len(line) <= _FTFY_CHARS:
        return ftfy.fix_encoding(line, options)
    pieces, start = [], 0
    while start < len(line):
        end = start + _FTFY_CHARS
        while end < len(line) and end < start + 2 * _FTFY_CHARS and not line[end].isascii():
            end += 1  # a wrongly decoded character must not be cut in two
        piece = line[start:end]
        pieces.append(ftfy.fix_encoding(piece, options) if MOJIBAKE.search(piece) else piece)
        start = end
    return "".join(pieces)


def warm() -> None:
    """Compile or load the kernels behind it."""
    texts = pa.array(["a \r", "a\r"], pa.large_string())
    normalize(pa.table({"text": texts, "modality": ["text", "code"]}), Context())
