"""Our own engine for the main text of a page: one pass over its bytes, features of its text blocks,
two small forests that decide which blocks stay, Markdown.

The first forest judges each block by itself and its surroundings, the second again with the first
one's answers for the neighbours, the blocks of the same layout and the page (stacking, Wolpert
1992). Their nodes are in `maintext.json`, which `benchmarks/maintext_train.py` writes.

Time is linear in the page's bytes, memory about 60 bytes for each "<" and 8 for each byte.
"""

from __future__ import annotations

import dataclasses
import functools
import html
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import numpy as np

from corpusmith.collect.errors import RecordError
from corpusmith.kernels import (
    htmlblocks,
    htmllayout,
    htmlrender,
    htmlscan,
    htmlstack,
    htmltree,
)
from corpusmith.kernels.htmlattrs import FOUND
from corpusmith.kernels.htmltags import NAMES, tables
from corpusmith.kernels.htmltext import (
    BLOCKS,
    ELEMS,
    EVENTS,
    REFS,
    STATE,
    TITLE_FROM,
    TITLE_TO,
)  # fmt: skip

MODEL = Path(__file__).with_name("maintext.json")
MAX_TAGS = 1_000_000  # "<" of a page: about 150 MB of arrays, and as many blocks to judge
MAX_HREF = 2_000  # bytes of a link's address; a longer one is data
MAX_GROWTH = 4  # the text with its marks is at most this many times the page, else without links


@dataclasses.dataclass(frozen=True)
class Forest:
    """Trees as arrays of nodes, as `htmltree.score` reads them."""

    feature: np.ndarray  # int32[nodes], -1: a leaf
    threshold: np.ndarray  # float32[nodes]
    left: np.ndarray  # int32[nodes]: where the feature is at most the threshold
    right: np.ndarray
    value: np.ndarray  # float64[nodes]
    roots: np.ndarray  # int32[trees]
    bias: float

    def arrays(self) -> tuple[Any, ...]:
        return (
            *(self.feature, self.threshold, self.left, self.right),
            *(self.value, self.roots, self.bias),
        )


@dataclasses.dataclass(frozen=True)
class Model:
    """Which blocks of a page are its main text."""

    first: Forest
    second: Forest


@dataclasses.dataclass
class Scan:
    """A page as the kernels read it. Arrays are views of room that the next page overwrites."""

    data: np.ndarray  # uint8: the page
    text: np.ndarray  # uint8: all its text
    elems: np.ndarray  # int32[e, 12], see htmlstack.ELEM
    blocks: np.ndarray  # int32[b, 8], see htmlstack.BLOCK_COLUMNS
    events: np.ndarray  # int32[v, 4]: place in the text, kind, range in the page
    refs: np.ndarray  # int32[r, 4]: kind, range in the page, block
    title: tuple[int, int]  # range in the page


@dataclasses.dataclass
class Measured:
    """The features of a page's blocks."""

    features: np.ndarray  # float32[b, htmlblocks.COUNT]
    stats: np.ndarray  # float32[b, 10], see htmllayout.STATS
    group: np.ndarray  # int32[b]: the layout that the block shares with others
    groups: np.ndarray  # float32[b, 4]
    slots: np.ndarray  # room to work


_local = threading.local()
_IN_NAV = htmlblocks.FEATURES.index("in_nav")


def scan_page(page: bytes) -> Scan:
    """Read a page in UTF-8. RecordError "too_complex" over MAX_TAGS times "<"."""
    tags = page.count(b"<")
    if tags > MAX_TAGS:
        raise RecordError("too_complex", f"{tags} times '<', over the limit of {MAX_TAGS}")
    room = getattr(_local, "room", None)
    if room is None or len(room["text"]) < 2 * len(page) + 64 or len(room["elems"]) < tags + 4:
        room = _room(max(len(page), 1 << 18), max(tags, 1 << 12))
        if len(page) <= 1 << 22 and tags <= 1 << 17:  # larger ones are rare: not kept
            _local.room = room
    data = np.frombuffer(page, np.uint8)
    state = room["state"]
    complete = htmlscan.scan(
        data, room["text"], room["elems"], room["blocks"], room["events"], room["refs"], state,
        room["latest"], room["found"], room["missing"], tables(),
    )  # fmt: skip
    if not complete:
        raise RecordError("bad_html", f"more elements than the {tags} times '<' of the page")
    return Scan(
        data,
        room["text"],
        room["elems"][: state[ELEMS]],
        room["blocks"][: state[BLOCKS]],
        room["events"][: state[EVENTS]],
        room["refs"][: state[REFS]],
        (int(state[TITLE_FROM]), int(state[TITLE_TO])),
    )


