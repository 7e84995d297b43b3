"""Names of the recipe -> where their code is. Imports no operation: names can be checked,
completed and listed without loading any of them.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    address: str  # module:function
    kind: str  # edit, measure
    doc: str  # one line for lists and messages


OPERATIONS: dict[str, Entry] = {
    "normalize": Entry(
        "corpusmith.clean.normalize:normalize",
        "edit",
        "Unicode repair, NFC, white space, control characters",
    ),
    "repair": Entry(
        "corpusmith.clean.repair:repair",
        "edit",
        "full-width and presentation forms, soft hyphens, zero-width characters, mojibake",
    ),
    "language": Entry(
        "corpusmith.clean.language:language", "measure", "language and its probability"
    ),
    "line_languages": Entry(
        "corpusmith.clean.line_languages:line_languages",
        "measure",
        "languages of a text's lines with their shares",
    ),
    "scripts": Entry(
        "corpusmith.clean.scripts:scripts",
        "measure",
        "writing systems with their shares; simplified and traditional Chinese",
    ),
    "quality": Entry(
        "corpusmith.clean.quality:quality",
        "measure",
        "signals of Gopher quality, C4, FineWeb and DCLM",
    ),
    "repetition": Entry(
        "corpusmith.clean.repetition:repetition",
        "measure",
        "duplicate lines, paragraphs and n-grams (Gopher), two variants",
    ),
    "code": Entry("corpusmith.clean.code:code", "measure", "signals of source code"),
    "c4_lines": Entry(
        "corpusmith.clean.lines:c4_lines", "edit", "drop lines as C4 does (Raffel et al. 2020)"
    ),
    "c4_datatrove": Entry(
        "corpusmith.clean.c4_datatrove:c4_datatrove", "edit", "drop lines as datatrove's C4 filter"
    ),
    "dclm_lines": Entry(
        "corpusmith.clean.lines:dclm_lines", "edit", "drop lines as RefinedWeb and DCLM do"
    ),
    "pii": Entry(
        "corpusmith.clean.pii:pii",
        "edit",
        "mask e-mail, IP addresses, phone and card numbers, keys and tokens",
    ),
    "exact_hash": Entry("corpusmith.dedup.exact:exact_hash", "measure", "128-bit hash of the text"),
    "minhash": Entry("corpusmith.dedup.near:minhash", "measure", "MinHash signature"),
    "contamination": Entry(
        "corpusmith.dedup.decontaminate:decontaminate",
        "measure",
        "n-grams shared with evaluation files",
    ),
}
"""Operations that `measure:` and `edit:` may name, and those behind the other steps."""

SHORT_STEPS = ("normalize", "language")
"""Operations that may stand alone in `clean:`, without `edit:` or `measure:`."""

STEP_KEYS = ("measure", "edit", "keep", "decide", "dedup", "pii", "decontaminate", "name")

DEDUP = {
    "exact": ("exact_hash", "corpusmith.dedup.exact:execute"),
    "near": ("minhash", "corpusmith.dedup.near:execute"),
    "substring": ("", "corpusmith.dedup.substring:execute"),
}
"""Kinds of `dedup:`: the operation that measures ("": the stage reads the texts as the pass leaves
them, and rewrites them), the stage that decides."""

STAGES: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "snapshot": ("corpusmith.collect.snapshot:execute", 1, ()),
    "collect": ("corpusmith.collect.stage:execute", 8, ("resiliparse", "fastwarc", "zstandard")),
    "fit": ("corpusmith.clean.fit:execute", 1, ()),
    "clean": ("corpusmith.clean.passes:execute", 2, ()),
    "decide": ("corpusmith.clean.decide:execute", 1, ()),
    "exact": ("corpusmith.dedup.exact:execute", 1, ()),
    "near": ("corpusmith.dedup.near:execute", 2, ()),
    "substring": ("corpusmith.dedup.substring:execute", 1, ()),
    "decontaminate": ("corpusmith.dedup.decontaminate:execute", 1, ()),
    "split": ("corpusmith.dedup.split:execute", 2, ()),
    "tokenizer": ("corpusmith.tokenize.vocab:execute", 1, ("tokenizers",)),
    "tokens": ("corpusmith.tokenize.encode:execute", 1, ("tokenizers",)),
    "mix": ("corpusmith.tokenize.mix:execute", 1, ()),
    "train": ("corpusmith.train.stage:execute", 1, ("torch", "transformers", "accelerate")),
    "evaluate": ("corpusmith.evaluate.stage:execute", 1, ("torch", "transformers")),
}
"""Kind of stage -> entry, version, libraries whose version shapes the result. A change that
alters a stage's result raises its version."""

SHARED_LIBRARIES = ("pyarrow", "corpusmith-schema")

KERNELS = (
    "corpusmith.kernels.signals:warm",
    "corpusmith.kernels.jsontext:warm",
    "corpusmith.kernels.codescan:warm",
    "corpusmith.kernels.scripts:warm",
    "corpusmith.kernels.personal:warm",
    "corpusmith.clean.normalize:warm",
    "corpusmith.clean.language:warm",
    "corpusmith.clean.linecut:warm",
    "corpusmith.clean.c4_rules:warm",
    "corpusmith.kernels.shingles:warm",
    "corpusmith.kernels.minhash:warm",
    "corpusmith.kernels.unionfind:warm",
    "corpusmith.kernels.overlap:warm",
    "corpusmith.kernels.windows:warm",
    "corpusmith.kernels.suffix:warm",
    "corpusmith.tokenize.bytelevel:warm",
)
"""What compiles every kernel; run once before workers start."""

EXTRACTION_KERNELS = {"corpusmith": "corpusmith.collect.maintext:warm"}
"""The same for an engine of `extract`, where a source names it."""

SEGMENTER_KERNELS = {
    "spacy_en": ("corpusmith.clean.datatrove:warm", "corpusmith.clean.c4_datatrove:warm"),
}
"""The same for a segmenter that few recipes ask for, where one does."""
