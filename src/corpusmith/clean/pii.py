"""Masking of personal data and secrets: addresses, numbers, keys."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from corpusmith.clean.pii_patterns import (
    FINDERS,
    FULL_WIDTH_SCREEN,
    SCREENS,
    half_width,
)
from corpusmith.clean.pii_secrets import private_keys
from corpusmith.clean.redaction import keyed_hash, with_tokens
from corpusmith.clean.spans import SpanColumns, replace_rows
from corpusmith.kernels import personal
from corpusmith.kernels.buffers import text_buffers
from corpusmith.op import Context, op, signal

PiiType = Literal["email", "ip", "phone", "card", "secret"]
Found = tuple[int, int, str]
TYPES: tuple[PiiType, ...] = ("email", "ip", "phone", "card", "secret")
TOKENS: dict[str, str] = {kind: f"<{kind.upper()}>" for kind in TYPES}

PII_SIGNALS = pa.schema(
    [
        signal(f"pii_{kind}s", pa.int32(), "occurrences", f"masked as {TOKENS[kind]}")
        for kind in TYPES
    ]
)

_REMEMBERED_LINES, _REMEMBERED_CHARS = 16_384, 500  # of what finders said: 8 MB or less
_SIEVED = {
    "secret": personal.SECRET,
    "email": personal.EMAIL,
    "ip": personal.IP,
    "card": personal.CARD,
    "phone": personal.PHONE,
}
_JSON_STRING = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")(\s*+:)?', re.DOTALL)


class PiiParams(BaseModel):
    """`pii: mask` is short for `pii: {action: mask}`."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["mask"] = "mask"
    types: tuple[PiiType, ...] = TYPES


def locate(
    strings: pa.Array | pa.ChunkedArray, params: PiiParams | None
) -> dict[int, list[tuple[int, int, str]]]:
    """Row -> (start, end, token) of what is masked in it, of rows with any; nulls have none."""
    params = params or PiiParams()
    kinds = tuple(kind for kind in FINDERS if kind in params.types)
    return {
        row: [(start, end, TOKENS[kind]) for start, end, kind in found]
        for row, (_, found) in find(strings, kinds).items()
    }


@op(
    "pii.v2",
    kind="edit",
    needs=("text", "messages", "meta"),
    adds=PII_SIGNALS,
    params=PiiParams,
    locate=locate,
)
def pii(batch: pa.Table, ctx: Context) -> pa.Table:
    """Puts a token such as <EMAIL> where personal data stood; what counts as such is said at
    each finder of `clean/pii_patterns.py`. Where two kinds overlap, a secret wins, then
    e-mail, IP, card, phone.

    Masks `text`, the contents and roles of `messages` and the strings in the JSON of `meta`
    (values, not keys; not numbers), and returns those columns too where the batch has them. `uri`
    and `id` say which document it is and stay as they are. Spans are of
    `text` alone; the counts `pii_emails` ... are of all three. An edit carries what it masked
    only as a keyed hash (BLAKE2b of 128 bits, key `ctx.secret`), so that equal values can be
    told; without a key there is no hash, since numbers are few enough to try them all.
    """
    params = ctx.params or PiiParams()
    kinds = tuple(kind for kind in FINDERS if kind in params.types)
    counts: dict[str, np.ndarray] = {kind: np.zeros(len(batch), np.int32) for kind in TYPES}
    out = {}

    spans, new = SpanColumns(), {}
    ended = 0
    column = batch.column("text")
    for row, (text, found) in find(column, kinds).items():
        spans.end_documents(row - ended)
        ended = row
        for start, end, kind in found:
            digest = keyed_hash(text[start:end], ctx.secret)
            spans.add(start, end, f"pii:{kind}", None, TOKENS[kind], digest)
            counts[kind][row] += 1
        new[row] = _replace(text, found)
    spans.end_documents(len(batch) - ended)
    out["text"] = replace_rows(column, new)
    out["edits"] = spans.array()
    if "messages" in batch.column_names:
        out["messages"] = _mask_messages(batch.column("messages"), kinds, counts)
    if "meta" in batch.column_names:
        out["meta"] = _mask_meta(batch.column("meta"), kinds, counts)
    return pa.table({**out, **{f"pii_{kind}s": values for kind, values in counts.items()}})


def find(
    column: pa.Array | pa.ChunkedArray, kinds: Sequence[str] = TYPES
) -> dict[int, tuple[str, list[Found]]]:
    """Of a column of strings, those with any: row -> the text and its spans (start, end, kind)
    in code points, sorted, without overlap.

    A kernel sieves out few lines, RE2 screens leave fewer for the finders. Where full-width
    characters are, the text with them as ASCII is looked at.
    """
    kinds = [kind for kind in FINDERS if kind in kinds]
    filled = pc.fill_null(column.cast(pa.large_string()), "")
    data, offsets = text_buffers(filled)
    lines = personal.sieve(data, offsets)
    wide = np.flatnonzero(lines.marks & personal.FULL_WIDTH)
    found = _spans(data, offsets, lines, kinds)
    if len(wide):
        for row in wide.tolist():
            found.pop(row, None)
        texts = filled.take(pa.array(wide)).to_pylist()
        folded = text_buffers(pa.array([half_width(text) for text in texts], pa.large_string()))
        more = _spans(*folded, personal.sieve(*folded), kinds)
        found = dict(sorted([*found.items(), *((int(wide[at]), more[at]) for at in more)]))
    texts = filled.take(pa.array(list(found), pa.int64())).to_pylist()
    return {row: (text, found[row]) for row, text in zip(found, texts, strict=True)}


