"""Recipe + catalog -> stages, checked and fingerprinted, in the order in which they run.

    [fit.<step>]  ->  collect.<source>  ->  clean.<source>  ->  decide.<step> ...  ->  split
      ->  tokenizer  ->  tokens  ->  mix  ->  train  ->  evaluate

A stage's fingerprint is the hash of its kind and version, its parameters, the fingerprints of
its inputs (or the content of its files), and the versions of the libraries that shape it.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpusmith import catalog, schema, step_types, steps
from corpusmith import plan_checks as checks
from corpusmith.collect.files import FoundFile, list_files
from corpusmith.collect.readers import READERS, ReaderSpec
from corpusmith.errors import CorpusmithError, InputError, nearest, redacted
from corpusmith.plan_training import training_stages
from corpusmith.recipe import Recipe, Where
from corpusmith.store.fingerprint import FileHashes, hash_json, library_versions, relative_names
from corpusmith.store.workspace import Workspace, finished, user_key
from corpusmith.validate import check_secrets, validate


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

    @property
    def kernels(self) -> tuple[str, ...]:
        """What compiles the kernels that its stages use; see `catalog.KERNELS`."""
        segmenters = sorted({name for step in self.steps.passes for name in step.segmenters()})
        more = (k for name in segmenters for k in catalog.SEGMENTER_KERNELS.get(name, ()))
        return (*catalog.KERNELS, *more)

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
        self.vocab_size: int | None = None  # of a tokenizer that is there already

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
            params = validate(self.recipe, spec.params, given, where, f"reader {read!r}")
            paths = params["path"] if isinstance(params["path"], list) else [params["path"]]
            identity = {**params, "source": source, "read": read}
            identity.pop("path")
            params = {
                **params,
                "source": source,
                "read": read,
                "path": [str(self.recipe.resolve(p)) for p in paths],
            }
            files = self._files(params["path"], spec, (*where, "path"))
            listed = [[file.uri, file.error or self._content(Path(file.path))] for file in files]
            libraries = ("trafilatura",) if params.get("extract") == "trafilatura" else ()
            made = self.add(
                f"collect.{source}",
                "collect",
                params,
                identity=identity,
                extra={"files": hash_json(listed), "file_count": len(listed)},
                libraries=libraries,
            )
            if not made.cached:
                checks.at(self.recipe, (*where, "read"), checks.reader_installed, spec, params)

    def _files(self, paths: list[str], spec: ReaderSpec, where: Where) -> Sequence[FoundFile]:
        """The files of a source, at least one; its errors name the path that is to blame."""
        try:
            files = list_files(paths, spec.extensions).files
        except CorpusmithError as error:
            for index, path in enumerate(paths):
                if (*where, index) in self.recipe.positions:
                    checks.at(self.recipe, (*where, index), list_files, path, spec.extensions)
            raise self.recipe.error(
                where, error.what, expected=error.expected, hint=error.hint
            ) from error
        secret = any(place[: len(where)] == where for place in self.recipe.templates)
        shown = [file.uri for file in files if secret and redacted(file.uri) != file.uri]
        if shown:
            raise self.recipe.error(
                where,
                "the documents' uris would show a value from the environment: "
                f"{redacted(shown[0])}",
                expected="${env:NAME} only in front of the folder to which uris are relative: the "
                "path up to its first wildcard",
                hint="name a folder above, or write that part of the path itself",
            )
        return files

    def _content(self, path: Path) -> str:
        try:
            return self.hashes.hash(path)
        except InputError:
            # The reader puts it in quarantine; here it only must not look like another file.
            return "unreadable"

    def fit(self, built: steps.CleanSteps) -> None:
        """First of all stages: a file that an operation can't learn from fails at once."""
        for step in built.passes:
            if step.operation.fit is not None:
                self._fit(step)

    def clean(self, built: steps.CleanSteps) -> None:
        files = sorted({s.address.rpartition(":")[0] for s in built.passes if ".py:" in s.address})
        users = {Path(path).name: self.hashes.hash(Path(path)) for path in files}
        specs = [step.spec() for step in built.passes]
        extra: dict[str, Any] = {"users": users}
        if any(step.operation.locate is not None for step in built.passes):
            self.secret = user_key()
            extra["key"] = hash_json(self.secret.hex())
        libraries = tuple(sorted({n for s in built.passes for n in s.operation.libraries}))
        fits = tuple(name for name in self.stages if name.startswith("fit."))
        for source in self.recipe.values["sources"]:
            identity = {"steps": [step.identity() for step in built.passes]}
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
        where: Where = (*step.where, step.operation.fit_files)
        paths: list[Path] = []
        for index, pattern in enumerate(patterns if isinstance(patterns, list) else [patterns]):
            path = self.recipe.resolve(pattern)
            anchor = Path(path.anchor)
            found = sorted(p for p in anchor.glob(str(path.relative_to(anchor))) if p.is_file())
            if not found:
                raise self.recipe.error(
                    (*where, index) if isinstance(patterns, list) else where,
                    f"no file matches {pattern}",
                    expected="at least one file",
                    hint=f"ls {pattern}",
                )
            paths += found
        names = relative_names(paths)
        made = self.add(
            f"fit.{step.name}",
            "fit",
            {"op": step.address, "params": step.spec()["params"], "paths": [str(p) for p in paths]},
            identity={n: step.identity()[n] for n in ("op", "params")},
            extra={
                "version": step.operation.version,
                "files": [[n, self.hashes.hash(p)] for n, p in zip(names, paths, strict=True)],
            },
            libraries=step.operation.libraries,
        )
        if not made.cached and step.operation.check is not None:
            checks.at(self.recipe, where, step.operation.check, paths)

    def decide(self, built: steps.CleanSteps) -> tuple[str, ...]:
        cleaned = tuple(n for n in self.stages if n.startswith("clean."))
        earlier: list[str] = []
        for step in built.decides:
            columns = step.columns()
            shared = {
                "columns": columns,
                "sources": list(self.recipe.values["sources"]),
                "after": list(earlier),
            }
            params = {**step.params, **shared}
            identity = {**(step.public or step.params), **shared}
            extra: dict[str, Any] = {}
            if step.kind == "decide":
                for told in (params, identity):
                    told["steps"] = [{**s, "columns": columns} for s in told["steps"]]
                users = [s["op"] for s in params["steps"] if "op" in s]
                if users:
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


def _unicode_version() -> str:
    return unicodedata.unidata_version


def secret_places(recipe: Recipe) -> list[Where]:
    """Where outside of `clean:` values of the environment may stand: they only name files."""
    found: list[Where] = [("sources", name, "path") for name in recipe.values["sources"]]
    return [*found, ("tokenize", "load"), ("train", "model")]


def make(recipe: Recipe, workspace: Workspace) -> Plan:
    """Check the whole recipe and plan its stages; raises before anything runs."""
    built = steps.build(recipe)
    check_secrets(recipe, [*secret_places(recipe), *step_types.secret_places(built)])
    cache = workspace.root / "hashes.sqlite"
    with FileHashes(cache) as hashes:
        maker = Maker(recipe, workspace, hashes)
        maker.fit(built)
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
