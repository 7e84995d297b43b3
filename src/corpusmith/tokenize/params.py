"""Parameters of `tokenize:` and `mix:`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TokenizeParams(BaseModel):
    """`{train: bpe, vocab: 8192}` or `{load: path or hub id}`."""

    model_config = ConfigDict(extra="forbid")
    train: Literal["bpe"] | None = None
    vocab: int | None = Field(None, ge=257, le=1 << 21)
    sample_bytes: int | None = Field(None, gt=0)
    special: list[str] | None = None
    load: str | None = None
    revision: str | None = None
    end_token: str | None = None

    @model_validator(mode="after")
    def one_way(self) -> TokenizeParams:
        if (self.train is None) == (self.load is None):
            raise ValueError("either `train: bpe` or `load: PATH or hub id`")
        if self.train is not None and self.vocab is None:
            self.vocab = 8192
        return self


class MixParams(BaseModel):
    """`{tokens: 20M, weights: {pages: 0.4, ...}, max_epochs: 4}`; nothing = everything once."""

    model_config = ConfigDict(extra="forbid")
    tokens: int | float | str | None = None
    weights: dict[str, float] | None = None
    max_epochs: float | None = Field(None, gt=0)
    seed: int | None = None
