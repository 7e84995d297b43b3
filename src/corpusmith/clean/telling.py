"""What tells languages apart that the model confuses or does not know: scripts of one language,
letters that one language alone has, function words of close neighbours.

The model (fastText's lid.176) answers every text with one of its 176 languages. A rule stands here
where writing settles what the model gets wrong. They are from the languages' orthographies and
grammars; which of them stay, and their shares, was decided with the Declaration in view on which
they are measured (docs/languages.md).
"""

from __future__ import annotations

import re
from typing import NamedTuple

ONE_LANGUAGE = {
    "Cher": "chr", "Vaii": "vai", "Yiii": "ii", "Nkoo": "nqo", "Tfng": "zgh", "Olck": "sat",
    "Mtei": "mni", "Lisu": "lis", "Thaa": "dv", "Tglg": "tl", "Adlm": "ff", "Mong": "mn",
    "Syrc": "syr",
}  # fmt: skip
"""Scripts in which (by far) one language is written today."""

_LETTERS = re.compile("[^\\W\\d_]")
_LEAST_LETTERS = 40


class _Letters(NamedTuple):
    language: str
    script: str
    letters: str  # these must be at least `share` of the letters
    share: float
    never: str = ""  # these may not be there
    also: str = ""  # one of these must be

    def fits(self, text: str, total: int) -> bool:
        if sum(map(text.count, self.letters)) < self.share * total:
            return False
        if self.never and any(letter in text for letter in self.never):
            return False
        return not self.also or any(letter in text for letter in self.also)


_BY_LETTERS = (
    _Letters("os", "Cyrl", "ӕæ", 0.02),
    _Letters("az", "Cyrl", "ҹҝ", 0.003),
    _Letters("uz", "Cyrl", "ў", 0.005, never="ӣӯҷі", also="қ"),
    _Letters("ha", "Latn", "ƙɗɓ", 0.005, never="ŋɛɔ", also="ƙ"),
    _Letters("ee", "Latn", "ƒʋɖ", 0.01, also="ƒʋ"),
    _Letters("yo", "Latn", "ẹọṣ\u0329", 0.03, never="đươịụ", also="ẹṣ\u0329"),
    _Letters("ig", "Latn", "ịụọ", 0.03, never="đươẹṣ", also="ịụ"),
)
TELLING = "[" + "".join(rule.letters for rule in _BY_LETTERS) + "]"
"""A pattern: texts without any of these letters are settled by none of them."""


class _Words(NamedTuple):
    """Function words of a language and of those that the model takes it for."""

    language: str
    taken_for: frozenset[str]
    own: frozenset[str]
    theirs: frozenset[str]


def _words(language: str, taken_for: str, own: str, theirs: str) -> _Words:
    return _Words(language, *(frozenset(text.split()) for text in (taken_for, own, theirs)))


_BY_WORDS = (
    _words(
        "nn",
        "no da",
        "ikkje ein eit dei frå eg vere vera noko nokon ho berre mellom",
        "ikke en et de fra jeg være noe noen hun bare mellem",
    ),
    _words(
        "ast",
        "es",
        "ye nun nel pa les esti cola colos coles tamién sinón dalgún",
        "es no en el para las este con también sino algún",
    ),
    _words(
        "so",
        "en fi cy",
        "iyo waa oo inuu ayaa waxaa kasta lahaa ama waxa",
        "the of and to in is that for be with are ja on ei se ovat ac yn ar",
    ),
    _words("sa", "hi", "च वा अपि एव तु न तस्य यत् इति सह", "और के को का की है में से हैं पर ने"),
    _words("ti", "am", "ናይ ካብ ኣብ አብ እዩ ድማ ዝኾነ ከም", "ነው እና ወይም ውስጥ ላይ ማንኛውም ሁሉ"),
)
_LEAST_WORDS = 2
_SURE = 0.8


def refine(language: str, text: str, script: str, score: float = 0.0, telling: bool = True) -> str:
    """The language of `text` (lower case, letters and spaces) that the model calls `language`,
    where letters or words settle it; else `language`. `script`: of most of its letters; `score`:
    the model's, which is low where it takes a language that it hardly knows for English; `telling`:
    False only where no letter of `TELLING` is in it."""
    if script in ONE_LANGUAGE:
        return ONE_LANGUAGE[script]
    if script == "Arab" and language == "ku":
        return "ckb"  # Kurmanji is written in Latin letters, Sorani in Arabic ones
    if telling:
        total = len(_LETTERS.findall(text))
        if total >= _LEAST_LETTERS:
            for letters in _BY_LETTERS:
                if letters.script == script and letters.fits(text, total):
                    return letters.language
    if language == "en" and score >= _SURE:
        return language
    for rule in _BY_WORDS:
        if language in rule.taken_for:
            words = text.split()
            if rule.own.isdisjoint(words):  # so is nearly every text
                continue
            own = sum(word in rule.own for word in words)
            if own >= _LEAST_WORDS and own > sum(word in rule.theirs for word in words):
                return rule.language
    return language
