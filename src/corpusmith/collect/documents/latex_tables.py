"""What LaTeX's commands and environments mean for a text."""

from __future__ import annotations

import unicodedata


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SECTIONS = {
    "part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5,
    "subparagraph": 6,
}  # fmt: skip
MATH = _words(
    "equation align gather multline eqnarray displaymath flalign alignat math dmath subequations"
)
CODE = _words("Highlighting verbatim Verbatim lstlisting minted alltt BVerbatim LVerbatim")
DROPPED = _words(
    "comment tikzpicture picture filecontents pspicture pgfpicture axis CJKfilt asy luacode"
)
TABLES = _words("tabular tabularx tabulary longtable array supertabular xltabular tblr")
LISTS = {"itemize": False, "enumerate": True, "description": False, "compactitem": False,
         "compactenum": True, "inparaenum": True, "list": False}  # fmt: skip
BREAKS = _words("par bigskip medskip smallskip newpage clearpage maketitle")
QUOTES = _words("quote quotation verse displayquote")
FLOATS = {"figure": "Figure", "table": "Table", "algorithm": "Algorithm", "wrapfigure": "Figure",
          "wraptable": "Table", "sidewaystable": "Table", "sidewaysfigure": "Figure",
          "listing": "Listing", "marginfigure": "Figure"}  # fmt: skip
