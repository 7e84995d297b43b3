"""A source of the world for tests: `read: download` takes files from URLs, one after another.

python -m tests.world_source ARGUMENTS      corpusmith with this source
"""

from __future__ import annotations

import os
import urllib.request
from typing import Any

from pydantic import BaseModel, ConfigDict

from corpusmith.collect.world import WORLD, Job, WorldSpec
from corpusmith.errors import InputError
from corpusmith.store.atomic import write_bytes


class DownloadParams(BaseModel):
    model_config = ConfigDict(extra="forbid")
    urls: list[str]
    token: str = ""


def fetch(params: DownloadParams, job: Job) -> dict[str, Any]:
    etags = {}
    for number, url in enumerate(params.urls):
        path = job.data / url.rpartition("/")[2]
        mark = job.state / path.name
        if path.exists() or mark.exists():
            continue  # of a fetch that was killed
        if url.endswith(os.environ.get("TEST_HANGS_AT", "nowhere")):
            mark.touch()
            job.watch(url)
            while True:
                pass
        request = urllib.request.Request(url, headers={"Authorization": params.token})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                etags[path.name] = answer.headers.get("ETag")
                write_bytes(path, answer.read())
        except OSError as error:
            raise InputError(f"{url}: {error}", hint="run the same command again") from error
        job.progress((number + 1) / len(params.urls), f"{number + 1} files")
    old = str(job.previous.name) if job.previous else ""
    return {"etags": etags, "previous": old, "warnings": ["downloaded"] if not etags else []}


SPEC = WorldSpec(
    DownloadParams,
    "tests.world_source:fetch",
    lambda params: "jsonl",
    "JSON Lines from URLs",
    secrets=("token",),
)

if __name__ == "__main__":
    from corpusmith.cli.main import main
    from tests.world_source import SPEC as BY_ADDRESS  # in here the module is called __main__

    WORLD["download"] = BY_ADDRESS
    main()
