"""What the main text engine must reach on pages of our own making: 4-gram F1 of the text and F1 of
the lines that carry structure, by kind of page, by language, and over layouts that are held out;
of what pages say of themselves, the share that is right.

`python -m benchmarks.madepages --floors` measures them anew. A floor is lowered only with its
reason beside it, dated. `SHA256` is of the pages that they were measured on.
"""

from __future__ import annotations

PAGES, FIRST_SEED = 252, 5_000  # each layout in each language; nothing learns from seeds over 5,000

MAIN_TEXT: dict[str, float] = {
    "news": 0.99,
    "en": 0.97,
    "to_learn_from": 0.98,
    "all": 0.97,
    "de": 0.98,
    "held_out": 0.97,
    "fr": 0.97,
    "es": 0.98,
    "blog": 0.98,
    "zh": 0.97,
    "ja": 0.97,
    "ar": 0.98,
    "official": 0.99,
    "paywall": 0.97,
    "abstract": 0.99,
    "forum": 0.95,
    "question": 0.99,
    "product": 0.95,
    "recipe": 0.87,
    "landing": 0.96,
    "index": 0.98,
    "docs": 0.99,
    "wiki": 0.98,
    "old": 0.98,
    "table": 0.99,
}
# 24 November: headings right above text that stays do too: news from .89, abstract from .72,
# held_out from .85, all from .92; blog from .98, zh from .97 (and zh's text from .98), which keep
# titles of pages that their gold leaves out. Before that, on the same day: news from .95, product
# from .96, recipe from .86, held_out from .93, en from .90, fr from .90, with weights that are
# learned with pages of our own making: all kinds together went from .89 to .92.
STRUCTURE: dict[str, float] = {
    "news": 0.94,
    "en": 0.9,
    "to_learn_from": 0.95,
    "all": 0.93,
    "de": 0.94,
    "held_out": 0.88,
    "fr": 0.89,
    "es": 0.93,
    "blog": 0.97,
    "zh": 0.96,
    "ja": 0.96,
    "ar": 0.93,
    "official": 0.98,
    "abstract": 0.83,
    "forum": 0.92,
    "question": 0.95,
    "product": 0.83,
    "recipe": 0.77,
    "landing": 0.97,
    "index": 0.95,
    "docs": 0.99,
    "wiki": 0.92,
    "old": 0.92,
    "table": 0.99,
}
SHA256 = "2aef25fbb28be1ede2023a7005c56d051b4448cffaded2441fc9215262c346ee"
FIELDS: dict[str, float] = {
    "title": 1.0,
    "author": 1.0,
    "site": 1.0,
    "published": 1.0,
    "lang": 1.0,
    "canonical": 1.0,
    "license_url": 1.0,
}
