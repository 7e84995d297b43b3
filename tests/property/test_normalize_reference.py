"""`normalize`, whose kernels edit whole columns, equals a reference that goes line by line."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmith.clean.normalize import normalize
from corpusmith.op import Context
from tests.reference.normalize import code_reference, normalize_reference

ODD = (
    "ab 12\t\u00a0\u3000\u200b\u200d\u200c\ufeff\u2028\x0b\x00\x7f\x85é\u0301\u0300Åﬁ中文。ب\u0650क्"
    "Ã©â€™😀👩🔬𝔘.\u00ad\u1680\u2000\u2060\U0001f3f4\U000e0067\U000e007fРС√├\u1112\u1161\u11ab\x1f\x1c"
)
PLAIN = ["plain words", "é", "中", " ", "\t", "  \n", "\u00a0", "\u00ad", "\u3000", "ab"]
ENDS = ["\n", "\n\n", "\r\n", "\r", "\n \n\t\n"]
texts = st.lists(st.sampled_from([*PLAIN * 3, *ENDS * 4, *ODD]), max_size=25).map("".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, st.sampled_from(["text", "code", "image-text"])), max_size=5))
@example([("a\u0301b\n\ne \n", "text"), ("", "text"), ("x", "text"), ("\ufeffa\r\nb\rc", "code")])
@example(
    [("sÃ³ \u00a0\n", "text"), ("\n\n\n\u00a0\n\na", "text"), ("a\u2028\u2028\u2028b", "text")]
)
def test_equals_the_reference(documents):
    documents = documents[len(documents) // 4 :]
    befores = pa.array([text for text, _ in documents], pa.large_string())
    kinds = pa.array([kind for _, kind in documents], pa.string())
    result = normalize(pa.table({"text": befores, "modality": kinds}), Context()).to_pylist()
    for (before, modality), row in zip(documents, result, strict=True):
        after, spans = (code_reference if modality == "code" else normalize_reference)(before)
        assert row["text"] == after
        found = [tuple(e[k] for k in ("start", "end", "kind", "removed", "replacement"))
                 for e in row["edits"]]  # fmt: skip
        assert found == spans
        changed = sum(max(len(removed), len(put_in)) for *_, removed, put_in in spans)
        assert row["normalize_changed_chars"] == changed
        mojibake = [span for span in spans if span[2] == "normalize:mojibake"]
        assert row["mojibake_repaired"] or not mojibake
