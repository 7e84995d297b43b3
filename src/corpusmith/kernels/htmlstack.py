"""The open elements of a page and the block that is being read, as the tag scanner needs them.

The stack is a chain of parents; `latest` has the latest open element of each name, so that an end
tag finds what it closes without a search.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.htmlattrs import (
    F_FLAGS,
    F_HINTS,
    F_SIGNATURE,
    HIDDEN,
    LANG_FROM,
    LANG_TO,
    NUMBER,
)  # fmt: skip
from corpusmith.kernels.htmltags import (
    CLOSES_P,
    TAG,
)  # fmt: skip
from corpusmith.kernels.htmltext import (
    BEGIN,
    BLOCK_ELEM,
    BLOCKS,
    CODE,
    CODE_ELEM,
    DROP,
    ELEMS,
    EVENTS,
    FIRST_EVENT,
    LINK,
    LINK_AT,
    LINK_BYTES,
    LINK_ELEM,
    LINK_FROM,
    LINK_TO,
    LINKS,
    NO,
    OUT,
    PENDING,
    PRE,
    REFS,
    SOURCE,
    TOP,
)  # fmt: skip
from corpusmith.kernels.jit import kernel

ELEM = ("PARENT", "TAG", "FIRST", "LAST", "PREVIOUS", "WALL", "FLAGS", "HINTS", "SIGNATURE",
        "LANG_FROM", "LANG_TO", "NUMBER")  # fmt: skip
"""Columns of an element: its first block and the one after its last; the element of its name that
was open before; the innermost element that end tags don't leave; the language of its code; its
colspan or its list's start."""
(E_PARENT, E_TAG, E_FIRST, E_LAST, E_PREVIOUS, E_WALL, E_FLAGS, E_HINTS, E_SIGNATURE, E_LANG_FROM,
 E_LANG_TO, E_NUMBER) = range(len(ELEM))  # fmt: skip
BLOCK_COLUMNS = ("FROM", "TO", "ELEM", "LINK_BYTES", "LINKS", "EVENTS", "EVENTS_TO", "SOURCE")
"""Columns of a block: its text's range, its element, bytes of its text in links, links, events."""
(B_FROM, B_TO, B_ELEM, B_LINK_BYTES, B_LINKS, B_EVENTS, B_EVENTS_TO, B_SOURCE) = range(8)
LINK_OPENS, LINK_CLOSES, CODE_OPENS, CODE_CLOSES = range(4)
"""What an event marks at a place of the text; a link's has the range of its address in the page."""
REF_TAG, REF_TITLE, REF_JSON, REF_FIELD, REF_LICENSE = range(5)
MAX_REFS = 1024

(
    _P,
    _LI,
    _UL,
    _OL,
    _MENU,
    _DL,
    _DT,
    _DD,
    _TABLE,
    _TR,
    _TD,
    _TH,
    _THEAD,
    _TBODY,
    _TFOOT,
    _PRE,
    _LISTING,
    _XMP,
    _CAPTION,
) = (
    np.int64(TAG[name])
    for name in [
        "p",
        "li",
        "ul",
        "ol",
        "menu",
        "dl",
        "dt",
        "dd",
        "table",
        "tr",
        "td",
        "th",
        "thead",
        "tbody",
        "tfoot",
        "pre",
        "listing",
        "xmp",
        "caption",
    ]
)
_H1, _H6 = np.int64(TAG["h1"]), np.int64(TAG["h6"])


@kernel
def event(state, events, kind, first, second):
    number = state[EVENTS]
    if number < events.shape[0]:
        events[number, 0] = state[OUT]
        events[number, 1] = kind
        events[number, 2] = first
        events[number, 3] = second
        state[EVENTS] = number + 1


@kernel
def drop_own_link(text, state):
    """Many headings end or begin with a link to themselves, whose text is only a sign."""
    first, size = state[LINK_AT], state[OUT] - state[LINK_AT]
    sign = size == 1 and text[first] == 35  # "#"
    if size == 2 and text[first] == 0xC2:
        sign = text[first + 1] == 0xB6 or text[first + 1] == 0xA7  # "¶", "§"
    if sign and first >= state[BEGIN]:
        state[OUT] = first
        state[LINK_BYTES] -= size
        state[LINKS] -= 1


@kernel
def flush(text, state, blocks, events):
    """End the block; one without text leaves no trace."""
    begin = state[BEGIN]
    while not state[PRE] and state[OUT] > begin and text[state[OUT] - 1] <= 32:
        state[OUT] -= 1  # written before a link that had no text
    if state[OUT] > begin and state[BLOCK_ELEM] >= 0:
        if state[LINK]:
            event(state, events, LINK_CLOSES, 0, 0)
        if state[CODE]:
            event(state, events, CODE_CLOSES, 0, 0)
        number = state[BLOCKS]
        blocks[number, B_FROM] = begin
        blocks[number, B_TO] = state[OUT]
        blocks[number, B_ELEM] = state[BLOCK_ELEM]
        blocks[number, B_LINK_BYTES] = state[LINK_BYTES]
        blocks[number, B_LINKS] = state[LINKS]
        blocks[number, B_EVENTS] = state[FIRST_EVENT]
        blocks[number, B_EVENTS_TO] = state[EVENTS]
        blocks[number, B_SOURCE] = state[SOURCE]
        state[BLOCKS] = number + 1
        state[BEGIN] = state[OUT]
    else:
        state[EVENTS] = state[FIRST_EVENT]
        state[OUT] = begin
    state[PENDING] = NO
    state[BLOCK_ELEM] = -1
    state[LINK_BYTES] = 0
    state[LINKS] = state[LINK]
    state[FIRST_EVENT] = state[EVENTS]
    if state[LINK]:
        event(state, events, LINK_OPENS, state[LINK_FROM], state[LINK_TO])
    if state[CODE]:
        event(state, events, CODE_OPENS, 0, 0)


