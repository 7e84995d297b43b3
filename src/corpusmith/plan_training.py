"""The part of a plan behind cleaning: split, tokenizer, tokens, mix, train, evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from corpusmith import steps
from corpusmith.errors import RecipeError
from corpusmith.evaluate.params import evaluate_params
from corpusmith.tokenize.mix import parse_tokens, validate_mix
from corpusmith.tokenize.params import MixParams, TokenizeParams
from corpusmith.train.params import TrainParams

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
    if values.get("split"):
        params = steps.validate(recipe, SplitParams, values["split"], ("split",), "split")
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
            raise recipe.error((key,), f"{key}: needs {needs}:", expected=f"a key `{needs}:`")
    if values.get("evaluate") and not values.get("split"):
        raise recipe.error(
            ("evaluate",),
            "nothing is held out to evaluate on",
            expected="split: {held_out: 0.02}",
        )
    if values.get("tokenize") is None:
        return
    steps.validate(recipe, PackParams, values.get("pack"), ("pack",), "pack")
    _tokens(maker, common, (*cleaned, *decided), sources)
    if values.get("train") is not None:
        _train(maker, common, (*cleaned, *decided))


def _tokens(
    maker: Maker, common: dict[str, Any], inputs: tuple[str, ...], sources: list[str]
) -> None:

    recipe, values = maker.recipe, maker.recipe.values
    params = steps.validate(recipe, TokenizeParams, values["tokenize"], ("tokenize",), "tokenize")
    params = {k: v for k, v in params.items() if v is not None}
    identity, extra = params, {}
    if "load" in params:
        local = recipe.resolve(params["load"])
        if local.exists():
            params = {**params, "load": str(local)}
            files = [local] if local.is_file() else sorted(local.iterdir())
            extra["files"] = [[p.name, maker.hashes.hash(p)] for p in files if p.is_file()]
    maker.add(
        "tokenizer",
        "tokenizer",
        {**params, **common},
        inputs,
        identity={**identity, **common},
        extra=extra,
    )
    maker.add("tokens", "tokens", {**common}, ("tokenizer", *inputs), top="tokens")
    mix = steps.validate(recipe, MixParams, values.get("mix"), ("mix",), "mix")
    mix = {k: v for k, v in mix.items() if v is not None}
    try:
        if "weights" in mix:
            validate_mix(mix["weights"], sources)
        if "tokens" in mix:
            mix["tokens"] = parse_tokens(mix["tokens"])
    except RecipeError as error:
        raise recipe.error(
            ("mix",), error.what, expected=error.expected, hint=error.hint
        ) from error
    maker.add("mix", "mix", mix, ("tokens",))


def _train(maker: Maker, common: dict[str, Any], inputs: tuple[str, ...]) -> None:

    recipe, values = maker.recipe, maker.recipe.values
    pack = steps.validate(recipe, PackParams, values.get("pack"), ("pack",), "pack")
    train = steps.validate(recipe, TrainParams, values["train"], ("train",), "train")
    identity, extra = {"pack": pack, "train": train}, {}
    local = recipe.resolve(train["model"])
    if train["model"] not in ("gpt2", "llama") and local.exists():
        train = {**train, "model": str(local)}
        extra["files"] = [
            [p.name, maker.hashes.hash(p)] for p in sorted(local.iterdir()) if p.is_file()
        ]
    maker.add(
        "train",
        "train",
        {"pack": pack, "train": train},
        ("tokenizer", "tokens", "mix", *(inputs if train["eval_every"] else ())),
        top="models",
        identity=identity,
        extra=extra,
    )
    if values.get("evaluate"):
        try:
            wanted = evaluate_params(values["evaluate"])
        except RecipeError as error:
            raise recipe.error(
                ("evaluate",), error.what, expected=error.expected, hint=error.hint
            ) from error
        params = {**common, "evaluate": wanted, "split": "split", "pack": pack}
        maker.add(
            "evaluate",
            "evaluate",
            params,
            ("tokenizer", "tokens", "mix", "train", *inputs),
        )
