"""What a recipe may say of Common Crawl. Imports nothing heavy."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from corpusmith.collect.source_params import Name

CrawlName = Annotated[str, StringConstraints(pattern=r"^CC-[A-Z]+(-[A-Za-z0-9]+)+$")]
Number = Annotated[int, Field(ge=0)]

_CODES = """
af:afr am:amh ar:ara az:aze be:bel bg:bul bn:ben bs:bos ca:cat cs:ces cy:cym da:dan de:deu el:ell
en:eng eo:epo es:spa et:est eu:eus fa:fas fi:fin fr:fra ga:gle gl:glg gu:guj he:heb hi:hin hr:hrv
hu:hun hy:hye id:ind is:isl it:ita ja:jpn ka:kat kk:kaz km:khm kn:kan ko:kor ky:kir la:lat lo:lao
lt:lit lv:lav mk:mkd ml:mal mn:mon mr:mar ms:msa mt:mlt my:mya ne:nep nl:nld no:nor pa:pan pl:pol
ps:pus pt:por ro:ron ru:rus si:sin sk:slk sl:slv so:som sq:sqi sr:srp sv:swe sw:swa ta:tam te:tel
th:tha tl:tgl tr:tur uk:ukr ur:urd uz:uzb vi:vie yi:yid zh:zho
"""
LANGUAGES = {code[:2]: code[3:] for code in _CODES.split()}
"""ISO 639-1 to the 639-3 codes that the index has."""


class IndexFilter(BaseModel):
    """Which records of the columnar index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Name | list[Name] | None = Field(None, description="host names: `www.example.org`")
    domain: Name | list[Name] | None = Field(
        None, description="registered domains, with all their hosts: `example.org`"
    )
    language: Name | list[Name] | None = Field(
        None, description="the main language of the page, ISO 639 (`zh` or `zho`)"
    )
    mime: Name | list[Name] | None = Field(None, description="as detected: `text/html`")
    status: int = Field(200, description="of the HTTP answer")
    since: datetime.datetime | datetime.date | None = Field(
        None, description="fetched at this time or later (UTC)"
    )
    until: datetime.datetime | datetime.date | None = Field(
        None, description="fetched before this time (UTC)"
    )

    @model_validator(mode="after")
    def _known_languages(self) -> IndexFilter:
        for code in listed(self.language):
            if len(code) != 3 and code not in LANGUAGES:
                raise ValueError(f"no ISO 639-3 code is known for {code!r}: write that one")
        return self


class CommonCrawlParams(BaseModel):
    """What is fetched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    crawl: CrawlName | list[CrawlName] = Field(description="its name: `CC-MAIN-2024-33`")
    kind: Literal["warc", "wet", "wat"] = Field(
        "warc", description="pages, their text, or their titles and links"
    )
    files: Number | list[Number] | None = Field(
        None, description="whole files of the crawl: so many from the start of its list, or these"
    )
    index: IndexFilter | None = Field(None, description="single records of WARC files, chosen here")
    records: int | None = Field(None, gt=0, description="of the index, at most so many a crawl")
    server: Name = Field(
        "https://data.commoncrawl.org", description="where the crawl's files are served"
    )
    connections: int = Field(2, ge=1, le=16, description="at the same time")
    retries: int = Field(
        8, ge=0, description="of one request that fails or is put off, with growing pauses"
    )

    @field_validator("server")
    @classmethod
    def _address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
            raise ValueError(f"http:// or https:// and a host, not {value!r}")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> CommonCrawlParams:
        if (self.files is None) == (self.index is None):
            raise ValueError("either `files` (how many of the list) or `index` is needed")
        if self.index is not None and self.kind != "warc":
            raise ValueError("the index knows records of WARC files alone: `kind: warc`")
        if self.records is not None and self.index is None:
            raise ValueError("`records` belongs to `index`")
        return self


def listed(value: str | list[str] | None) -> list[str]:
    """A value that may stand alone or in a list."""
    return [value] if isinstance(value, str) else list(value or ())
