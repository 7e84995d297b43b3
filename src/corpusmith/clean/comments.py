"""How languages write comments: names and file extensions -> a style."""

from __future__ import annotations

from corpusmith.kernels.codescan import CommentStyle

_C_BLOCK = ("/*", "*/")
_MARKUP = CommentStyle(block=("<!--", "-->"))

STYLES = {
    "python": CommentStyle(lines=("#",), quotes="'\"", triple=True),
    "hash": CommentStyle(lines=("#",), quotes="'\"", spaced=True),
    "c": CommentStyle(lines=("//",), block=_C_BLOCK, quotes="'\""),
    "script": CommentStyle(lines=("//",), block=_C_BLOCK, quotes="'\"", long_quotes="`"),
    "rust": CommentStyle(lines=("//",), block=_C_BLOCK, quotes='"'),  # 'a is a lifetime
    "php": CommentStyle(lines=("//", "#"), block=_C_BLOCK, quotes="'\""),
    "css": CommentStyle(block=_C_BLOCK, quotes="'\""),
    "sql": CommentStyle(lines=("--",), block=_C_BLOCK, quotes="'\""),
    "lua": CommentStyle(lines=("--",), block=("--[[", "]]"), quotes="'\""),
    "haskell": CommentStyle(lines=("--",), block=("{-", "-}"), quotes='"'),
    "lisp": CommentStyle(lines=(";",), block=("#|", "|#"), quotes='"'),
    "percent": CommentStyle(lines=("%",), escapes=True),
    "ml": CommentStyle(block=("(*", "*)"), quotes='"'),
    "f#": CommentStyle(lines=("//",), block=("(*", "*)"), quotes='"'),
    "applescript": CommentStyle(lines=("--", "#"), block=("(*", "*)"), quotes='"'),
    "lean": CommentStyle(lines=("--",), block=("/-", "-/"), quotes='"'),
    "assembly": CommentStyle(lines=(";", "#"), block=_C_BLOCK, quotes='"', spaced=True),
    "ini": CommentStyle(lines=(";", "#"), spaced=True),
    "fortran": CommentStyle(lines=("!",), quotes="'\""),
    "markup": _MARKUP,
    "html": _MARKUP,  # told apart from "markup" for its visible text
}

_LANGUAGES_OF = {
    "python": "python, cython, starlark",
    "hash": "awk, bash, cmake, coffeescript, crystal, dockerfile, elixir, gdscript, graphql, "
    "julia, just, makefile, meson, nim, nix, perl, powershell, r, raku, rego, ruby, sed, shell, "
    "tcl, toml, yaml",
    "c": "apex, ballerina, bison, bluespec, c, c++, c#, cuda, d, dart, glsl, go module, groovy, "
    "haxe, hlsl, java, kotlin, lex, objective-c, objective-c++, opencl, processing, "
    "protocol buffer, reason, scala, solidity, systemverilog, thrift, vala, verilog, zig",
    "script": "go, javascript, qml, typescript",
    "rust": "rust, swift",
    "php": "php, hcl",
    "css": "css, less, sass, scss",
    "sql": "sql, plpgsql, ada, vhdl, elm",
    "lua": "lua",
    "haskell": "haskell, purescript, agda, idris",
    "lisp": "clojure, common lisp, emacs lisp, llvm, racket, scheme, webassembly",
    "percent": "bibtex, erlang, matlab, prolog, tex",
    "ml": "coq, ocaml, pascal, standard ml",
    "f#": "f#",
    "applescript": "applescript",
    "lean": "lean",
    "assembly": "assembly",
    "ini": "ini",
    "fortran": "fortran",
    "markup": "astro, markdown, svelte, svg, vue, xml, xslt",
    "html": "html",
}
LANGUAGES = {name: style for style, names in _LANGUAGES_OF.items() for name in names.split(", ")}
"""Style by the language's name (as GitHub's Linguist has it) in lower case."""

_EXTENSIONS_OF = {
    "python": ".py .pyi .pyw .pyx .bzl",
    "hash": ".sh .bash .zsh .fish .rb .pl .pm .r .jl .yaml .yml .toml .cmake .mk .tcl .ex .exs "
    ".awk .nix .ps1 .coffee .nim .graphql makefile dockerfile gemfile rakefile cmakelists.txt",
    "c": ".c .h .cc .cpp .cxx .hh .hpp .hxx .cs .java .kt .kts .scala .m .mm .d .dart .cu .cuh "
    ".glsl .groovy .gradle .proto .v .sv .sol .zig .thrift",
    "script": ".js .mjs .cjs .jsx .ts .tsx .go",
    "rust": ".rs .swift",
    "php": ".php",
    "css": ".css .scss .sass .less",
    "sql": ".sql .adb .ads .vhd .vhdl .elm",
    "lua": ".lua",
    "haskell": ".hs .lhs .purs .agda .idr",
    "lisp": ".lisp .lsp .cl .clj .cljs .scm .rkt .el .ss",
    "percent": ".tex .sty .cls .bib .erl .hrl .ps",
    "ml": ".ml .mli .sml .pas .dpr",
    "ini": ".ini .cfg",
    "fortran": ".f .f90 .f95 .f03 .f08 .for",
    "markup": ".xml .svg .xsl .xslt .md .markdown .vue .svelte",
    "html": ".html .htm .xhtml",
}
EXTENSIONS = {name: style for style, names in _EXTENSIONS_OF.items() for name in names.split()}
"""Style by the file's extension, or by its whole name, in lower case."""
