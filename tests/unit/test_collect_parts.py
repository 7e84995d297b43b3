"""How large the parts of a source are when the recipe doesn't say."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpusmith.collect.files import FoundFile
from corpusmith.collect.readers import JsonlParams
from corpusmith.collect.stage import part_bytes
from tests.collect_run import collect

MIB = 1 << 20


@pytest.mark.parametrize(
    ("files_mib", "part_mib"),
    [([1], 8), ([100, 28], 8), ([320], 20), ([600, 424], 64), ([10_000], 64)],
)
def test_a_16th_of_the_source_within_bounds(files_mib: list[int], part_mib: int) -> None:
    files = tuple(FoundFile(f"/{i}", str(i), size * MIB) for i, size in enumerate(files_mib))
    assert part_bytes(JsonlParams(path="a"), files) == part_mib * MIB
    assert part_bytes(JsonlParams(path="a", part_bytes=7), files) == 7


@pytest.mark.parametrize("mib", [9, 16, 17, 33, 41, 95, 101, 127, 1025, 1500])
def test_few_parts_are_of_one_size_and_finish_together(mib: int) -> None:
    whole = mib * MIB
    size = part_bytes(JsonlParams(path="a"), (FoundFile("/a", "a", whole),))
    count = -(-whole // size)
    assert count == 2 or count % 4 == 0
    assert count * size - whole < count  # the last one is no shorter than rounding makes it
    assert 4 * MIB < size <= 80 * MIB


def test_one_file_of_20_mb_is_cut_for_several_cores(tmp_path: Path) -> None:
    line = b'{"text": "%s"}\n' % (b"ab " * 3000)
    (tmp_path / "a.jsonl").write_bytes(line * (20 * MIB // len(line)))
    found = collect(tmp_path / "out", read="jsonl", path=tmp_path / "a.jsonl")
    assert len(found.parts) == 4
    assert found.info["documents"] == 20 * MIB // len(line)
