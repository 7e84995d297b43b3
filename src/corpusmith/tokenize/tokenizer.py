"""One tokenizer: loaded from a file or folder, encoding texts, decoding tokens.

The encoder behind `encode_batch` is the `tokenizers` library. Special tokens are never made
from text: a document that has the characters `<|endoftext|>` in it is encoded character by
character, so no input can end a document early.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from corpusmith.errors import InputError, nearest
from corpusmith.store.fingerprint import hash_json

END_TOKEN = "<|endoftext|>"
"""What we put between documents, in the vocabularies that we train."""

KNOWN_END_TOKENS = (END_TOKEN, "</s>", "<|end_of_text|>", "<eos>", "<|eos|>", "[EOS]", "<|im_end|>")
"""Tried in this order where a loaded tokenizer does not name its own."""

CALL_CHARS = 1 << 20
"""Characters handed to the library at once: it needs about 170 bytes for each of them."""

PIECE_CHARS = 1 << 18
"""A longer text is cut into pieces of about this many characters where that changes nothing."""

_LETTERS = (
    "A-Za-z\u00c0-\u00d6\u0400-\u0481\u05d0-\u05ea\u0621-\u063a\u0904-\u0939\u0e01-\u0e30"
    "\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
)
_MARKS = r"!-/:-@\[-`{-~\u3001\u3002\uff01\uff0c\uff1f"  # ASCII and CJK punctuation
_SAFE_CUT = re.compile(
    r"(?<=[^\s\u180e])(?=[ \t\n\r])"
    rf"|(?<=[{_LETTERS}])(?=[0-9{_MARKS}])"
    rf"|(?<=[0-9])(?=[A-Za-z{_MARKS}])"
)
"""Before white space, between a letter and a digit, and between either and punctuation.

Proof that GPT-2's pattern (Radford et al. 2019, `encoder.py`)

    's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+

gives the same pre-tokens for the two sides alone: in every alternative, what follows a letter
can only be a letter, what follows a digit only a digit, and no white space follows anything else;
so a match ends here. Earlier matches end before the cut and look ahead no further, and a run of
white space at the end, the only thing that a lookahead could see differently, can't be there.
The right side starts where a match starts, and there is no lookbehind. BPE merges within a
pre-token only. The letters listed are in Unicode since version 3, and U+180E, which was white
space once, is left out, so every regex library agrees on these classes.
"""


class Tokenizer:
    """A vocabulary with its end token.

    >>> tokenizer = Tokenizer.load("gpt2/")                 # doctest: +SKIP
    >>> tokenizer.encode_batch(["Hello world", ""])         # doctest: +SKIP
    [array([15496,   995], dtype=int32), array([], dtype=int32)]
    """

    def __init__(self, library: tokenizers.Tokenizer, end_text: str | None = None) -> None:
        """Take over a tokenizer of the library; `end_text` names the end token.

        Raises InputError where the vocabulary has no end token.
        """
        # A saved tokenizer may truncate or pad: that would lose or invent text without a word.
        library.no_truncation()
        library.no_padding()
        if getattr(library.model, "dropout", None):
            library.model.dropout = None  # BPE dropout is random
        self.end_text = _end_text(library, end_text)
        library.add_special_tokens([self.end_text])
        library.encode_special_tokens = True
        self._library = library
        self._single_pieces = not _can_be_cut(library)

    @classmethod
    def load(cls, path: str | Path, *, end_token: str | None = None) -> Tokenizer:
        """From a `tokenizer.json`, or a folder with it, or with GPT-2's vocabulary and merges.

        A folder may have `vocab.json` and `merges.txt`, or by their older names `encoder.json`
        and `vocab.bpe`. `end_token` is the text of the end token; by default what the folder's
        `tokenizer_config.json` calls `eos_token`, else the first of `KNOWN_END_TOKENS`. A file
        is read alone, without its neighbours.

        Raises InputError, saying what was looked for.
        """
        path = Path(path)
        if path.is_dir():
            return cls(_from_folder(path), end_token or _configured_end(path))
        if not path.is_file():
            raise InputError(
                "there is no such tokenizer",
                where=str(path),
                expected="a tokenizer.json, or a folder with one",
            )
        return cls(_from_file(path), end_token)

    @functools.cached_property
    def vocab_size(self) -> int:
        """Rows that a model's embedding needs: the largest token + 1, special ones included."""
        return max(self._library.get_vocab(with_added_tokens=True).values()) + 1

    @functools.cached_property
    def end_token(self) -> int:
        """The token that ends each document."""
        token = self._library.token_to_id(self.end_text)
        assert token is not None  # looked up when it was loaded
        return token

    @functools.cached_property
    def fingerprint(self) -> str:
        """32 hex digits: of everything that shapes the tokens of a text."""
        return hash_json({"tokenizer": self.to_json(), "end": self.end_text})

    @property
    def library(self) -> tokenizers.Tokenizer:
        """The `tokenizers` object underneath."""
        return self._library

    def encode_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, int32, without any special token.

        A text's tokens do not depend on what else is in the batch. Long texts are cut where
        that provably changes nothing (see `_SAFE_CUT`), so memory stays near 200 MB, unless
        a tokenizer of another kind than GPT-2's or a run of letters over 1 MB forbids it: those
        need about 130 bytes a character.
        """
        found: list[list[np.ndarray]] = [[] for _ in texts]
        for group in self._groups(texts):
            encoded = self._library.encode_batch_fast(
                [piece for _, piece in group], add_special_tokens=False
            )
            for (number, _), encoding in zip(group, encoded, strict=True):
                found[number].append(np.array(encoding.ids, dtype=np.int32))
        return [arrays[0] if len(arrays) == 1 else np.concatenate(arrays) for arrays in found]

    def _groups(self, texts: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
        group: list[tuple[int, str]] = []
        chars = 0
        for number, text in enumerate(texts):
            for piece in [text] if self._single_pieces else pieces(text):
                if group and chars + len(piece) > CALL_CHARS:
                    yield group
                    group, chars = [], 0
                group.append((number, piece))
                chars += len(piece)
        if group:
            yield group

    def decode(self, tokens: Sequence[int] | np.ndarray, *, skip_special: bool = False) -> str:
        """The text of a row of tokens; bytes that are no UTF-8 become U+FFFD."""
        return self._library.decode(np.asarray(tokens).tolist(), skip_special_tokens=skip_special)

    def to_json(self) -> str:
        """The content of `tokenizer.json`."""
        return self._library.to_str(pretty=True)

    def config_json(self) -> str:
        """The content of `tokenizer_config.json`, with which Transformers loads the folder."""
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": self.end_text,
            "eos_token": self.end_text,
            "unk_token": self.end_text,
            "clean_up_tokenization_spaces": False,
        }
        return json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def save(self, folder: str | Path) -> None:
        """Write `tokenizer.json` and `tokenizer_config.json` for AutoTokenizer.from_pretrained."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(self.to_json(), encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(self.config_json(), encoding="utf-8")


