"""Features of a page's text blocks, for the classifier that tells main text from the rest.

All are language-agnostic: sizes, links, punctuation of all scripts, the layout around a block, what
classes and ids hint at, the neighbours, the page.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.htmllayout import (
    ARTICLE,
    BYTES,
    DIGITS,
    ENDS,
    GOOD,
    GROUP_OF,
    GROUPS,
    HIDDEN_BIT,
    LETTERS,
    LEVEL,
    LINES,
    LINK,
    N_GROUPS,
    N_HINTS,
    PARAGRAPH,
    PRE_GROUP,
    PUNCT,
    SIZE,
    SPACES,
    TITLE,
    UPPER,
    within,
)  # fmt: skip
from corpusmith.kernels.htmlstack import (
    B_ELEM,
    B_LINKS,
    E_FIRST,
    E_LAST,
    E_PARENT,
    E_SIGNATURE,
    E_TAG,
)  # fmt: skip
from corpusmith.kernels.htmltags import HINTS
from corpusmith.kernels.jit import kernel

STEPS = 1024.0  # features are multiples of 1/STEPS
LEVELS = 4  # how many elements around a block are looked at one by one
FEATURES = (
    *("log_size", "link_frac", "links", "log_punct", "punct_frac", "digit_frac", "upper_frac"),
    *("ends_sentence", "log_lines", "bytes_per_char", "heading_level", "log_depth", "good"),
    *("hidden", "title_overlap", "one_word"),
    *(f"own_{group}" for group in GROUPS),
    *(f"in_{group}" for group in GROUPS),
    *(f"near_{hint}" for hint in HINTS),
    *(f"under_{hint}" for hint in HINTS),
    *(
        f"{what}_{level}"
        for level in range(1, LEVELS + 1)
        for what in ("good_share", "links", "log_size", "log_blocks", "good_frac")
    ),
    *("in_best", "steps_to_best", "in_core", "in_most", "before_best", "after_best"),
    *("in_root", "steps_to_root", "in_main_range", "before_main", "after_main", "main_layout"),
    *("log_from_title", "title_seen", "repeats_1", "repeats_2", "repeats_3", "unit_links"),
    *("before1_level", "section_link_frac", "article_rank", "article_depth"),
    *("main_trust", "alike_trust", "around_trust"),
    *("main_share", "root_link_frac", "root_good_share", "root_good_frac"),
    *("alike_good_share", "alike_log_count", "alike_link_frac", "alike_log_size"),
    *(
        f"{side}{distance}_{what}"
        for side in ("before", "after")
        for distance in (1, 2)
        for what in ("log_size", "link_frac", "ends", "own", "good")
    ),
    *("good_within_3", "links_within_3", "good_within_8", "links_within_8"),
    *("log_from_good", "log_to_good", "good_before", "position", "log_position"),
    *("page_log_size", "page_log_good", "page_link_frac", "page_good_frac", "page_log_blocks"),
    *("page_best_share", "page_has_article", "page_pre_frac", "page_log_good_mean"),
)
COUNT = len(FEATURES)
STAGE_2 = (
    *("p", "p_before", "p_after", "p_before_2", "p_after_2", "p_within_2", "p_within_5"),
    *("p_around", "p_alike", "p_page", "p_max_before", "p_max_after", "p_share_before"),
)
"""What the second classifier is given besides: the first one's answers, here and near."""


