"""The line edits of C4 and DCLM, said slowly: Python strings, regular expressions, no tables."""

from __future__ import annotations

import re
import unicodedata

from tests.reference.signals import SENTENCE_ENDS, STOPS_IN_NUMBERS

POLICY = ["terms of use", "privacy policy", "cookie policy"]
POLICY += ["uses cookies", "use of cookies", "use cookies"]
NO_SPACES = ("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA", "KATAKANA", "THAI", "LAO")
NO_SPACES += ("KHMER", "MYANMAR", "IDEOGRAPHIC ITERATION", "HALFWIDTH KATAKANA", "HENTAIGANA")
ENDS = set(SENTENCE_ENDS + STOPS_IN_NUMBERS + "”’」』»›“‘｣﹂﹄〞〟》")


def alone(character: str) -> bool:
    """Is it a word by itself?"""
    if unicodedata.category(character)[0] == "M" or unicodedata.category(character) == "Nd":
        return False
    in_kana = "\u3041" <= character <= "\u309f" or "\u30a1" <= character <= "\u30ff"
    named = unicodedata.name(character, "").startswith(NO_SPACES)
    return (named or in_kana) and unicodedata.category(character)[0] in "LN"


def count_words(line: str) -> int:
    """Runs of letters, numbers, connectors and marks with a letter or number in them."""
    spaced = "".join(f" {c}\x00" if alone(c) else c for c in line)
    runs, run = [], ""
    for character in spaced + " ":
        if character == "\x00":  # marks behind a character of its own start no word
            runs.append(run)
            run = ""
            continue
        category = unicodedata.category(character)
        mark = category[0] == "M" or character in "\u200c\u200d"
        if mark and not run:
            continue
        if mark or category[0] in "LN" or category == "Pc":
            run += character
        else:
            runs.append(run)
            run = ""
    return sum(any(unicodedata.category(c)[0] in "LN" for c in run) for run in runs)


def longest(line: str) -> int:
    pieces = re.split(r"\s", "".join(" " if alone(c) else c for c in line))
    return max(map(len, pieces), default=0)


def c4_rule(line: str, terminal: str, min_words: int) -> str:
    if longest(line) > 1000:
        return "long_word"
    if terminal != "off":
        if line.endswith(("...", "…")):
            return "ellipsis"
        if line[-1] not in ".?!\"'" and (terminal == "ascii" or line[-1] not in ENDS):
            return "no_terminal"
    if count_words(line) < min_words:
        return "few_words"
    if "javascript" in lower(line):
        return "javascript"
    return "policy" if any(phrase in lower(line) for phrase in POLICY) else ""


def dclm_rule(line: str) -> str:
    if sum(unicodedata.category(c) == "Lu" for c in line) > 0.5 * len(line):
        return "uppercase"
    if all(c.isalnum() and not c.isalpha() for c in line):
        return "digits"
    if re.fullmatch(r"\W*\d+([.,]\d+)* (likes|views)\W*", line):
        return "counter"
    if re.fullmatch(r"\W*\d+([.,]\d+)* ?万?条?(评论|赞)\W*", line):
        return "counter"
    return "few_words" if count_words(line) < 2 else ""


def lower(line: str) -> str:
    return re.sub("[A-Z]", lambda match: match[0].lower(), line)


def c4_reference(text: str, terminal: str, min_words: int) -> tuple[str, list[str]]:
    return without(text, lambda line: c4_rule(line, terminal, min_words))


def dclm_reference(text: str) -> tuple[str, list[str]]:
    return without(text, dclm_rule)


def without(text: str, rule) -> tuple[str, list[str]]:
    """The text left, and the rule of each line dropped."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    kept: list[str] = []
    kinds = []
    dropped = False  # since the line kept last
    for line in lines:
        kind = rule(line.strip()) if line.strip() else ""
        if kind:
            kinds.append(kind)
            dropped = True
        elif line.strip() or not dropped or (kept and kept[-1].strip()):
            kept.append(line)
            dropped = False
    if not kinds:
        return text, []
    tail = len(lines) - 1
    while tail >= 0 and not line_kept(lines[tail], rule):
        tail -= 1
    if any(line.strip() for line in lines[tail + 1 :]):  # something dropped behind the last one
        while kept and not kept[-1].strip():
            kept.pop()
        return "\n".join(kept), kinds
    return "\n".join(kept) + ("\n" if text.endswith("\n") else ""), kinds


def line_kept(line: str, rule) -> bool:
    return bool(line.strip()) and not rule(line.strip())
