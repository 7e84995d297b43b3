"""Bytes to text: UTF-8 where it is, the declared or a recognised encoding where it isn't.

Order: byte order mark, strict UTF-8, the declared encoding, UTF-16 without a mark, surrogate pairs
written as UTF-8 (CESU-8), then the recognition below. Text is "repaired" where it took more than
UTF-8, a mark or a declaration; what stays undecodable is an error that says where.

Recognition: an encoding must decode every byte, and at least `PLAUSIBLE` of what it makes of the
bytes above 127 must be common in the scripts that it serves; of several such the one with the
largest share of the most frequent characters of its languages is taken. A mixture of valid UTF-8
and damage is recognised as damage, not as a legacy encoding.
"""

from __future__ import annotations

import codecs
import dataclasses
import re
import unicodedata
from collections.abc import Callable

PLAUSIBLE = 0.8
SAMPLE_BYTES = 1 << 14

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
"""Encodings in which a line feed is more than one byte, so that lines can't be cut as bytes."""

_UTF8_RUN = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")


@dataclasses.dataclass(frozen=True)
class Decoded:
    text: str
    encoding: str
    repaired: bool


class UndecodableError(ValueError):
    """The bytes are text in no encoding that we know; the message gives figures."""


def mark_of(head: bytes) -> tuple[str, int]:
    """(encoding, bytes of the mark) of a byte order mark at the start, else ("", 0)."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    return "", 0


def codec_of(name: str | None) -> str:
    """Python's name of a declared encoding, "" where it has none or it is no text encoding."""
    if not name:
        return ""
    label = name.strip().strip("\"'").lower()
    label = _WEB_LABELS.get(label, label)
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return ""
    return info.name if info._is_text_encoding else ""  # type: ignore[attr-defined]


