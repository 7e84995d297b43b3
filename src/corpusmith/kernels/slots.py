"""Open addressing for n-grams: a table of places in the text, emptied by moving its base."""

from __future__ import annotations

from corpusmith.kernels.jit import inlined, kernel


@kernel
def table_size(entries):
    """Slots for so many n-grams, before rounding up: sparse while it stays in the cache."""
    return 3 * entries if entries < 1 << 18 else entries + entries // 2


@inlined
def empty_table(entries, slots, state, tokens):
    """(mask, base) of an empty table for so many entries; `state` is base and number of slots.
    Whoever uses it adds `tokens` to the base."""
    size = 64
    wanted = table_size(entries)
    while size < wanted:
        size *= 2
    base = state[0]
    if base + tokens > 0xFFFFFFFF:
        for slot in range(state[1]):
            slots[slot] = 0
        base = 1
    return size - 1, base
