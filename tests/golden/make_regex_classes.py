"""Makes src/corpusmith/kernels/regex_classes.txt by asking the regex engine inside `tokenizers`.

    python -m tests.golden.make_regex_classes > src/corpusmith/kernels/regex_classes.txt

Run it when a release of `tokenizers` brings another Unicode version; test_pretokens says so.
"""

from __future__ import annotations

import tokenizers
from tokenizers import Regex, pre_tokenizers

CLASSES = {
    "Lu": r"\p{Lu}",
    "Lt": r"\p{Lt}",
    "Ll": r"\p{Ll}",
    "Lm": r"\p{Lm}",
    "Lo": r"\p{Lo}",
    "M": r"\p{M}",
    "N": r"\p{N}",
    "s": r"\s",
}
ALL = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)


def members(pattern: str, text: str = ALL) -> list[str]:
    """The runs of characters in `text` that the engine finds with `(pattern)+`."""
    split = pre_tokenizers.Split(Regex(f"(?:{pattern})+"), "removed", invert=True)
    return [run for run, _ in split.pre_tokenize_str(text)]


def main() -> None:
    rows = []
    for name, pattern in CLASSES.items():
        for run in members(pattern):
            first = 0
            for last in range(len(run)):
                # A run of the text, but the text leaves out surrogates.
                if last + 1 == len(run) or ord(run[last + 1]) != ord(run[last]) + 1:
                    rows.append((ord(run[first]), ord(run[last]), name))
                    first = last + 1
    print("# Character classes of the regular expressions in `tokenizers`, all code points not")
    print("# listed have none of them. Made by tests/golden/make_regex_classes.py with")
    print(f"# tokenizers {tokenizers.__version__}. s: white space. The others: general categories.")
    for first, last, name in sorted(rows):
        print(f"{first:04X}..{last:04X} {name}" if last > first else f"{first:04X} {name}")


if __name__ == "__main__":
    main()
