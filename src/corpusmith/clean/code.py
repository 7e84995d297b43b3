"""`code.v1`: the signals of source code; see `CODE_SIGNALS`.

Sources: StarCoder (Li et al. 2023, arXiv 2305.06161, section 3.1) and SantaCoder (arXiv
2301.03988) with https://github.com/bigcode-project/bigcode-dataset, `preprocessing/`;
RedPajama v1 for letters per token. What differs from them:

- comments are found by their marks (`corpusmith.kernels.codescan`), without a parser for each
  language; a Python string in triple quotes at the start of a line counts as a docstring;
- visible text of HTML likewise, without a document tree;
- letters per token: tokens are words and single symbols, as in `corpusmith.clean.quality`,
  since no tokenizer is chosen yet; RedPajama used that of Pythia.
"""

from __future__ import annotations

import functools
import json
import posixpath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.clean.columns import ratio
from corpusmith.clean.comments import EXTENSIONS, LANGUAGES, STYLES
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.codescan import comment_chars, style_tables, visible_chars
from corpusmith.kernels.signals import scan_column
from corpusmith.op import Context, op, signal

_I32, _F32, _BOOL = pa.int32(), pa.float32(), pa.bool_()

CODE_SIGNALS = pa.schema(
    [
        signal("longest_line_chars", _I32, "chars", "longest line (StarCoder: ..1000)"),
        signal("mean_line_chars", _F32, "chars", "mean length of all lines (StarCoder: ..100)"),
        signal("alnum_frac", _F32, "frac", "letters and numbers / characters (0.25..)"),
        signal(
            "comment_frac",
            _F32,
            "frac",
            "characters in comments / characters (0.01..0.8); null where the modality is not code "
            "or the language's comments are not known",
        ),
        signal("xml_head", _BOOL, "", "`<?xml version=` in the first 100 characters"),
        signal(
            "html_visible_frac",
            _F32,
            "frac",
            "visible characters / characters (0.2..); null for all but HTML of modality code",
        ),
        signal("html_visible_chars", _I32, "chars", "visible characters (100..); null likewise"),
        signal("letters_per_token", _F32, "1/token", "letters / tokens (RedPajama: 1.5..)"),
        signal(
            "code_language",
            pa.string(),
            "",
            "language of the file in lower case, from the reader; or null",
        ),
        signal("vendored", _BOOL, "", "a copy of others' code, by the reader; or null"),
        signal("generated", _BOOL, "", "written by a program, by the reader; or null"),
        signal("minified", _BOOL, "", "minified, by the reader; or null"),
    ]
)

_HEAD_CHARS = 100


@op(
    "code.v1",
    kind="measure",
    needs=("text", "modality", "uri", "meta"),
    adds=CODE_SIGNALS,
)
def code(batch: pa.Table, ctx: Context) -> pa.Table:
    """The columns of `CODE_SIGNALS` for each text of the batch.

    Every document gets the figures of lines and characters; what depends on the language is
    null for documents that are not code. "# hi\\nx = 1" as Python has 10 characters, 4 of them
    in a comment: comment_frac is 0.4.
    """
    scan = scan_column(batch.column("text"))
    data, offsets = text_buffers(batch.column("text"))
    facts = _facts(batch)
    languages = [fact.get("language") for fact in facts]
    languages = [name.lower() if isinstance(name, str) else None for name in languages]
    uris = batch.column("uri").to_pylist()
    is_code = [modality == "code" for modality in batch.column("modality").to_pylist()]
    styles = np.array(
        [
            _style(language, uri) if code else -1
            for language, uri, code in zip(languages, uris, is_code, strict=True)
        ],
        np.int32,
    )
    html = styles == _style("html", None)
    comments = np.zeros(len(batch), np.int64)
    visible = np.zeros(len(batch), np.int64)
    comment_chars(data, offsets, styles, *_tables(), comments)
    visible_chars(data, offsets, html.astype(np.uint8), visible)
    chars = scan["chars"]
    return pa.table(
        [
            pa.array(scan["longest_line"].astype(np.int32)),
            pa.array(ratio(chars - scan["newlines"], scan["lines"])),
            pa.array(ratio(scan["letters"] + scan["numbers"], chars)),
            pa.array(ratio(comments, chars), mask=styles < 0),
            _xml_head(batch.column("text")),
            pa.array(ratio(visible, chars), mask=~html),
            pa.array(visible.astype(np.int32), mask=~html),
            pa.array(ratio(scan["letters"], scan["tokens"])),
            pa.array(languages, pa.string()),
            *(_flag(facts, name) for name in ("vendored", "generated", "minified")),
        ],
        schema=CODE_SIGNALS,
    )


@functools.cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    return style_tables(list(STYLES.values()))


def _style(language: str | None, uri: str | None) -> int:
    """The number of the language's comment style, by its name or else by the file's; or -1."""
    style = LANGUAGES.get(language or "")
    if style is None and not language and uri:
        name = posixpath.basename(uri.split("#")[0]).lower()
        style = EXTENSIONS.get(name) or EXTENSIONS.get(posixpath.splitext(name)[1])
    return -1 if style is None else list(STYLES).index(style)


def _facts(batch: pa.Table) -> list[dict]:
    """`meta` of the documents of modality code, as the code reader wrote it."""
    facts = []
    for modality, meta in zip(
        batch.column("modality").to_pylist(), batch.column("meta").to_pylist(), strict=True
    ):
        fact = json.loads(meta) if modality == "code" and meta else {}
        facts.append(fact if isinstance(fact, dict) else {})
    return facts


def _flag(facts: list[dict], name: str) -> pa.Array:
    values = [fact.get(name) for fact in facts]
    return pa.array([value if isinstance(value, bool) else None for value in values], _BOOL)


def _xml_head(column: pa.ChunkedArray) -> pa.Array:
    heads = pc.utf8_slice_codeunits(column, 0, _HEAD_CHARS)
    found = pc.match_substring(heads, "<?xml version=")
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