def pieces(text: str, size: int | None = None) -> Iterator[str]:
    """Cut a text at safe places after every `size` >= 1 characters; "" is one piece.

    >>> list(pieces("one two, three", 2))
    ['one', ' two', ', three']
    """
    size = PIECE_CHARS if size is None else size
    if size < 1:
        raise ValueError(f"a piece has at least 1 character, not {size}")
    start = 0
    while len(text) - start > size:
        cut = _SAFE_CUT.search(text, start + size)
        if cut is None:
            break
        yield text[start : cut.start()]
        start = cut.start()
    yield text[start:] if start else text


def byte_level_bpe(model: models.BPE) -> tokenizers.Tokenizer:
    """GPT-2's tokenizer around a BPE model: bytes as symbols, split by its pattern."""
    library = tokenizers.Tokenizer(model)
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    return library


def _can_be_cut(library: tokenizers.Tokenizer) -> bool:
    """Whether it is GPT-2's tokenizer, for which `_SAFE_CUT` is proved."""
    model, before = library.model, library.pre_tokenizer
    if not isinstance(model, models.BPE) or not isinstance(before, pre_tokenizers.ByteLevel):
        return False
    return (
        library.normalizer is None
        and before.use_regex
        and not before.add_prefix_space
        and not model.continuing_subword_prefix
        and not model.end_of_word_suffix
        # An added token that is not special is found in the text, across any cut.
        and all(token.special for token in library.get_added_tokens_decoder().values())
    )


def _end_text(library: tokenizers.Tokenizer, wanted: str | None) -> str:
    if wanted is not None:
        if library.token_to_id(wanted) is None:
            special = [token.content for token in library.get_added_tokens_decoder().values()]
            raise InputError(
                f"the tokenizer has no token {wanted!r} to end documents with",
                hint=nearest(wanted, special) if special else "",
            )
        return wanted
    for text in KNOWN_END_TOKENS:
        if library.token_to_id(text) is not None:
            return text
    raise InputError(
        "the tokenizer does not say which token ends a document",
        expected=f"eos_token in its tokenizer_config.json, or one of {', '.join(KNOWN_END_TOKENS)}",
        hint='name it in the recipe: `tokenize: {load: ..., end_token: "..."}`',
    )


def _configured_end(folder: Path) -> str | None:
    """`eos_token` of tokenizer_config.json or special_tokens_map.json, a string or an object."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = folder / name
        if not path.is_file():
            continue
        try:
            config = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"it can't be read: {error}", where=str(path)) from error
        token = config.get("eos_token") if isinstance(config, dict) else None
        if isinstance(token, dict):
            token = token.get("content")
        if isinstance(token, str) and token:
            return token
    return None


def _from_folder(folder: Path) -> tokenizers.Tokenizer:
    if (folder / "tokenizer.json").is_file():
        return _from_file(folder / "tokenizer.json")
    for vocabulary, merges in (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")):
        if (folder / vocabulary).is_file() and (folder / merges).is_file():
            try:
                model = models.BPE.from_file(str(folder / vocabulary), str(folder / merges))
            except Exception as error:  # the library raises nothing more precise
                raise InputError(
                    f"{vocabulary} and {merges} are no BPE vocabulary: {error}", where=str(folder)
                ) from error
            return byte_level_bpe(model)
    raise InputError(
        "there is no tokenizer in this folder",
        where=str(folder),
        expected="tokenizer.json, or vocab.json and merges.txt, or encoder.json and vocab.bpe",
        hint="a SentencePiece model is converted by `AutoTokenizer.from_pretrained(folder)"
        ".save_pretrained(new)` of Transformers, which writes a tokenizer.json",
    )


def _from_file(path: Path) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"it can't be read: {error.strerror}", where=str(path)) from error
    except Exception as error:  # the library raises nothing more precise than Exception
        raise InputError(
            f"this is no tokenizer.json of the `tokenizers` library: {error}", where=str(path)
        ) from error
