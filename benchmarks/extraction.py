"""Main text from HTML: our extraction against bare resiliparse, on the same pages in one run.

    python -m benchmarks.extraction [--megabytes 100] [--data FOLDER ...]

Pages: those below the folders (`.html`, `.htm`, `.html.gz`), else Python's own documentation of the
standard library as pydoc writes it. Bare means what resiliparse's manual shows for bytes: detect
the encoding, decode, `extract_plain_text(main_content=True)`. Ours also checks the bounds, and
finds title, language, canonical URL and licence. The two take turns, batch by batch, so that
noise hits both; CPU time of one process. The last line is one of JSON.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import pydoc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from corpusmith.collect.extract import extract_page

BATCH_PAGES = 20
MODULES = """
argparse ast asyncio.events calendar collections configparser csv ctypes datetime decimal
difflib email.message fractions heapq http.client inspect json logging os pathlib pickle random
re shutil socket statistics string subprocess tarfile textwrap threading typing unittest.mock
uuid xml.dom.minidom zipfile
"""


def main(
    megabytes: float = 100, data: list[Path] | None = None, small: bool = False
) -> dict[str, Any]:
    """Measure and print; returns the final line."""
    pages = list(_some(_pages(data or []), 2 if small else megabytes))
    bare = ours = 0.0
    same = 0
    rounds = 1 if small else 2
    for turn in range(rounds):
        for start in range(0, len(pages), BATCH_PAGES):
            batch = pages[start : start + BATCH_PAGES]
            for first in (turn % 2 == 0, turn % 2 != 0):
                began = time.process_time()
                if first:
                    expected = [_bare(page) for page in batch]
                    bare += time.process_time() - began
                else:
                    found = [extract_page(page, engine="resiliparse").text for page in batch]
                    ours += time.process_time() - began
            same += sum(a == b for a, b in zip(expected, found, strict=True))
    size = sum(map(len, pages)) * rounds / 1e6
    result = {
        "name": "extraction",
        "pages": len(pages),
        "mb": round(size / rounds, 1),
        "mb_per_s": round(size / ours, 1),
        "bare_mb_per_s": round(size / bare, 1),
        "ratio": round(bare / ours, 3),
        "same_text_frac": round(same / (len(pages) * rounds), 4),
    }
    print(json.dumps(result))
    return result


def _bare(page: bytes) -> str:
    text = bytes_to_str(page, detect_encoding(page) or "utf-8")
    return extract_plain_text(
        text, main_content=True, links=False, form_fields=False, alt_texts=False
    )


def _some(pages: Iterator[bytes], megabytes: float) -> Iterator[bytes]:
    size = 0
    for page in pages:
        yield page
        size += len(page)
        if size > megabytes * 1e6:
            return


def _pages(folders: list[Path]) -> Iterator[bytes]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name.endswith((".html", ".htm", ".html.gz")):
                data = path.read_bytes()
                yield gzip.decompress(data) if path.suffix == ".gz" else data
    if not folders:
        writer = pydoc.HTMLDoc()
        for name in MODULES.split():
            module = importlib.import_module(name)
            yield writer.page(name, writer.docmodule(module)).encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--data", type=Path, action="append")
    options = parser.parse_args()
    main(options.megabytes, options.data)
