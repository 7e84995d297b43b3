"""Files of a dataset, fetched whole: a fetch that is killed goes on at the byte where it was.

`huggingface_hub` (2.4) begins each download anew in a file of its own, but its file system reads
ranges. The commit is pinned, so what was read before is still the beginning of the same file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from corpusmith.store.atomic import disk_errors

BLOCK_BYTES = 4 << 20
SCHEME = "hf://"


@contextmanager
def downloaded(
    file: str, folder: Path, token: str, told: Callable[[int, int], None]
) -> Iterator[str]:
    """The path of a whole copy of `file` (hf://...) in `folder`, which is removed once the block
    ends well. `told(bytes, size)` after each block."""
    from huggingface_hub import HfFileSystem

    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # By its own name: what it is, and how it is packed, is told by the ending.
    path = folder / os.path.basename(file)
    remote_files = HfFileSystem(token=token or None)
    # Without a cache each read is one request for just these bytes.
    with remote_files.open(file, "rb", block_size=BLOCK_BYTES, cache_type="none") as remote:
        size = int(remote.size or 0)
        have = path.stat().st_size if path.exists() else 0
        if have > size:
            path.unlink()
            have = 0
        remote.seek(have)
        while have < size:
            block = remote.read(min(BLOCK_BYTES, size - have))
            if not block:
                raise OSError(f"{file}: the answer ended after {have} of {size} bytes")
            # Closed after each block: what a kill leaves behind is nearly all that came.
            with disk_errors(path), open(path, "ab") as out:
                out.write(block)
            have += len(block)
            told(have, size)
        if not path.exists():
            path.touch()  # a file of no bytes
    yield str(path)
    shutil.rmtree(folder)
