"""Variants of a language in one text, as the Chinese, Serbian and other Wikipedias write them
(https://www.mediawiki.org/wiki/Writing_systems/Syntax): `-{zh-hans:计算机; zh-hant:電腦}-`."""

from __future__ import annotations

import re

MAX_CHARS = 2000  # of one conversion; what is longer is no conversion
_MARKED = re.compile(r"-\{([^{}]{0,2000})\}-")
_FLAGS = re.compile(r"[A-Za-z\-;\s]{0,40}")
_PAIR = re.compile(r"\s*([a-z]{2,3}(?:-[a-z]{2,8})?)\s*:(.*)\Z", re.DOTALL)
_PREFERRED = ("zh-hans", "zh-cn", "zh", "zh-sg", "zh-my")


def variants(source: str) -> str:
    """The text with one variant in place of each conversion: the simplified one where it is there,
    else the first; rules that show nothing go.

    >>> variants("-{zh-hant:電腦; zh-hans:计算机}-与-{信息}--{H|zh-cn:a}-")
    '计算机与信息'
    """
    return _MARKED.sub(_shown, source)


def _shown(match: re.Match[str]) -> str:
    inside = match[1]
    flags, mark, rest = inside.partition("|")
    if mark and _FLAGS.fullmatch(flags):
        kinds = {flag.strip().upper() for flag in flags.split(";")}
        if kinds & {"H", "-", "T", "D"}:  # rules, titles and descriptions: none is text
            return ""
        inside = rest
    found: dict[str, str] = {}
    for part in inside.split(";"):
        _, arrow, rule = part.partition("=>")  # a rule in one direction
        pair = _PAIR.match(rule if arrow else part)
        if pair is not None:
            found.setdefault(pair[1], pair[2].strip())
    if not found:
        return inside
    return next((found[code] for code in _PREFERRED if code in found), next(iter(found.values())))
