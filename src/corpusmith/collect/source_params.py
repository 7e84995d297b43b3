"""What a recipe may say of every source, and of every source of records. Sizes are bytes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MIB = 1 << 20
Size = Annotated[int, Field(gt=0)]
Name = Annotated[str, StringConstraints(min_length=1)]


class SourceParams(BaseModel):
    """What every source may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Name | list[Name] = Field(description="a file, a folder, a glob (`**` too), or a list")
    modality: Literal["text", "code", "image-text", "audio-text"] = "text"
    license: str | None = Field(None, description="SPDX id of all that states no other")
    lang: str | None = Field(None, description="ISO 639 code of all that states no other")
    group: str | None = Field(
        None,
        description="what keeps documents on one side of the split: a field of the records "
        "(`a.b` for a nested one), or `file`, `folder` (the first one) or `module` (the path "
        "without its suffix, dots for slashes); of WARC and WET `host` or `url`; stored as "
        "meta.group",
    )
    max_document_bytes: Size = Field(64 * MIB, description="a larger document is quarantined")
    part_bytes: int = Field(
        0,
        ge=0,
        description="about how much makes a part, decompressed; 0: a 16th of what the source's "
        "files take on disk, within about 8 to 64 MiB",
    )
    encoding: str | None = Field(None, description="for input that is not UTF-8 and says nothing")


class FieldParams(SourceParams):
    """Sources of records with named fields. Fields that nothing uses are kept in `meta`."""

    id: str | None = Field(None, description="the field kept as meta.id")
    uri: str | None = Field(None, description="the field kept as meta.url")
    created: Name = Field("created", description="the field with the time (ISO 8601 or epoch)")
    license_field: Name = Field("license", description="the field with the licence")
    lang_field: Name = Field("lang", description="the field with the language")


class RecordParams(FieldParams):
    """Records of which one field is the text, or a dialogue."""

    text: Name = Field("text", description="the field with the text (`a.b` for a nested one)")
    messages: Name = Field("messages", description="the field with a list of messages")
