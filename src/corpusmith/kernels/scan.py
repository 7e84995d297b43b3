"""One pass over a document's tokens and lines: words, lines, paragraphs, sentences.

Fills one row of counters a document (`COUNTS`) and numbers the tokens by spelling for the
n-grams (`repeats.py`). Where tokens and lines are, `marks.py` finds first. A *word* is a WORD or
SINGLE token with a letter or number in it, every other token is a symbol.

Lines end at "\\n", paragraphs at two or more. Sentences end at a line's end, at 。 and its
like, and at `. ? !`, closing quotes after them included, before white space; a stretch
without a word is none. Abbreviations ("e.g. this") are not known to it and end one.

Of bytes that are no UTF-8 (Arrow promises that there are none) it says only that they do no harm.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.chars import CLOSER, EXTEND, KIND, SENTENCE_NOW, SPACE
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.lines import (
    CHARS,
    DOTS3,
    FOUND_LOREM,
    LETTER_WORDS,
    LINES,
    LOREM,
    MEDIAN_TWICE,
    SENTENCES,
    SPACED_DOTS,
    STOP_DISTINCT,
    STOP_WORD_COUNT,
    TOKENS,
    UNKNOWN,
    WORD_CHARS,
    WORDS,
    end_line,
    end_paragraph,
    find_phrase,
)  # fmt: skip
from corpusmith.kernels.marks import class_at, inner_up_to, mark_document
from corpusmith.kernels.segmenter import segment_tokens
from corpusmith.kernels.segments import BASE, ENTRIES, MASK, SLOTS, begin_document
from corpusmith.kernels.spellings import find_spelling, grow_spellings, summarize
from corpusmith.kernels.vectors import BLOCK, lowest_bit, next_bit

_DOT, _BLANK = b". "
_NONE, _ONE = np.uint64(0), np.uint64(1)


@kernel
def _ends_sentence(data, at, end, flags, roots, leaves):
    """Whether white space follows after closing quotes and brackets, or the document's end."""
    while at < end:
        byte = data[at]
        index, size = np.int64(byte), 1
        if byte >= 128:
            index, size = class_at(data, at, end, roots, leaves)
        if flags[index] & KIND == SPACE:
            return True
        if not flags[index] & CLOSER and flags[index] & KIND != EXTEND:
            return False
        at += size
    return True


@inlined
def _last_flags(data, begin, last, flags, roots, leaves):
    """The flags of the character that ends before `last`."""
    at = last - 1
    if data[at] < 128:
        return flags[np.int64(data[at])]
    while at > begin and data[at] & 0xC0 == 0x80:
        at -= 1
    return flags[class_at(data, at, last, roots, leaves)[0]]


@kernel
def _next_phrase(data, begin, end, rare, place):
    """(Place, what) of the first phrase whose rare letter stands at `place` or later."""
    length = end - begin
    block = place >> 6
    while BLOCK * block < length:
        bits = rare[block]
        if place > BLOCK * block:
            bits &= ~((_ONE << np.uint64(place & 63)) - _ONE)
        while bits != _NONE:
            here = BLOCK * block + lowest_bit(bits)
            found = find_phrase(data, begin + here, begin, end)
            if found:
                return here, found
            bits &= bits - _ONE
        block += 1
    return length + 1, 0


@inlined
def _dots(data, start, stop, spaced_from, row):
    """Count `...` and `. . .` of the run of dots that begins at `start`; returns from where on
    the next `. . .` may begin."""
    at = start + 1
    while at < stop and data[at] == _DOT:
        at += 1
    row[DOTS3] += (at - start) // 3
    if (
        start - 4 >= spaced_from
        and data[start - 1] == _BLANK
        and data[start - 2] == _DOT
        and data[start - 3] == _BLANK
        and data[start - 4] == _DOT
    ):
        row[SPACED_DOTS] += 1
        spaced_from = start + 1
    return spaced_from


@kernel
def _is_end(data, start, end, flags, roots, leaves):
    """Whether the symbol that begins at `start`, with all the same ones behind it, ends a sentence,
    if there is a word before it."""
    after = start + 1
    if data[start] >= 128:
        index, size = class_at(data, start, end, roots, leaves)
        if flags[index] & SENTENCE_NOW:
            return True
        after = start + size
    size = after - start
    while after + size <= end:
        for offset in range(size):
            if data[after + offset] != data[start + offset]:
                return _ends_sentence(data, after, end, flags, roots, leaves)
        after += size
    return _ends_sentence(data, after, end, flags, roots, leaves)


