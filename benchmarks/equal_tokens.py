"""Whether our encoder gives the tokens of `tokenizers`: random strings, every code point.

    python -m benchmarks.equal_tokens [--strings 1000000]

For each pattern that ours knows, a vocabulary of 3,000 tokens trained on text of many scripts.
Strings are those of `tests.bpe_vocabularies.random_texts` (all scripts, emoji sequences, combining
marks, control characters, white space of every kind, long runs of one character, and any code point
at all), with another seed for every 10,000; then every code point but surrogates before and after
letters, numbers, apostrophes and spaces. The last line counts the texts whose tokens differ.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import tokenizers

from benchmarks.common import claim, report
from corpusmith.tokenize.tokenizer import Tokenizer
from tests.bpe_vocabularies import NAMES, class_texts, random_texts, trained

STRINGS = 1_000_000  # for each pattern
GROUP = 10_000
VOCABULARY = 3_000


def groups(strings: int, characters: list[str]) -> Iterator[list[str]]:
    for seed, start in enumerate(range(0, strings, GROUP)):
        yield random_texts(min(GROUP, strings - start), 1000 + seed)
    texts = class_texts(characters)
    for start in range(0, len(texts), 64):
        yield texts[start : start + 64]


def compare(name: str, strings: int, characters: list[str]) -> dict[str, Any]:
    """Texts, MB and differences for one pattern."""
    library = trained(name, VOCABULARY)
    ours = Tokenizer(tokenizers.Tokenizer.from_str(library.to_str()))
    assert ours.encoder == {"encoder": "corpusmith", "pattern": name}
    texts = differ = size = 0
    for group in groups(strings, characters):
        tokens, offsets = ours.encode_column(pa.array(group, pa.large_string()))
        theirs = ours.library.encode_batch_fast(group, add_special_tokens=False)
        for row, encoding in enumerate(theirs):
            differ += tokens[offsets[row] : offsets[row + 1]].tolist() != encoding.ids
        texts += len(group)
        size += sum(len(text.encode()) for text in group)
    return {"texts": texts, "mb": round(size / 1e6, 2), "differ": differ}


def main(strings: int = STRINGS, small: bool = False) -> dict[str, Any]:
    """Compare and print; `small` in seconds, with a few code points."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    codes = range(0, 0x110000, 997 if small else 1)
    characters = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    began = time.process_time()
    found = {name: compare(name, 500 if small else strings, characters) for name in NAMES}
    result = {
        "name": "equal_tokens",
        "texts": sum(one["texts"] for one in found.values()),
        "mb": round(sum(one["mb"] for one in found.values()), 2),
        "cpu_seconds": round(time.process_time() - began, 1),
        "patterns": found,
        "tokenizers": tokenizers.__version__,
        "data": "random strings of all scripts, and every code point",
    }
    differ = sum(one["differ"] for one in found.values())
    if small:
        assert differ == 0, found
    else:
        result["claims"] = [
            claim("texts whose tokens differ from those of tokenizers", differ, "..0"),
            claim(
                "random strings for each pattern",
                min(strings, *(one["texts"] for one in found.values())),
                f"{STRINGS}..",
            ),
        ]
    return report(result)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--strings", type=int, default=STRINGS)
    parser.add_argument("--small", action="store_true", help="in seconds, a few strings")
    o = parser.parse_args()
    main(o.strings, o.small)
