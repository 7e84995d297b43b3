"""Text as one form of Unicode: NFC, plain spaces, plain line ends, no mojibake."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.clean.spans import SpanColumns, replace_rows
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.dirty import CODE, CP1252_HIGH, HIGH, TEXT, dirty_lines
from corpusmith.op import Context, op, signal

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
_PLAIN = re.compile("[ -~\u00a0]*")  # by far most lines with something odd have no-break spaces
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
    flags, dirty, ends = dirty_lines(data, offsets)
    is_code = np.asarray(pc.fill_null(pc.equal(batch.column("modality"), "code"), False))
    rows = np.flatnonzero(flags & np.where(is_code, CODE, TEXT | HIGH))

    spans, new = SpanColumns(), {}
    changed = np.zeros(len(flags), np.int32)
    repaired = np.zeros(len(flags), np.bool_)
    ended = 0
    for row, text in zip(rows.tolist(), column.take(pa.array(rows)).to_pylist(), strict=True):
        if is_code[row]:
            spans.end_documents(row - ended)
            ended = row
            new[row], changed[row] = _normalize_code(text, spans)
            continue
        lines = dirty[ends[row] : ends[row + 1]].tolist()
        if flags[row] & HIGH and not unicodedata.is_normalized("NFC", text):
            others = set(_lines_not_nfc(text)).difference(line >> 1 for line in lines)
            lines = sorted([*lines, *(line << 1 for line in others)])
        if lines:
            spans.end_documents(row - ended)
            ended = row
            new[row], changed[row], repaired[row] = _normalize_text(text, lines, spans)
    spans.end_documents(len(flags) - ended)
    return pa.table(
        {
            "text": replace_rows(column, new),
            "edits": spans.array(),
            "normalize_changed_chars": changed,
            "mojibake_repaired": repaired,
        }
    )


def _normalize_code(text: str, spans: SpanColumns) -> tuple[str, int]:
    changed = 0
    if text.startswith("\ufeff"):
        spans.add(0, 1, "normalize:unicode", "\ufeff", "")
        changed = 1
    for match in re.finditer(r"\r\n?", text):
        changed += spans.add_difference(match.start(), match[0], "\n", "normalize:white_space")
    return re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff")), changed


def _lines_not_nfc(text: str) -> Iterator[int]:
    start = 0
    while start < len(text):
        match = _LINE_END.search(text, start)
        end = match.end() if match else len(text)
        line = text[start:end]
        if not line.isascii() and not unicodedata.is_normalized("NFC", line):
            yield start
        start = end


def _normalize_text(text: str, dirty: list[int], spans: SpanColumns) -> tuple[str, int, bool]:
    """The text after, code points changed, whether mojibake was repaired.

    `dirty` has the starts (code points, rising) of the lines to look at, twice, and 1 more where
    there is more than white space at the end to change; the other lines are as they should be, but
    for empty lines behind a line that became empty.
    """
    out: list[str] = []
    at = changed = 0
    breaks = 0  # how many \n the output ends in
    repaired = False
    plain_ends = "\r" not in text
    todo = iter([*dirty, 2 * len(text)])
    after = next(todo)
    following = after >> 1
    while at < len(text):
        odd = False
        if at == following:
            odd = after & 1 != 0
            after = next(todo)
            following = after >> 1
        elif breaks < 2 or text[at] != "\n":
            stretch = text[at:following]
            kept = len(stretch) - len(stretch.rstrip("\n"))
            breaks = breaks + kept if kept == len(stretch) else kept
            out.append(stretch)
            at = following
            continue
        if plain_ends:
            end = text.find("\n", at) + 1 or len(text)
        else:
            match = _LINE_END.search(text, at)
            end = match.end() if match else len(text)
        line = text[at:end]
        bare = line.rstrip(" \t\n")
        if not odd and (bare.isascii() or unicodedata.is_normalized("NFC", bare)):
            # By far most lines: white space at their ends and nothing else.
            ended = line.endswith("\n")
            keeps_end = ended and (bare != "" or breaks < 2)
            first, stop = at + len(bare), end - keeps_end
            if first < stop:
                spans.add(first, stop, "normalize:white_space", text[first:stop], "")
                changed += stop - first
            breaks = keeps_end if bare else breaks + keeps_end
            out.append(bare + "\n" if keeps_end else bare)
            at = end
            continue
        new, kind = _normalize_line(line)
        if new.startswith("\n"):
            stripped = new.lstrip("\n")
            new = "\n" * min(len(new) - len(stripped), 2 - breaks) + stripped
        changed += spans.add_difference(at, line, new, kind)
        repaired |= kind == "normalize:mojibake"
        kept = len(new) - len(new.rstrip("\n"))
        breaks = breaks + kept if kept == len(new) else kept
        out.append(new)
        at = end
    return "".join(out), changed, repaired


def _normalize_line(line: str) -> tuple[str, str]:
    """One line with its end, which may come out as several, and the kind of the edit."""
    bare = line.rstrip(" \t\r\n")
    if bare.isascii() and bare.isprintable():
        return bare + "\n" * (line[-1:] in "\r\n"), "normalize:white_space"
    if _PLAIN.fullmatch(bare):
        new = bare.replace("\u00a0", " ").rstrip(" ") + "\n" * (line[-1:] in "\r\n")
        return new, "normalize:unicode" if new.rstrip() != bare else "normalize:white_space"
    kind = "normalize:unicode"
    new = line
    if MOJIBAKE.search(line):
        new = repair_encoding(line)
        if new != line:
            kind = "normalize:mojibake"
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
    if kind == "normalize:unicode" and bare == new.rstrip():
        kind = "normalize:white_space"
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
    """Compile or load the kernel behind it."""
    dirty_lines(*text_buffers(pa.array(["a"], pa.large_string())))
