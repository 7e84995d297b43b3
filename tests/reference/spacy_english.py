"""spaCy's English tokenizer written out plainly, after spacy/tokenizer.pyx of spaCy 3.8.

It takes the regular expressions as spaCy compiles them and the exceptions, both in
tests/golden/spacy_en_patterns.json; the kernels have neither of them.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from pathlib import Path

_DATA = json.loads(
    (Path(__file__).parents[1] / "golden/spacy_en_patterns.json").read_text(encoding="utf-8")
)
EXCEPTIONS: dict[str, list[str]] = {text: parts.split() for text, parts in _DATA["rules"].items()}
_PREFIX, _SUFFIX = re.compile(_DATA["prefix"]), re.compile(_DATA["suffix"])
_INFIX, _URL = re.compile(_DATA["infix"]), re.compile(_DATA["url"])
SYMBOLS = frozenset(_DATA["datatrove_punctuation"])
TERMINAL = frozenset(_DATA["datatrove_terminal"])
SENTENCE_ENDS = frozenset(_DATA["sentence_end"])


def words(text: str) -> list[str]:
    """The tokens, without those of white space."""
    return [token for token, _ in tokens(text) if not token.isspace()]


def sentences(text: str) -> int:
    """How many the sentencizer makes: spacy/pipeline/sentencizer.pyx."""
    found = 1 if text else 0
    seen_period = False
    for token, _ in tokens(text):
        ends = token in SENTENCE_ENDS
        punctuation = all(unicodedata.category(c)[0] == "P" for c in token)
        if seen_period and not punctuation and not ends:
            found += 1
            seen_period = False
        elif ends:
            seen_period = True
    return found


def tokens(text: str) -> list[tuple[str, bool]]:
    """(Token, whether a blank follows it), white space as tokens too."""
    split: list[tuple[str, bool]] = []
    for chunk in re.findall(r"\s+|\S+", text):
        if chunk.isspace():
            # One blank belongs to the token before it.
            if chunk[0] == " " and split:
                split[-1] = (split[-1][0], True)
                chunk = chunk[1:]
            split += [(chunk, False)] if chunk else []
        else:
            split += [(token, False) for token in _chunk(chunk, True)]
    return _joined(split)


def _chunk(text: str, with_exceptions: bool) -> list[str]:
    known = EXCEPTIONS if with_exceptions else {}
    prefixes: list[str] = []
    suffixes: list[str] = []
    last = ""
    while text and text != last and text not in known:
        last = text
        found = _PREFIX.search(text)
        prefix = found.group() if found else ""
        if prefix and text[len(prefix) :] in known:
            prefixes.append(prefix)
            text = text[len(prefix) :]
            break
        found = _SUFFIX.search(text[len(prefix) :])
        suffix = found.group() if found else ""
        if suffix and text[: -len(suffix)] in known:
            suffixes.insert(0, suffix)
            text = text[: -len(suffix)]
            break
        text = text[len(prefix) : len(text) - len(suffix)]
        prefixes += [prefix] if prefix else []
        suffixes = [suffix, *suffixes] if suffix else suffixes
    if text in known:
        middle = known[text]
    elif not text:
        middle = []
    elif _URL.match(text):
        middle = [text]
    else:
        cuts = [0]
        for match in _INFIX.finditer(text):
            if match.start() > 0:
                cuts += [match.start(), match.end()]
        middle = [text[a:b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True) if a < b]
    return [*prefixes, *middle, *suffixes]


@functools.cache
def _sequences() -> dict[tuple[str, ...], str]:
    """What the affixes make of the exceptions that have one; the others are joined nowhere."""
    rules = (_PREFIX, _SUFFIX, _INFIX)
    with_affix = [text for text in EXCEPTIONS if any(rule.search(text) for rule in rules)]
    return {tuple(_chunk(text, False)): text for text in with_affix}


def _joined(split: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    texts = [token for token, _ in split]
    longest = max(map(len, _sequences()))
    found = [
        (start, stop)
        for start in range(len(texts))
        for stop in range(start + 1, min(start + longest, len(texts)) + 1)
        if tuple(texts[start:stop]) in _sequences()
    ]
    seen: set[int] = set()
    taken: dict[int, int] = {}
    for start, stop in sorted(found, key=lambda span: (span[0] - span[1], span[0])):
        if start not in seen and stop - 1 not in seen:
            taken[start] = stop
        seen.update(range(start, stop))
    out: list[tuple[str, bool]] = []
    at = 0
    while at < len(split):
        stop = taken.get(at, at)
        if stop > at and not any(blank for _, blank in split[at : stop - 1]):
            parts = EXCEPTIONS[_sequences()[tuple(texts[at:stop])]]
            out += [(part, False) for part in parts]
            out[-1] = (out[-1][0], split[stop - 1][1])
            at = stop
        else:
            out.append(split[at])
            at += 1
    return out
