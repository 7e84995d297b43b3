"""Stage `tokenizer`: a vocabulary trained on the training split, or one that exists.

Parameters: `{train: bpe, vocab, sample_bytes, special, after}` or
`{load: path or hub id, revision, end_token}`. The folder gets `tokenizer.json` and
`tokenizer_config.json`, which `AutoTokenizer.from_pretrained(folder)` reads.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers import models, pre_tokenizers, trainers

from corpusmith.errors import InputError, MissingExtraError, RecipeError
from corpusmith.op import Task, TaskContext, Work
from corpusmith.store.parts import PartWriter, iter_part
from corpusmith.tokenize.documents import as_spec, clean_parts, deciding_folders, of_spec
from corpusmith.tokenize.order import PURPOSE_SAMPLE, id_bits, keys
from corpusmith.tokenize.pieces import pieces
from corpusmith.tokenize.tokenizer import END_TOKEN, Tokenizer, byte_level_bpe

SAMPLE_BYTES = 200_000_000
"""UTF-8 bytes of text that a vocabulary is trained on, unless the recipe says otherwise."""

LONGEST_WORD_CHARS = 1 << 14
"""In training only, longer runs without a safe cut are cut: one of 60 MB needs 3 GB there."""

BYTES = 256  # symbols that every byte-level vocabulary begins with

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?\Z")
_HUB_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
)


def execute(work: Work) -> None:
    """Train or load, and write the tokenizer. `work.info`: vocabulary, fingerprint, sample, and
    what of a loaded one was switched off (`Tokenizer.removed`)."""
    spec: dict[str, Any] = {"params": work.params, "seed": work.seed}
    if "load" not in work.params:
        check_params(work.params)
        after = deciding_folders(work)
        parts = [as_spec(folder, part, after) for folder, part in clean_parts(work)]
        work.engine.map(
            "corpusmith.tokenize.vocab:measure_task",
            [Task(part=str(part["part"]), spec=part) for part in parts],
            folder=work.folder,
            round="sizes",
        )
        spec["parts"] = parts
    entries = work.engine.map(
        "corpusmith.tokenize.vocab:tokenizer_task",
        [Task(part="tokenizer", spec=spec)],
        folder=work.folder,
    )
    info = dict(entries[0]["info"])
    work.warnings += info.pop("warnings")
    work.info.update(info)


def check_params(params: dict[str, Any]) -> None:
    """RecipeError where a vocabulary can't be trained with these parameters."""
    if params.get("train") != "bpe":
        raise RecipeError(
            f"tokenize.train is {params.get('train')!r}",
            expected="`train: bpe`, or `load:` with a path or a hub id",
        )
    special = special_tokens(params)
    least = BYTES + len(special)
    if int(params["vocab"]) < least:
        raise RecipeError(
            f"a vocabulary of {params['vocab']} is too small",
            expected=f"at least {least}: {BYTES} bytes and {len(special)} special tokens",
        )


def special_tokens(params: dict[str, Any]) -> list[str]:
    """The end token, then the recipe's own, each once."""
    return list(dict.fromkeys([END_TOKEN, *(params.get("special") or [])]))


# --- the sample --------------------------------------------------------------------------


