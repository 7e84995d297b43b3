"""What a mistake in a source's parameters is answered with: shared by the tests of readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpusmith import plan, recipe
from corpusmith.errors import RecipeError
from corpusmith.store.workspace import Workspace


def check_source_error(folder: Path, source: str, place: str, words: str) -> None:
    """The recipe with this source is refused with `words`, at the line and column of `place`."""
    line = f"  a: {source}"
    (folder / "r.yaml").write_text(f"corpusmith: 1\ncorpus: x\nsources:\n{line}\n")
    with pytest.raises(RecipeError) as caught:
        plan.make(recipe.read(folder / "r.yaml"), Workspace(folder / "w"))
    column = line.index(f"{place}:") + 1
    text = str(caught.value)
    assert words in text
    # At the key, or at its value.
    assert any(f"r.yaml:4:{c}" in text for c in (column, column + len(place) + 2)), text
