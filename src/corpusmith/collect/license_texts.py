"""The licence whose text a file holds, by the word 4-grams that it shares with known texts.

Of each known text `license_prints.json` has the hashes of its 4-grams, sampled by value where there
are many; no text of a licence is in the package (`tests/golden/make_license_prints.py` makes it).
Similarity is Dice's coefficient of the sampled sets, 2 |A and B| / (|A| + |B|). A text counts as
contained where nearly all of its 4-grams are found in a larger one.
"""

from __future__ import annotations

import base64
import functools
import importlib.resources
import json
import re

import numpy as np
import xxhash

N = 4  # words
SAMPLE = 160  # about how many hashes of a text are kept; short texts keep all
LEAST_DICE = 0.85  # texts without their appendix still reach 0.9, other licences not 0.8
LEAST_CONTAINED = 0.95
MAX_TEXT_CHARS = 400_000

_WORD = re.compile(r"[a-z0-9]+")
_COPYRIGHT = re.compile(  # of an owner; a line that begins with "copyright notice" is the licence's
    r"^[^\w\n]*(?:copyright\b(?!\s+(?:notices?|holders?|owners?|laws?|licen[cs]es?|and|or|in|of|to|"
    r"disclaimers?|statements?|interests?)\b)|©|\(c\)\s|all rights reserved)[^\n]*",
    re.MULTILINE,
)
_NAME = re.compile(
    r"(?:un)?licen[cs]es?(?:[-_.][\w.-]+)?|copying(?:[-_.][\w.-]+)?|copyright(?:\.\w+)?|"
    r"[\w.-]+[-_.]licen[cs]e(?:\.(?:txt|md|rst))?",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\.(?:py|js|ts|go|c|h|cc|cpp|rs|java|rb|sh|html?|json|xml|ya?ml|toml|tmpl)\Z", re.IGNORECASE
)


def is_license_name(name: str) -> bool:
    """Whether a file's name says that it holds a licence.

    >>> [is_license_name(n) for n in ("LICENSE-MIT", "COPYING.LESSER", "UNLICENSE", "license.py")]
    [True, True, True, False]
    """
    return bool(_NAME.fullmatch(name)) and not _CODE.search(name)


def shingles(text: str) -> np.ndarray:
    """The distinct hashes (uint32, sorted) of all word 4-grams but those of copyright lines."""
    lower = _COPYRIGHT.sub("", text[:MAX_TEXT_CHARS].lower()).replace("licence", "license")
    words = _WORD.findall(lower)
    grams = {" ".join(words[i : i + N]) for i in range(max(0, len(words) - N + 1))}
    found = [xxhash.xxh3_64_intdigest(gram.encode()) & 0xFFFFFFFF for gram in grams]
    return np.unique(np.array(found, np.uint32))


def sampled(hashes: np.ndarray, modulus: int) -> np.ndarray:
    return hashes[hashes % modulus == 0]


@functools.cache
def prints() -> dict[str, tuple[int, np.ndarray]]:
    """SPDX id -> (modulus, sorted hashes) of every known text."""
    data = importlib.resources.files("corpusmith.collect").joinpath("license_prints.json")
    known = json.loads(data.read_text(encoding="utf-8"))
    return {
        name: (entry["modulus"], np.frombuffer(base64.b64decode(entry["hashes"]), "<u4"))
        for name, entry in known.items()
    }


def licenses_of(text: str) -> list[str]:
    """SPDX ids of the licences whose texts a file holds: mostly one, none where it is unknown."""
    hashes = shingles(text)
    if len(hashes) < 20:
        return []
    best, name = 0.0, ""
    contained: list[tuple[int, str, np.ndarray]] = []
    for known, (modulus, print_) in prints().items():
        ours = sampled(hashes, modulus)
        common = np.intersect1d(ours, print_, assume_unique=True)
        dice = 2 * len(common) / (len(ours) + len(print_))
        if dice > best:
            best, name = dice, known
        if len(common) >= LEAST_CONTAINED * len(print_):
            contained.append((len(print_) * modulus, known, common))
    # The longest first: a text that is part of one already found (BSD-2 of BSD-3) says nothing.
    found = [name] if best >= LEAST_DICE else []
    for _, known, common in sorted(contained, key=lambda c: (-c[0], c[1])):
        if known not in found and not any(_part_of(common, known, other) for other in found):
            found.append(known)
    return sorted(found)


def _part_of(common: np.ndarray, known: str, other: str) -> bool:
    """Whether what was found of a licence is mostly found in another one too."""
    (modulus, _), (others, print_) = prints()[known], prints()[other]
    same = max(modulus, others)  # powers of two: one sample is a part of the other
    ours = sampled(common, same)
    return 2 * len(np.intersect1d(ours, sampled(print_, same))) >= len(ours)


def together(files: dict[str, list[str]]) -> str | None:
    """The licence that the licence files of one folder, name -> ids, say of it.

    Files that name their licence (LICENSE-MIT beside LICENSE-APACHE) offer a choice; GPL's text
    beside LGPL's is what the LGPL is added to. None where one of them is not known.
    """
    ids = sorted({i for found in files.values() for i in found})
    if not ids or not all(files.values()):
        return None
    lesser = [i for i in ids if i.startswith("LGPL-3")]
    if lesser:
        ids = [i for i in ids if not i.startswith("GPL-3")]
    if len(ids) == 1:
        return ids[0]
    named = all(re.search(r"[-_.](?!txt|md|rst)\w+", name) for name in files)
    single = all(len(found) == 1 for found in files.values())
    return " OR ".join(ids) if named and single and len(files) > 1 else " AND ".join(ids)