@kernel
def featurize(elems, blocks, stats, sums, work, group, groups, best, core, most, found, repeats,
doubt, out):  # fmt: skip
    """Fill `out` (float32[b, COUNT]) from what the other kernels found."""
    count = blocks.shape[0]
    total, links, good = max(sums[count, 0], 1.0), sums[count, 1], max(sums[count, 2], 1.0)
    best_first, best_last = elems[best, E_FIRST], elems[best, E_LAST]
    has_article = 0.0
    for number in range(elems.shape[0]):
        if GROUP_OF[elems[number, E_TAG]] & ARTICLE:
            has_article = 1.0
    pre = goods = 0.0
    for number in range(count):
        if work[blocks[number, B_ELEM], 0] & PRE_GROUP:
            pre += stats[number, SIZE]
        goods += stats[number, GOOD] > 0.0
    best_share = within(sums, best_first, best_last, 2) / good
    root = found[1]
    inside = max(within(sums, elems[root, E_FIRST], elems[root, E_LAST], 0), 1.0)
    root_links = within(sums, elems[root, E_FIRST], elems[root, E_LAST], 1) / inside
    fine = within(sums, elems[root, E_FIRST], elems[root, E_LAST], 2)
    root_share, root_fine = fine / good, fine / inside
    last_good = title_at = -1
    section_links = 0.0
    for number in range(count):
        row, stat = out[number], stats[number]
        elem = blocks[number, B_ELEM]
        size = max(stat[SIZE], 1.0)
        k = 0
        row[0], row[1], row[2] = np.log1p(size), stat[LINK] / size, min(blocks[number, B_LINKS], 20)
        row[3], row[4], row[5] = np.log1p(stat[PUNCT]), stat[PUNCT] / size, stat[DIGITS] / size
        row[6], row[7] = stat[UPPER] / max(stat[LETTERS], 1.0), stat[ENDS]
        row[8], row[9] = np.log1p(stat[LINES]), stat[BYTES] / size
        row[10], row[11] = LEVEL[elems[elem, E_TAG]], np.log1p(work[elem, 3])
        row[12] = stat[GOOD] > 0.0
        row[13] = 1.0 if work[elem, 0] & HIDDEN_BIT else 0.0
        row[14] = stat[TITLE]
        row[15] = stat[SPACES] == 0 and stat[BYTES] == stat[SIZE] and size >= 8
        k = 16
        own, around = GROUP_OF[elems[elem, E_TAG]], work[elem, 0]
        for bit in range(N_GROUPS):
            row[k + bit] = own >> bit & 1
            row[k + N_GROUPS + bit] = around >> bit & 1
        k += 2 * N_GROUPS
        near, under = work[elem, 2], work[elem, 1]
        if elem > 0:
            near |= work[elems[elem, E_PARENT], 2]
        for bit in range(N_HINTS):
            row[k + bit] = near >> bit & 1
            row[k + N_HINTS + bit] = under >> bit & 1
        k += 2 * N_HINTS
        up = elem
        if own & PARAGRAPH and elem > 0:
            up = elems[elem, E_PARENT]
        for _ in range(LEVELS):
            first, last = elems[up, E_FIRST], elems[up, E_LAST]
            inside, fine = within(sums, first, last, 0), within(sums, first, last, 2)
            row[k] = fine / good
            row[k + 1] = within(sums, first, last, 1) / max(inside, 1.0)
            row[k + 2], row[k + 3] = np.log1p(inside), np.log1p(last - first)
            row[k + 4] = fine / max(inside, 1.0)
            k += 5
            if up > 0:
                up = elems[up, E_PARENT]
        inner = best_first <= number < best_last
        row[k] = inner
        steps, up = 0, elem
        while steps < 12 and not (
            elems[up, E_FIRST] <= best_first and best_last <= elems[up, E_LAST]
        ):
            up = elems[up, E_PARENT]
            steps += 1
        row[k + 1] = steps
        row[k + 2] = elems[core, E_FIRST] <= number < elems[core, E_LAST]
        row[k + 3] = elems[most, E_FIRST] <= number < elems[most, E_LAST]
        row[k + 4] = np.log1p(max(best_first - number, 0))
        row[k + 5] = np.log1p(max(number - best_last + 1, 0))
        k += 6
        row[k] = elems[root, E_FIRST] <= number < elems[root, E_LAST]
        steps, up = 0, elem
        while steps < 12 and not (
            elems[up, E_FIRST] <= elems[root, E_FIRST] and elems[root, E_LAST] <= elems[up, E_LAST]
        ):
            up = elems[up, E_PARENT]
            steps += 1
        row[k + 1] = steps
        row[k + 2] = found[2] <= number <= found[3]
        row[k + 3] = np.log1p(max(found[2] - number, 0))
        row[k + 4] = np.log1p(max(number - found[3], 0))
        row[k + 5] = group[number] == found[0]
        k += 6
        if row[14] >= 0.6 and (row[10] > 0 or title_at < 0):
            title_at, section_links = number, 0.0
        if row[10] > 0:
            section_links = row[1]
        row[k] = np.log1p(number - title_at if title_at >= 0 else count)
        row[k + 1] = title_at >= 0
        up, unit_links = elem, 0.0
        if own & PARAGRAPH and elem > 0:
            up = elems[elem, E_PARENT]
        for level in range(3):
            row[k + 2 + level] = np.log1p(repeats[up])
            if repeats[up] >= 3:
                inside = max(within(sums, elems[up, E_FIRST], elems[up, E_LAST], 0), 1.0)
                unit_links = within(sums, elems[up, E_FIRST], elems[up, E_LAST], 1) / inside
            if up > 0:
                up = elems[up, E_PARENT]
        row[k + 5] = unit_links
        row[k + 6] = LEVEL[elems[blocks[number - 1, B_ELEM], E_TAG]] if number else 0.0
        row[k + 7] = section_links
        row[k + 8], row[k + 9] = np.log1p(work[elem, 4]), work[elem, 5]
        k += 10
        row[k] = groups[found[0], 4] / good
        row[k + 1] = groups[group[number], 4] / max(groups[found[0], 4], 1.0)
        row[k + 2] = doubt[elem]
        k += 3
        row[k] = groups[found[0], 3] / good
        row[k + 1], row[k + 2], row[k + 3] = root_links, root_share, root_fine
        k += 4
        this = groups[group[number]]
        row[k], row[k + 1] = this[3] / good, np.log1p(this[0])
        row[k + 2], row[k + 3] = this[2] / max(this[1], 1.0), np.log1p(this[1] / this[0])
        k += 4
        for step in (-1, -2, 1, 2):
            other = number + step
            if 0 <= other < count:
                row[k] = np.log1p(stats[other, SIZE])
                row[k + 1] = stats[other, LINK] / max(stats[other, SIZE], 1.0)
                row[k + 2] = stats[other, ENDS]
                row[k + 3] = elems[blocks[other, B_ELEM], E_SIGNATURE] == elems[elem, E_SIGNATURE]
                row[k + 4] = stats[other, GOOD] > 0.0
            else:
                row[k], row[k + 1], row[k + 2], row[k + 3], row[k + 4] = -1.0, 0.0, 0.0, 0.0, 0.0
            k += 5
        for reach in (3, 8):
            first, last = max(number - reach, 0), min(number + reach + 1, count)
            inside = max(within(sums, first, last, 0), 1.0)
            row[k] = within(sums, first, last, 2) / inside
            row[k + 1] = within(sums, first, last, 1) / inside
            k += 2
        row[k] = np.log1p(number - last_good)
        if stat[GOOD] > 0.0:
            last_good = number
        row[k + 2], row[k + 3] = sums[number, 2] / good, number / count
        row[k + 4] = np.log1p(number)
        k += 5
        row[k], row[k + 1], row[k + 2] = np.log1p(total), np.log1p(good), links / total
        row[k + 3], row[k + 4], row[k + 5] = sums[count, 2] / total, np.log1p(count), best_share
        row[k + 6], row[k + 7], row[k + 8] = (
            has_article,
            pre / total,
            np.log1p(good / max(goods, 1.0)),
        )
        for column in range(COUNT):  # so that the last bit of a logarithm decides nothing
            row[column] = np.rint(row[column] * STEPS) / STEPS
    next_good = count
    for number in range(count - 1, -1, -1):
        out[number, COUNT - 13] = np.rint(STEPS * np.log1p(next_good - number)) / STEPS
        if stats[number, GOOD] > 0.0:
            next_good = number


