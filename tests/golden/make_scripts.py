"""Makes src/corpusmith/kernels/scripts.txt and han_variants.txt.

    python -m tests.golden.make_scripts FOLDER

FOLDER has two packages unpacked, which nothing else of the project needs: fonttools (the Unicode
Character Database's Scripts.txt as a table) and opencc-python-reimplemented (OpenCC's tables of
characters). Run it when a new version of Unicode is wanted; `tests/unit/test_scripts.py` holds the
table against the `regex` library's own.
"""

from __future__ import annotations

import sys
from pathlib import Path

KERNELS = Path(__file__).resolve().parents[2] / "src" / "corpusmith" / "kernels"


def scripts(folder: Path) -> str:
    sys.path.insert(0, str(folder))
    from fontTools.unicodedata import Scripts

    first_lines = (folder / "fontTools/unicodedata/Scripts.py").read_text("utf-8")[:2000]
    version = next(w for w in first_lines.split() if w.startswith("Scripts-"))
    lines = [
        "# The Script property of Unicode (UAX #24), in ISO 15924 codes; Zyyy, Zinh and Zzzz are",
        f"# left out. Made by tests/golden/make_scripts.py from {version},",
        "# Unicode License V3, https://www.unicode.org/license.txt",
    ]
    starts = [*Scripts.RANGES, 0x110000]
    ranges: list[tuple[int, int, str]] = []
    for first, after, name in zip(starts, starts[1:], Scripts.VALUES, strict=False):
        if ranges and ranges[-1][2] == name and ranges[-1][1] == first:
            ranges[-1] = (ranges[-1][0], after, name)
        elif name not in ("Zyyy", "Zinh", "Zzzz"):
            ranges.append((first, after, name))
    for first, after, name in ranges:
        lines.append(f"{first:04X}..{after - 1:04X} {name}")
    return "\n".join(lines) + "\n"


def variants(folder: Path) -> str:
    tables = {}
    for name in ("STCharacters", "TSCharacters"):
        text = (folder / f"opencc/dictionary/{name}.txt").read_text("utf-8")
        rows = (line.split("\t") for line in text.splitlines() if line)
        tables[name] = {key: others.split() for key, others in rows}
    simple, old = tables["STCharacters"], tables["TSCharacters"]
    only_simplified = {c for c, others in simple.items() if c not in others and c not in old}
    only_traditional = {c for c, others in old.items() if c not in others and c not in simple}
    to_simplified = {c: others[0] for c, others in old.items() if others[0] != c and len(c) == 1}
    pairs = "".join(c + to_simplified[c] for c in sorted(to_simplified))
    return (
        "# Han characters that only simplified, or only traditional, Chinese writing uses; then\n"
        "# each traditional character before its simplified form. Made by\n"
        "# tests/golden/make_scripts.py from OpenCC's STCharacters.txt and TSCharacters.txt,\n"
        "# Copyright Carbo Kuo and contributors, Apache License 2.0.\n"
        f"simplified {''.join(sorted(only_simplified))}\n"
        f"traditional {''.join(sorted(only_traditional))}\n"
        f"pairs {pairs}\n"
    )


def main() -> None:
    folder = Path(sys.argv[1])
    (KERNELS / "scripts.txt").write_text(scripts(folder), "ascii")
    (KERNELS / "han_variants.txt").write_text(variants(folder), "utf-8")


if __name__ == "__main__":
    main()
