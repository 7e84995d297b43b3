"""The first part of a plan: `collect.<source>`, and `snapshot.<source>` before it where the source
depends on the world."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpusmith import plan_checks as checks
from corpusmith.collect import snapshot
from corpusmith.collect.files import FoundFile, list_files
from corpusmith.collect.readers import READERS, ReaderSpec
from corpusmith.collect.tasks.files import task_files
from corpusmith.collect.world import WORLD, WorldSpec
from corpusmith.errors import CorpusmithError, InputError, MissingExtraError, nearest, redacted
from corpusmith.recipe import Recipe, Where
from corpusmith.store.fingerprint import hash_json
from corpusmith.validate import validate

if TYPE_CHECKING:
    from corpusmith.plan import Maker, Stage


def source_stages(maker: Maker) -> None:
    """The stages of every source, in the recipe's order."""
    sources = maker.recipe.values["sources"]
    worldly = [s for s, raw in sources.items() if raw["read"] in (*WORLD,)]
    for name in maker.refresh:
        if name not in worldly:
            raise InputError(
                f"--refresh {name}: "
                + ("its files are looked at in every run" if name in sources else "no such source"),
                expected=nearest(name, worldly)
                if worldly
                else f"a source of the world (read: {', '.join(WORLD)}); the recipe has none",
            )
    for source, raw in sources.items():
        read = raw["read"]
        if isinstance(read, str) and read in WORLD:
            _world(maker, source, WORLD[read])
        elif isinstance(read, str) and read in READERS:
            _local(maker, source, READERS[read])
        else:
            raise maker.recipe.error(
                ("sources", source, "read"),
                f"no reader {read!r}",
                expected=nearest(str(read), [*READERS, *WORLD]),
            )


def _given(maker: Maker, source: str) -> dict[str, Any]:
    values = maker.recipe.values
    given = {key: value for key, value in values["sources"][source].items() if key != "read"}
    if "max_document" in values:
        given.setdefault("max_document_bytes", values["max_document"])
    return given


# --- local files -------------------------------------------------------------------------


def _local(maker: Maker, source: str, spec: ReaderSpec) -> None:
    recipe = maker.recipe
    where: Where = ("sources", source)
    read = recipe.values["sources"][source]["read"]
    params = validate(recipe, spec.params, _given(maker, source), where, f"reader {read!r}")
    paths = params["path"] if isinstance(params["path"], list) else [params["path"]]
    identity = {**params, "source": source, "read": read}
    identity.pop("path")
    params = {
        **params,
        "source": source,
        "read": read,
        "path": [str(recipe.resolve(p)) for p in paths],
    }
    files = _files(maker, params["path"], spec, (*where, "path"))
    if spec.unit == "tasks":
        model = spec.params.model_validate({key: params[key] for key in spec.params.model_fields})
        checks.at(recipe, (*where, "path"), task_files, files, model)
    listed = [[file.uri, file.error or _content(maker, Path(file.path))] for file in files]
    _collect(
        maker,
        params,
        spec,
        identity=identity,
        extra={"files": hash_json(listed), "file_count": len(listed)},
    )


def _collect(maker: Maker, params: dict[str, Any], spec: ReaderSpec, **more: Any) -> None:
    source = params["source"]
    libraries = spec.libraries
    if params.get("extract") == "trafilatura":
        libraries += ("trafilatura",)
    made = maker.add(f"collect.{source}", "collect", params, libraries=libraries, **more)
    if not made.cached:
        where = ("sources", source, "read")
        checks.at(maker.recipe, where, checks.reader_installed, spec, params)


