"""`read: git`: repositories and archives at a revision, as tables of files.

What a branch or a tag points to is resolved once and kept in `state/`, so a fetch that is killed
goes on with the same commit; `--refresh` resolves it anew.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corpusmith.collect.git import archives, commands
from corpusmith.collect.git.params import GitParams
from corpusmith.collect.git.tables import File, write_table
from corpusmith.collect.linguist import pattern_of
from corpusmith.collect.world import Job
from corpusmith.errors import InputError
from corpusmith.store.atomic import read_json, write_json

_URL = re.compile(r"(?:https?|ssh|file)://.+", re.IGNORECASE)
_LINK, _SUBMODULE = "120000", "160000"


def fetch(params: GitParams, job: Job) -> dict[str, Any]:
    """{"repositories": [{"name", "repository", "commit", "files", "bytes", "left_out"}]}"""
    given = params.repository if isinstance(params.repository, list) else [params.repository]
    names = [name_of(place) for place in given]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(
            f"two repositories are called {repeated[0]!r}: their files would have the same URIs",
            hint="give each a source of its own, or rename a folder",
        )
    figures = []
    for number, (place, name) in enumerate(zip(given, names, strict=True)):
        target = job.data / f"{number:02d}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[-80:]}"
        done = job.state / f"{target.name}.done.json"
        if not done.exists():
            write_json(done, _fetch_one(place, name, target, params, job))
        figures.append(read_json(done))
        job.progress((number + 1) / len(given), f"{number + 1} repositories")
    return {"repositories": figures}


def name_of(place: str) -> str:
    """What the URIs of a repository's files begin with.

    >>> name_of("https://example.org/owner/name.git"), name_of("/home/me/src/name/")
    ('example.org/owner/name', 'name')
    """
    if _URL.fullmatch(place):
        parts = urlsplit(place)
        if parts.username is not None and parts.scheme.lower() != "ssh":
            raise InputError(
                "a URL with a user name or a password in it",
                expected="the URL alone",
                hint="put the token into `token: ${env:NAME}`",
            )
        bare = f"{parts.hostname or ''}/{parts.path.strip('/')}".strip("/").removesuffix(".git")
        return bare if parts.hostname else bare.rpartition("/")[2]
    if (
        re.match(r"[a-z][a-z0-9+.-]*::?|[\w.-]+@", place, re.IGNORECASE)
        and not Path(place).exists()
    ):
        if match := re.fullmatch(r"((?:[\w.-]+@)?[\w.-]+):([^/:].*)", place):
            raise InputError(
                f"{place!r} is a short form that is not read here",
                expected="a folder, an archive, or a URL with https://, ssh:// or file://",
                hint=f"ssh://{match[1]}/{match[2]}",
            )
        raise InputError(
            f"{place!r} is no address that is fetched from",
            expected="a folder, an archive, or a URL with https://, ssh:// or file://",
        )
    return archives.stem(Path(place).resolve().name)


def _fetch_one(place: str, name: str, target: Path, params: GitParams, job: Job) -> dict[str, Any]:
    left_out: Counter[str] = Counter()
    wanted = _Wanted(params)
    described: dict[str, Any] = {"name": name, "repository": place}
    if not _URL.fullmatch(place) and Path(place).is_file():
        with archives.opened(Path(place), params.max_file_bytes) as archive:
            described |= {"commit": archive.commit, "created": None, "archive": True}
            described["repository"] = Path(place).name
            counts = write_table(target, described, archive.files(wanted, left_out))
        return {**described, **counts, "left_out": dict(sorted(left_out.items()))}
    folder = _folder(place, target.name, params, job)
    pin = job.state / f"{target.name}.pin.json"
    if not pin.exists():
        reference = "FETCH_PIN" if _URL.fullmatch(place) else params.revision
        write_json(pin, {"commit": _resolved(folder, reference, params.revision)})
    commit = read_json(pin)["commit"]
    created = commands.run(folder, "log", "-1", "--format=%aI", commit, "--").strip()
    if not _URL.fullmatch(place):
        # A folder of this machine is nobody's address; the remote that it came from is one.
        described["repository"] = _origin(folder) or name
    described |= {"commit": commit, "created": created}
    files = _files(folder, commit, created, params, wanted, left_out, job)
    counts = write_table(target, described, files)
    if folder.parent == job.state:
        shutil.rmtree(folder)
    return {**described, **counts, "left_out": dict(sorted(left_out.items()))}


class _Wanted:
    """Whether a path is asked for by `include` and `exclude`."""

    def __init__(self, params: GitParams) -> None:
        self._include = [pattern_of("", p) for p in params.include or ()]
        self._exclude = [pattern_of("", p) for p in params.exclude]

    def __call__(self, path: str) -> bool:
        inside = not self._include or any(p.fullmatch(path) for p in self._include)
        return inside and not any(p.fullmatch(path) for p in self._exclude)


def _folder(place: str, name: str, params: GitParams, job: Job) -> Path:
    """The git folder of a repository; of a URL, a bare one in `state/` with what is needed."""
    if params.revision.startswith("-"):
        raise InputError(f"{params.revision!r} is no revision", expected="a branch, tag or commit")
    if not _URL.fullmatch(place):
        path = Path(place)
        for folder in (path / ".git", path):
            if folder.is_file() or (folder / "HEAD").is_file():
                return folder
        raise InputError(
            f"{place} is no repository",
            expected="a folder with .git, a bare repository, a tar or zip archive, or a URL",
            hint="`read: code` reads a plain folder",
        )
    folder = job.state / f"{name}.git"
    if not (folder / "fetched").exists():
        shutil.rmtree(folder, ignore_errors=True)  # of a killed fetch: git can't go on inside one
        commands.run(None, "init", "--quiet", "--bare", "--template=", str(folder))
        depth = ["--depth=1"] if params.dates == "commit" else []
        job.progress(0.0, f"fetching {name}")
        try:
            commands.run(
                folder,
                *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *depth),
                *("--", place, f"+{params.revision}:refs/corpusmith/pin"),
                token=params.token,
            )
        except InputError as error:
            if "No space left" in error.what:
                raise InputError(
                    f"{place}: {error.what}",
                    where=str(folder),
                    hint="free some space and run the same command again",
                ) from None
            raise InputError(
                f"{place}: {error.what}",
                expected=f"a repository at this address that has {params.revision!r}: a branch, a "
                "tag or a whole commit id",
                hint="try the address with `git ls-remote`; a private one needs `token:`",
            ) from None
        (folder / "fetched").touch()
    return folder


def _resolved(folder: Path, reference: str, revision: str) -> str:
    name = "refs/corpusmith/pin" if reference == "FETCH_PIN" else reference
    try:
        return commands.run(
            folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"
        ).strip()
    except InputError:
        if not commands.run(folder, "rev-list", "-n", "1", "--all").strip():
            raise InputError(f"{folder}: there is no commit in this repository yet") from None
        raise InputError(
            f"there is no revision {revision!r}",
            expected="a branch, a tag or a commit of the repository",
            hint=f"git -C {folder} branch --all",
        ) from None


def _origin(folder: Path) -> str:
    try:
        url = commands.run(folder, "config", "--local", "--get", "remote.origin.url").strip()
    except InputError:
        return ""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ssh") and parts.hostname:
        return (
            f"{parts.scheme}://{parts.hostname}{parts.path}"  # without what it may hold of secrets
        )
    return ""


def _files(
    folder: Path,
    commit: str,
    created: str,
    params: GitParams,
    wanted: _Wanted,
    left_out: Counter[str],
    job: Job,
) -> Iterator[File]:
    """The files of a commit, in git's order of paths."""
    entries = []
    for mode, kind, blob, size, raw in _tree(folder, commit):
        path = _text(raw)
        if mode in (_LINK, _SUBMODULE) or kind != "blob":
            left_out["link" if mode == _LINK else "submodule"] += 1
        elif not wanted(path):
            left_out["not_included"] += 1
        else:
            entries.append((path, raw, mode, blob, size))
    changes = _changes(folder, commit, {e[1] for e in entries}) if params.dates == "file" else {}
    with commands.Blobs(folder) as blobs:
        for number, (path, raw, mode, blob, size) in enumerate(entries):
            changed, date = changes.get(raw, (commit, created))
            content, error = None, None
            if size > params.max_file_bytes:
                error = f"too_large: {size} bytes, over the limit of {params.max_file_bytes} "
                error += "(max_file_bytes)"
            else:
                content = blobs.read(blob)
                if content is None:
                    error = "unreadable: the repository lacks its content (a partial clone?)"
            yield File(path, content, size, blob, mode, changed, date, error)
            if number % 1000 == 0:
                job.progress(0.0, f"{number:,} of {len(entries):,} files")