THEOREMS = {
    "theorem": "Theorem", "lemma": "Lemma", "corollary": "Corollary", "definition": "Definition",
    "proposition": "Proposition", "remark": "Remark", "example": "Example", "proof": "Proof",
    "conjecture": "Conjecture", "claim": "Claim", "thm": "Theorem", "lem": "Lemma",
    "cor": "Corollary", "defn": "Definition", "prop": "Proposition", "rem": "Remark",
}  # fmt: skip
CITES = _words(
    "cite citep citet citealt citealp citeauthor citeyear parencite textcite autocite footcite "
    "citeyearpar Citet Citep nocite supercite fullcite"
)
REFERENCES = _words("ref eqref autoref cref Cref pageref nameref vref")
# Commands that are left out with so many arguments in braces.
SILENT = {
    **dict.fromkeys(
        _words(
            "usepackage RequirePackage documentclass pagestyle thispagestyle vspace hspace "
            "bibliography bibliographystyle addbibresource graphicspath includegraphics "
            "includepdf color pagecolor usetikzlibrary hypersetup geometry pagenumbering "
            "linespread selectlanguage index glossary markboth markright vskip hskip phantom "
            "hphantom vphantom thanks hyphenation allowdisplaybreaks newcounter stepcounter "
            "refstepcounter lstset captionsetup bibitemfont tableofcontents fontsize institute "
            "date address email affiliation keywords pacs preprint orcid "
            "DeclareGraphicsExtensions printbibliography PassOptionsToPackage sisetup tikzset "
            "numberwithin theoremstyle input@path bookmarksetup fancyhead fancyfoot lhead rhead "
            "chead lfoot rfoot cfoot cline cmidrule specialrule addlinespace"
        ),
        1,
    ),
    **dict.fromkeys(
        _words(
            "setlength addtolength setcounter addtocounter definecolor colorlet rule newtheorem@ "
            "DeclareMathSymbol settowidth fontfamily newenvironment@ titleformat titlespacing "
            "AtBeginDocument@ setkeys"
        ),
        2,
    ),
    **dict.fromkeys(["addcontentsline", "newfloat"], 3),
}  # fmt: skip
NO_ARGUMENT = _words("tableofcontents allowdisplaybreaks printbibliography addlinespace")
# Commands whose last argument alone is text: so many arguments stand in front of it.
SKIP_FIRST = {
    "textcolor": 1, "colorbox": 1, "href": 1, "raisebox": 1, "parbox": 1, "multirow": 2,
    "multicolumn": 2, "resizebox": 2, "scalebox": 1, "rotatebox": 1, "foreignlanguage": 1,
    "begingroup@": 0, "fcolorbox": 2, "makebox": 0, "adjustbox": 1, "hyperref@": 0,
    "texorpdfstring": 0, "hypertarget": 1, "hyperlink": 1, "setboolean": 2,
}  # fmt: skip
SYMBOLS = {
    "ldots": "…", "dots": "…", "textellipsis": "…", "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ",
    "OE": "Œ", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł", "i": "ı", "j": "ȷ",
    "S": "§", "P": "¶", "copyright": "©", "textcopyright": "©", "textregistered": "®",
    "texttrademark": "™", "pounds": "£", "textsterling": "£", "euro": "€", "texteuro": "€",
    "EUR": "€", "textyen": "¥", "textdegree": "°", "textmu": "µ", "textbackslash": "\\",
    "textasciitilde": "~", "textasciicircum": "^", "textbar": "|", "textless": "<",
    "textgreater": ">", "textunderscore": "_", "textendash": "–", "textemdash": "—",
    "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“",
    "textquotedblright": "”", "guillemotleft": "«", "guillemotright": "»", "glqq": "„",
    "grqq": "“", "flqq": "«", "frqq": "»", "og": "« ", "fg": " »", "quad": " ", "qquad": " ",
    "LaTeX": "LaTeX", "TeX": "TeX", "LaTeXe": "LaTeX2e", "BibTeX": "BibTeX", "XeTeX": "XeTeX",
    "today": "", "textbullet": "•", "textperiodcentered": "·", "dag": "†", "ddag": "‡",
    "slash": "/", "space": " ", "newline": "\0", "linebreak": "\0", "break": "\0", "hfill": " ",
    "and": ", ", "textquotesingle": "'", "th": "þ", "dh": "ð", "TH": "Þ", "DH": "Ð",
    "ng": "ŋ", "NG": "Ŋ", "textquotedbl": '"', "lbrack": "[", "rbrack": "]", "textsection": "§",
}  # fmt: skip
ESCAPED = {
    "%": "%", "&": "&", "$": "$", "#": "#", "_": "_", "{": "{", "}": "}", " ": " ", ",": " ",
    ";": " ", ":": " ", "!": "", "/": "", "-": "", "@": "", "\n": " ", "+": "", "=": "", ">": "",
    "<": "", "|": "",
}  # fmt: skip
_ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304",
    ".": "\u0307", "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328",
    "r": "\u030a", "d": "\u0323", "b": "\u0331", "t": "\u0361",
}  # fmt: skip
LANGUAGES = {
    "english": "en", "american": "en", "british": "en", "UKenglish": "en", "USenglish": "en",
    "german": "de", "ngerman": "de", "austrian": "de", "naustrian": "de", "french": "fr",
    "francais": "fr", "spanish": "es", "italian": "it", "portuguese": "pt", "brazil": "pt",
    "brazilian": "pt", "russian": "ru", "ukrainian": "uk", "polish": "pl", "czech": "cs",
    "dutch": "nl", "swedish": "sv", "danish": "da", "norsk": "nb", "finnish": "fi",
    "hungarian": "hu", "turkish": "tr", "greek": "el", "romanian": "ro", "catalan": "ca",
    "croatian": "hr", "slovak": "sk", "slovene": "sl", "vietnamese": "vi", "indonesian": "id",
}  # fmt: skip


def is_accent(name: str) -> bool:
    return name in _ACCENTS


def accented(name: str, letter: str) -> str:
    """`\\'` and `e` as é; what follows the first letter stays.

    >>> accented('"', "u"), accented("c", "ca")
    ('ü', 'ça')
    """
    if not letter:
        return ""
    base = {"ı": "i", "ȷ": "j"}.get(letter[0], letter[0])
    return unicodedata.normalize("NFC", base + _ACCENTS[name]) + letter[1:]
