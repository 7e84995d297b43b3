"""Recipe + catalog -> stages, checked and fingerprinted, in the order in which they run.

    collect.<source>  ->  [fit.<step>]  ->  clean.<source>  ->  decide.<step> ...  ->  split
      ->  tokenizer  ->  tokens  ->  mix  ->  train  ->  evaluate

A stage's fingerprint is the hash of its kind and version, its parameters, the fingerprints of
its inputs (or the content of its files), and the versions of the libraries that shape it.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from pathlib import Path
from typing import Any

from corpusmith import catalog, schema, steps
from corpusmith.collect.files import list_files
from corpusmith.collect.readers import READERS
from corpusmith.errors import CorpusmithError, InputError, nearest
from corpusmith.plan_training import training_stages
from corpusmith.recipe import Recipe
from corpusmith.store.fingerprint import FileHashes, hash_json, library_versions
from corpusmith.store.workspace import Workspace, finished, user_key


@dataclasses.dataclass
class Stage:
    """One result to make: what, from what, and where it goes."""

    name: str
    kind: str  # key of catalog.STAGES
    top: str  # store, tokens, models
    params: dict[str, Any]
    inputs: tuple[str, ...]  # names of stages
    ingredients: dict[str, Any]  # everything the fingerprint is made of
    fingerprint: str
    folder: Path

    @property
    def entry(self) -> str:
        return catalog.STAGES[self.kind][0]

    @property
    def cached(self) -> bool:
        return finished(self.folder, self.fingerprint)


@dataclasses.dataclass
class Plan:
    recipe: Recipe
    workspace: Workspace
    stages: list[Stage]
    steps: steps.CleanSteps
    sources: tuple[str, ...]
    secret: bytes

    @property
    def fingerprint(self) -> str:
        """Of everything that would be made: that of a run."""
        return hash_json([stage.fingerprint for stage in self.stages])

    def stage(self, name: str) -> Stage:
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    def until(self, name: str) -> Plan:
        """The plan up to a stage (`clean` and `collect` mean those of all sources)."""
        places = [i for i, s in enumerate(self.stages) if name in stage_words(s.name)]
        if not places:
            known = {word for s in self.stages for word in stage_words(s.name)}
            raise InputError(f"no step {name!r} to stop at", expected=nearest(name, known))
        return dataclasses.replace(self, stages=self.stages[: max(places) + 1])


def stage_words(name: str) -> set[str]:
    """What a stage may be called: `decide.gopher`, `gopher` or `decide`."""
    head, _, tail = name.partition(".")
    return {name, head, tail} - {""}


class Maker:
    """Adds stages one by one, each fingerprinted from what it is made of."""

    def __init__(self, recipe: Recipe, workspace: Workspace, hashes: FileHashes) -> None:
        self.recipe = recipe
        self.workspace = workspace
        self.hashes = hashes
        self.stages: dict[str, Stage] = {}
        self.secret = b""

    def add(
        self,
        name: str,
        kind: str,
        params: dict[str, Any],
        inputs: tuple[str, ...] = (),
        *,
        top: str = "store",
        identity: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        libraries: tuple[str, ...] = (),
    ) -> Stage:
        """`identity` replaces `params` in the fingerprint where these hold absolute paths."""
        _, version, shaping = catalog.STAGES[kind]
        names = [n for n in (*shaping, *libraries, *catalog.SHARED_LIBRARIES) if "schema" not in n]
        ingredients = {
            "kind": kind,
            "name": name,
            "version": version,
            "schema": schema.SCHEMA_VERSION,
            "params": params if identity is None else identity,
            "inputs": {n: self.stages[n].fingerprint for n in inputs},
            "libraries": library_versions(names),
            "seed": self.recipe.seed,
            **(extra or {}),
        }
        fingerprint = hash_json(ingredients)
        folder = self.workspace.stage_folder(top, name, fingerprint)
        stage = Stage(name, kind, top, params, inputs, ingredients, fingerprint, folder)
        self.stages[name] = stage
        return stage

    # --- the stages, in order ------------------------------------------------------------

    def collect(self) -> None:
        for source, raw in self.recipe.values["sources"].items():
            where = ("sources", source)
            read = raw["read"]
            if not isinstance(read, str) or read not in READERS:
                raise self.recipe.error(
                    (*where, "read"), f"no reader {read!r}", expected=nearest(str(read), READERS)
                )
            spec = READERS[read]
            given = {key: value for key, value in raw.items() if key != "read"}
            if "max_document" in self.recipe.values:
                given.setdefault("max_document_bytes", self.recipe.values["max_document"])
            params = steps.validate(self.recipe, spec.params, given, where, f"reader {read!r}")
            paths = params["path"] if isinstance(params["path"], list) else [params["path"]]
            identity = {**params, "source": source, "read": read}
            identity.pop("path")
            params = {
                **params,
                "source": source,
                "read": read,
                "path": [str(self.recipe.resolve(p)) for p in paths],
            }
            try:
                files = list_files(params["path"], spec.extensions).files
            except CorpusmithError as error:
                raise self.recipe.error(
                    (*where, "path"), error.what, expected=error.expected, hint=error.hint
                ) from error
            if not files:
                raise self.recipe.error(
                    (*where, "path"),
                    f"no file matches {', '.join(paths)}",
                    expected=f"at least one file for source {source!r}",
                    hint=f"ls {paths[0]}",
                )
            listed = [[file.uri, file.error or self._content(Path(file.path))] for file in files]
            libraries = ("trafilatura",) if params.get("extract") == "trafilatura" else ()
            self.add(
                f"collect.{source}",
                "collect",
                params,
                identity=identity,
                extra={"files": hash_json(listed), "file_count": len(listed)},
                libraries=libraries,
            )

    def _content(self, path: Path) -> str:
        try:
            return self.hashes.hash(path)
        except InputError:
            # The reader puts it in quarantine; here it only must not look like another file.
            return "unreadable"

    def clean(self, built: steps.CleanSteps) -> None:
        for step in built.passes:
            if step.operation.fit is not None:
                self._fit(step)
        files = sorted({s.address.rpartition(":")[0] for s in built.passes if ".py:" in s.address})
        users = {Path(path).name: self.hashes.hash(Path(path)) for path in files}
        specs = [step.spec() for step in built.passes]
        extra: dict[str, Any] = {"users": users}
        if any(step.operation.redact is not None for step in built.passes):
            self.secret = user_key()
            extra["key"] = hash_json(self.secret.hex())
        libraries = tuple(sorted({n for s in built.passes for n in s.operation.libraries}))
        fits = tuple(name for name in self.stages if name.startswith("fit."))
        for source in self.recipe.values["sources"]:
            identity = {"steps": [{**s, "op": _portable(s["op"])} for s in specs]}
            self.add(
                f"clean.{source}",
                "clean",
                {"steps": specs},
                (f"collect.{source}", *fits),
                identity=identity,
                extra={**extra, "python": _unicode_version()},
                libraries=libraries,
            )

    def _fit(self, step: steps.PassStep) -> None:
        patterns = step.params[step.operation.fit_files]
        listed = patterns if isinstance(patterns, list) else [patterns]
        paths: list[Path] = []
        for pattern in listed:
            path = self.recipe.resolve(pattern)
            anchor = Path(path.anchor)
            found = sorted(p for p in anchor.glob(str(path.relative_to(anchor))) if p.is_file())
            if not found:
                raise self.recipe.error(
                    step.where, f"no file matches {pattern}", expected="at least one file"
                )
            paths += found
        self.add(
            f"fit.{step.name}",
            "fit",
            {"op": step.address, "params": step.spec()["params"], "paths": [str(p) for p in paths]},
            identity={"op": _portable(step.address), "params": step.spec()["params"]},
            extra={
                "version": step.operation.version,
                "files": [[p.name, self.hashes.hash(p)] for p in paths],
            },
            libraries=step.operation.libraries,
        )

    def decide(self, built: steps.CleanSteps) -> tuple[str, ...]:
        cleaned = tuple(n for n in self.stages if n.startswith("clean."))
        earlier: list[str] = []
        for step in built.decides:
            columns = step.columns()
            params = {
                **step.params,
                "columns": columns,
                "sources": list(self.recipe.values["sources"]),
                "after": list(earlier),
            }
            extra: dict[str, Any] = {}
            identity = None
            if step.kind == "decide":
                given = step.params["steps"]
                params["steps"] = [{**s, "columns": columns} for s in given]
                users = [s["op"] for s in given if "op" in s]
                if users:
                    portable = [{**s, "op": _portable(s["op"])} for s in params["steps"]]
                    identity = {**params, "steps": portable}
                    extra["users"] = [self.hashes.hash(Path(u.rpartition(":")[0])) for u in users]
            stage = self.add(
                f"decide.{step.name}",
                step.kind,
                params,
                (*cleaned, *earlier),
                identity=identity,
                extra=extra,
            )
            earlier.append(stage.name)
        return tuple(earlier)


def _portable(address: str) -> str:
    """A user's operation by the name of its file: a moved recipe is the same recipe."""
    location, _, name = address.rpartition(":")
    return f"{Path(location).name}:{name}" if location.endswith(".py") else address


def _unicode_version() -> str:
    return unicodedata.unidata_version


def make(recipe: Recipe, workspace: Workspace) -> Plan:
    """Check the whole recipe and plan its stages; raises before anything runs."""
    built = steps.build(recipe)
    cache = workspace.root / "hashes.sqlite"
    with FileHashes(cache) as hashes:
        maker = Maker(recipe, workspace, hashes)
        maker.collect()
        maker.clean(built)
        decided = maker.decide(built)
        training_stages(maker, built, decided)
    return Plan(
        recipe=recipe,
        workspace=workspace,
        stages=list(maker.stages.values()),
        steps=built,
        sources=tuple(recipe.values["sources"]),
        secret=maker.secret,
    )
