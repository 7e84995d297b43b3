"""The signals of `quality`, `repetition` and `code`, slow and obvious, on Python strings.

Written from the definitions, not from the kernels: no table or helper is shared with them.
"""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections import Counter

import numpy as np
import regex

STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
# Another library's table of Unicode's property, and four scripts' marks that it leaves out.
STOPS_IN_NUMBERS = ".．﹒․"
SENTENCE_ENDS = "\u037e๚๛།༎༏༐༑៚" + "".join(
    character
    for character in map(chr, range(128, 0x20000))
    if regex.match(r"\p{Sentence_Terminal}", character)
    and character not in STOPS_IN_NUMBERS
    and unicodedata.category(character) != "Cn"  # in the version of Unicode that Python has
)
SCRIPTS_WITHOUT_SPACES = (
    "CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "IDEOGRAPHIC ", "HANGZHOU NUMERAL",
    "VERTICAL IDEOGRAPHIC", "MASU MARK", "HIRAGANA ", "KATAKANA ", "KATAKANA-HIRAGANA",
    "VERTICAL KANA", "HALFWIDTH KATAKANA", "HENTAIGANA ", "THAI ", "LAO ", "KHMER ", "MYANMAR ",
)  # fmt: skip
POLICIES = (
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies",
    "use cookies",
)  # fmt: skip


def kind(character: str) -> str:
    """space, word, single (a word of its own), mark or symbol"""
    category = unicodedata.category(character)
    if character.isspace():
        return "space"
    if category[0] == "M" or character in ("\u200c", "\u200d"):
        return "mark"
    if category[0] in "LN" or category == "Pc":
        name = unicodedata.name(character, "")
        if name.startswith(SCRIPTS_WITHOUT_SPACES) and category not in ("Nd", "Pc"):
            return "single"
        return "word"
    return "symbol"


def tokens(text: str) -> list[str]:
    found: list[str] = []
    open_kind = "space"  # of the token that may go on; "" after a symbol's or single's marks
    for character in text:
        what = kind(character)
        if what == "space":
            open_kind = "space"
        elif what == "mark" and open_kind != "space":
            found[-1] += character
            if open_kind != "word":
                open_kind = "marked"
        elif what == "mark":  # of nothing: a symbol by itself
            found.append(character)
            open_kind = "marked"
        elif what == "word" == open_kind or (
            what == "symbol" == open_kind and found[-1][-1] == character
        ):
            found[-1] += character
        else:
            found.append(character)
            open_kind = what
    return found


def is_word(token: str) -> bool:
    return kind(token[0]) in ("word", "single") and any(
        unicodedata.category(character)[0] in "LN" for character in token
    )


def has_letter(token: str) -> bool:
    return any(unicodedata.category(character)[0] == "L" for character in token)


def ratio(part: float, whole: float) -> float:
    return float(np.float32(part / whole)) if whole else 0.0


