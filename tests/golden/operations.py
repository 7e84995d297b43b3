"""What each operation and rule set gives on documents.jsonl, as hashes under their versions.

    python -m tests.golden.operations               write what has a new version
    python -m tests.golden.operations --same-version NAME ...   ... or differs under the old one

The texts are our own, in the languages and forms that operations tell apart. An operation is
called as the pass calls it, with its default parameters, on all documents of its modalities; a
rule set judges the signals of all of them. A hash says that a result changed, not that it is right:
that is for the tests of each operation. `--same-version` is for results that nobody can have
stored, as before a release, or where the input of this test or a pinned library changed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpusmith import catalog, schema
from corpusmith.clean.passes import contiguous
from corpusmith.clean.rules import RuleSet, evaluate, load_rule_set, shipped, variants
from corpusmith.clean.words import SEGMENTERS
from corpusmith.loading import load_operation
from corpusmith.op import Context, Operation
from corpusmith.store.atomic import write_json
from corpusmith.store.fingerprint import document_id, hash_json, library_versions

FOLDER = Path(__file__).resolve().parent
STORED = FOLDER / "operations.json"
EXAM = (
    "which of the seven planets that the ancients knew is the farthest from the sun, and why",
    "如果一列火车每小时走八十公里，那么它走完四百公里需要几个小时？请写出你的计算过程。",
)
PARAMETERS: dict[str, list[dict[str, Any]]] = {  # others than the default that make another result
    "quality": [{"words": "spacy_en"}, {"words": "segmented"}],
    "repetition": [{"words": "spacy_en"}, {"words": "segmented"}],
}
EXACT_LIBRARIES = ("numba", "xxhash")  # what they compute does not depend on their version


@dataclasses.dataclass(frozen=True)
class Found:
    """A result of today. `stands_for` is hashed input that may change without a new version."""

    name: str  # "quality", or "rules gopher dclm"
    version: str  # of the operation, or of the stage that judges
    hash: str  # 32 hex digits
    libraries: dict[str, str]
    stands_for: str = ""  # of a rule set: the hash of its thresholds, which are in fingerprints


def documents() -> pa.Table:
    """The golden documents with the columns of `schema.DOCUMENT`."""
    rows = []
    for line in (FOLDER / "documents.jsonl").read_bytes().splitlines():
        row = json.loads(line)
        meta = json.dumps(row["meta"], ensure_ascii=False, sort_keys=True)
        rows.append(
            {**row, "id": document_id("golden", row["uri"]), "source": "golden", "meta": meta}
        )
    return contiguous(schema.table(schema.DOCUMENT, rows))


def operations() -> Iterator[tuple[str, Operation, pa.Table, pa.Table]]:
    """(name, operation, its documents, its result) of every operation of the catalog; its name
    with values of `PARAMETERS` behind it where it has those."""
    table = documents()
    for name, entry in catalog.OPERATIONS.items():
        operation = load_operation(entry.address)
        chosen = table
        if operation.modalities:
            wanted = pa.array(operation.modalities)
            chosen = contiguous(table.filter(pc.is_in(table["modality"], wanted)))
        with tempfile.TemporaryDirectory() as folder:
            context = _context(name, operation, Path(folder))
            yield name, operation, chosen, operation.function(chosen, context)
        for given in PARAMETERS.get(name, []):
            context = Context(params=operation.params.model_validate(given), step=name)
            title = " ".join([name, *given.values()])
            yield title, operation, chosen, operation.function(chosen, context)


def _context(name: str, operation: Operation, folder: Path) -> Context:
    given: dict[str, Any] = {}
    artifacts = {}
    if operation.fit is not None:
        exam = folder / "exam.txt"
        exam.write_text("\n\n".join(EXAM), encoding="utf-8")
        given = {operation.fit_files: "exam.txt"}
        artifacts = {"fit": folder / "fit"}
        artifacts["fit"].mkdir()
    params = operation.params.model_validate(given) if operation.params else None
    if operation.fit is not None:
        operation.fit(params, [exam], artifacts["fit"])
    return Context(params=params, step=name, artifacts=artifacts, secret=b"golden")


def hash_table(table: pa.Table, digits: int | None = None) -> str:
    """Of names, types and values. `digits`: decimals that count, None for all."""
    kinds = [[field.name, str(field.type)] for field in table.schema]
    return hash_json([kinds, _plain(table.to_pylist(), digits)])


def _plain(value: Any, digits: int | None) -> Any:
    if isinstance(value, float):
        return repr(value if digits is None else round(value, digits))
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _plain(v, digits) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v, digits) for v in value]
    return value


def rule_sets() -> Iterator[tuple[str, RuleSet]]:
    for name in shipped():
        yield f"rules {name}", load_rule_set(name, FOLDER)
        for variant in variants(name):
            chosen = {"set": name, "variant": variant}
            yield f"rules {name} {variant}", load_rule_set(chosen, FOLDER)


def today() -> dict[str, Found]:
    """Every operation and rule set with what it gives now."""
    found: dict[str, Found] = {}
    table = documents()
    signals: dict[str, Any] = {n: table[n] for n in ("id", *schema.DOCUMENT_RULE_COLUMNS)}
    other_words: dict[str, dict[str, Any]] = {}  # by `segmenter:`: signals that it measures anew
    for name, operation, chosen, result in operations():
        libraries = library_versions(n for n in operation.libraries if n not in EXACT_LIBRARIES)
        # Sums of another library's floats may differ in the last bit from CPU to CPU.
        found[name] = Found(
            name, operation.version, hash_table(result, 3 if libraries else None), libraries
        )
        places = pc.index_in(table["id"], chosen["id"])
        _, _, words = name.partition(" ")
        target = other_words.setdefault(SEGMENTERS[words][0], {}) if words else signals
        for column in result.column_names:
            if column not in ("text", "edits", "messages", "meta"):
                target[column] = result[column].take(places)
    for name, rules in rule_sets():
        stage = f"decide {catalog.STAGES['decide'][1]}"
        measured = pa.table({**signals, **other_words.get(rules.segmenter, {})})
        verdicts = evaluate(rules, measured, "golden")
        thresholds = hash_json(rules.model_dump(mode="json"))
        found[name] = Found(name, stage, hash_table(verdicts), {}, thresholds)
    return found


def stored() -> dict[str, dict[str, dict[str, Any]]]:
    """name -> version -> {"hash", "libraries", "stands_for"}."""
    return json.loads(STORED.read_text("utf-8")) if STORED.exists() else {}


def complaint(now: Found, known: dict[str, dict[str, Any]]) -> str:
    """What is wrong with the result of today, and what to do; "" where nothing is."""
    rewrite = "python -m tests.golden.operations"
    if now.version not in known:
        return f"{now.name} {now.version} has no golden hash yet: run {rewrite}"
    before = known[now.version]
    if before["hash"] == now.hash:
        return ""
    if before["libraries"] != now.libraries:
        return (
            f"{now.name} {now.version} differs, and so do its libraries: the hash holds for "
            f"{before['libraries']}, here is {now.libraries}. Install those of constraints.txt, "
            f"or, where they were raised, run {rewrite} --same-version {now.name!r}"
        )
    if before["stands_for"] != now.stands_for:
        return (
            f"the thresholds of {now.name} changed, and with them what it drops: if that is "
            f"meant, run {rewrite} --same-version {now.name!r} (stored results are told apart by "
            "the thresholds themselves)"
        )
    what = "stage of decisions (catalog.STAGES)" if now.stands_for else "operation (@op)"
    return (
        f"{now.name} gives another result under the old version {now.version}: results that are "
        f"stored would pass for new ones. Raise the version of the {what} and run {rewrite}, or "
        f"undo the change"
    )


def _allowed(name: str, allowed: list[str]) -> bool:
    """`rules gopher` stands for its variants as well."""
    return any(name == one or name.startswith(f"{one} ") for one in allowed)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--same-version", nargs="+", default=[], metavar="NAME")
    allowed = parser.parse_args().same_version
    known = stored()
    now = today()
    written: dict[str, dict[str, dict[str, Any]]] = {}
    for name, found in now.items():
        versions = dict(known.get(name, {}))
        fresh = {k: v for k, v in dataclasses.asdict(found).items() if k not in ("name", "version")}
        if (
            found.version not in versions
            or _allowed(name, allowed)
            or not complaint(found, versions)
        ):
            versions[found.version] = fresh
        else:
            raise SystemExit(complaint(found, versions))
        written[name] = versions
    write_json(STORED, written)
    print(f"{len(written)} results in {STORED}")


if __name__ == "__main__":
    main()
