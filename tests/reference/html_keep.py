"""Which blocks of a page stay once they have been judged, and what a tag's attributes say, written
slowly."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from corpusmith.kernels.htmltags import HINT_WORDS

WINDOW, COPIED_FRAC, MIN_WINDOWS = 24, 0.8, 8


def settled(
    answers: Sequence[float], sizes: Sequence[float], wholes: Sequence[Hashable], at_least: float
) -> list[bool]:
    """A table or a <pre> (blocks of one name in `wholes`; None: a block by itself) stays by the
    mean over its text."""
    keep = []
    for answer, whole in zip(answers, wholes, strict=True):
        if whole is not None:
            mine = [i for i, other in enumerate(wholes) if other == whole]
            answer = sum(answers[i] * sizes[i] for i in mine) / max(sum(sizes[i] for i in mine), 1)
        keep.append(answer >= at_least)
    return keep


def with_headings(
    levels: Sequence[int], answers: Sequence[float], keep: Sequence[bool], at_least: float
) -> list[bool]:
    """Blocks that stay, and headings (`levels`; 0: no heading) of which all that stands between
    them and such a block are further headings, each of a lower rank than the one above. A heading
    that is surely none of the text (under .6 of the threshold) doesn't stay, nor those above it."""
    found = list(keep)
    for start, kept in enumerate(keep):
        at, rank = start, levels[start] or 7
        while kept and at > 0 and 0 < levels[at - 1] < rank:
            at -= 1
            rank = levels[at]
            if not keep[at] and answers[at] < 0.6 * at_least:
                break
            found[at] = True
    return found


def windows(text: bytes) -> list[bytes]:
    """24 bytes from each word on, and from each character of three bytes that begins with E3 or
    more."""
    starts = [
        at
        for at in range(len(text) - WINDOW + 1)
        if at == 0 or text[at - 1] <= 32 or text[at] >= 0xE3
    ]
    return [text[at : at + WINDOW] for at in starts]


def without_copies(texts: Sequence[bytes], good: Sequence[bool]) -> list[bool]:
    """A good paragraph goes when 80 % of its windows stood in those kept before it."""
    seen: set[bytes] = set()
    keep = []
    for text, counts in zip(texts, good, strict=True):
        mine = windows(text) if counts else []
        copied = sum(window in seen for window in mine)
        stays = len(mine) < MIN_WINDOWS or copied < COPIED_FRAC * len(mine)
        keep.append(stays)
        if stays:
            seen.update(mine)
    return keep


# --- attributes ----------------------------------------------------------------------------------


def hints_of(attributes: Sequence[tuple[str, str]]) -> set[str]:
    """From class, id, role and itemprop: their words, cut at capitals too."""
    found: set[str] = set()
    for name, value in attributes:
        if name in ("class", "id", "role", "itemprop"):
            found |= {word.lower() for word in re.findall("[A-Z]*[a-z]+|[A-Z]+", value)}
    return {hint for hint, known in HINT_WORDS.items() if found & set(known.split())}


def hidden(attributes: Sequence[tuple[str, str]]) -> bool:
    return any(
        name == "hidden"
        or (name == "style" and "display:none" in re.sub("[ \t\n\r\f]", "", value.lower()))
        for name, value in attributes
    )


def code_language(attributes: Sequence[tuple[str, str]]) -> str:
    """Of class="language-x" or "lang-x": the last one's, up to white space."""
    found = ""
    for name, value in attributes:
        if name == "class":
            for match in re.finditer(r"(?<![A-Za-z])(?i:language|lang)-(\S+)", value):
                found = match[1]
    return found
