"""Stage `evaluate`: a model and the held-out documents in, its likelihood and samples out.

documents.parquet          id, source, modality, lang, nats, bytes, tokens, bigram_nats
summary.json   bits per byte and perplexity, pooled and by group; baselines; windows
samples.jsonl  prompt, what the model wrote, and how the document really goes on
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpusmith.errors import InputError
from corpusmith.evaluate.baselines import WittenBell, Zlib
from corpusmith.evaluate.params import BitsPerByte, Samples
from corpusmith.op import TaskContext, Work
from corpusmith.schema import SCHEMA_VERSION
from corpusmith.store.atomic import HashedFile, read_json, write_bytes, write_json
from corpusmith.tokenize.documents import clean_parts, rewriting_folders

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from corpusmith.tokenize.tokenizer import Tokenizer

DOCUMENTS = "documents.parquet"
SUMMARY = "summary.json"
SAMPLES = "samples.jsonl"

SCORED = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("modality", pa.string()),
        ("lang", pa.string()),
        ("nats", pa.float64()),  # -ln p of the tokens, each scored once
        ("bytes", pa.int64()),  # of the text in UTF-8
        ("tokens", pa.int64()),  # without special ones
        ("bigram_nats", pa.float64()),  # the Witten-Bell bigram's; null without baselines
    ]
)

BIGRAM_TOKENS = 50_000_000
"""The bigram model counts at most so many of the tokens trained on; the summary says how many."""


def execute(work: Work) -> None:
    """Evaluate in a process of its own. Parameters: `evaluate` (of `evaluate_params`), `split`.

    Inputs: the cleaned parts, the split, tokenizer, tokens, mix, train.
    """
    split = str(work.inputs[work.params.get("split", "split")])
    after = [str(folder) for folder in rewriting_folders(work)]
    spec = {
        "evaluate": work.params["evaluate"],
        "pack": work.params["pack"],
        "model": str(work.inputs["train"]),
        "tokenizer": str(work.inputs["tokenizer"]),
        "tokens": str(work.inputs["tokens"]),
        "mix": str(work.inputs["mix"]),
        "held_out": [[str(f), part, split, *after] for f, part in clean_parts(work)],
        "seed": work.seed,
    }
    result = work.engine.once("corpusmith.evaluate.stage:task", spec, folder=work.folder)
    work.files += [n for n in (DOCUMENTS, SUMMARY, SAMPLES) if (work.folder / n).exists()]
    work.warnings += result.pop("warnings", [])
    work.info.update(result)


def task(spec: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """Score, write and sum up; returns what is in summary.json, with `warnings`.

    Raises MissingExtraError without the extra `train`, InputError where nothing is held out.
    """
    from corpusmith.train.stage import TRAINING, find_tokenizer, require_train_extra

    require_train_extra()
    from corpusmith.train import machine

    machine.keep_memory()
    import torch

    from corpusmith.tokenize.tokenizer import Tokenizer
    from corpusmith.train.model import context_length, load_model

    training = read_json(Path(spec["model"]) / TRAINING)
    torch.set_num_threads(training["threads"])
    tokenizer = Tokenizer.load(find_tokenizer(Path(spec["tokenizer"])))
    model = load_model(spec["model"])
    # Where it was trained, but in fp32 whatever it was trained in: bf16 moves the result by 2e-4.
    model.to(torch.device(training["device"]))  # type: ignore[arg-type]
    model.eval()

    folder = Path(ctx.folder)
    wanted = spec["evaluate"]
    summary: dict[str, Any] = {"schema": SCHEMA_VERSION}
    if "bits_per_byte" in wanted:
        params = BitsPerByte.model_validate(wanted["bits_per_byte"])
        length = min(params.length or training["length"], context_length(model))
        summary |= _score(spec, params, model, tokenizer, training, length, folder, ctx)
    if "samples" in wanted:
        params_of_samples = Samples.model_validate(wanted["samples"])
        lines = _samples(spec, params_of_samples, model, tokenizer, training["length"])
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        write_bytes(folder / SAMPLES, content.encode("utf-8", "replace"))
        summary["samples"] = len(lines)
    write_json(folder / SUMMARY, summary)
    return {**summary, "warnings": _warnings(summary)}


# --- likelihood --------------------------------------------------------------------------


def _score(
    spec: dict[str, Any],
    params: BitsPerByte,
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    training: dict[str, Any],
    length: int,
    folder: Path,
    ctx: TaskContext,
) -> dict[str, Any]:
    from corpusmith.evaluate.likelihood import Sums, document_nats

    bigram = _bigram(spec, training, tokenizer) if params.baselines else None
    compressor = Zlib()
    pool = Sums()
    groups: dict[str, dict[str, Sums]] = {name: {} for name in params.by}
    bigram_nats: dict[tuple[str, str], float] = {}
    file = HashedFile(folder / DOCUMENTS)
    total = len(spec["held_out"])
    try:
        with pq.ParquetWriter(pa.PythonFile(file, mode="w"), SCORED, compression="zstd") as writer:
            for number, entry in enumerate(spec["held_out"]):
                for table in _tables(entry):
                    texts = table["text"].to_pylist()
                    documents = tokenizer.encode_batch(texts)
                    nats = document_nats(
                        model,
                        documents,
                        length=length,
                        end_token=tokenizer.end_token,
                        batch=params.batch,
                    )
                    rows = table.drop_columns(["text"]).to_pylist()
                    for row, text, tokens, value in zip(rows, texts, documents, nats, strict=True):
                        data = text.encode("utf-8", "surrogatepass")
                        row |= {"nats": float(value), "bytes": len(data), "tokens": len(tokens)}
                        row["bigram_nats"] = (
                            bigram.document_nats(tokens, tokenizer.end_token) if bigram else None
                        )
                        # The pooled documents are the group of the empty name.
                        keys = [("", ""), *((name, _label(row[name])) for name in params.by)]
                        for name, label in keys:
                            sums = groups[name].setdefault(label, Sums()) if name else pool
                            sums.add(row["nats"], row["bytes"], row["tokens"])
                            if bigram is not None:
                                key = (name, label)
                                bigram_nats[key] = bigram_nats.get(key, 0) + row["bigram_nats"]
                        if bigram is not None:
                            compressor.add((f"{name}\0{label}" for name, label in keys), data)
                    writer.write_table(pa.Table.from_pylist(rows, schema=SCORED))
                _tell(ctx, (number + 1) / total, f"{pool.documents:,} held-out documents")
        file.commit()
    except BaseException:
        file.discard()
        raise
    if not pool.bytes:
        raise InputError(
            "no text is held out to evaluate on",
            where=str(spec["held_out"][0][2]) if spec["held_out"] else "",
            hint="a larger split.held_out, or more documents",
        )
    found: dict[str, Any] = {
        **pool.summary(),
        "by": {
            name: {label: sums.summary() for label, sums in sorted(found.items())}
            for name, found in groups.items()
        },
        "windows": {
            "length": length,
            "stride": length // 2,
            "first": "the end token",
            "dtype": "fp32",
        },
    }
    if bigram is not None:
        found |= _baselines(found, compressor, bigram, bigram_nats)
    return found


def _tables(entry: list[str]) -> Iterator[pa.Table]:
    from corpusmith.train.data import held_out_documents

    folder, part, split, *after = entry
    columns = ["id", "source", "modality", "lang", "text"]
    return held_out_documents(Path(folder), part, Path(split), columns, [Path(a) for a in after])


def _bigram(spec: dict[str, Any], training: dict[str, Any], tokenizer: Tokenizer) -> WittenBell:
    """Fitted on the windows that the model was trained on, each once."""
    from corpusmith.tokenize.pack import PackedDataset
    from corpusmith.train.data import Shuffled

    length = training["length"]
    packed = PackedDataset(spec["tokens"], spec["mix"], length, training["seed"])
    windows = Shuffled(packed, training["seed"])
    # A second epoch would only repeat the counts, and repeated counts smooth less.
    count = min(training["windows"], windows.block, max(1, BIGRAM_TOKENS // length))
    bigram = WittenBell(tokenizer.vocab_size)
    for index in sorted(windows.place(i) for i in range(count)):
        window = packed.window(index)
        bigram.add(window.inputs, window.targets)
    return bigram


def _baselines(
    found: dict[str, Any],
    compressor: Zlib,
    bigram: WittenBell,
    bigram_nats: dict[tuple[str, str], float],
) -> dict[str, Any]:
    """Bits per byte of the baselines, pooled; beside the model's in each group of `found`."""
    from corpusmith.evaluate.likelihood import bits_per_byte

    compressed = compressor.bits_per_byte()

    def of(name: str, label: str, byte_count: int) -> dict[str, float | None]:
        if not byte_count:
            return {"zlib": None, "bigram": None}
        return {
            "zlib": compressed[f"{name}\0{label}"],
            "bigram": bits_per_byte(bigram_nats[name, label], byte_count),
        }

    for name, rows in found["by"].items():
        for label, row in rows.items():
            row["baselines"] = of(name, label, row["bytes"])
    return {
        "baselines": of("", "", found["bytes"]),
        "baselines_how": {
            "zlib": "level 9, the documents of a group as one stream",
            "bigram": f"Witten-Bell over tokens, {bigram.tokens:,} of those trained on",
        },
    }


