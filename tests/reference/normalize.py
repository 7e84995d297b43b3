"""`normalize` said slowly: line by line, character by character, Python strings."""

from __future__ import annotations

import re
import unicodedata

import ftfy

CP1252 = "".join(bytes([b]).decode("cp1252", "ignore") for b in range(0x80, 0xA0))
BREAKS = "\x0b\x0c\x1c\x1d\x1e\u2028\u2029"
JOINS_LETTERS = [(0x600, 0x109F), (0x1780, 0x18AF), (0x1900, 0x1CFF), (0xA800, 0xABFF)]
JOINS_LETTERS += [(0xFB50, 0xFDFF), (0xFE70, 0xFEFC), (0x10A00, 0x11FFF), (0x1E900, 0x1E95F)]
EMOJI = [(0x2190, 0x2BFF), (0x3030, 0x3030), (0x303D, 0x303D), (0x3297, 0x3297), (0x3299, 0x3299)]
EMOJI += [(0x1F000, 0x1FAFF)]
INVISIBLE = [(0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F)]
INVISIBLE += [(0x202A, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB)]
INVISIBLE += [(0xE0000, 0xE007F)]
Span = tuple[int, int, str, str, str]


def within(character: str, ranges: list[tuple[int, int]]) -> bool:
    return any(first <= ord(character) <= last for first, last in ranges)


def is_mojibake(line: str) -> bool:
    """UTF-8 read as cp1252, cp1251, MacRoman or cp437, or what only a wrong decoder leaves."""
    follows = [0x80 <= ord(c) <= 0xBF or c in CP1252 for c in line] + [False] * 3
    for at, character in enumerate(line):
        code, after = ord(character), line[at + 1 : at + 2]
        size = 1 + (code >= 0xE0) + (code >= 0xF0) if 0xC2 <= code <= 0xF4 else 0
        if 0x80 <= code <= 0x9F or (size and all(follows[at + 1 : at + 1 + size])):
            return True
        if not after or after.isascii():
            continue
        if character in "РС" and not "А" <= after <= "я":
            return True
        if character == "√" or (character in "├┬" and not "\u2500" <= after <= "\u257f"):
            return True
    return False


def characters(line: str) -> str:
    """Steps 2 to 4 of the docstring of `normalize`, for a line with its end."""
    line = line.replace("\r\n", "\n").replace("\r", "\n")
    flags = re.compile("\U0001f3f4[\U000e0030-\U000e007a]+\U000e007f")
    out, at = "", 0
    while at < len(line):
        flag = flags.match(line, at)
        character = line[at]
        if flag:
            out += flag[0]
            at = flag.end()
            continue
        if unicodedata.category(character) == "Zs":
            out += " "
        elif character in BREAKS:
            out += "\n"
        elif character in "\t\n" or not (
            unicodedata.category(character) == "Cc" or within(character, INVISIBLE)
        ):
            out += character
        at += 1
    return out


def without_lost_joiners(text: str) -> str:
    out = ""
    for at, character in enumerate(text):
        before, after = text[at - 1 : at] or " ", text[at + 1 : at + 2] or " "
        emoji = within(before, [*EMOJI, (0xFE0F, 0xFE0F), (0x20E3, 0x20E3)]) and within(
            after, EMOJI
        )
        needed = within(before, JOINS_LETTERS) or (character == "\u200d" and emoji)
        if character not in "\u200c\u200d" or needed:
            out += character
    return out


def line_after(line: str) -> tuple[str, str]:
    """(What a line with its end becomes, kind of the edit)."""
    new, kind = line, "normalize:unicode"
    if is_mojibake(line):
        new = ftfy.fix_encoding(
            line, unescape_html=False, uncurl_quotes=False, fix_character_width=False
        )
        if new != line:
            kind = "normalize:mojibake"
    new = unicodedata.normalize("NFC", without_lost_joiners(characters(new)))
    new = re.sub("[ \t]+(?=\n|$)", "", new)
    while "\n\n\n" in new:
        new = new.replace("\n\n\n", "\n\n")
    if kind == "normalize:unicode" and new.rstrip(" \t\n") == line.rstrip(" \t\r\n"):
        kind = "normalize:white_space"
    return new, kind


def lines_of(text: str) -> list[str]:
    return [line for line in re.split("(?<=\n)|(?<=\r)(?!\n)", text) if line]


def normalize_reference(text: str) -> tuple[str, list[Span]]:
    """(The text after, spans: start, end, kind, removed, replacement)."""
    out, spans, at = "", [], 0
    for line in lines_of(text):
        new, kind = line_after(line)
        breaks = len(out) - len(out.rstrip("\n"))
        leading = len(new) - len(new.lstrip("\n"))
        new = new[max(0, leading - max(0, 2 - breaks)) :]
        span = difference(at, line, new, kind)
        spans += [span] if span else []
        out += new
        at += len(line)
    return out, spans


def difference(at: int, old: str, new: str, kind: str) -> Span | None:
    if old == new:
        return None
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    removed, put_in = old[head : len(old) - tail], new[head : len(new) - tail]
    return at + head, at + head + len(removed), kind, removed, put_in


def code_reference(text: str) -> tuple[str, list[Span]]:
    out, spans = "", []
    for at, character in enumerate(text):
        new = character
        if character == "\ufeff" and at == 0:
            new = ""
            spans.append((0, 1, "normalize:unicode", character, new))
        elif character == "\r":
            new = "" if text[at + 1 : at + 2] == "\n" else "\n"
            spans.append((at, at + 1, "normalize:white_space", character, new))
        out += new
    return out, spans
