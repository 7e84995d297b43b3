"""Suffix arrays in linear time (SA-IS, Nong, Zhang and Chan 2009), of bytes or of numbers.

    array = suffix_array(values)          int32[n]: the suffixes in order
    common = common_prefixes(values, array)
                                          int32[n]: of each suffix, the items it shares with the
                                          one before it in `array`

Memory at most: 11 bytes an item for bytes, 14 for int32, of which 4 are the result. A suffix that
is the beginning of another stands before it, as if followed by an item smaller than all.
"""

from __future__ import annotations

import numpy as np

from corpusmith.errors import CorpusmithError
from corpusmith.kernels.jit import kernel

MOST_ITEMS = 2**31 - 2


def suffix_array(values: np.ndarray) -> np.ndarray:
    """int32[n]: where the suffixes of `values` begin, in lexicographic order.

    `values` is uint8[n], or int32[n] of numbers from 0 on, best without gaps (counters are held
    for all up to the largest). CorpusmithError for another type, a negative number, or 2^31 - 1
    items and more.
    """
    if values.dtype not in (np.uint8, np.int32) or values.ndim != 1:
        raise CorpusmithError(
            f"a suffix array of {values.dtype}[{values.ndim} axes]", expected="uint8 or int32, one"
        )
    if len(values) > MOST_ITEMS:
        raise CorpusmithError(
            f"a suffix array of {len(values):,} items", expected=f"at most {MOST_ITEMS:,}"
        )
    values = np.ascontiguousarray(values).view()
    values.setflags(write=False)
    if len(values) and values.min() < 0:
        raise CorpusmithError("a suffix array of negative numbers", expected="numbers from 0 on")
    return _sorted(values)


