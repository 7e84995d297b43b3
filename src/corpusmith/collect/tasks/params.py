"""What a recipe may say of sources made for a task."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from corpusmith.collect.source_params import FieldParams, Name

LangCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")]
Format = Literal["auto", "lines", "tmx", "jsonl", "json", "csv", "tsv", "parquet", "yaml"]


class TaskParams(FieldParams):
    """What sources of all tasks may say."""

    format: Format = Field(
        "auto",
        description="of the files; `auto`: by their names; of pairs also `lines`: two files, "
        "aligned line by line, and `tmx`",
    )
    template: Literal["roles", "chatml", "plain"] = Field(
        "roles",
        description="how `text` is made of the messages: `role: content`, ChatML's marks, or the "
        "contents alone",
    )
    prompt: str | None = Field(
        None, description="stands before the first turn of the user, an empty line between"
    )
    columns: list[Name] | None = Field(
        None, description="names, for CSV and TSV files without a header"
    )
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = Field(
        None, description="between fields; null: a comma in CSV, a tab in TSV"
    )
    quote: Annotated[str, StringConstraints(max_length=1)] | None = Field(
        None, description='the quote character; null: `"` in CSV, none in TSV'
    )


class AnswerParams(TaskParams):
    answers: Literal["first", "each"] = Field(
        "first",
        description="of several: the first one, or a document for each different one; all of them "
        "stand in meta.answers",
    )


class PairsParams(TaskParams):
    languages: Annotated[list[LangCode], Field(min_length=2, max_length=2)] | None = Field(
        None, description="from which into which; they name files, fields and variants of TMX"
    )
    direction: Literal["forward", "backward", "both"] = Field(
        "forward", description="`both`: two documents a pair"
    )
    source_text: Name | None = Field(None, description="the field with the text to translate")
    target_text: Name | None = Field(None, description="the field with the translation")
    prompt: str | None = Field(
        None,
        description="stands before the source, an empty line between; `{source_lang}` and "
        "`{target_lang}` are replaced; null: `{source_lang} → {target_lang}` where both are known",
    )


class SummariesParams(AnswerParams):
    document: Name | None = Field(None, description="the field with what is summed up")
    summary: Name | None = Field(None, description="the field with the summary, or several")


class QaParams(AnswerParams):
    context: Name | None = Field(None, description="the field with the passage, if there is one")
    question: Name | None = Field(None, description="the field with the question")
    answer: Name | None = Field(None, description="the field with the answer, or several")
    questions: Literal["each", "together"] = Field(
        "each",
        description="of one passage: a document each, or one dialogue in which it stands once",
    )
    unanswerable: Name | None = Field(
        None, description="the answer of questions that have none; null: they are left out, counted"
    )


class DialoguesParams(TaskParams):
    messages: Name | None = Field(None, description="the field with the list of turns")


class InstructionsParams(TaskParams):
    instruction: Name | None = Field(None, description="the field with the instruction")
    input: Name | None = Field(None, description="the field with its input, if there is one")
    output: Name | None = Field(None, description="the field with the answer")
