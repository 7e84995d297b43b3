"""Real input that every machine has: Python's own documentation, source, and packages' READMEs.

    sources/pages/json/decoder.html    what pydoc shows of each standard module, as a web page
    sources/stdlib/json/decoder.py     the standard library's source
    sources/readmes/numpy.md           the README in the metadata of each installed package

A module's page and its source have the same stem, so that the split keeps them together.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from corpusmith.errors import CheckError, CorpusmithError, InputError
from corpusmith.store.atomic import write_bytes, write_json
from corpusmith.store.fingerprint import hash_json

MIN_README_CHARS = 200
LEFT_OUT = (
    # Importing these opens windows or browsers, prints, or starts something.
    *("antigravity", "this", "idlelib", "turtledemo", "turtle", "tkinter", "test", "__main__"),
    *("lib2to3", "ensurepip", "pydoc_data", "site-packages", "dist-packages", "__pycache__"),
    *("msilib", "nt", "winreg", "winsound", "msvcrt", "_winapi", "xxlimited", "xxsubtype"),
)
SKIPPED_FOLDERS = ("test", "tests", "idle_test", *LEFT_OUT)

# Runs in a process of its own: importing six hundred modules is not for ours. Addresses and
# what the environment put into a module's data would differ from run to run, so addresses are
# cut, the environment is empty and string hashing is fixed.
_PAGES_SCRIPT = r"""
import inspect, io, json, os, pydoc, re, sys, warnings
warnings.simplefilter("ignore")
stdlib, folder, left_out = ARGUMENTS
sys.path = [p for p in sys.path if "-packages" not in p]
real_out = os.fdopen(os.dup(1), "w")
sys.stdout = sys.stderr = io.StringIO()
names = []
for name in sys.stdlib_module_names:
    if name not in left_out:
        names.append(name)
for root, folders, files in os.walk(stdlib):
    folders[:] = sorted(f for f in folders if f not in left_out and f not in ("tests", "test")
                        and os.path.exists(os.path.join(root, f, "__init__.py")))
    for file in sorted(files):
        if file.endswith(".py") and file != "__main__.py" and root != stdlib:
            path = os.path.relpath(os.path.join(root, file), stdlib)[:-3]
            name = path.replace(os.sep, ".").removesuffix(".__init__")
            names.append(name)
done, failed = 0, []
html = pydoc.HTMLDoc()
address = re.compile(r"(?: |&nbsp;)(?:at(?: |&nbsp;)0x|handle )[0-9A-Fa-f]{6,}")
for number, name in enumerate(sorted(set(names))):
    try:
        __import__(name)
        module = sys.modules[name]
        page = pydoc.html.page(name, html.document(module, name))
    except BaseException as error:
        failed.append(f"{name}: {type(error).__name__}")
        continue
    page = address.sub("", page)
    package = hasattr(module, "__path__")
    path = os.path.join(folder, *name.split("."), *(["__init__"] if package else [])) + ".html"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="replace") as file:
        file.write(page)
    done += 1
print(json.dumps({"pages": done, "failed": failed}), file=real_out, flush=True)
os._exit(0)
"""


def prepare(folder: Path) -> dict[str, int]:
    """Fill `folder` with the demo's sources; what is there for this Python is taken as it is.

    Returns files by source. Raises CheckError where a source would be empty.
    """
    packages = sorted(
        f"{d.metadata['Name']} {d.version}" for d in importlib.metadata.distributions()
    )
    identity = hash_json([sys.version, packages, _PAGES_SCRIPT, sorted(SKIPPED_FOLDERS)])
    marker = folder / "made.json"
    try:
        made = json.loads(marker.read_bytes())
        if made["identity"] == identity:
            return made["files"]
    except (OSError, ValueError, KeyError):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    files = {
        "pages": _pages(folder / "pages"),
        "stdlib": _stdlib(folder / "stdlib"),
        "readmes": _readmes(folder / "readmes"),
    }
    for name, count in files.items():
        if not count:
            raise CheckError(
                f"the demo found no input for source {name!r} on this machine",
                expected="a Python with its standard library's source, and installed packages",
                hint="corpusmith demo --path DIR takes a folder of your own",
            )
    write_json(marker, {"identity": identity, "files": files})
    return files


def _pages(folder: Path) -> int:
    folder.mkdir(parents=True)
    arguments = [sysconfig.get_path("stdlib"), str(folder), LEFT_OUT]
    environment = {"PATH": os.defpath, "HOME": "/nonexistent", "PYTHONHASHSEED": "0"}
    environment["LC_ALL"] = "C.UTF-8"
    # The script comes by standard input: its text and its arguments would otherwise stand in
    # sys.orig_argv, and so on a page.
    result = subprocess.run(
        [sys.executable, "-"],
        input=f"ARGUMENTS = {arguments!r}\n{_PAGES_SCRIPT}",
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    try:
        return json.loads(result.stdout.splitlines()[-1])["pages"]
    except (IndexError, ValueError, KeyError) as error:
        raise CorpusmithError(
            "pydoc's pages could not be made: " + (result.stderr.strip()[-500:] or "no output"),
            hint="corpusmith demo --path DIR takes a folder of your own",
        ) from error


def _stdlib(folder: Path) -> int:
    root = Path(sysconfig.get_path("stdlib"))
    count = 0
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if any(part in SKIPPED_FOLDERS for part in relative.parts[:-1]):
            continue
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        count += 1
    return count


def _readmes(folder: Path) -> int:
    folder.mkdir(parents=True)
    count = 0
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        text = distribution.metadata.get_payload()  # type: ignore[attr-defined]
        if not isinstance(text, str) or not text.strip():
            text = distribution.metadata["Description"] or ""
        if name and len(text) >= MIN_README_CHARS:
            data = text.encode("utf-8", "replace")
            write_bytes(folder / f"{name.lower()}.md", data)
            count += 1
    return count


SUFFIXES = {
    "html": (".html", ".htm", ".xhtml"),
    "markdown": (".md", ".markdown", ".rst"),
    "text": (".txt",),
    "jsonl": (".jsonl", ".jsonl.gz", ".jsonl.zst"),
    "code": (".py", ".go", ".c", ".h", ".cpp", ".rs", ".js", ".ts", ".java", ".rb", ".sh"),
}


def sources_of(folder: Path) -> dict[str, dict[str, object]]:
    """Sources for the files in a user's folder, by their endings; InputError where none fits."""
    found: dict[str, dict[str, object]] = {}
    endings = [p.name.lower() for p in folder.rglob("*") if p.is_file()] if folder.is_dir() else []
    for read, suffixes in SUFFIXES.items():
        matching = [s for s in suffixes if any(name.endswith(s) for name in endings)]
        if not matching:
            continue
        if read == "code":
            found["code"] = {"read": "code", "path": str(folder), "modality": "code"}
        else:
            found[read] = {"read": read, "path": [f"{folder}/**/*{s}" for s in matching]}
    if not found:
        listed = ", ".join(s for suffixes in SUFFIXES.values() for s in suffixes)
        raise InputError(
            f"nothing that the demo can read in {folder}", expected=f"files that end in {listed}"
        )
    return found
