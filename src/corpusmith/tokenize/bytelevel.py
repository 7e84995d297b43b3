"""Our own encoder for byte-level BPE tokenizers: the same tokens as `tokenizers`, much faster.

`ByteLevelBPE.of(library)` takes those whose pre-tokens we cut by a state machine (the patterns in
`PATTERNS`) and whose model does nothing but merge bytes. Everything else stays with the library;
`UnsupportedTokenizerError` says why. Two things need the library now and then, text by text:

- A normalizer (NFC in Qwen's): it is the library's, applied to a text that it might change.
- An added token that is not special is found in the text before anything else. A text with the
  characters of one in it is encoded by the library as a whole.
"""

from __future__ import annotations

import functools
import itertools
import json
import operator
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tokenizers
from tokenizers import pre_tokenizers

from corpusmith.errors import InputError
from corpusmith.kernels import bpe, joints, merging, pretokens, regexclasses, screen
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.regexclasses import LETTER, MARK, regex_classes

_CASELESS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"


class Pattern(NamedTuple):
    """A state machine of `pretokens` with its parameters."""

    name: str
    machine: int
    digits: int
    letters: int


GPT2 = Pattern("gpt2", pretokens.GPT2, 0, LETTER)
PATTERNS: dict[str, Pattern] = {
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": GPT2,
    _CASELESS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + _REST: Pattern(
        "cl100k", pretokens.CL100K, 3, LETTER
    ),
    _CASELESS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + _REST: Pattern(
        "qwen2", pretokens.CL100K, 1, LETTER
    ),
    _CASELESS
    + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    + _REST.replace(r"\p{L}", r"\p{L}\p{M}"): Pattern(
        "qwen3.5", pretokens.CL100K, 1, LETTER | MARK
    ),
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CASELESS}?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CASELESS}?|\p{{N}}{{1,3}}"
    + _REST.replace(r"[\r\n]*", r"[\r\n/]*"): Pattern("o200k", pretokens.O200K, 3, LETTER),
}
"""Regular expressions as they stand in tokenizer.json: of GPT-2 (OpenAI's encoder.py), cl100k_base
and Llama 3, Qwen 2 and 2.5 and 3, Qwen 3.5, o200k_base and GPT-4o."""


class UnsupportedTokenizerError(Exception):
    """A tokenizer that our encoder is not proved equal for; the message says what it has."""


Encode = Callable[[Sequence[str]], Sequence[np.ndarray]]


