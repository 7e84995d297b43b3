"""Translation pairs of records: two fields, named by what they are or by their languages."""

from __future__ import annotations

from typing import Any

from corpusmith.collect.errors import RecordError
from corpusmith.collect.records import take
from corpusmith.collect.tasks.example import Example, Made, Record, choose, exchange, text_at
from corpusmith.collect.tasks.params import PairsParams

_NAMED = (
    ("source", "target"),
    ("src", "tgt"),
    ("src", "trg"),
    ("source_text", "target_text"),
    ("sentence1", "sentence2"),
)
KNOWN = (
    *("/".join(pair) for pair in _NAMED),
    "the two `languages`",
    "translation: {en, zh}",
    "two fields that are both language codes",
)
# Two and three letters that are codes and yet name other things in data sets.
_NO_LANGUAGE = frozenset({"id", "no", "is", "so", "to", "url", "tag", "doc", "num", "ref", "src"})


def convert(record: Record, params: PairsParams) -> Made:
    """The pair of a record, once for each direction that is asked for."""
    if params.source_text or params.target_text:
        if not (params.source_text and params.target_text):
            raise RecordError("unknown_layout", "source_text and target_text belong together")
        layout, names = "named fields", (params.source_text, params.target_text)
    else:
        layout, names = choose(_layouts(record, params), record, KNOWN)
    texts = text_at(record, names[0]), text_at(record, names[1])
    codes = params.languages or _codes(names)
    for name in names:
        take(record, name)
    if record.get("translation") == {}:
        del record["translation"]
    return Made(layout, examples_of(texts, codes, params))


def examples_of(
    texts: tuple[str, str], codes: Any, params: PairsParams, meta: dict[str, Any] | None = None
) -> list[Example]:
    """The examples of a pair; `codes` are its two languages, or None."""
    ways = {"forward": (0,), "backward": (1,), "both": (0, 1)}[params.direction]
    made = []
    for source in ways:
        target = 1 - source
        described: dict[str, Any] = dict(meta or {})
        prompt = params.prompt
        lang = None
        if codes:
            described |= {"source_lang": codes[source], "target_lang": codes[target]}
            lang = codes[target].replace("_", "-").split("-")[0].lower()
            if prompt is None:
                prompt = "{source_lang} → {target_lang}"
            for key in ("source_lang", "target_lang"):
                prompt = prompt.replace("{" + key + "}", described[key])
        made.append(Example(exchange(texts[source], texts[target], prompt), described, lang))
    return made


def _layouts(record: Record, params: PairsParams) -> list[tuple[str, tuple[str, tuple[str, str]]]]:
    found = []
    if params.languages:
        first, second = params.languages
        if first in record and second in record:
            return [("languages", (f"{first}/{second}", (first, second)))]
        nested = record.get("translation")
        if isinstance(nested, dict) and first in nested and second in nested:
            names = (f"translation.{first}", f"translation.{second}")
            return [("translation", ("translation", names))]
    for pair in _NAMED:
        if pair[0] in record and pair[1] in record:
            found.append(("/".join(pair), ("/".join(pair), pair)))
    nested = record.get("translation")
    if isinstance(nested, dict) and len(nested) == 2:
        first, second = nested
        names = (f"translation.{first}", f"translation.{second}")
        found.append(("translation", ("translation", names)))
    codes = [key for key in record if _is_code(key)]
    if len(codes) == 2:
        found.append(("/".join(codes), ("/".join(codes), (codes[0], codes[1]))))
    return found


def _is_code(name: str) -> bool:
    base = name.replace("_", "-").split("-")[0]
    short = 2 <= len(base) <= 3 and base.isascii() and base.islower() and base.isalpha()
    return short and name not in _NO_LANGUAGE and len(base) == 2


def _codes(names: tuple[str, str]) -> tuple[str, str] | None:
    """The languages that two fields are named by."""
    first, second = (name.removeprefix("translation.") for name in names)
    return (first, second) if _is_code(first) and _is_code(second) else None