# Browsers read these labels as their supersets (https://encoding.spec.whatwg.org/#names-and-labels).
_WEB_LABELS = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso8859-1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-8859-9": "cp1254",
    "tis-620": "cp874",
    "iso-8859-11": "cp874",
    "big5": "big5hkscs",
    "unicode": "utf-16-le",
}


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Decode `data` whole, without a byte order mark; UndecodableError with figures."""
    mark, size = mark_of(data)
    if mark and mark != "utf-8":
        try:
            return Decoded(data[size:].decode(mark), mark, False)
        except UnicodeDecodeError as error:
            raise _error(data, error, mark) from None
    if size:
        data = data[size:]
    codec = codec_of(declared)
    if codec not in WIDE:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            failure = error
        else:
            # Pure ASCII may still be UTF-16 or a seven-bit encoding with escapes.
            if "\0" not in text and not (codec.startswith("iso2022") and "\x1b" in text):
                return Decoded(text, "utf-8", False)
            if wide := _wide(data):
                return wide
            if not codec.startswith("iso2022"):
                return Decoded(text, "utf-8", False)
    if codec and codec != "utf-8":
        try:
            return Decoded(data.decode(codec), codec, False)
        except (UnicodeDecodeError, UnicodeError):
            if codec in WIDE:
                try:
                    return Decoded(data.decode("utf-8"), "utf-8", True)
                except UnicodeDecodeError as error:
                    failure = error
    if wide := _wide(data):
        return wide
    if paired := _surrogate_pairs(data):
        return paired
    if name := recognise(data):
        return Decoded(data.decode(name), name, True)
    raise _error(data, failure, "utf-8")


def _error(data: bytes, error: UnicodeDecodeError, encoding: str) -> UndecodableError:
    high = len(_HIGH.findall(data[:SAMPLE_BYTES]))
    return UndecodableError(
        f"not valid {encoding}: byte 0x{data[min(error.start, len(data) - 1)]:02x} at offset "
        f"{error.start} of {len(data)} ({error.reason}), and no other encoding fits "
        f"({high} bytes above 127 in the first {min(len(data), SAMPLE_BYTES)})"
    )


def _wide(data: bytes) -> Decoded | None:
    """UTF-16 without a mark: a NUL in most code units of ASCII text, always on the same side."""
    sample = data[:SAMPLE_BYTES]
    if len(sample) < 4 or b"\0" not in sample or len(data) % 2:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    units = len(sample) // 2
    if odd > 0.3 * units and even < 0.02 * units:
        name = "utf-16-le"
    elif even > 0.3 * units and odd < 0.02 * units:
        name = "utf-16-be"
    else:
        return None
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        return None
    control = sum(c < " " and c not in "\t\n\f\r" for c in text[:SAMPLE_BYTES])
    return None if control else Decoded(text, name, True)


def _surrogate_pairs(data: bytes) -> Decoded | None:
    """Astral characters written as two surrogates of three bytes each (CESU-8, Java, old MySQL)."""
    try:
        text = data.decode("utf-8", "surrogatepass")
        paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeError:
        return None
    return Decoded(paired, "cesu-8", True)


# --- recognition of legacy encodings ------------------------------------------------------


def recognise(data: bytes) -> str:
    """The most plausible legacy encoding of bytes that are no UTF-8, or "" where none is."""
    sample = data[:SAMPLE_BYTES]
    high = len(_HIGH.findall(sample))
    if not high or b"\0" in sample:
        return ""
    # Well-formed multi-byte sequences don't occur by chance: then it is damaged UTF-8.
    in_utf8 = sum(len(m.group()) for m in _UTF8_RUN.finditer(sample))
    if in_utf8 > 0.5 * high and _UTF8_RUN.search(sample):
        return ""
    best, best_score = "", 0.0
    for name, score, frequent in _CANDIDATES:
        try:
            # A sample may end inside a character: an incremental decoder forgives that.
            text = codecs.getincrementaldecoder(name)().decode(sample)
        except UnicodeError:
            continue
        share = score(text)
        if share < PLAUSIBLE:
            continue
        found = share + _frequent_share(text, frequent)
        if found > best_score and _decodes(data, name):
            best, best_score = name, found
    return best


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeError:
        return False
    return True


def _level_one(codec: str, first: int, last: int) -> Callable[[str], float]:
    """Share of characters whose code in `codec` has a lead byte in the range of common ones."""

    def score(text: str) -> float:
        total = common = 0
        for char in text:
            if char < "\x80":
                continue
            total += 1
            if "\u3000" <= char <= "\u3002" or "\uff01" <= char <= "\uff5e":
                common += 1
                continue
            if "\u3041" <= char <= "\u30fc":  # kana are in GB 2312 and Big5 too
                continue
            try:
                code = char.encode(codec)
            except UnicodeEncodeError:
                continue
            common += len(code) == 2 and first <= code[0] <= last
        return common / total if total else 0.0

    return score


def _hangul(text: str) -> float:
    high = [c for c in text if c >= "\x80"]
    good = sum("\uac00" <= c <= "\ud7a3" or c in _PUNCTUATION for c in high)
    return good / len(high) if high else 0.0


def _japanese(text: str) -> float:
    """Kana, punctuation and kanji of level 1 (JIS X 0208 lead bytes B0..CF in EUC-JP).

    Some kana must be there, since no Japanese text does without; half-width kana are what other
    encodings look like as Shift JIS.
    """
    total = kana = common = 0
    for char in text:
        if char < "\x80":
            continue
        total += 1
        if "\u3041" <= char <= "\u30fc":
            kana += 1
        elif "\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff5e":
            common += 1
        elif "\u4e00" <= char <= "\u9fff":
            code = char.encode("euc_jp", "replace")
            common += len(code) == 2 and 0xB0 <= code[0] <= 0xCF
    if not total or kana < 0.15 * total:
        return 0.0
    return (kana + common) / total


def _alphabetic(script: str) -> Callable[[str], float]:
    """Share of letters of the script that stand in a word of it, in a case that words have."""
    latin = script == "LATIN"

    def score(text: str) -> float:
        total = good = 0
        for index, char in enumerate(text):
            if char < "\x80":
                continue
            total += 1
            if char in _PUNCTUATION:
                good += 1
                continue
            if not char.isalpha() or not unicodedata.name(char, "").startswith(script):
                continue
            before = text[index - 1] if index else " "
            after = text[index + 1] if index + 1 < len(text) else " "
            if latin:
                beside = before.isalpha() or after.isalpha() or before.isspace()
            else:  # no word mixes these scripts with ASCII letters
                beside = not (before.isascii() and before.isalpha())
                beside = beside and not (after.isascii() and after.isalpha())
            good += beside and not (char.isupper() and before.islower())
        # A text in which most letters of each word have accents is no Latin one.
        words = len(re.findall(r"[^\W\d_]+", text))
        if not total or (latin and total > 3 * words):
            return 0.0
        return good / total

    return score


def _frequent_share(text: str, frequent: frozenset[str]) -> float:
    high = [c for c in text if c >= "\x80"]
    return sum(c in frequent for c in high) / len(high)


_PUNCTUATION = frozenset(
    "\u00a0\u00ab\u00bb\u2018\u2019\u201c\u201d\u201e\u2013\u2014\u2026\u2022\u20ac"
    "\u00a3\u00a9\u00ae\u00b0\u00b7\u00b4\u00a7\u00d7\u00bd\u3001\u3002"
)

# The most frequent letters and characters of general prose.
_SIMPLIFIED = frozenset(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出会时要也就年生以能对，。、"
)
_TRADITIONAL = frozenset(
    "的一是不了在人有我他這中大來上國個到說們為子和你地出會時要也就年生以能對，。、"
)
_KANA = frozenset("のにはをたがでてとしれさいるなかもらりこっすくまアイスントルラリシックドー、。")
_SYLLABLES = frozenset("이다는을에의하고가지를은한기사로도리인서자어해대나정으시아일라수보과")
_RUSSIAN = frozenset("оеаинтсрвлкмдпу")
_WESTERN = frozenset("éèàçêüöäßñíóáúãõôîâåøæ\u2019\u201c\u201d\u2013")
_CENTRAL = frozenset("ěščřžýáíéůłąęśżźćńőűóúöü")
_GREEK = frozenset("αοιετσνηυρπκμλςίά")
_HEBREW = frozenset("יוהלאמרבתשנ")
_ARABIC = frozenset("اليمونرتبةعدسفهكق")

_CANDIDATES: tuple[tuple[str, Callable[[str], float], frozenset[str]], ...] = (
    # Ties go to the first. Lead bytes of frequent characters: GB 2312 punctuation and level 1 are
    # A1..D7, those of Big5 A1..C6.
    ("gb18030", _level_one("gb2312", 0xA1, 0xD7), _SIMPLIFIED),
    ("big5", _level_one("big5", 0xA1, 0xC6), _TRADITIONAL),
    ("cp932", _japanese, _KANA),
    ("euc_jp", _japanese, _KANA),
    ("cp949", _hangul, _SYLLABLES),
    ("cp1252", _alphabetic("LATIN"), _WESTERN),
    ("cp1250", _alphabetic("LATIN"), _CENTRAL),
    ("cp1251", _alphabetic("CYRILLIC"), _RUSSIAN),
    ("koi8-r", _alphabetic("CYRILLIC"), _RUSSIAN),
    ("cp1253", _alphabetic("GREEK"), _GREEK),
    ("cp1255", _alphabetic("HEBREW"), _HEBREW),
    ("cp1256", _alphabetic("ARABIC"), _ARABIC),
)
