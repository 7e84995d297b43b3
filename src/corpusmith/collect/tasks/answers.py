"""Summaries and questions: records with a text and one answer or several.

SQuAD (Rajpurkar et al. 2016, 2018) nests articles, paragraphs and questions, CMRC 2018 (Cui et
al. 2019) passages and questions; the Hugging Face form of SQuAD has a question a row.
"""

from __future__ import annotations

from typing import Any

import xxhash

from corpusmith.collect.errors import RecordError
from corpusmith.collect.records import take
from corpusmith.collect.tasks.example import (
    Example,
    Made,
    Message,
    Record,
    choose,
    exchange,
    text_at,
    texts_at,
    with_prompt,
)
from corpusmith.collect.tasks.params import QaParams, SummariesParams

_SUMMARIES = (
    ("document", "summary"),
    ("article", "highlights"),
    ("article", "summary"),
    ("article", "abstract"),
    ("dialogue", "summary"),
    ("text", "summary"),
    ("content", "summary"),
    ("source", "target"),
    ("report", "summary"),
)
KNOWN_SUMMARIES = tuple("/".join(pair) for pair in _SUMMARIES)
KNOWN_QA = (
    "SQuAD's paragraphs",
    "a passage with `qas`",
    "question/answer or answers (with context)",
    "question/choices or options with answer or answerKey",
)
_CONTEXTS = ("context", "context_text", "passage", "paragraph", "article")
_CHOICES = ("choices", "options")
_RIGHT = ("answerKey", "answer", "answer_idx", "answer_index", "correct")
_QUESTIONS = ("question", "query_text", "query")


def summaries(record: Record, params: SummariesParams) -> Made:
    """The text of a record and its summary."""
    if params.document or params.summary:
        if not (params.document and params.summary):
            raise RecordError("unknown_layout", "document and summary belong together")
        layout, names = "named fields", (params.document, params.summary)
    else:
        found = [("/".join(p), p) for p in _SUMMARIES if p[0] in record and p[1] in record]
        names = choose(found, record, KNOWN_SUMMARIES)
        layout = "/".join(names)
    document, answers = text_at(record, names[0]), texts_at(record, names[1])
    for name in names:
        take(record, name)
    chosen = answers if params.answers == "each" else answers[:1]
    meta = {"answers": answers} if len(answers) > 1 else {}
    return Made(layout, [Example(exchange(document, a, params.prompt), dict(meta)) for a in chosen])


# --- questions -----------------------------------------------------------------------------


def questions(record: Record, params: QaParams) -> Made:
    """The questions of a record: an article of SQuAD, a passage, or a single one."""
    if params.question or params.answer or params.context:
        if not (params.question and params.answer):
            raise RecordError("unknown_layout", "question and answer belong together")
        return _single(
            "named fields", record, params.context, params.question, params.answer, params
        )
    _unstemmed(record)
    context = next((n for n in _CONTEXTS if n in record), None)
    question = next((n for n in _QUESTIONS if n in record), None)
    answer = next((n for n in ("answers", "answer") if n in record), None)
    if isinstance(record.get("paragraphs"), list):
        return _article(record, params)
    if isinstance(record.get("qas"), list) and context:
        return _passage(record, context, params)
    choices = next((n for n in _CHOICES if isinstance(record.get(n), list | dict)), None)
    if question and choices and record[choices]:
        return _choices(record, context, question, choices, params)
    if question and answer:
        return _single(f"{question}/{answer}", record, context, question, answer, params)
    choose([], record, KNOWN_QA)
    raise AssertionError("choose raises where nothing was found")


def _article(record: Record, params: QaParams) -> Made:
    skipped: dict[str, int] = {}
    examples: list[Example | RecordError] = []
    for place, paragraph in enumerate(record.pop("paragraphs")):
        if not isinstance(paragraph, dict) or not isinstance(paragraph.get("qas"), list):
            examples.append(RecordError("bad_field", f"paragraph {place} has no list `qas`"))
            continue
        try:
            inner = _passage(paragraph, "context", params)
        except RecordError as error:
            examples.append(RecordError(error.error, f"paragraph {place}: {error.message}"))
            continue
        for example in inner.examples:
            if isinstance(example, Example):
                example.meta = {**paragraph, **example.meta, "paragraph": place}
            examples.append(example)
        _count(skipped, inner.skipped)
    return Made("squad", examples, skipped=skipped)


def _passage(record: Record, context: str, params: QaParams) -> Made:
    passage = text_at(record, context)
    made: list[Example | RecordError] = []
    turns: list[Message] = []
    metas: list[dict[str, Any]] = []
    skipped: dict[str, int] = {}
    for place, item in enumerate(record.pop("qas")):
        try:
            if not isinstance(item, dict):
                raise RecordError("bad_field", "it is no object")
            name = next((n for n in _QUESTIONS if n in item), "question")
            question, answers, known = _asked(item, name, "answers", params)
            meta = {**item, **known}
        except RecordError as error:
            made.append(RecordError(error.error, f"question {place}: {error.message}"))
            continue
        if not answers:
            _count(skipped, {"unanswerable": 1})
        elif params.questions == "each":
            made += _examples(passage, question, answers, meta, params)
        else:
            turns += exchange(question if turns else f"{passage}\n\n{question}", answers[0])
            metas.append(meta)
    record.pop(context)
    if turns:
        made.append(Example(with_prompt(turns, params.prompt), {"questions": metas}))
    return Made("passage with qas", made, _group(passage), skipped)


