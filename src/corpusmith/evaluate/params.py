"""The parameters of the recipe's `evaluate:` list. This module loads neither torch nor numpy."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corpusmith.errors import RecipeError, nearest

Group = Literal["source", "modality", "lang"]


class BitsPerByte(BaseModel):
    """Likelihood of the held-out documents, pooled and by group."""

    model_config = ConfigDict(extra="forbid")

    by: list[Group] = ["source", "modality", "lang"]
    length: int | None = Field(None, ge=2)  # tokens of a window; default: that of training
    batch: int = Field(16, ge=1)  # windows at a time; does not move the result
    baselines: bool = True  # zlib and a bigram model beside it


class Samples(BaseModel):
    """Texts that the model writes after the beginnings of held-out documents."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(8, ge=0)
    prompt_tokens: int = Field(32, ge=1)
    tokens: int = Field(64, ge=1)
    temperature: float = Field(0.8, ge=0.0)  # 0: always the likeliest token
    top_k: int = Field(50, ge=0)  # 0: any token


MEASURES: dict[str, type[BaseModel]] = {"bits_per_byte": BitsPerByte, "samples": Samples}


def evaluate_params(wanted: list[Any]) -> dict[str, dict[str, Any]]:
    """`[bits_per_byte, {samples: {count: 4}}]` -> parameters by name, defaults filled in.

    Raises RecipeError on an unknown or repeated name and on parameters that don't fit.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in wanted:
        if isinstance(entry, str):
            name, given = entry, None
        elif isinstance(entry, dict) and len(entry) == 1:
            ((name, given),) = entry.items()
        else:
            raise RecipeError(
                f"not a measure: {entry!r}",
                expected="a name, or a name with its parameters: {bits_per_byte: {by: [source]}}",
            )
        if name not in MEASURES:
            raise RecipeError(f"unknown measure {name!r}", hint=nearest(str(name), MEASURES))
        if name in found:
            raise RecipeError(f"the measure {name!r} stands there twice")
        model = MEASURES[name]
        try:
            found[name] = model.model_validate({} if given is None else given).model_dump()
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "its parameters"
            known = nearest(str(first["loc"][0]), model.model_fields) if first["loc"] else ""
            raise RecipeError(
                f"{name}: {key}: {first['msg']}",
                expected=known if first["type"] == "extra_forbidden" else "",
            ) from error
    return found