def _spans(
    data: np.ndarray, offsets: np.ndarray, lines: personal.Sieved, kinds: Sequence[str]
) -> dict[int, list[Found]]:
    """The spans of the rows with any, in their order."""
    found: dict[int, list[Found]] = {}
    if "secret" in kinds:
        for row in np.flatnonzero(lines.marks & personal.PRIVATE_KEY).tolist():
            text = data[offsets[row] : offsets[row + 1]].tobytes().decode()
            found[row] = [(*span, "secret") for span in private_keys(text)]
    for kind in kinds:
        chosen = np.flatnonzero(lines.kinds & _SIEVED[kind])
        columns = [array[chosen].tolist() for array in (lines.starts, lines.stops)]
        texts = [data[start:stop].tobytes().decode() for start, stop in zip(*columns, strict=True)]
        screened = _plain(
            pc.match_substring_regex(pa.array(texts, pa.large_string()), SCREENS[kind])
        )
        new: dict[int, list[Found]] = {}
        for at in np.flatnonzero(screened).tolist():
            start = int(lines.points[chosen[at]])
            line = texts[at]
            remembered = len(line) <= _REMEMBERED_CHARS
            for begin, end in _found(kind, line) if remembered else FINDERS[kind](line):
                spans = new.setdefault(int(lines.rows[chosen[at]]), [])
                spans.append((start + begin, start + end, kind))
        for row, spans in new.items():
            found[row] = sorted([*found.get(row, ()), *_free(spans, found.get(row, []))])
    return {row: found[row] for row in sorted(found) if found[row]}


@functools.lru_cache(_REMEMBERED_LINES)
def _found(kind: str, line: str) -> tuple[tuple[int, int], ...]:
    """What a finder finds. The texts before each edit have most lines in common."""
    return tuple(FINDERS[kind](line))


def _any(masks: Sequence[pa.Array | pa.ChunkedArray | np.ndarray]) -> np.ndarray:
    return np.logical_or.reduce([_plain(mask) for mask in masks]) if masks else np.zeros(0, bool)


def _plain(mask: pa.Array | pa.ChunkedArray | np.ndarray) -> np.ndarray:
    return mask if isinstance(mask, np.ndarray) else np.asarray(pc.fill_null(mask, False))


def _free(new: list[Found], taken: list[Found]) -> list[Found]:
    """Of `new`, sorted, what overlaps nothing of `taken`, sorted."""
    free, at = [], 0
    for span in new:
        while at < len(taken) and taken[at][1] <= span[0]:
            at += 1
        if at == len(taken) or taken[at][0] >= span[1]:
            free.append(span)
    return free


def _replace(text: str, found: list[Found]) -> str:
    return with_tokens(text, [(start, end, TOKENS[kind]) for start, end, kind in found])


def _mask_strings(
    strings: list[str], rows: list[int], kinds: Sequence[str], counts: dict[str, np.ndarray]
) -> dict[int, str]:
    """The strings that change, by number; `rows` has the document of each, for the counts."""
    new = {}
    for number, (text, found) in find(pa.array(strings, pa.large_string()), kinds).items():
        new[number] = _replace(text, found)
        for _, _, kind in found:
            counts[kind][rows[number]] += 1
    return new


def _mask_messages(
    column: pa.ChunkedArray, kinds: Sequence[str], counts: dict[str, np.ndarray]
) -> pa.ChunkedArray | pa.Array:
    if column.null_count == len(column):
        return column
    messages = column.to_pylist()
    turns = [(row, turn) for row, some in enumerate(messages) for turn in some or () if turn]
    places = [(row, turn, name) for row, turn in turns for name in ("role", "content")]
    strings = [turn[name] for _, turn, name in places]
    new = _mask_strings(strings, [row for row, _, _ in places], kinds, counts)
    if not new:
        return column
    for number, content in new.items():
        _, turn, name = places[number]
        turn[name] = content
    return pa.array(messages, column.type)


def _mask_meta(
    column: pa.ChunkedArray, kinds: Sequence[str], counts: dict[str, np.ndarray]
) -> pa.ChunkedArray | pa.Array:
    """Strings are masked inside of the JSON text, so that all else keeps its bytes and no
    nesting is too deep."""
    # An escape such as \u0040 hides what the screens look for.
    matches = [pc.match_substring_regex(column, SCREENS[kind]) for kind in kinds]
    matches += [
        pc.match_substring(column, "\\"),
        pc.match_substring_regex(column, FULL_WIDTH_SCREEN),
    ]
    rows = np.flatnonzero(_any(matches))
    if not len(rows):
        return column
    values = column.to_pylist()
    strings: list[str] = []
    places: list[tuple[int, int, int]] = []  # row, and where the string's JSON stands
    for row in rows.tolist():
        for match in _JSON_STRING.finditer(values[row]):
            if match[2]:  # a key
                continue
            try:
                value = json.loads(match[1], strict=False)
            except ValueError:  # not JSON, as nothing else here is
                continue
            # An escaped lone surrogate is JSON, but no text that Arrow could hold.
            strings.append(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
            places.append((row, *match.span(1)))
    new = _mask_strings(strings, [row for row, _, _ in places], kinds, counts)
    for number in reversed(new):  # from behind, so that places stay right
        row, start, end = places[number]
        encoded = json.dumps(new[number], ensure_ascii=False)
        values[row] = values[row][:start] + encoded + values[row][end:]
    return pa.array(values, column.type)
