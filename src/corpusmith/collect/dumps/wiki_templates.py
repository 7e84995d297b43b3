"""Templates of Wikipedia whose words stand in the text; all others are left out.

A template is a program on its own page, which a dump of articles does not run. Those here say what
they show by their arguments alone, and stand inside sentences.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from corpusmith.collect.documents.markdown import raised

_Arguments = list[str]


def _first(a: _Arguments) -> str:
    return a[0] if a else ""


def _third(a: _Arguments) -> str:
    return a[2] if len(a) > 2 else _second(a) or _first(a)


def _second(a: _Arguments) -> str:
    return a[1] if len(a) > 1 else ""


def _last(a: _Arguments) -> str:
    return a[-1] if a else ""


def _convert(a: _Arguments) -> str:
    """{{convert|5|km|mi}}: 5 km; {{convert|5|to|6|km}}: 5 to 6 km."""
    joiners = {"to": " to ", "-": "–", "–": "–", "and": " and ", "or": " or ", "x": " × "}
    if len(a) >= 4 and a[1] in joiners:
        return f"{a[0]}{joiners[a[1]]}{a[2]} {a[3]}"
    return f"{a[0]} {a[1]}" if len(a) > 1 else _first(a)


def _fraction(a: _Arguments) -> str:
    if len(a) == 3:
        return f"{a[0]} {a[1]}/{a[2]}"
    return f"{a[0]}/{a[1]}" if len(a) == 2 else f"1/{_first(a)}"


def _date(a: _Arguments) -> str:
    parts = [p for p in a[:3] if p.isdigit()]
    return "-".join(p.zfill(2) for p in parts)


def _constant(text: str) -> Callable[[_Arguments], str]:
    return lambda a: text


def _items(a: _Arguments) -> str:
    if len(a) == 1 and "\n" in a[0]:
        a = [line.lstrip("* \t") for line in a[0].split("\n")]
    return ", ".join(item.strip() for item in a if item.strip())


def _quote(a: _Arguments) -> str:
    by = f"\n\n— {a[1]}" if len(a) > 1 and a[1] else ""
    return f"\n\n{_first(a)}{by}\n\n" if a else ""


def _value(a: _Arguments) -> str:
    """{{val|6.022|e=23|u=mol}}: 6.022×10²³ mol."""
    named = dict(part.split("=", 1) for part in a if _NAMED.match(part))
    plain = [part for part in a if not _NAMED.match(part)]
    by = f"±{plain[1]}" if len(plain) > 1 and plain[1] else ""
    power = f"×10{raised(named['e'].strip())}" if named.get("e") else ""
    unit = named.get("u") or named.get("ul") or ""
    return f"{_first(plain)}{by}{power}{' ' if unit else ''}{unit.strip()}"


def _formula(a: _Arguments) -> str:
    """{{chem|H|2|O}}: H2O."""
    return "".join(a)


def _ordinal(a: _Arguments) -> str:
    number = _first(a)
    if not number.isdigit():
        return number
    last = "th" if number[-2:] in ("11", "12", "13") else {"1": "st", "2": "nd", "3": "rd"}
    return number + (last if isinstance(last, str) else last.get(number[-1], "th"))


def _ship(prefix: str, a: _Arguments) -> str:
    return f"{prefix} {_first(a)}"


def _reading(a: _Arguments) -> str:
    return f"{a[0]}（{a[1]}）" if len(a) > 1 and a[1] else _first(a)


def _life(a: _Arguments) -> str:
    """{{bd|1950年|1月1日|2000年|2月2日}} of the Chinese Wikipedia."""
    born, died = "".join(a[:2]), "".join(a[2:4])
    return f"{born}－{died}" if born or died else ""


def _as_of(a: _Arguments) -> str:
    return f"As of {' '.join(a[:3])}" if a else ""


def _names(names: str, maker: Callable[[_Arguments], str]) -> dict[str, Callable]:
    return {name.strip(): maker for name in names.split(",")}


_SHOWN: dict[str, Callable[[_Arguments], str]] = {
    **_names(
        "nowrap,nobr,small,smaller,big,larger,abbr,tooltip,nobold,noitalic,em,strong,var,code,mono,"
        "kbd,samp,tt,sc,smallcaps,ill,illm,interlanguage link,lien,angbr,nihongo,nihongo2,keypress,"
        "flag,flagcountry,flagu,unicode,nobreak,"
        "not a typo,visible anchor,vanchor,linktext,proper name,sic,sub,math,mvar,not typo,"
        "midsize,resize,color,nowiki,longitem,ruby-ja,jpn",
        _first,
    ),
    # Of the Chinese, Japanese and German Wikipedias: links to articles of others, fonts for rare
    # characters, words with notes.
    **_names(
        "le,僻字,internal link helper,仮リンク,日本語版にない記事リンク,ルビ,ruby,要出典範囲,"
        "jis2004フォント,jis90フォント,補助漢字フォント,拡張漢字,cjk-new-char,polytonisch,arab,arabisch,"
        "griechisch",
        _first,
    ),
    **_names("tsl,translink", _third),
    **_names("ilh,internal link helper/en", _first),
    **_names("読み仮名,読み仮名 ruby不使用", _reading),
    **_names("bd,生卒", _life),
    **_names("höhe", lambda a: f"{_first(a)} m" if a else ""),
    **_names("formatnum,formatzahl,lc,uc,lcfirst,ucfirst", _first),
    **_names("val", _value),
    **_names("chem,chem2,chemical formula", _formula),
    **_names("gaps", lambda a: "\u2009".join(a)),
    **_names("e", lambda a: f"×10{raised(a[0])}" if a else "e"),
    **_names("±,+-", lambda a: f"±{_first(a)}"),
    **_names("ordinal", _ordinal),
    **_names('"', lambda a: f"„{_first(a)}“"),
    **{ship: functools.partial(_ship, ship.upper()) for ship in ("uss", "hms", "rms", "ss")},
    **_names("nnbsp,0", _constant(" ")),
    **_names("lang,lang-sh,transl,transliteration,fontcolor,langue,sprache,bg", _second),
    **_names("sup,exp", lambda a: raised(_first(a))),
    **_names("hs,shy", _constant("")),
    **_names("convert,cvt,convertir", _convert),
    **_names("frac,sfrac,fraction,math frac", _fraction),
    **_names(
        "birth date,birth date and age,bda,start date,start date and age,end date,"
        "death date,death date and age,dts,date,film date,birth-date",
        _date,
    ),
    **_names("ndash,en dash,–", _constant("–")),
    **_names("spaced ndash,spnd,snd,spaced en dash", _constant(" – ")),
    **_names("mdash,em dash,—", _constant("—")),
    **_names("nbsp,space,thinsp,spaces,·,dot,middot", _constant(" ")),
    **_names("'", _constant("'")),
    **_names("=", _constant("=")),
    **_names("!", _constant("|")),
    **_names("--", _constant("–")),
    **_names("quote,blockquote,cquote,quotation,citation bloc,zitat", _quote),
    **_names("unbulleted list,ubl,plainlist,plain list,hlist,flatlist,bulleted list", _items),
    **_names("as of", _as_of),
    **_names("circa,c.", lambda a: f"c. {_first(a)}"),
    **_names("floruit,fl.", lambda a: f"fl. {_first(a)}"),
    **_names("reign", lambda a: f"r. {'–'.join(a[:2])}"),
    **_names("us$,usd", lambda a: f"US${_first(a)}"),
    **_names("gbp,£", lambda a: f"£{_first(a)}"),
    **_names("eur,euro,€", lambda a: f"€{_first(a)}"),
    **_names("inr,indian rupee", lambda a: f"₹{_first(a)}"),
}
_FUNCTIONS = frozenset(["formatnum", "lc", "uc", "lcfirst", "ucfirst"])
_LINKS = re.compile(r"(?:lang|link)-[a-z]{2,11}\Z|internal link helper/")
_LANGUAGES = re.compile(r"[a-z]{2,3}S")  # {{enS|word}} of the German Wikipedia
_NAMED = re.compile(r"[a-zA-Z_][\w \-]{0,40}=")


def shown(inside: str) -> str:
    """What `{{inside}}` shows; nested templates and links in it are text already.

    >>> shown("convert|5|km|mi"), shown("lang|fr|chat"), shown("Infobox|a=b")
    ('5 km', 'chat', '')
    """
    name, _, rest = inside.partition("|")
    function, colon, value = name.strip().partition(":")
    if colon and function.lower() in _FUNCTIONS:
        name, rest = function, value
    key = name.strip().replace("_", " ").lower()
    maker = _SHOWN.get(key)
    if maker is None:
        if not (_LINKS.match(key) or _LANGUAGES.fullmatch(name.strip())):
            return ""
        maker = _first
    arguments: list[str] = []
    for part in rest.split("|") if rest else []:
        if _NAMED.match(part.lstrip()):
            number, _, value = part.partition("=")
            if maker is _value:
                value = f"{number.strip()}={value.strip()}"
            elif number.strip() != "1":
                continue
            part = value
        elif part.lstrip().startswith("1=") or re.match(r"\s{0,20}\d{1,2}\s{0,20}=", part):
            part = part.partition("=")[2]
        arguments.append(part.strip())
    return maker(arguments)
