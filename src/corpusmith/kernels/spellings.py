"""The distinct spellings of a document's tokens: a table, and what it says of its words.

A spelling of up to 15 bytes is its own key, in two machine words; of a longer one the key is a
hash, and its bytes decide. All else that is the same wherever a spelling stands (whether it is a
word, its characters) is looked at once for each spelling, not for each token.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import HALF, MULTIPLIER, equal_bytes, hash_long, load64, short_key
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.marks import SHORT, bits_at, count_between
from corpusmith.kernels.segments import BASE, ENTRIES, MASK, SLOTS
from corpusmith.kernels.vectors import count_bits

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's eight (Rae et al. 2021, appendix A1)."""

# Fields of an entry; `segments.new_table` makes the table.
KEY, MORE, USES = range(3)
FIELDS = 3
"""Key, two words: up to 15 bytes and, as the last one, their number; of longer ones a hash, their
number, and 255 as the last byte. First byte of the first occurrence, from the document's beginning
on, << 32 | occurrences."""

_STOP_KEYS = np.array([int.from_bytes(word.encode(), "little") for word in STOP_WORDS], np.uint64)
_NOT_ASCII = np.uint64(0x8080808080808080)
_CASE_BITS = np.uint64(0x2020202020202020)
_NONE = np.uint64(0)
_OTHER_MULTIPLIER = np.uint64(0xC2B2AE3D27D4EB4F)  # odd; the second prime of xxHash
_TIMES = np.int64(0xFFFFFFFF)
_LONGEST_KEY = 15  # bytes
_LONG = np.int64(255)
_LENGTH_AT = np.uint64(56)
# By length: what of 8 bytes belongs to a spelling, and what of the next 8.
_FIRST = np.array([(1 << 8 * min(n, 8)) - 1 for n in range(_LONGEST_KEY + 1)], np.uint64)
_SECOND = np.array([(1 << 8 * max(n - 8, 0)) - 1 for n in range(_LONGEST_KEY + 1)], np.uint64)


@inlined
def spelling_key(data, size, start, length):
    """The key of `data[start:start + length]`, not empty: two uint64."""
    if length > _LONGEST_KEY:
        more = np.uint64(length) | np.uint64(_LONG) << _LENGTH_AT
        return np.uint64(hash_long(data, size, start, length)), more
    more = np.uint64(length) << _LENGTH_AT
    if start + 16 > size:
        return (
            short_key(data, size, start, min(length, 8)),
            short_key(data, size, start + 8, length - 8) | more,
        )
    first = load64(data, start) & _FIRST[np.uint64(length)]
    return first, (load64(data, start + 8) & _SECOND[np.uint64(length)]) | more


@inlined
def _hash(key, more):
    value = key * MULTIPLIER + more * _OTHER_MULTIPLIER
    return np.int64(value ^ (value >> HALF))


@inlined
def find_spelling(data, size, begin, start, length, slots, entries, base, mask, count):
    """The entry, among `count` entries, of the `length` bytes from `start` on in the document that
    begins at `begin`; `count` itself where it is new. It is counted.

    The next entry is written in any case: an empty slot "finds" it, so that one comparison
    serves both. Whether a spelling is new is hard to guess, for a processor too.
    """
    key, more = spelling_key(data, size, begin + start, length)
    field = FIELDS * count
    entries[field + KEY] = np.int64(key)
    entries[field + MORE] = np.int64(more)
    entries[field + USES] = start << 32
    slot = _hash(key, more) & mask
    while True:
        found = np.int64(slots[slot]) - base
        found = count if found < 0 else found
        field = FIELDS * found
        if (
            (np.uint64(entries[field + KEY]) == key) & (np.uint64(entries[field + MORE]) == more)
        ) and (
            length <= _LONGEST_KEY
            or equal_bytes(data, size, begin + (entries[field + USES] >> 32), begin + start, length)
        ):
            break
        slot = (slot + 1) & mask
    slots[slot] = base + found
    entries[field + USES] += 1
    return found


@kernel
def grow_spellings(slots, entries, state):
    """Four times the slots, where the table has filled its share of them."""
    count = state[ENTRIES]
    mask = min(4 * (state[MASK] + 1), state[SLOTS]) - 1
    base = state[BASE] + count
    for entry in range(count):
        field = FIELDS * entry
        slot = _hash(np.uint64(entries[field + KEY]), np.uint64(entries[field + MORE])) & mask
        while slots[slot] >= base:
            slot = (slot + 1) & mask
        slots[slot] = base + entry
    state[BASE] = base
    state[MASK] = mask


@inlined
def stop_words(key, length):
    """(Whether the word with this key, of 2 to 4 bytes, is a stop word as it is, in any case)."""
    low = key | (_CASE_BITS >> np.uint64(64 - 8 * length))
    known = np.int64(0)
    for word in range(_STOP_KEYS.shape[0]):
        known |= np.int64(low == _STOP_KEYS[word])
    known &= np.int64((key & _NOT_ASCII) == np.uint64(0))
    return known & np.int64(key == low), known


@kernel
def summarize(entries, count, letter_bits, naming_bits, inner_bits, lengths, chars, counts):
    """Of the document: (distinct stop words in lower case as they are, occurrences in any case,
    words, their characters, tokens with a letter, twice the median of the words' lengths).

    Fills `chars` with each spelling's characters, negative for a symbol, and `counts` with its
    occurrences. datatrove counts the first on words as spelled, DCLM the second on words in lower
    case. `lengths` is memory for a count of each length, zeros before and after. Without words the
    median is 0.
    """
    distinct, occurrences = np.int64(0), np.int64(0)
    words, word_chars, letter_words = np.int64(0), np.int64(0), np.int64(0)
    longest = np.int64(0)
    for entry in range(count):
        times = entries[FIELDS * entry + USES] & _TIMES
        start = entries[FIELDS * entry + USES] >> 32
        more = np.uint64(entries[FIELDS * entry + MORE])
        length = np.int64(more >> _LENGTH_AT)
        if length == _LONG:
            length = np.int64(more ^ np.uint64(_LONG) << _LENGTH_AT)
        if length <= SHORT:
            is_word = np.int64(bits_at(naming_bits, start, length) != _NONE)
            has_letter = np.int64(bits_at(letter_bits, start, length) != _NONE)
            characters = length - count_bits(bits_at(inner_bits, start, length))
        else:
            is_word = np.int64(count_between(naming_bits, start, start + length) > 0)
            has_letter = np.int64(count_between(letter_bits, start, start + length) > 0)
            characters = length - count_between(inner_bits, start, start + length)
        counts[entry] = times
        chars[entry] = characters if is_word else -characters
        characters *= is_word  # symbols as words of no length
        words += is_word * times
        word_chars += characters * times
        letter_words += has_letter * times
        if 2 <= length <= 4:
            as_is, any_case = stop_words(np.uint64(entries[FIELDS * entry + KEY]), length)
            distinct += as_is
            occurrences += any_case * times
        longest = max(longest, characters)
        lengths[characters] += times
    lengths[0] = 0
    lower = np.int64(0)
    below = np.int64(0)
    while below <= (words - 1) // 2 and lower < longest:
        lower += 1
        below += lengths[lower]
    upper = lower
    while below <= words // 2 and upper < longest:  # the other middle word, of an even number
        upper += 1
        below += lengths[upper]
    for length in range(longest + 1):
        lengths[length] = 0
    median_twice = lower + upper if words > 0 else np.int64(0)
    return distinct, occurrences, words, word_chars, letter_words, median_twice
