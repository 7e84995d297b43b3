"""Character classes: what a code point is to the measures, as two-level tables.

The classes come from Python's `unicodedata`, so they follow its Unicode version
(`unicodedata.unidata_version`), and from short lists of punctuation given here.

Kinds (Python regular expressions in brackets say what a token of it is):

    SPACE    str.isspace()
    WORD     letters, numbers and connectors `_` (L, N, Pc)    [WORD (WORD | EXTEND)*]
    SINGLE   letters of scripts written without spaces: Han, Kana, Thai, Lao, Khmer,
             Burmese; each is a word of its own                [SINGLE EXTEND*]
    EXTEND   combining marks (M), U+200C and U+200D: they belong to the token before
    SYMBOL   everything else, also controls                    [(SYMBOL) \\1* EXTEND*]
"""

from __future__ import annotations

import functools
import unicodedata
from typing import NamedTuple

import numpy as np

SPACE, WORD, SINGLE, EXTEND, SYMBOL = range(5)
KIND = 7  # mask of the kind in a class's flags

TERMINAL = 1 << 3  # ends a line well, in any script
TERMINAL_ASCII = 1 << 4  # . ? ! " '  as C4 and FineWeb have it
SENTENCE_NOW = 1 << 5  # ends a sentence wherever it stands: 。 ！ ？ ...
SENTENCE_SPACE = 1 << 6  # ends one before white space or a closing quote: . ? ! ．
CLOSER = 1 << 7  # may stand between a sentence's end and the white space
LETTER = 1 << 8
PHRASE = 1 << 9  # j k m v: where a phrase of C4's lists may be found

C4_TERMINAL = ".?!\"'"  # Raffel et al. 2020; datatrove's END_PUNCTUATION and FineWeb's stop_chars
ENDS_NOW = (
    # Unicode's Sentence_Terminal without ASCII's and without the full stops that stand in numbers:
    "։؝؞؟۔܀܁܂߹࠷࠹࠽࠾।॥၊။።፧፨᙮᜵᜶។៕᠃᠉᥄᥅᪨᪩᪪᪫᭎᭏᭚᭛᭞᭟᭽᭾᭿᰻᰼᱾᱿"
    "‼‽⁇⁈⁉⳹⳺⳻⸮⸼⹓⹔⹠⹡。꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫︒︕︖﹖﹗！？｡"
    "𐩖𐩗𐽕𐽖𐽗𐽘𐽙𐾆𐾇𐾈𐾉𑁇𑁈𑂾𑂿𑃀𑃁𑅁𑅂𑅃𑇅𑇆𑇍𑇞𑇟𑈸𑈹𑈻𑈼𑊩𑏔𑏕𑑋𑑌𑗂𑗃𑗉𑗊𑗋𑗌𑗍𑗎𑗏𑗐𑗑𑗒𑗓𑗔𑗕𑗖𑗗"
    "𑙁𑙂𑜼𑜽𑜾𑥄𑥆𑩂𑩃𑪛𑪜𑱁𑱂𑻷𑻸𑽃𑽄𖩮𖩯𖫵𖬷𖬸𖭄𖵮𖵯𖺘𛲟𝪈"
    # what ends sentences or texts there besides: Greek, Thai, Tibetan, Khmer
    "\u037e๚๛།༎༏༐༑៚"
)
ENDS_BEFORE_SPACE = ".?!．﹒․"
CLOSERS = "\"'”’»)]}）」』】〉》›“‘〕〗〙〛］｝｣﹂﹄〞〟"
QUOTED_ENDS = "”’」』»›“‘｣﹂﹄〞〟》"
"""A line that ends in a quotation ends well, as C4's \" and ' say. “ closes German quotations."""

_SINGLE_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # 々 〆 〇
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3031, 0x3035),  # vertical Kana repeat marks
    (0x3038, 0x303C),
    (0x3192, 0x3195),  # ideographic annotation marks
    (0x3041, 0x309F),  # Hiragana
    (0x30A1, 0x30FF),  # Katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),  # Burmese, extended
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x1AFF0, 0x1B16F),  # Kana, extended
    (0x1D372, 0x1D376),  # ideographic tally marks
    (0x20000, 0x3FFFF),  # Han, planes 2 and 3
)


