"""The features of a page's text blocks, written slowly: by name, each from its definition, over a
tree of elements that a test makes. Every sum is taken anew.

Of the kernels' modules only the table of hint words and the list of tag groups are read: data, not
code.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Sequence

from corpusmith.kernels.htmllayout import TAG_GROUPS
from corpusmith.kernels.htmltags import HINT_WORDS

NEGATIVE_HINTS = frozenset(
    ("comment", "nav", "footer", "sidebar", "related", "share", "promo", "signup", "tags", "popup",
     "tools", "form")
)  # fmt: skip
POSITIVE_HINTS = frozenset(("article", "content", "prose", "code", "product"))
NEGATIVE_GROUPS = frozenset(("nav", "footer", "aside", "form", "button"))
POSITIVE_GROUPS = frozenset(("article", "main", "section", "p", "pre", "div"))
PARAGRAPHS = frozenset(("p", "item", "cell"))
GROUP = {tag: name for name, tags in TAG_GROUPS.items() for tag in tags.split()}


@dataclasses.dataclass(eq=False)
class Element:
    tag: str
    children: list[Element | Text]
    names: str = ""  # of its class
    hidden: bool = False
    parent: Element | None = None

    @property
    def group(self) -> str:
        return GROUP.get(self.tag, "")

    @functools.cached_property
    def hints(self) -> set[str]:
        """By the words of its class, cut at capitals too."""
        words = {word.lower() for word in re.findall("[A-Z]*[a-z]+|[A-Z]+", self.names)}
        return {name for name, known in HINT_WORDS.items() if words & set(known.split())}

    @functools.cached_property
    def layout(self) -> tuple[tuple[str, str], ...]:
        """Tags and first classes, without digits and signs, all the way up."""
        first = re.sub("[^A-Za-z]", "", (self.names.split() or [""])[0])
        above = self.parent.layout if self.parent else ()
        return (*above, (self.tag, first))

    def up(self) -> list[Element]:
        """Itself and what is around it, innermost first."""
        return [self, *(self.parent.up() if self.parent else [])]


@dataclasses.dataclass(eq=False)
class Text:
    """A block: words, some in links."""

    pieces: list[tuple[str, bool]]
    element: Element | None = None

    @property
    def text(self) -> str:
        return "".join(words for words, _ in self.pieces)


@dataclasses.dataclass
class Sizes:
    """What is counted in a block's text; a wide character counts as two."""

    size: int = 0
    punct: int = 0
    digits: int = 0
    upper: int = 0
    letters: int = 0
    lines: int = 0
    spaces: int = 0
    ends: bool = False  # a sentence
    linked: float = 0.0
    good: float = 0.0
    title: float = 0.0


def measure(block: Text, title: str) -> Sizes:
    s = Sizes()
    for c in block.text:
        code = ord(c)
        s.size += 2 if 0x3000 <= code <= 0xDFFF or 0xF000 <= code <= 0xFFFF else 1
        if c in ".!?,;:،؛؟\u3000、。，！：；？":
            s.punct += 1
            s.ends = c in ".!?؟。！？"
        elif c in " \n":
            s.spaces += 1
            s.lines += c == "\n"
        elif c.isascii():
            s.digits += c.isdigit()
            s.letters += c.isalpha()
            s.upper += c.isupper()
            if c not in "\"')]":
                s.ends = False
        elif not 0x2000 <= code < 0x2040 and not 0xFF00 <= code < 0xFF40:
            s.letters += 1
            s.ends = False
    whole = len(block.text.encode())
    linked = sum(len(words.encode()) for words, link in block.pieces if link)
    s.linked = s.size * min(1.0, linked / whole)
    s.good = s.size if s.size >= 60 and s.punct and s.linked < 0.3 * s.size else 0.0
    own, said = (bytes(b | 32 for b in x.encode()) for x in (block.text, title))
    if 3 <= len(own) <= 400 and len(said) >= 3:
        if own in said[: 399 + len(own)]:
            s.title = 1.0
        else:
            same = next(
                (i for i, (a, b) in enumerate(zip(own, said, strict=False)) if a != b), None
            )
            s.title = (min(len(own), len(said)) if same is None else same) / len(own)
    return s


