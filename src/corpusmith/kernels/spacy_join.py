"""The last step of spaCy's English tokenizer: token sequences that spell an exception are joined.

"yes:)" is `yes : )` by its affixes, and `: )` spells the exception `:)`. spaCy finds sequences with
a PhraseMatcher, whatever white space is between the tokens, and then joins those without any.
Source: spaCy 3.8, spacy/tokenizer.pyx (`_apply_special_cases` and what it calls).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.spacy_chars import NODES, PART_STARTS, ROOTS, SPELLING, find
from corpusmith.kernels.spacy_tokens import ALL_LETTERS, BEHIND_SPACE, add_exception

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
    found_starts, found_ends, found_exceptions, seen, taken,
):  # fmt: skip
    """Join the sequences of the text's tokens [first, last) that spell an exception; returns the
    number behind them then. What follows the tokens are pointers to the arrays of `Found`."""
    found = _find_sequences(
        data, size, begin, first, last, rules, starts, lengths, marks,
        found_starts, found_ends, found_exceptions,
    )  # fmt: skip
    if found == 0:
        return last
    part_starts = rules[PART_STARTS]
    longest = more = np.int64(0)
    for sequence in range(found):
        start, end = found_starts[sequence] - first, found_ends[sequence] - first
        longest = max(longest, end - start)
        for token in range(start, end):
            seen[token] = 0
            taken[token] = -1
        exception = found_exceptions[sequence]
        parts = part_starts[exception + 1] - part_starts[exception]
        more += max(parts - (end - start), 0)
    # The longest first, of equally long ones the first. One that loses still blocks what it
    # covers, and so does one with a blank in it, though that joins nothing: spaCy's way.
    for length in range(longest, 0, -1):
        for sequence in range(found):
            start, end = found_starts[sequence] - first, found_ends[sequence] - first
            if end - start != length:
                continue
            if not seen[start] and not seen[end - 1]:
                taken[start] = sequence
            for token in range(start, end):
                seen[token] = 1
    # Tokens move down in place. A few exceptions have more parts than their sequence has tokens
    # ("°C." is `° C.`, then `° C .`): all go up first by as many as they may add.
    count = token = np.int64(found_starts[0])
    if more:
        for place in range(last - 1, token - 1, -1):
            _move(place, place + more, starts, lengths, chars, marks)
    for sequence in range(found):
        start, end = np.int64(found_starts[sequence]), np.int64(found_ends[sequence])
        if taken[start - first] != sequence:
            continue
        apart = False
        for place in range(start + more, end - 1 + more):
            apart |= starts[place] + lengths[place] != starts[place + 1]
        if apart:
            continue
        count = _move_down(token + more, start + more, count, starts, lengths, chars, marks)
        behind = marks[start + more] & BEHIND_SPACE
        before = count
        count = add_exception(
            data, begin, begin + starts[start + more], np.int64(found_exceptions[sequence]), rules,
            starts, lengths, chars, marks, count,
        )  # fmt: skip
        marks[before] |= behind
        token = end
    return _move_down(token + more, last + more, count, starts, lengths, chars, marks)


@inlined
def _move(place, target, starts, lengths, chars, marks):
    starts[target], lengths[target] = starts[place], lengths[place]
    chars[target], marks[target] = chars[place], marks[place]


@kernel
def _move_down(place, end, count, starts, lengths, chars, marks):
    """Move the tokens [place, end) to `count`; returns the number behind them."""
    if place == count:
        return end
    while place < end:
        _move(place, count, starts, lengths, chars, marks)
        place += 1
        count += 1
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
            marks[token] & marks[token + 1] & ALL_LETTERS
            or (
                97 <= (data[begin + starts[token]] | 32) <= 122
                and 97 <= (data[begin + starts[token + 1]] | 32) <= 122
            )
            or marks[token + 1] & BEHIND_SPACE
        ):
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
