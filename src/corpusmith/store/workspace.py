"""The folders of one corpus: where results, tokens, models and runs are, and who works on them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpusmith import schema
from corpusmith.errors import BusyError, CheckError, InputError
from corpusmith.store.atomic import disk_errors, read_json, remove_temporaries, write_json
from corpusmith.store.fingerprint import hash_file
from corpusmith.store.parts import part_entry

TOP_FOLDERS = ("store", "tokens", "models", "runs", "locks")


@dataclasses.dataclass(frozen=True)
class Workspace:
    """`corpora/<corpus>/`, or what `--workdir` names."""

    root: Path

    def create(self) -> None:
        with disk_errors(self.root / "store"):
            for name in TOP_FOLDERS:
                (self.root / name).mkdir(parents=True, exist_ok=True)

    def stage_folder(self, top: str, name: str, fingerprint: str) -> Path:
        """`store/<stage>-<fingerprint>`; tokens and models are named by their fingerprint alone."""
        short = fingerprint[:16]
        return self.root / top / (f"{name}-{short}" if top == "store" else short)

    @contextlib.contextmanager
    def lock(self, folder: Path, *, wait: bool = False) -> Iterator[None]:
        """Hold the result `folder` for this process; BusyError names who holds it.

        The kernel drops the lock when its holder dies, however it dies.
        """
        path = self.root / "locks" / f"{folder.parent.name}-{folder.name}.lock"
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+")  # noqa: SIM115
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    raise BusyError(
                        f"{folder.name} is being made by {_holder(path)}",
                        where=str(folder),
                        hint="--wait waits for it; what this run has made stays",
                    ) from None
                fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            file.truncate()
            json.dump({"pid": os.getpid(), "since": _now()}, file)
            file.flush()
            yield
            file.seek(0)
            file.truncate()

    def new_run(self, fingerprint: str) -> Path:
        """A new folder `runs/<time>-<short>`; `latest` moves to it when the run ends."""
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        for n in range(100):
            suffix = f"-{n}" if n else ""
            path = self.root / "runs" / f"{stamp}-{fingerprint[:6]}{suffix}"
            with disk_errors(path):
                try:
                    path.mkdir(parents=True)
                    return path
                except FileExistsError:
                    continue
        raise CheckError(f"too many runs in one second under {self.root / 'runs'}")

    def set_latest(self, run: Path) -> None:
        link = self.root / "latest"
        temporary = self.root / f".latest.{os.getpid()}"
        with disk_errors(link):
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            temporary.symlink_to(Path("runs") / run.name)
            os.replace(temporary, link)


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def _holder(path: Path) -> str:
    # The holder writes its name right after it has the lock: give it a moment.
    for _ in range(10):
        try:
            found = read_json(path)
            return f"process {found['pid']} since {found['since']}"
        except (OSError, ValueError, KeyError):
            time.sleep(0.02)
    return "another process"


def finished(folder: Path, fingerprint: str) -> bool:
    """Whether the stage's result is complete: its manifest is there and is this fingerprint's."""
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return False
    return read_manifest(folder)["fingerprint"] == fingerprint


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished stage; a newer schema than ours is refused by name."""
    path = folder / "manifest.json"
    try:
        manifest = read_json(path)
    except (OSError, ValueError) as error:
        raise InputError(f"can't read the manifest: {error}", where=str(path)) from error
    check_version(manifest, path)
    return manifest


def check_version(document: dict[str, Any], path: Path) -> None:
    version = document.get("schema", 0)
    if version > schema.SCHEMA_VERSION:
        raise InputError(
            f"made with schema {version}, this corpusmith reads up to {schema.SCHEMA_VERSION}",
            where=str(path),
            hint="pip install --upgrade corpusmith",
        )


def finish(
    folder: Path,
    *,
    stage: str,
    fingerprint: str,
    ingredients: dict[str, Any],
    info: dict[str, Any],
    warnings: list[str],
    scratch: Sequence[str] = (),
    files: Sequence[str] = (),
) -> None:
    """Write manifest.json: from now on the result is complete. It holds no clock.

    The files of the rounds in `scratch` are removed, and what killed writers left half written.
    `files` are those that no part names; the manifest has their sizes and checksums too.
    """
    # Before the manifest: once that is there, nobody would come back for what a kill left.
    for name in scratch:
        _remove_round(folder, name)
    remove_temporaries(folder)
    main = folder / "parts" / "main"
    names = sorted(path.stem for path in main.glob("*.json")) if main.exists() else []
    write_json(
        folder / "manifest.json",
        {
            "schema": schema.SCHEMA_VERSION,
            "stage": stage,
            "fingerprint": fingerprint,
            "ingredients": ingredients,
            "info": info,
            "warnings": warnings,
            "parts": [part_entry(folder, name) for name in names],
            "files": [
                {
                    "path": name,
                    "bytes": (folder / name).stat().st_size,
                    "xxh3_128": hash_file(folder / name),
                }
                for name in sorted(files)
            ],
        },
    )


def _remove_round(folder: Path, name: str) -> None:
    entries = folder / "parts" / name
    for path in sorted(entries.glob("*.json")):
        for file in read_json(path)["files"].values():
            with contextlib.suppress(OSError):
                (folder / file["path"]).unlink()
            with contextlib.suppress(OSError):
                (folder / file["path"]).parent.rmdir()  # only where it is empty now
    shutil.rmtree(entries, ignore_errors=True)


def user_key(environment: dict[str, str] | None = None) -> bytes:
    """The key for hashes of masked text: $CORPUSMITH_PII_KEY, else one made once for this user.

    Without a secret key the hash of a phone number could be found by trying them all.
    """
    environment = dict(os.environ) if environment is None else environment
    if value := environment.get("CORPUSMITH_PII_KEY"):
        return value.encode()
    base = environment.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    path = Path(base) / "corpusmith" / "pii.key"
    try:
        return bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        pass
    key = secrets.token_bytes(32)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return bytes.fromhex(path.read_text().strip())
        with os.fdopen(handle, "w") as file:
            file.write(key.hex())
    return key
