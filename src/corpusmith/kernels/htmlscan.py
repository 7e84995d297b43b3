"""One pass over the bytes of a page: its text in blocks, the elements around them, its links.

What browsers' tree construction does with the elements that lay a page out is done here too
(HTML standard, 13.2.6): implied end tags of p, li, dt, dd, rows and cells, end tags that find
nothing open, scopes; formatting elements are not kept on the stack, since no text depends on them.
A page that nests 100,000 deep is read like any other: the stack is a chain of parents, and an end
tag finds the element that it closes by the latest open one of its name, so that each element is
opened once and closed once. Nothing is searched twice for what was not found.

`kernels/htmlblocks.py` makes features of the result, `kernels/htmlrender.py` Markdown.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.htmlattrs import (
    ALT_FROM,
    ALT_TO,
    ARIA_HIDDEN,
    F_FLAGS,
    F_HINTS,
    FIELD,
    HREF_FROM,
    HREF_TO,
    LANG_FROM,
    LANG_TO,
    LICENSE,
    TYPE_FROM,
    TYPE_TO,
    attributes,
    folded,
)  # fmt: skip
from corpusmith.kernels.htmlstack import (
    CODE_CLOSES,
    CODE_OPENS,
    E_LANG_FROM,
    E_LANG_TO,
    E_LAST,
    E_PARENT,
    E_WALL,
    LINK_CLOSES,
    LINK_OPENS,
    REF_FIELD,
    REF_JSON,
    REF_LICENSE,
    REF_TAG,
    close_tag,
    drop_own_link,
    event,
    flush,
    imply_ends,
    pop_to,
    push,
    ref,
)  # fmt: skip
from corpusmith.kernels.htmltags import (
    BLOCK,
    CLOSES_P,
    HINT,
    PUSH,
    REF,
    SKIP,
    TAG,
    UNKNOWN_TAG,
    WALL,
    WANT,
)  # fmt: skip
from corpusmith.kernels.htmltext import (
    BASIS,
    BLOCK_ELEM,
    BLOCKS,
    CODE,
    CODE_ELEM,
    DROP,
    ELEMS,
    EVENTS,
    LINE_PENDING,
    LINK,
    LINK_AT,
    LINK_ELEM,
    LINK_FROM,
    LINK_TO,
    LINKS,
    NO,
    OUT,
    PENDING,
    PRE,
    RAISED,
    RAISED_EVENTS,
    TITLE_FROM,
    TITLE_TO,
    TOP,
    close_raised,
    commit_space,
    emit,
    fnv_step,
    is_letter,
    put_literal,
)  # fmt: skip
from corpusmith.kernels.jit import kernel

(_A, _CODE, _KBD, _SAMP, _TT, _SPAN, _BR, _PRE, _SCRIPT, _STYLE) = (
    np.int64(TAG[name])
    for name in ("a", "code", "kbd", "samp", "tt", "span", "br", "pre", "script", "style")
)
_TITLE, _MATH, _I, _EM, _SUP = (np.int64(TAG[name]) for name in ("title", "math", "i", "em", "sup"))
_RENDER = HINT["render"]
_TEX, _JSON, _MATH_TYPE, _DISPLAY = (
    np.frombuffer(word, np.uint8)
    for word in (b"application/x-tex", b"ld+json", b"math/tex", b"mode=display")
)
_ANNOTATION_END = np.frombuffer(b"</annotation", np.uint8)
_DISPLAY_BLOCK = np.frombuffer(b'display="block"', np.uint8)
_COMMENT_END = np.frombuffer(b"-->", np.uint8)


@kernel
def find(data, at, end, word):
    """Where these bytes (ASCII lower case) begin in `data[at:end]`, case aside; `end` if
    nowhere."""
    size = word.shape[0]
    while at + size <= end:
        if folded(data[at]) == word[0]:
            i = 1
            while i < size and folded(data[at + i]) == word[i]:
                i += 1
            if i == size:
                return at
        at += 1
    return end


@kernel
def _find_close(data, at, end, name_from, name_to):
    """Where `</name` begins, name as in `data[name_from:name_to]`; `end` if nowhere."""
    size = name_to - name_from
    while at + size + 2 <= end:
        if data[at] == 60 and data[at + 1] == 47:
            i = 0
            while i < size and folded(data[at + 2 + i]) == folded(data[name_from + i]):
                i += 1
            if i == size:
                after = at + 2 + size
                if after >= end or not is_letter(data[after]):
                    return at
        at += 1
    return end


@kernel
def _formula(data, first, last, text, state, tables, display, decode):
    """TeX between dollar signs, two where it stands for itself."""
    signs = 2 if display else 1
    while first < last and data[first] <= 32:
        first += 1
    while last > first and data[last - 1] <= 32:
        last -= 1
    if last > first:
        put_literal(text, state, 36, signs, first)
        emit(data, first, last, text, state, tables, decode)
        state[PENDING] = NO
        put_literal(text, state, 36, signs, first)


@kernel
def _skipped(data, tag, at, end, close, found, text, state, refs, tables):
    """What is kept of the content `data[at:close]` of an element that is no text of the page."""
    if tag == _TITLE and state[TITLE_FROM] == 0:
        state[TITLE_FROM], state[TITLE_TO] = at, close
    elif tag == _SCRIPT:
        first, last = found[TYPE_FROM], found[TYPE_TO]
        if last > first:
            if find(data, first, last, _JSON) < last:
                ref(state, refs, REF_JSON, at, close)
            elif find(data, first, last, _MATH_TYPE) < last and state[DROP] < 0:
                display = find(data, first, last, _DISPLAY) < last
                _formula(data, at, close, text, state, tables, display, False)


@kernel
def scan(data, text, elems, blocks, events, refs, state, latest, found, missing, tables):
    """Read a page. Returns False where it has more elements or blocks than the arrays hold.

    data uint8[n]; text uint8[2n + 64]; elems int32[e, 12]; blocks int32[b, 8]; events int32[v, 4];
    refs int32[r, 4]; state, latest, found int64; missing bool[names]. Element 0 is the page.
    """
    end = data.shape[0]
    for place in range(state.shape[0]):
        state[place] = 0
    state[BLOCK_ELEM], state[DROP] = -1, -1
    for place in range(found.shape[0]):
        found[place] = 0
    for tag in range(latest.shape[0]):
        latest[tag] = -1
        missing[tag] = False
    for column in range(elems.shape[1]):
        elems[0, column] = 0
    elems[0, E_PARENT] = -1
    state[ELEMS] = 1
    at = np.int64(0)
    tag_mask = tables.tag_hashes.shape[0] - 1
    no_comment_end = False
    while at < end:
        if data[at] != 60:
            start = at
            while at < end and data[at] != 60:
                at += 1
            if state[DROP] < 0:
                emit(data, start, at, text, state, tables, True)
            continue
        if at + 1 >= end:
            put_literal(text, state, 60, 1, at)
            break
        byte = data[at + 1]
        closing = byte == 47
        if closing and at + 2 < end:
            byte = data[at + 2]
        if not is_letter(byte):
            if data[at + 1] == 33 and at + 3 < end and data[at + 2] == 45 and data[at + 3] == 45:
                stop = end
                if not no_comment_end:
                    # "<!-->" and "<!--->" are whole comments
                    stop = find(data, at + 2, end, _COMMENT_END)
                    no_comment_end = stop >= end
                at = min(stop + 3, end)
            elif byte == 33 or byte == 63 or closing:
                while at < end and data[at] != 62:
                    at += 1
                at += 1
            else:
                if state[DROP] < 0:
                    put_literal(text, state, 60, 1, at)
                at += 1
            continue
        tag_at = at
        name_from = at + 2 if closing else at + 1
        at = name_from
        value = BASIS
        custom = False
        while at < end:
            byte = data[at]
            if byte == 62 or byte == 47 or byte <= 32:
                break
            value = fnv_step(value, folded(byte))
            custom |= byte == 45
            at += 1
        name_to = at
        slot = np.int64(value) & tag_mask
        tag = np.int64(UNKNOWN_TAG)
        while tables.tags[slot] >= 0:
            if tables.tag_hashes[slot] == value:
                tag = np.int64(tables.tags[slot])
                break
            slot = (slot + 1) & tag_mask
        properties = tables.properties[tag]
        if tag == UNKNOWN_TAG and not custom:
            properties = np.uint8(0)
        at = attributes(data, at, end, found, tables, properties & WANT and not closing)
        if at >= end and data[end - 1] != 62:
            break  # the page ends within the tag
        if properties & BLOCK:
            flush(text, state, blocks, events)
            if state[BLOCKS] + 2 >= blocks.shape[0]:
                return False
        if closing:
            if properties & PUSH:
                close_tag(state, elems, latest, tag)
            elif tag == _A and state[LINK]:
                drop_own_link(text, state)
                if state[DROP] < 0:
                    event(state, events, LINK_CLOSES, 0, 0)
                state[LINK] = 0
            elif (tag == _CODE or tag == _KBD or tag == _SAMP or tag == _TT) and state[CODE]:
                state[CODE] -= 1
                if state[CODE] == 0:
                    event(state, events, CODE_CLOSES, 0, 0)
            elif tag == _SUP and state[RAISED]:
                close_raised(text, state)
            elif (tag == _SPAN or tag == _I or tag == _EM) and latest[tag] > max(
                elems[state[TOP], E_WALL], 0
            ):
                pop_to(state, elems, latest, latest[tag])
            continue
        if properties & REF:
            ref(state, refs, REF_TAG, tag_at, at)
        if found[F_FLAGS] & LICENSE:
            ref(state, refs, REF_LICENSE, tag_at, at)
        if found[F_FLAGS] & FIELD and not properties & REF:
            ref(state, refs, REF_FIELD, tag_at, at)
        if properties & SKIP:
            close = end
            if not missing[tag]:
                close = _find_close(data, at, end, name_from, name_to)
                missing[tag] = close >= end
            if close < end:
                _skipped(data, tag, at, end, close, found, text, state, refs, tables)
                while close < end and data[close] != 62:
                    close += 1
                at = min(close + 1, end)
            elif tag == _SCRIPT or tag == _STYLE:
                break
            continue
        if properties & PUSH:
            if state[ELEMS] + 2 >= elems.shape[0]:
                return False
            imply_ends(state, elems, latest, tag, properties)
            push(state, elems, latest, tag, properties & WALL, found)
            if state[PRE] and at < end and data[at] == 10 and state[TOP] == latest[_PRE]:
                at += 1
        elif properties & CLOSES_P:  # <hr>
            imply_ends(state, elems, latest, tag, properties)
        elif tag == _BR:
            if state[PRE]:
                if state[DROP] < 0:
                    put_literal(text, state, 10, 1, tag_at)
            elif state[PENDING] == LINE_PENDING:
                flush(text, state, blocks, events)
                if state[BLOCKS] + 2 >= blocks.shape[0]:
                    return False
            else:
                state[PENDING] = LINE_PENDING
        elif tag == _A:
            if state[LINK] and state[DROP] < 0:
                event(state, events, LINK_CLOSES, 0, 0)
            state[LINK] = 0
            if found[HREF_TO] > found[HREF_FROM] and state[DROP] < 0:
                commit_space(text, state)
                state[LINK], state[LINK_ELEM] = 1, state[TOP]
                state[LINKS] += 1
                state[LINK_AT] = state[OUT]
                state[LINK_FROM], state[LINK_TO] = found[HREF_FROM], found[HREF_TO]
                event(state, events, LINK_OPENS, found[HREF_FROM], found[HREF_TO])
        elif tag == _CODE or tag == _KBD or tag == _SAMP or tag == _TT:
            if state[PRE]:
                if elems[state[TOP], E_LANG_TO] == 0 and found[LANG_TO]:
                    elems[state[TOP], E_LANG_FROM] = found[LANG_FROM]
                    elems[state[TOP], E_LANG_TO] = found[LANG_TO]
            elif state[DROP] < 0:
                if state[CODE] == 0:
                    commit_space(text, state)
                    event(state, events, CODE_OPENS, 0, 0)
                    state[CODE_ELEM] = state[TOP]
                state[CODE] += 1
        elif tag == _SUP:
            if state[DROP] < 0 and not state[PRE]:
                state[RAISED], state[RAISED_EVENTS] = state[OUT] + 1, state[EVENTS]
        elif tag == _SPAN or tag == _I or tag == _EM:
            twice = found[F_FLAGS] & ARIA_HIDDEN or found[F_HINTS] & _RENDER
            if state[DROP] >= 0 or twice:
                if state[ELEMS] + 2 >= elems.shape[0]:
                    return False
                push(state, elems, latest, tag, False, found)
                if twice and state[DROP] < 0:
                    state[DROP] = state[TOP]
        elif tag == _MATH and state[DROP] < 0 and not missing[tag]:
            alt_from, alt_to = found[ALT_FROM], found[ALT_TO]
            close = _find_close(data, at, end, name_from, name_to)
            missing[tag] = close >= end
            if close < end:
                display = find(data, tag_at, at, _DISPLAY_BLOCK) < at
                tex = find(data, at, close, _TEX)
                if tex < close:
                    while tex < close and data[tex] != 62:
                        tex += 1
                    last = find(data, tex, close, _ANNOTATION_END)
                    _formula(data, tex + 1, last, text, state, tables, display, True)
                    at = close
                elif alt_to > alt_from:
                    _formula(data, alt_from, alt_to, text, state, tables, display, True)
                    at = close
    flush(text, state, blocks, events)
    pop_to(state, elems, latest, np.int64(1))
    elems[0, E_LAST] = state[BLOCKS]
    return True
