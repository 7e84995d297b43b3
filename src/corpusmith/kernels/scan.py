"""One pass over the bytes of a document: characters, words, lines, paragraphs, sentences.

Fills one row of counters a document (`COUNTS`) and numbers the tokens by spelling for the
n-grams (`repeats.py`). Tokens are as in `chars.py`; a *word* is a WORD or SINGLE token with a
letter or number in it, every other token is a symbol.

Lines end at "\\n", paragraphs at two or more. Sentences end at a line's end, at 。 and its
like, and at `. ? !`, closing quotes after them included, before white space; a stretch
without a word is none. Abbreviations ("e.g. this") are not known to it and end one.

An invalid byte of UTF-8 (Arrow promises that there is none) counts as a symbol.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.chars import (
    CLOSER,
    EXTEND,
    KIND,
    PHRASE,
    SENTENCE_NOW,
    SENTENCE_SPACE,
    SINGLE,
    SPACE,
    WORD,
)
from corpusmith.kernels.hashing import hash_bytes
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.lines import (
    CHARS,
    CURLY,
    DIGITS,
    DOTS3,
    ELLIPSES,
    FOUND_LOREM,
    HASHES,
    LETTER_WORDS,
    LETTERS,
    LINES,
    LOREM,
    MEDIAN_TWICE,
    NEWLINES,
    NUMBERS,
    SENTENCES,
    SPACED_DOTS,
    STOP_DISTINCT,
    STOP_WORD_COUNT,
    TOKENS,
    UPPER,
    WORD_CHARS,
    WORDS,
    end_line,
    end_paragraph,
    find_phrase,
    is_ellipsis,
)
from corpusmith.kernels.segments import (
    ENTRIES,
    begin_document,
    find_or_add,
    median_twice,
    stop_words,
)

_HASH, _CURLY, _DOT, _BLANK = b"#{. "
_LOW = np.int64(0xFFFFFFFF)


@inlined
def class_at(data, at, end, roots, leaves):
    """(Class index, bytes) of the character at `at` that is not ASCII."""
    first = np.int64(data[at])
    code = np.int64(0xFFFD)
    size = 1
    if 0xC2 <= first < 0xE0 and at + 1 < end:
        code = (first & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F)
        size = 2
    elif 0xE0 <= first < 0xF0 and at + 2 < end:
        code = (
            (first & 0x0F) << 12
            | (np.int64(data[at + 1]) & 0x3F) << 6
            | (np.int64(data[at + 2]) & 0x3F)
        )
        size = 3
    elif 0xF0 <= first < 0xF5 and at + 3 < end:
        code = (
            (first & 0x07) << 18
            | (np.int64(data[at + 1]) & 0x3F) << 12
            | (np.int64(data[at + 2]) & 0x3F) << 6
            | (np.int64(data[at + 3]) & 0x3F)
        )
        size = 4
        if code > 0x10FFFF:
            code = np.int64(0xFFFD)
    return 256 + np.int64(leaves[np.int64(roots[code >> 7]) << 7 | (code & 127)]), size


@kernel
def scan_document(
    data, size, begin, end,
    flags, letters_upper, digits_numbers, roots, leaves,
    slots, spellings, state,
    line_slots, line_entries, line_state,
    row, ids, id_at, spelling_chars,
):  # fmt: skip
    """Scan `data[begin:end]`: fill `row`, write the tokens' spelling numbers to `ids[id_at:]`,
    and the length of each spelling to `spelling_chars` (characters, negative for a symbol).

    The arrays are those of `chars.Classes` and of two `segments.Table`s, for spellings and for
    lines with paragraphs; the tables are left filled with this document. Returns the tokens.
    """
    zero = np.int64(0)  # so that no function is compiled once more for the literal 0
    begin_document(slots, state, min((end - begin) >> 4, 1024 + ((end - begin) >> 7)))
    begin_document(line_slots, line_state, (end - begin) >> 6)
    tokens = zero
    letters_and_upper = zero
    digits_and_numbers = zero
    extra = zero  # bytes beyond one a character, up to `at`
    spaced_dots_from = begin  # the next ". . ." may begin here
    has_word = False  # since the last end of a sentence
    pending = False  # . ? ! seen, and nothing but closing quotes since
    found = zero  # phrases in this line
    # The line, and what is not white space in it: byte and `extra` at each place.
    line_start, line_extra = begin, zero
    first, first_extra = end, zero
    last, last_extra, last_flags = begin, zero, zero
    # The paragraph; raw ends wait for the next paragraph, since the last one of a text is
    # stripped at its end.
    part_start, part_extra = begin, zero
    part_first, part_first_extra = zero - 1, zero
    part_last, part_last_extra = begin, zero
    wait_start, wait_stop, wait_chars, wait_cut = zero - 1, zero, zero, zero
    wait_first, wait_last, wait_stripped = zero, zero, zero
    at = begin
    while at < end:
        byte = data[at]
        if byte < 128:
            index = np.int64(byte)
            size = 1
        else:
            index, size = class_at(data, at, end, roots, leaves)
        head = flags[index]
        kind = head & KIND
        if kind == SPACE:
            if pending:
                row[SENTENCES] += 1
                pending = False
                has_word = False
            if byte != 10:
                at += size
                extra += size - 1
                while at < end and data[at] == 32:
                    at += 1
                continue
            if has_word:
                row[SENTENCES] += 1
                has_word = False
            chars = at - line_start - (extra - line_extra)
            stripped = last - first - (last_extra - first_extra)
            end_line(
                data,
                size,
                line_start,
                at,
                chars,
                first,
                last,
                stripped,
                last_flags,
                found,
                line_slots,
                line_entries,
                line_state,
                row,
            )
            if found & FOUND_LOREM:
                row[LOREM] = 1
            found = zero
            if first < last:
                if part_first < 0:
                    part_first, part_first_extra = first, first_extra
                part_last, part_last_extra = last, last_extra
            stop = at
            at += 1
            while at < end and data[at] == 10:
                at += 1
            row[NEWLINES] += at - stop
            row[LINES] += at - stop - 1  # empty lines
            if at - stop > 1:
                if part_first >= 0:
                    if wait_start >= 0:
                        end_paragraph(
                            data, size, wait_start, wait_stop, wait_chars, wait_first, wait_last,
                            wait_stripped, line_slots, line_entries, line_state, row,
                        )  # fmt: skip
                    else:  # the first one: stripped at its beginning
                        part_start, part_extra = part_first, part_first_extra
                    wait_start, wait_stop = part_start, stop
                    wait_chars = stop - part_start - (extra - part_extra)
                    wait_cut = part_last - part_start - (part_last_extra - part_extra)
                    wait_first, wait_last = part_first, part_last
                    wait_stripped = part_last - part_first - (part_last_extra - part_first_extra)
                part_start, part_extra = at, extra
                part_first = zero - 1
            line_start, line_extra = at, extra
            first = end
            last = at
            continue
        # A token: [start, at) with `extra` bytes beyond its characters.
        start = at
        start_extra = extra
        if first == end:
            first, first_extra = start, extra
        at += size
        extra += size - 1
        is_word = False
        if kind == WORD:
            a = letters_upper[index]
            b = digits_numbers[index]
            if head & PHRASE:
                found |= find_phrase(data, start, begin, end)
            while at < end:
                byte = data[at]
                if byte < 128:
                    index = np.int64(byte)
                    flag = flags[index]
                    if flag & KIND != WORD:
                        break
                    if flag & PHRASE:
                        found |= find_phrase(data, at, begin, end)
                    at += 1
                else:
                    index, size = class_at(data, at, end, roots, leaves)
                    kind = flags[index] & KIND
                    if kind != WORD and kind != EXTEND:
                        break
                    at += size
                    extra += size - 1
                a += letters_upper[index]
                b += digits_numbers[index]
            letters_and_upper += a
            digits_and_numbers += b
            is_word = (a | b) != 0
            if a != 0:
                row[LETTER_WORDS] += 1
            last_flags = zero
        else:
            last_flags = head
            if kind == SINGLE:
                is_word = True
                letters_and_upper += letters_upper[index]
                digits_and_numbers += digits_numbers[index]
                if letters_upper[index] != 0:
                    row[LETTER_WORDS] += 1
                last_flags = zero
            elif kind != EXTEND:
                # A symbol: all the same characters that follow it.
                if size == 1:
                    while at < end and data[at] == byte:
                        at += 1
                    if byte == _HASH:
                        row[HASHES] += at - start
                    elif byte == _CURLY:
                        row[CURLY] += at - start
                    elif byte == _DOT:
                        row[DOTS3] += (at - start) // 3
                        if (
                            start - 4 >= spaced_dots_from
                            and data[start - 1] == _BLANK
                            and data[start - 2] == _DOT
                            and data[start - 3] == _BLANK
                            and data[start - 4] == _DOT
                        ):
                            row[SPACED_DOTS] += 1
                            spaced_dots_from = start + 1
                else:
                    same = True
                    while same and at + size <= end:
                        for offset in range(size):
                            if data[at + offset] != data[start + offset]:
                                same = False
                        if same:
                            at += size
                            extra += size - 1
                    if size == 3 and is_ellipsis(data, start):
                        row[ELLIPSES] += (at - start) // 3
            # Marks belong to what they follow.
            while at < end and data[at] >= 128:
                index, size = class_at(data, at, end, roots, leaves)
                if flags[index] & KIND != EXTEND:
                    break
                at += size
                extra += size - 1
                last_flags = zero
        last, last_extra = at, extra
        length = at - start
        number = find_or_add(
            data,
            size,
            start,
            length,
            hash_bytes(data, size, start, length),
            zero,
            slots,
            spellings,
            state,
        )
        ids[id_at + tokens] = number
        tokens += 1
        chars = length - (extra - start_extra)
        if is_word:
            spelling_chars[number] = chars
            row[WORDS] += 1
            row[WORD_CHARS] += chars
            has_word = True
            pending = False
        else:
            spelling_chars[number] = -chars
            if head & SENTENCE_NOW:
                if has_word:
                    row[SENTENCES] += 1
                has_word = False
                pending = False
            elif head & SENTENCE_SPACE:
                pending = has_word
            elif not head & CLOSER:
                pending = False
    if has_word:
        row[SENTENCES] += 1
    if at > line_start:
        chars = at - line_start - (extra - line_extra)
        stripped = last - first - (last_extra - first_extra)
        end_line(
            data,
            size,
            line_start,
            at,
            chars,
            first,
            last,
            stripped,
            last_flags,
            found,
            line_slots,
            line_entries,
            line_state,
            row,
        )
        if found & FOUND_LOREM:
            row[LOREM] = 1
        if first < last:
            if part_first < 0:
                part_first, part_first_extra = first, first_extra
            part_last, part_last_extra = last, last_extra
    if part_first >= 0:
        if wait_start >= 0:
            end_paragraph(
                data, size, wait_start, wait_stop, wait_chars, wait_first, wait_last, wait_stripped,
                line_slots, line_entries, line_state, row,
            )  # fmt: skip
        else:
            part_start, part_extra = part_first, part_first_extra
        stripped = part_last - part_first - (part_last_extra - part_first_extra)
        chars = part_last - part_start - (part_last_extra - part_extra)
        end_paragraph(
            data,
            size,
            part_start,
            part_last,
            chars,
            part_first,
            part_last,
            stripped,
            line_slots,
            line_entries,
            line_state,
            row,
        )
    elif wait_start >= 0:
        end_paragraph(
            data, size, wait_start, wait_last, wait_cut, wait_first, wait_last, wait_stripped,
            line_slots, line_entries, line_state, row,
        )  # fmt: skip
    row[CHARS] = end - begin - extra
    row[LETTERS] = letters_and_upper & _LOW
    row[UPPER] = letters_and_upper >> 32
    row[DIGITS] = digits_and_numbers & _LOW
    row[NUMBERS] = digits_and_numbers >> 32
    row[TOKENS] = tokens
    row[STOP_DISTINCT], row[STOP_WORD_COUNT] = stop_words(data, size, spellings, state[ENTRIES])
    row[MEDIAN_TWICE] = median_twice(spellings, state[ENTRIES], spelling_chars, row[WORDS])
    return tokens