@kernel
def look_around(first, stats, group, groups, slots, out):
    """The second classifier's further features (float32[b, 13]) from the first one's answers."""
    count = first.shape[0]
    slots[:count] = 0.0
    total = 0.0
    page = 0.0
    for number in range(count):
        slots[group[number]] += first[number] * stats[number, SIZE]
        page += first[number] * stats[number, SIZE]
        total += stats[number, SIZE]
    running, highest = 0.0, 0.0
    for number in range(count):
        row = out[number]
        row[0] = first[number]
        k = 1
        for step in (-1, 1, -2, 2):
            row[k] = first[number + step] if 0 <= number + step < count else 0.0
            k += 1
        for reach in (2, 5, 15):
            begin, end = max(number - reach, 0), min(number + reach + 1, count)
            weighed = sizes = 0.0
            for other in range(begin, end):
                if other != number:
                    weighed += first[other] * stats[other, SIZE]
                    sizes += stats[other, SIZE]
            row[k] = weighed / max(sizes, 1.0)
            k += 1
        row[k] = slots[group[number]] / max(groups[group[number], 1], 1.0)
        row[k + 1] = page / max(total, 1.0)
        highest = highest * 0.8
        row[k + 2] = highest
        highest = max(highest, first[number] if stats[number, SIZE] >= 30 else 0.0)
        row[k + 4] = running / max(page, 1.0)
        running += first[number] * stats[number, SIZE]
    highest = 0.0
    for number in range(count - 1, -1, -1):
        highest = highest * 0.8
        out[number, 11] = highest
        highest = max(highest, first[number] if stats[number, SIZE] >= 30 else 0.0)
