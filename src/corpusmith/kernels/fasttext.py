"""fastText's prediction for a supervised model with hierarchical softmax (`.ftz`, quantized), to
the bit of its own (v0.9.2, `src/dictionary.cc`, `model.cc`, `loss.cc`; Joulin et al. 2016,
arXiv 1607.01759), without an object for each n-gram.

A text's features are, for each word between blanks, the word where the vocabulary has it and the
n-grams of `<word>` of `minn` to `maxn` characters that were not pruned; then the end of the line.
The mean of their vectors goes down a Huffman tree of labels, left with 1 - sigmoid and right with
sigmoid; probabilities are multiplied as logarithms, and the most probable leaf is the label.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from corpusmith.errors import InputError
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.vectors import count_bits

_MAGIC, _VERSION = 793712314, 12
_SOFTMAX_TREE, _SUPERVISED = 1, 3  # loss_name::hs, model_name::sup
_CENTROIDS = 256  # of a product quantizer
_END = "</s>"
_BLANK, _BEGIN, _STOP = b" <>"
_FNV_START, _FNV_PRIME, _32_BITS = 2166136261, 16777619, 0xFFFFFFFF
_NO_PROBABILITY = np.float32(1e-5)  # what fastText adds before it takes a logarithm
_ONE = np.uint64(1)
_LANES = 16  # floats added at once: the model's vectors have as many
_DEEPEST = 256  # nodes that wait in the walk through the tree; it has 176 leaves


class Model(NamedTuple):
    """A model as arrays; ids of words, then of n-grams, are rows of `vectors`."""

    labels: tuple[str, ...]  # without __label__
    vectors: np.ndarray  # float32[features, dimensions]
    nodes: np.ndarray  # float32[labels - 1, dimensions]: of the inner nodes of the tree
    children: np.ndarray  # int32[labels - 1, 2]: a label, or the number of labels + a node
    kept: np.ndarray  # uint64[buckets / 64 + 1]: bit of each n-gram's bucket that was not pruned
    ranks: np.ndarray  # int32[buckets / 64 + 1]: the row of the first bucket of these 64
    words: np.ndarray  # uint8: the vocabulary's words, one after the other
    word_ends: np.ndarray  # int64[words + 1]
    slots: np.ndarray  # int32[power of two]: a word, or -1
    sizes: np.ndarray  # int64[4]: minn, maxn, buckets, the row of the end of a line


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.read_bytes()
        self.at = 0

    def values(self, layout: str) -> tuple:
        found = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return found

    def array(self, kind: str, count: int) -> np.ndarray:
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found

    def until_zero(self) -> str:
        end = self.data.index(0, self.at)
        found = self.data[self.at : end].decode("utf-8", "surrogateescape")
        self.at = end + 1
        return found

    def quantizer(self) -> tuple[np.ndarray, int, int]:
        """(Centroids, parts, dimensions a part)."""
        dimensions, parts, size, last = self.values("4i")
        self.expect(last == size, "parts of equal size")
        return self.array("<f4", dimensions * _CENTROIDS), parts, size

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            raise InputError(
                f"{self.path.name} is no model that can be read",
                where=str(self.path),
                expected=f"a quantized fastText model of version {_VERSION} with {what}",
            )


def load(path: Path) -> Model:
    """Read a `.ftz` file. Raises InputError for one of another kind."""
    file = _Reader(path)
    file.expect(file.values("2i") == (_MAGIC, _VERSION), "its magic number")
    (dim, _, _, _, _, word_ngrams, loss, model, buckets, minn, maxn, _, _) = file.values("12id")
    file.expect(loss == _SOFTMAX_TREE and model == _SUPERVISED, "hierarchical softmax")
    file.expect(word_ngrams == 1 and maxn > 0, "n-grams of characters, and of words none")
    entries, words, labels, _, pruned = file.values("3i2q")
    file.expect(pruned > 0 and words + labels == entries, "pruned n-grams")
    named = [(file.until_zero(), *file.values("qb")) for _ in range(entries)]
    pairs = file.array("<i4", 2 * pruned).reshape(-1, 2)
    file.expect(file.values("?") == (True,), "quantized vectors")
    vectors = _vectors(file, dim)
    file.expect(file.values("?") == (False,), "an output that is not quantized")
    count, width = file.values("2q")
    file.expect((count, width) == (labels, dim), "a vector for each label")
    nodes = file.array("<f4", labels * dim).reshape(labels, dim)
    # N-grams in the order of their buckets: a bitmap and counts for 64 of them tell a row, and
    # fit in a cache, which a row for each of two million buckets does not.
    pairs = pairs[np.argsort(pairs[:, 0])]
    vectors = np.concatenate([vectors[:words], vectors[words + pairs[:, 1]]])
    bits = np.zeros(buckets // 64 * 64 + 64, np.uint8)
    bits[pairs[:, 0]] = 1
    kept = np.packbits(bits, bitorder="little").view("<u8").astype(np.uint64)
    before = np.cumsum(bits.reshape(-1, 64).sum(axis=1, dtype=np.int64))
    ranks = (words + np.concatenate([[0], before[:-1]])).astype(np.int32)
    spelled = [name.encode("utf-8", "surrogateescape") for name, _, _ in named[:words]]
    ends = np.cumsum([0, *map(len, spelled)], dtype=np.int64)
    slots = np.full(1 << (2 * words).bit_length(), -1, np.int32)
    flat = np.frombuffer(b"".join(spelled), np.uint8)
    _fill(flat, ends, slots)
    end = next(number for number, (name, _, _) in enumerate(named) if name == _END)
    return Model(
        tuple(name.removeprefix("__label__") for name, _, _ in named[words:]),
        vectors,
        np.ascontiguousarray(nodes[: labels - 1]),
        _tree([found for _, found, _ in named[words:]]),
        kept, ranks, flat, ends, slots, np.array([minn, maxn, buckets, end], np.int64),
    )  # fmt: skip


def _vectors(file: _Reader, dim: int) -> np.ndarray:
    """Rows of the input matrix, out of codes for their parts and for their norms."""
    (norms,) = file.values("?")
    rows, width, size = file.values("2qi")
    codes = file.array("u1", size)
    centroids, parts, part = file.quantizer()
    file.expect(width == dim == parts * part and size == rows * parts, "codes for each part")
    tables = centroids.reshape(parts, _CENTROIDS, part)
    vectors = tables[np.arange(parts), codes.reshape(rows, parts)].reshape(rows, dim)
    if norms:
        places = file.array("u1", rows)
        lengths, _, _ = file.quantizer()
        vectors = lengths[places][:, None] * vectors
    return np.ascontiguousarray(vectors, np.float32)


def _tree(counts: list[int]) -> np.ndarray:
    """Huffman's tree of the labels, which are in the order of falling counts."""
    labels = len(counts)
    weights = [*counts, *[10**15] * (labels - 1)]
    children = np.zeros((labels - 1, 2), np.int32)
    leaf, node = labels - 1, labels
    for inner in range(labels, 2 * labels - 1):
        for side in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                children[inner - labels, side] = leaf
                leaf -= 1
            else:
                children[inner - labels, side] = node
                node += 1
        weights[inner] = sum(weights[child] for child in children[inner - labels])
    return children


