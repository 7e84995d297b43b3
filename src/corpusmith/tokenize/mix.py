"""Stage `mix`: how often each document is used, so that sources have the weights wanted.

Parameters: `{tokens, weights, max_epochs, seed}`, or `{}` for everything once.

For a source of A tokens with the share w of T tokens, the target is w T = whole A + rest: each
document is used `whole` times, and those first in a seeded order of their ids once more, until
`rest` is met as nearly as whole documents allow. Where a source would have to be used over
`max_epochs` times (4 by default: Muennighoff et al. 2023, arXiv 2305.16264, find repetition
up to there nearly as good as new text), T shrinks for all sources alike, so that the weights
hold, and a warning says so. Documents that are not drawn are in the table with 0 uses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpusmith.errors import InputError, RecipeError, nearest
from corpusmith.op import Task, TaskContext, Work
from corpusmith.store.parts import iter_part
from corpusmith.tokenize.documents import iter_docs
from corpusmith.tokenize.order import PURPOSE_DRAW, id_bits, keys, order_by

MAX_EPOCHS = 4

MIX = pa.schema(
    [
        ("part", pa.string()),
        ("sequence", pa.int64()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("tokens", pa.int64()),  # of one use, with the end token
        ("uses", pa.int32()),
    ]
)
"""One row for each row of the tokens' `docs.parquet`, in its order."""

_TOKENS = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([kKmMgGbB]?)\s*\Z")
_SUFFIX = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}


def parse_tokens(value: int | float | str) -> int:
    """A number of tokens: 20_000_000, 2e7, "20M", "1.5B"; k, M, G and B are powers of 1000.

    Raises RecipeError for anything else, and for less than one token.
    """
    found: Fraction | None = None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        found = Fraction(value)
    elif isinstance(value, str) and (match := _TOKENS.match(value)):
        found = Fraction(match[1].replace("_", "")) * _SUFFIX[match[2].lower()]
    if found is None or found < 1:
        raise RecipeError(
            f"mix.tokens is {value!r}", expected="a number of tokens, such as 20M, 1.5B or 500000"
        )
    return int(found)


def check_weight(name: str, weight: float, sources: Collection[str]) -> None:
    """RecipeError unless `name` is a source and its weight a number of 0 or more."""
    if name not in sources:
        raise RecipeError(
            f"mix.weights has {name!r}, which is no source", expected=nearest(name, sources)
        )
    number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
    if not number or not math.isfinite(weight) or weight < 0:
        raise RecipeError(f"the weight of {name!r} is {weight!r}", expected="a number of 0 or more")


def validate_mix(weights: Mapping[str, float], sources: Iterable[str]) -> None:
    """RecipeError unless each source has a weight of 0 or more, and none is anyone else's."""
    known = list(sources)
    for name, weight in weights.items():
        check_weight(name, weight, known)
    missing = [name for name in known if name not in weights]
    if missing:
        raise RecipeError(
            f"mix.weights has no weight for {', '.join(map(repr, missing))}",
            expected="a weight for each source; 0 leaves one out",
        )
    if not any(weights.values()):
        raise RecipeError("all weights of the mix are 0", expected="at least one above 0")


def execute(work: Work) -> None:
    """Draw. `work.info`: tokens wanted, available and drawn, in all and by source."""
    spec = {
        "tokens_folder": str(work.inputs["tokens"]),
        "params": work.params,
        "seed": int(work.params.get("seed", work.seed)),
    }
    entries = work.engine.map(
        "corpusmith.tokenize.mix:mix_task", [Task("mix", spec)], folder=work.folder
    )
    info = dict(entries[0]["info"])
    work.warnings += info.pop("warnings")
    work.info.update(info)


def mix_task(spec: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """Writes `mix.parquet`, with the columns of `MIX`.

    Memory: about 120 bytes a document, for the order in which its source is drawn.
    """
    folder = Path(spec["tokens_folder"])
    params = spec["params"]
    uses, info = _drawn(
        *_read(folder),
        weights=params.get("weights"),
        tokens=params.get("tokens"),
        max_epochs=params.get("max_epochs", MAX_EPOCHS),
        seed=spec["seed"],
    )
    names = ["part", "sequence", "id", "source", "token_count"]
    first = 0
    with ctx.writer() as out:
        out.write(".", MIX.empty_table())
        for docs in iter_docs(folder, names):
            some = pa.array(uses[first : first + docs.num_rows], pa.int32())
            out.write(".", pa.table([*(docs[name] for name in names), some], schema=MIX))
            first += docs.num_rows
        out.info.update(info, seed=spec["seed"])
    return out.info


def _read(folder: Path) -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray]:
    """Of each document: uint64[n, 2] id, int32[n] place of its source among the names, which are
    sorted, and int64[n] tokens."""
    bits, tokens = [np.zeros((0, 2), np.uint64)], [np.zeros(0, np.int64)]
    sources = [np.zeros(0, np.int32)]
    places: dict[str, int] = {}
    for docs in iter_docs(folder, ["id", "source", "token_count"]):
        bits.append(id_bits(docs["id"]))
        tokens.append(docs["token_count"].to_numpy())
        for chunk in docs["source"].chunks:
            coded = chunk.dictionary_encode()
            names = coded.dictionary.to_pylist()
            own = np.array([places.setdefault(name, len(places)) for name in names], np.int32)
            sources.append(own[np.asarray(coded.indices)])
    known = sorted(places)
    sorted_place = np.empty(len(known), np.int32)
    for place, name in enumerate(known):
        sorted_place[places[name]] = place
    codes = sorted_place[np.concatenate(sources)]
    return np.concatenate(bits), codes, known, np.concatenate(tokens)


