"""Stage `tokens`: the training documents as token shards in Megatron's format.

One part for each cleaned part, numbered through all sources in the recipe's order:

    part-00000.bin  part-00000.idx      one sequence a document, its last token the end token
    docs/part-00000.parquet             the rows of one part
    docs.parquet                        all rows: where the tokens of each document stand
    tokenizer.json  tokenizer_config.json

So packing only has to put sequences one after the other, and end tokens stand between.
`token_count` and every total count the end token; `text_bytes` has no part of it.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.errors import InputError
from corpusmith.op import Task, TaskContext, Work
from corpusmith.schema import QUARANTINE
from corpusmith.schema import table as table_of
from corpusmith.store.parts import batches_of, iter_part
from corpusmith.tokenize.documents import (
    DOCS,
    as_spec,
    clean_parts,
    deciding_folders,
    of_spec,
    source_of,
)
from corpusmith.tokenize.megatron import IndexedDatasetWriter, token_dtype
from corpusmith.tokenize.tokenizer import Tokenizer
from corpusmith.tokenize.vocab import write_tokenizer

DOCUMENT_SECONDS = 600.0
"""For one batch, and once a worker was lost for one document: 64 MiB take about 30 seconds."""


def execute(work: Work) -> None:
    """Encode every part, then join their rows. `work.info`: tokens in all and by source, and what
    encoded them (`Tokenizer.encoder`); another encoder gives the same tokens."""
    after = deciding_folders(work)
    tokenizer = str(work.inputs["tokenizer"])
    tasks = []
    for number, (folder, part) in enumerate(clean_parts(work)):
        spec = {**as_spec(folder, part, after), "tokenizer": tokenizer}
        tasks.append(Task(part=f"part-{number:05d}", spec=spec))
    entries = work.engine.map(
        "corpusmith.tokenize.encode:encode_task",
        tasks,
        folder=work.folder,
        document_seconds=DOCUMENT_SECONDS,
    )
    infos = [entry["info"] for entry in entries]
    joined = work.engine.map(
        "corpusmith.tokenize.encode:join_task",
        [Task("docs", {"parts": [task.part for task in tasks], "tokenizer": tokenizer})],
        folder=work.folder,
        round="docs",
    )
    work.info.update(joined[0]["info"])
    work.info.update(totals(infos))
    work.info.update(infos[0]["encoder"] if infos else {})
    if work.info["tokens"] == 0:
        raise InputError(
            "no document is left to train on",
            expected="at least one document that every step keeps and that is not held out",
            hint="`corpusmith show` says which rule dropped how many",
        )
    intruders = sum(info["end_tokens_in_text"] for info in infos)
    if intruders:
        work.warnings.append(
            f"The tokenizer made {intruders:,} end tokens out of the text of documents: these "
            "documents look like several to whoever splits at end tokens."
        )


def totals(infos: list[dict[str, Any]]) -> dict[str, Any]:
    """Documents, tokens and text bytes in all, and by source."""
    by_source: dict[str, dict[str, int]] = {}
    for info in infos:
        row = by_source.setdefault(info["source"], {"documents": 0, "tokens": 0, "text_bytes": 0})
        for name in row:
            row[name] += info[name]
    return {
        name: sum(row[name] for row in by_source.values())
        for name in ("documents", "tokens", "text_bytes")
    } | {"by_source": by_source}


def encode_task(spec: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """One part: tokens, index, and the rows of `DOCS`."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the workers are the parallelism
    tokenizer = _tokenizer(spec["tokenizer"])
    end = tokenizer.end_token
    documents = text_bytes = intruders = 0
    with ctx.writer() as out:
        tokens = out.open(".", suffix=".bin")
        index = out.open(".", suffix=".idx")
        shard = IndexedDatasetWriter(tokens, token_dtype(tokenizer.vocab_size))
        out.write("docs", DOCS.empty_table())
        for batch in _batches(spec, ctx, out):
            ctx.publish(batch["id"][0].as_py())
            encoded, offsets = tokenizer.encode_column(batch["text"], end=True)
            intruders += int(np.count_nonzero(encoded == end)) - batch.num_rows
            sizes = pc.binary_length(batch["text"]).cast(pa.int64())
            starts, counts = shard.tokens + offsets[:-1], np.diff(offsets)
            out.write("docs", _rows(ctx.part, documents, starts, counts, batch, sizes))
            shard.add_rows(encoded, offsets)
            documents += batch.num_rows
            text_bytes += pc.sum(sizes).as_py()
            ctx.publish("")  # reading the next ones and committing is not this document's time
        shard.finish(index)
        out.info.update(
            source=source_of(spec["part"]),
            documents=documents,
            tokens=shard.tokens,
            text_bytes=text_bytes,
            end_tokens_in_text=intruders,
            encoder=tokenizer.encoder,
        )
    return out.info


@functools.lru_cache(maxsize=1)
def _tokenizer(folder: str) -> Tokenizer:
    """Loaded once a worker, with its caches: a stage's folder never changes once it is made."""
    tokenizer = Tokenizer.load(folder)
    if tokenizer.encoder["encoder"] != "corpusmith":  # into the worker's log
        print(
            "encoding with the `tokenizers` library, many times slower than our own encoder, which "
            f"doesn't support {tokenizer.encoder['because']}",
            file=sys.stderr,
        )
    return tokenizer


def _batches(spec: dict[str, Any], ctx: TaskContext, out: Any) -> Iterator[pa.Table]:
    """Tables of at least one document; those that hung or killed a worker go to quarantine."""
    for table in of_spec(spec, ["id", "source", "text"]):
        if ctx.skip:
            skipped = pc.is_in(table["id"], value_set=pa.array(list(ctx.skip), pa.string()))
            rows = [
                {"uri": key, "id": key, "step": "tokens", "error": error, "message": message}
                for key in table.filter(skipped)["id"].to_pylist()
                for error, message in [ctx.skip[key]]
            ]
            if rows:
                out.write("quarantine", table_of(QUARANTINE, rows))
            table = table.filter(pc.invert(skipped))
        yield from batches_of(table, 1 if ctx.careful else ctx.batch_bytes)


def _rows(
    part: str, first: int, starts: np.ndarray, counts: np.ndarray, batch: pa.Table, sizes: Any
) -> pa.Table:
    n = len(counts)
    columns = [
        pa.repeat(part, n),
        pa.array(np.arange(first, first + n)),
        pa.array(starts),
        pa.array(counts),
        batch["id"],
        batch["source"],
        sizes,
    ]
    return pa.table(columns, schema=DOCS)


def join_task(spec: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """`docs.parquet` out of the parts' rows, in their order, and the tokenizer beside it."""
    tokenizer = _tokenizer(spec["tokenizer"])
    with ctx.writer() as out:
        out.write(".", DOCS.empty_table())  # the part's name is docs: this is docs.parquet
        for part in spec["parts"]:
            for table in iter_part(ctx.folder, "docs", part):
                out.write(".", table)
        write_tokenizer(out, tokenizer)
        out.info.update(
            vocab_size=tokenizer.vocab_size,
            end_token=tokenizer.end_token,
            tokenizer=tokenizer.fingerprint,
            dtype=token_dtype(tokenizer.vocab_size).name,
        )
    return out.info
