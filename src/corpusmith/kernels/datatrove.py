"""The counters behind datatrove's four filters, on a document's text and its spaCy tokens.

datatrove 0.10.1: `gopher_quality_filter.py` (lines as str.splitlines has them),
`gopher_repetition_filter.py` (re.split at "\\n+" and, of the stripped text, at "\\n{2,}") and
`fineweb_quality_filter.py` (str.split("\\n") without blank lines). White space is str.isspace().
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import is_ellipsis, load64, short_key
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.segments import COUNT, FIELDS, begin_document, new_table, segment_entry
from corpusmith.kernels.spacy_chars import LINE_BREAK, SPACE, TERMINAL, tables
from corpusmith.kernels.spacy_tokens import HAS_LETTER, IS_WORD, code_at
from corpusmith.kernels.spacy_words import Words
from corpusmith.kernels.spellings import STOP_WORDS

COUNTS = (
    "chars", "newlines", "hashes", "dots3", "ellipses",
    "broken_lines", "bullets", "ellipsis_lines",  # lines as str.splitlines() has them
    "full_lines", "terminal_lines", "short_lines", "full_line_copy_chars",  # not blank
    "lines", "line_copies", "line_copy_chars",  # between runs of newlines
    "paragraphs", "paragraph_copies", "paragraph_copy_chars",
    "tokens", "words", "word_chars", "letter_words", "stop_distinct",
)  # fmt: skip
(
    CHARS, NEWLINES, HASHES, DOTS3, ELLIPSES, BROKEN_LINES, BULLETS, ELLIPSIS_LINES,
    FULL_LINES, TERMINAL_LINES, SHORT_LINES, FULL_LINE_COPY_CHARS,
    LINES, LINE_COPIES, LINE_COPY_CHARS, PARAGRAPHS, PARAGRAPH_COPIES, PARAGRAPH_COPY_CHARS,
    TOKENS, WORDS, WORD_CHARS, LETTER_WORDS, STOP_DISTINCT,
) = range(len(COUNTS))  # fmt: skip

# Sorts of segments in the table, as bits.
_FULL_LINE, _LINE, _PARAGRAPH = np.int64(1), np.int64(2), np.int64(4)
_SHORT = 30
_NEWLINE, _RETURN, _HASH, _DOT, _DASH = b"\n\r#.-"
_NEWLINES, _ONES = np.uint64(0x0A0A0A0A0A0A0A0A), np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_ELLIPSIS, _BULLET = 0x2026, 0x2022
_STOP_KEYS = np.array([int.from_bytes(word.encode(), "little") for word in STOP_WORDS], np.uint64)


_last: tuple[Words, np.ndarray] | None = None


def count_column(words: Words) -> np.ndarray:
    """int64[rows, len(COUNTS)]; the last result is remembered, for a second measure."""
    global _last
    if _last is not None and _last[0] is words:
        return _last[1]
    rows = len(words.offsets) - 1
    counts = np.zeros((rows, len(COUNTS)), np.int64)
    longest = int(np.diff(words.offsets).max(initial=0))
    _count_rows(
        words.data, words.offsets, tables().flags, *new_table(3 * longest + 6), counts,
        words.tokens.starts, words.tokens.lengths, words.tokens.chars, words.tokens.marks,
        words.ends,
    )  # fmt: skip
    counts.setflags(write=False)
    _last = (words, counts)
    return counts


@kernel
def _count_rows(
    data, offsets, flags, slots, entries, state, counts, starts, lengths, chars, marks, ends
):
    for row in range(offsets.shape[0] - 1):
        begin, end = offsets[row], offsets[row + 1]
        _count_text(
            pointer(data), np.int64(data.shape[0]), begin, end, pointer(flags), pointer(slots),
            pointer(entries), pointer(state), pointer(counts[row]),
        )  # fmt: skip
        _count_words(
            pointer(data), np.int64(data.shape[0]), begin, ends[row], ends[row + 1],
            pointer(starts), pointer(lengths), pointer(chars), pointer(marks),
            pointer(counts[row]),
        )  # fmt: skip


@kernel
def _count_words(data, size, begin, first, last, starts, lengths, chars, marks, row):
    found = words = word_chars = letter_words = np.int64(0)
    for token in range(first, last):
        mark = np.int64(marks[token])
        is_word = (mark & IS_WORD) >> 1
        words += is_word
        word_chars += is_word * chars[token]
        letter_words += mark & HAS_LETTER
        length = np.int64(lengths[token])
        if 2 <= length <= 4:
            key = short_key(data, size, begin + starts[token], length)
            for word in range(_STOP_KEYS.shape[0]):
                found |= np.int64(key == _STOP_KEYS[word]) << word
    row[TOKENS] = last - first
    row[WORDS], row[WORD_CHARS], row[LETTER_WORDS] = words, word_chars, letter_words
    while found:
        row[STOP_DISTINCT] += found & 1
        found >>= 1


@inlined
def _copies(data, size, start, stop, sorts, slots, entries, state):
    """As which of these sorts (bits) this segment came before."""
    entry = segment_entry(data, size, start, stop - start, slots, entries, state)
    seen = entries[FIELDS * entry + COUNT]
    entries[FIELDS * entry + COUNT] = seen | sorts
    return seen & sorts


@kernel
def _count_text(data, size, begin, end, flags, slots, entries, state, row):
    """All but the words: line by line between newlines, each of which ends a line of every kind."""
    begin_document(slots, state, (end - begin) >> 5)
    chars = newlines = np.int64(0)
    # What str.strip() leaves of the text, for paragraphs.
    stripped_first, stripped_last = end, begin
    start = begin
    while True:
        stop = start
        while stop + 8 <= end and not _newline_in(load64(data, stop)):
            stop += 8
        while stop < end and data[stop] != _NEWLINE:
            stop += 1
        ended = stop < end
        later, hashes, dots, ellipses, breaks = _count_bytes(data, start, stop)
        line_chars = stop - start - later
        chars += line_chars + ended
        newlines += ended
        row[HASHES] += hashes
        row[ELLIPSES] += ellipses
        if dots >= 3:
            row[DOTS3] += _threes(data, start, stop)
        first, last = _strip(data, start, stop, flags)
        full = first < last
        if full:
            stripped_first = min(stripped_first, first)
            stripped_last = last
        if breaks:
            _count_broken(data, start, stop, ended, flags, row)
        elif ended or stop > start:
            row[BROKEN_LINES] += 1
            if full:
                _count_line(data, first, last, row)
        sorts = np.int64(0)
        if full:
            row[FULL_LINES] += 1
            if flags[_code_before(data, start, stop)] & TERMINAL:
                row[TERMINAL_LINES] += 1
            row[SHORT_LINES] += line_chars <= _SHORT
            sorts = _FULL_LINE
        # re.split at "\n+": no line between two newlines, one before the first and one
        # behind the last, though they be empty.
        if stop > start or start == begin or not ended:
            row[LINES] += 1
            sorts |= _LINE
        if sorts:
            seen = _copies(data, size, start, stop, sorts, slots, entries, state)
            if seen & _FULL_LINE:
                row[FULL_LINE_COPY_CHARS] += line_chars
            if seen & _LINE:
                row[LINE_COPIES] += 1
                row[LINE_COPY_CHARS] += line_chars
        if not ended:
            break
        start = stop + 1
    row[CHARS], row[NEWLINES] = chars, newlines
    _count_paragraphs(
        data, size, min(stripped_first, stripped_last), stripped_last, slots, entries, state, row
    )


@inlined
def _newline_in(word):
    """Whether one of the 8 bytes is a newline (Mycroft's test for a zero byte)."""
    word ^= _NEWLINES
    return (word - _ONES) & ~word & _HIGHS


@inlined
def _count_bytes(data, start, stop):
    """Of a line: second and later bytes of characters, `#`, dots, `…`, and characters that only
    str.splitlines() ends a line at; one loop that the machine vectorizes."""
    later = hashes = dots = ellipses = breaks = np.int64(0)
    for at in range(start, min(start + 2, stop)):
        byte = data[at]
        later += (byte & 0xC0) == 0x80
        hashes += byte == _HASH
        dots += byte == _DOT
        breaks += (np.uint8(byte - 11) <= 2) | (np.uint8(byte - 0x1C) <= 2)
        breaks += at > start and byte == 0x85 and data[at - 1] == 0xC2
    for at in range(start + 2, stop):
        byte = data[at]
        general = (data[at - 2] == 0xE2) & (data[at - 1] == 0x80)  # U+2000..203F
        later += (byte & 0xC0) == 0x80
        hashes += byte == _HASH
        dots += byte == _DOT
        ellipses += general & (byte == 0xA6)
        breaks += (
            (np.uint8(byte - 11) <= 2)
            | (np.uint8(byte - 0x1C) <= 2)
            | ((byte == 0x85) & (data[at - 1] == 0xC2))
            | (general & ((byte == 0xA8) | (byte == 0xA9)))
        )
    return later, hashes, dots, ellipses, breaks


@kernel
def _threes(data, start, stop):
    """How many times three dots stand in a line, without overlap."""
    threes = run = np.int64(0)
    for at in range(start, stop):
        run = run + 1 if data[at] == _DOT else np.int64(0)
        threes += run > 0 and run % 3 == 0
    return threes


@inlined
def _code_before(data, start, stop):
    """The last character of `data[start:stop]`, which is not empty."""
    at = stop - 1
    while at > start and data[at] & 0xC0 == 0x80:
        at -= 1
    code, _ = code_at(data, at, stop)
    return code


@inlined
def _strip(data, start, stop, flags):
    """(First, end) of what str.strip() leaves; equal where nothing is left."""
    while start < stop:
        code, length = code_at(data, start, stop)
        if not flags[code] & SPACE:
            break
        start += length
    while start < stop and flags[_code_before(data, start, stop)] & SPACE:
        stop -= 1
        while data[stop] & 0xC0 == 0x80:
            stop -= 1
    return start, stop


@kernel
def _count_line(data, first, last, row):
    """A line of str.splitlines(), without the white space around it: how it begins and ends."""
    code, _ = code_at(data, first, last)
    row[BULLETS] += code == _DASH or code == _BULLET
    if last - first >= 3:
        dots = data[last - 1] == _DOT and data[last - 2] == _DOT and data[last - 3] == _DOT
        row[ELLIPSIS_LINES] += dots or is_ellipsis(data, last - 3)


@kernel
def _count_broken(data, start, stop, ended, flags, row):
    """The lines of str.splitlines() in a line between newlines that has other breaks in it."""
    at = start
    while at < stop:
        code, length = code_at(data, at, stop)
        if flags[code] & LINE_BREAK:
            if code == _RETURN and at + 1 == stop and ended:
                break  # the newline is a part of this line break
            _count_stripped(data, start, at, flags, row)
            start = at + length
        at += length
    if ended or start < stop:
        _count_stripped(data, start, at, flags, row)


@inlined
def _count_stripped(data, start, stop, flags, row):
    row[BROKEN_LINES] += 1
    first, last = _strip(data, start, stop, flags)
    if first < last:
        _count_line(data, first, last, row)


@kernel
def _count_paragraphs(data, size, begin, end, slots, entries, state, row):
    start = begin
    at = begin
    while True:
        while True:
            while at + 8 <= end and not _newline_in(load64(data, at)):
                at += 8
            while at < end and data[at] != _NEWLINE:
                at += 1
            if at >= end or data[at + 1] == _NEWLINE:
                break
            at += 1
        row[PARAGRAPHS] += 1
        if _copies(data, size, start, at, _PARAGRAPH, slots, entries, state):
            row[PARAGRAPH_COPIES] += 1
            for byte in range(start, at):
                row[PARAGRAPH_COPY_CHARS] += (data[byte] & 0xC0) != 0x80
        if at >= end:
            return
        while at < end and data[at] == _NEWLINE:
            at += 1
        start = at
