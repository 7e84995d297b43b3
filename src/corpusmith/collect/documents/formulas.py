"""Formulas of office files and books to TeX: Office MathML (ISO/IEC 29500-1, 22.1) and MathML 3."""

from __future__ import annotations

import re
from collections.abc import Callable

from corpusmith.collect.documents.xmltree import Node

_OPERATORS = {
    "∫": "\\int", "∑": "\\sum", "∏": "\\prod", "∮": "\\oint", "⋃": "\\bigcup", "⋂": "\\bigcap",
    "×": "\\times", "·": "\\cdot", "⋅": "\\cdot", "≤": "\\leq", "≥": "\\geq", "≠": "\\neq",
    "±": "\\pm", "→": "\\to", "∞": "\\infty", "∈": "\\in", "∉": "\\notin", "⊂": "\\subset",
    "∪": "\\cup", "∩": "\\cap", "∀": "\\forall", "∃": "\\exists", "∂": "\\partial",
    "∇": "\\nabla", "≈": "\\approx", "≡": "\\equiv", "…": "\\ldots", "∼": "\\sim",
    "α": "\\alpha", "β": "\\beta", "γ": "\\gamma", "δ": "\\delta", "ε": "\\epsilon",
    "θ": "\\theta", "λ": "\\lambda", "μ": "\\mu", "π": "\\pi", "ρ": "\\rho", "σ": "\\sigma",
    "τ": "\\tau", "φ": "\\phi", "χ": "\\chi", "ψ": "\\psi", "ω": "\\omega", "Δ": "\\Delta",
    "Σ": "\\Sigma", "Ω": "\\Omega", "Γ": "\\Gamma", "Φ": "\\Phi", "Λ": "\\Lambda",
    "\u2061": "", "\u2062": "", "\u2063": "", "\u200b": "", "{": "\\{", "}": "\\}",
}  # fmt: skip
_COMMAND = re.compile(r"\\[a-zA-Z]+\Z")
_ACCENTS = {"\u0302": "hat", "\u0303": "tilde", "\u0305": "overline", "\u20d7": "vec",
            "\u0307": "dot", "\u0308": "ddot", "^": "hat", "~": "tilde", "¯": "overline",
            "→": "vec", "˙": "dot", "¨": "ddot"}  # fmt: skip


def _symbols(text: str) -> str:
    """Characters with a name in TeX by it."""
    return _joined([_OPERATORS.get(char, char) for char in text])


def _joined(parts: list[str]) -> str:
    """Parts side by side; a command is set off from a letter behind it."""
    out: list[str] = []
    for part in parts:
        if part and part[0].isalpha() and out and _COMMAND.search(out[-1][-24:]):
            out.append(" ")
        if part:
            out.append(part)
    return "".join(out)


# --- Office MathML -------------------------------------------------------------------------


def from_omml(node: Node) -> str:
    """The TeX of `m:oMath` or of a part of it."""
    return _joined([_omml(child) for child in node.elements()])


def _part(node: Node, name: str) -> str:
    child = node.child(name)
    return from_omml(child) if child is not None else ""


def _value(node: Node, properties: str, name: str, default: str) -> str:
    block = node.child(properties)
    found = block.child(name) if block is not None else None
    return found.get("m:val") if found is not None else default


def _nary(node: Node) -> str:
    sign = _symbols(_value(node, "m:naryPr", "m:chr", "∫"))
    low, high = _part(node, "m:sub"), _part(node, "m:sup")
    out = sign + (f"_{{{low}}}" if low else "") + (f"^{{{high}}}" if high else "")
    return f"{out} {_part(node, 'm:e')}"


def _delimited(node: Node) -> str:
    begin = _symbols(_value(node, "m:dPr", "m:begChr", "("))
    end = _symbols(_value(node, "m:dPr", "m:endChr", ")"))
    between = _symbols(_value(node, "m:dPr", "m:sepChr", "|"))
    return begin + between.join(from_omml(e) for e in node.elements("m:e")) + end


def _radical(node: Node) -> str:
    degree = _part(node, "m:deg")
    return f"\\sqrt{f'[{degree}]' if degree else ''}{{{_part(node, 'm:e')}}}"


