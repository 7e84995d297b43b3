"""One tokenizer: loaded from a file or folder, encoding texts, decoding tokens.

Byte-level BPE of the known patterns is encoded by kernels of ours (`bytelevel`), with the same
tokens as the `tokenizers` library; every other tokenizer by the library. `Tokenizer.encoder` says
which. Special tokens are never made from text: a document that has the characters
`<|endoftext|>` in it is encoded character by character, so no input can end a document early.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from corpusmith.errors import InputError, nearest
from corpusmith.store.fingerprint import hash_json
from corpusmith.tokenize.bytelevel import (
    ByteLevelBPE,
    UnsupportedTokenizerError,
    check_utf8,
    joined,
)

END_TOKEN = "<|endoftext|>"
"""What we put between documents, in the vocabularies that we train."""

KNOWN_END_TOKENS = (END_TOKEN, "</s>", "<|end_of_text|>", "<eos>", "<|eos|>", "[EOS]", "<|im_end|>")
"""Tried in this order where a loaded tokenizer does not name its own."""

CALL_CHARS = 1 << 20
"""Characters handed to the library at once: it needs about 170 bytes for each of them."""


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
        self.removed = _switch_off(library)
        self.end_text = _end_text(library, end_text)
        library.add_special_tokens([self.end_text])
        library.encode_special_tokens = True
        self._library = library
        self._library_reason = ""  # why `_native` is None

    removed: list[str]
    """What a saved tokenizer would do to text at random or for a model, and this one doesn't:
    "dropout 0.1", "truncation to 512 tokens", "padding"."""

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

    @functools.cached_property
    def _json(self) -> str:
        """Megabytes that the library takes long to write, and three readers of it."""
        return self._library.to_str(pretty=True)

    @functools.cached_property
    def _native(self) -> ByteLevelBPE | None:
        try:
            return ByteLevelBPE.of(self._library, self._by_library, self._json)
        except UnsupportedTokenizerError as reason:
            self._library_reason = str(reason)
            return None

    @property
    def encoder(self) -> dict[str, str]:
        """What encodes text: `{"encoder": "corpusmith", "pattern"}` with the pattern's name, or
        `{"encoder": "tokenizers", "because"}` with what the tokenizer has that ours can't do."""
        if self._native is not None:
            return {"encoder": "corpusmith", "pattern": self._native.pattern.name}
        return {"encoder": "tokenizers", "because": self._library_reason}

    def encode_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, int32, without any special token.

        A text's tokens do not depend on what else is in the batch. The arrays are parts of one.

        Raises InputError for what is no text, naming its row, and for a text that has no UTF-8
        (a lone surrogate).
        """
        if isinstance(texts, str):
            raise InputError(
                "one text in place of a list of texts",
                expected="a list of str",
                hint="encode_batch([text])[0]",
            )
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                raise InputError(
                    f"row {row} to be encoded is {text!r:.60}, of type {type(text).__name__}",
                    expected="a str in every row",
                    hint="leave rows without text out, or give '' for them",
                )
        try:
            column = pa.array(texts, pa.large_string())
        except UnicodeEncodeError as error:
            raise InputError(
                f"a text to be encoded is not valid Unicode: {error}",
                expected="text without surrogates",
                hint="repair it with text.encode('utf-16', 'surrogatepass').decode('utf-16', "
                "'replace')",
            ) from error
        tokens, offsets = self.encode_column(column)
        return [tokens[start:end] for start, end in itertools.pairwise(offsets.tolist())]

    def encode_column(
        self, column: pa.Array | pa.ChunkedArray, *, end: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of a column of `string` or `large_string` without nulls, and where each row's
        stand: `tokens` int32, `offsets` int64[rows + 1]; row i has
        `tokens[offsets[i]:offsets[i + 1]]`. With `end` each row has the end token at its end.

        Memory: 4 bytes a byte of text, of which a third or less is touched, and 32 a byte of the
        longest pre-token. The library, where it encodes, takes about 170 bytes a character of at
        least `CALL_CHARS`, or of the longest text.

        Raises InputError for text that is not valid UTF-8.
        """
        end_token = self.end_token if end else -1
        if self._native is not None:
            return self._native.encode(column, end_token=end_token)
        check_utf8(column)
        return joined(self._by_library(column.to_pylist()), end_token)

    def _by_library(self, texts: Sequence[str]) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for group in self._groups(texts):
            encoded = self._library.encode_batch_fast(group, add_special_tokens=False)
            found += [np.array(encoding.ids, dtype=np.int32) for encoding in encoded]
        return found

    @staticmethod
    def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
        """Texts of at most CALL_CHARS together, or one longer one."""
        group: list[str] = []
        chars = 0
        for text in texts:
            if group and chars + len(text) > CALL_CHARS:
                yield group
                group, chars = [], 0
            group.append(text)
            chars += len(text)
        if group:
            yield group

    def decode(self, tokens: Sequence[int] | np.ndarray, *, skip_special: bool = False) -> str:
        """The text of a row of tokens; bytes that are no UTF-8 become U+FFFD."""
        return self._library.decode(np.asarray(tokens).tolist(), skip_special_tokens=skip_special)

    def to_json(self) -> str:
        """The content of `tokenizer.json`."""
        return self._json

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


def _switch_off(library: tokenizers.Tokenizer) -> list[str]:
    """See `Tokenizer.removed`: it would lose or invent text, or encode a text anew each time."""
    removed = []
    if dropout := getattr(library.model, "dropout", None):
        library.model.dropout = None  # Provilkov, Emelianenko and Voita 2020: merges left out
        removed.append(f"dropout {dropout:.4g}")
    if library.truncation is not None:
        removed.append(f"truncation to {library.truncation['max_length']} tokens")
        library.no_truncation()
    if library.padding is not None:
        removed.append("padding")
        library.no_padding()
    return removed


def byte_level_bpe(model: models.BPE) -> tokenizers.Tokenizer:
    """GPT-2's tokenizer around a BPE model: bytes as symbols, split by its pattern."""
    library = tokenizers.Tokenizer(model)
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    return library


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
