"""datatrove's measures written out plainly, over the words of `spacy_english`."""

from __future__ import annotations

import re
from collections import Counter

from tests.reference import spacy_english

STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}


def _over(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _copies(items: list[str]) -> list[str]:
    return [item for place, item in enumerate(items) if item in items[:place]]


def _chars(items: list[str]) -> int:
    return sum(map(len, items))


def quality(text: str) -> dict[str, float]:
    tokens = spacy_english.words(text)
    words = [t for t in tokens if not set(t) <= spacy_english.SYMBOLS]
    broken = text.splitlines()
    full = [line for line in text.split("\n") if line.strip()]
    return {
        "tokens": len(tokens),
        "words": len(words),
        "word_mean_chars": _over(_chars(words), len(words)),
        "hash_per_word": _over(text.count("#"), len(tokens)),
        "ellipsis_per_word": _over(text.count("...") + text.count("…"), len(tokens)),
        "bullet_lines_frac": _over(
            sum(line.lstrip().startswith(("•", "-")) for line in broken), len(broken)
        ),
        "ellipsis_lines_frac": _over(
            sum(line.rstrip().endswith(("...", "…")) for line in broken), len(broken)
        ),
        "alpha_words_frac": _over(sum(any(map(str.isalpha, t)) for t in tokens), len(tokens)),
        "stop_words_distinct": len(STOP_WORDS & set(tokens)),
        "terminal_lines_frac": _over(
            sum(line[-1] in spacy_english.TERMINAL for line in full), len(full)
        ),
        "short_lines_frac": _over(sum(len(line) <= 30 for line in full), len(full)),
        "duplicate_line_chars_frac": _over(_chars(_copies(full)), len(text.replace("\n", ""))),
        "newlines_per_word": _over(text.count("\n"), len(tokens)),
    }


def repetition(text: str) -> dict[str, float]:
    tokens = spacy_english.words(text)
    paragraphs = re.split(r"\n{2,}", text.strip())
    lines = re.split(r"\n+", text)
    found = {
        "dup_paragraphs_frac": _over(len(_copies(paragraphs)), len(paragraphs)),
        "dup_lines_frac": _over(len(_copies(lines)), len(lines)),
        "dup_paragraph_chars_frac": _over(_chars(_copies(paragraphs)), len(text)),
        "dup_line_chars_frac": _over(_chars(_copies(lines)), len(text)),
    }
    for n in (2, 3, 4):
        grams = [" ".join(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]
        counts = Counter(grams)
        top = max(counts, key=lambda gram: counts[gram], default="")  # the first of equals
        found[f"top_{n}gram_chars_frac"] = _over(len(top) * counts[top], len(text))
    for n in range(5, 11):
        seen: set[str] = set()
        at = chars = 0
        while at + n <= len(tokens):
            gram = "".join(tokens[at : at + n])
            chars += len(gram) if gram in seen else 0
            at += n if gram in seen else 1
            seen.add(gram)
        found[f"dup_{n}gram_chars_frac"] = _over(chars, len(text))
    return found


CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
POLICY = (
    *("terms of use", "privacy policy", "cookie policy"),
    *("uses cookies", "use of cookies", "use cookies"),
)


def c4(text: str, terminal: bool = True) -> tuple[str, int, bool, bool]:
    """What is left of the text, its sentences, and whether a line had lorem ipsum or a bracket."""
    kept: list[str] = []
    sentences, lorem, bracket = 0, False, False
    for line in text.splitlines():
        words = line.split()
        line = CITATION.sub("", line.strip())
        low = line.lower()
        ends = line.endswith((".", "?", "!", '"', "'")) and not line.endswith("...")
        if any(len(word) > 1000 for word in words) or (terminal and not ends) or len(words) < 3:
            continue
        lorem |= "lorem ipsum" in low
        if "javascript" in low:
            continue
        bracket |= "{" in line
        if any(phrase in low for phrase in POLICY):
            continue
        sentences += spacy_english.sentences(line)
        kept.append(line)
    return "\n".join(kept).strip(), sentences, lorem, bracket
