"""The git program, told to run nothing but itself.

No configuration of the system or the user, no hooks, no helpers, no file system monitor, no
submodules, no LFS downloads, no transport but those in `PROTOCOLS`, no question on a terminal. What
a repository's own configuration could start (filters, text conversion, editors) is used by none of
the commands here: objects are read with ls-tree, cat-file and log.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from corpusmith.errors import InputError

PROTOCOLS = "file:http:https:ssh"
_SETTINGS = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.sshCommand=", "core.askPass="),
    *("credential.helper=", "protocol.ext.allow=never", "submodule.recurse=false"),
    *("safe.directory=*", "log.showSignature=false"),
    *("fetch.recurseSubmodules=false", "gc.auto=0", "maintenance.auto=false", "core.pager=cat"),
)
_KEPT = (
    *("PATH", "TMPDIR", "LANG", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY"),
)


def environment(token: str = "") -> dict[str, str]:
    """The whole environment of a git process. A token goes there, not onto the command line, where
    others could read it."""
    found = {name: os.environ[name] for name in _KEPT if name in os.environ}
    found |= {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": PROTOCOLS,
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "LC_ALL": "C",
    }
    if token:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        found |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        }
    return found


def command(folder: Path | None, *arguments: str) -> list[str]:
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    where = [f"--git-dir={folder}"] if folder else []
    return ["git", "--no-pager", *settings, *where, *arguments]


def run(folder: Path | None, *arguments: str, token: str = "") -> str:
    """What git prints; InputError with its own words where it fails."""
    try:
        done = subprocess.run(
            command(folder, *arguments),
            env=environment(token),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise InputError("the program git is not installed", hint="apt-get install git") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
        raise InputError(f"git {arguments[0]}: {' '.join(said[:3]) or 'failed'}")
    return done.stdout.decode("utf-8", "surrogateescape")


@contextmanager
def piped(folder: Path, *arguments: str) -> Iterator[IO[bytes]]:
    """What git prints, as a stream; it is ended when the block is left."""
    process = subprocess.Popen(
        command(folder, *arguments),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


class Blobs:
    """`git cat-file --batch`: contents by object name, one after another."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            command(folder, "cat-file", "--batch"),
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Blobs:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait()

    def read(self, name: str) -> bytes | None:
        """The bytes of a blob, None where the repository lacks it (a partial clone)."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(f"{name}\n".encode())
        stdin.flush()
        head = stdout.readline().split()
        if len(head) != 3 or head[1] != b"blob":
            return None
        data = stdout.read(int(head[2]))
        stdout.read(1)
        return data
