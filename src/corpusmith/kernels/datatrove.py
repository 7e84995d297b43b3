"""The counters behind datatrove's four filters, on a document's text and its spaCy tokens.

datatrove 0.10.1: `gopher_quality_filter.py` (lines as str.splitlines has them),
`gopher_repetition_filter.py` (re.split at "\\n+" and, of the stripped text, at "\\n{2,}") and
`fineweb_quality_filter.py` (str.split("\\n") without blank lines). White space is str.isspace().
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import short_key
from corpusmith.kernels.jit import kernel, pointer
from corpusmith.kernels.segments import COUNT, FIELDS, begin_document, new_table, segment_entry
from corpusmith.kernels.spacy_chars import LINE_BREAK, SPACE, TERMINAL, tables
from corpusmith.kernels.spacy_en import HAS_LETTER, IS_WORD, code_at
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

# Sorts of segments in the table.
_FULL_LINE, _LINE, _PARAGRAPH = np.int64(0), np.int64(1), np.int64(2)
_SHORT = 30
_NEWLINE, _RETURN, _HASH, _DOT, _DASH = b"\n\r#.-"
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
    found = np.int64(0)
    for token in range(first, last):
        mark = np.int64(marks[token])
        row[WORDS] += (mark & IS_WORD) >> 1
        row[WORD_CHARS] += chars[token] if mark & IS_WORD else 0
        row[LETTER_WORDS] += mark & HAS_LETTER
        length = np.int64(lengths[token])
        if 2 <= length <= 4:
            key = short_key(data, size, begin + starts[token], length)
            for word in range(_STOP_KEYS.shape[0]):
                if key == _STOP_KEYS[word]:
                    found |= np.int64(1) << word
    row[TOKENS] = last - first
    while found:
        row[STOP_DISTINCT] += found & 1
        found >>= 1


@kernel
def _is_copy(data, size, start, stop, sort, slots, entries, state):
    """Whether this segment came before as one of its sort; a bit of its entry says so then."""
    entry = segment_entry(data, size, start, stop - start, slots, entries, state)
    seen = entries[FIELDS * entry + COUNT]
    entries[FIELDS * entry + COUNT] = seen | 1 << sort
    return (seen >> sort) & 1


@kernel
def _count_text(data, size, begin, end, flags, slots, entries, state, row):
    """All but the words, in one pass over the characters."""
    begin_document(slots, state, (end - begin) >> 5)
    zero = np.int64(0)
    chars = zero
    # What str.strip() leaves of the text, for paragraphs.
    stripped_first, stripped_last = end, begin
    # The line as str.splitlines() has it.
    broken_start = begin
    broken_first = zero - 1  # its first character that is not white space
    dots = zero  # that end what was seen of it, white space left out
    dots_end = zero - 1  # where they ended
    ends_in_ellipsis = False
    # The line between newlines.
    line_start, line_chars = begin, zero
    full = False
    last_code = zero
    run = zero  # of dots, anywhere
    at = begin
    while at <= end:
        if at < end:
            code, length = code_at(data, at, end)
            flag = np.int64(flags[code])
        else:
            code, length, flag = zero - 1, np.int64(1), zero
        if code != _DOT:
            row[DOTS3] += run // 3
            run = zero
        breaks = flag & LINE_BREAK
        if breaks or (at == end and broken_start < end):
            row[BROKEN_LINES] += 1
            if broken_first == _DASH or broken_first == _BULLET:
                row[BULLETS] += 1
            if ends_in_ellipsis or dots >= 3:
                row[ELLIPSIS_LINES] += 1
            broken_start = at + length
            if code == _RETURN and at + 1 < end and data[at + 1] == _NEWLINE:
                broken_start += 1
            broken_first = zero - 1
            ends_in_ellipsis = False
            dots = zero
        if code == _NEWLINE or at == end:
            if full:
                row[FULL_LINES] += 1
                if flags[last_code] & TERMINAL:
                    row[TERMINAL_LINES] += 1
                if line_chars <= _SHORT:
                    row[SHORT_LINES] += 1
                if _is_copy(data, size, line_start, at, _FULL_LINE, slots, entries, state):
                    row[FULL_LINE_COPY_CHARS] += line_chars
            # re.split at "\n+": no line between two newlines, one before the first and one
            # behind the last, though they be empty.
            if at > line_start or at == begin or at == end:
                row[LINES] += 1
                if _is_copy(data, size, line_start, at, _LINE, slots, entries, state):
                    row[LINE_COPIES] += 1
                    row[LINE_COPY_CHARS] += line_chars
            if at == end:
                break
            row[NEWLINES] += 1
            line_start, line_chars = at + 1, zero
            full = False
        else:
            line_chars += 1
            last_code = code
        if not flag & SPACE:
            full = True
            if at < stripped_first:
                stripped_first = at
            stripped_last = at + length
            if broken_first < 0:
                broken_first = code
            ends_in_ellipsis = code == _ELLIPSIS
            if code == _DOT:
                run += 1
                dots = dots + 1 if dots_end == at else np.int64(1)
                dots_end = at + 1
            else:
                dots = zero
                if code == _HASH:
                    row[HASHES] += 1
                elif code == _ELLIPSIS:
                    row[ELLIPSES] += 1
        elif code == _RETURN and at + 1 < end and data[at + 1] == _NEWLINE:
            # The newline is a part of this line break.
            row[BROKEN_LINES] -= 1
        chars += 1
        at += length
    row[CHARS] = chars
    _count_paragraphs(
        data, size, min(stripped_first, stripped_last), stripped_last, slots, entries, state, row
    )


@kernel
def _count_paragraphs(data, size, begin, end, slots, entries, state, row):
    start = begin
    at = begin
    while True:
        while at < end and not (data[at] == _NEWLINE and data[at + 1] == _NEWLINE):
            at += 1
        row[PARAGRAPHS] += 1
        if _is_copy(data, size, start, at, _PARAGRAPH, slots, entries, state):
            row[PARAGRAPH_COPIES] += 1
            for byte in range(start, at):
                row[PARAGRAPH_COPY_CHARS] += (data[byte] & 0xC0) != 0x80
        if at >= end:
            return
        while at < end and data[at] == _NEWLINE:
            at += 1
        start = at
