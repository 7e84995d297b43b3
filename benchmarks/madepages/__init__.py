"""Pages of our own making whose main text is known by construction, as many as are wanted.

    python -m benchmarks.madepages FOLDER [--pages 300] [--first-seed 0]     write pages and gold
    python -m benchmarks.madepages --sample       the committed sample in tests/quality/pages/made
    python -m benchmarks.madepages --score [--pages 252]     F1 of ours, trafilatura's, resiliparse's
    python -m benchmarks.madepages --floors       what the gate's floors are, measured anew

Each layout follows how one family of systems puts its pages together (WordPress, Ghost, Drupal,
phpBB, Discourse, Stack Exchange, MediaWiki, Sphinx, Shopify ...), its names of classes drawn anew a
page: words, BEM, utilities, hashes, none. Sentences are of a small grammar for seven languages.
What is main text follows the pages that people marked (`benchmarks/maintext_gold.py`): the story
without headline and byline, every post of a thread, question and answers without remarks, a shop's
description and details without reviews; of documentation the chapter with its title.

`HELD_OUT` are layouts to measure on and not to learn from: what an engine reaches on them it
reaches on a layout that it hasn't seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from benchmarks.madepages import manuals, press, shop, talk
from benchmarks.madepages.body import Flavour, Node, to_markdown
from benchmarks.madepages.prose import LANGUAGES
from benchmarks.madepages.world import Said, World

Layout = Callable[[World], tuple[str, list[Node], Flavour]]


@dataclasses.dataclass(frozen=True)
class Made:
    """A page, its main text as Markdown, and what it says of itself."""

    name: str  # kind-layout-language-seed
    kind: str
    layout: str
    language: str
    page: bytes
    gold: str
    said: Said


LAYOUTS: dict[str, Layout] = {
    function.__name__: function
    for function in (
        *(press.news_wordpress, press.news_components, press.news_amp, press.news_drupal),
        *(press.blog_ghost, press.blog_plain, press.blog_magazine),
        *(press.official_release, press.official_law, press.paywall_teaser),
        *(press.abstract_journal, press.abstract_repository),
        *(talk.forum_board, talk.forum_topic, talk.forum_tables, talk.forum_tree),
        *(talk.question_stack, talk.question_answers),
        *(shop.product_shop, shop.product_tabs, shop.recipe_card, shop.recipe_portal),
        *(shop.landing_product, shop.index_blog, shop.index_links),
        *(manuals.docs_sphinx, manuals.docs_docusaurus, manuals.docs_javadoc, manuals.docs_man),
        *(manuals.docs_readme, manuals.wiki_media, manuals.wiki_doku),
        *(manuals.old_tables, manuals.old_hand, manuals.table_figures, manuals.table_cookbook),
    )
}
KINDS = tuple(dict.fromkeys(name.split("_")[0] for name in LAYOUTS))
HELD_OUT = (
    *("news_components", "blog_magazine", "official_law", "abstract_repository", "forum_topic"),
    *(
        "question_answers",
        "product_tabs",
        "recipe_portal",
        "docs_readme",
        "wiki_doku",
        "old_tables",
    ),
)


def make(layout: str, language: str, seed: int) -> Made:
    """The same page for the same arguments, wherever it is made."""
    world = World(language, seed + 1_000_003 * list(LAYOUTS).index(layout))
    page, nodes, flavour = LAYOUTS[layout](world)
    kind, _, rest = layout.partition("_")
    name = f"{kind}-{rest}-{language}-{seed}"
    gold = to_markdown(nodes, flavour)
    return Made(name, kind, layout, language, page.encode(), gold, world.said)


def pages(
    count: int, first_seed: int = 0, layouts: tuple[str, ...] | None = None
) -> Iterator[Made]:
    """So many pages, layouts and languages in turn; other seeds give other pages."""
    names = layouts or tuple(LAYOUTS)
    for number in range(count):
        layout = names[number % len(names)]
        turn = number // len(names)
        language = LANGUAGES[(turn + number) % len(LANGUAGES)]
        yield make(layout, language, first_seed + turn)


def to_learn_from() -> tuple[str, ...]:
    return tuple(name for name in LAYOUTS if name not in HELD_OUT)