@kernel
def _number_tokens(data, size, begin, starts, ends, tokens, slots, spellings, state, ids):
    """Number the tokens by spelling; returns the spellings."""
    base, mask, all_slots = state[BASE], state[MASK], state[SLOTS]
    entries = np.int64(0)
    for token in range(tokens):
        start = np.int64(starts[token])
        found = find_spelling(
            data, size, begin, start, ends[token] - start, slots, spellings, base, mask, entries
        )
        ids[token] = found
        entries += np.int64(found == entries)
        if 4 * entries > mask and mask + 1 < all_slots:
            state[ENTRIES] = entries
            grow_spellings(slots, spellings, state)
            base, mask = state[BASE], state[MASK]
    state[ENTRIES] = entries
    return entries


@kernel
def scan_document(
    data, size, begin, end,
    flags, letters_upper, digits_numbers, roots, leaves,
    slots, spellings, state,
    line_slots, line_entries, line_state,
    letter_bits, naming_bits, inner_bits, rare_bits, ender_bits, inner_before,
    starts, ends, newlines, line_tokens, edge, lengths,
    han, word_slots, word_costs, word_fields, fold, codes, firsts, sums, backs, known,
    row, ids, spelling_chars, spelling_counts,
):  # fmt: skip
    """Scan `data[begin:end]`: fill `row`, write the tokens' spelling numbers to `ids`, the length
    of each spelling to `spelling_chars` (characters, negative for a symbol) and its occurrences
    to `spelling_counts`.

    The arrays are those of `chars.Classes`, of two `segments.Table`s, for spellings and for lines
    with paragraphs, and of `marks.Marks`; they are left filled with this document, but for
    `lengths`, zeros before and after. Returns the tokens.
    """
    zero = np.int64(0)  # so that no function is compiled once more for the literal 0
    tokens, lines, inner_bytes = mark_document(
        data, size, begin, end, flags, letters_upper, digits_numbers, roots, leaves, letter_bits,
        naming_bits, inner_bits, rare_bits, ender_bits, inner_before, starts, ends, newlines,
        line_tokens, edge, row,
    )  # fmt: skip
    if han >= 0:
        tokens = segment_tokens(
            data, begin, end, flags, roots, leaves, han, word_slots, word_costs, word_fields, fold,
            codes, firsts, sums, backs, known, starts, ends, tokens, line_tokens, lines,
        )  # fmt: skip
    begin_document(slots, state, min((end - begin) >> 4, 1024 + ((end - begin) >> 7)))
    begin_document(line_slots, line_state, (end - begin) >> 6)
    entries = _number_tokens(data, size, begin, starts, ends, tokens, slots, spellings, state, ids)
    length = end - begin
    ender = next_bit(ender_bits, zero, length)
    next_word = next_bit(naming_bits, zero, length)  # the first behind the last sentence's end
    spaced_dots_from = begin  # the next ". . ." may begin here
    phrase_at, phrase = _next_phrase(data, begin, end, rare_bits, zero)
    # The paragraph; raw ends wait for the next paragraph, since the last one of a text is
    # stripped at its end. -1: nothing but white space in it.
    part_start, part_first, part_last, part_entry = zero, zero - 1, zero, UNKNOWN
    wait_start, wait_stop, wait_first, wait_last, wait_entry = zero - 1, zero, zero, zero, UNKNOWN
    next_token = zero
    line = zero
    line_start = zero
    inner_stop = zero  # bytes that begin no character, up to the line's end
    while True:
        stop = np.int64(newlines[line])
        if line == lines and stop == line_start:
            break
        first_token = next_token
        next_token = np.int64(line_tokens[line])
        while ender < stop:
            place = begin + ender
            if data[place] == _DOT:
                spaced_dots_from = _dots(data, place, end, spaced_dots_from, row)
            if next_word < ender and _is_end(data, place, end, flags, roots, leaves):
                row[SENTENCES] += 1
                next_word = next_bit(naming_bits, ender, length)
            ender = next_bit(ender_bits, ender + 1, length)
        if next_word < stop:
            row[SENTENCES] += 1
            next_word = next_bit(naming_bits, stop, length)
        found_phrases = zero
        while phrase_at < stop:
            found_phrases |= phrase
            phrase_at, phrase = _next_phrase(data, begin, end, rare_bits, phrase_at + 1)
        row[LOREM] |= np.int64(found_phrases & FOUND_LOREM != 0)
        first, last, last_flags = stop, line_start, zero
        if next_token > first_token:
            first, last = np.int64(starts[first_token]), np.int64(ends[next_token - 1])
            last_flags = _last_flags(data, begin, begin + last, flags, roots, leaves)
        inner_line = inner_stop  # newlines have none
        if inner_bytes:
            inner_stop = inner_up_to(inner_bits, inner_before, stop)
        chars, stripped = stop - line_start - (inner_stop - inner_line), last - first
        if inner_stop > inner_line:  # none of it is among ASCII's white space
            stripped -= inner_up_to(inner_bits, inner_before, last)
            stripped += inner_up_to(inner_bits, inner_before, first)
        entry = end_line(
            data, size, begin + line_start, begin + stop, chars, begin + first, begin + last,
            stripped, last_flags, found_phrases, line_slots, line_entries, line_state, row,
        )  # fmt: skip
        if first < last:
            part_entry = UNKNOWN if part_first >= 0 else entry
            part_first = first if part_first < 0 else part_first
            part_last = last
        if line == lines:
            break
        run = np.int64(1)
        while line + run < lines and newlines[line + run] == stop + run:
            run += 1
        line += run
        line_start = stop + run
        if run == 1:
            continue
        row[LINES] += run - 1  # empty lines
        if part_first >= 0:
            if wait_start >= 0:
                _end_paragraph(
                    data, size, begin, wait_start, wait_stop, wait_first, wait_last, wait_entry,
                    inner_bits, inner_before, line_slots, line_entries, line_state, row,
                )  # fmt: skip
            else:  # the first one: stripped at its beginning
                part_start = part_first
            wait_start, wait_stop = part_start, stop
            wait_first, wait_last, wait_entry = part_first, part_last, part_entry
        part_start, part_first, part_entry = line_start, zero - 1, UNKNOWN
    if part_first >= 0:
        if wait_start >= 0:
            _end_paragraph(
                data, size, begin, wait_start, wait_stop, wait_first, wait_last, wait_entry,
                inner_bits, inner_before, line_slots, line_entries, line_state, row,
            )  # fmt: skip
        else:
            part_start = part_first
        wait_start = part_start
        wait_first, wait_last, wait_entry = part_first, part_last, part_entry
    if wait_start >= 0:  # the last one: stripped at its end
        _end_paragraph(
            data, size, begin, wait_start, wait_last, wait_first, wait_last, wait_entry,
            inner_bits, inner_before, line_slots, line_entries, line_state, row,
        )  # fmt: skip
    row[CHARS] = end - begin - inner_bytes
    row[TOKENS] = tokens
    (
        row[STOP_DISTINCT], row[STOP_WORD_COUNT], row[WORDS], row[WORD_CHARS], row[LETTER_WORDS],
        row[MEDIAN_TWICE],
    ) = summarize(
        spellings, entries, letter_bits, naming_bits, inner_bits, lengths, spelling_chars,
        spelling_counts,
    )  # fmt: skip
    return tokens


@kernel
def _end_paragraph(
    data, size, begin, start, stop, first, last, entry, inner_bits, inner_before,
    slots, entries, state, row,
):  # fmt: skip
    """`lines.end_paragraph` for places within the document that begins at `begin`."""
    chars = stop - start - inner_up_to(inner_bits, inner_before, stop)
    chars += inner_up_to(inner_bits, inner_before, start)
    stripped = last - first - inner_up_to(inner_bits, inner_before, last)
    stripped += inner_up_to(inner_bits, inner_before, first)
    end_paragraph(
        data, size, begin + start, begin + stop, chars, begin + first, begin + last, stripped,
        entry, slots, entries, state, row,
    )  # fmt: skip
