"""Files of tasks, however they are cut: JSON arrays in any blocks, aligned lines in any parts."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.collect.readers import TextParams
from corpusmith.collect.tasks.aligned import cut_pair, pairs
from corpusmith.collect.tasks.items import json_items

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e6, 1e6) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.lists(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), max_size=6)


@given(RECORDS, st.integers(1, 40), st.booleans(), st.sampled_from([None, 1]))
@settings(max_examples=25, deadline=None)
def test_items_are_those_of_the_whole_file(
    records: list[dict], block: int, ascii_: bool, indent: int | None
) -> None:
    data = json.dumps(records, ensure_ascii=ascii_, indent=indent).encode("utf-8", "surrogatepass")
    blocks = [data[i : i + block] for i in range(0, len(data), block)]
    assert list(json_items(blocks, 1 << 20)) == json.loads(data)
    if records:
        wrapped = b'{"version": "1.1", "data": ' + data + b', "n": [1, {"a": 2}]}'
        blocks = [wrapped[i : i + block] for i in range(0, len(wrapped), block)]
        assert list(json_items(blocks, 1 << 20)) == json.loads(data)


LINE = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(LINE, LINE), max_size=30), st.integers(1, 60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_aligned_lines_are_the_same_in_any_parts(
    rows: list[tuple[str, str]], part_bytes: int, ended: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "a", Path(folder) / "b"]
        for side, path in enumerate(paths):
            text = "".join(row[side] + "\n" for row in rows)
            # Only a last line with something on it is one without its line feed.
            whole = ended or not rows or not rows[-1][side]
            path.write_bytes((text if whole else text[:-1]).encode())
        source, target = map(str, paths)
        params = TextParams(path=source, part_bytes=part_bytes)
        found = []
        for piece in cut_pair(source, target, params):
            piece |= {"path": source, "target": target}
            found += [(n, a.data, b.data) for n, a, b in pairs(piece, params)]
    assert found == [(n, a.encode(), b.encode()) for n, (a, b) in enumerate(rows, 1)]