def _room(size: int, tags: int) -> dict[str, np.ndarray]:
    return {
        "text": np.empty(2 * size + 64, np.uint8),
        "elems": np.empty((tags + 4, len(htmlstack.ELEM)), np.int32),
        "blocks": np.empty((tags + 4, len(htmlstack.BLOCK_COLUMNS)), np.int32),
        "events": np.empty((2 * tags + 8, 4), np.int32),
        "refs": np.empty((htmlstack.MAX_REFS, 4), np.int32),
        "state": np.zeros(len(STATE), np.int64),
        "latest": np.zeros(len(NAMES), np.int64),
        "found": np.zeros(len(FOUND), np.int64),
        "missing": np.zeros(len(NAMES), np.bool_),
    }


def measure_page(scan: Scan) -> Measured:
    """The features of a page's blocks."""
    count, elems = len(scan.blocks), len(scan.elems)
    stats = np.empty((count, len(htmllayout.STATS)), np.float32)
    sums = np.empty((count + 1, 3), np.float64)
    work = np.empty((elems, 6), np.int32)
    slots = np.empty(1 << (2 * count + 2).bit_length(), np.int32)
    group, groups = np.empty(count, np.int32), np.empty((count, 5), np.float32)
    features = np.empty((count, htmlblocks.COUNT), np.float32)
    htmllayout.measure(scan.text, scan.blocks, stats, sums)
    htmllayout.alike(scan.elems, scan.blocks, stats, slots, group, groups)
    repeats = np.empty(elems, np.int32)
    htmllayout.repeat(scan.elems, np.empty(1 << (2 * elems).bit_length(), np.int32), repeats)
    htmllayout.compare_title(scan.text, scan.blocks, scan.data, *scan.title, stats)
    found, doubt = np.zeros(4, np.int64), np.empty(elems, np.float32)
    running, weight = np.empty(count + 1, np.float64), np.empty(elems, np.float32)
    htmllayout.find_root(
        scan.elems, scan.blocks, stats, sums, group, groups, repeats, doubt, found, running
    )
    best, core, most = htmllayout.place(
        scan.elems, scan.blocks, stats, sums, found[1], work, weight
    )
    htmlblocks.featurize(
        scan.elems, scan.blocks, stats, sums, work, group, groups, best, core, most, found,
        repeats, doubt, features,
    )  # fmt: skip
    return Measured(features, stats, group, groups, slots)


def look_around(measured: Measured, answers: np.ndarray) -> np.ndarray:
    """float32[b, 13]: what the second forest is told of the first one's answers (float32[b])."""
    count = len(answers)
    found = np.empty((count, len(htmlblocks.STAGE_2)), np.float32)
    room = np.empty(count + 1, np.float32)
    htmlblocks.look_around(answers, measured.stats, measured.group, measured.groups, room, found)
    return found


def judge(measured: Measured, model: Model) -> np.ndarray:
    """float32[b]: how sure the model is that a block is main text."""
    count = len(measured.features)
    answers = np.empty(count, np.float32)
    nothing = np.empty((count, 0), np.float32)
    htmltree.score(measured.features, nothing, *model.first.arrays(), answers)
    around = look_around(measured, answers)
    htmltree.score(measured.features, around, *model.second.arrays(), answers)
    answers[measured.features[:, _IN_NAV] > 0] = 0.0  # navigation by its own word
    return answers


def threshold(measured: Measured, answers: np.ndarray) -> float:
    """From which answer on a block is kept: half of the highest F1 that the page can be expected to
    reach (Lipton, Elkan, Naryanaswamy 2014, arXiv 1402.1892, theorem 1), blocks weighed by size.

    Where the model is sure that is about a half; a page of a kind that it hasn't seen is not cut to
    the few blocks of which it is.
    """
    order = np.argsort(-answers, kind="stable")
    sizes = measured.stats[order, htmllayout.SIZE].astype(np.float64)
    right = np.cumsum(answers[order] * sizes)
    expected = 2 * right / (np.cumsum(sizes) + right[-1] + 1e-9)
    return float(expected.max()) / 2


