"""Exports spaCy's English tokenization rules as data; runs in the environment of datatrove's peers.

    python benchmarks/peers/spacy_rules.py          from the root of the repository

Writes what the kernels read, `src/corpusmith/kernels/spacy_en.json` (characters by class as
ranges in hexadecimal, lists, and the exceptions with their parts), and what the slow reference
reads, `tests/golden/spacy_en_patterns.json` (the regular expressions as spaCy compiles them).
The rules are spaCy's (MIT licence), the two lists of punctuation datatrove's (Apache-2.0).
"""

from __future__ import annotations

import json
from pathlib import Path

import spacy
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION
from spacy.lang import char_classes as classes
from spacy.lang.en.punctuation import TOKENIZER_INFIXES
from spacy.lang.punctuation import TOKENIZER_PREFIXES, TOKENIZER_SUFFIXES
from spacy.pipeline import Sentencizer

ROOT = Path(__file__).resolve().parents[2]


def members(expression: str) -> str:
    """The characters that a class of a regular expression (without its brackets) matches, as
    ranges: "41-5a 5f". Every code point but the surrogates is tried."""
    import re

    pattern = re.compile(f"[{expression}]")
    found = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and pattern.match(chr(c))]
    return ranges(found)


def ranges(codes: list[int]) -> str:
    pieces: list[list[int]] = []
    for code in sorted(codes):
        if pieces and code == pieces[-1][1] + 1:
            pieces[-1][1] = code
        else:
            pieces.append([code, code])
    return " ".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in pieces)


def single(pieces: list[str]) -> str:
    """The characters that are a piece by themselves."""
    plain = [piece.replace("\\", "") for piece in pieces]
    return ranges([ord(piece) for piece in {p for p in plain if len(p) == 1}])


def rules() -> dict:
    nlp = spacy.blank("en")
    tokenizer = nlp.tokenizer
    prefixes = [p for p in TOKENIZER_PREFIXES if not p.startswith(("[", r"\+(", r"\.\.+"))]
    suffixes = [p for p in TOKENIZER_SUFFIXES if not p.startswith(("[", "(", r"\.\.+"))]
    before_dot = "0-9{al}{e}{p}(?:{q})".format(
        al=classes.ALPHA_LOWER,
        e=r"%²\-\+",
        q=classes.CONCAT_QUOTES,
        p=classes.PUNCT,
    )
    assert rf"(?<=[{before_dot}])\." in TOKENIZER_SUFFIXES
    return {
        "source": f"spaCy {spacy.__version__}, spacy/lang (MIT licence); see NOTICE",
        "classes": {
            "alpha": members(classes.ALPHA),
            "lower": members(classes.ALPHA_LOWER),
            "upper": members(classes.ALPHA_UPPER),
            "quote": members(classes.CONCAT_QUOTES),
            "icon": members(classes.CONCAT_ICONS),
            "prefix": single(prefixes),
            "suffix": single(suffixes),
            "currency": single(classes.LIST_CURRENCY),
            "before_dot": members(before_dot),
            "sentence_end": ranges([ord(c) for c in Sentencizer.default_punct_chars]),
            "datatrove_punctuation": ranges([ord(c) for c in PUNCTUATION_SET]),
            "datatrove_terminal": ranges([ord(c) for c in TERMINAL_PUNCTUATION]),
        },
        "long_prefixes": [p.replace("\\", "") for p in prefixes if len(p.replace("\\", "")) > 1],
        "long_suffixes": [p.replace("\\", "") for p in suffixes if len(p.replace("\\", "")) > 1],
        "long_currencies": [c.replace("\\", "") for c in classes.LIST_CURRENCY if len(c) > 2],
        "units": classes.LIST_UNITS,
        "hyphens": classes.LIST_HYPHENS,
        "exceptions": {
            text: " ".join(part[spacy.attrs.ORTH] for part in parts)
            for text, parts in sorted(tokenizer.rules.items())
            if not text.isspace()
        },
    }


def patterns() -> dict:
    tokenizer = spacy.blank("en").tokenizer
    return {
        "source": f"spaCy {spacy.__version__} (MIT licence); see NOTICE",
        "prefix": tokenizer.prefix_search.__self__.pattern,
        "suffix": tokenizer.suffix_search.__self__.pattern,
        "infix": tokenizer.infix_finditer.__self__.pattern,
        "url": tokenizer.url_match.__self__.pattern,
        "sentence_end": "".join(Sentencizer.default_punct_chars),
        "rules": {
            text: " ".join(part[spacy.attrs.ORTH] for part in parts)
            for text, parts in sorted(tokenizer.rules.items())
            if not text.isspace()
        },
        "datatrove_punctuation": "".join(sorted(PUNCTUATION_SET)),
        "datatrove_terminal": "".join(sorted(TERMINAL_PUNCTUATION)),
    }


def main() -> None:
    # Every infix must be one that `kernels/spacy_affixes.py` knows; a new spaCy may have more.
    assert len(TOKENIZER_INFIXES) == 8, TOKENIZER_INFIXES
    for path, data in (
        (ROOT / "src/corpusmith/kernels/spacy_en.json", rules()),
        (ROOT / "tests/golden/spacy_en_patterns.json", patterns()),
    ):
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        print(path.relative_to(ROOT), path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
