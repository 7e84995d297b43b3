"""The counters behind every text signal, for a whole column; see `scan` and `repeats`.

`scan_column` remembers its last result, so that measures of the same text, one after the
other, share one pass over it. It holds on to that text meanwhile: an address that another
text took over can't be mistaken for it. Memory for tables and tokens is kept from scan to scan:
the system clears fresh memory page by page, which took a tenth of the time.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from corpusmith.kernels import lexicon, marks, repeats, segmenter, segments
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.chars import classes
from corpusmith.kernels.jit import kernel, pointer
from corpusmith.kernels.lines import COUNTS
from corpusmith.kernels.longer import SLACK
from corpusmith.kernels.repeats import (
    DATATROVE,
    DCLM,
    NGRAM_COUNTS,
    lay_tokens,
    repeated_ngrams,
)
from corpusmith.kernels.scan import scan_document
from corpusmith.kernels.scripts import count_scripts, scripts
from corpusmith.kernels.scripts import warm as scripts_warm


@dataclasses.dataclass(frozen=True)
class Scan:
    """What one pass over a column leaves. Row i's tokens are `ids[starts[i]:starts[i + 1]]`.

    `ids` and what is told of spellings are good until the thread's next scan.
    """

    counts: np.ndarray  # int64[rows, len(COUNTS)]
    text_bytes: np.ndarray  # int64[rows]
    ids: np.ndarray  # int32[tokens]: number of the token's spelling within its document
    starts: np.ndarray  # int64[rows + 1]
    spelling_counts: np.ndarray  # int32: occurrences in the document
    spelling_chars: np.ndarray  # int32: characters, negative for a symbol
    spelling_starts: np.ndarray  # int64[rows + 1]

    def __getitem__(self, name: str) -> np.ndarray:
        """A counter of every row: int64[rows]."""
        return self.counts[:, COUNTS.index(name)]


class _Kept(threading.local):
    """What a thread keeps: its last scan, and memory by what it is for."""

    def __init__(self) -> None:
        self.last: tuple[tuple, object, Scan] | None = None
        self._memory: dict[str, tuple[int, Any]] = {}

    def memory(self, use: str, size: int, make: Callable[[int], Any]) -> Any:
        """`make(size)`, or what was made for as much or more."""
        made, found = self._memory.get(use, (-1, None))
        if made < size:
            size += size // 8  # the next one is a little larger
            found = make(size)
            self._memory.pop(use, None)
            if size <= _KEPT_SIZE:
                self._memory[use] = size, found
        return found


_KEPT_SIZE = 1 << 25
"""Of a column's bytes, a text's bytes or its tokens: memory for more is not kept."""
_kept = _Kept()


def scan_column(column: pa.Array | pa.ChunkedArray, *, segmented: bool = False) -> Scan:
    """Scan a column of texts (string or large_string without nulls), or remember its scan.

    `segmented`: runs of single characters (`chars.SINGLE`) are cut to words by word lists, see
    `segmenter`; else each is a token of its own.
    """
    key = (segmented, *_identity(column))
    last = _kept.last
    if last is not None and last[0] == key:
        return last[2]
    data, offsets = text_buffers(column)
    _kept.last = None  # its memory is written to
    scan = _scan(data, offsets, word_lists_of(column) if segmented else None)
    _kept.last = (key, column, scan)
    return scan


def ngram_counts(scan: Scan) -> tuple[np.ndarray, np.ndarray]:
    """Characters in repeated n-grams, int64[rows, len(NGRAM_COUNTS)]: datatrove's over all
    tokens, DCLM's over the words alone; see `repeats.repeated_ngrams`."""
    rows = len(scan.starts) - 1
    most = int(np.diff(scan.starts).max(initial=0))
    datatrove = np.zeros((rows, len(NGRAM_COUNTS)), np.int64)
    dclm = np.zeros((rows, len(NGRAM_COUNTS)), np.int64)
    _ngrams_of_rows(
        scan.ids, scan.starts, scan.spelling_counts, scan.spelling_chars, scan.spelling_starts,
        *_kept.memory("ngrams", most, repeats.new_work), datatrove, dclm,
    )  # fmt: skip
    return datatrove, dclm


def warm() -> None:
    """Compile the kernels, or load them from Numba's cache."""
    data, offsets = text_buffers(pa.array(["a b a b.\n\n词", ""], pa.large_string()))
    ngram_counts(_scan(data, offsets))
    scripts_warm()
    lexicon.warm()


def _class_arrays() -> tuple[np.ndarray, ...]:
    tables = classes()
    return (
        tables.flags, tables.letters_upper, tables.digits_numbers, tables.roots, tables.leaves
    )  # fmt: skip


def _identity(column: pa.Array | pa.ChunkedArray) -> tuple:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return tuple(
        (chunk.type, chunk.offset, len(chunk), *(b and b.address for b in chunk.buffers()))
        for chunk in chunks
    )


JAPANESE_SHARE = 20
"""One in so many Han and Kana characters is Kana: the text's words are Japanese, else Chinese."""


def word_lists_of(column: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, lexicon.Lexicons]:
    """Of each text the list for its Han and Kana characters (int8: CHINESE, JAPANESE, NONE; -1
    where no list has anything to do), and the lists that the column needs."""
    counts = count_scripts(column)
    place = {name: number for number, name in enumerate(scripts().names)}
    kana = counts[:, [place["Hira"], place["Kana"]]].sum(axis=1)
    both = kana + counts[:, [n for name, n in place.items() if name.startswith("Hani")]].sum(axis=1)
    japanese = JAPANESE_SHARE * kana >= both
    lists = np.where(both == 0, lexicon.NONE, np.where(japanese, lexicon.JAPANESE, lexicon.CHINESE))
    wanted = set(np.unique(lists).tolist())
    others = np.zeros(len(lists), np.int64)
    for number, name in (
        (lexicon.THAI, "Thai"),
        (lexicon.KHMER, "Khmr"),
        (lexicon.LAO, "Laoo"),
        (lexicon.BURMESE, "Mymr"),
    ):
        if counts[:, place[name]].any():
            wanted.add(number)
        others += counts[:, place[name]]
    lists[(both == 0) & (others == 0)] = -1
    return lists.astype(np.int8), lexicon.lexicons(frozenset(wanted - {lexicon.NONE}))


