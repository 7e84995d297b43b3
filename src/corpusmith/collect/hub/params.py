"""What a recipe may say of a dataset of the Hugging Face Hub. Imports nothing heavy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from corpusmith.collect.source_params import Name

HubId = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?$")
]
Content = Literal["records", "pairs", "summaries", "qa", "dialogues", "instructions"]


class HubParams(BaseModel):
    """What is fetched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: HubId | None = Field(None, description="its id on the hub: `owner/name`")
    folder: Name | None = Field(None, description="a local folder with data files and a card")
    config: Name | None = Field(None, description="its configuration, where it has several")
    split: Name | list[Name] = Field("train", description="its split, or several")
    revision: Name = Field("main", description="a branch, a tag or a commit")
    rows: int | None = Field(None, gt=0, description="only so many from the start of each split")
    content: Content = Field(
        "records", description="how rows are read: as records with a text, or made for a task"
    )
    token: str = Field("", description="for gated and private datasets, as ${env:NAME}")

    @model_validator(mode="after")
    def _one_place(self) -> HubParams:
        if (self.dataset is None) == (self.folder is None):
            raise ValueError("either `dataset` (an id of the hub) or `folder` is needed")
        return self


def reader_of(params: dict[str, object]) -> str:
    """The reader of the tables that are fetched."""
    content = params["content"]
    return "parquet" if content == "records" else str(content)
