"""Line edits: the lines that C4 and DCLM (after RefinedWeb) take out of a page."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from corpusmith.clean import linecut
from corpusmith.clean.c4_rules import C4_RULES, judge_c4_lines
from corpusmith.clean.linecut import Lines, cut_lines, measure_lines
from corpusmith.kernels.chars import TERMINAL, TERMINAL_ASCII
from corpusmith.op import Context, op, signal

_NATURAL = ("text", "image-text", "audio-text")  # a line of code has other rules

C4_LINES_SIGNALS = pa.schema(
    [
        signal("c4_lines_removed", pa.int32(), "lines", "lines dropped"),
        signal(
            "c4_lines_removed_chars_frac",
            pa.float32(),
            "fraction",
            "of the text's code points, line ends included",
        ),
    ]
)
DCLM_LINES_SIGNALS = pa.schema(
    [
        signal("dclm_lines_removed", pa.int32(), "lines", "lines dropped"),
        signal(
            "dclm_lines_removed_words_frac",
            pa.float32(),
            "fraction",
            "of the text's words; 0 for a text without words",
        ),
    ]
)


class C4LinesParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    terminal: Literal["any", "ascii", "off"] = "any"
    """How a line must end: `ascii` in . ? ! " ' as in C4; `any` also in the full stops,
    question and exclamation marks of other scripts (。！？ ।  ؟ ...) and in ” ’ 」 』; `off` in
    anything, as FineWeb has it (then a line may end in an ellipsis, too)."""
    min_words: int = Field(default=3, ge=0)
    """A line needs as many: 3 in the paper, 5 in C4's published constants and in DCLM, 0 = off."""
    max_word_chars: int = Field(default=1000, ge=0)
    """A line with a longer run of characters without white space goes; 0 = off."""
    javascript: bool = True
    """A line with "javascript" in any case goes."""
    policy: bool = True
    """A line with a phrase of C4's list goes: terms of use, privacy policy, cookie policy,
    uses cookies, use of cookies, use cookies."""


@op(
    "c4_lines.v2",
    kind="edit",
    needs=("text", "modality"),
    adds=C4_LINES_SIGNALS,
    params=C4LinesParams,
    modalities=_NATURAL,
)
def c4_lines(batch: pa.Table, ctx: Context) -> pa.Table:
    """Drops the lines that C4 drops (Raffel et al. 2020, section 2.2; `c4_utils.py` of
    tensorflow_datasets). The first rule that a line fails names the edit:

        c4_lines:long_word     a word over `max_word_chars` characters
        c4_lines:ellipsis      ends in `...` or `…`
        c4_lines:no_terminal   does not end in terminal punctuation
        c4_lines:few_words     under `min_words` words
        c4_lines:javascript    "javascript" in it
        c4_lines:policy        a policy phrase in it

    Words are Unicode word runs; each Han, Kana, Thai, Lao, Khmer and Burmese character is one
    (C4 splits at white space, which would make a Chinese line one word). Empty lines are
    neither dropped for themselves nor counted; one goes where two would meet. C4's removal of
    citation marks such as [1] is not part of it. Code is left alone, with null signals.
    """
    params = ctx.params or C4LinesParams()
    ends = {"any": TERMINAL, "ascii": TERMINAL_ASCII, "off": 0}[params.terminal]
    lines, failed = judge_c4_lines(
        batch.column("text"),
        _is_code(batch),
        ends=ends,
        min_words=params.min_words,
        max_word_chars=params.max_word_chars,
        javascript=params.javascript,
        policy=params.policy,
    )
    kinds = ["", *(f"c4_lines:{rule}" for rule in C4_RULES)]
    text, edits, removed_points = cut_lines(lines, failed, kinds)
    return _result(
        batch,
        text,
        edits,
        c4_lines_removed=lines.sums(failed > 0).astype(np.int32),
        c4_lines_removed_chars_frac=_fraction(removed_points, lines.points()),
    )


class DclmLinesParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    max_uppercase_frac: float = Field(default=0.5, ge=0, le=1)
    """Of the line's characters, at most as many may be upper case; 1 = off."""
    max_digits_frac: float = Field(default=0.999999, ge=0, le=1)
    """Of the line's characters, at most as many may be digits or numbers; 1 = off."""
    counters: bool = True
    """A line that only counts something ("3 likes", "12条评论") goes."""
    min_words: int = Field(default=2, ge=0)
    """A line needs as many words; 0 = off."""


