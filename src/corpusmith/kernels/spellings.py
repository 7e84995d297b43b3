"""The distinct spellings of a document's tokens: a table, and what it says of its words.

A spelling of up to 16 bytes is its own key, in two machine words; of a longer one the key is a
hash, and its bytes decide.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import HALF, MULTIPLIER, equal_bytes, hash_long, load64, short_key
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.segments import BASE, ENTRIES, MASK, SLOTS

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's eight (Rae et al. 2021, appendix A1)."""

# Fields of an entry; `segments.new_table` makes the table.
KEY, MORE, START, USES = range(4)
FIELDS = 4
"""Key, two words; first byte of the first occurrence; bytes << 32 | occurrences."""

_STOP_KEYS = np.array([int.from_bytes(word.encode(), "little") for word in STOP_WORDS], np.uint64)
_NOT_ASCII = np.uint64(0x8080808080808080)
_CASE_BITS = np.uint64(0x2020202020202020)
_ALL, _NONE = ~np.uint64(0), np.uint64(0)
_OTHER_MULTIPLIER = np.uint64(0xC2B2AE3D27D4EB4F)  # odd; the second prime of xxHash
_TIMES = np.int64(0xFFFFFFFF)


@inlined
def spelling_key(data, size, start, length):
    """The key of `data[start:start + length]`, not empty: two uint64."""
    if length > 16:
        return np.uint64(hash_long(data, size, start, length)), _NONE
    if start + 16 > size:
        return (
            short_key(data, size, start, min(length, 8)),
            short_key(data, size, start + 8, length - 8),
        )
    first = load64(data, start) & (_ALL >> np.uint64(64 - 8 * min(length, 8)))
    second = load64(data, start + 8) & (_ALL >> np.uint64(64 - 8 * max(length - 8, 1)))
    return first, second if length > 8 else _NONE


@inlined
def _hash(key, more):
    value = key * MULTIPLIER + more * _OTHER_MULTIPLIER
    return np.int64(value ^ (value >> HALF))


@inlined
def find_spelling(data, size, start, length, slots, entries, base, mask, count):
    """The entry of `data[start:start + length]` among `count` entries; `count` itself where it
    is new. It is counted.

    The next entry is written in any case: an empty slot "finds" it, so that one comparison
    serves both. Whether a spelling is new is hard to guess, for a processor too.
    """
    key, more = spelling_key(data, size, start, length)
    field = FIELDS * count
    entries[field + KEY] = np.int64(key)
    entries[field + MORE] = np.int64(more)
    entries[field + START] = start
    entries[field + USES] = length << 32
    slot = _hash(key, more) & mask
    while True:
        found = np.int64(slots[slot]) - base
        found = count if found < 0 else found
        field = FIELDS * found
        if (
            (np.uint64(entries[field + KEY]) == key)
            & (np.uint64(entries[field + MORE]) == more)
            & (entries[field + USES] >> 32 == length)
        ) and (length <= 16 or equal_bytes(data, size, entries[field + START], start, length)):
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
def summarize(entries, count, chars, lengths, words, counts):
    """(Distinct stop words in lower case as they are, occurrences in any case, twice the median
    of the words' lengths) of the document, and `counts` the occurrences of each spelling.

    datatrove counts the first on words as spelled, DCLM the second on words in lower case.
    `chars` has each spelling's characters, negative for a symbol; `lengths` is memory for a
    count of each length, zeros before and after. Without words the median is 0.
    """
    distinct = np.int64(0)
    occurrences = np.int64(0)
    longest = np.int64(0)
    for entry in range(count):
        times = entries[FIELDS * entry + USES] & _TIMES
        length = entries[FIELDS * entry + USES] >> 32
        counts[entry] = times
        if 2 <= length <= 4:
            as_is, any_case = stop_words(np.uint64(entries[FIELDS * entry + KEY]), length)
            distinct += as_is
            occurrences += any_case * times
        characters = np.int64(max(chars[entry], 0))  # symbols as words of no length
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
    return distinct, occurrences, lower + upper if words > 0 else np.int64(0)