def _group(passage: str) -> str | None:
    """What keeps the questions about one passage on one side of the split, in rows of their own
    too."""
    if not passage.strip():
        return None
    return "passage:" + xxhash.xxh3_64_hexdigest(passage.encode("utf-8", "replace"))


def _single(
    layout: str,
    record: Record,
    context: str | None,
    question: str,
    answer: str,
    params: QaParams,
) -> Made:
    has = context is not None and isinstance(record.get(context), str)
    passage = text_at(record, context, empty=True) if context and has else ""
    asked, answers, meta = _asked(record, question, answer, params)
    if context and has:
        take(record, context)
    if not answers:
        return Made(layout, [], skipped={"unanswerable": 1})
    return Made(layout, _examples(passage, asked, answers, meta, params), _group(passage))


def _asked(
    item: Record, question: str, answer: str, params: QaParams
) -> tuple[str, list[str], dict[str, Any]]:
    """(question, its different answers, what is known of them); without answers it has none."""
    asked = text_at(item, question)
    value = take(item, answer)
    take(item, question)
    texts, starts = _answers(value, answer)
    answers = list(dict.fromkeys(texts))
    if not answers and params.unanswerable is not None:
        answers = [params.unanswerable]
    meta: dict[str, Any] = {}
    if isinstance(value, list | dict) and len(texts) > 1:
        meta["answers"] = texts  # as often as they were given: that is how sure people were
    if starts:
        meta["answer_start"] = starts
    return asked, answers, meta


def _answers(value: Any, name: str) -> tuple[list[str], list[int]]:
    """The answers of any form, and where SQuAD says that they begin in the passage."""
    starts: list[int] = []
    if isinstance(value, dict) and isinstance(value.get("text"), list):  # of Hugging Face
        texts = value["text"]
        starts = list(value.get("answer_start") or [])
    elif isinstance(value, dict) and isinstance(value.get("value"), str):  # TriviaQA
        texts = [value["value"], *(value.get("aliases") or [])]
    elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):  # SQuAD
        texts = [v.get("text") for v in value]
        starts = [v["answer_start"] for v in value if isinstance(v.get("answer_start"), int)]
    elif isinstance(value, list):
        texts = value
    elif isinstance(value, bool):  # BoolQ
        texts = ["yes" if value else "no"]
    elif value is None:
        texts = []
    else:
        texts = [text_at({name: value}, name)]
    # An answer may be a number, as a year is.
    texts = [str(t) if isinstance(t, int | float) and t is not True else t for t in texts]
    if not all(isinstance(text, str) for text in texts):
        raise RecordError("bad_field", f"the field {name!r} holds no texts")
    return [text for text in texts if text.strip()], starts


def _examples(
    passage: str, question: str, answers: list[str], meta: dict[str, Any], params: QaParams
) -> list[Example]:
    asked = f"{passage}\n\n{question}" if passage.strip() else question
    chosen = answers if params.answers == "each" else answers[:1]
    return [Example(exchange(asked, a, params.prompt), dict(meta)) for a in chosen]


def _unstemmed(record: Record) -> None:
    """The first form of ARC, {question: {stem, choices: [{text, label}]}}, as that of the hub."""
    inside = record.get("question")
    if not isinstance(inside, dict) or not isinstance(inside.get("stem"), str):
        return
    listed = inside.get("choices")
    if isinstance(listed, list) and all(isinstance(choice, dict) for choice in listed):
        record["question"] = inside["stem"]
        record["choices"] = {key: [c.get(key) for c in listed] for key in ("text", "label")}


def _choices(
    record: Record, context: str | None, question: str, name: str, params: QaParams
) -> Made:
    """MMLU's {choices: [...], answer: 2}, ARC's {choices: {text, label}, answerKey: "B"}, RACE's
    {options: [...], answer: "B"}, MedQA's {options: {A: ..., B: ...}, answer_idx: "B"}."""
    given = record[name]
    labels: list[Any]
    if isinstance(given, dict) and "text" not in given:
        texts, labels = list(given.values()), list(given)  # type: ignore[assignment]
    elif isinstance(given, dict):
        texts, labels = given.get("text"), given.get("label")  # type: ignore[assignment]
    else:
        texts = given
        labels = [chr(ord("A") + i) for i in range(len(given))] if isinstance(given, list) else []
    fits = isinstance(texts, list) and isinstance(labels, list) and len(texts) == len(labels)
    if not fits or not texts or not all(isinstance(t, str) for t in texts) or len(texts) > 26:
        raise RecordError("bad_field", f"the field {name!r} holds no texts with labels")
    key = next((n for n in _RIGHT if n in record), "answer")
    right = record.get(key)
    if isinstance(right, int) and not isinstance(right, bool) and 0 <= right < len(texts):
        place = right
    elif right in labels:
        place = labels.index(right)
    elif right in texts:
        place = texts.index(right)
    elif isinstance(right, str) and right.isdecimal() and int(right) < len(texts):
        place = int(right)
    else:
        raise RecordError("bad_field", f"the field {key!r} names none of the choices: {right!r}")
    listed = "\n".join(f"{label}. {text}" for label, text in zip(labels, texts, strict=True))
    asked = f"{text_at(record, question)}\n\n{listed}"
    passage = text_at(record, context, empty=True) if context else ""
    for used in (question, name, key, *([context] if context else [])):
        take(record, used)
    answer = f"{labels[place]}. {texts[place]}"
    examples = _examples(passage, asked, [answer], {}, params)
    return Made(f"{question}/{name}", examples, _group(passage))


def _count(total: dict[str, int], more: dict[str, int]) -> None:
    for key, count in more.items():
        total[key] = total.get(key, 0) + count