Entry = tuple[int, int, int]  # flags, letters and upper case, digits and numbers


class Classes(NamedTuple):
    """Arrays for the kernels. A class index is the byte itself for ASCII, else
    `256 + leaves[roots[code point >> 7] * 128 + (code point & 127)]`."""

    roots: np.ndarray  # uint16[0x110000 >> 7]
    leaves: np.ndarray  # uint8[blocks * 128]
    flags: np.ndarray  # int64[256 + classes]
    letters_upper: np.ndarray  # int64[256 + classes]: 1 for a letter, 1 << 32 for Lu
    digits_numbers: np.ndarray  # int64[...]: 1 for Nd, 1 << 32 for alphanumeric but no letter


@functools.cache
def classes() -> Classes:
    """The tables, made once a process (about 0.15 s)."""
    roots, leaves, entries = _two_levels(_properties())
    rows = [(SYMBOL, 0, 0)] * 256 + entries
    for code in range(128):
        rows[code] = entries[leaves[int(roots[code >> 7]) * 128 + (code & 127)]]
    table = np.array(rows, np.int64)
    for letter in "jkmvJKMV":
        table[ord(letter), 0] |= PHRASE
    arrays = [roots, leaves, *(np.ascontiguousarray(table[:, column]) for column in range(3))]
    for array in arrays:
        array.setflags(write=False)
    return Classes(*arrays)


_ASSIGNED = (range(0, 0x32400), range(0xE0000, 0xE1000))  # all between is for private use or Cn


def _properties() -> dict[int, list[Entry]]:
    """The 128 entries of each assigned block, by number of the block."""
    known: dict[str, Entry] = {}  # letters, marks and unassigned: by category alone
    blocks = {}
    for assigned in _ASSIGNED:
        for root in range(assigned.start >> 7, assigned.stop >> 7):
            block = []
            for code in range(root << 7, (root + 1) << 7):
                category = unicodedata.category(chr(code))
                entry = known.get(category)
                if entry is None:
                    entry = _of(chr(code), category)
                    if category[0] in "LM" or category == "Cn":
                        known[category] = entry
                block.append(entry)
            blocks[root] = block
    for first, last in _SINGLE_RANGES:
        for code in range(first, min(last + 1, _ASSIGNED[0].stop)):
            flags, letters, numbers = blocks[code >> 7][code & 127]
            # Decimal digits of these scripts form runs as everywhere.
            if flags & KIND == WORD and not numbers & 1:
                blocks[code >> 7][code & 127] = ((flags & ~KIND) | SINGLE, letters, numbers)
    return blocks


def _of(character: str, category: str) -> tuple[int, int, int]:
    group = category[0]
    if group == "L":
        return WORD | LETTER, 1 | (category == "Lu") << 32, 0
    if character.isspace():
        return SPACE, 0, 0
    if group == "N":
        return WORD, 0, (category == "Nd") | character.isalnum() << 32
    if category == "Pc":
        return WORD, 0, 0
    if group == "M" or character in "\u200c\u200d":
        return EXTEND, 0, 0
    if group == "C":
        return SYMBOL, 0, 0
    flags = SYMBOL
    if character in C4_TERMINAL:
        flags |= TERMINAL | TERMINAL_ASCII
    if character in ENDS_NOW:
        flags |= TERMINAL | SENTENCE_NOW
    if character in QUOTED_ENDS:
        flags |= TERMINAL
    if character in ENDS_BEFORE_SPACE:
        flags |= TERMINAL | SENTENCE_SPACE
    if character in CLOSERS:
        flags |= CLOSER
    return flags, 0, 0


def _two_levels(blocks: dict[int, list[Entry]]) -> tuple[np.ndarray, np.ndarray, list[Entry]]:
    plain: Entry = (SYMBOL, 0, 0)
    numbers = {plain: 0}
    leaves = {bytes(128): 0}
    roots = np.zeros(0x110000 >> 7, np.uint16)
    for root, block in blocks.items():
        leaf = bytes([numbers.setdefault(entry, len(numbers)) for entry in block])
        roots[root] = leaves.setdefault(leaf, len(leaves))
    return roots, np.frombuffer(b"".join(leaves), np.uint8).copy(), list(numbers)
