"""Real text for benchmarks, never in the repository: Debian's documentation by package name.

    python -m benchmarks.data        fetch all of it now (about 150 MB), and say where it is

`apt-get download` and `dpkg -x` fill a cache folder once. `CORPUSMITH_BENCH_DATA=DIR` takes the
files of a folder as they are instead. Where there is neither: the pages that pydoc makes of the
standard library, and its source, which every machine has. Each result says which it was.
"""

from __future__ import annotations

import os
import pydoc
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from corpusmith import demo

VARIABLE = "CORPUSMITH_BENCH_DATA"
HTML_PACKAGES = (
    # About 305 MB in 12,700 pages; debian-handbook is in 15 languages, Chinese among them.
    *("python3.11-doc", "postgresql-doc-15", "debian-handbook", "git-doc", "apache2-doc"),
    *("cmake-doc", "python-django-doc", "sqlite3-doc", "qtbase5-doc-html", "libgtk-3-doc"),
)
TEXT_PACKAGES = ("perl-doc", "manpages-de", "manpages-ja", "manpages-zh", "golang-1.19-src")
DOWNLOAD_SECONDS = 300
SMALL_MODULES = ("argparse", "ast", "decimal", "email", "inspect", "json", "pathlib", "typing")


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "corpusmith" / "benchmarks"


def package(name: str) -> Path | None:
    """The folder with the files of a Debian package; None where it can't be had here."""
    folder = cache() / "debian" / name
    if folder.is_dir():
        return folder
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return None
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as temporary:
        unpacked = Path(temporary) / "files"
        try:
            print(f"fetching {name}", file=sys.stderr)
            _quiet(["apt-get", "download", name], temporary)
            [archive] = Path(temporary).glob("*.deb")
            _quiet(["dpkg", "-x", str(archive), str(unpacked)], temporary)
            unpacked.rename(folder)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            # Another benchmark may have been faster; or there is no such package here.
            if not folder.is_dir():
                print(f"no package {name}: {error}", file=sys.stderr)
                return None
    return folder


def _quiet(command: list[str], folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=DOWNLOAD_SECONDS)


def folders(names: Sequence[str] = (*HTML_PACKAGES, *TEXT_PACKAGES)) -> tuple[list[Path], str]:
    """Folders with real text, and in words what they are."""
    given = os.environ.get(VARIABLE)
    if given:
        return [Path(given)], f"the folder in {VARIABLE}"
    found = [folder for name in names if (folder := package(name)) is not None]
    if found:
        missing = [name for name in names if package_missing(name)]
        without = f" without {', '.join(missing)}" if missing else ""
        return found, "Debian's " + ", ".join(f.name for f in found) + without
    root = cache() / "pydoc"
    demo.prepare(root)
    return [root / "pages", root / "stdlib"], "pydoc's pages and the standard library"


def package_missing(name: str) -> bool:
    return not (cache() / "debian" / name).is_dir()


def html(limit_bytes: int) -> tuple[list[Path], str]:
    """Pages of about that many bytes (all, if there are fewer), mixed, the same ones each time."""
    roots, words = folders(HTML_PACKAGES)
    paths = [path for root in roots for path in files(root, ".html")]
    random.Random(0).shuffle(paths)
    return list(first(paths, limit_bytes)), words


def small_html(folder: Path) -> tuple[list[Path], str]:
    """A few pages that pydoc makes in a second, for a benchmark's small form."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SMALL_MODULES:
        module = pydoc.safeimport(name)
        page = pydoc.html.page(name, pydoc.html.document(module, name))
        (folder / f"{name}.html").write_text(page, "utf-8", "replace")
    return sorted(folder.glob("*.html")), "a few pages made by pydoc"


def files(root: Path, suffix: str) -> Iterator[Path]:
    """Regular files below a folder by their ending, in the order of their names."""
    for path in sorted(root.rglob(f"*{suffix}")):
        if path.is_file() and not path.is_symlink():
            yield path


def first(paths: Sequence[Path], limit_bytes: int) -> Iterator[Path]:
    total = 0
    for path in paths:
        total += path.stat().st_size
        if total > limit_bytes:
            return
        yield path


def link(paths: Sequence[Path], folder: Path) -> int:
    """Hard links (or copies) of files as folder/00/0000012.html; their bytes."""
    total = 0
    for number, path in enumerate(paths):
        target = folder / f"{number // 1000:02d}" / f"{number:07d}{path.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)
        total += path.stat().st_size
    return total


def library_files() -> Iterator[Path]:
    """The standard library's source files."""
    for path in files(Path(sysconfig.get_path("stdlib")), ".py"):
        if "site-packages" not in path.parts:
            yield path


def library_texts() -> list[str]:
    """The standard library's source, those of its files that are UTF-8."""
    texts = []
    for path in library_files():
        try:
            texts.append(path.read_text("utf-8"))
        except UnicodeDecodeError:
            continue
    return texts


def main() -> None:
    found, words = folders()
    size = sum(path.stat().st_size for root in found for path in files(root, ""))
    print(f"{words}: {size / 1e6:.0f} MB in {os.path.commonpath(found)}")


if __name__ == "__main__":
    main()
