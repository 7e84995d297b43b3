"""What a recipe may say of dumps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from corpusmith.collect.source_params import SourceParams


class WikipediaParams(SourceParams):
    namespaces: list[Annotated[int, Field(ge=0)]] = Field(
        default_factory=lambda: [0], description="of pages to read; 0: articles"
    )


class StackExchangeParams(SourceParams):
    answers: Literal["all", "accepted", "none"] = Field(
        "all", description="`accepted`: the accepted one, else the one with the highest score"
    )
    min_score: int | None = Field(None, description="answers with a lower score are left out")
    comments: bool = Field(False, description="comments of `Comments.xml` behind their post")


class RedditParams(SourceParams):
    min_score: int | None = Field(
        None, description="comments with a lower score are left out, not those beneath them"
    )


class MboxParams(SourceParams):
    threads: bool = Field(
        False, description="a document is a thread, by the mails' References, in place of a mail"
    )
    quotes: Literal["keep", "mark", "drop"] = Field(
        "mark",
        description="lines quoted from other mails: `mark` writes each as `> line`, however the "
        "mail marks them",
    )
    signatures: Literal["mark", "drop"] = Field(
        "mark", description="what follows the line `-- `: kept behind that line, or left out"
    )
