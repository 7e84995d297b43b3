"""The part of a plan behind cleaning: split, tokenizer, tokens, mix, train, evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from corpusmith import plan_checks as checks
from corpusmith import steps
from corpusmith.errors import nearest
from corpusmith.evaluate.params import MEASURES
from corpusmith.recipe import Recipe, Where
from corpusmith.store.workspace import read_manifest
from corpusmith.tokenize.mix import check_weight, parse_tokens, validate_mix
from corpusmith.tokenize.params import MixParams, TokenizeParams
from corpusmith.tokenize.vocab import check_params
from corpusmith.train.params import TrainParams
from corpusmith.validate import single, validate

if TYPE_CHECKING:
    from corpusmith.plan import Maker


class SplitParams(BaseModel):
    model_config = ConfigDict(extra="forbid")
    held_out: float = Field(gt=0, lt=1)
    group: str | list[str] | None = None
    min_documents: int = Field(20, ge=0)
    min_bytes: int = Field(100_000, ge=0)


class PackParams(BaseModel):
    model_config = ConfigDict(extra="forbid")
    length: int = Field(256, ge=8, le=1 << 17)
    isolate: bool = False


def training_stages(maker: Maker, built: steps.CleanSteps, decided: tuple[str, ...]) -> None:
    """Split, tokenizer, tokens, mix, train, evaluate: those that the recipe asks for."""
    values, recipe = maker.recipe.values, maker.recipe
    cleaned = tuple(n for n in maker.stages if n.startswith("clean."))
    sources = list(values["sources"])
    common: dict[str, Any] = {"sources": sources, "after": list(decided)}
    if values.get("split") is not None:
        params = validate(recipe, SplitParams, values["split"], ("split",), "split")
        columns = {}
        for step in built.passes:
            if step.operation.name in ("minhash", "exact_hash"):
                columns.update(step.columns)
        maker.add(
            "split",
            "split",
            {**params, **common, "step": "split", "columns": columns},
            (*cleaned, *decided),
        )
        decided = (*decided, "split")
        common = {"sources": sources, "after": list(decided)}
    for key, needs in (
        ("mix", "tokenize"),
        ("pack", "tokenize"),
        ("train", "tokenize"),
        ("evaluate", "train"),
    ):
        if values.get(key) is not None and values.get(needs) is None:
            raise recipe.error(
                (key,), f"{key}: needs {needs}:", expected=f"a key `{needs}:`", key=True
            )
    if values.get("evaluate") and not values.get("split"):
        raise recipe.error(
            ("evaluate",),
            "nothing is held out to evaluate on",
            expected="split: {held_out: 0.02}",
            key=True,
        )
    if values.get("tokenize") is None:
        return
    validate(recipe, PackParams, values.get("pack"), ("pack",), "pack")
    _tokens(maker, common, (*cleaned, *decided), sources)
    if values.get("train") is not None:
        _train(maker, common, (*cleaned, *decided))


def _tokens(
    maker: Maker, common: dict[str, Any], inputs: tuple[str, ...], sources: list[str]
) -> None:
    recipe, values = maker.recipe, maker.recipe.values
    params = validate(recipe, TokenizeParams, values["tokenize"], ("tokenize",), "tokenize")
    params = {k: v for k, v in params.items() if v is not None}
    identity, extra = dict(params), {}
    local = None
    if "load" in params:
        where = ("tokenize", "load")
        local = checks.at(
            recipe, where, checks.named_files, recipe, where, params["load"], "tokenizer"
        )
    else:
        least = "special" if "special" in params else "vocab"
        checks.at(recipe, ("tokenize", least), check_params, params)
    if local is not None:
        params = {**params, "load": str(local)}
        # Known by its content: it may stand elsewhere tomorrow.
        identity["load"] = local.suffix
        files = [local] if local.is_file() else sorted(local.iterdir())
        extra["files"] = [[p.name, maker.hashes.hash(p)] for p in files if p.is_file()]
    made = maker.add(
        "tokenizer",
        "tokenizer",
        {**params, **common},
        inputs,
        identity={**identity, **common},
        extra=extra,
    )
    if made.cached:
        maker.vocab_size = read_manifest(made.folder)["info"]["vocab_size"]
    elif local is not None:
        end_token = params.get("end_token")
        maker.vocab_size = checks.at(
            recipe, ("tokenize", "load"), checks.tokenizer_loads, local, end_token
        )
    maker.add("tokens", "tokens", {**common}, ("tokenizer", *inputs), top="tokens")
    mix = validate(recipe, MixParams, values.get("mix"), ("mix",), "mix")
    mix = {k: v for k, v in mix.items() if v is not None}
    if "weights" in mix:
        place: Where = ("mix", "weights")
        for name, weight in mix["weights"].items():
            strange = name not in sources
            checks.at(recipe, (*place, name), check_weight, name, weight, sources, key=strange)
        checks.at(recipe, place, validate_mix, mix["weights"], sources)
    if "tokens" in mix:
        mix["tokens"] = checks.at(recipe, ("mix", "tokens"), parse_tokens, mix["tokens"])
    maker.add("mix", "mix", mix, ("tokens",))


def _train(maker: Maker, common: dict[str, Any], inputs: tuple[str, ...]) -> None:
    recipe, values = maker.recipe, maker.recipe.values
    pack = validate(recipe, PackParams, values.get("pack"), ("pack",), "pack")
    train = validate(recipe, TrainParams, values["train"], ("train",), "train")
    where: Where = ("train", "model")
    identity, extra = {"pack": pack, "train": dict(train)}, {}
    local = None
    if checks.is_checkpoint(train["model"]):
        local = checks.at(recipe, where, checks.named_files, recipe, where, train["model"], "model")
    if local is not None:
        checks.at(recipe, where, checks.checkpoint_fits, local, pack["length"], maker.vocab_size)
        train = {**train, "model": str(local)}
        identity["train"]["model"] = ""  # known by its content: it may stand elsewhere tomorrow
        extra["files"] = [
            [p.name, maker.hashes.hash(p)] for p in sorted(local.iterdir()) if p.is_file()
        ]
    made = maker.add(
        "train",
        "train",
        {"pack": pack, "train": train},
        ("tokenizer", "tokens", "mix", *(inputs if train["eval_every"] else ())),
        top="models",
        identity=identity,
        extra=extra,
    )
    if not made.cached:
        checks.at(recipe, ("train",), checks.training_installed)
    if values.get("evaluate"):
        params = {**common, "evaluate": evaluate_measures(recipe), "split": "split", "pack": pack}
        maker.add(
            "evaluate",
            "evaluate",
            params,
            ("tokenizer", "tokens", "mix", "train", *inputs),
        )


def evaluate_measures(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """`[bits_per_byte, {samples: {count: 4}}]` -> parameters by name, defaults filled in."""
    found: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(recipe.values["evaluate"]):
        where: Where = ("evaluate", index)
        name, given, below = single(recipe, entry, where)
        if name not in MEASURES:
            raise recipe.error(
                below, f"unknown measure {name!r}", expected=nearest(name, MEASURES), key=True
            )
        if name in found:
            raise recipe.error(where, f"the measure {name!r} stands there twice")
        found[name] = validate(recipe, MEASURES[name], given, below, f"measure {name!r}")
    return found
