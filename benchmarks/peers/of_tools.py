"""Jobs of single-purpose libraries: tokenizers, tiktoken, rensa, datasketch, trafilatura,
resiliparse. Each is called as its manual says for many documents and one core.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.peers.side import Job, Pages, Texts, digest, each, serve

PERMUTATIONS = 112
WORDS = 5
BATCH_DOCUMENTS = 500
# GPT-2's pattern as tiktoken itself states it (possessive: the same matches, faster).
GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"


class Tokens(Texts):
    """Token ids of every text to a file: uint16 where the vocabulary allows it, else int32."""

    def encode(self, texts: list[str]) -> Any:
        """An iterable of arrays or lists of ids."""
        raise NotImplementedError

    def run(self, count: int, until: float) -> dict[str, Any]:
        import numpy as np

        tokens = done = 0
        with open(self.scratch() / "tokens.bin", "wb") as out:
            for start in range(0, count, 100):
                batch = self.texts[start : min(start + 100, count)]
                for ids in self.encode(batch):
                    array = np.asarray(ids).astype(self.kind())
                    out.write(array.data)
                    tokens += len(array)
                done += len(batch)
                if time.perf_counter() > until:
                    break
        return {"documents": done, "tokens": tokens}

    def kind(self) -> str:
        return "<u2" if self.options["vocab"] < 65_500 else "<i4"

    def figures(self, count: int) -> dict[str, Any]:
        import numpy as np

        return {"ids_sha256": digest(np.fromfile(self.temporary / "tokens.bin", self.kind()))}


class Tokenizers(Tokens):
    def load(self) -> int:
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(self.options["tokenizer"])
        return super().load()

    def encode(self, texts: list[str]) -> Any:
        found = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return (encoding.ids for encoding in found)


class Tiktoken(Tokens):
    def load(self) -> int:
        import tiktoken

        self.encoding = tiktoken.Encoding(
            "trained",
            pat_str=GPT2_PATTERN,
            mergeable_ranks=_ranks(Path(self.options["tokenizer"])),
            special_tokens={},
        )
        return super().load()

    def encode(self, texts: list[str]) -> Any:
        return (self.encoding.encode_to_numpy(t, disallowed_special=()) for t in texts)


def _ranks(path: Path) -> dict[bytes, int]:
    """Bytes -> id of a byte-level tokenizer.json; ids rise as merges were learned, which is the
    order in which tiktoken merges."""
    model = json.loads(path.read_text("utf-8"))
    special = {token["id"] for token in model.get("added_tokens", [])}
    # GPT-2's table: printable bytes stand for themselves, the others follow from 256 on.
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(byte): byte for byte in shown}
    hidden = [byte for byte in range(256) if byte not in shown]
    table.update({chr(256 + number): byte for number, byte in enumerate(hidden)})
    return {
        bytes(table[char] for char in token): number
        for token, number in model["model"]["vocab"].items()
        if number not in special
    }


def shingles(text: str) -> list[str]:
    """Word n-grams as these libraries' users make them: split at white space, join."""
    words = text.split()
    if len(words) < WORDS:
        return [" ".join(words)]
    return [" ".join(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)]


class Rensa(Texts):
    """Signatures in bulk: `digest_matrix_from_token_sets`, every token used (R-MinHash)."""

    def run(self, count: int, until: float) -> dict[str, Any]:
        from rensa import RMinHash

        done = rows = 0
        for start in range(0, count, BATCH_DOCUMENTS):
            batch = self.texts[start : min(start + BATCH_DOCUMENTS, count)]
            found = RMinHash.digest_matrix_from_token_sets(
                [shingles(text) for text in batch], PERMUTATIONS, 42
            )
            rows += found.len()
            done += len(batch)
            if time.perf_counter() > until:
                break
        return {"documents": done, "signatures": rows}


class Datasketch(Texts):
    """Signatures in bulk: `MinHash.bulk` shares the permutations."""

    def run(self, count: int, until: float) -> dict[str, Any]:
        from datasketch import MinHash

        done = 0
        for start in range(0, count, BATCH_DOCUMENTS // 10):
            batch = self.texts[start : min(start + BATCH_DOCUMENTS // 10, count)]
            sets = [[shingle.encode() for shingle in shingles(text)] for text in batch]
            MinHash.bulk(sets, num_perm=PERMUTATIONS)
            done += len(batch)
            if time.perf_counter() > until:
                break
        return {"documents": done}


class Trafilatura(Pages):
    """`extract(fast=True)`: no fallback to other extractors."""

    def run(self, count: int, until: float) -> dict[str, Any]:
        from trafilatura import extract

        chars = 0

        def take(page: bytes) -> None:
            nonlocal chars
            chars += len(extract(page, fast=True) or "")

        return {"documents": each(self.pages, count, until, take), "chars": chars}


class Resiliparse(Pages):
    """What its manual shows for bytes: detect the encoding, decode, take the main text."""

    def run(self, count: int, until: float) -> dict[str, Any]:
        from resiliparse.extract.html2text import extract_plain_text
        from resiliparse.parse.encoding import bytes_to_str, detect_encoding

        chars = 0

        def take(page: bytes) -> None:
            nonlocal chars
            text = bytes_to_str(page, detect_encoding(page) or "utf-8")
            found = extract_plain_text(
                text, main_content=True, links=False, form_fields=False, alt_texts=False
            )
            chars += len(found)

        return {"documents": each(self.pages, count, until, take), "chars": chars}


JOBS: dict[str, type[Job]] = {
    "tokenizers": Tokenizers,
    "tiktoken": Tiktoken,
    "rensa": Rensa,
    "datasketch": Datasketch,
    "trafilatura": Trafilatura,
    "resiliparse": Resiliparse,
}

if __name__ == "__main__":
    # A job is named as its distribution is.
    serve(JOBS, sys.argv[1:2])
