"""The parameters of the recipe's `evaluate:` list. This module loads neither torch nor numpy."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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
"""What `evaluate:` may name: `[bits_per_byte, {samples: {count: 4}}]`."""
