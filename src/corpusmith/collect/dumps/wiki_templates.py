"""Templates of Wikipedia whose words stand in the text; all others are left out.

A template is a program on its own page, which a dump of articles does not run. Those here say what
they show by their arguments alone, and stand inside sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_Arguments = list[str]


def _first(a: _Arguments) -> str:
    return a[0] if a else ""


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


def _as_of(a: _Arguments) -> str:
    return f"As of {' '.join(a[:3])}" if a else ""


def _names(names: str, maker: Callable[[_Arguments], str]) -> dict[str, Callable]:
    return {name.strip(): maker for name in names.split(",")}


_SHOWN: dict[str, Callable[[_Arguments], str]] = {
    **_names(
        "nowrap,nobr,small,smaller,big,larger,abbr,tooltip,nobold,noitalic,em,strong,var,code,mono,"
        "kbd,samp,tt,sc,smallcaps,ill,interlanguage link,val,angbr,nihongo,nihongo2,keypress,"
        "not a typo,visible anchor,vanchor,linktext,proper name,sic,sup,sub,math,mvar,not typo,"
        "midsize,resize,color,nowiki,longitem,ruby-ja,jpn",
        _first,
    ),
    **_names("lang,lang-sh,transl,transliteration,fontcolor,langue,sprache,bg", _second),
    **_names("hs,shy", _constant("")),
    **_names("convert,cvt,convertir", _convert),
    **_names("frac,sfrac,fraction,math frac", _fraction),
    **_names("birth date,start date,end date,death date,dts,date,film date,birth-date", _date),
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
_NAMED = re.compile(r"[a-zA-Z_][\w \-]{0,40}=")


def shown(inside: str) -> str:
    """What `{{inside}}` shows; nested templates and links in it are text already.

    >>> shown("convert|5|km|mi"), shown("lang|fr|chat"), shown("Infobox|a=b")
    ('5 km', 'chat', '')
    """
    name, _, rest = inside.partition("|")
    key = name.strip().replace("_", " ").lower()
    maker = _SHOWN.get(key)
    if maker is None:
        if key.startswith("lang-") and len(key) < 16:
            maker = _first
        else:
            return ""
    arguments: list[str] = []
    for part in rest.split("|") if rest else []:
        if _NAMED.match(part.lstrip()):
            number, _, value = part.partition("=")
            if number.strip() != "1":
                continue
            part = value
        elif part.lstrip().startswith("1=") or re.match(r"\s{0,20}\d{1,2}\s{0,20}=", part):
            part = part.partition("=")[2]
        arguments.append(part.strip())
    return maker(arguments)
