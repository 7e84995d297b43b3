"""Real text in several languages with code, as JSON Lines that both sides of a pair read.

    python -m benchmarks.texts [--megabytes 100]     make it now, and say where it is

45 % main text of Debian's HTML documentation (its handbook is in 15 languages, Chinese among
them), taken out by resiliparse as its manual shows; 30 % manual pages in German, Japanese and
Chinese with roff's markup removed, and Perl's pod; 25 % Go and Python source. Documents of 200
characters to 1 MB, each once, in an order drawn with seed 0: the first ones of it are a sample.
Where there is no Debian package: pydoc's pages and the standard library, and the words say so.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import random
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import data

VERSION = 1  # of what this module makes out of the same files
SHARES = {"page": 0.45, "manual": 0.30, "code": 0.25}
CHARS = (200, 1_000_000)
ROFF = (
    (re.compile(r"^\.\s*de\b.*?^\.\.\n", re.MULTILINE | re.DOTALL), ""),  # a macro's definition
    (re.compile(r"^[.']\s*(?:\\\"|[a-z]{2}|'|\\\}|br\b).*\n", re.MULTILINE), ""),  # requests
    (re.compile(r"^[.'][A-Z][A-Za-z]{0,2}\b ?", re.MULTILINE), ""),  # macros: their text stays
    (re.compile(r"\\(?:f\[?[A-Z]+\]?|f.|s[-+]?\d|&|[|^/,%c]|\*?\(..|\*?\[[^\]]*\])"), ""),
    (re.compile(r"\\-"), "-"),
    (re.compile(r"\\e"), r"\\"),
    (re.compile(r"\n{3,}"), "\n\n"),
)
Row = dict[str, Any]


def corpus(megabytes: float = 100) -> tuple[Path, str]:
    """A file of that many megabytes of UTF-8 text (fewer where there are fewer), and in words
    what it is. Lines: {"id", "text", "kind", "uri"}. Made once and kept."""
    roots, words = data.folders()
    key = json.dumps([VERSION, megabytes, [root.name for root in roots], words])
    path = data.cache() / "texts" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.jsonl"
    if not path.exists():
        write(path, _mixed(int(megabytes * 1e6), roots))
    return path, f"main text, manuals and code from {words}"


def write(path: Path, rows: Iterator[Row] | list[Row]) -> int:
    """Write JSON Lines; returns bytes of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    size = 0
    with open(unfinished, "w", encoding="utf-8") as file:
        for row in rows:
            size += len(row["text"].encode())
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    unfinished.rename(path)
    return size


def read(path: Path) -> list[Row]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def small(path: Path, megabytes: float = 0.5) -> tuple[Path, str]:
    """The standard library's source, and the licences of installed packages as prose, for a
    benchmark's small form."""
    rows: list[Row] = []
    size = 0
    licences = sorted(Path(sysconfig.get_path("purelib")).glob("*.dist-info/**/LICENSE*"))[:40]
    prose = [_prose(one) for one in (_library() / "LICENSE.txt", *licences) if one.is_file()]
    for text in (*(one for one in prose if one), *data.library_texts()):
        if CHARS[0] <= len(text):
            rows.append({"id": str(len(rows)), "text": text[:20_000], "kind": "", "uri": ""})
            size += len(rows[-1]["text"].encode())
        if size > megabytes * 1e6:
            break
    write(path, rows)
    return path, "the standard library's source, and licences"


def _prose(path: Path) -> str:
    """Hard-wrapped lines joined to paragraphs."""
    parts = path.read_text("utf-8", "replace").split("\n\n")
    return "\n".join(" ".join(part.split()) for part in parts if part.strip())


def _mixed(limit_bytes: int, roots: list[Path]) -> list[Row]:
    sources = {
        "page": (_page, [p for root in roots for p in data.files(root, ".html")]),
        "manual": (_manual, [p for root in roots for p in _manual_files(root)]),
        "code": (_code, [p for root in (*roots, _library()) for p in _code_files(root)]),
    }
    rows: list[Row] = []
    for kind, (read_one, paths) in sources.items():
        random.Random(0).shuffle(paths)
        rows += _of_kind(kind, read_one, paths, int(limit_bytes * SHARES[kind]))
    random.Random(1).shuffle(rows)
    return [{"id": str(number), **row} for number, row in enumerate(rows)]


def _of_kind(kind: str, read_one: Any, paths: list[Path], limit_bytes: int) -> Iterator[Row]:
    size = 0
    seen: set[str] = set()
    for path in paths:
        if size >= limit_bytes:
            return
        try:
            text = read_one(path).replace("\x00", "").strip()
        except (UnicodeDecodeError, gzip.BadGzipFile, EOFError):
            continue
        if not CHARS[0] <= len(text) <= CHARS[1] or text in seen:
            continue
        seen.add(text)
        size += len(text.encode())
        yield {"text": text, "kind": kind, "uri": path.name}


def _library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _manual_files(root: Path) -> Iterator[Path]:
    for path in data.files(root, ""):
        if ("/man/" in str(path) and path.suffix == ".gz") or path.suffix == ".pod":
            yield path


def _code_files(root: Path) -> Iterator[Path]:
    for suffix in (".go", ".py"):
        for path in data.files(root, suffix):
            if "site-packages" not in path.parts:
                yield path


def _page(path: Path) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    page = path.read_bytes()
    return extract_plain_text(
        bytes_to_str(page, detect_encoding(page) or "utf-8"),
        main_content=True,
        links=False,
        form_fields=False,
        alt_texts=False,
    )


def _manual(path: Path) -> str:
    raw = path.read_bytes()
    if path.suffix != ".gz":
        return raw.decode("utf-8")
    text = gzip.decompress(raw).decode("utf-8")
    for pattern, replacement in ROFF:
        text = pattern.sub(replacement, text)
    return text


def _code(path: Path) -> str:
    return path.read_text("utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--megabytes", type=float, default=100)
    path, words = corpus(parser.parse_args().megabytes)
    sizes = dict.fromkeys(SHARES, 0)
    rows = read(path)
    for row in rows:
        sizes[row["kind"]] += len(row["text"].encode())
    print(f"{path}: {len(rows):,} documents, {sizes} bytes of {words}")


if __name__ == "__main__":
    main()
