"""Packing, by building the whole stream."""

from __future__ import annotations


def windows_of(
    documents: list[tuple[str, list[int]]], end: int, length: int
) -> list[tuple[list[int], list[int], list[tuple[str, int, int]]]]:
    """Inputs, targets and (id, start, count) of each full window over documents in order.

    A document's tokens come with its end token at their end.
    """
    stream = [end]
    origin: list[tuple[int, str, int]] = [(-1, "", -1)]
    for place, (name, tokens) in enumerate(documents):
        for offset, token in enumerate(tokens):
            stream.append(token)
            origin.append((place, name, offset))
    found = []
    for i in range((len(stream) - 1) // length):
        inputs = stream[i * length : (i + 1) * length]
        targets = stream[i * length + 1 : (i + 1) * length + 1]
        spans: list[list] = []
        for place, name, offset in origin[i * length + 1 : (i + 1) * length + 1]:
            if spans and spans[-1][0] == place:
                spans[-1][3] += 1
            else:
                spans.append([place, name, offset, 1])
        found.append((inputs, targets, [(n, s, c) for _, n, s, c in spans]))
    return found