def _files(maker: Maker, paths: list[str], spec: ReaderSpec, where: Where) -> Sequence[FoundFile]:
    """The files of a source, at least one; its errors name the path that is to blame."""
    recipe = maker.recipe
    try:
        files = list_files(paths, spec.extensions).files
    except CorpusmithError as error:
        for index, path in enumerate(paths):
            if (*where, index) in recipe.positions:
                checks.at(recipe, (*where, index), list_files, path, spec.extensions)
        raise recipe.error(where, error.what, expected=error.expected, hint=error.hint) from error
    secret = any(place[: len(where)] == where for place in recipe.templates)
    shown = [file.uri for file in files if secret and redacted(file.uri) != file.uri]
    if shown:
        raise recipe.error(
            where,
            f"the documents' uris would show a value from the environment: {redacted(shown[0])}",
            expected="${env:NAME} only in front of the folder to which uris are relative: the "
            "path up to its first wildcard",
            hint="name a folder above, or write that part of the path itself",
        )
    return files


def _content(maker: Maker, path: Path) -> str:
    try:
        return maker.hashes.hash(path)
    except InputError:
        # The reader puts it in quarantine; here it only must not look like another file.
        return "unreadable"


# --- the world ---------------------------------------------------------------------------


def _world(maker: Maker, source: str, spec: WorldSpec) -> None:
    recipe = maker.recipe
    where: Where = ("sources", source)
    read = recipe.values["sources"][source]["read"]
    fields = spec.params.model_fields
    given = _given(maker, source)
    told = {key: value for key, value in given.items() if key in fields}
    rest = {key: value for key, value in given.items() if key not in fields}
    what = f"source {read!r}"
    params = validate(recipe, spec.params, told, where, what)
    reader = spec.reader(params)
    model = READERS[reader].params
    for key in rest:
        if key == "path" or key not in model.model_fields:
            raise recipe.error(
                (*where, key),
                f"{what} has no key {key!r}",
                expected=nearest(key, {*fields, *model.model_fields} - {"path"}),
                key=True,
            )
    made = _snapshot(maker, source, read, spec, params)
    reading = validate(recipe, model, {**rest, "path": "data"}, where, what)
    reading = {**reading, "source": source, "read": reader}
    identity = {key: value for key, value in reading.items() if key != "path"}
    reading["path"] = [str(made.folder / "data")]
    _collect(maker, reading, READERS[reader], inputs=(made.name,), identity=identity)


def _snapshot(
    maker: Maker, source: str, read: str, spec: WorldSpec, params: dict[str, Any]
) -> Stage:
    """The last finished snapshot, or the one to be fetched: its number is raised by --refresh."""
    recipe = maker.recipe
    kept = {key: value for key, value in params.items() if key not in spec.secrets}
    base = {"read": read, "version": spec.version, "source": source, "params": kept}
    hashed = hash_json(base)
    last = snapshot.newest(maker.workspace.root / "store", source, hashed)
    again = source in maker.refresh
    number = 0 if last is None else last[0] + again
    stage = maker.add(
        f"snapshot.{source}",
        "snapshot",
        {
            "function": spec.function,
            "model": f"{spec.params.__module__}:{spec.params.__qualname__}",
            "extra": spec.extra,
            "params": {
                key: _resolved(recipe, value) if key in spec.paths else value
                for key, value in params.items()
            },
            "previous": str(last[1]) if last is not None and again else "",
        },
        identity=base,
        extra={"base": hashed, "refresh": number},
        fixed=True,
    )
    if stage.cached:
        stage.content = snapshot.content(stage.folder)
    else:
        checks.at(recipe, ("sources", source, "read"), _installed, spec)
    return stage


_ADDRESS = re.compile(r"[\w.-]+@[\w.-]+:|[a-z][a-z0-9+.-]+::", re.IGNORECASE)


def _resolved(recipe: Recipe, value: Any) -> Any:
    """A local path, or each of a list, from the recipe's folder; URLs and other addresses (scp's
    `user@host:path`) as they are."""
    if isinstance(value, list):
        return [_resolved(recipe, each) for each in value]
    if not value or "://" in value:
        return value
    path = recipe.resolve(value)
    return value if _ADDRESS.match(value) and not path.exists() else str(path)


def _installed(spec: WorldSpec) -> None:
    for name in spec.modules:
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(name, spec.extra)