def _label(value: str | None) -> str:
    return "unknown" if value is None else value


def _warnings(summary: dict[str, Any]) -> list[str]:
    found = []
    for name, theirs in summary.get("baselines", {}).items():
        if theirs is not None and theirs <= summary["bits_per_byte"]:
            found.append(
                f"The model ({summary['bits_per_byte']:.3f} bits per byte on held-out documents) "
                f"does not beat {name} ({theirs:.3f}): train for more steps or at another rate."
            )
    return found


# --- samples -----------------------------------------------------------------------------


def _samples(
    spec: dict[str, Any],
    params: Samples,
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    length: int,
) -> list[dict[str, Any]]:
    """Continuations of the beginnings of held-out documents, spread over all of them."""
    from corpusmith.evaluate.generation import continue_tokens, spread

    found: list[dict[str, Any]] = []
    places = set(
        spread(sum(t.num_rows for e in spec["held_out"] for t in _tables(e)), params.count)
    )
    numbers = itertools.count()
    for entry in spec["held_out"]:
        for table in _tables(entry):
            rows = [row for row in range(table.num_rows) if next(numbers) in places]
            if not rows:
                continue
            chosen = table.take(pa.array(rows, pa.int64())).to_pylist()
            for row, tokens in zip(
                chosen, tokenizer.encode_batch([row["text"] for row in chosen]), strict=True
            ):
                # A short document would leave nothing to compare with.
                prompt = tokens[: min(params.prompt_tokens, max(1, len(tokens) // 2))]
                written = continue_tokens(
                    model,
                    prompt,
                    count=params.tokens,
                    length=length,
                    end_token=tokenizer.end_token,
                    temperature=params.temperature,
                    top_k=params.top_k,
                    seed=spec["seed"] * 1_000_003 + len(found),
                )
                follows = tokens[len(prompt) : len(prompt) + params.tokens]
                found.append(
                    {
                        "id": row["id"],
                        "source": row["source"],
                        "prompt": tokenizer.decode(prompt),
                        "text": tokenizer.decode(written),
                        "reference": tokenizer.decode(follows),
                        "tokens": len(written),
                    }
                )
    return found


def _tell(ctx: TaskContext, fraction: float, note: str) -> None:
    tell = getattr(ctx, "progress", None)
    if tell is not None:
        tell(fraction, note)