def _tree(folder: Path, commit: str) -> Iterator[tuple[str, str, str, int, bytes]]:
    """(mode, kind, object, bytes, path) of all entries."""
    with commands.piped(folder, "ls-tree", "-r", "-z", "-l", "--full-tree", commit) as stream:
        for record in _records(stream, b"\0"):
            head, _, path = record.partition(b"\t")
            mode, kind, blob, size = head.decode().split()
            yield mode, kind, blob, 0 if size == "-" else int(size), path


def _changes(folder: Path, commit: str, wanted: set[bytes]) -> dict[bytes, tuple[str, str]]:
    """(commit, author date) of the last change of each path; one walk back through the history."""
    found: dict[bytes, tuple[str, str]] = {}
    missing = set(wanted)
    present = ("", "")
    walk = ("log", "--format=%x01%H %aI", "--name-only", "--no-renames", "-z", commit, "--")
    with commands.piped(folder, *walk) as stream:
        for record in _records(stream, b"\0"):
            record = record.lstrip(b"\n")
            if record.startswith(b"\x01"):
                head, _, record = record[1:].partition(b"\n")
                name, _, date = head.decode().partition(" ")
                present = (name, date)
                record = record.lstrip(b"\n")
            if record in missing:
                found[record] = present
                missing.discard(record)
                if not missing:
                    break
    return found


def _records(stream: Any, end: bytes) -> Iterator[bytes]:
    held = b""
    while block := stream.read(1 << 16):
        *whole, held = (held + block).split(end)
        yield from whole
    if held:
        yield held


def _text(raw: bytes) -> str:
    """A path as text; bytes that are no UTF-8 percent-encoded."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        escaped = raw.replace(b"%", b"%25").decode("utf-8", "surrogateescape")
        return "".join(
            f"%{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in escaped
        )
