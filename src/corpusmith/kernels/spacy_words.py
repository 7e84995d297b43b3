"""The words of a whole column as spaCy's English tokenizer splits them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.jit import kernel, pointer
from corpusmith.kernels.spacy_chars import tables
from corpusmith.kernels.spacy_en import new_chunk, pointers, tokenize
from corpusmith.kernels.spacy_join import join_exceptions, new_found
from corpusmith.kernels.spacy_tokens import (
    BEHIND_SPACE,
    ENDS_SENTENCE,
    IS_PUNCTUATION,
    Tokens,
    new_tokens,
)


class Words(NamedTuple):
    """Tokens of a column: those of row i are numbers `ends[i]` up to `ends[i + 1]`."""

    data: np.ndarray  # uint8
    offsets: np.ndarray  # int64[rows + 1]
    tokens: Tokens
    ends: np.ndarray  # int64[rows + 1]


_last: tuple[object, Words] | None = None


def words_of(column: pa.Array | pa.ChunkedArray) -> Words:
    """The tokens of each text (string or large_string without nulls).

    The last result is remembered, so that two measures of one text share the work; the column
    that is held on to can't change, so its buffers' addresses stand for it.
    """
    global _last
    data, offsets = text_buffers(column)
    key = (data.ctypes.data, len(data), offsets.ctypes.data, len(offsets))
    last = _last
    if last is not None and last[0] == key:
        return last[1]
    words = _words(data, offsets)
    _last = (key, words)
    return words


def _words(data: np.ndarray, offsets: np.ndarray) -> Words:
    longest = int(np.diff(offsets).max(initial=0))
    tokens = new_tokens(len(data))
    ends = np.zeros(len(offsets), np.int64)
    _split_rows(data, offsets, tables(), new_chunk(longest), tokens, new_found(longest), ends)
    used = Tokens(*(column[: ends[-1]] for column in tokens))
    return Words(data, offsets, used, ends)


@kernel
def _split_rows(data, offsets, tables, chunk, tokens, found, ends):
    rules = pointers(tables)
    size = np.int64(data.shape[0])
    starts, lengths = pointer(tokens.starts), pointer(tokens.lengths)
    chars, marks = pointer(tokens.chars), pointer(tokens.marks)
    for row in range(offsets.shape[0] - 1):
        last = tokenize(
            pointer(data), size, offsets[row], offsets[row + 1], np.int64(1), rules,
            pointer(chunk.codes), pointer(chunk.flags), pointer(chunk.places),
            pointer(chunk.suffixes), starts, lengths, chars, marks, ends[row],
        )  # fmt: skip
        ends[row + 1] = join_exceptions(
            pointer(data), size, offsets[row], ends[row], last, rules,
            starts, lengths, chars, marks,
            pointer(found.starts), pointer(found.ends), pointer(found.exceptions),
            pointer(found.seen), pointer(found.at),
        )  # fmt: skip


def sentences(words: Words, lines: np.ndarray, line_ends: np.ndarray) -> np.ndarray:
    """Sentences of each row, int64[rows]: the sum over its lines, `words.data[a:b]` for a, b in
    `lines[line_ends[i]:line_ends[i + 1]]`, none of them empty, in rising order.

    A sentence ends before the first token, white space too, that is no punctuation behind one of
    the sentencizer's marks: spaCy 3.8, spacy/pipeline/sentencizer.pyx. A line by itself has the
    tokens that it has in its text, since none reaches over the end of a line.
    """
    found = np.zeros(len(line_ends) - 1, np.int64)
    _sentences_of_rows(
        words.offsets, lines, line_ends, words.tokens.starts, words.tokens.marks, words.ends, found
    )
    return found


@kernel
def _sentences_of_rows(offsets, lines, line_ends, starts, marks, ends, sentences):
    for row in range(line_ends.shape[0] - 1):
        token = ends[row]
        for line in range(line_ends[row], line_ends[row + 1]):
            sentences[row] += 1
            ended = False
            end = lines[line, 1] - offsets[row]
            while token < ends[row + 1] and starts[token] < end:
                mark = np.int64(marks[token])
                if ended and (mark & BEHIND_SPACE or not mark & (IS_PUNCTUATION | ENDS_SENTENCE)):
                    sentences[row] += 1
                    ended = False
                if mark & ENDS_SENTENCE:
                    ended = True
                token += 1


def warm() -> None:
    """Compile the kernels, or load them from Numba's cache."""
    words = words_of(pa.array(["It's a.b (x:)", ""], pa.large_string()))
    sentences(words, np.array([[0, 13]]), np.array([0, 1, 1]))
