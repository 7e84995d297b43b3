"""Comments and visible text, slow and obvious, with regular expressions."""

from __future__ import annotations

import re


def quoted(quote: str) -> str:
    """A string up to its quote, or to the end of the line."""
    return rf"{quote}(?:\\.|[^{quote}\\\n])*(?:{quote}|(?=\n)|\\?\Z)"


def tripled(quote: str) -> str:
    return rf"{quote * 3}(?:\\.|(?!{quote * 3})[^\\])*(?:{quote * 3}|\\?\Z)"


C_COMMENT = r"(?P<comment>/\*.*?(?:\*/|\Z)|//[^\n]*)"
LANGUAGES = {
    "python": rf"(?P<triple>{tripled(chr(34))}|{tripled(chr(39))})|(?P<comment>\#[^\n]*)|"
    rf"{quoted(chr(34))}|{quoted(chr(39))}",
    "shell": rf"(?P<comment>(?<!\S)\#[^\n]*)|{quoted(chr(34))}|{quoted(chr(39))}",
    "c": rf"{C_COMMENT}|{quoted(chr(34))}|{quoted(chr(39))}",
    "javascript": rf"{C_COMMENT}|{quoted(chr(34))}|{quoted(chr(39))}|`(?:\\.|[^`\\])*(?:`|\\?\Z)",
    "lua": rf"(?P<comment>--\[\[.*?(?:\]\]|\Z)|--[^\n]*)|{quoted(chr(34))}|{quoted(chr(39))}",
    "tex": r"\\.|(?P<comment>%[^\n]*)",
    "html": r"(?P<comment><!--.*?(?:-->|\Z))",
}


def comment_chars(text: str, language: str) -> int:
    chars = 0
    for match in re.finditer(LANGUAGES[language], text, re.DOTALL):
        groups = match.groupdict()
        if groups.get("comment"):
            chars += len(match.group())
        if groups.get("triple"):
            before = text[: match.start()].rsplit("\n", 1)[-1]
            if re.fullmatch(r"[ \t]*[rRuUbBfF]{0,2}", before):
                chars += len(match.group())
    return chars


def visible_chars(text: str) -> int:
    attribute = r"""=[ \t\n\v\f\r]*(?:"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))"""
    tag = rf"<(?:{attribute}|[^>])*?(?:>|\Z)"
    # HTML's standard: `<!-->` and `<!--->` are whole comments.
    hidden = rf"<!--(?:-?>|.*?(?:-->|\Z))|(?=<[a-zA-Z/!?]){tag}"
    rest = ""
    at = 0
    pattern = re.compile(hidden, re.DOTALL)
    while match := pattern.search(text, at):
        rest += references_as_one(text[at : match.start()])
        at = match.end()
        raw = re.match(r"<(script|style)(?=[ \t\n\v\f\r>/]|\Z)", match.group(), re.IGNORECASE)
        if raw:
            close = re.compile(rf"</{raw[1]}", re.IGNORECASE).search(text, at)
            at = close.start() if close else len(text)
    rest += references_as_one(text[at:])
    return len(re.sub(r"[ \t\n\v\f\r]+", " ", rest).strip(" "))


def references_as_one(text: str) -> str:
    return re.sub(r"&#?[a-zA-Z0-9]{1,31};", "&", text)
