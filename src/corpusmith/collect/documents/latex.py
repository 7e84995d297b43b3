"""LaTeX sources to Markdown, without TeX, in one pass; the document's macros within bounds.

Kept: text, headings, lists, tables, captions, footnotes, code, and formulas as they are written
(`$...$`, `$$...$$`) with the document's own macros expanded. Left out: comments, pictures, layout.
`\\input` reads what the caller's `include` gives, nothing else.
"""

from __future__ import annotations

import re
from typing import Any

from corpusmith.collect.documents import latex_tables as tables
from corpusmith.collect.documents.content import Content, Include
from corpusmith.collect.documents.latex_page import CITE, END, REF, Page, plain
from corpusmith.collect.documents.latex_source import BEGIN, Source, highlighted, without_comments
from corpusmith.collect.documents.markdown import fence, heading, squeezed, table

MAX_DEPTH = 20  # of arguments in arguments
MAX_INPUTS = 1000
MAX_INPUT_CHARS = 64 << 20
_TOKEN = re.compile(r"\\(?:[a-zA-Z@]+\*?|[\s\S])?|[{}$%~&\[\]]|\n[ \t]*\n\s*|``|''|---?|[?!]`")
_LIGATURES = {"``": "“", "''": "”", "--": "–", "---": "—", "!`": "¡", "?`": "¿"}
_ROW = re.compile(r"\\\\(?:\[[^\]\n]{0,40}\])?|\\tabularnewline\b")
_RULES = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|endhead|endfirsthead|endfoot|endlastfoot)\b"
    r"|\\(?:cline|cmidrule)(?:\([^)]{0,20}\))?\{[^}]{0,20}\}|\\addlinespace(?:\[[^\]]{0,20}\])?"
)
_CELL = re.compile(r"(?<!\\)&")
_LABEL = re.compile(r"\\label\s*\{[^{}]{0,200}\}")


def parse(text: str, include: Include, decode: Any) -> Content:
    """`decode(bytes) -> (text, repaired)` for what is read in."""
    reader = _Reader(include, decode)
    reader.run(plain(text))
    return reader.content()