class Page:
    """All of a page's features, by block."""

    def __init__(self, root: Element, title: str) -> None:
        self.root = root
        self.elements: list[Element] = []
        self.blocks: list[Text] = []
        self.ranges: dict[Element, tuple[int, int]] = {}
        self._walk(root)
        self.sizes = [measure(block, title) for block in self.blocks]
        self.elem = [block.element or root for block in self.blocks]
        self.layouts = [element.layout for element in self.elem]
        self.total = max(self.sum(self.all(), "size"), 1.0)
        self.good = max(self.sum(self.all(), "good"), 1.0)
        self.trusts = {element: self._doubt(element) for element in self.elements}
        self.title = self._title()
        self.trust = {layout: self._trust(layout) for layout in self.layouts}
        self.main = max(self.trust, key=lambda layout: self.trust[layout])
        main_good = [i for i in self.of(self.main) if self.sizes[i].good]
        self.first, self.last = (main_good[0], main_good[-1]) if main_good else (-1, -1)
        most_of_it = 0.8 * max(self.sum(main_good, "good"), 1.0)
        holders = [
            e
            for e in self.elements
            if self.sum([i for i in main_good if i in self.within(e)], "good") >= most_of_it
        ]
        self.main_root = holders[-1] if holders else root
        self.core, self.most = (self._holder(share) for share in (0.7, 0.9))
        self.best = self._best()

    def _walk(self, element: Element) -> None:
        self.elements.append(element)
        start = len(self.blocks)
        for child in element.children:
            if isinstance(child, Text):
                child.element = element
                self.blocks.append(child)
            else:
                child.parent = element
                self._walk(child)
        self.ranges[element] = start, len(self.blocks)

    # --- what is where

    def all(self) -> range:
        return range(len(self.blocks))

    def within(self, element: Element) -> range:
        return range(*self.ranges[element])

    def sum(self, numbers: Sequence[int], what: str) -> float:
        return sum(getattr(self.sizes[i], what) for i in numbers)

    def of(self, layout: object) -> list[int]:
        return [i for i in self.all() if self.layouts[i] == layout]

    def share(self, element: Element) -> float:
        return self.sum(self.within(element), "good") / self.good

    def holder(self, element: Element) -> Element:
        """What a paragraph, an item, a cell stands in; others themselves."""
        return element.parent if element.group in PARAGRAPHS and element.parent else element

    def repeats(self, element: Element) -> int:
        """Elements with text that are laid out alike."""
        if not self.within(element):
            return 0
        alike = [e for e in self.elements if self.within(e) and e.layout == element.layout]
        return len(alike)

    def articles(self) -> list[Element]:
        return [e for e in self.elements if e.tag == "article" and self.share(e) > 0]

    def _doubt(self, element: Element) -> float:
        trust = 1.0
        for e in element.up():
            if e.parent is None or self.share(e) == 0:
                continue
            small = self.share(e) < 0.5
            trust *= 0.5 if e.hints & NEGATIVE_HINTS and small else 1
            trust *= 0.5 if e.tag == "article" and e is not self.articles()[0] else 1
            trust *= 0.5 if e.group in NEGATIVE_GROUPS and small else 1
            outermost = e.hidden and not any(above.hidden for above in e.parent.up())
            trust *= 0.1 if outermost else 1
        return trust

    def _title(self) -> int:
        found = -1
        for i in self.all():
            if self.sizes[i].title >= 0.6 and (found < 0 or self.elem[i].tag == "h1"):
                found = i
        return found

    def _trust(self, layout: object) -> float:
        found = 0.0
        for i in self.of(layout):
            trust = self.sizes[i].good * self.trusts[self.elem[i]]
            if self.repeats(self.holder(self.elem[i])) >= 3:
                trust *= 0.5
            if self.title >= 0:
                trust *= 1 / (1 + 0.02 * (i - self.title)) if i > self.title else 0.5
            found += trust
        return found

    def _holder(self, share: float) -> Element:
        return [e for e in self.elements if self.share(e) >= share or e is self.root][-1]

    def _best(self) -> Element:
        """Most good text directly in it, half of that of its children."""
        weight = dict.fromkeys(self.elements, 0.0)
        for i in self.all():
            holder = self.holder(self.elem[i])
            weight[holder] += self.sizes[i].good
            if holder.parent:
                weight[holder.parent] += 0.5 * self.sizes[i].good
        return max(self.elements, key=lambda e: weight[e])

    # --- of an element as it counts for its blocks

    def around_main(self, element: Element) -> bool:
        """Of what holds the text only what speaks for it counts."""
        low, high = self.ranges[self.main_root]
        first, last = self.ranges[element]
        before = self.elements.index(element) <= self.elements.index(self.main_root)
        return before and first <= low and high <= last

    def groups(self, element: Element) -> set[str]:
        own = {element.group} - {""}
        return own & POSITIVE_GROUPS if self.around_main(element) else own

    def hints(self, element: Element) -> set[str]:
        own = element.hints if element.parent else set()
        return own & POSITIVE_HINTS if self.around_main(element) else own

    def steps(self, element: Element, goal: Element) -> int:
        low, high = self.ranges[goal]
        for steps, e in enumerate(element.up()):
            first, last = self.ranges[e]
            if steps == 12 or (first <= low and high <= last):
                return steps
        return 12

    def links(self, element: Element) -> float:
        inside = self.within(element)
        return self.sum(inside, "linked") / max(self.sum(inside, "size"), 1.0)

    def goodness(self, numbers: Sequence[int]) -> float:
        return self.sum(numbers, "good") / max(self.sum(numbers, "size"), 1.0)


