"""The kept blocks of a page as Markdown (CommonMark 0.31.2, tables as in GitHub's), or as plain
text.

Headings, list items with their numbers, quotes, code in fences with its language, tables by rows,
code within lines; links where they are asked for. Emphasis is not written: a page's bold words are
mostly its look. Nothing is escaped but what would end its own mark: a | in a table, a fence in
code.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.htmlstack import (
    B_ELEM,
    B_EVENTS,
    B_EVENTS_TO,
    B_FROM,
    B_TO,
    CODE_CLOSES,
    CODE_OPENS,
    E_LANG_FROM,
    E_LANG_TO,
    E_PARENT,
    E_TAG,
    LINK_CLOSES,
    LINK_OPENS,
)  # fmt: skip
from corpusmith.kernels.htmltags import TAG
from corpusmith.kernels.htmltree import (
    C_CELL,
    C_COLUMNS,
    C_ITEM,
    C_LEVEL,
    C_MARGIN,
    C_MARKED,
    C_NUMBER,
    C_PRE,
    C_ROW,
    C_TABLE,
)  # fmt: skip
from corpusmith.kernels.jit import kernel

_OL, _LI = np.int64(TAG["ol"]), np.int64(TAG["li"])
MAX_LANGUAGE = 32  # bytes of a fence's info string
AT, LAST_TABLE, LAST_ROW, COLUMN, HEAD_DONE, LAST_CELL = range(6)
"""Where the output ends (beyond its room: it was too small), and the table that is being
written."""


@kernel
def _put(out, state, byte):
    at = state[AT]
    if at < out.shape[0]:
        out[at] = byte
    state[AT] = at + 1


@kernel
def _fill(out, state, byte, count):
    for _ in range(count):
        _put(out, state, byte)


@kernel
def _margin(out, state, margin, written):
    """The marks of quotes and the indents of items at the beginning of a line, in the order in
    which they stand around; `written`: the margin that is there already, 1 for nothing."""
    above = 0
    while margin >> above > 1:
        above += 2
    while written > 1:
        written >>= 2
        above -= 2
    while above > 0:
        above -= 2
        width = margin >> above & 3
        if width == 0:
            _put(out, state, 62)
            _put(out, state, 32)
        else:
            _fill(out, state, 32, width + 1)


@kernel
def _to_quote(margin):
    """The margin up to its innermost quote, 1 without one."""
    while margin > 1 and margin & 3 != 0:
        margin >>= 2
    return margin


@kernel
def _number(out, state, number):
    power = 1
    while power * 10 <= number:
        power *= 10
    while power > 0:
        _put(out, state, 48 + number // power % 10)
        power //= 10


@kernel
def _inline(text, begin, end, events, first, last, hrefs, out, state, margin, kind, links):
    """A block's text with its marks. `kind`: 0 lines as they are, 1 on one line, 2 in a table,
    3 plain, 4 plain on one line."""
    event, at = first, begin
    in_code = in_link = False
    href = np.int64(0)
    while at <= end:
        while event < last and (events[event, 0] <= at or at == end):
            what = events[event, 1]
            empty = event + 1 < last and events[event + 1, 0] <= events[event, 0]
            if kind >= 3:
                pass
            elif what == CODE_OPENS:
                if not in_code and not empty and at < end:
                    ticks = False
                    stop = events[event + 1, 0] if event + 1 < last else end
                    for i in range(at, min(stop, end)):
                        ticks |= text[i] == 96
                    if not ticks:
                        _put(out, state, 96)
                        in_code = True
            elif what == CODE_CLOSES:
                if in_code:
                    _put(out, state, 96)
                in_code = False
            elif what == LINK_OPENS and links:
                if not empty and at < end and events[event, 3] > events[event, 2]:
                    _put(out, state, 91)
                    in_link, href = True, np.int64(event)
            elif what == LINK_CLOSES and in_link:
                _put(out, state, 93)
                _put(out, state, 40)
                for i in range(events[href, 2], events[href, 3]):
                    _put(out, state, hrefs[i])
                _put(out, state, 41)
                in_link = False
            event += 1
        if at == end:
            break
        byte = text[at]
        if byte == 10 and (kind == 1 or kind == 2 or kind == 4):
            _put(out, state, 32)
        elif byte == 10 and kind == 0:
            _put(out, state, 10)
            _margin(out, state, margin, 1)
        else:
            if byte == 124 and kind == 2:
                _put(out, state, 92)
            _put(out, state, byte)
        at += 1


@kernel
def _end_row(around, out, state, markdown):
    table = state[LAST_TABLE]
    if table < 0:
        return
    if markdown:
        columns = max(np.int64(around[table, C_COLUMNS]), state[COLUMN] + 1)
        while state[COLUMN] < columns - 1:
            _put(out, state, 32)
            _put(out, state, 124)
            state[COLUMN] += 1
        _put(out, state, 32)
        _put(out, state, 124)
        if not state[HEAD_DONE]:
            state[HEAD_DONE] = 1
            _put(out, state, 10)
            _put(out, state, 124)
            for _ in range(columns):
                for byte in (32, 45, 45, 45, 32, 124):
                    _put(out, state, byte)


@kernel
def _cell(block, text, here, events, hrefs, around, out, state, markdown, links):
    """A block in a cell of a data table: rows are lines, cells stand between bars or tabs."""
    table, row, cell = here[C_TABLE], here[C_ROW], here[C_CELL]
    if table != state[LAST_TABLE] or row != state[LAST_ROW]:
        if table != state[LAST_TABLE]:
            if state[LAST_TABLE] >= 0:
                _end_row(around, out, state, markdown)
            if state[AT] > 0:
                _fill(out, state, 10, 2)
            state[HEAD_DONE] = 0
        else:
            _end_row(around, out, state, markdown)
            _put(out, state, 10)
        state[LAST_TABLE], state[LAST_ROW], state[COLUMN], state[LAST_CELL] = table, row, 0, -1
        if markdown:
            _put(out, state, 124)
    if cell == state[LAST_CELL]:
        _put(out, state, 32)
    else:
        while state[COLUMN] < around[cell, C_NUMBER]:
            if markdown:
                _put(out, state, 32)
                _put(out, state, 124)
            else:
                _put(out, state, 9)
            state[COLUMN] += 1
        if markdown:
            _put(out, state, 32)
    state[LAST_CELL] = cell
    _inline(
        text, block[B_FROM], block[B_TO], events, block[B_EVENTS], block[B_EVENTS_TO], hrefs, out,
        state, 1, 2 if markdown else 4, links and markdown,
    )  # fmt: skip


@kernel
def _fence(text, blocks, keep, around, number, pre):
    """How many backticks the fence of this <pre> needs: more than any run in it."""
    longest = 2
    while number < blocks.shape[0] and around[blocks[number, B_ELEM], C_PRE] == pre:
        run = 0
        for at in range(blocks[number, B_FROM], blocks[number, B_TO]):
            run = run + 1 if text[at] == 96 else 0
            longest = max(longest, run)
        number += 1
    return longest + 1


@kernel
def render(text, data, elems, blocks, events, around, keep, hrefs, markdown, links, out, state):
    """Write the kept blocks; returns the length, which is over that of `out` where it was small.

    out uint8[n]; state int64[6]; `around` as `context` left it (its MARKED column is used up);
    `hrefs` holds the links' addresses, to which the events' ranges point.
    """
    for column in range(state.shape[0]):
        state[column] = 0
    state[LAST_TABLE] = state[LAST_CELL] = -1
    last = np.int64(-1)
    open_pre, ticks, pre_margin = np.int64(-1), 0, np.int64(1)
    for number in range(blocks.shape[0]):
        if not keep[number]:
            continue
        block = blocks[number]
        elem = block[B_ELEM]
        here = around[elem]
        if open_pre >= 0 and here[C_PRE] != open_pre:
            if markdown:
                _put(out, state, 10)
                _margin(out, state, pre_margin, 1)
                _fill(out, state, 96, ticks)
            open_pre = -1
        if here[C_TABLE] >= 0 and here[C_CELL] >= 0 and here[C_PRE] < 0:
            _cell(block, text, here, events, hrefs, around, out, state, markdown, links)
            last = number
            continue
        if state[LAST_TABLE] >= 0:
            _end_row(around, out, state, markdown)
            state[LAST_TABLE] = -1
        item, pre = np.int64(here[C_ITEM]), here[C_PRE]
        begins_item = item >= 0 and not around[item, C_MARKED]
        before = around[blocks[last, B_ELEM]] if last >= 0 else here
        if pre >= 0 and pre == open_pre:
            _put(out, state, 10)
        elif last >= 0:
            tight = begins_item and before[C_ITEM] >= 0 and before[C_PRE] < 0
            quoted = _to_quote(np.int64(here[C_MARGIN]))
            if not tight and quoted > 1 and quoted == _to_quote(before[C_MARGIN]) and markdown:
                _put(out, state, 10)
                _margin(out, state, quoted >> 2, 1)
                _put(out, state, 62)
            elif not tight:
                _put(out, state, 10)
            _put(out, state, 10)
        margin = np.int64(here[C_MARGIN])
        begin, end = np.int64(block[B_FROM]), np.int64(block[B_TO])
        if markdown and not (pre >= 0 and pre == open_pre):
            if begins_item:
                parent = elems[item, E_PARENT]
                _margin(out, state, np.int64(around[parent, C_MARGIN]), 1)
                if elems[parent, E_TAG] == _OL:
                    _number(out, state, np.int64(around[item, C_NUMBER]))
                    _put(out, state, 46)
                else:
                    _put(out, state, 45)
                _put(out, state, 32)
                _margin(out, state, margin, np.int64(around[item, C_MARGIN]))
            else:
                _margin(out, state, margin, 1)
        if begins_item:
            around[item, C_MARKED] = 1
        if pre >= 0:
            if pre != open_pre:
                while begin < end and text[begin] == 10:
                    begin += 1
                open_pre, pre_margin = np.int64(pre), margin
                ticks = _fence(text, blocks, keep, around, number, pre)
                if markdown:
                    _fill(out, state, 96, ticks)
                    stop = min(elems[pre, E_LANG_TO], elems[pre, E_LANG_FROM] + MAX_LANGUAGE)
                    for at in range(elems[pre, E_LANG_FROM], stop):
                        if data[at] > 32 and data[at] != 96:
                            _put(out, state, data[at])
                    _put(out, state, 10)
                    _margin(out, state, margin, 1)
            elif markdown:
                _margin(out, state, margin, 1)
            while end > begin and text[end - 1] <= 32:
                end -= 1
            _inline(
                text, begin, end, events, 0, 0, hrefs, out, state, margin,
                0 if markdown else 3, False,
            )  # fmt: skip
        else:
            level = here[C_LEVEL]
            if markdown and level and item < 0:
                _fill(out, state, 35, level)
                _put(out, state, 32)
            kind = 3 if not markdown else 1 if level else 0
            _inline(
                text, begin, end, events, block[B_EVENTS], block[B_EVENTS_TO], hrefs, out, state,
                margin, kind, links,
            )  # fmt: skip
        last = number
    if open_pre >= 0 and markdown:
        _put(out, state, 10)
        _margin(out, state, pre_margin, 1)
        _fill(out, state, 96, ticks)
    if state[LAST_TABLE] >= 0:
        _end_row(around, out, state, markdown)
    return state[AT]
