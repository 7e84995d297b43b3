"""Reading LaTeX: arguments, groups, and macros, none of which can take more than its share."""

from __future__ import annotations

import re

MAX_SOURCES = 100  # texts within each other: expansions and files read in
MAX_EXPANSIONS = 50_000
MAX_EXPANDED_CHARS = 16 << 20
MAX_ARGUMENT_CHARS = 1 << 20
_BRACE = re.compile(r"\\[\s\S]|[{}]|%")
_SPACE = re.compile(r"[ \t]*(?:%[^\n]*\n)?[ \t]*(?:\n(?![ \t]*\n)[ \t]*)?")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\n?[ \t]*")
_DOLLAR = re.compile(r"\\[\s\S]|\$|\n[ \t]*\n")
_TOKEN_COMMAND = re.compile(r"\\[A-Z][A-Za-z]{1,20}\{([^{}]*)\}")
_IN_CODE = {
    "\\textbackslash{}": "\ue005", "\\{": "\ue006", "\\}": "\ue007", "\\textasciigrave{}": "`",
    "\\textquotesingle{}": "'", "\\textasciitilde{}": "~", "\\textasciicircum{}": "^",
    "\\textless{}": "<", "\\textgreater{}": ">", "\\textbar{}": "|", "\\_": "_", "\\$": "$",
    "\\&": "&", "\\#": "#", "\\%": "%",
}  # fmt: skip
_CODE_MARKS = {0xE005: "\\", 0xE006: "{", 0xE007: "}"}
# Those that take their branches as arguments (etoolbox, ifthen) end with no \\fi.
_CONDITION = re.compile(
    r"\\(if(?!thenelse|def|cs|str|bool|toggle|blank|undef)[a-zA-Z@]*|else|fi)(?![a-zA-Z@])"
)
_MACRO = re.compile(r"\\([a-zA-Z@]+)")


BEGIN = re.compile(r"\\begin\s{0,5}\{document\}")


def is_document(text: str) -> bool:
    """Whether a file is a whole document, not a part that others read in."""
    return BEGIN.search(text) is not None


def without_comments(text: str) -> str:
    return _COMMENT.sub(r"\1", text) if "%" in text else text


def highlighted(code: str) -> str:
    """Code in pandoc's environment Highlighting, which has a command around each word."""
    code = code.replace("{-}", "-")
    for name, char in _IN_CODE.items():
        code = code.replace(name, char)
    return _TOKEN_COMMAND.sub(r"\1", code).translate(_CODE_MARKS)


class Source:
    """A text that is being read, with others (files, expansions) on top of it."""

    def __init__(self, text: str, at: int = 0) -> None:
        self._texts = [text]
        self._ats = [at]
        self._absent: set[tuple[int, str]] = set()
        self.last_option = ""

    @property
    def text(self) -> str | None:
        """The innermost text that is not at its end; None at the end of all."""
        while self._ats[-1] >= len(self._texts[-1]):
            if len(self._texts) == 1:
                return None
            self._texts.pop()
            self._ats.pop()
            self._forget()
        return self._texts[-1]

    @property
    def depth(self) -> int:
        """How many texts are open."""
        return len(self._texts)

    @property
    def at(self) -> int:
        return self._ats[-1]

    @at.setter
    def at(self, value: int) -> None:
        self._ats[-1] = value

    def push(self, text: str) -> bool:
        """Read `text` first; False where too many are open."""
        if len(self._texts) >= MAX_SOURCES:
            return False
        self._texts.append(text)
        self._ats.append(0)
        self._forget()
        return True

    def _forget(self) -> None:
        """What did not come in a text says nothing of another one."""
        if self._absent:
            depth = len(self._texts)
            self._absent = {key for key in self._absent if key[0] < depth}

    def starts(self, mark: str) -> bool:
        return self._texts[-1].startswith(mark, self.at)

    def skip_space(self) -> None:
        match = _SPACE.match(self._texts[-1], self.at)
        if match is not None:
            self.at = match.end()

    def skip_comment(self) -> None:
        end = self._texts[-1].find("\n", self.at)
        self.at = len(self._texts[-1]) if end < 0 else end + 1
        while self.starts(" ") or self.starts("\t"):
            self.at += 1

    def skip_empty_group(self) -> None:
        if self.starts("{}"):
            self.at += 2

    def argument(self) -> str | None:
        """A group's inside, a command or a character; None at the end."""
        self.skip_space()
        text, at = self._texts[-1], self.at
        if at >= len(text):
            return None
        if text[at] != "{":
            match = _MACRO.match(text, at)
            self.at = match.end() if match else at + (2 if text[at] == "\\" else 1)
            return text[at : self.at]
        depth = 0
        limit = min(len(text), at + MAX_ARGUMENT_CHARS)
        place = at
        while match := _BRACE.search(text, place, limit):
            place = match.end()
            if match[0] == "{":
                depth += 1
            elif match[0] == "}":
                depth -= 1
                if depth == 0:
                    self.at = place
                    return text[at + 1 : place - 1]
            elif match[0] == "%":
                end = text.find("\n", place, limit)
                place = limit if end < 0 else end
        # A group without an end: up to the paragraph's.
        end = text.find("\n\n", at, limit)
        self.at = limit if end < 0 else end
        return text[at + 1 : self.at]

    def option(self, *, only_if_group: bool = False) -> str | None:
        """The inside of `[...]`, where there is one here (and a group behind it)."""
        self.skip_space()
        text, at = self._texts[-1], self.at
        if not self.starts("["):
            self.last_option = ""
            return None
        depth = 0
        limit = min(len(text), at + 4096)
        if text.find("]", at, limit) < 0:
            return None
        for place in range(at + 1, limit):
            char = text[place]
            if char == "{":
                depth += 1
            elif char == "}":
                depth -= 1
            elif char == "]" and depth <= 0:
                if only_if_group and text[place + 1 : place + 2] != "{":
                    return None
                self.at = place + 1
                self.last_option = text[at + 1 : place]
                return self.last_option
        return None

    def word(self) -> str:
        """What stands up to white space: `\\input file`."""
        match = re.compile(r"[^\s\\{}%]*").match(self._texts[-1], self.at)
        assert match is not None
        self.at = match.end()
        return match[0]

    def verbatim(self) -> str:
        """`|text|` of \\verb, any character as the mark, on one line; also a group."""
        text, at = self._texts[-1], self.at
        if at >= len(text):
            return ""
        if text[at] == "{":
            return self.argument() or ""
        end = text.find(text[at], at + 1, at + 1000)
        if end < 0 or "\n" in text[at:end]:
            return ""
        self.at = end + 1
        return text[at + 1 : end]

    def skip_branch(self) -> None:
        """Go behind the \\else or \\fi that ends the branch of a condition which begins here; where
        there is none in this text, nothing is skipped."""
        text, depth = self._texts[-1], 0
        if (len(self._texts), "\\fi") in self._absent:
            return
        for match in _CONDITION.finditer(text, self.at):
            if match[1] in ("else", "fi"):
                if depth == 0:
                    self.at = match.end()
                    return
                depth -= match[1] == "fi"
            elif match[1] != "iff":
                depth += 1
        self._absent.add((len(self._texts), "\\fi"))

    def until(self, mark: str) -> str | None:
        """What stands up to `mark`; None where it does not come in this text."""
        text, at = self._texts[-1], self.at
        if (len(self._texts), mark) in self._absent:
            return None
        end = text.find(mark, at)
        if end < 0:
            self._absent.add((len(self._texts), mark))  # it is not looked for again
            return None
        self.at = end + len(mark)
        return text[at:end]

    def until_end(self, name: str) -> str | None:
        return self.until(f"\\end{{{name}}}")

    def until_dollar(self, count: int) -> str | None:
        """A formula's inside; it ends in its paragraph."""
        text, at = self._texts[-1], self.at
        place = at
        while match := _DOLLAR.search(text, place):
            place = match.end()
            if match[0][0] == "\n" and count == 1:
                return None
            if match[0] == "$":
                self.at = place if count == 1 or text[place : place + 1] != "$" else place + 1
                return text[at : match.start()]
        return None