def measure_task(spec: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """Writes `sizes`: id and UTF-8 bytes of every document of the part's training split."""
    total = 0
    with ctx.writer() as out:
        for table in of_spec(spec, ["id", "text"]):
            sizes = pc.binary_length(table["text"]).cast(pa.int64())
            out.write("sizes", pa.table({"id": table["id"], "text_bytes": sizes}))
            total += pc.sum(sizes).as_py()
        out.info["text_bytes"] = total
    return out.info


def choose(bits: np.ndarray, text_bytes: np.ndarray, budget: int, seed: int) -> np.ndarray:
    """bool[n]: the sample of at most `budget` bytes: documents in the order of a seeded hash.

    At least one document, even where it alone is larger; all where they fit.
    """
    if int(text_bytes.sum()) <= budget:
        return np.ones(len(text_bytes), bool)
    key = keys(bits, PURPOSE_SAMPLE, seed)
    order = np.lexsort((bits[:, 1], bits[:, 0], key))
    total = np.cumsum(text_bytes[order], dtype=np.int64)
    count = max(1, int(np.searchsorted(total, budget, side="right")))
    chosen = np.zeros(len(text_bytes), bool)
    chosen[order[:count]] = True
    return chosen


def _sample(spec: dict[str, Any], folder: Path, budget: int) -> tuple[list[np.ndarray], int]:
    """For each part the rows (of its training documents) in the sample, and the bytes of all."""
    bits, sizes, counts = [np.zeros((0, 2), np.uint64)], [np.zeros(0, np.int64)], []
    for part in spec["parts"]:
        rows = 0
        for table in iter_part(folder, "sizes", part["part"], round="sizes"):
            bits.append(id_bits(table["id"]))
            sizes.append(table["text_bytes"].to_numpy())
            rows += table.num_rows
        counts.append(rows)
    text_bytes = np.concatenate(sizes)
    chosen = choose(np.concatenate(bits), text_bytes, budget, spec["seed"])
    return np.split(chosen, np.cumsum(counts)[:-1]), int(text_bytes[chosen].sum())


def _texts(spec: dict[str, Any], chosen: list[np.ndarray]) -> Iterator[str]:
    for part, rows in zip(spec["parts"], chosen, strict=True):
        start = 0
        for table in of_spec(part, ["id", "text"]) if rows.any() else ():
            mask = rows[start : start + table.num_rows]
            start += table.num_rows
            for value in table["text"].filter(pa.array(mask)):
                yield value.as_py()


# --- training ----------------------------------------------------------------------------


def train_bpe(texts: Iterable[str], vocab: int, special: Iterable[str] = (END_TOKEN,)) -> Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016; bytes and pattern of Radford et al. 2019).

    `vocab` counts everything: special tokens first, then the 256 bytes, then merges by falling
    frequency, a tie by the smaller pair of tokens. A pair seen once is no merge, so a small
    corpus gives a smaller vocabulary. The result depends on the multiset of texts alone.
    """
    library = byte_level_bpe(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        min_frequency=2,
        special_tokens=list(special),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    library.train_from_iterator(_short_words(texts), trainer)
    return Tokenizer(library, END_TOKEN)


def _short_words(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for piece in pieces(text, LONGEST_WORD_CHARS):
            if len(piece) <= 2 * LONGEST_WORD_CHARS:
                yield piece
            else:
                for start in range(0, len(piece), LONGEST_WORD_CHARS):
                    yield piece[start : start + LONGEST_WORD_CHARS]


def tokenizer_task(spec: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """Writes `tokenizer.json` and `tokenizer_config.json` into the stage's folder."""
    params = spec["params"]
    info: dict[str, Any] = {"warnings": []}
    if "load" in params:
        path, revision = find(params["load"], params.get("revision"))
        tokenizer = Tokenizer.load(path, end_token=params.get("end_token"))
        info |= {"loaded": params["load"] if revision else path.name, "revision": revision}
        if tokenizer.removed:
            info["removed"] = tokenizer.removed
            print(f"switched off in the tokenizer: {', '.join(tokenizer.removed)}", file=sys.stderr)
    else:
        os.environ["TOKENIZERS_PARALLELISM"] = "true"  # this task runs alone
        budget = int(params.get("sample_bytes") or SAMPLE_BYTES)
        chosen, sample_bytes = _sample(spec, ctx.folder, budget)
        documents = sum(int(rows.sum()) for rows in chosen)
        if documents == 0:
            raise InputError(
                "no document is left to train a tokenizer on",
                expected="at least one document that every step keeps and that is not held out",
                hint="`corpusmith show` says which rule dropped how many",
            )
        wanted = int(params["vocab"])
        tokenizer = train_bpe(_texts(spec, chosen), wanted, special_tokens(params))
        info |= {"sample_documents": documents, "sample_bytes": sample_bytes}
        if tokenizer.vocab_size < wanted:
            info["warnings"].append(
                f"The vocabulary has {tokenizer.vocab_size:,} tokens instead of {wanted:,}: in "
                f"{sample_bytes:,} bytes of training text no further pair occurs twice."
            )
    info |= {
        "vocab_size": tokenizer.vocab_size,
        "end_token": tokenizer.end_token,
        "fingerprint": tokenizer.fingerprint,
    }
    with ctx.writer() as out:
        out.info.update(info)
        write_tokenizer(out, tokenizer)
    return info


def write_tokenizer(out: PartWriter, tokenizer: Tokenizer) -> None:
    """Put the tokenizer's files at the top of the stage's folder."""
    out.open(".", name="tokenizer.json").write(tokenizer.to_json().encode())
    out.open(".", name="tokenizer_config.json").write(tokenizer.config_json().encode())


# --- loading -----------------------------------------------------------------------------


def find(load: str, revision: str | None = None) -> tuple[Path, str | None]:
    """A local path as it is; a hub id downloaded (or from the hub's cache) with its revision.

    Raises InputError where there is neither, and where the hub can't be reached.
    """
    path = Path(load).expanduser()
    if path.exists():
        return path, None
    if not _HUB_ID.match(load):
        raise InputError(
            "there is no such tokenizer",
            where=str(path),
            expected="a tokenizer.json, a folder with one, or a hub id such as Qwen/Qwen3-0.6B",
        )
    try:
        import huggingface_hub
    except ImportError as error:
        raise MissingExtraError("huggingface_hub", "train") from error
    try:
        folder = huggingface_hub.snapshot_download(
            load, revision=revision, allow_patterns=list(_HUB_FILES)
        )
    except Exception as error:  # dozens of kinds: HTTP, DNS, offline mode, no such id or revision
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{load!r} is no local path, and the hub did not give it: {reason}",
            hint="check the id and the network; offline, download the folder elsewhere and put "
            "its path into `tokenize.load`",
        ) from error
    return Path(folder), Path(folder).name