@kernel
def _hash(data, start, stop, value):
    """Go on with FNV-1a of bytes that count as signed."""
    for at in range(start, stop):
        byte = np.int64(data[at])
        value = ((value ^ (byte | (0xFFFFFF00 if byte > 127 else 0))) * _FNV_PRIME) & _32_BITS
    return value


@kernel
def _fill(words, ends, slots):
    for word in range(ends.shape[0] - 1):
        slot = _hash(words, ends[word], ends[word + 1], _FNV_START) & (slots.shape[0] - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (slots.shape[0] - 1)
        slots[slot] = word


@kernel
def _find(data, start, stop, words, ends, slots, mask):
    """The word `data[start:stop]`, or -1."""
    slot = _hash(data, start, stop, _FNV_START) & mask
    while slots[slot] >= 0:
        word = slots[slot]
        if ends[word + 1] - ends[word] == stop - start:
            same = True
            for at in range(stop - start):
                same &= words[ends[word] + at] == data[start + at]
            if same:
                return np.int64(word)
        slot = (slot + 1) & mask
    return np.int64(-1)


@intrinsic
def _add_lanes(typingctx, values, at, sums, place):  # type: ignore[no-untyped-def]
    """sums[place + i] += values[at + i] for i < _LANES, in one register: the compiler can't know
    that the arrays are apart."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        lanes = ir.VectorType(ir.FloatType(), _LANES).as_pointer()
        places = [
            builder.bitcast(builder.gep(array, [index]), lanes)
            for array, index in ((args[0], args[1]), (args[2], args[3]))
        ]
        loaded = [builder.load(place) for place in places]
        for load in loaded:
            load.align = 4
        builder.store(builder.fadd(loaded[1], loaded[0]), places[1]).align = 4
        return context.get_dummy_value()

    return types.void(values, at, sums, place), codegen


@inlined
def _add(vectors, row, mean, dim):
    place = np.int64(0)
    while place + _LANES <= dim:
        _add_lanes(vectors, row * dim + place, mean, place)
        place += _LANES
    while place < dim:
        mean[place] += vectors[row * dim + place]
        place += 1


@kernel
def _add_word(data, start, stop, marked, vectors, kept, ranks, minn, maxn, buckets, mean, dim):
    """Add the n-grams of a word; how many. `marked` holds the word between `<` and `>`."""
    size = stop - start + 2
    marked[0], marked[size - 1] = _BEGIN, _STOP
    for at in range(stop - start):
        marked[at + 1] = data[start + at]
    added = np.int64(0)
    inverse = 1.0 / buckets  # a division of integers would take most of the time
    for first in range(size):
        if marked[first] & 0xC0 == 0x80:
            continue
        value = np.int64(_FNV_START)
        end = first
        for n in range(1, maxn + 1):
            if end >= size:
                break
            begin = end
            end += 1
            while end < size and marked[end] & 0xC0 == 0x80:
                end += 1
            value = _hash(marked, begin, end, value)
            if n >= minn and not (n == 1 and (first == 0 or end == size)):
                bucket = value - np.int64(np.float64(value) * inverse) * buckets
                bucket += buckets if bucket < 0 else np.int64(0)  # a rounding error off
                bit = np.uint64(bucket & 63)
                if kept[bucket >> 6] >> bit & _ONE:
                    below = kept[bucket >> 6] & ((_ONE << bit) - _ONE)
                    _add(vectors, np.int64(ranks[bucket >> 6]) + count_bits(below), mean, dim)
                    added += 1
    return added


@kernel
def _logarithm(probability):
    return np.float32(math.log(np.float64(probability) + 1e-5))


@kernel
def _label(mean, nodes, children, labels, dim, waiting, scores):
    """(The most probable label or -1, the logarithm of its probability). Of equally probable
    ones the last that the walk meets, left before right, as fastText's heap keeps it."""
    best, best_score = np.int64(-1), np.float32(0)
    waiting[0], scores[0] = 2 * labels - 2, np.float32(0)
    count = np.int64(1)
    least = _logarithm(np.float32(0))
    while count:
        count -= 1
        node, score = np.int64(waiting[count]), scores[count]
        if score < least or (best >= 0 and score < best_score):
            continue
        if node < labels:
            best, best_score = node, score
            continue
        inner = node - labels
        dot = np.float32(0)
        for place in range(dim):
            dot += nodes[inner * dim + place] * mean[place]
        right = np.float32(1.0 / np.float64(np.float32(1) + np.float32(math.exp(-dot))))
        left = np.float32(1.0 - np.float64(right))
        waiting[count], scores[count] = children[2 * inner + 1], score + _logarithm(right)
        waiting[count + 1], scores[count + 1] = children[2 * inner], score + _logarithm(left)
        count += 2
    return best, best_score


@kernel
def _predict(
    data, offsets, vectors, nodes, children, kept, ranks, words, word_ends, slots, sizes,
    marked, mean, waiting, scores, found, probabilities,
):  # fmt: skip
    minn, maxn, buckets, end_row = sizes[0], sizes[1], sizes[2], sizes[3]
    dim, mask = vectors.shape[1], np.int64(slots.shape[0] - 1)
    for text in range(offsets.shape[0] - 1):
        for place in range(dim):
            mean[place] = np.float32(0)
        features = np.int64(0)
        at, end = offsets[text], offsets[text + 1]
        while at < end:
            if data[at] == _BLANK:
                at += 1
                continue
            start = at
            while at < end and data[at] != _BLANK:
                at += 1
            word = _find(
                pointer(data), start, at, pointer(words), pointer(word_ends), pointer(slots), mask
            )
            if word >= 0:
                _add(pointer(vectors), word, pointer(mean), dim)
                features += 1
            features += _add_word(
                pointer(data), start, at, pointer(marked), pointer(vectors), pointer(kept),
                pointer(ranks), minn, maxn, buckets, pointer(mean), dim,
            )  # fmt: skip
        _add(pointer(vectors), end_row, pointer(mean), dim)
        features += 1
        share = np.float32(1.0 / features)
        for place in range(dim):
            mean[place] *= share
        label, score = _label(
            pointer(mean), pointer(nodes), pointer(children), np.int64(nodes.shape[0] + 1), dim,
            pointer(waiting), pointer(scores),
        )  # fmt: skip
        found[text] = label
        probabilities[text] = np.float32(math.exp(score)) if label >= 0 else np.float32(0)


def predict(model: Model, texts: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """(int64[rows], float32[rows]): the most probable label of each text, or -1 for one that no
    label has a probability of 1e-5 for, and its probability. Words stand between blanks; no other
    white space may be in the texts, nor what has a meaning to fastText (`</s>`, `__label__`)."""
    data, offsets = text_buffers(texts)
    longest = int(np.diff(offsets).max(initial=0))
    rows = len(offsets) - 1
    found, probabilities = np.zeros(rows, np.int64), np.zeros(rows, np.float32)
    _predict(
        data, offsets, *model[1:], np.empty(longest + 2, np.uint8),
        np.empty(model.vectors.shape[1], np.float32), np.empty(_DEEPEST, np.int32),
        np.empty(_DEEPEST, np.float32), found, probabilities,
    )  # fmt: skip
    return found, np.minimum(probabilities, np.float32(1))
