"""LaTeX sources: text, structure, macros; what may be read in and what may not."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.collect.documents.content import Content
from corpusmith.collect.documents.latex import parse
from tests.collect_run import collect

PAPER = r"""\documentclass[12pt]{article}
\usepackage[english,ngerman]{babel}
\newcommand{\R}{\mathbb{R}}
\newcommand{\norm}[2][2]{\lVert #2 \rVert_{#1}}
\def\eg{e.g.\ }
\newtheorem{thm}{Theorem}
\title{On \emph{Mills}\thanks{Funded.}}
\author{Ada M\"uller\thanks{x} \\ University \and Ren\'e Weber}
\begin{document}
\maketitle
\begin{abstract}
We study mills, % not this
\eg wheels.
\end{abstract}
\section{Intro}\label{sec:intro}
Let $x \in \R$ with $\norm{x} = 1$. See Section~\ref{sec:intro} and \cite{knuth,lamport}.
``Quoted'' --- na\"{\i}ve 100\%.\footnote{A \textbf{note}.}

With \textbf{bold \emph{text}} and {\em old}. \url{http://x.org/a_b}
\begin{align}\label{eq:a}
 E &= mc^2 % comment
\end{align}
By \eqref{eq:a}.
\begin{itemize}
\item one
\item two \begin{enumerate} \item a \item b \end{enumerate}
\end{itemize}
\begin{table}[h]\centering
\caption{Years of mills}
\begin{tabular}{l|r}
\hline Name & Year \\ \hline
Old \& new & 1702 \\
\end{tabular}
\end{table}
\begin{thm}[Weir] Water falls. \end{thm}
\begin{lstlisting}[language=C]
int x; % kept
\end{lstlisting}
\input{parts/one}
\includegraphics[width=3cm]{a.png}
\begin{thebibliography}{9}
\bibitem{knuth} D. Knuth. \textit{TAOCP}.
\end{thebibliography}
\end{document}
ignored"""
TEXT = r"""# On Mills

## Abstract

We study mills, e.g. wheels.

## Intro

Let $x \in \mathbb{R}$ with $\lVert x \rVert_{2} = 1$. See Section 1 and [1, lamport]. “Quoted” — naïve 100%.[^1]

With bold text and old. http://x.org/a_b

$$
\begin{align}
 E &= mc^2 \end{align}
$$

By 1.

- one
- two
  1. a
  2. b

Table 1: Years of mills

| Name | Year |
| --- | --- |
| Old & new | 1702 |

Theorem 1 (Weir). Water falls.

```c
int x; % kept
```

Included by name.

## References

1. D. Knuth. TAOCP.

[^1]: A note."""  # noqa: E501


def tree(folder: Path) -> Path:
    (folder / "parts").mkdir(parents=True)
    (folder / "main.tex").write_text(PAPER)
    (folder / "parts" / "one.tex").write_text("Included by \\eG name.")
    return folder


def test_a_paper(tmp_path: Path) -> None:
    found = collect(tmp_path / "out", read="latex", path=tree(tmp_path / "in"))
    assert found.texts == [TEXT] and found.uris == ["main.tex"]
    meta = found.meta[0]
    assert (meta["title"], meta["authors"]) == ("On Mills", ["Ada Müller", "René Weber"])
    assert found.documents["lang"].to_pylist() == ["de"]  # babel's last one is the main language
    assert found.info["skipped"] == {r"file:tex without \begin{document}": 1}


def test_papers_in_archives(tmp_path: Path) -> None:
    """Parts that come later in the archive, and are another's of the same name in the next."""
    folder = tree(tmp_path / "in")
    packed = tmp_path / "packed"
    packed.mkdir()
    with tarfile.open(packed / "a.tar.gz", "w:gz") as tar:
        tar.add(folder / "main.tex", "p/main.tex")
        tar.add(folder / "parts" / "one.tex", "p/parts/one.tex")
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("main.tex", PAPER)
    with zipfile.ZipFile(packed / "b.zip", "w") as archive:
        archive.writestr("x.zip", inner.getvalue())
        archive.writestr("parts/one.tex", "of another archive")
    found = collect(tmp_path / "out", read="documents", path=packed)
    assert found.uris == ["a.tar.gz!/p/main.tex", "b.zip!/x.zip!/main.tex"]
    assert found.texts == [TEXT, TEXT.replace("Included by name.\n\n", "")]
    assert found.meta[1]["inputs_missing"] == ["parts/one"]
    assert found.info["skipped"]["missing_input"] == 1


def test_nothing_outside_the_source_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.tex"
    secret.write_text("SECRET")
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "beside.tex").write_text("Beside.")
    names = ["../../secret", str(secret), "../beside", "/etc/passwd", "x\\..\\secret"]
    body = "\n\n".join(f"\\input{{{name}}}" for name in names)
    (folder / "sub" / "a.tex").write_text(f"\\begin{{document}}{body}\\end{{document}}")
    found = collect(tmp_path / "out", read="latex", path=folder)
    assert found.texts == ["Beside."]  # inside the source, above the file's own folder
    assert len(found.meta[0]["inputs_missing"]) == 4
    alone = collect(tmp_path / "alone", read="latex", path=folder / "sub" / "a.tex")
    assert alone.texts == [""]  # a source is the files that its path names


def test_what_pandoc_writes() -> None:
    """Code with a command around each word, and a table whose head is there twice."""
    body = r"""\hypertarget{a}{\section{A}\label{a}}
\begin{Shaded}
\begin{Highlighting}[]
\KeywordTok{def}\NormalTok{ f\_x(\{\}): }\CommentTok{\# 1{-}2}
\end{Highlighting}
\end{Shaded}
\begin{longtable}[]{@{}ll@{}}
\caption{Two}\tabularnewline
\toprule K & V \\ \midrule \endfirsthead
\toprule K & V \\ \midrule \endhead
1 & 2 \\ \bottomrule
\end{longtable}\end{document}"""
    assert read_text(body).text == (
        "## A\n\n```\ndef f_x({}): # 1-2\n```\n\nTable 1: Two\n\n"
        "| K | V |\n| --- | --- |\n| 1 | 2 |"
    )


def read_text(body: str) -> Content:
    again = {"x": b"\\input{x}more", "big": b"y" * 5_000}
    return parse("\\begin{document}" + body, again.get, lambda data: (data.decode(), False))


@pytest.mark.parametrize(
    "piece",
    [
        *("{", "\\begin{itemize}", "\\emph{", "$", "\\[", "\\begin{align}", "\\footnote{", "%"),
        *("\\section", "\\begin{quote}", "\\cite[", "\\verb|"),
        *("\\def\\b#1{\\b{#1#1}}\\b{x}", "\\item ", "\\'", "\\input{x}", "\\caption{", "\\\\["),
        *("\\begin{tabular}{c}", "``", "$$", "\\input{big}", "\\", "\n\n", "\\title{", "&"),
    ],
)
def test_hostile_latex_takes_linear_time(piece: str) -> None:
    def seconds(chars: int) -> float:
        text = piece * (chars // len(piece))
        began = time.process_time()
        read_text(text)
        return time.process_time() - began

    small = min(seconds(2_500) for _ in range(2))
    assert seconds(20_000) < 24 * small + 0.1


def test_macros_have_their_share() -> None:
    bomb = "\\def\\a{xxxxxxxxxx}"
    for name, inner in zip("bcdefghij", "abcdefghi", strict=True):
        bomb += f"\\def\\{name}{{" + f"\\{inner}" * 10 + "}"
    found = read_text(bomb + "\\j end")
    assert len(found.text) < 17 << 20 and found.text.endswith("end")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    "\\begin{",
                    "\\end{",
                    "}",
                    "{",
                    "[",
                    "]",
                    "tabular}",
                    "document}",
                    "$",
                    "\\",
                    "&",
                ),
                *("\\item", "\\def\\x", "#1", "\\x", "%", "\n", "\n\n", "word", "\\footnote", "~"),
                *("itemize}", "\\[", "\\]", "\\section", "\\caption", "equation}", "\\verb", "|"),
            ]
        ),
        max_size=40,
    )
)
def test_any_latex_has_a_text(pieces: list[str]) -> None:
    read_text("".join(pieces)).text.encode()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"a \iffalse b \ifx\c\d e \else f \fi g \fi h", "a h"),
        (r"a \iffalse b \else c \fi d", "a c d"),
        (r"a \ifpdf b \else c \fi d", "a b d"),
        (r"a \iffalse without an end", "a without an end"),
        (r"$a \iff b$ c", r"$a \iff b$ c"),
        (
            "中文第一行\n中文第二行。\nEnglish line\nnext",
            "中文第一行中文第二行。 English line next",
        ),
    ],
)
def test_branches_and_lines(body: str, text: str) -> None:
    page = "\\documentclass{article}\\begin{document}" + body + "\\end{document}"
    assert parse(page, lambda name: None, lambda data: (data.decode(), False)).text == text


def test_a_file_that_reads_itself_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text("\\begin{document}one \\input{b}\\end{document}")
    (tmp_path / "b.tex").write_text("two \\input{b} three")
    found = collect(tmp_path / "out", read="latex", path=tmp_path)
    assert found.texts == ["one two three"]
    assert found.meta[0]["inputs_missing"] == ["b"]
