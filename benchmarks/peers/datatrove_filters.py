"""What datatrove 0.10.1's four filters measure and decide; runs in the peers' environment.

    .venv-peers/datatrove/bin/python benchmarks/peers/datatrove_filters.py IN.jsonl OUT.jsonl

IN has a document a line, {"text": ...}; OUT a line for each: the decision of every filter (true,
or the reason that it gave) and the numbers that it compared, under the names of our signals. The
numbers are those of the filters' own code: each threshold is an object that takes down what it is
compared with and lets it pass. `c4_text` is the text that the C4 filter leaves of what it keeps.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)

DUP_SIZES, TOP_SIZES = range(5, 11), (2, 3, 4)


class Recorder:
    """A threshold that nothing fails, and that remembers the values held against it."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def _note(self, value: float) -> bool:
        self.seen.append(float(value))
        return False

    __lt__ = __gt__ = __le__ = __ge__ = _note  # also `value < threshold`, which Python turns round


def measured(text: str) -> dict[str, float]:
    """The numbers of the four filters on a text that has words."""
    record: dict[str, Recorder] = {}

    def at(name: str) -> Any:
        return record.setdefault(name, Recorder())

    quality = GopherQualityFilter(
        min_doc_words=at("words"),
        max_doc_words=None,
        min_avg_word_length=at("word_mean_chars"),
        max_avg_word_length=None,
        max_symbol_word_ratio=at("symbols"),
        max_bullet_lines_ratio=at("bullet_lines_frac"),
        max_ellipsis_lines_ratio=at("ellipsis_lines_frac"),
        max_non_alpha_words_ratio=at("alpha_words_frac"),
        min_stop_words=at("stop_words_distinct"),
    )
    repetition = GopherRepetitionFilter(
        dup_line_frac=at("dup_lines_frac"),
        dup_para_frac=at("dup_paragraphs_frac"),
        dup_line_char_frac=at("dup_line_chars_frac"),
        dup_para_char_frac=at("dup_paragraph_chars_frac"),
        top_n_grams=tuple((n, at(f"top_{n}gram_chars_frac")) for n in TOP_SIZES),
        dup_n_grams=tuple((n, at(f"dup_{n}gram_chars_frac")) for n in DUP_SIZES),
    )
    fineweb = FineWebQualityFilter(
        line_punct_thr=at("terminal_lines_frac"),
        short_line_thr=at("short_lines_frac"),
        char_duplicates_ratio=at("duplicate_line_chars_frac"),
        new_line_ratio=at("newlines_per_word"),
    )
    for rules in (quality, repetition, fineweb):
        rules.filter(Document(text=text, id=""))
    symbols = record.pop("symbols")
    found = {name: recorder.seen[0] for name, recorder in record.items() if recorder.seen}
    for name, value in zip(("hash_per_word", "ellipsis_per_word"), symbols.seen, strict=True):
        found[name] = value
    return found


class Sentences(C4QualityFilter):
    """The C4 filter, with the number of sentences that it holds against its minimum."""

    def filter(self, document: Document) -> Any:
        self.min_num_sentences = recorder = Recorder()
        answer = super().filter(document)
        self.sentences = int(recorder.seen[-1]) if recorder.seen else None
        return answer


def decisions(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, rules in FILTERS.items():
        document = Document(text=text, id="")
        began = time.process_time()
        answer = rules.filter(document)
        SECONDS[name] = SECONDS.get(name, 0.0) + time.process_time() - began
        found[name] = True if answer is True else answer[1]
        if name == "c4" and answer is True:
            found["c4_text"] = document.text
    return found


FILTERS = {
    "gopher_quality": GopherQualityFilter(),
    "gopher_repetition": GopherRepetitionFilter(),
    "c4": C4QualityFilter(),
    "fineweb": FineWebQualityFilter(),
}
SECONDS: dict[str, float] = {}


def main(source: str, target: str) -> None:
    counter = Sentences()
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            text = json.loads(line)["text"]
            row = decisions(text)
            try:
                row["signals"] = measured(text)
            except (ZeroDivisionError, ValueError):
                row["signals"] = {}  # no word or no line: the filters stop before they divide
            if counter.filter(Document(text=text, id="")) is True:
                row["signals"]["c4_sentences"] = counter.sentences
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(json.dumps({"seconds": {n: round(s, 3) for n, s in SECONDS.items()}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
