"""The programming language of a file, by name first and by content where a name is shared.

Names of languages are those that GitHub and the field's datasets use (C++, C#, Objective-C, ...).
"""

from __future__ import annotations

import re

_TABLE = """
Ada: .ada .adb .ads
Agda: .agda
Apex: .apex .trigger
AppleScript: .applescript
AsciiDoc: .asciidoc .adoc
Assembly: .asm .s .nasm
Astro: .astro
Awk: .awk
Ballerina: .bal
Batchfile: .bat .cmd
BibTeX: .bib
Bison: .y .yy .bison
Bluespec: .bsv
C: .c .idc
C#: .cs .csx
C++: .cpp .cc .cxx .c++ .hpp .hh .hxx .h++ .ipp .tpp .inl
CMake: .cmake
COBOL: .cbl .cob .cobol .cpy
CSS: .css
CSV: .csv
CUDA: .cu .cuh
Clojure: .clj .cljs .cljc .edn
CoffeeScript: .coffee
Common Lisp: .lisp .lsp .asd
Coq: .coq
Crystal: .cr
Cython: .pyx .pxd .pxi
Dart: .dart
Diff: .diff .patch
Dockerfile: .dockerfile
Elixir: .ex .exs
Elm: .elm
Emacs Lisp: .el
Erlang: .erl .hrl
F#: .fsi .fsx
Fortran: .f .f77 .f90 .f95 .f03 .f08 .for
GDScript: .gd
GLSL: .glsl .vert .frag .geom
Go: .go
GraphQL: .graphql .gql
Groovy: .groovy .gradle .gvy
HCL: .tf .hcl .tfvars
HLSL: .hlsl
HTML: .html .htm .xhtml
Handlebars: .hbs .handlebars
Haskell: .hs .lhs
Haxe: .hx
INI: .ini .cfg .properties .conf
Idris: .idr
JSON: .json .jsonl .geojson .webmanifest
Java: .java
JavaScript: .js .mjs .cjs .jsx
Jinja: .j2 .jinja .jinja2
Julia: .jl
Jupyter Notebook: .ipynb
Kotlin: .kt .kts
LLVM: .ll
Lean: .lean
Less: .less
Lex: .lex .l
Lua: .lua
Makefile: .mk .mak
Markdown: .md .markdown .mdx
Meson: .meson
Nim: .nim .nims
Nix: .nix
OCaml: .ml .mli
Objective-C++: .mm
OpenCL: .cl
PHP: .php .php3 .php4 .php5 .phtml
PLpgSQL: .pgsql
Pascal: .pas .dpr .lpr
Perl: .pm .pod .psgi
PowerShell: .ps1 .psm1 .psd1
Processing: .pde
Prolog: .prolog
Protocol Buffer: .proto
Pug: .pug .jade
PureScript: .purs
Python: .py .pyi .pyw .wsgi
QML: .qml
R: .r .rmd
Racket: .rkt
Raku: .raku .rakumod .p6 .pm6
Reason: .re .rei
Rego: .rego
Ruby: .rb .rake .gemspec .ru .podspec
Rust: .rs
SCSS: .scss
SQL: .sql
SVG: .svg
Sass: .sass
Scala: .scala .sc .sbt
Scheme: .scm .ss .sld
Shell: .sh .bash .zsh .ksh .fish
Smalltalk: .st
Solidity: .sol
Standard ML: .sml .sig .fun
Starlark: .bzl .star
Stata: .do .ado
Svelte: .svelte
Swift: .swift
SystemVerilog: .sv .svh
TOML: .toml
TSV: .tsv
Tcl: .tcl .tk
TeX: .tex .sty .ltx .dtx .ins
Text: .txt .text
Thrift: .thrift
TypeScript: .tsx .mts .cts
VHDL: .vhd .vhdl
Vala: .vala .vapi
Vim Script: .vim
Visual Basic .NET: .vb
Vue: .vue
WebAssembly: .wat .wast
XML: .xml .xsd .xsl .xslt .rng .wsdl .csproj .vcxproj .plist .storyboard .xib
YAML: .yml .yaml
Zig: .zig
reStructuredText: .rst .rest
"""
_NAMES = """
CMake: cmakelists.txt
Dockerfile: dockerfile containerfile
Go Module: go.mod go.sum go.work
Groovy: jenkinsfile
INI: .editorconfig .gitconfig setup.cfg tox.ini
JSON: composer.lock .babelrc .eslintrc package-lock.json
Just: justfile
Makefile: makefile gnumakefile makefile.am makefile.in kbuild
Meson: meson.build meson_options.txt
Perl: makefile.pl build.pl cpanfile
Ruby: gemfile rakefile vagrantfile podfile brewfile
Python: sconstruct sconscript wscript
Shell: .bashrc .bash_profile .profile .zshrc configure
Starlark: build.bazel workspace.bazel module.bazel
TOML: cargo.lock pipfile poetry.lock uv.lock
Text: license copying notice readme authors changelog todo install contributors patents
YAML: .clang-format .clang-tidy .travis.yml yarn.lock
"""
_SHEBANG = {
    "sh": "Shell",
    "bash": "Shell",
    "dash": "Shell",
    "zsh": "Shell",
    "ksh": "Shell",
    "fish": "Shell",
    "rc": "Shell",
    "python": "Python",
    "pypy": "Python",
    "perl": "Perl",
    "raku": "Raku",
    "ruby": "Ruby",
    "node": "JavaScript",
    "nodejs": "JavaScript",
    "deno": "TypeScript",
    "php": "PHP",
    "lua": "Lua",
    "luajit": "Lua",
    "tclsh": "Tcl",
    "wish": "Tcl",
    "expect": "Tcl",
    "awk": "Awk",
    "gawk": "Awk",
    "mawk": "Awk",
    "sed": "sed",
    "make": "Makefile",
    "rscript": "R",
    "julia": "Julia",
    "groovy": "Groovy",
    "scala": "Scala",
    "swift": "Swift",
    "elixir": "Elixir",
    "escript": "Erlang",
    "guile": "Scheme",
    "runhaskell": "Haskell",
    "osascript": "AppleScript",
    "pwsh": "PowerShell",
}