def read_mix(folder: Path) -> pa.Table:
    """`mix.parquet` of a finished stage `mix`."""
    tables = list(iter_part(folder, ".", "mix"))
    return pa.concat_tables(tables) if tables else MIX.empty_table()


def draw(
    bits: np.ndarray,
    sources: np.ndarray,
    tokens_each: np.ndarray,
    *,
    weights: Mapping[str, float] | None,
    tokens: int | float | str | None,
    max_epochs: float = MAX_EPOCHS,
    seed: int = 0,
) -> tuple[np.ndarray, dict[str, Any]]:
    """int32[n] uses of each document, and what came of it.

    `bits` uint64[n, 2] ids, `sources` object[n] names, `tokens_each` int64[n]. Without
    `weights` sources have the shares that they have; without `tokens` the mix is as long as
    the tokens of all sources with a weight. A source's tokens differ from its target by
    at most one document, and a source with a weight has at least one. Depends on the seed and
    the ids, not on the order of rows.
    """
    known = sorted(set(sources.tolist()))
    codes = np.searchsorted(np.array(known, dtype=object), sources) if known else sources
    return _drawn(
        bits, codes, known, tokens_each,
        weights=weights, tokens=tokens, max_epochs=max_epochs, seed=seed,
    )  # fmt: skip


def _drawn(
    bits: np.ndarray,
    codes: np.ndarray,
    known: list[str],
    tokens_each: np.ndarray,
    *,
    weights: Mapping[str, float] | None,
    tokens: int | float | str | None,
    max_epochs: float,
    seed: int,
) -> tuple[np.ndarray, dict[str, Any]]:
    """`draw` with sources as places among `known`, their names."""
    names = list(weights) if weights is not None else []
    names += [name for name in known if name not in names]
    place = {name: number for number, name in enumerate(known)}
    rows = {name: np.flatnonzero(codes == place.get(name, -1)) for name in names}
    available = {name: int(tokens_each[rows[name]].sum()) for name in names}
    exact = _shares(weights, available)
    if weights is None and tokens is None:
        wanted = total = Fraction(sum(available.values()))
    else:
        wanted = Fraction(
            parse_tokens(tokens)
            if tokens is not None
            else sum(available[name] for name in names if exact[name])
        )
        limits = [available[n] * _fraction(max_epochs) / exact[n] for n in names if exact[n]]
        total = min([wanted, *limits])
    warnings = []
    if total < wanted:
        tight = min((name for name in names if exact[name]), key=lambda n: available[n] / exact[n])
        warnings.append(
            f"The mix runs short: {int(wanted):,} tokens with these weights would use "
            f"{tight!r} ({available[tight]:,} tokens) over {max_epochs:g} times, so all sources "
            f"were scaled down to {int(total):,} tokens."
        )
    uses = np.zeros(len(codes), np.int32)
    by_source = {}
    for name in names:
        chosen = rows[name]
        target = int(exact[name] * total)
        uses[chosen] = _draw_source(
            bits[chosen], tokens_each[chosen], target, exact[name] > 0, seed
        )
        drawn = int((uses[chosen] * tokens_each[chosen]).sum())
        by_source[name] = {
            "weight": float(exact[name]),
            "available_tokens": available[name],
            "target_tokens": target,
            "drawn_tokens": drawn,
            "documents": len(chosen),
            "documents_drawn": int(np.count_nonzero(uses[chosen])),
            "epochs": drawn / available[name] if available[name] else 0.0,
        }
    info = {
        "wanted_tokens": int(wanted),
        "drawn_tokens": sum(row["drawn_tokens"] for row in by_source.values()),
        "by_source": by_source,
        "warnings": warnings,
    }
    return uses, info


def _fraction(number: float) -> Fraction:
    """The decimal as it was written: 0.1 is one tenth."""
    return Fraction(str(number))


def _shares(weights: Mapping[str, float] | None, available: Mapping[str, int]) -> dict:
    """Exact shares that sum to 1, by source."""
    if weights is None:
        everything = max(1, sum(available.values()))
        return {name: Fraction(count, everything) for name, count in available.items()}
    validate_mix(weights, sorted(set(available) | set(weights)))
    for name, weight in weights.items():
        if weight and not available[name]:
            raise InputError(
                f"the mix gives {name!r} a weight of {weight:g}, but no document of it is left",
                hint=f"`corpusmith show` says which rule dropped them; or set the weight of "
                f"{name!r} to 0",
            )
    exact = {name: _fraction(weights[name]) for name in available}
    whole = sum(exact.values(), Fraction(0))
    return {name: weight / whole for name, weight in exact.items()}


def _draw_source(
    bits: np.ndarray, tokens_each: np.ndarray, target: int, wanted: bool, seed: int
) -> np.ndarray:
    """int32[n]: uses of one source's documents for a target of tokens."""
    everything = int(tokens_each.sum())
    if not wanted or not everything:
        return np.zeros(len(tokens_each), np.int32)
    whole, rest = divmod(target, everything)
    uses = np.full(len(tokens_each), whole, np.int32)
    order = order_by(keys(bits, PURPOSE_DRAW, seed), bits)
    totals = np.cumsum(tokens_each[order], dtype=np.int64)
    count = int(np.searchsorted(totals, rest, side="right"))
    reached = int(totals[count - 1]) if count else 0
    # One document more if that ends nearer to the target, or if the source had none at all.
    if count < len(totals):
        nearer = int(totals[count]) - rest < rest - reached
        count += nearer or (whole == 0 and count == 0)
    uses[order[:count]] += 1
    return uses