@kernel
def pop(state, elems, latest):
    top = state[TOP]
    elems[top, E_LAST] = state[BLOCKS]
    tag = elems[top, E_TAG]
    latest[tag] = elems[top, E_PREVIOUS]
    if tag == _PRE or tag == _LISTING or tag == _XMP:
        state[PRE] -= 1
    if state[LINK] and state[LINK_ELEM] == top:
        state[LINK] = 0  # never closed, so it ends where the element around it does
    if state[CODE] and state[CODE_ELEM] == top:
        state[CODE] = 0
    if state[DROP] == top:
        state[DROP] = -1
    state[TOP] = elems[top, E_PARENT]


@kernel
def pop_to(state, elems, latest, elem):
    """Close the elements from the top down to `elem`, which is open."""
    while state[TOP] >= elem and state[TOP] > 0:
        pop(state, elems, latest)


@kernel
def push(state, elems, latest, tag, wall, found):
    number, parent = state[ELEMS], state[TOP]
    flags = elems[parent, E_FLAGS] & HIDDEN | found[F_FLAGS] & HIDDEN
    elems[number, E_PARENT] = parent
    elems[number, E_TAG] = tag
    elems[number, E_FIRST] = state[BLOCKS]
    elems[number, E_LAST] = state[BLOCKS]
    elems[number, E_PREVIOUS] = latest[tag]
    elems[number, E_WALL] = number if wall else elems[parent, E_WALL]
    elems[number, E_FLAGS] = flags
    elems[number, E_HINTS] = found[F_HINTS]
    elems[number, E_SIGNATURE] = np.int32(
        (elems[parent, E_SIGNATURE] * 31 + found[F_SIGNATURE] * 7 + tag) & 0x7FFFFFFF
    )
    elems[number, E_LANG_FROM] = found[LANG_FROM]
    elems[number, E_LANG_TO] = found[LANG_TO]
    elems[number, E_NUMBER] = found[NUMBER]
    latest[tag] = number
    state[ELEMS] = number + 1
    state[TOP] = number
    if tag == _PRE or tag == _LISTING or tag == _XMP:
        state[PRE] += 1


@kernel
def imply_ends(state, elems, latest, tag, properties):
    """Close what the start tag of `tag` closes."""
    wall = elems[state[TOP], E_WALL]
    if properties & CLOSES_P and latest[_P] > wall:
        pop_to(state, elems, latest, latest[_P])
    if tag == _LI:
        inner = max(wall, latest[_UL], latest[_OL], latest[_MENU])
        if latest[_LI] > inner:
            pop_to(state, elems, latest, latest[_LI])
    elif tag == _DT or tag == _DD:
        last = max(latest[_DT], latest[_DD])
        if last > max(wall, latest[_DL]):
            pop_to(state, elems, latest, last)
    elif tag == _TD or tag == _TH:
        last = max(latest[_TD], latest[_TH])
        if last > max(latest[_TABLE], latest[_TR]):
            pop_to(state, elems, latest, last)
    elif tag == _TR:
        if latest[_TR] > latest[_TABLE]:
            pop_to(state, elems, latest, latest[_TR])
    elif tag == _THEAD or tag == _TBODY or tag == _TFOOT or tag == _CAPTION:
        last = max(latest[_THEAD], latest[_TBODY], latest[_TFOOT], latest[_CAPTION])
        last = max(last, latest[_TR]) if last < 0 else last
        if last > latest[_TABLE]:
            pop_to(state, elems, latest, last)
    elif _H1 <= tag <= _H6:
        top = elems[state[TOP], E_TAG]
        if _H1 <= top <= _H6:
            pop(state, elems, latest)


@kernel
def close_tag(state, elems, latest, tag):
    """What the end tag of `tag` does to the stack."""
    elem = latest[tag]
    if elem <= 0:
        if not _H1 <= tag <= _H6:
            return
        for other in range(_H1, _H6 + 1):  # </h2> closes an open <h3> as well
            elem = max(elem, latest[other])
        if elem <= 0:
            return
    if tag == _TABLE:
        reach = np.int64(0)
    elif _TABLE < tag <= _TH:
        reach = latest[_TABLE]
    else:
        reach = elems[state[TOP], E_WALL]
        if reach == elem:  # the wall itself, as a <button>
            reach = elem - 1
    if elem > reach:
        pop_to(state, elems, latest, elem)


@kernel
def ref(state, refs, kind, first, second):
    number = state[REFS]
    if number < refs.shape[0]:
        refs[number, 0] = kind
        refs[number, 1] = first
        refs[number, 2] = second
        refs[number, 3] = state[BLOCKS]
        state[REFS] = number + 1
