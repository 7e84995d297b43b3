"""Re-checks a finished run: every checksum, the conservation law, every join.

What was read is what the readers logged before any operation (a count and an order-independent
checksum of ids in the manifests of collect); everything else is recomputed from the Parquet
files themselves, so a row that was lost is found even where the manifests agree with the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpusmith.errors import CorpusmithError
from corpusmith.report.conservation import bits_per_byte, check_conservation
from corpusmith.report.findings import Findings
from corpusmith.report.run import ENDED, Run
from corpusmith.store.atomic import read_json
from corpusmith.store.fingerprint import hash_file, hash_json
from corpusmith.store.workspace import read_manifest
from corpusmith.train.stage import CLOCKED, TRAINING


def verify(run: Run) -> dict[str, Any]:
    """{"problems": [{check, where, problem}], "warnings": [the same], "counts": {stages, ...}}.

    Checks: `checksum`, `manifest`, `extra`, `conservation`, `join`, `decisions`, `rewritten`,
    `duplicates`, `tokens`, `summary`, `evaluation`, `readable`. A run is fine where there are no
    problems; a warning is what a killed process left, which nobody reads. Of a run that failed,
    what it made is checked. Raises InputError where the run or a stage was written by a newer
    version.
    """
    found = Findings()
    _ = run.summary["schema"]  # refuses a newer schema by name
    missing = [stage["name"] for stage in run.planned() if stage["name"] not in run.made]
    if missing and run.summary.get("status", "finished") == "finished":
        problem = f"the run finished, and yet it names no {', '.join(missing)}"
        found.problem("summary", run.folder / "summary.json", problem)
    for stage in run.stages():
        check_stage(run, stage, found)
    check_conservation(run, found)
    check_evaluation(run, found)
    return {
        "status": run.summary.get("status", "finished"),
        "problems": found.problems,
        "warnings": found.warnings,
        "counts": dict(found.counts),
    }


# --- files -------------------------------------------------------------------------------


def check_stage(run: Run, stage: dict[str, Any], found: Findings) -> None:
    """The manifest of a stage, and every file that it names."""
    folder = run.root / stage["folder"]
    if not (folder / "manifest.json").exists():
        found.problem("manifest", folder, "the result is not there, or not complete")
        return
    try:
        manifest = read_manifest(folder)
    except CorpusmithError as error:
        if not isinstance(error.__cause__, (OSError, ValueError)):
            raise  # a newer schema
        found.problem("manifest", folder, error.what)
        return
    found.counts["stages"] += 1
    if manifest.get("fingerprint") != stage["fingerprint"]:
        found.problem("manifest", folder, "the fingerprint is not the one in recipe.lock.yaml")
    if hash_json(manifest.get("ingredients")) != manifest.get("fingerprint"):
        found.problem("manifest", folder, "the fingerprint is not that of its ingredients")
    with found.reading(folder / "manifest.json"):
        for entry in manifest["parts"]:
            path = folder / "parts" / "main" / f"{entry['part']}.json"
            with found.reading(path):
                if read_json(path) != entry:
                    found.problem("manifest", path, "the part's entry is not the manifest's")
            for file in entry["files"].values():
                _check_file(folder, file, found)
        for file in manifest.get("files", []):
            _check_file(folder, file, found)
        check_extra(folder, manifest, found)
    for path in sorted((folder / "parts").glob("*/*.json")):
        if path.parent.name != "main":
            _check_round(folder, path, found)
    if (folder / TRAINING).exists():
        with found.reading(folder / TRAINING):
            for name, digest in read_json(folder / TRAINING)["files"].items():
                _check_digest(folder / name, digest, found)


def check_extra(folder: Path, manifest: dict[str, Any], found: Findings) -> None:
    """Files that nothing names: whoever reads `documents/*.parquet` would read them as well."""
    files = list(manifest.get("files", []))
    named = {"manifest.json"}
    for entry in manifest["parts"]:
        named.add(f"parts/main/{entry['part']}.json")
        files += entry["files"].values()
    for path in (folder / "parts").glob("*/*.json"):
        if path.parent.name != "main":
            named.add(path.relative_to(folder).as_posix())
            files += read_json(path)["files"].values()
    named |= {Path(file["path"]).as_posix() for file in files}
    if (folder / TRAINING).exists():
        named |= {*read_json(folder / TRAINING)["files"], *CLOCKED}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name in named or f"{name.partition('/')[0]}/" in named:
            continue
        if any(part.startswith(".") and part.endswith(".tmp") for part in Path(name).parts):
            found.warning("extra", path, "left by a process that was killed; it can be removed")
        else:
            found.problem("extra", path, "a file that the manifest does not name")


def _check_round(folder: Path, path: Path, found: Findings) -> None:
    """Files of an inner round; a folder that was cleared once nobody needed it is fine."""
    with found.reading(path):
        for file in read_json(path)["files"].values():
            if (folder / file["path"]).parent.exists():
                _check_file(folder, file, found)


def _check_file(folder: Path, file: dict[str, Any], found: Findings) -> None:
    path = folder / file["path"]
    try:
        actual = path.stat().st_size
    except OSError:
        found.problem("checksum", path, "the file is not there")
        return
    if actual != file["bytes"]:
        found.problem("checksum", path, f"{actual:,} bytes, {file['bytes']:,} were written")
        return
    _check_digest(path, file["xxh3_128"], found)


def _check_digest(path: Path, digest: str, found: Findings) -> None:
    with found.reading(path):
        if hash_file(path) != digest:
            found.problem("checksum", path, "its content is not what was written")
        found.counts["files"] += 1
        found.counts["bytes"] += path.stat().st_size


# --- the evaluation ----------------------------------------------------------------------


def check_evaluation(run: Run, found: Findings) -> None:
    """Bits per byte from the scores of each document: a ratio of sums."""
    if not run.has("evaluate"):
        return
    folder = run.stage("evaluate")
    with found.reading(folder):
        stored = read_json(folder / "summary.json")
        if "bits_per_byte" not in stored:
            return
        recomputed = bits_per_byte(folder / "documents.parquet")
        for name, value in (("summary.json", stored), ("the manifest", run.info("evaluate"))):
            if abs(value["bits_per_byte"] - recomputed) > 1e-9:
                found.problem(
                    "evaluation",
                    folder,
                    f"{name} says {value['bits_per_byte']} bits per byte, the documents' scores "
                    f"give {recomputed}",
                )


def render_verify(result: dict[str, Any]) -> list[str]:
    """Lines for a terminal."""
    counts = result["counts"]
    listed = [
        *(("", p) for p in result["problems"]),
        *(("warning: ", w) for w in result["warnings"]),
    ]
    lines = [
        f"{one['check']:<13} {one['where']}\n{'':<13} {word}{one['problem']}"
        for word, one in listed
    ]
    looked = (
        f"{counts.get('stages', 0):,} stages, {counts.get('files', 0):,} files "
        f"({counts.get('bytes', 0):,} bytes), {counts.get('documents', 0):,} documents, "
        f"{counts.get('decisions', 0):,} decisions, {counts.get('edits', 0):,} edits"
    )
    number = len(result["problems"])
    verdict = "fine: nothing lost, nothing changed"
    if number:
        verdict = "1 problem" if number == 1 else f"{number:,} problems"
    elif result["status"] != "finished":
        verdict = f"this run {ENDED[result['status']]}; what it made is {verdict}"
    return [*lines, f"looked at    {looked}", f"verdict      {verdict}"]