def _read_table(table: str) -> dict[str, str]:
    found = {}
    for line in table.strip().splitlines():
        language, _, keys = line.partition(": ")
        for key in keys.split():
            found[key] = language
    return found


EXTENSIONS = _read_table(_TABLE)
NAMES = _read_table(_NAMES)

# Suffixes that several languages share: the first pattern that the text has decides, a language
# without a pattern is the usual one. Patterns are searched line by line in the first 64 KiB.
_SHARED: dict[str, tuple[tuple[str, str], ...]] = {
    ".h": (
        ("Objective-C", r"^[ \t]*@(?:interface|protocol|class|property|end)\b|^#import\b"),
        (
            "C++",
            r"^[ \t]*(?:template\s*<|namespace\b|using (?:namespace|std::)|class\s+\w+[^;]*$|"
            r"(?:public|private|protected)\s*:|virtual\b|constexpr\b)|\bstd::|^#\s*include\s*<"
            r"(?:algorithm|array|cassert|cst\w+|deque|functional|iostream|list|map|memory|mutex|set|"
            r"sstream|string|tuple|type_traits|unordered_\w+|utility|vector)>",
        ),
        ("C", ""),
    ),
    ".m": (
        (
            "Objective-C",
            r"^[ \t]*@(?:interface|implementation|protocol|class|property|synthesize|end|import)\b|"
            r"^#(?:import|include)\b|^[ \t]*//|;[ \t]*\n[ \t]*\}",
        ),
        ("Mathematica", r"\(\*|:=|^BeginPackage\["),
        ("MATLAB", ""),
    ),
    ".pl": (
        ("Prolog", r"^[ \t]*:-|^[a-z]\w*\([^)]*\)\s*:-|^[a-z]\w*\(.*\)\.\s*$"),
        ("Raku", r"^use v6\b"),
        ("Perl", ""),
    ),
    ".t": (("Perl", r"^use (?:strict|warnings|Test::)|^#!.*perl|^\s*my [$@%]"), ("Text", "")),
    ".v": (
        ("Coq", r"^(?:Require|Theorem|Lemma|Proof|Definition|Inductive|Fixpoint|Section)\b"),
        ("V", r"^(?:pub )?fn \w+|^module \w+\s*$"),
        ("Verilog", ""),
    ),
    ".ts": (("Qt Linguist", r"\A\s*<\?xml|<!DOCTYPE TS"), ("TypeScript", "")),
    ".fs": (
        ("GLSL", r"^\s*#version\b|\bgl_FragColor\b|^\s*uniform\b"),
        ("Forth", r"^: \S+ "),
        ("F#", ""),
    ),
    ".d": (
        ("Makefile", r"^[^\s:]+\.o\s*:|\\$"),
        ("DTrace", r"^#pragma D\b|^[\w$]*:\w*:\w*:[\w-]+"),
        ("D", ""),
    ),
    ".inc": (
        ("PHP", r"<\?php"),
        ("Pascal", r"^\{\$|^(?:procedure|function|unit)\b"),
        ("Assembly", r"^\s*(?:\.macro|%macro|mov[lq]?\b|section\b)"),
        ("C++", r"^#\s*(?:include|define|if)|\bstd::"),
        ("Text", ""),
    ),
    ".pro": (("Prolog", r"^[ \t]*:-|^[a-z]\w*\(.*:-"), ("IDL", r"^\s*pro \w+|^;"), ("QMake", "")),
    ".cls": (
        ("TeX", r"^\s*[\\%]"),
        ("Apex", r"\b(?:public|global|private)\b.*\bclass\b"),
        ("VBA", ""),
    ),
    ".mod": (("Modula-2", r"^\s*(?:IMPLEMENTATION )?MODULE\b"), ("Text", "")),
    ".in": (("Makefile", r"^\w[\w.-]*\s*:(?!=)|^\.PHONY"), ("Shell", r"\A#!.*sh\b"), ("Text", "")),
}
_PATTERNS = {
    suffix: tuple((language, re.compile(pattern, re.MULTILINE)) for language, pattern in rules)
    for suffix, rules in _SHARED.items()
}
_MODELINE = re.compile(
    r"-\*-\s*(?:mode:\s*)?([A-Za-z+#-]+)\s*(?:;.*)?-\*-|\bvim?:.{0,60}\b(?:ft|filetype)=([a-z+#]+)"
)
_MODES = {
    **{language.lower(): language for language in [*EXTENSIONS.values(), "C", "C++", "D"]},
    "js": "JavaScript",
    "sh": "Shell",
    "shell-script": "Shell",
    "makefile-gmake": "Makefile",
    "objc": "Objective-C",
    "emacs-lisp": "Emacs Lisp",
    "asm": "Assembly",
    "make": "Makefile",
    "cpp": "C++",
}
HEAD_CHARS = 1 << 16