def _scan(
    data: np.ndarray,
    offsets: np.ndarray,
    words: tuple[np.ndarray, lexicon.Lexicons] | None = None,
) -> Scan:
    rows = len(offsets) - 1
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    counts = np.zeros((rows, len(COUNTS)), np.int64)
    ids, spelling_counts, spelling_chars = _kept.memory("tokens", len(data), _new_tokens)
    starts = np.zeros(rows + 1, np.int64)
    spelling_starts = np.zeros(rows + 1, np.int64)
    if words is None:
        words = np.full(rows, -1, np.int8), lexicon.lexicons(frozenset())
    lists, lexicons = words
    _scan_rows(
        data, offsets, *_class_arrays(), *_kept.memory("text", longest, _new_tables), lists,
        lexicons.slots, lexicons.costs, lexicons.fields.reshape(-1), lexicons.fold,
        *_kept.memory("paths", 0, lambda _: segmenter.new_paths()), counts, ids, starts,
        spelling_counts, spelling_chars, spelling_starts,
    )  # fmt: skip
    used = spelling_starts[-1]
    return Scan(
        counts, lengths, ids[: starts[-1]], starts, spelling_counts[:used], spelling_chars[:used],
        spelling_starts,
    )  # fmt: skip


def _new_tokens(size: int) -> list[np.ndarray]:
    """Tokens, and of spellings occurrences and characters, for a column of so many bytes."""
    # Bounds that no text exceeds; memory that is never written is never taken. N-grams are compared
    # eight tokens at a time.
    return [np.empty(size + SLACK, np.int32) for _ in range(3)]


def _new_tables(longest: int) -> tuple[np.ndarray, ...]:
    """For texts of up to so many bytes: tables of spellings and of lines, and marks."""
    return (
        *segments.new_table(longest + 1),
        *segments.new_table(2 * longest + 4),
        *marks.new_marks(longest),
    )


@kernel
def _scan_rows(
    data, offsets, flags, letters_upper, digits_numbers, roots, leaves, slots, spellings, state,
    line_slots, line_entries, line_state, bitmaps, token_starts, token_ends, newlines,
    line_tokens, edge, lengths, lists, word_slots, word_costs, word_fields,
    fold, codes, firsts, sums, backs, known, counts, ids, starts, spelling_counts,
    spelling_chars, spelling_starts,
):  # fmt: skip
    for row in range(offsets.shape[0] - 1):
        at = spelling_starts[row]
        tokens = scan_document(
            pointer(data), data.shape[0], offsets[row], offsets[row + 1],
            pointer(flags), pointer(letters_upper), pointer(digits_numbers), pointer(roots),
            pointer(leaves), pointer(slots), pointer(spellings), pointer(state),
            pointer(line_slots), pointer(line_entries), pointer(line_state),
            pointer(bitmaps[marks.LETTER]), pointer(bitmaps[marks.NAMING]),
            pointer(bitmaps[marks.INNER]), pointer(bitmaps[marks.RARE]),
            pointer(bitmaps[marks.ENDERS]), pointer(bitmaps[marks.INNER_BEFORE]),
            pointer(token_starts), pointer(token_ends), pointer(newlines), pointer(line_tokens),
            pointer(edge), pointer(lengths), np.int64(lists[row]), pointer(word_slots),
            pointer(word_costs), pointer(word_fields), pointer(fold), pointer(codes),
            pointer(firsts), pointer(sums), pointer(backs), pointer(known), pointer(counts[row]),
            pointer(ids[starts[row] :]), pointer(spelling_chars[at:]),
            pointer(spelling_counts[at:]),
        )  # fmt: skip
        starts[row + 1] = starts[row] + tokens
        spelling_starts[row + 1] = at + state[segments.ENTRIES]


@kernel
def _ngrams_of_rows(
    ids, starts, spelling_counts, spelling_chars, spelling_starts,
    slots, state, tokens, ends, word_ends, numbers, parents, candidates, places, ngrams, seen,
    often, word_often, reach, copied, diverging, skipped, datatrove, dclm,
):  # fmt: skip
    for row in range(starts.shape[0] - 1):
        begin = starts[row]
        count = starts[row + 1] - begin
        spelled = spelling_starts[row]
        words = lay_tokens(
            pointer(ids[begin:]), count, pointer(spelling_counts[spelled:]),
            pointer(spelling_chars[spelled:]), pointer(tokens), pointer(ends), pointer(word_ends),
            pointer(often), pointer(word_often),
        )  # fmt: skip
        for variant in (DATATROVE, DCLM):
            if variant == DATATROVE:
                used, used_count, out = pointer(ids[begin:]), count, pointer(datatrove[row])
                used_ends, used_often = pointer(ends), pointer(often)
            else:
                used, used_count, out = pointer(tokens), words, pointer(dclm[row])
                used_ends, used_often = pointer(word_ends), pointer(word_often)
            repeated_ngrams(
                used, used_count, used_ends, used_often, variant, pointer(slots), pointer(state),
                pointer(numbers), pointer(parents), pointer(candidates), pointer(places),
                pointer(ngrams), pointer(seen), pointer(reach), pointer(copied),
                pointer(diverging), pointer(skipped), out,
            )  # fmt: skip
