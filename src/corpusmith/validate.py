"""Values of a recipe -> checked parameters; what is wrong is named by line and column.

Also where `${env:NAME}` may stand: its value is kept out of fingerprints and out of everything
that is written, so it may name a place or be a user's operation's business, never shape data.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from corpusmith.errors import CorpusmithError, RecipeError, nearest
from corpusmith.loading import load_operation
from corpusmith.op import Operation
from corpusmith.recipe import ENVIRONMENT, Recipe, Where


def load_checked(recipe: Recipe, address: str, where: Where) -> Operation:
    """The operation behind an address; RecipeError with its place in the recipe."""
    try:
        return load_operation(address)
    except CorpusmithError as error:
        raise recipe.error(where, error.what, expected=error.expected, hint=error.hint) from error


def single(recipe: Recipe, reference: Any, where: Where) -> tuple[str, Any, Where]:
    """`name` or {name: params} -> name, params, and the place of these."""
    if isinstance(reference, str):
        return reference, {}, where
    if isinstance(reference, dict) and len(reference) == 1:
        [(name, params)] = reference.items()
        return name, {} if params is None else params, (*where, name)
    raise recipe.error(where, f"{reference!r} names nothing", expected="a name, or {name: {...}}")


def validate(
    recipe: Recipe, model: type[BaseModel] | None, raw: Any, where: Where, what: str
) -> dict[str, Any]:
    """Parameters that stand at `where`, checked against their model, with defaults filled in.

    The RecipeError of what does not fit has the line and column of the value itself.
    """
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise recipe.error(where, f"{what}: {raw!r}", expected="a mapping of parameters")
    if model is None:
        if raw:
            raise recipe.error(where, f"{what} takes no parameters", expected="its name alone")
        return {}
    try:
        return model.model_validate(raw).model_dump(mode="json")
    except ValidationError as error:
        raise _recipe_error(recipe, model, error, raw, where, what) from error


def _recipe_error(
    recipe: Recipe,
    model: type[BaseModel],
    error: ValidationError,
    raw: Any,
    where: Where,
    what: str,
) -> RecipeError:
    # An unknown key first: a misspelt one is also a missing one. Then what is deepest: of a union
    # every member says why it is not the one.
    errors = error.errors()
    found = max(errors, key=lambda e: (e["type"] == "extra_forbidden", len(_there(raw, e["loc"]))))
    place = _there(raw, found["loc"])
    if found["type"] == "extra_forbidden":
        key = str(found["loc"][-1])
        return recipe.error(
            (*where, *place),
            f"{what} has no key {key!r}",
            expected=nearest(key, model.model_fields),
            key=True,
        )
    if found["type"] == "missing":
        return recipe.error((*where, *place), f"{what} needs the key {found['loc'][-1]!r}")
    message = found["msg"].removeprefix("Value error, ")
    if not place:
        return recipe.error(where, f"{what}: {message}")
    same = [e["msg"] for e in errors if _there(raw, e["loc"]) == place]
    name = ".".join(str(part) for part in place)
    expected = message if len(same) == 1 else "; or ".join(dict.fromkeys(same))
    spot = (*where, *place)
    if spot not in recipe.positions:
        spot = where  # a short form, such as `pii: mask`
    return recipe.error(spot, f"{what}: {name}: {found['input']!r}", expected=expected)


def _there(raw: Any, loc: Iterable[str | int]) -> Where:
    """Those keys and indexes of `loc` that `raw` has: pydantic adds names of its own to unions."""
    found: list[str | int] = []
    for part in loc:
        has = part in raw if isinstance(raw, dict) else False
        if isinstance(raw, list):
            has = isinstance(part, int) and part < len(raw)
        if has:
            raw = raw[part]
            found.append(part)
    return tuple(found)


def check_secrets(recipe: Recipe, allowed: Iterable[Where]) -> None:
    """RecipeError where `${env:NAME}` stands outside of the places (and what is below them).

    A value that shapes the result can't be secret: it would be in the data, or two different
    results would have one fingerprint.
    """
    places = set(allowed)
    for where, text in recipe.templates.items():
        if any(where[:length] in places for length in range(1, len(where) + 1)):
            continue
        match = ENVIRONMENT.search(text)
        assert match is not None
        key = ".".join(str(part) for part in where)
        raise recipe.error(
            where,
            f"{match.group()} can't stand at {key}: its value would become part of the data, and "
            "values from the environment are kept out of all that is written",
            expected="it in `path:`, `against:`, `tokenize: {load: ...}` or `train: {model: ...}`, "
            "or as a parameter of an operation of your own",
            hint=f"write the value itself in place of {match.group()}",
        )
