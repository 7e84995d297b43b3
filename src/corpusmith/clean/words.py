"""What a word is: the parameter `words` of the measures, and what a rule set calls it."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict


class WordsParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    words: Literal["unicode", "segmented", "spacy_en"] = "unicode"
    """`unicode`: runs of letters, numbers and `_`; each Han, Kana, Thai, Lao, Khmer and Burmese
    character; for any language. `segmented`: the same, but these characters are cut to words by
    word lists (Viterbi over unigrams; Japanese where at least 5 % of Han and Kana are Kana, else
    Chinese); what it costs and how right it is: docs/languages.md. `spacy_en`: tokens of spaCy's
    English tokenizer, with lines and white space as Python's `str` has them: the columns that
    datatrove's English filters look at, to the digit, for the rule sets' variant `datatrove`."""

    @property
    def segmenters(self) -> tuple[str, ...]:
        """What a rule set may call it under `segmenter:`."""
        return SEGMENTERS[self.words]


SEGMENTERS: dict[str, tuple[str, ...]] = {
    "unicode": ("unicode_words", "unicode_sentences"),
    "segmented": ("segmented_words", "unicode_sentences"),
    "spacy_en": ("spacy_en",),
}


def chosen(params: WordsParams | None, unicode: pa.Schema, spacy: tuple[str, ...]) -> pa.Schema:
    """The columns that a measure adds: all of them, or those that datatrove has."""
    if params is None or params.words != "spacy_en":
        return unicode
    return pa.schema([unicode.field(name) for name in spacy])
