"""Languages and flags of code files, on lists made from the Python and Go source trees."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path

import pytest

from corpusmith.collect.code import describe, is_minified, text_of_code
from corpusmith.collect.errors import EXPECTED_ERRORS, RecordError
from corpusmith.collect.languages import language_of
from corpusmith.collect.linguist import is_generated, is_vendored
from tests.collect_run import collect

STDLIB = Path(sysconfig.get_paths()["stdlib"])
GO_TREE = Path(__file__).parent.parent / "golden" / "go_tree.jsonl"
"""Sampled from Go 1.19's source tree (BSD-3-Clause): paths with their first lines. `generated` is
Go's own rule, a line that matches `^// Code generated .* DO NOT EDIT\\.$` (or a lock file);
`vendored` is that of its tool: below a folder named vendor."""


def go_tree() -> list[dict]:
    return [json.loads(line) for line in GO_TREE.read_text().splitlines()]


def test_go_tree() -> None:
    rows = [row for row in go_tree() if "binary" not in row]
    assert len(rows) > 120
    wrong = []
    for row in rows:
        found = describe(row["path"], row["head"])
        for key in ("language", "generated", "vendored"):
            if found[key] != row[key]:
                wrong.append((row["path"], key, found[key]))
    assert wrong == []
    assert sum(row["generated"] for row in rows) > 40 and sum(row["vendored"] for row in rows) > 40


def test_binary_files_of_the_go_tree() -> None:
    rows = [row for row in go_tree() if "binary" in row]
    assert len(rows) > 10
    for row in rows:
        with pytest.raises(RecordError) as caught:
            text_of_code(row["path"], bytes.fromhex(row["head_hex"]))
        assert caught.value.error == "binary_file" and caught.value.error in EXPECTED_ERRORS


# What the files of the standard library say of themselves, read by hand.
GENERATED = """keyword.py token.py stringprep.py re/_casefix.py pydoc_data/topics.py
encodings/cp1252.py encodings/koi8_r.py encodings/mac_roman.py"""
WRITTEN = """json/decoder.py ast.py difflib.py pickletools.py xmlrpc/server.py argparse.py
tokenize.py encodings/utf_8.py encodings/aliases.py _compat_pickle.py ctypes/util.py
lib2to3/pgen2/parse.py
inspect.py dataclasses.py idlelib/pyshell.py random.py"""


def test_python_standard_library() -> None:
    found = [
        name
        for name in (GENERATED + " " + WRITTEN).split()
        if (STDLIB / name).exists() and is_generated(name, (STDLIB / name).read_text("utf-8"))
    ]
    there = [name for name in GENERATED.split() if (STDLIB / name).exists()]
    assert found == there and len(there) > 5


def test_a_folder_of_the_standard_library(tmp_path: Path) -> None:
    found = collect(tmp_path / "out", read="code", path=STDLIB / "json", license="PSF-2.0")
    python = [name for name, m in zip(found.uris, found.meta, strict=True) if m["language"]]
    assert {"decoder.py", "encoder.py", "__init__.py"} <= set(python)
    assert all(m["language"] == "Python" for m in found.meta)
    assert set(found.documents["modality"].to_pylist()) == {"code"}
    assert set(found.documents["license"].to_pylist()) == {"PSF-2.0"}
    assert all(name.endswith(".pyc") for name, _ in found.errors)
    assert found.info["expected_quarantine"] == found.info["quarantined"] == len(found.errors)


@pytest.mark.parametrize(
    ("name", "text", "language"),
    [
        ("a.h", "#include <stdio.h>\nint f(void);", "C"),
        ("a.h", "namespace x {\nclass A {\n public:\n  int b;\n};\n}", "C++"),
        ("a.h", "#import <Foundation/Foundation.h>\n@interface A\n@end", "Objective-C"),
        ("a.H", "int f();", "C++"),
        ("a.m", "function y = f(x)\n% doubles\ny = 2 * x;\nend\n", "MATLAB"),
        ("a.m", "#import <UIKit/UIKit.h>\n@implementation A\n@end", "Objective-C"),
        ("a.pl", "use strict;\nmy $x = 1;\n", "Perl"),
        ("a.pl", ":- module(a, []).\nparent(X, Y) :- child(Y, X).\n", "Prolog"),
        ("a.v", "module top(input clk);\nendmodule\n", "Verilog"),
        ("a.v", "Theorem t : forall n, n = n.\nProof. auto. Qed.\n", "Coq"),
        ("a.ts", "export const x: number = 1;\n", "TypeScript"),
        ("a.ts", '<?xml version="1.0"?>\n<!DOCTYPE TS>\n', "Qt Linguist"),
        ("a.d", "import std.stdio;\nvoid main() {}\n", "D"),
        ("a.d", "main.o: main.c \\\n  main.h\n", "Makefile"),
        ("a.fs", "module A\nlet f x = x + 1\n", "F#"),
        ("a.fs", "#version 330\nvoid main() {}\n", "GLSL"),
        ("Makefile", "all:\n\techo\n", "Makefile"),
        ("sub/Dockerfile.dev", "FROM debian\n", "Dockerfile"),
        ("CMakeLists.txt", "project(x)\n", "CMake"),
        ("go.mod", "module x\n", "Go Module"),
        ("run", "#!/usr/bin/env python3\n", "Python"),
        ("run", "#!/usr/bin/env -S node --no-warnings\n", "JavaScript"),
        ("run", "#!/bin/bash -e\n", "Shell"),
        ("run", "#!/usr/bin/python2.7\n", "Python"),
        ("noext", "# vim: set ft=ruby:\n", "Ruby"),
        ("noext", "/* -*- mode: C++; tab-width: 4 -*- */\n", "C++"),
        ("noext", "<?xml version='1.0'?>", "XML"),
        ("LICENSE", "MIT", "Text"),
        ("data.unknown", "1 2 3", None),
    ],
)
def test_language(name: str, text: str, language: str | None) -> None:
    assert language_of(name, text) == language


@pytest.mark.parametrize(
    "path",
    [
        "vendor/a.go",
        "web/node_modules/x/index.js",
        "third_party/zlib/inflate.c",
        "js/jquery-3.7.1.min.js",
        "lib/python3/site-packages/x.py",
        "pip/_vendor/rich/console.py",
        "static/bootstrap.min.css",
        "gradlew",
    ],
)
def test_vendored(path: str) -> None:
    assert is_vendored(path)


@pytest.mark.parametrize(
    "path", ["src/vendor.py", "vendors.md", "jquery_like.py", "src/external.c", "deps.rs"]
)
def test_not_vendored(path: str) -> None:
    assert not is_vendored(path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a_pb2.py", ""),
        ("api.pb.go", ""),
        ("package-lock.json", "{}"),
        ("a.cs", "// <auto-generated>\n//  by a tool\n"),
        ("a.js", "/**\n * @generated SignedSource<<abc>>\n */"),
        ("a.java", "// Generated by the protocol buffer compiler.  DO NOT EDIT!\n"),
        ("a.c", "/* This file was automatically generated by SWIG. */\n"),
        ("a.h", "/* A Bison parser. Do not edit: generated from parse.y */\n"),
        ("a.rs", "// This file is generated by rust-protobuf 2.0. Do not edit\n"),
        ("a.sql", "-- Autogenerated by dump\n"),
    ],
)
def test_generated(path: str, text: str) -> None:
    assert is_generated(path, text)


@pytest.mark.parametrize(
    "text",
    [
        "# Code generators, and what is generated from a grammar.\n",
        "def generated():\n    '''Rows generated by the caller.'''\n",
        "// This test checks that generated wrappers are called.\n",
        'marker = "// Code generated by x; DO NOT EDIT."\n',
        "x = 1\n" * 60 + "# This file is automatically generated\n",
    ],
)
def test_not_generated(text: str) -> None:
    assert not is_generated("a.py", text)


def test_minified() -> None:
    dense = "!function(e,t){for(var n=0;n<e.length;n++)t(e[n])}(window,function(e){e()});" * 40
    assert is_minified("a.js", dense, "JavaScript")
    assert is_minified("x.min.css", "a{b:c}", "CSS")
    assert not is_minified("a.js", "function f() {\n  return 1;\n}\n" * 50, "JavaScript")
    assert not is_minified("a.py", "x = " + "1 + " * 2000, "Python")
    # A sentence of documentation on one long line is prose, not minified.
    assert not is_minified("a.html", "<p>some words in a long paragraph " * 50, "HTML")


def test_encodings_and_licences_of_code(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = 'Andr\xe9'\n")
    (folder / "spdx.c").write_text("// SPDX-License-Identifier: GPL-2.0-only OR MIT\nint x;\n")
    (folder / "both.rs").write_text("/* SPDX-License-Identifier: (Apache-2.0) */\nfn x() {}\n")
    (folder / "wide.ps1").write_bytes("Write-Host 'é'\r\n".encode("utf-16"))
    found = collect(tmp_path / "out", read="code", path=folder)
    rows = dict(zip(found.uris, found.documents.to_pylist(), strict=True))
    assert rows["latin.py"]["text"].endswith("'André'\n")
    assert json.loads(rows["latin.py"]["meta"])["encoding"] == "cp1252"
    assert rows["spdx.c"]["license"] == "GPL-2.0-only OR MIT"
    assert rows["both.rs"]["license"] == "(Apache-2.0)"
    assert rows["wide.ps1"]["text"] == "Write-Host 'é'\r\n"
    assert found.info["repaired_encoding"] == 0
