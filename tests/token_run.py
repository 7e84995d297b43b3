"""Runs the token stages on small corpora, in this process or with the local engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusmith import schema
from corpusmith.op import Work
from corpusmith.store.parts import PartWriter
from corpusmith.tokenize import encode, mix, vocab
from tests.dedup_run import document
from tests.inline import InlineEngine

GPT2 = Path(__file__).resolve().parents[2] / "shared/data/tokenizers/gpt2"
NO_GPT2 = "needs ../shared/data/tokenizers/gpt2"

Corpus = dict[str, list[list[str]]]  # source -> parts -> texts


def uri(row: int) -> str:
    """Rows count through the source, so the same text keeps its id however parts are cut."""
    return f"texts.jsonl#{row}"


def write_corpus(root: Path, corpus: Corpus, left: dict[str, str] | None = None) -> dict[str, Path]:
    """Folders of clean.<source>, and of two deciding stages; `left`: id -> deciding stage."""
    inputs = {}
    for source, parts in corpus.items():
        folder = inputs[f"clean.{source}"] = root / f"clean.{source}"
        first = 0
        for number, texts in enumerate(parts):
            uris = [uri(first + row) for row in range(len(texts))]
            first += len(texts)
            rows = [document(source, n, text) for n, text in zip(uris, texts, strict=True)]
            ids = [row["id"] for row in rows]
            with PartWriter(folder, f"{source}-{number:05d}") as out:
                if rows:
                    out.write("documents", schema.table(schema.DOCUMENT, rows))
            for stage in ("decide.keep", "split"):
                gone = [{"id": i, "step": stage} for i in ids if (left or {}).get(i) == stage]
                with PartWriter(root / stage, f"{source}-{number:05d}") as out:
                    out.write("decisions", schema.table(schema.DECISION, gone))
    for stage in ("decide.keep", "split"):
        inputs[stage] = root / stage
    return inputs


def run_tokens(
    root: Path, inputs: dict[str, Path], tokenizer: dict[str, Any], engine: Any = None
) -> tuple[Work, Work]:
    """Stages tokenizer and tokens into `root`; returns their work."""
    engine = engine or InlineEngine()
    after = {"after": ["decide.keep", "split"]}
    first = Work(root / "tokenizer", {**tokenizer, **after}, inputs, engine)
    vocab.execute(first)
    second = Work(root / "tokens", after, {**inputs, "tokenizer": first.folder}, engine)
    encode.execute(second)
    return first, second


def run_mix(root: Path, tokens: Path, params: dict[str, Any], seed: int = 0) -> Work:
    work = Work(root / "mix", params, {"tokens": tokens}, InlineEngine(), seed=seed)
    mix.execute(work)
    return work


def ids_of(table: pa.Table) -> list[str]:
    return table["id"].to_pylist()
