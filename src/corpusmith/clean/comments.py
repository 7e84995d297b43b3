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
    "ini": CommentStyle(lines=(";", "#"), spaced=True),
    "fortran": CommentStyle(lines=("!",), quotes="'\""),
    "markup": _MARKUP,
    "html": _MARKUP,  # told apart from "markup" for its visible text
}

_LANGUAGES_OF = {
    "python": "python cython starlark",
    "hash": "awk bash cmake coffeescript crystal dockerfile elixir fish gnuplot graphql julia ksh "
    "makefile meson ninja nim nix perl powershell r robot ruby sed shell sh tcl toml yaml zsh",
    "c": "actionscript c c++ cpp csharp c# cuda d dart glsl groovy hlsl java kotlin objective-c "
    "objective-c++ objc opencl protobuf scala solidity systemverilog thrift verilog zig",
    "script": "go javascript js jsx tsx typescript ts",
    "rust": "rust swift",
    "php": "php",
    "css": "css less sass scss stylus",
    "sql": "sql plpgsql plsql ada vhdl elm",
    "lua": "lua",
    "haskell": "haskell purescript agda idris",
    "lisp": "lisp common-lisp clojure scheme racket emacs-lisp elisp",
    "percent": "tex latex bibtex matlab octave erlang prolog postscript",
    "ml": "ocaml standard-ml sml coq pascal delphi",
    "ini": "ini",
    "fortran": "fortran",
    "markup": "xml svg xslt markdown vue svelte",
    "html": "html xhtml",
}
LANGUAGES = {name: style for style, names in _LANGUAGES_OF.items() for name in names.split()}
"""Style by the language's name in lower case."""

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