def _sorted(values: np.ndarray) -> np.ndarray:
    count = len(values)
    if count == 0:
        return np.zeros(0, np.int32)
    largest = int(values.max())
    rising = np.empty(count, np.bool_)
    heads = np.zeros(largest + 2, np.int32)
    middles = np.zeros(largest + 2, np.int32)
    bottoms = np.empty(_classify(values, rising, heads, middles), np.int32)
    _list_bottoms(rising, bottoms)
    buckets = np.empty(largest + 2, np.int32)
    array = np.empty(count, np.int32)
    _induce(values, rising, heads, middles, buckets, bottoms, array)
    if len(bottoms) == 0:
        return array
    # Sorted by their pieces; where two pieces are equal, the order of what follows decides, which
    # is that of the suffixes of the shorter text of their names.
    names = np.full(count // 2 + 1, -1, np.int32)  # of a bottom at i in i // 2: none are neighbours
    different = _name_pieces(values, rising, array, names)
    del array
    reduced = np.empty(len(bottoms), np.int32)
    for_each = bottoms >> 1
    np.take(names, for_each, out=reduced)
    del names, for_each
    if different == len(bottoms):
        order = np.empty(len(bottoms), np.int32)
        order[reduced] = np.arange(len(bottoms), dtype=np.int32)
    else:
        reduced.setflags(write=False)
        order = _sorted(reduced)
    del reduced
    bottoms = bottoms[order]
    del order
    array = np.empty(count, np.int32)
    _induce(values, rising, heads, middles, buckets, bottoms, array)
    return array


@kernel
def _classify(values, rising, heads, middles):
    """Mark the suffixes that are smaller than the next one (type S), and count items.

    `heads[v]` becomes where the suffixes that begin with v begin in the array, `middles[v]` where
    those of type S among them do. Returns the number of bottoms: an S after one that is not.
    """
    count = values.shape[0]
    rising[count - 1] = False
    middles[values[count - 1]] += 1
    bottoms = 0
    for at in range(count - 2, -1, -1):
        value = values[at]
        rising[at] = value < values[at + 1] or (value == values[at + 1] and rising[at + 1])
        if rising[at]:
            heads[value] += 1
        else:
            middles[value] += 1
            if rising[at + 1]:
                bottoms += 1
    total = np.int32(0)
    for value in range(heads.shape[0]):
        falling, all_ = middles[value], middles[value] + heads[value]
        heads[value] = total
        middles[value] = total + falling
        total += all_
    return bottoms


@kernel
def _list_bottoms(rising, bottoms):
    count = 0
    for at in range(1, rising.shape[0]):
        if rising[at] and not rising[at - 1]:
            bottoms[count] = at
            count += 1


@kernel
def _induce(values, rising, heads, middles, buckets, bottoms, array):
    """From bottoms in some order to all suffixes, sorted as far as that order is."""
    count = values.shape[0]
    for at in range(count):
        array[at] = -1
    for value in range(buckets.shape[0]):
        buckets[value] = middles[value]
    for index in range(bottoms.shape[0]):
        value = values[bottoms[index]]
        array[buckets[value]] = bottoms[index]
        buckets[value] += 1
    # Type L from the left, each by the suffix after it.
    for value in range(buckets.shape[0]):
        buckets[value] = heads[value]
    last = values[count - 1]
    array[buckets[last]] = count - 1
    buckets[last] += 1
    for place in range(count):
        at = array[place] - 1
        if at >= 0 and not rising[at]:
            value = values[at]
            array[buckets[value]] = at
            buckets[value] += 1
    # Type S from the right; no item is larger than all, so `value + 1` is there.
    for value in range(buckets.shape[0]):
        buckets[value] = heads[value]
    for place in range(count - 1, -1, -1):
        at = array[place] - 1
        if at >= 0 and rising[at]:
            value = np.int64(values[at]) + 1
            buckets[value] -= 1
            array[buckets[value]] = at


@kernel
def _name_pieces(values, rising, array, names):
    """Number the pieces from bottom to bottom in their order; returns how many differ."""
    count = values.shape[0]
    different = 0
    before = np.int64(-1)
    for place in range(count):
        at = np.int64(array[place])
        if at < 1 or not rising[at] or rising[at - 1]:
            continue
        if before < 0 or not _same_piece(values, rising, before, at):
            different += 1
        names[at >> 1] = different - 1
        before = at
    return different


@kernel
def _same_piece(values, rising, left, right):
    """Whether two pieces, each with the bottom that ends it, are equal."""
    count = values.shape[0]
    offset = 0
    while True:
        if left + offset >= count or right + offset >= count:
            return False  # the one at the end of the text ends before all others
        if values[left + offset] != values[right + offset]:
            return False
        if rising[left + offset] != rising[right + offset]:
            return False
        if offset > 0:
            ends = rising[left + offset] and not rising[left + offset - 1]
            if ends != (rising[right + offset] and not rising[right + offset - 1]):
                return False
            if ends:
                return True
        offset += 1


def common_prefixes(values: np.ndarray, array: np.ndarray) -> np.ndarray:
    """int32[n]: of the suffix at each place of `values`, the items that it shares with the suffix
    before it in the suffix array `array`; 0 for the first one.

    Linear by way of the text's order (Kärkkäinen, Manzini and Puglisi 2009, the array PLCP).
    """
    values = np.ascontiguousarray(values).view()
    values.setflags(write=False)
    common = np.empty(len(values), np.int32)
    if len(values):
        _common_prefixes(values, array, common)
    return common


@kernel
def _common_prefixes(values, array, common):
    count = values.shape[0]
    common[array[0]] = -1
    for place in range(1, count):
        common[array[place]] = array[place - 1]
    length = 0
    for at in range(count):
        other = np.int64(common[at])
        if other < 0:
            length = 0
        else:
            while (
                at + length < count
                and other + length < count
                and values[at + length] == values[other + length]
            ):
                length += 1
        common[at] = length
        if length > 0:
            length -= 1


def first_repeats(array: np.ndarray, common: np.ndarray, window: int) -> np.ndarray:
    """int32[n]: where the `window` items from each place on occur first; -1 where they occur once.

    `array` and `common` as above. A place whose `window` items would leave the text has -1.
    """
    first = np.full(len(array), -1, np.int32)
    _first_repeats(array, common, window, first)
    return first


@kernel
def _first_repeats(array, common, window, first):
    count = array.shape[0]
    begin = 0
    while begin < count:
        end = begin + 1
        least = array[begin]
        while end < count and common[array[end]] >= window:
            least = min(least, array[end])
            end += 1
        if end > begin + 1:
            for place in range(begin, end):
                first[array[place]] = least
        begin = end


def warm() -> None:
    """Compile every kernel of this module, for bytes and for numbers."""
    for kind in (np.uint8, np.int32):
        values = np.array([1, 0, 1, 0, 1, 1, 0, 1], kind)
        array = suffix_array(values)
        first_repeats(array, common_prefixes(values, array), 2)