class Macros:
    """The document's own commands."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, str | None, str]] = {}  # arguments, default, body
        self._calls = 0
        self._chars = 0

    def define(self, name: str, source: Source) -> bool:
        """Take a definition; False where `name` begins none."""
        if name in ("newcommand", "renewcommand", "providecommand", "DeclareRobustCommand"):
            command = (source.argument() or "").strip().lstrip("\\")
            count = source.option() or "0"
            default = source.option()
            body = source.argument() or ""
            number = int(count) if count.strip().isdigit() and int(count) < 10 else 0
            self._keep(command, number, default, body)
        elif name in ("def", "gdef", "edef", "xdef"):
            command = (source.argument() or "").strip().lstrip("\\")
            count_ = 0
            while source.starts("#"):
                source.at += 2
                count_ += 1
            if source.starts("{"):
                self._keep(command, min(count_, 9), None, source.argument() or "")
        elif name == "DeclareMathOperator":
            command = (source.argument() or "").strip().lstrip("\\")
            self._keep(command, 0, None, f"\\operatorname{{{source.argument() or ''}}}")
        elif name == "let":
            source.argument()
            if source.starts("="):
                source.at += 1
            source.argument()
        elif name in ("newenvironment", "renewenvironment"):
            source.argument()
            source.option()
            source.option()
            source.argument()
            source.argument()
        else:
            return False
        return True

    def _keep(self, command: str, count: int, default: str | None, body: str) -> None:
        plain = command.isascii() and command.isalpha()
        if plain and command not in ("begin", "end", "item") and len(self.found) < 10_000:
            self.found[command] = (count, default, without_comments(body))

    def call(self, name: str, source: Source) -> None:
        """Put the expansion of a command in front of what follows."""
        body = self._body(name, source)
        if body:
            source.push(body)

    def _body(self, name: str, source: Source) -> str:
        count, default, body = self.found[name]
        arguments: list[str] = []
        if count and default is not None:
            given = source.option()
            arguments.append(default if given is None else given)
        while len(arguments) < count:
            arguments.append(source.argument() or "")
        self._calls += 1
        if self._calls > MAX_EXPANSIONS or self._chars > MAX_EXPANDED_CHARS:
            return ""
        if arguments:
            body = re.sub(r"#([1-9])", lambda m: _nth(arguments, int(m[1])), body)
            body = body[:MAX_ARGUMENT_CHARS]
        self._chars += len(body)
        return body

    def expanded(self, tex: str) -> str:
        """A formula with the document's commands expanded."""
        if not self.found or "\\" not in tex:
            return tex
        source = Source(tex)
        out: list[str] = []
        while (text := source.text) is not None:
            match = _MACRO.search(text, source.at)
            if match is None:
                out.append(text[source.at :])
                source.at = len(text)
                continue
            out.append(text[source.at : match.start()])
            source.at = match.end()
            if match[1] in self.found:
                body = self._body(match[1], source)
                if body:
                    source.push(body)
            else:
                out.append(match[0])
        return "".join(out)


def _nth(arguments: list[str], number: int) -> str:
    return arguments[number - 1] if number <= len(arguments) else ""