def lines_of(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def full_lines_of(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def paragraphs_of(text: str) -> list[str]:
    return [part for part in re.split(r"\n{2,}", text.strip()) if part.strip()]


def sentences(text: str) -> int:
    count = 0
    for line in text.split("\n"):
        word_since = False  # since the last end
        for chunk in line.split():
            chunk_tokens = tokens(chunk)
            for token in chunk_tokens:
                if is_word(token):
                    word_since = True
                elif token[0] in SENTENCE_ENDS:
                    count += word_since
                    word_since = False
            if ends_before_space(chunk_tokens):
                count += word_since
                word_since = False
        count += word_since
    return count


def ends_before_space(chunk_tokens: list[str]) -> bool:
    """Whether . ? or ! stands last, but for closing quotes and brackets."""
    for token in reversed(chunk_tokens):
        if token[0] in "?!" + STOPS_IN_NUMBERS:
            return True
        if token[0] not in "\"'”’»)]}）」』】〉》›“‘〕〗〙〛］｝｣﹂﹄〞〟":
            return False
    return False


def quality(text: str) -> dict[str, object]:
    all_tokens = tokens(text)
    words = [token for token in all_tokens if is_word(token)]
    lengths = [len(word) for word in words]
    lines, full = lines_of(text), full_lines_of(text)
    stripped = [line.strip() for line in full]
    hashes, dots, ellipses = text.count("#"), text.count("..."), text.count("…")
    terminal = tuple("\"'.?!”’」』»›“‘｣﹂﹄〞〟》" + STOPS_IN_NUMBERS + SENTENCE_ENDS)
    return {
        "text_chars": len(text),
        "text_bytes": len(text.encode()),
        "tokens": len(all_tokens),
        "words": len(words),
        "word_mean_chars": ratio(sum(lengths), len(words)),
        "word_median_chars": float(statistics.median(lengths)) if words else 0.0,
        "hash_per_word": ratio(hashes, len(all_tokens)),
        "ellipsis_per_word": ratio(dots + ellipses, len(all_tokens)),
        "ellipsis_char_per_word": ratio(ellipses, max(1, len(words))),
        "symbol_words_frac": ratio(
            hashes + dots + text.count(". . .") + ellipses, max(1, len(words))
        ),
        "bullet_lines_frac": ratio(
            sum(line.lstrip().startswith(("•", "-")) for line in lines), len(lines)
        ),
        "bullet_lines_dclm_frac": ratio(
            sum(line.startswith(("●", "•", "*", "-")) for line in stripped), len(full)
        ),
        "ellipsis_lines_frac": ratio(
            sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)
        ),
        "ellipsis_lines_dclm_frac": ratio(
            sum(line.endswith(("...", ". . .", "…")) for line in stripped), len(full)
        ),
        "alpha_words_frac": ratio(sum(map(has_letter, all_tokens)), len(all_tokens)),
        "alpha_words_dclm_frac": ratio(sum(map(has_letter, words)), len(words)),
        "stop_words_distinct": len(STOP_WORDS & set(all_tokens)),
        "stop_words": sum(ascii_lower(word) in STOP_WORDS for word in words),
        "lines": len(lines),
        "full_lines": len(full),
        "paragraphs": len(paragraphs_of(text)),
        "sentences": sentences(text),
        "lorem_ipsum": "lorem ipsum" in ascii_lower(text),
        "curly_brackets": text.count("{"),
        "javascript_lines": sum("javascript" in ascii_lower(line) for line in full),
        "policy_lines": sum(
            any(policy in ascii_lower(line) for policy in POLICIES) for line in full
        ),
        "terminal_lines_frac": ratio(sum(line.endswith(terminal) for line in stripped), len(full)),
        "terminal_lines_ascii_frac": ratio(
            sum(line.endswith((".", "?", "!", '"', "'")) for line in stripped), len(full)
        ),
        "short_lines_frac": ratio(sum(len(line) <= 30 for line in full), len(full)),
        "duplicate_line_chars_frac": ratio(copies(full)[1], len(text.replace("\n", ""))),
        "newlines_per_word": ratio(text.count("\n"), len(all_tokens)),
        "uppercase_frac": ratio(sum(unicodedata.category(c) == "Lu" for c in text), len(text)),
        "digit_frac": ratio(sum(unicodedata.category(c) == "Nd" for c in text), len(text)),
    }


def ascii_lower(text: str) -> str:
    return re.sub("[A-Z]", lambda match: match.group().lower(), text)


def copies(items: list[str]) -> tuple[int, int]:
    """How many items came before, and their characters."""
    seen: set[str] = set()
    count = chars = 0
    for item in items:
        if item in seen:
            count += 1
            chars += len(item)
        seen.add(item)
    return count, chars


def repeats(items: list[str]) -> tuple[int, int]:
    """How many items occur twice or more, all of them counted, and their characters."""
    counter = Counter(items)
    repeated = [item for item in items if counter[item] > 1]
    return len(repeated), sum(map(len, repeated))


def top_datatrove(words: list[str], n: int) -> int:
    grams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not grams:
        return 0
    best, count = Counter(grams).most_common(1)[0]
    return len(best) * count


def duplicates_datatrove(words: list[str], n: int) -> int:
    seen: set[tuple[str, ...]] = set()
    chars = at = 0
    while at <= len(words) - n:
        gram = tuple(words[at : at + n])
        if gram in seen:
            chars += sum(map(len, gram))
            at += n
        else:
            seen.add(gram)
            at += 1
    return chars


def top_dclm(words: list[str], n: int) -> int:
    counter = Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
    most = max(counter.values(), default=0)
    if most < 2:
        return 0
    return most * max(sum(map(len, gram)) for gram in counter if counter[gram] == most)


def duplicates_dclm(words: list[str], n: int) -> int:
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counter = Counter(grams)
    covered = {at + k for at, gram in enumerate(grams) if counter[gram] > 1 for k in range(n)}
    return sum(len(words[at]) for at in covered)


def repetition(text: str) -> dict[str, float]:
    all_tokens = tokens(text)
    words = [token for token in all_tokens if is_word(token)]
    word_chars = sum(map(len, words))
    raw_lines = [line for line in text.split("\n") if line]
    raw_parts = paragraphs_of(text)
    lines = [line.strip() for line in full_lines_of(text)]
    parts = [part.strip() for part in raw_parts]
    found = {
        "dup_paragraphs_frac": ratio(copies(raw_parts)[0], len(raw_parts)),
        "dup_lines_frac": ratio(copies(raw_lines)[0], len(raw_lines)),
        "dup_paragraph_chars_frac": ratio(copies(raw_parts)[1], len(text)),
        "dup_line_chars_frac": ratio(copies(raw_lines)[1], len(text)),
        "dup_paragraphs_dclm_frac": ratio(repeats(parts)[0], len(parts)),
        "dup_lines_dclm_frac": ratio(repeats(lines)[0], len(lines)),
        "dup_paragraph_chars_dclm_frac": ratio(repeats(parts)[1], sum(map(len, parts))),
        "dup_line_chars_dclm_frac": ratio(repeats(lines)[1], sum(map(len, lines))),
    }
    for n in (2, 3, 4):
        found[f"top_{n}gram_chars_frac"] = ratio(top_datatrove(all_tokens, n), len(text))
        found[f"top_{n}gram_chars_dclm_frac"] = ratio(top_dclm(words, n), word_chars)
    for n in range(5, 11):
        found[f"dup_{n}gram_chars_frac"] = ratio(duplicates_datatrove(all_tokens, n), len(text))
        found[f"dup_{n}gram_chars_dclm_frac"] = ratio(duplicates_dclm(words, n), word_chars)
    return found
