"""Exact substring deduplication by its definition, on lists of tokens; and suffix arrays."""

from __future__ import annotations

from collections.abc import Sequence


def removed_tokens(documents: Sequence[Sequence[str]], window: int) -> list[list[bool]]:
    """Which tokens leave: those in a window of `window` tokens that stood somewhere before, unless
    they are also in the first occurrence of a window that occurs again."""
    places: dict[tuple, list[tuple[int, int]]] = {}
    for number, tokens in enumerate(documents):
        for start in range(len(tokens) - window + 1):
            places.setdefault(tuple(tokens[start : start + window]), []).append((number, start))
    later = [[False] * len(tokens) for tokens in documents]
    first = [[False] * len(tokens) for tokens in documents]
    for occurrences in places.values():
        for index, (number, start) in enumerate(occurrences):
            for place in range(start, start + window):
                if index > 0:
                    later[number][place] = True
                elif len(occurrences) > 1:
                    first[number][place] = True
    return [
        [a and not b for a, b in zip(x, y, strict=True)] for x, y in zip(later, first, strict=True)
    ]


def suffix_array(values: Sequence[int]) -> list[int]:
    return sorted(range(len(values)), key=lambda start: list(values[start:]))


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    count = 0
    while count < min(len(left), len(right)) and left[count] == right[count]:
        count += 1
    return count
