"""The round "reduce" of deduplication: documents that share a key -> edges between them.

A `link` is an edge as it stands. Documents that share a candidate's key, one LSH band, are
compared: up to PAIRWISE_LIMIT of them pair by pair. More of them, texts of one template or with one
paragraph of boilerplate, would be n^2 / 2 pairs. There

1. each is compared with at most PAIRWISE_LIMIT leaders, which joins the copies of few texts;
2. where more than one component is left, documents are compared that share a token of their
   prefixes (kernels/crowded.py): no similar pair is without one, and what all have in common is in
   none of them unless nearly all of their text is. Groups by one token are compared like bands: up
   to PAIRWISE_LIMIT documents pair by pair, more of them by leaders, then pairs of different
   components.

The last of these alone may have n^2 / 2 pairs, of documents that share nearly all and are still
under the threshold. It takes no more than STEPS_A_DOCUMENT for each document of the band; what is
left out then is counted, and a warning of the step. So the time for a band is linear in its
documents.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xxhash

from corpusmith.dedup.buckets import (
    CANDIDATE,
    EDGE,
    LINK,
    Exchange,
    batches,
    numbered,
    write_array,
)
from corpusmith.kernels.crowded import count_tokens, link_across, prefix_length, prefixes
from corpusmith.kernels.minhash import link_leaders, link_pairs
from corpusmith.kernels.unionfind import forest, join, roots
from corpusmith.op import TaskContext

PAIRWISE_LIMIT = 64  # documents
STEPS_A_DOCUMENT = 16_384  # of link_across: 256 comparisons
TOKEN_SLOTS = 1 << 22  # counters of tokens: 16 MB
PREFIX_TOKENS = 4_000_000  # held at a time: 64 MB


def group_starts(keyed: np.ndarray) -> np.ndarray:
    """int64[groups + 1]: where rows of one key (and check) begin, in sorted keyed rows."""
    if len(keyed) == 0:
        return np.zeros(1, np.int64)
    new = keyed["key"][1:] != keyed["key"][:-1]
    if "check" in (keyed.dtype.names or ()):
        new |= keyed["check"][1:] != keyed["check"][:-1]
    return np.concatenate([[0], np.flatnonzero(new) + 1, [len(keyed)]]).astype(np.int64)


def reduce_bucket(spec: dict[str, Any], ctx: TaskContext) -> None:
    """One bucket of the exchange: `edges` from its links and from its verified candidates."""
    exchange = Exchange(ctx.folder)
    bucket = spec["bucket"]
    edges = [_link_edges(exchange.keyed("links", LINK, bucket))]
    candidates = exchange.keyed("candidates", CANDIDATE, bucket)
    found = Comparison(exchange, spec["threshold"], spec["exact"])
    found.bands(candidates)
    edges += found.edges
    with ctx.writer() as out:
        out.info = {"edges": 0, **found.info}
        kept = spanning(np.concatenate(edges))
        out.info["edges"] = len(kept)
        write_array(out, "edges", kept)


class Comparison:
    """Edges between similar documents of one bucket, and what it took to find them.

    Documents have a place among `nodes` (global rows, rising); `parent` is a union-find of places.
    """

    def __init__(self, exchange: Exchange, threshold: float, exact: bool) -> None:
        self.exchange, self.threshold, self.exact = exchange, threshold, exact
        # Common tokens that a pair needs, over the sum of its sizes: c / (a + b - c) >= t, and of
        # signatures, whose sizes are equal, c / a >= t.
        self.ratio = threshold / (1 + threshold) if exact else threshold / 2
        self.edges: list[np.ndarray] = []
        self.info = {"compared": 0, "large_groups": 0, "pairs_left_out": 0}

    def bands(self, keyed: np.ndarray) -> None:
        """Compare the documents of each key (CANDIDATE rows, sorted)."""
        starts = group_starts(keyed)
        sizes = np.diff(starts)
        shared = np.repeat(sizes > 1, sizes)
        self.nodes, places = np.unique(keyed["row"][shared], return_inverse=True)
        self.parent = np.arange(len(self.nodes))
        self.weights = (
            self.exchange.sizes(self.nodes) if self.exact else np.zeros(len(self.nodes), np.int64)
        )
        bounds = np.concatenate([[0], np.cumsum(sizes[sizes > 1])])
        for members in self.groups(places, bounds):
            self.info["large_groups"] += 1
            self.crowd(members)

    def groups(self, members: np.ndarray, bounds: np.ndarray) -> list[np.ndarray]:
        """Compare the small groups of `members[bounds[g]:bounds[g + 1]]` (places) pair by pair;
        returns the large ones."""
        sizes = np.diff(bounds)
        large = np.flatnonzero(sizes > PAIRWISE_LIMIT)
        small = np.repeat(sizes <= PAIRWISE_LIMIT, sizes)
        crowds = [members[bounds[g] : bounds[g + 1]] for g in large]
        members = members[small]
        bounds = np.concatenate([[0], np.cumsum(sizes[sizes <= PAIRWISE_LIMIT])])
        totals = np.concatenate([[0], np.cumsum(self.weights[members])])[bounds]
        for start, stop in batches(np.diff(totals), np.diff(bounds)):
            some = members[bounds[start] : bounds[stop]]
            ends = bounds[start : stop + 1] - bounds[start]
            some, ends = unconnected(some, ends, self.parent)
            documents, rows = np.unique(some, return_inverse=True)
            left, right, value, pairs = link_pairs(
                rows,
                ends,
                documents,
                self.parent,
                self.threshold,
                self.exact,
                *self.sketches(documents),
            )
            self.info["compared"] += pairs
            self.add(documents, left, right, value)
        return crowds

    def crowd(self, members: np.ndarray) -> None:
        """Compare many documents of one band."""
        self.leaders(members)
        if self.connected(members):
            return
        budget = STEPS_A_DOCUMENT * len(members)
        lengths = [prefix_length(n, self.threshold) for n in self.token_counts(members).tolist()]
        slices = 1 + sum(lengths) // PREFIX_TOKENS
        counts = np.zeros(TOKEN_SLOTS, np.uint32)
        for start, stop in self.pieces(members):
            count_tokens(self.tokens(members[start:stop])[0], counts)
        compared: set[int] = set()
        for number in range(slices):
            crowds = self.prefix_groups(members, counts, number, slices)
            # Small ones first: what they connect need not be compared in the large ones. Of tokens
            # that always come together the first one is enough.
            for group, rests in sorted(crowds, key=lambda one: len(one[0])):
                key = xxhash.xxh3_64_intdigest(group.tobytes())
                if key not in compared and not self.connected(group):
                    compared.add(key)
                    self.leaders(group)
                    budget -= self.across(group, rests, budget)

    def prefix_groups(
        self, members: np.ndarray, counts: np.ndarray, number: int, slices: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Compare the small groups of documents by tokens of their prefixes; the large ones, and
        what is left of each document from the token on."""
        found = []
        for start, stop in self.pieces(members):
            some = members[start:stop]
            token, row, rest = prefixes(*self.tokens(some), counts, self.threshold, number, slices)
            found.append((token, some[row], rest))
        tokens, places, rests = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((places, tokens))
        tokens, places, rests = tokens[order], places[order], rests[order]
        # Who has too little left to share even with the smallest of the group is none of it.
        heads = np.flatnonzero(np.concatenate([[True], tokens[1:] != tokens[:-1]]))
        sizes = self.token_counts(places)
        least = np.repeat(np.minimum.reduceat(sizes, heads), np.diff(np.append(heads, len(tokens))))
        needed = self.ratio * (sizes + np.maximum(least, self.threshold * sizes))
        inside = rests >= needed - 1e-6
        tokens, places, rests = tokens[inside], places[inside], rests[inside]
        if len(tokens) == 0:
            return []
        heads = np.flatnonzero(np.concatenate([[True], tokens[1:] != tokens[:-1]]))
        bounds = np.append(heads, len(tokens))
        self.groups(places, bounds)
        return [
            (places[bounds[g] : bounds[g + 1]], rests[bounds[g] : bounds[g + 1]])
            for g in np.flatnonzero(np.diff(bounds) > PAIRWISE_LIMIT)
        ]

    def leaders(self, members: np.ndarray) -> None:
        leaders = np.zeros(0, np.int64)
        for start, stop in self.pieces(members):
            documents = np.concatenate([leaders, members[start:stop]])
            left, right, value, pairs, now = link_leaders(
                len(leaders),
                len(documents),
                PAIRWISE_LIMIT,
                self.threshold,
                self.exact,
                *self.sketches(documents),
            )
            self.info["compared"] += pairs
            self.add(documents, left, right, value)
            join(self.parent, documents[left], documents[right])
            leaders = documents[now]

    def across(self, members: np.ndarray, rests: np.ndarray, budget: int) -> int:
        """Compare pairs of different components in at most `budget` steps; returns how many."""
        component = roots(self.parent, members)
        order = np.lexsort((members, component))
        members, component, rests = members[order], component[order], rests[order]
        counts = np.unique(component, return_counts=True)[1].astype(np.int64)
        wanted = (len(members) ** 2 - int((counts**2).sum())) // 2
        sizes = self.token_counts(members)
        seen = steps = 0
        pieces = list(self.pieces(members, halves=True))
        for b, (start, stop) in enumerate(pieces):
            for first, last in pieces[: b + 1]:
                same = first == start
                rows = np.arange(start, stop)
                if not same:
                    rows = np.append(np.arange(first, last), rows)
                own = component[rows]
                left, right, value, pairs, looked, took = link_across(
                    0 if same else last - first,
                    own,
                    np.searchsorted(component[first:last], own, "right"),
                    members[rows],
                    self.parent,
                    sizes[rows],
                    rests[rows],
                    self.ratio,
                    budget - steps,
                    self.threshold,
                    self.exact,
                    *self.sketches(members[rows]),
                )
                seen += looked
                steps += took
                self.info["compared"] += pairs
                self.add(members[rows], left, right, value)
                if steps >= budget:
                    self.info["pairs_left_out"] += max(0, wanted - seen)
                    return steps
        return steps

    # --- helpers -------------------------------------------------------------------------

    def add(self, places: np.ndarray, left: np.ndarray, right: np.ndarray, value: Any) -> None:
        piece = np.zeros(len(left), EDGE)
        piece["left"], piece["right"] = self.nodes[places[left]], self.nodes[places[right]]
        piece["value"] = value
        self.edges.append(piece)

    def connected(self, members: np.ndarray) -> bool:
        found = roots(self.parent, members)
        return bool((found == found[0]).all())

    def pieces(self, members: np.ndarray, halves: bool = False) -> Any:
        """Runs of members whose sketches are held at a time, two of them with `halves`."""
        times = 2 if halves else 1
        return batches(times * self.weights[members], np.full(len(members), times))

    def sketches(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.exchange.sketches(self.nodes[places], self.exact).arrays()

    def token_counts(self, members: np.ndarray) -> np.ndarray:
        if self.exact:
            return self.weights[members]
        return np.full(len(members), self.exchange.infos[0]["permutations"])

    def tokens(self, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(uint64 tokens of all members, offsets int64[members + 1]): kernels/crowded.py."""
        signature, hashes, offsets = self.sketches(members)
        if self.exact:
            return hashes, offsets
        places = np.arange(signature.shape[1], dtype=np.uint64) << np.uint64(32)
        tokens = (signature.astype(np.uint64) | places).reshape(-1)
        return tokens, np.arange(len(members) + 1) * signature.shape[1]


def _link_edges(keyed: np.ndarray) -> np.ndarray:
    """Each document of a group with its first."""
    starts = group_starts(keyed)
    sizes = np.diff(starts)
    rows = keyed["row"]
    first = np.repeat(rows[starts[:-1]], sizes) if len(rows) else rows
    edges = np.zeros(len(rows), EDGE)
    edges["left"], edges["right"], edges["value"] = first, rows, 1.0
    return edges[first != rows]


def unconnected(
    members: np.ndarray, bounds: np.ndarray, parent: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Members and bounds of the groups that are not one component yet: no sketch is read for
    the others."""
    if len(members) == 0:
        return members, bounds
    found = roots(parent, members)
    open_ = np.minimum.reduceat(found, bounds[:-1]) != np.maximum.reduceat(found, bounds[:-1])
    sizes = np.diff(bounds)
    return members[np.repeat(open_, sizes)], np.concatenate([[0], np.cumsum(sizes[open_])])


def spanning(edges: np.ndarray) -> np.ndarray:
    """A spanning forest of the edges that prefers high values: the same components, fewer rows."""
    if len(edges) == 0:
        return np.zeros(0, EDGE)
    edges = edges[np.lexsort((edges["right"], edges["left"], -edges["value"]))]
    nodes, left, right = numbered(edges)
    return edges[forest(len(nodes), left, right)]