class _Reader(Page):
    def __init__(self, include: Include, decode: Any) -> None:
        super().__init__()
        self._include = include
        self._decode = decode
        self._inputs = 0
        self._input_chars = 0
        self._open: list[tuple[str, int]] = []  # files that are being read in, with their depths
        self._theorems = dict(tables.THEOREMS)
        self._source = Source("")

    # --- the walk --------------------------------------------------------------------------

    def run(self, text: str) -> None:
        source = self._source = Source(text)
        while not self._ended and (here := source.text) is not None:
            match = _TOKEN.search(here, source.at)
            if match is None:
                self._write(here[source.at :])
                source.at = len(here)
                continue
            if match.start() > source.at:
                self._write(here[source.at : match.start()])
            source.at = match.end()
            self._token(match[0], source)

    def _token(self, token: str, source: Source) -> None:
        if token[0] == "\\":
            self._command(token[1:], source)
        elif token == "%":
            source.skip_comment()
        elif token == "$":
            self._dollar(source)
        elif token == "~":
            self._write(" ")
        elif token in ("&", "{", "}"):
            self._write(" " if token == "&" else "")
        elif token[0] == "\n":
            self._close()
        else:
            self._write(_LIGATURES.get(token, token))

    def _rendered(self, text: str) -> str:
        """An argument as one paragraph."""
        if self._depth >= MAX_DEPTH or not re.search(r"[\\{}$%~&`'-]", text):
            return squeezed(re.sub(r"[\\{}]", "", text))
        kept = self._blocks, self._inline, self._lists, self._item, self._source, self._quotes
        self._blocks, self._inline, self._lists = [], [], []
        self._item, self._quotes = None, []
        self._depth += 1
        self.run(text)
        self._close()
        words = squeezed(" ".join(block for _, block in self._blocks))
        self._depth -= 1
        self._blocks, self._inline, self._lists, self._item, self._source, self._quotes = kept
        return words

    # --- commands ----------------------------------------------------------------------------

    def _command(self, name: str, source: Source) -> None:
        if not name:
            return
        if not name[0].isalpha() and name[0] != "@":
            self._symbol(name, source)
            return
        name = name.rstrip("*")
        source.skip_space()
        if name in self.macros.found:
            self.macros.call(name, source)
        elif name in ("begin", "end"):
            environment = (source.argument() or "").strip()
            if name == "begin":
                self._begin(environment, source)
            else:
                self._finish(environment.rstrip("*"))
        elif name in tables.SECTIONS:
            self._section(name, source)
        elif self.macros.define(name, source):
            pass
        elif name in tables.SYMBOLS:
            self._write(tables.SYMBOLS[name])
            source.skip_empty_group()
        elif tables.is_accent(name):
            self._write(tables.accented(name, self._rendered(source.argument() or "")))
        elif not self._structure(name, source):
            self._other(name, source)

    def _symbol(self, name: str, source: Source) -> None:
        if name == "\\":
            source.option()
            self._write("\0")
        elif name in ("(", "["):
            closing = {"(": "\\)", "[": "\\]"}[name]
            inside = source.until(closing)
            if inside is None:
                self._write(name)
            else:
                self._math(inside, display=name == "[")
        elif tables.is_accent(name) and name not in ("=", "-"):
            source.skip_space()
            self._write(tables.accented(name, self._rendered(source.argument() or "")))
        else:
            self._write(tables.ESCAPED.get(name, ""))

    def _structure(self, name: str, source: Source) -> bool:
        """Commands that are about the document's parts; False for all others."""
        if name == "item":
            self._new_item(source.option())
        elif name in (
            "par",
            "bigskip",
            "medskip",
            "smallskip",
            "newpage",
            "clearpage",
            "maketitle",
        ):
            self._close()
            if name == "maketitle" and self._started:
                self._title()
        elif name in ("title", "author", "subtitle"):
            source.option()
            raw = source.argument() or ""
            if name == "author":
                found = [self._name(part) for part in re.split(r"\\and\b|\\AND\b", raw)]
                names = [*self.fields.get("authors", "").split("\0"), *found]
                self.fields["authors"] = "\0".join(n for n in names if n)
            else:
                self.fields[name] = self._rendered(raw)
        elif name == "caption":
            source.option()
            self._caption(self._rendered(source.argument() or ""))
        elif name in ("footnote", "footnotetext"):
            source.option()
            mark = str(len(self._notes) + 1)
            self._notes.append((mark, ""))
            self._notes[int(mark) - 1] = (mark, self._rendered(source.argument() or ""))
            self._write(f"[^{mark}]")
        elif name == "label":
            self._labels.setdefault((source.argument() or "").strip(), self._here)
        elif name in tables.REFERENCES:
            self._write(f"{REF}{(source.argument() or '').strip()}{END}")
        elif name in tables.CITES:
            while source.option() is not None:
                pass
            keys = (source.argument() or "").strip()
            self._write(f"{CITE}{keys}{END}" if name != "nocite" else "")
        elif name == "bibitem":
            source.option()
            key = (source.argument() or "").strip()
            self._close()
            self._bibliography[key] = str(len(self._bibliography) + 1)
            self._item = (0, len(self._bibliography))
        elif name in ("input", "include", "subfile"):
            self._input(source.argument() or source.word(), source)
        elif name in ("iffalse", "else"):  # of other conditions the first branch is the text
            source.skip_branch()
        elif name == "newtheorem":
            key = source.argument() or ""
            source.option()
            self._theorems[key] = self._rendered(source.argument() or "")
            source.option()
        else:
            return False
        return True

    def _other(self, name: str, source: Source) -> None:
        if name == "verb" or name == "lstinline":
            source.option()
            self._write(f"`{source.verbatim()}`")
        elif name in ("url", "path", "nolinkurl"):
            self._write(source.argument() or "")
        elif name in tables.SILENT:
            source.option()
            for _ in range(0 if name in tables.NO_ARGUMENT else tables.SILENT[name]):
                self._language(name, source.last_option, source.argument() or "")
                source.option()
        elif name in tables.SKIP_FIRST:
            source.option()
            for _ in range(tables.SKIP_FIRST[name]):
                source.argument()
                source.option()
        elif name == "texttt":
            self._write(f"`{self._rendered(source.argument() or '')}`")
        else:
            # Font changes and what nobody knows: the group behind it is text.
            source.option(only_if_group=True)

    def _language(self, name: str, option: str, argument: str) -> None:
        if name in ("usepackage", "documentclass") and (argument == "babel" or option):
            for word in reversed(option.split(",")):
                word = word.partition("=")[2] or word
                if word.strip() in tables.LANGUAGES:
                    self.fields.setdefault("lang", tables.LANGUAGES[word.strip()])

    def _name(self, raw: str) -> str:
        """An author without footnotes and address."""
        raw = re.split(r"\\\\|\\newline|\n[ \t]*\n", raw.strip())[0]
        return self._rendered(re.sub(r"\\(?:thanks|footnote|inst|orcid)\{[^{}]*\}", "", raw))

    def _input(self, name: str, source: Source) -> None:
        name = name.strip()
        self._inputs += 1
        self._open = [(n, depth) for n, depth in self._open if depth < source.depth]
        loops = name.removesuffix(".tex") in (n for n, _ in self._open)
        data = self._include(name) if self._inputs <= MAX_INPUTS and not loops else None
        if data is None:
            if len(self.unresolved) < 100:
                self.unresolved.append(name[:200])
            return
        text, repaired = self._decode(data)
        self.repaired |= repaired
        text = plain(text)
        self._input_chars += len(text)
        begin = BEGIN.search(text)  # a document of its own, as `subfiles` allows
        if begin is not None:
            text = text[begin.end() :].partition("\\end{document}")[0]
        self._open.append((name.removesuffix(".tex"), source.depth))
        if self._input_chars > MAX_INPUT_CHARS or not source.push(text):
            self.unresolved.append(name[:200])

    # --- environments --------------------------------------------------------------------------

    def _begin(self, name: str, source: Source) -> None:
        bare = name.rstrip("*")
        if bare == "document":
            self._started = True
        elif bare in tables.MATH:
            inside = source.until_end(name)
            if inside is not None:
                inner = f"\\begin{{{name}}}{inside}\\end{{{name}}}" if "align" in bare else inside
                self._counters["equation"] = self._counters.get("equation", 0) + 1
                self._here = str(self._counters["equation"])
                for label in re.findall(r"\\label\s*\{([^{}]{0,200})\}", inside):
                    self._labels.setdefault(label.strip(), self._here)
                self._math(inner, display=bare != "math")
        elif bare in tables.CODE:
            option = source.option() or ""
            language = source.argument() or "" if bare == "minted" else ""
            found = re.search(r"language=\{?(?:\[[^\]]*\])?(\w+)", option)
            inside = source.until_end(name)
            if inside is not None:
                self._close()
                if bare == "Highlighting":
                    inside = highlighted(inside)
                code = fence(inside, language or (found[1].lower() if found else ""))
                self._add("code", code)
        elif bare in tables.DROPPED:
            source.until_end(name)
        elif bare in tables.TABLES:
            self._table(name, source)
        elif bare in tables.LISTS:
            self._close()
            source.option()
            self._lists.append([tables.LISTS[bare], 0])
        elif bare in tables.QUOTES:
            self._close()
            self._quotes.append(len(self._blocks))
        elif bare in tables.FLOATS:
            self._close()
            source.option()
            self._floats.append(tables.FLOATS[bare])
        elif bare == "abstract":
            self._close()
            self._title()
            self._add("heading", heading("Abstract", 2))
        elif bare == "thebibliography":
            source.argument()
            self._close()
            self._add("heading", heading("References", 2))
        elif bare in self._theorems:
            self._close()
            given = source.option()
            named = f" ({self._rendered(given)})" if given else ""
            count = self._counters[bare] = self._counters.get(bare, 0) + 1
            number = "" if bare == "proof" else f" {count}"
            self._here = str(count)
            self._write(f"{self._theorems[bare]}{number}{named}. ")
        elif bare in ("minipage", "multicols", "subfigure", "adjustwidth"):
            source.option()
            source.argument()
            self._close()

    def _table(self, name: str, source: Source) -> None:
        source.option()
        for _ in range(2 if name.rstrip("*") in ("tabularx", "tabulary", "xltabular") else 1):
            source.argument()
        inside = source.until_end(name)
        if inside is None:
            return
        inside = without_comments(inside)
        caption = re.search(r"\\caption\*?(?:\[[^\]]{0,500}\])?(?=\{)", inside)
        if caption is not None:  # of a longtable
            inner = Source(inside, caption.end())
            words = self._rendered(inner.argument() or "")
            inside = inside[: caption.start()] + inside[inner.at :]
            self._caption(words, "Table")
        # The head of a table's first page, then that of the others, which says it again.
        first, mark, others = inside.partition("\\endfirsthead")
        if mark:
            inside = first + others.partition("\\endhead")[2]
        inside = _LABEL.sub("", _RULES.sub("", inside))
        rows = [
            [self._rendered(cell) for cell in _CELL.split(row)]
            for row in _ROW.split(inside)
            if row.strip()
        ]
        if self._depth:
            self._write(" ".join(cell for row in rows for cell in row))
        else:
            self._close()
            self._add("table", table(rows))

    # --- blocks ------------------------------------------------------------------------------

    def _section(self, name: str, source: Source) -> None:
        source.option()
        level = tables.SECTIONS[name]
        title = self._rendered(source.argument() or "")
        self._close()
        if not self._started and not self._depth:
            return
        self._title()
        self._sections[level] += 1
        self._sections[level + 1 :] = [0] * (6 - level)
        numbers = [n for n in self._sections[1 : level + 1] if n]
        self._here = ".".join(map(str, numbers))
        self._add("heading", heading(title, level) if title else "")

    def _new_item(self, label: str | None) -> None:
        self._close()
        if not self._lists:
            self._lists.append([False, 0])
        here = self._lists[-1]
        here[1] += label is None
        self._here = str(here[1])
        self._item = (len(self._lists) - 1, here[1] if here[0] and label is None else None)
        if label:
            self._write(self._rendered(label) + " ")

    def _dollar(self, source: Source) -> None:
        display = source.starts("$")
        if display:
            source.at += 1
        inside = source.until_dollar(2 if display else 1)
        if inside is None:
            self._write("$")
        else:
            self._math(inside, display=display)

    def _math(self, tex: str, *, display: bool) -> None:
        tex = _LABEL.sub("", without_comments(tex))
        tex = self.macros.expanded(tex).strip()
        if not tex:
            return
        if display and not self._depth and self._started:
            self._close()
            self._add("math", "$$\n" + re.sub(r"\n\s*\n", "\n", tex) + "\n$$")
        else:
            self._write(f"${squeezed(tex)}$")
