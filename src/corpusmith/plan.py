"""Recipe + catalog -> stages, checked and fingerprinted, in the order in which they run.

    [fit.<step>]  ->  [snapshot.<source>]  ->  collect.<source>  ->  clean.<source>
      ->  decide.<step> ...  ->  split  ->  tokenizer  ->  tokens  ->  mix  ->  train  ->  evaluate

A stage's fingerprint is the hash of its kind and version, its parameters, the fingerprints of
its inputs (or the content of its files), and the versions of the libraries that shape it. Of a
snapshot what stands behind it has the content in its own: while that is not fetched, the
fingerprints behind it are provisional, and the runner plans again once it is there.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Any

from corpusmith import catalog, schema, step_types, steps
from corpusmith import plan_checks as checks
from corpusmith.collect.readers import READERS
from corpusmith.collect.world import WORLD
from corpusmith.errors import InputError, nearest
from corpusmith.kernels.sources import needed
from corpusmith.plan_sources import source_stages
from corpusmith.plan_training import training_stages
from corpusmith.recipe import Recipe, Where
from corpusmith.store.fingerprint import FileHashes, hash_json, library_versions, relative_names
from corpusmith.store.workspace import Workspace, finished, user_key
from corpusmith.validate import check_secrets


def _reads_pages(read: str) -> bool:
    """Whether a source may hold HTML; PDF and the like take the same parameters and hold none."""
    spec = READERS.get(read)
    return spec is None or spec.unit == "warc" or ".html" in spec.extensions


ALONE = ("snapshot", "train", "evaluate")
"""Kinds of stages that run in a process of their own, not in the workers."""


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
    content: str = ""  # of a snapshot that is there: the hash of what was fetched
    provisional: bool = False  # it stands behind a snapshot that is not there yet

    @property
    def entry(self) -> str:
        return catalog.STAGES[self.kind][0]

    @property
    def cached(self) -> bool:
        return finished(self.folder, self.fingerprint)

    @property
    def missing(self) -> bool:
        """Whether it is a snapshot that has to be fetched."""
        return self.kind == "snapshot" and not self.cached


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
    def code(self) -> list[str]:
        """Addresses of what the workers run for stages that are still to be made."""
        found: list[str] = []
        for stage in self.stages:
            if stage.cached or stage.kind in ALONE:
                continue
            found.append(stage.entry)
            if stage.kind == "clean":
                found += [step.address for step in self.steps.passes]
            elif stage.kind == "fit":
                found.append(stage.params["op"])
            elif stage.kind == "collect" and stage.params["read"] in READERS:
                found.append(READERS[stage.params["read"]].function)
        return list(dict.fromkeys(found))

    @property
    def kernels(self) -> list[str]:
        """What compiles the kernels that this code comes to; see `catalog.KERNELS`."""
        found = needed(catalog.KERNELS, self.code)
        if any(stage.kind == "clean" and not stage.cached for stage in self.stages):
            names = sorted({name for step in self.steps.passes for name in step.segmenters()})
            found += [k for name in names for k in catalog.SEGMENTER_KERNELS.get(name, ())]
        waiting = [stage for stage in self.stages if stage.kind == "collect" and not stage.cached]
        engines = {s.params.get("extract") for s in waiting if _reads_pages(s.params["read"])}
        return found + [k for name, k in catalog.EXTRACTION_KERNELS.items() if name in engines]

    @property
    def modules(self) -> list[str]:
        """The modules of this code that are ours."""
        names = [address.partition(":")[0] for address in self.code]
        return sorted({name for name in names if name.startswith("corpusmith.")})

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


WORKPLACE = ("libraries", "seed", "schema")
"""Ingredients that tell nothing of what was fetched."""


class Maker:
    """Adds stages one by one, each fingerprinted from what it is made of."""

    def __init__(
        self,
        recipe: Recipe,
        workspace: Workspace,
        hashes: FileHashes,
        refresh: Collection[str] = (),
    ) -> None:
        self.recipe = recipe
        self.workspace = workspace
        self.refresh = refresh
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
        fixed: bool = False,
    ) -> Stage:
        """`identity` replaces `params` in the fingerprint where these hold absolute paths.

        `fixed`: a snapshot stays whatever libraries and schema are installed later, and has no
        draws; `base` in its `extra` stands for all that makes another one.
        """
        _, version, shaping = catalog.STAGES[kind]
        names = [n for n in (*shaping, *libraries, *catalog.SHARED_LIBRARIES) if "schema" not in n]
        ingredients = {
            "kind": kind,
            "name": name,
            "version": version,
            "schema": schema.SCHEMA_VERSION,
            "params": params if identity is None else identity,
            "inputs": {n: self.stages[n].content or self.stages[n].fingerprint for n in inputs},
            "libraries": library_versions(names),
            "seed": self.recipe.seed,
            **(extra or {}),
        }
        if fixed:
            ingredients = {k: v for k, v in ingredients.items() if k not in WORKPLACE}
        fingerprint = hash_json(ingredients)
        folder = self.workspace.stage_folder(top, name, fingerprint)
        stage = Stage(name, kind, top, params, inputs, ingredients, fingerprint, folder)
        before = [self.stages[n] for n in inputs]
        stage.provisional = any(s.missing or s.provisional for s in before)
        self.stages[name] = stage
        return stage

    # --- the stages, in order ------------------------------------------------------------

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
    found: list[Where] = []
    for name, source in recipe.values["sources"].items():
        world = WORLD.get(source["read"]) if isinstance(source["read"], str) else None
        found += [("sources", name, key) for key in (world.secrets if world else ("path",))]
    return [*found, ("tokenize", "load"), ("train", "model")]


def make(recipe: Recipe, workspace: Workspace, *, refresh: Collection[str] = ()) -> Plan:
    """Check the whole recipe and plan its stages; raises before anything runs.

    `refresh`: sources of the world of which a new snapshot is wanted.
    """
    built = steps.build(recipe)
    check_secrets(recipe, [*secret_places(recipe), *step_types.secret_places(built)])
    cache = workspace.root / "hashes.sqlite"
    with FileHashes(cache) as hashes:
        maker = Maker(recipe, workspace, hashes, refresh)
        maker.fit(built)
        source_stages(maker)
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