def write(
    scan: Scan,
    measured: Measured,
    answers: np.ndarray,
    at_least: float,
    *,
    markdown: bool = True,
    links: bool = False,
    url: str | None = None,
) -> str:
    """The text of the blocks whose answer is `at_least` this."""
    around = np.empty((len(scan.elems), len(htmltree.CONTEXT)), np.int32)
    htmltree.context(scan.elems, scan.blocks, measured.stats, around)
    keep = np.empty(len(scan.blocks), np.bool_)
    sums = np.empty((len(scan.elems), 2), np.float32)
    htmltree.settle(scan.blocks, scan.elems, around, measured.stats, answers, at_least, sums, keep)
    good = int(measured.stats[:, htmllayout.GOOD][keep].sum())
    seen = np.empty(1 << (2 * good + 16).bit_length(), np.uint64)
    htmltree.drop_copies(scan.text, scan.blocks, around, measured.stats, seen, keep)
    htmltree.keep_headings(scan.blocks, around, answers, at_least, keep)
    hrefs = np.zeros(0, np.uint8)
    if links and markdown:
        hrefs = _resolved(scan, keep, url)
    room = 2 * len(scan.data) + 1024 if links else len(scan.data) // 2 + 1024
    state = np.zeros(6, np.int64)
    marked = around[:, htmltree.C_MARKED].copy()
    while True:
        out = np.empty(room, np.uint8)
        size = htmlrender.render(
            scan.text, scan.data, scan.elems, scan.blocks, scan.events, around, keep, hrefs,
            markdown, links and markdown, out, state,
        )  # fmt: skip
        if size <= room:
            return out[:size].tobytes().decode("utf-8", "replace").strip("\n")
        around[:, htmltree.C_MARKED] = marked
        if links and size > MAX_GROWTH * len(scan.data) + 4096:
            links = False
        room = size


def _resolved(scan: Scan, keep: np.ndarray, url: str | None) -> np.ndarray:
    """The links' addresses, one after the other, absolute where the page's is known; the events
    point there afterwards."""
    found = bytearray()
    data = scan.data
    known: dict[bytes, tuple[int, int]] = {}
    for kind in np.flatnonzero(scan.events[:, 1] == htmlstack.LINK_OPENS).tolist():
        raw = bytes(data[scan.events[kind, 2] : scan.events[kind, 3]])
        if raw not in known:
            known[raw] = (0, 0)
            address = html.unescape(raw.decode("utf-8", "replace")).strip()
            if url and len(raw) <= MAX_HREF:
                try:
                    address = urljoin(url, address)
                except ValueError:
                    address = ""
            encoded = "".join(
                f"%{ord(c):02X}" if c in " ()<>" or c < " " else c for c in address
            ).encode()
            if 0 < len(encoded) <= MAX_HREF and not address.lower().startswith("javascript:"):
                known[raw] = (len(found), len(found) + len(encoded))
                found += encoded
        scan.events[kind, 2:4] = known[raw]
    return np.frombuffer(bytes(found), np.uint8)


# --- the model ---------------------------------------------------------------------------------


@functools.cache
def shipped_model() -> Model:
    return read_model(json.loads(MODEL.read_text("utf-8")))


def read_model(described: dict[str, Any]) -> Model:
    """The model that a file describes: nested [feature, threshold, at most, over], leaves
    numbers."""
    first = list(htmlblocks.FEATURES)
    second = [*first, *htmlblocks.STAGE_2]
    return Model(
        _forest(described["first"], first),
        _forest(described["second"], second),
    )


def _forest(described: dict[str, Any], names: list[str]) -> Forest:
    number = {name: index for index, name in enumerate(names)}
    nodes: list[list[float]] = []

    def add(tree: Any) -> int:
        at = len(nodes)
        if isinstance(tree, list):
            feature, threshold, at_most, over = tree
            nodes.append([number[feature], threshold, 0, 0, 0.0])
            nodes[at][2] = add(at_most)
            nodes[at][3] = add(over)
        else:
            nodes.append([-1, 0.0, 0, 0, float(tree)])
        return at

    roots = [add(tree) for tree in described["trees"]]
    columns = np.array(nodes, np.float64).T
    return Forest(
        columns[0].astype(np.int32),
        columns[1].astype(np.float32),
        columns[2].astype(np.int32),
        columns[3].astype(np.int32),
        columns[4].copy(),
        np.array(roots, np.int32),
        float(described["bias"]),
    )


def main_text(
    scan: Scan, *, markdown: bool = True, links: bool = False, url: str | None = None
) -> str:
    """The main text of a page; "" where there is none."""
    if not len(scan.blocks):
        return ""
    measured = measure_page(scan)
    answers = judge(measured, shipped_model())
    at_least = threshold(measured, answers)
    return write(scan, measured, answers, at_least, markdown=markdown, links=links, url=url)


def warm() -> None:
    """Compile the kernels."""
    page = (
        b"<title>t</title><ul><li>a <a href=b>c</a></ul><pre>d</pre><table><tr><td>e<td>f</table>"
    )
    main_text(scan_page(page), links=True)