def language_of(name: str, text: str) -> str | None:
    """The language of the file called `name` (its path will do), or None where nothing says.

    >>> language_of("src/parse.h", "namespace json {")
    'C++'
    >>> language_of("bin/run", "#!/usr/bin/env python3")
    'Python'
    """
    base = name.rsplit("/", 1)[-1]
    lower = base.lower()
    if found := NAMES.get(lower):
        return found
    stem, dot, suffix = lower.rpartition(".")
    suffix = "." + suffix if dot else ""
    if base.endswith(".C") or base.endswith(".H"):  # upper case means C++ by old custom
        return "C++"
    head = text[:HEAD_CHARS]
    if rules := _PATTERNS.get(suffix):
        for language, pattern in rules:
            if not pattern.pattern or pattern.search(head):
                return language
    if found := EXTENSIONS.get(suffix):
        return found
    if stem.startswith(("dockerfile", "makefile")) or lower.startswith(
        ("dockerfile.", "makefile.")
    ):
        return "Dockerfile" if lower.startswith("dockerfile") else "Makefile"
    return _by_content(head) or NAMES.get(stem if stem in NAMES else "")


def _by_content(head: str) -> str | None:
    first = head.split("\n", 1)[0][:200]
    if first.startswith("#!"):
        words = first[2:].split()
        while words and (words[0].endswith("/env") or words[0].startswith("-") or "=" in words[0]):
            words = words[1:]
        if words:
            program = words[0].rsplit("/", 1)[-1].lower()
            return _SHEBANG.get(program) or _SHEBANG.get(program.rstrip("0123456789."))
    for line in head.split("\n", 3)[:3]:
        if match := _MODELINE.search(line[:200]):
            mode = (match[1] or match[2]).lower()
            if found := _MODES.get(mode):
                return found
    start = head.lstrip()[:100].lower()
    if start.startswith("<?xml"):
        return "XML"
    if start.startswith(("<!doctype html", "<html")):
        return "HTML"
    if start.startswith("<?php"):
        return "PHP"
    if start.startswith("%!ps"):
        return "PostScript"
    return None