def level(element: Element) -> int:
    return int(element.tag[1]) if re.fullmatch("h[1-6]", element.tag) else 0


def of_block(p: Page, i: int) -> dict[str, float]:
    """A block's features by name."""
    log: Callable[[float], float] = math.log1p
    s, elem = p.sizes[i], p.elem[i]
    whole = len(p.blocks[i].text.encode())
    size = max(s.size, 1)
    row: dict[str, float] = {
        "log_size": log(size), "link_frac": s.linked / size,
        "links": min(sum(link for _, link in p.blocks[i].pieces), 20),
        "log_punct": log(s.punct), "punct_frac": s.punct / size, "digit_frac": s.digits / size,
        "upper_frac": s.upper / max(s.letters, 1), "ends_sentence": s.ends,
        "log_lines": log(s.lines), "bytes_per_char": whole / size, "heading_level": level(elem),
        "log_depth": log(len(elem.up()) - 1), "good": s.good > 0,
        "hidden": any(e.hidden for e in elem.up()), "title_overlap": s.title,
        "one_word": s.spaces == 0 and whole == s.size and size >= 8,
    }  # fmt: skip
    above = [e for e in elem.up() if e.parent]
    for name in TAG_GROUPS:
        row[f"own_{name}"] = elem.group == name
        row[f"in_{name}"] = any(name in p.groups(e) for e in above)
    for name in HINT_WORDS:
        row[f"near_{name}"] = any(name in p.hints(e) for e in elem.up()[:2])
        row[f"under_{name}"] = any(name in p.hints(e) for e in above)
    up = p.holder(elem)
    units: list[float] = []
    for number in range(1, 5):
        inside = p.within(up)
        row[f"good_share_{number}"] = p.share(up)
        row[f"links_{number}"] = p.links(up)
        row[f"log_size_{number}"] = log(p.sum(inside, "size"))
        row[f"log_blocks_{number}"] = log(len(inside))
        row[f"good_frac_{number}"] = p.goodness(inside)
        if number <= 3:
            row[f"repeats_{number}"] = log(p.repeats(up))
            units += [p.links(up)] if p.repeats(up) >= 3 else []
        up = up.parent or up
    row["unit_links"] = units[-1] if units else 0.0
    best_first, best_last = p.ranges[p.best]
    row |= {
        "in_best": i in p.within(p.best), "steps_to_best": p.steps(elem, p.best),
        "in_core": i in p.within(p.core), "in_most": i in p.within(p.most),
        "before_best": log(max(best_first - i, 0)), "after_best": log(max(i - best_last + 1, 0)),
        "in_root": i in p.within(p.main_root), "steps_to_root": p.steps(elem, p.main_root),
        "in_main_range": p.first <= i <= p.last,
        "before_main": log(max(p.first - i, 0)), "after_main": log(max(i - p.last, 0)),
        "main_layout": p.layouts[i] == p.main,
    }  # fmt: skip
    return row | _in_sequence(p, i) | _of_page(p, i)