def _matrix(node: Node) -> str:
    rows = (" & ".join(from_omml(e) for e in r.elements("m:e")) for r in node.elements("m:mr"))
    return "\\begin{matrix}" + " \\\\ ".join(rows) + "\\end{matrix}"


def _accent(node: Node) -> str:
    name = _ACCENTS.get(_value(node, "m:accPr", "m:chr", "\u0302"), "hat")
    return f"\\{name}{{{_part(node, 'm:e')}}}"


_OMML: dict[str, Callable[[Node], str]] = {
    "m:f": lambda n: f"\\frac{{{_part(n, 'm:num')}}}{{{_part(n, 'm:den')}}}",
    "m:sSup": lambda n: f"{_part(n, 'm:e')}^{{{_part(n, 'm:sup')}}}",
    "m:sSub": lambda n: f"{_part(n, 'm:e')}_{{{_part(n, 'm:sub')}}}",
    "m:sSubSup": lambda n: f"{_part(n, 'm:e')}_{{{_part(n, 'm:sub')}}}^{{{_part(n, 'm:sup')}}}",
    "m:rad": _radical,
    "m:nary": _nary,
    "m:d": _delimited,
    "m:m": _matrix,
    "m:acc": _accent,
    "m:bar": lambda n: f"\\overline{{{_part(n, 'm:e')}}}",
    "m:func": lambda n: f"{_part(n, 'm:fName')} {_part(n, 'm:e')}",
    "m:limLow": lambda n: f"{_part(n, 'm:e')}_{{{_part(n, 'm:lim')}}}",
    "m:limUpp": lambda n: f"{_part(n, 'm:e')}^{{{_part(n, 'm:lim')}}}",
    "m:eqArr": lambda n: " \\\\ ".join(from_omml(e) for e in n.elements("m:e")),
}


def _omml(node: Node) -> str:
    if node.name in ("m:t", "w:t"):
        return _symbols(node.text)
    if node.name.endswith("Pr"):  # properties
        return ""
    made = _OMML.get(node.name)
    return made(node) if made is not None else from_omml(node)


# --- MathML --------------------------------------------------------------------------------


def from_mathml(node: Node) -> str:
    """The TeX of `math`: its annotation where it has one, else made of its tree."""
    for annotation in node.find_all(_named(node, "annotation")):
        if annotation.get("encoding") in ("application/x-tex", "TeX", "LaTeX"):
            return annotation.text.strip()
    return _joined([_mathml(child) for child in node.elements()])


def _named(node: Node, local: str) -> str:
    prefix, colon, _ = node.name.rpartition(":")
    return prefix + colon + local


def _mathml(node: Node) -> str:
    name = node.name.rpartition(":")[2]
    if name in ("mi", "mn", "mo", "mtext", "ms"):
        text = _symbols(" ".join(node.text.split()))
        if name == "mtext" and text:
            return f"\\text{{{text}}}"
        return text
    if name in ("annotation", "annotation-xml", "mphantom"):
        return ""
    parts = [_mathml(child) for child in node.elements()]
    first, second, third = [*parts, "", "", ""][:3]
    if name == "mfrac":
        return f"\\frac{{{first}}}{{{second}}}"
    if name in ("msup", "mover"):
        accent = _ACCENTS.get(second) if name == "mover" else None
        return f"\\{accent}{{{first}}}" if accent else f"{first}^{{{second}}}"
    if name in ("msub", "munder"):
        return f"{first}_{{{second}}}"
    if name in ("msubsup", "munderover"):
        return f"{first}_{{{second}}}^{{{third}}}"
    if name == "msqrt":
        return f"\\sqrt{{{_joined(parts)}}}"
    if name == "mroot":
        return f"\\sqrt[{second}]{{{first}}}"
    if name == "mfenced":
        return node.get("open", "(") + ",".join(parts) + node.get("close", ")")
    if name == "mtr":
        return " & ".join(parts)
    if name == "mtable":
        return "\\begin{matrix}" + " \\\\ ".join(parts) + "\\end{matrix}"
    if name == "mspace":
        return " "
    return _joined(parts)
