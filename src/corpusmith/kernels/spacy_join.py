"""The last step of spaCy's English tokenizer: token sequences that spell an exception are joined.

"yes:)" is `yes : )` by its affixes, and `: )` spells the exception `:)`. spaCy finds sequences with
a PhraseMatcher, whatever white space is between the tokens, and then joins those without any.
Source: spaCy 3.8, spacy/tokenizer.pyx (`_apply_special_cases` and what it calls).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.jit import kernel
from corpusmith.kernels.spacy_chars import LONGEST_SEQUENCE, NODES, ROOTS, SPELLING, find
from corpusmith.kernels.spacy_en import BEHIND_SPACE, add_exception

MOST_SEQUENCES = 4  # that begin at one token; the rules have at most 3, :( :(( :(((


class Found(NamedTuple):
    """Memory for the token sequences of one text that spell an exception."""

    starts: np.ndarray  # int32
    ends: np.ndarray  # int32
    exceptions: np.ndarray  # int32
    seen: np.ndarray  # uint8, one a token
    at: np.ndarray  # int32, one a token: the sequence that begins there and is taken, or -1


def new_found(count: int) -> Found:
    many = MOST_SEQUENCES * count
    sizes = ((many, np.int32), (many, np.int32), (many, np.int32), (count, np.uint8))
    return Found(*(np.empty(size, kind) for size, kind in (*sizes, (count, np.int32))))


@kernel
def join_exceptions(
    data, size, begin, first, last, rules, starts, lengths, chars, marks,
    found_starts, found_ends, found_exceptions, seen, taken, spare, spare_marks,
):  # fmt: skip
    """Join the sequences of the text's tokens [first, last) that spell an exception; returns the
    number behind them then. What follows the tokens are pointers to the arrays of `Found`;
    `spare` (int32, 3 a token) and `spare_marks` hold the tokens while they move."""
    found = _find_sequences(
        data, size, begin, first, last, rules, starts, lengths, marks,
        found_starts, found_ends, found_exceptions,
    )  # fmt: skip
    if found == 0:
        return last
    tokens = last - first
    for token in range(tokens):
        seen[token] = 0
        taken[token] = -1
        spare[3 * token] = starts[first + token]
        spare[3 * token + 1] = lengths[first + token]
        spare[3 * token + 2] = chars[first + token]
        spare_marks[token] = marks[first + token]
    # The longest first, of equally long ones the first. One that loses still blocks what it
    # covers, and so does one with a blank in it, though that joins nothing: spaCy's way.
    for length in range(LONGEST_SEQUENCE, 0, -1):
        for sequence in range(found):
            start, end = found_starts[sequence] - first, found_ends[sequence] - first
            if end - start != length:
                continue
            if not seen[start] and not seen[end - 1]:
                taken[start] = sequence
            for token in range(start, end):
                seen[token] = 1
    count = first
    token = np.int64(0)
    while token < tokens:
        sequence = taken[token]
        end = np.int64(found_ends[sequence] - first if sequence >= 0 else token)
        for at in range(token, end - 1):
            if spare[3 * at] + spare[3 * at + 1] != spare[3 * at + 3]:
                sequence = -1
        if sequence >= 0:
            before = count
            count = add_exception(
                data, begin, begin + spare[3 * token], np.int64(found_exceptions[sequence]), rules,
                starts, lengths, chars, marks, count,
            )  # fmt: skip
            marks[before] |= spare_marks[token] & BEHIND_SPACE
            token = end
            continue
        starts[count] = spare[3 * token]
        lengths[count] = spare[3 * token + 1]
        chars[count] = spare[3 * token + 2]
        marks[count] = spare_marks[token]
        count += 1
        token += 1
    return count


@kernel
def _find_sequences(
    data, size, begin, first, last, rules, starts, lengths, marks,
    found_starts, found_ends, found_exceptions,
):  # fmt: skip
    """All sequences, with blanks between their tokens too; their number."""
    nodes, roots = rules[NODES], rules[ROOTS]
    found = np.int64(0)
    for token in range(first, last - 1):
        # One of the first two tokens of every sequence begins with no letter.
        if (
            97 <= (data[begin + starts[token]] | 32) <= 122
            and 97 <= (data[begin + starts[token + 1]] | 32) <= 122
        ) or marks[token + 1] & BEHIND_SPACE:
            continue
        spelling = find(
            data, size, begin + starts[token], np.int64(lengths[token]), SPELLING, rules
        )
        node = roots[spelling] if spelling >= 0 else spelling
        at = np.int64(token)
        while node >= 0:
            at += 1
            if nodes[4 * node + 3] >= 0:
                found_starts[found] = token
                found_ends[found] = at
                found_exceptions[found] = nodes[4 * node + 3]
                found += 1
            node = nodes[4 * node + 1]
            if node < 0 or at >= last or marks[at] & BEHIND_SPACE:
                break
            spelling = find(data, size, begin + starts[at], np.int64(lengths[at]), SPELLING, rules)
            while node >= 0 and nodes[4 * node] != spelling:
                node = nodes[4 * node + 2]
    return found
