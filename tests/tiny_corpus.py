"""The documents of the small run of tests/builders.py, and what the pass measured of them.

One letter per fate:

    K kept   S too short, dropped by keep   D duplicate of the first K   E left empty by `cut`
    H held out   U kept, not drawn by the mix   Q quarantined in clean   R quarantined when read
"""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

from corpusmith import schema
from corpusmith.store.fingerprint import document_id

RULES = {
    "name": "keep",
    "where": {"words": "3..100000", "word_mean_chars": "2..20", "symbols_frac": "..0.5"},
    "by_language": {"zh": {"word_mean_chars": "1..5"}},
}
MAIL = "anna.schmidt@example.org"
SECRET_LINE = "Write to carl@example.net today\n"

# source -> parts -> (fate, language, text after the last edit)
DOCUMENTS: dict[str, list[list[tuple[str, str, str]]]] = {
    "pages": [
        [
            ("K", "en", "The first page says a few words about trees."),
            ("S", "en", "Too short"),
            ("D", "en", "The first page says a few words about trees."),
            ("K", "en", "Ask <EMAIL> for the <b>rest</b> of it, please."),
        ],
        [
            ("K", "zh", "中文文本也是一等公民，这里有一句话。"),
            ("E", "en", ""),
            ("H", "en", "This page is held out for the evaluation of the model."),
            ("Q", "en", "\u202eevil <script>alert(1)</script>"),
        ],
    ],
    "code": [
        [
            ("K", "code", "def add(a, b):\n    return a + b\n"),
            ("U", "code", "print('never drawn by the mix')\n"),
            ("R", "code", ""),
            ("S", "code", "x"),
        ]
    ],
}
NORMALIZED = 1  # row of the pages whose text `normalize` changed: a no-break space became one
STEPS = ("collect", "normalize", "keep", "cut", "exact", "pii")
USES = 2  # of every document that is drawn


def uri_of(source: str, number: int) -> str:
    return f"{source}.jsonl#{number}"


def fates(source: str) -> list[tuple[str, str, str, str, str]]:
    """(fate, language, text, uri, id) of all documents of a source, in their order."""
    rows = [row for part in DOCUMENTS[source] for row in part]
    return [
        (fate, lang, text, uri_of(source, n), document_id(source, uri_of(source, n)))
        for n, (fate, lang, text) in enumerate(rows)
    ]


def tokens_of(text: str) -> int:
    """The builder's tokenizer: four bytes a token, and the end token."""
    return math.ceil(len(text.encode()) / 4) + 1


def id_checksum(ids: list[str]) -> str:
    """What DESIGN calls the log of the reader: sum modulo 2^128, then xor, in hex."""
    total = xor = 0
    for one in ids:
        total, xor = (total + int(one, 16)) % (1 << 128), xor ^ int(one, 16)
    return f"{total:032x}{xor:032x}"


def document(source: str, fate: str, lang: str, text: str, uri: str, wanted: str) -> dict[str, Any]:
    return {
        "id": wanted,
        "source": source,
        "uri": uri,
        "modality": "code" if source == "code" else "text",
        "text": text,
        "lang": None if lang == "code" else lang,
        "lang_score": 0.9,
        "license": "CC-BY-4.0" if source == "pages" else None,
        "meta": "{}",
    }


def signals(documents: pa.Table) -> pa.Table:
    rows = documents.to_pylist()
    texts = [row["text"] for row in rows]
    # Chinese characters count as words, as everywhere.
    words = [len(t.split()) if t.isascii() else max(1, len(t)) for t in texts]
    sizes = pa.array([len(t.encode()) for t in texts], pa.int64())
    # An empty text must not fail the rules before the step that says so.
    filled = [w if t else None for w, t in zip(words, texts, strict=True)]
    means = [len(t) / w if t else None for t, w in zip(texts, words, strict=True)]
    return pa.table(
        {
            **{name: documents[name] for name in ("id", *schema.DOCUMENT_RULE_COLUMNS)},
            "read_bytes": sizes,
            "kept_bytes": sizes,
            "emptied_by": pa.array([None if t else "cut" for t in texts], pa.string()),
            "words": pa.array(filled, pa.int32()),
            "word_mean_chars": pa.array(means, pa.float32()),
            "symbols_frac": pa.array([0.0] * len(rows), pa.float32()),
        }
    )


def edits(source: str, rows: list[tuple[str, str, str, str, str]]) -> list[dict[str, Any]]:
    """normalize changed the first page; `cut` emptied E and took a line out of the page with
    the address; `pii` masked that address."""
    found = []
    for fate, _, text, uri, wanted in rows:
        if source == "pages" and uri == uri_of("pages", 0):
            found.append(edit(wanted, "normalize", 0, 3, 4, "space", "\u00a0", " "))
        if fate == "E":
            found.append(edit(wanted, "cut", 1, 0, 9, "cut:few_words", "Just this", ""))
        if "<EMAIL>" in text:
            # `cut` took the line out before the address was masked: it is stored masked.
            start = text.index("<EMAIL>")
            found.append(
                edit(wanted, "cut", 1, 0, len(SECRET_LINE), "cut:policy",
                      SECRET_LINE.replace("carl@example.net", "<EMAIL>"), "")
            )  # fmt: skip
            masked = edit(wanted, "pii", 2, start, start + len(MAIL), "pii:email", None, "<EMAIL>")
            found.append({**masked, "removed_hash": "ab" * 16})
    return found


def edit(
    wanted: str, step: str, version: int, start: int, end: int, kind: str, removed: str | None,
    replacement: str,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": wanted, "step": step, "text_version": version, "start": start, "end": end,
        "kind": kind, "removed": removed, "replacement": replacement,
    }  # fmt: skip
