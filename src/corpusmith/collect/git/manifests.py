"""The licence that a package's manifest states for what is in its folder.

| file | where |
| --- | --- |
| package.json, bower.json, composer.json | `license`, `licenses` (several: a choice) |
| Cargo.toml | `package.license`, `workspace.package.license`; `/` means OR |
| pyproject.toml | `project.license` (PEP 639, PEP 621), `tool.poetry.license` |
| setup.cfg | `license` of `[metadata]` |
| *.gemspec | `.license =`, `.licenses =` |

Only SPDX expressions of licences that we know are taken: a manifest's free words ("see LICENSE",
"proprietary") are no statement.
"""

from __future__ import annotations

import configparser
import functools
import json
import re
import tomllib
from typing import Any

from corpusmith.collect.license_texts import prints
from corpusmith.collect.licenses import spdx

MAX_BYTES = 1 << 20
MAX_EXPRESSION_CHARS = 500
_JSON = ("package.json", "bower.json", "composer.json")
_JOINT = r"(?:AND|OR|WITH|and|or|with)(?=[\s()]|\Z)"
# Parentheses, joints, and names between them, of several words too.
_WORD = re.compile(rf"\(|\)|{_JOINT}|[^\s()]+(?:\s+(?!{_JOINT})[^\s()]+)*")
_EXCEPTION = re.compile(r"[\w.-]+", re.ASCII)
_GEM = re.compile(r"\.licenses?\s*=\s*(\[[^\]\n]{0,300}\]|[\"'][^\"'\n]{1,100}[\"'])")


def is_manifest(name: str) -> bool:
    """Whether a file of this name may state the licence of its folder."""
    return name in (*_JSON, "Cargo.toml", "pyproject.toml", "setup.cfg") or (
        name.endswith(".gemspec") and len(name) > len(".gemspec")
    )


def stated_license(name: str, data: bytes) -> str | None:
    """The SPDX expression that a manifest states; None where it states none that is known."""
    if len(data) > MAX_BYTES:
        return None
    try:
        said = _said(name, data.decode("utf-8-sig"))
    except (ValueError, RecursionError, configparser.Error):  # damaged: of others no statement
        return None
    found = [expression(each) for each in said]
    if not found or not all(found):
        return None
    choices = sorted({f"({e})" if " AND " in e and len(found) > 1 else e for e in found if e})
    return " OR ".join(choices)


def _said(name: str, text: str) -> list[Any]:
    if name in _JSON:
        told = json.loads(text)
        told = told if isinstance(told, dict) else {}
        value = told.get("license", told.get("licenses"))
        several = value if isinstance(value, list) else [value]
        return [v.get("type") if isinstance(v, dict) else v for v in several if v is not None]
    if name.endswith(".toml"):
        told = tomllib.loads(text)
        if name == "Cargo.toml":
            value = _at(told, "package", "license")
            if not isinstance(value, str):  # {workspace = true}, of a folder above
                value = _at(told, "workspace", "package", "license")
            return [value.replace("/", " OR ")] if isinstance(value, str) else []
        value = _at(told, "project", "license") or _at(told, "tool", "poetry", "license")
        value = value.get("text") if isinstance(value, dict) else value
        return [value] if value is not None else []
    if name == "setup.cfg":
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(text)
        value = parser.get("metadata", "license", fallback=None)
        return [value] if value else []
    match = _GEM.search(text)
    return re.findall(r"[\"']([^\"']+)[\"']", match[1]) if match else []


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def expression(value: Any) -> str | None:
    """A licence expression (SPDX 2.3, annex D) with its ids as SPDX writes them; those of a choice
    or a sum alone in alphabetical order. None where one of them is not known.

    >>> expression("(MIT or apache-2.0)"), expression("SEE LICENSE IN x")
    ('Apache-2.0 OR MIT', None)
    """
    if not isinstance(value, str) or not 2 < len(value.strip()) <= MAX_EXPRESSION_CHARS:
        return None
    words = _WORD.findall(value)
    out: list[str] = []
    wants_id = True
    depth = 0
    for place, word in enumerate(words):
        joint = word.upper()
        if wants_id and word == "(":
            depth += 1
        elif wants_id:
            after_with = place > 0 and words[place - 1].upper() == "WITH"
            known = word if after_with and _EXCEPTION.fullmatch(word) else _id(word)
            if known is None:
                return None
            word, wants_id = known, False
        elif word == ")" and depth:
            depth -= 1
        elif joint in ("AND", "OR", "WITH"):
            word, wants_id = joint, True
        else:
            return None
        out.append(word)
    if wants_id or depth:
        return None
    if out[0] == "(" and out[-1] == ")" and "(" not in out[1:]:
        out = out[1:-1]
    joints = set(out[1::2])
    if len(joints) == 1 and joints <= {"AND", "OR"}:
        return f" {joints.pop()} ".join(sorted(set(out[::2])))
    return " ".join(out).replace("( ", "(").replace(" )", ")")


def _id(word: str) -> str | None:
    return spdx(word) or _by_name().get(word.lower())


@functools.cache
def _by_name() -> dict[str, str]:
    return {name.lower(): name for name in prints()}


def more_precise(stated: str | None, licenses: str) -> bool:
    """Whether a manifest's expression says all that the licence files beside it do, and more: the
    text of a GPL does not tell whether later versions are allowed.

    >>> more_precise("GPL-3.0-or-later", "GPL-3.0"), more_precise("MIT", "GPL-3.0")
    (True, False)
    """
    if stated is None or stated == licenses:
        return False
    have = set(re.findall(r"[^\s()]+", stated))
    ids = set(re.findall(r"[^\s()]+", licenses)) - {"AND", "OR", "WITH"}
    return all({i, f"{i}-only", f"{i}-or-later"} & have for i in ids)
