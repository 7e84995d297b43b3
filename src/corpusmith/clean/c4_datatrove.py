"""datatrove's C4 filter: its line edits, and the signals behind its document rules."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from corpusmith.clean.spans import edit_list
from corpusmith.kernels.buffers import large_string, text_buffers
from corpusmith.kernels.datatrove_lines import (
    CURLY,
    DROPPED,
    KINDS,
    LINE_FIELDS,
    LOREM,
    SPAN_FIELDS,
    Cut,
    count_breaks,
    cut_rows,
)
from corpusmith.kernels.spacy_chars import tables
from corpusmith.kernels.spacy_words import sentences, words_of
from corpusmith.op import Context, op, signal

C4_DATATROVE_SIGNALS = pa.schema(
    [
        signal("c4_lines_dropped", pa.int32(), "lines", "lines dropped, blank ones not counted"),
        signal("c4_sentences", pa.int32(), "sentences", "of the lines kept, by spaCy (C4: 5..)"),
        signal("c4_lorem_ipsum", pa.bool_(), "", "a line had `lorem ipsum`, in any case"),
        signal("c4_curly_bracket", pa.bool_(), "", "a line had `{`"),
    ]
)


class C4DatatroveParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    terminal: bool = True
    """A line must end in . ? ! " ' and not in `...`; FineWeb turned this off."""
    min_words: int = Field(default=3, ge=0)
    """A line needs as many runs without white space; 0 = off."""
    max_word_chars: int = Field(default=1000, ge=0)
    """A line with a longer one goes; 0 = off."""
    citations: bool = True
    """[1], [], [edit] and [citation needed] are taken out."""
    javascript: bool = True
    """A line with "javascript" in any case goes."""
    policy: bool = True
    """A line with terms of use, privacy policy, cookie policy, uses cookies, use of cookies or
    use cookies goes."""

    @property
    def segmenters(self) -> tuple[str, ...]:
        return ("spacy_en",)


@op(
    "c4_datatrove.v2",
    kind="edit",
    needs=("text", "modality"),
    adds=C4_DATATROVE_SIGNALS,
    params=C4DatatroveParams,
    modalities=("text", "image-text", "audio-text"),
)
def c4_datatrove(batch: pa.Table, ctx: Context) -> pa.Table:
    """The lines that datatrove's C4 filter keeps, without their citations (datatrove 0.10.1,
    `c4_filters.py`, C4QualityFilter; Raffel et al. 2020, section 2.2), for English. The rule set
    `{set: c4, variant: datatrove}` decides from the signals; of a document that it keeps the text
    is the one that datatrove writes. The first rule that a line fails names the edit:

        c4_datatrove:long_word     a word over `max_word_chars` characters
        c4_datatrove:no_terminal   does not end in . ? ! " ' or ends in `...`
        c4_datatrove:few_words     under `min_words` words
        c4_datatrove:javascript    "javascript" in it
        c4_datatrove:policy        a policy phrase in it
        c4_datatrove:blank         nothing in it
        c4_datatrove:citation, c4_datatrove:white_space     taken out of a line that stays

    Unlike `c4_lines`: lines end where str.splitlines() ends them and are stripped, words are runs
    without white space, blank lines go, "…" is no ellipsis, and a line is judged after its
    citations have gone ("so it is. [1]" then ends in a blank and goes). `lorem ipsum` and `{`
    count in lines that passed the rules before; sentences are those of spaCy's sentencizer over
    its English tokens. Code is left alone, with null signals.
    """
    params = ctx.params or C4DatatroveParams()
    data, offsets = text_buffers(batch.column("text"))
    code = np.asarray(pc.equal(batch.column("modality"), "code"), bool)
    cut = _cut(data, offsets, code, params)
    text = large_string(cut.out[: cut.out_ends[-1]], cut.out_ends)
    words = words_of(text)  # remembered: a measure of this text that comes next has them already
    signals = {
        "c4_lines_dropped": cut.counts[:, DROPPED].astype(np.int32),
        "c4_sentences": sentences(words, cut.lines, cut.line_ends).astype(np.int32),
        "c4_lorem_ipsum": cut.counts[:, LOREM] > 0,
        "c4_curly_bracket": cut.counts[:, CURLY] > 0,
    }
    columns = {name: pa.array(values, mask=code) for name, values in signals.items()}
    return pa.table({"text": text, "edits": _edits(data, cut), **columns})


def _cut(data: np.ndarray, offsets: np.ndarray, skip: np.ndarray, params: C4DatatroveParams) -> Cut:
    rows = len(offsets) - 1
    breaks, brackets = count_breaks(data)
    lines = rows + breaks
    # A line has a span before and behind it, a citation one of its own and one for white space.
    spans = 2 * lines + 2 * brackets
    cut = Cut(
        np.empty(len(data), np.uint8),
        np.zeros(rows + 1, np.int64),
        np.zeros((spans, SPAN_FIELDS), np.int64),
        np.zeros(rows + 1, np.int64),
        np.zeros((lines, 2), np.int64),
        np.zeros(rows + 1, np.int64),
        np.zeros((rows, 3), np.int64),
    )
    cut_rows(
        data, offsets, skip, tables().flags, params.terminal, params.min_words,
        params.max_word_chars, params.citations, params.javascript, params.policy,
        np.zeros(LINE_FIELDS, np.int64), np.empty(int(np.diff(offsets).max(initial=0)), np.uint8),
        cut,
    )  # fmt: skip
    return cut


def _edits(data: np.ndarray, cut: Cut) -> pa.ListArray:
    """list<schema.EDIT_SPAN>, a row for each document."""
    used = cut.spans[: cut.span_ends[-1]]
    real = used[:, 4] > 0
    ends = np.concatenate(([0], np.cumsum(real)))[cut.span_ends]
    spans = used[real]
    names = [f"c4_datatrove:{kind}" for kind in KINDS]
    kinds = pa.DictionaryArray.from_arrays(pa.array(spans[:, 4], pa.int32()), pa.array(names))
    # What was taken out, one span after the other: by the byte each place is copied from.
    removed_ends = np.concatenate(([0], np.cumsum(spans[:, 3] - spans[:, 2])))
    places = np.arange(removed_ends[-1]) + np.repeat(
        spans[:, 2] - removed_ends[:-1], np.diff(removed_ends)
    )
    newlines = np.concatenate(([0], np.cumsum(spans[:, 5])))
    return edit_list(
        ends,
        [
            pa.array(spans[:, 0]),
            pa.array(spans[:, 1]),
            kinds.cast(pa.string()),
            large_string(data[places], removed_ends),
            pa.nulls(len(spans), pa.string()),
            large_string(np.full(newlines[-1], ord("\n"), np.uint8), newlines),
        ],
    )


def warm() -> None:
    """Compile the kernels, or load them from Numba's cache."""
    table = pa.table({"text": pa.array(["It is [1] so."], pa.large_string()), "modality": ["text"]})
    c4_datatrove(table, Context())
