"""What a recipe may say of repositories. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from corpusmith.collect.source_params import MIB, Name, Size, SourceParams


class GitParams(BaseModel):
    """What is fetched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: Name | list[Name] = Field(
        description="folders (bare or checked out), archives (tar, zip), or URLs (https, ssh, file)"
    )
    revision: Name = Field("HEAD", description="a branch, a tag or a commit; of all of them")
    dates: Literal["file", "commit"] = Field(
        "file",
        description="`created` of a file: when its last change was written (needs the whole "
        "history), or of the revision (fetches nothing else)",
    )
    include: list[Name] | None = Field(
        None, description="only these paths, patterns as in .gitignore: `src/`, `*.py`"
    )
    exclude: list[Name] = Field([], description="not these paths")
    max_file_bytes: Size = Field(16 * MIB, description="a larger file is quarantined")
    token: str = Field("", description="for https, as ${env:NAME}")


class RepositoryParams(SourceParams):
    """How the files of repositories are read."""

    modality: Literal["text", "code", "image-text", "audio-text"] = Field(
        "code", description="of all its documents"
    )
    notebooks: Literal["markdown", "raw"] = Field(
        "markdown", description="notebooks as text and fenced code, or their JSON as it is"
    )
    outputs: bool = Field(False, description="with what the cells of notebooks printed, as text")
