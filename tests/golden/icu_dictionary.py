"""Words of a dictionary in ICU's data file (icudt*.dat), of the kind that its word breaks use.

The format is ICU's (`dictionarydata.h`, `bytestrie.h`): a header, eight numbers, and a trie over
bytes, where a byte stands for a code point from an offset on.
"""

from __future__ import annotations

import struct
from pathlib import Path

_JOINERS = {0xFF: 0x200D, 0xFE: 0x200C}


def words(data_file: Path, name: str) -> list[str]:
    """The words of `brkitr/NAME.dict`, sorted."""
    data = data_file.read_bytes()
    table = struct.unpack_from("<H", data)[0]
    count = struct.unpack_from("<I", data, table)[0]
    for index in range(count):
        name_at, at = struct.unpack_from("<II", data, table + 4 + 8 * index)
        end = data.index(b"\0", table + name_at)
        if data[table + name_at : end].endswith(f"/{name}.dict".encode()):
            break
    else:
        raise SystemExit(f"no {name}.dict in {data_file}")
    at += table
    at += struct.unpack_from("<H", data, at)[0]
    numbers = struct.unpack_from("<8i", data, at)
    if numbers[4] & 7:
        raise SystemExit(f"{name}.dict is no trie of bytes")
    first = numbers[5] & 0x1FFFFF
    found: list[bytes] = []
    _walk(data[at + numbers[0] : at + numbers[1]], found)
    return sorted("".join(chr(_JOINERS.get(b, first + b)) for b in word) for word in found)


def _walk(trie: bytes, found: list[bytes]) -> None:
    todo = [(0, b"")]
    while todo:
        at, word = todo.pop()
        while True:
            lead = trie[at]
            at += 1
            if lead < 0x10:  # a branch
                length = lead
                if length == 0:
                    length = trie[at]
                    at += 1
                _branch(trie, at, length + 1, word, found, todo)
                break
            if lead < 0x20:  # bytes in a row
                word += trie[at : at + lead - 0xF]
                at += lead - 0xF
                continue
            found.append(word)
            if lead & 1:
                break
            at = _value(trie, at, lead >> 1)[1]


def _branch(
    trie: bytes,
    at: int,
    length: int,
    word: bytes,
    found: list[bytes],
    todo: list[tuple[int, bytes]],
) -> None:
    while length > 5:  # halves: what is below the byte stands elsewhere
        delta, after = _delta(trie, at + 1)
        _branch(trie, after + delta, length >> 1, word, found, todo)
        at = after
        length -= length >> 1
    for number in range(length):
        longer = word + trie[at : at + 1]
        at += 1
        if number == length - 1:
            todo.append((at, longer))
            return
        lead = trie[at]
        value, at = _value(trie, at + 1, lead >> 1)
        if lead & 1:
            found.append(longer)
        else:
            todo.append((at + value, longer))


def _value(trie: bytes, at: int, lead: int) -> tuple[int, int]:
    if lead < 0x51:
        return lead - 0x10, at
    if lead < 0x6C:
        return (lead - 0x51) << 8 | trie[at], at + 1
    if lead < 0x7E:
        return (lead - 0x6C) << 16 | trie[at] << 8 | trie[at + 1], at + 2
    size = 3 if lead == 0x7E else 4
    return int.from_bytes(trie[at : at + size], "big"), at + size


def _delta(trie: bytes, at: int) -> tuple[int, int]:
    lead = trie[at]
    at += 1
    if lead < 0xC0:
        return lead, at
    if lead < 0xF0:
        return (lead - 0xC0) << 8 | trie[at], at + 1
    if lead < 0xFE:
        return (lead - 0xF0) << 16 | trie[at] << 8 | trie[at + 1], at + 2
    size = 3 if lead == 0xFE else 4
    return int.from_bytes(trie[at : at + size], "big"), at + size