@op(
    "dclm_lines.v1",
    kind="edit",
    needs=("text", "modality"),
    adds=DCLM_LINES_SIGNALS,
    params=DclmLinesParams,
    modalities=_NATURAL,
)
def dclm_lines(batch: pa.Table, ctx: Context) -> pa.Table:
    """Drops the lines that DCLM drops, after RefinedWeb (Penedo et al. 2023, appendix G.2).
    The first rule that a line fails names the edit; white space around a line doesn't count:

        dclm_lines:uppercase   over half of its characters are upper case
        dclm_lines:digits      all of its characters are digits (over 0.999999 of them)
        dclm_lines:counter     a number and what it counts: likes, comments, 评论, 次播放 ...
        dclm_lines:few_words   under 2 words

    A rule on `dclm_lines_removed_words_frac` (..0.05) drops the document, as the paper does.
    Words as in `c4_lines`. Code is left alone, with null signals.
    """
    params = ctx.params or DclmLinesParams()
    lines = measure_lines(batch.column("text"))
    chars = lines.of(linecut.CHARS)
    words = lines.of(linecut.WORDS)
    rules: dict[str, np.ndarray | bool] = {
        "uppercase": lines.of(linecut.UPPER) > params.max_uppercase_frac * chars,
        "digits": lines.of(linecut.NUMBERS) > params.max_digits_frac * chars,
        "counter": _counters(lines) if params.counters else False,
        "few_words": words < params.min_words,
    }
    text, edits, _, drop = _apply("dclm_lines", batch, lines, rules)
    return _result(
        batch,
        text,
        edits,
        dclm_lines_removed=lines.sums(drop > 0).astype(np.int32),
        dclm_lines_removed_words_frac=_fraction(lines.sums(words * (drop > 0)), lines.sums(words)),
    )


# After DCLM's `counter_modifier`, with what Chinese pages count.
_COUNTER = re.compile(
    r"\W*[0-9]+(?:[.,][0-9]+)*\s?[KkMmBb]?\s+(?:likes?|shares?|comments?|retweets?|reposts?|quotes?"
    r"|bookmarks?|upvotes?|downvotes?|downloads?|views?|followers?|replies|reply)\W*"
    r"|\W*[0-9]+(?:[.,][0-9]+)*\s?[万亿千]?\+?\s?[个個条條次人]?\s?(?:赞|點讚|点赞|评论|評論|回复|回覆|转发|轉發|收藏"
    r"|浏览|瀏覽|阅读|閱讀|播放|观看|觀看|关注|關注|粉丝|粉絲|下载|下載|分享|喜欢|喜歡)\W*",
    re.IGNORECASE,
)
_COUNTER_CHARS = 40


def _counters(lines: Lines) -> np.ndarray:
    """Whether each line is a counter. Only short lines with a number and few words are read."""
    counts = lines.counts
    possible = (counts[:, linecut.NUMBERS] > 0) & (counts[:, linecut.CHARS] <= _COUNTER_CHARS)
    possible &= counts[:, linecut.WORDS] <= 10
    found = np.zeros(len(counts), np.bool_)
    for line in np.flatnonzero(possible).tolist():
        found[line] = _COUNTER.fullmatch(lines.text(line)) is not None
    return found


def _is_code(batch: pa.Table) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.equal(batch.column("modality"), "code"), False))


def _apply(
    name: str, batch: pa.Table, lines: Lines, rules: dict[str, np.ndarray | bool]
) -> tuple[pa.Array, pa.ListArray, np.ndarray, np.ndarray]:
    """Text, edits, code points removed (a row), and the number of the rule, or 0 (a line)."""
    drop = np.zeros(len(lines.counts), np.uint8)
    for number, fails in reversed(list(enumerate(rules.values(), 1))):
        drop[fails] = number
    drop[lines.of(linecut.FIRST) == lines.of(linecut.LAST)] = 0  # empty lines
    drop[_is_code(batch)[lines.rows()]] = 0
    return *cut_lines(lines, drop, ["", *(f"{name}:{rule}" for rule in rules)]), drop


def _fraction(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return (part / np.maximum(whole, 1)).astype(np.float32)


def _result(batch: pa.Table, text: pa.Array, edits: pa.Array, **signals: np.ndarray) -> pa.Table:
    code = _is_code(batch)
    columns = {name: pa.array(values, mask=code) for name, values in signals.items()}
    return pa.table({"text": text, "edits": edits, **columns})