class ByteLevelBPE:
    """Encodes columns of text. Calls from several threads are safe, and each has its own cache."""

    def __init__(
        self,
        library: tokenizers.Tokenizer,
        by_library: Encode,
        tables: bpe.Tables,
        pattern: Pattern,
        added: Sequence[bytes],
    ) -> None:
        self.pattern = pattern
        self._library = library
        self._by_library = by_library
        self._tables = tables
        self._added = added
        self._threads = threading.local()

    @classmethod
    def of(
        cls, library: tokenizers.Tokenizer, by_library: Encode, content: str = ""
    ) -> ByteLevelBPE:
        """The encoder of a tokenizer of the library, whose special tokens are not made from text
        (`encode_special_tokens`). `by_library` encodes texts with it; `content` is its
        tokenizer.json, where that is at hand.

        Raises UnsupportedTokenizerError.
        """
        config = json.loads(content or library.to_str())
        pattern = _pattern(config["pre_tokenizer"])
        model = config["model"]
        _check_model(model)
        if tokenizers.__version__ != regexclasses.MADE_WITH and differing_classes():
            raise UnsupportedTokenizerError(
                f"the character classes of tokenizers {tokenizers.__version__}"
            )
        normalizer = library.normalizer
        if not (normalizer is None or isinstance(normalizer, tokenizers.normalizers.NFC)):
            raise UnsupportedTokenizerError(f"the normalizer {config['normalizer']['type']}")
        added = {token["content"] for token in config["added_tokens"] if not token["special"]}
        if normalizer is not None:
            added |= {normalizer.normalize_str(text) for text in added}
        strings = sorted(text.encode() for text in added if text)
        return cls(library, by_library, make_tables(model, pattern), pattern, strings)

    def encode(
        self, column: pa.Array | pa.ChunkedArray, *, end_token: int = -1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tokens of a column of `string` or `large_string` without nulls.

        Returns `tokens` int32 and `offsets` int64[rows + 1]: row i has
        `tokens[offsets[i]:offsets[i + 1]]`, with `end_token` at its end unless that is negative.

        Raises InputError for text that is not valid UTF-8.
        """
        check_utf8(column)
        normal, others = self._screened(column)
        if not others.any():
            return self._merged(normal, end_token)
        tokens, offsets = self._merged(normal.filter(pa.array(~others)), end_token)
        rows = iter(_rows(tokens, offsets))
        texts = column.filter(pa.array(others)).to_pylist()
        theirs = iter(self._by_library(texts))
        end = np.array([end_token] * (end_token >= 0), np.int32)
        return joined(
            [np.concatenate([next(theirs), end]) if other else next(rows) for other in others]
        )

    def _screened(self, column: Any) -> tuple[Any, np.ndarray]:
        """The column after the normalizer; bool[rows], True where the library must encode."""
        data, offsets = text_buffers(column)
        others = np.zeros(len(offsets) - 1, np.bool_)
        if self._added:
            others |= screen.contain_any(data, offsets, self._added)
        if self._library.normalizer is None:
            return column, others
        changed = screen.changed_by_nfc(data, offsets)
        if not changed.any():
            return column, others
        normalize = self._library.normalizer.normalize_str
        mask = pa.array(changed)
        texts = [normalize(text) for text in column.filter(mask).to_pylist()]
        column = pc.replace_with_mask(column, mask, pa.array(texts, column.type))
        if self._added:
            others |= screen.contain_any(*text_buffers(column), self._added)
        return column, others

    def _merged(self, column: Any, end_token: int) -> tuple[np.ndarray, np.ndarray]:
        data, offsets = text_buffers(column)
        rows = len(offsets) - 1
        out = np.empty(len(data) + rows + bpe.SLACK, np.int32)
        out_offsets = np.zeros(rows + 1, np.int64)
        work = getattr(self._threads, "work", None) or bpe.new_work()
        work.state[:] = 0
        while not bpe.encode_column(data, offsets, self._tables, work, end_token, out, out_offsets):
            work = bpe.with_room(work, int(work.state[bpe.NEEDED]))
        # What a long pre-token needed is not kept: it may be 32 times the text.
        self._threads.work = bpe.with_room(work, merging.SHORT)
        return out[: out_offsets[-1]], out_offsets


def joined(rows: Sequence[np.ndarray], end_token: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Rows of tokens one after the other, as `encode` returns them; `end_token` after each unless
    it is negative."""
    if end_token >= 0:
        rows = [np.append(row, np.int32(end_token)) for row in rows]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return np.concatenate([np.zeros(0, np.int32), *rows]), offsets


def _rows(tokens: np.ndarray, offsets: np.ndarray) -> list[np.ndarray]:
    return [tokens[start:end] for start, end in itertools.pairwise(offsets.tolist())]


def check_utf8(column: pa.Array | pa.ChunkedArray) -> None:
    """Raises InputError naming the first row that is not valid UTF-8."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"a text to be encoded is not valid UTF-8: {error}",
            expected="text in UTF-8, without surrogates",
            hint="`normalize` repairs text; `pa.Array.validate(full=True)` finds what it can't",
        ) from error


@functools.cache
def differing_classes(step: int = 1) -> tuple[str, ...]:
    """The classes that `tokenizers` as installed sees otherwise than `regex_classes.txt`: of every
    `step`-th code point of the planes that have characters. A few seconds with step 1."""
    codes = [code for code in range(0, 0x323B0, step) if not 0xD800 <= code < 0xE000]
    text = "".join(map(chr, codes))
    names: dict[str, set[int]] = {name: set[int]() for name in regexclasses.FLAGS}
    for first, last, name in regexclasses.ranges():
        names[name].update(range(first, last + 1))
    differing = []
    for name, members in names.items():
        pattern = r"\s+" if name == "s" else rf"\p{{{name}}}+"
        split = pre_tokenizers.Split(tokenizers.Regex(pattern), "removed", invert=True)
        found = "".join(run for run, _ in split.pre_tokenize_str(text))
        if {ord(character) for character in found} != members.intersection(codes):
            differing.append(name)
    return tuple(differing)


def byte_symbols() -> list[str]:
    """The character that stands for each byte in a byte-level vocabulary.

    Bytes that print in Latin-1 stand for themselves, the others for U+0100 and on (Radford et
    al. 2019, `bytes_to_unicode`).
    """
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def make_tables(model: Mapping[str, Any], pattern: Pattern) -> bpe.Tables:
    """The kernels' tables of a `model` of tokenizer.json that `_check_model` let pass."""
    vocab = model["vocab"]
    symbols = byte_symbols()
    byte_tokens = np.array([vocab[symbol] for symbol in symbols], np.int32)
    pairs = [pair if isinstance(pair, list) else pair.split(" ", 1) for pair in model["merges"]]
    lefts, rights = zip(*pairs, strict=True) if pairs else ((), ())
    left, right, merged = (
        np.fromiter(map(vocab.__getitem__, texts), np.int32, len(pairs))
        for texts in (lefts, rights, map(operator.add, lefts, rights))
    )
    pair_bits = max(4, (2 * len(pairs)).bit_length())  # at most half full
    slots = np.zeros(1 << pair_bits, np.uint64)
    merging.fill_pairs(left, right, slots, pair_bits)
    byte_ranks = np.full(1 << 16, merging.NO_RANK, np.uint32)
    byte_of = np.full(max(vocab.values()) + 1, -1, np.int64)
    byte_of[byte_tokens] = np.arange(256)
    first, second = byte_of[left], byte_of[right]
    both = (first >= 0) & (second >= 0)
    # A pair that is listed twice has its last rank; so does an element assigned twice.
    byte_ranks[first[both] << 8 | second[both]] = np.flatnonzero(both).astype(np.uint32)
    starts, spelled = _spellings(vocab, symbols)
    tables = bpe.Tables(
        pattern=pattern.machine,
        digits=pattern.digits,
        letters=pattern.letters,
        roots=regex_classes().roots,
        leaves=regex_classes().leaves,
        byte_tokens=byte_tokens,
        byte_ranks=byte_ranks,
        pairs=slots,
        pair_bits=pair_bits,
        merged=merged,
        whole=np.full(1, -1, np.int32),
        whole_bits=0,
        token_starts=starts,
        token_bytes=spelled,
        joints=np.zeros(0, np.uint64),
    )
    if model.get("ignore_merges"):
        # Of most vocabularies every token is what its bytes are merged to; then nothing is left.
        tokens = np.flatnonzero(np.diff(starts) > 0).astype(np.int32)
        others = _not_merged(tables, tokens)
        if len(others):
            bits = (2 * len(others)).bit_length()
            whole = np.full(1 << bits, -1, np.int32)
            bpe.fill_whole(starts, spelled, others, whole, bits)
            return tables._replace(whole=whole, whole_bits=bits)
    marks = np.zeros(1 << joints.FILTER_BITS >> 6, np.uint64)
    joints.fill_joints(starts, spelled, merged, marks)
    return tables._replace(joints=marks)


def _spellings(vocab: Mapping[str, int], symbols: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """int64[tokens + 1] starts, uint8 bytes: each token's, none for what can't come of bytes."""
    byte_of = str.maketrans({symbol: chr(byte) for byte, symbol in enumerate(symbols)})
    known = set(symbols)
    spellings = [b""] * (max(vocab.values()) + 1)
    for text, token in vocab.items():
        if known.issuperset(text):  # any other can't come out of bytes
            spellings[token] = text.translate(byte_of).encode("latin-1")
    starts = np.cumsum([0, *map(len, spellings)], dtype=np.int64)
    return starts, np.frombuffer(b"".join(spellings), np.uint8).copy()


def _not_merged(tables: bpe.Tables, tokens: np.ndarray) -> np.ndarray:
    """Those tokens that merging their bytes does not give."""
    longest = int(np.diff(tables.token_starts).max(initial=0))
    work = bpe.with_room(bpe.new_work(), max(longest, merging.SHORT))
    found = np.zeros(len(tokens), np.bool_)
    bpe.are_merged(tables, work, tokens, np.empty(longest + bpe.SLACK, np.int32), found)
    return tokens[~found]


def _check_model(model: Mapping[str, Any]) -> None:
    if model["type"] != "BPE":
        raise UnsupportedTokenizerError(f"a model of type {model['type']}")
    for key in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(key):
            raise UnsupportedTokenizerError(f"{key} in its model")
    vocab = model["vocab"]
    missing = [symbol for symbol in byte_symbols() if symbol not in vocab]
    if missing:  # the library drops such a byte, or makes `unk_token` or <0x..> of it
        raise UnsupportedTokenizerError(f"no token for {len(missing)} of the 256 bytes")
    if max(vocab.values()) >= merging.MOST_TOKENS or len(model["merges"]) >= merging.MOST_MERGES:
        raise UnsupportedTokenizerError(
            f"over {merging.MOST_TOKENS:,} tokens or {merging.MOST_MERGES:,} merges"
        )


def _pattern(config: Mapping[str, Any] | None) -> Pattern:
    steps = [] if config is None else [config]
    if config is not None and config["type"] == "Sequence":
        steps = config["pretokenizers"]
    kinds = [step["type"] for step in steps]
    last = steps[-1] if steps else {}
    if last.get("type") != "ByteLevel":
        raise UnsupportedTokenizerError(f"pre-tokenizers {', '.join(kinds) or 'none'}")
    if last["add_prefix_space"]:
        raise UnsupportedTokenizerError("a space put before each text (add_prefix_space)")
    if kinds == ["ByteLevel"] and last["use_regex"]:
        return GPT2
    if kinds != ["Split", "ByteLevel"] or last["use_regex"]:
        raise UnsupportedTokenizerError(f"pre-tokenizers {', '.join(kinds)} in this combination")
    split = steps[0]
    pattern = PATTERNS.get(split["pattern"].get("Regex", ""))
    # A pattern that matches every character leaves nothing between its matches, so keeping
    # matches and gaps apart is the same as dropping the gaps.
    way = (split["behavior"], split["invert"])
    if pattern is None or way not in (("Isolated", False), ("Removed", True)):
        raise UnsupportedTokenizerError(
            "a pattern for pre-tokens that is not one of GPT-2, cl100k, o200k, Qwen"
        )
    return pattern


def warm() -> None:
    """Compile the kernels, or load them from Numba's cache."""
    screen.warm()
    symbols = byte_symbols()
    vocab = {symbol: token for token, symbol in enumerate(symbols)}
    model = {"vocab": {**vocab, "aa": 256, "ab": 257}, "merges": ["a a"], "ignore_merges": True}
    make_tables(model, GPT2)  # with a token that no merge makes
    tables = make_tables({**model, "ignore_merges": False}, GPT2)
    column = pa.array(["aa b", "a" * (merging.SHORT + 1)], pa.large_string())
    data, offsets = text_buffers(column)
    work = bpe.with_room(bpe.new_work(), len(data))
    out = np.empty(len(data) + len(column) + bpe.SLACK, np.int32)
    bpe.encode_column(data, offsets, tables, work, -1, out, np.zeros(len(column) + 1, np.int64))