def _in_sequence(p: Page, i: int) -> dict[str, float]:
    """What stands before and behind."""
    log: Callable[[float], float] = math.log1p
    elem, count = p.elem[i], len(p.blocks)
    title, section = -1, 0.0
    for n in range(i + 1):
        if p.sizes[n].title >= 0.6 and (level(p.elem[n]) or title < 0):
            title, section = n, 0.0
        if level(p.elem[n]):
            section = p.sizes[n].linked / max(p.sizes[n].size, 1)
    seen = [n for n in p.all() if p.sizes[n].good]
    articles = [e for e in elem.up() if e in p.articles()]
    row: dict[str, float] = {
        "log_from_title": log(i - title if title >= 0 else count), "title_seen": title >= 0,
        "before1_level": level(p.elem[i - 1]) if i else 0, "section_link_frac": section,
        "article_rank": log(1 + p.articles().index(articles[0])) if articles else 0.0,
        "article_depth": len(articles),
        "log_from_good": log(i - max([n for n in seen if n < i], default=-1)),
        "log_to_good": log(min([n for n in seen if n > i], default=count) - i),
        "good_before": p.sum(range(i), "good") / p.good, "position": i / count,
        "log_position": log(i),
    }  # fmt: skip
    for side, sign in (("before", -1), ("after", 1)):
        for distance in (1, 2):
            n = i + sign * distance
            name = f"{side}{distance}_"
            there = 0 <= n < count
            row[name + "log_size"] = log(p.sizes[n].size) if there else -1.0
            row[name + "link_frac"] = p.sizes[n].linked / p.sizes[n].size if there else 0.0
            row[name + "ends"] = there and p.sizes[n].ends
            row[name + "own"] = there and p.layouts[n] == p.layouts[i]
            row[name + "good"] = there and p.sizes[n].good > 0
    for reach in (3, 8):
        near = [n for n in p.all() if abs(n - i) <= reach]
        row[f"good_within_{reach}"] = p.goodness(near)
        row[f"links_within_{reach}"] = p.sum(near, "linked") / max(p.sum(near, "size"), 1.0)
    return row


def _of_page(p: Page, i: int) -> dict[str, float]:
    """The layout that a block shares, the root, the page."""
    log: Callable[[float], float] = math.log1p
    alike = p.of(p.layouts[i])
    mean = p.sum(alike, "size") / len(alike)
    best = p.trust[p.main]
    goods = sum(s.good > 0 for s in p.sizes)
    pre = [n for n in p.all() if any("pre" in p.groups(e) for e in p.elem[n].up() if e.parent)]
    return {
        "main_trust": best / p.good, "alike_trust": p.trust[p.layouts[i]] / max(best, 1.0),
        "around_trust": p.trusts[p.elem[i]], "main_share": p.sum(p.of(p.main), "good") / p.good,
        "root_link_frac": p.links(p.main_root), "root_good_share": p.share(p.main_root),
        "root_good_frac": p.goodness(p.within(p.main_root)),
        "alike_good_share": p.sum(alike, "good") / p.good, "alike_log_count": log(len(alike)),
        "alike_link_frac": p.sum(alike, "linked") / max(p.sum(alike, "size"), 1.0),
        "alike_log_size": log(mean), "page_log_size": log(p.total), "page_log_good": log(p.good),
        "page_link_frac": p.sum(p.all(), "linked") / p.total,
        "page_good_frac": p.sum(p.all(), "good") / p.total,
        "page_log_blocks": log(len(p.blocks)), "page_best_share": p.share(p.best),
        "page_has_article": any(e.tag == "article" for e in p.elements),
        "page_pre_frac": p.sum(pre, "size") / p.total,
        "page_log_good_mean": log(p.good / max(goods, 1)),
    }  # fmt: skip
