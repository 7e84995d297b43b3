"""A measure taken again behind an edit equals one of all documents, and looks only at those that
the edit changed."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith import recipe, schema, steps
from corpusmith.clean import passes

RECIPE = """
corpusmith: 1
corpus: c
sources: {s: {read: jsonl, path: "*.jsonl"}}
clean:
  - normalize
  - measure: [quality, repetition, {quality: {words: spacy_en}}, ./seen.py:seen]
  - dedup: {near: {threshold: 0.75}}
  - edit: c4_lines
  - measure: [quality, repetition, {quality: {words: spacy_en}}, ./seen.py:seen]
  - pii: mask
  - language
  - measure: [quality, ./seen.py:seen]
"""
SEEN = """
import pyarrow as pa
from corpusmith.op import op

batches = []

@op("seen.v1", kind="measure", adds=pa.schema([("seen_chars", pa.int64())]))
def seen(batch, ctx):
    batches.append(batch["text"].to_pylist())
    return pa.table({"seen_chars": pa.array([len(t) for t in batches[-1]], pa.int64())})
"""
LINES = st.sampled_from(
    [
        *("This line has enough words.", "short", "Use of cookies and javascript here.", ""),
        *(
            "A line that ends well and stays in the text!",
            "no end of a sentence here",
            "词。",
            "a\t",
        ),
        *("Write to jane.doe@example.org or call now.", "caf\u0065\u0301 is not in one form."),
    ]
)
TEXTS = st.lists(LINES, max_size=5).map("\n".join)
DOCUMENTS = st.lists(st.tuples(TEXTS, st.sampled_from(["text", "code"])), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[passes._Step]:
    folder = tmp_path_factory.mktemp("again")
    (folder / "seen.py").write_text(SEEN)
    parsed = recipe.parse(RECIPE.encode(), folder / "r.yaml")
    return [passes._Step(step.spec(), b"key", 0) for step in steps.build(parsed).passes]


def table(rows: list[tuple[str, str]]) -> pa.Table:
    named = [
        {"id": f"{n:032x}", "source": "s", "uri": str(n), "text": t, "modality": m, "meta": "{}"}
        for n, (t, m) in enumerate(rows)
    ]
    return passes.contiguous(schema.table(schema.DOCUMENT, named))


@settings(deadline=None, max_examples=25)
@given(DOCUMENTS)
def test_equal_to_measuring_every_document(built, rows):
    seen = next(s for s in built if s.operation.name == "seen").operation.function
    batches = seen.__globals__["batches"]
    batches.clear()
    batch = table(rows)
    _, signals, _ = passes._run(batch, built)
    looked_at = list(batches)
    texts = [batch["text"].to_pylist()]
    for step in built:  # every step on all documents, as its contract has it
        result = step.run(batch)
        if step.operation.kind == "edit":
            batch = passes._replace(batch, "text", result["text"])
            batch = passes.contiguous(batch)
            texts.append(batch["text"].to_pylist())
        for name, column in step.columns.items():
            assert signals[column].to_pylist() == result[name].to_pylist(), (step.name, name)
    # normalize, c4_lines, pii; `language` fills a column of the documents, so all are seen again.
    changed = [new for old, new in zip(texts[1], texts[2], strict=True) if new != old]
    assert looked_at[0] == texts[1]
    few = len(changed) <= 0.75 * len(rows)
    assert looked_at[1:] == ([changed] if few and changed else [] if few else [texts[2]]) + [
        texts[3]
    ]


def test_a_document_that_an_edit_left_alone_is_not_measured_again(built) -> None:
    seen = next(s for s in built if s.operation.name == "seen").operation.function
    batches = seen.__globals__["batches"]
    batches.clear()
    stays = "A line that ends well and stays in the text!"
    passes._run(table([(stays, "text"), (stays + "\nshort", "text"), ("short", "code")]), built)
    assert batches[1] == [stays]  # the second document without its last line
