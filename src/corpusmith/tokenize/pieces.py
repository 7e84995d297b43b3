"""Long texts in pieces, cut where GPT-2's pre-tokenizer cuts in any case."""

from __future__ import annotations

import re
from collections.abc import Iterator

PIECE_CHARS = 1 << 18
"""A longer text is cut into pieces of about this many characters."""

_LETTERS = (
    "A-Za-z\u00c0-\u00d6\u0400-\u0481\u05d0-\u05ea\u0621-\u063a\u0904-\u0939\u0e01-\u0e30"
    "\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
)
_MARKS = r"!-/:-@\[-`{-~\u3001\u3002\uff01\uff0c\uff1f"  # ASCII and CJK punctuation
_SAFE_CUT = re.compile(
    r"(?<=[^\s\u180e])(?=[ \t\n\r])"
    rf"|(?<=[{_LETTERS}])(?=[0-9{_MARKS}])"
    rf"|(?<=[0-9])(?=[A-Za-z{_MARKS}])"
)
"""Before white space, between a letter and a digit, and between either and punctuation.

Proof that GPT-2's pattern (Radford et al. 2019, `encoder.py`)

    's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+

gives the same pre-tokens for the two sides alone: in every alternative, what follows a letter
can only be a letter, what follows a digit only a digit, and no white space follows anything else;
so a match ends here. Earlier matches end before the cut and look ahead no further, and a run of
white space at the end, the only thing that a lookahead could see differently, can't be there.
The right side starts where a match starts, and there is no lookbehind. BPE merges within a
pre-token only. The letters listed are in Unicode since version 3, and U+180E, which was white
space once, is left out, so every regex library agrees on these classes.
"""


def pieces(text: str, size: int | None = None) -> Iterator[str]:
    """Cut a text at safe places after every `size` >= 1 characters; "" is one piece.

    >>> list(pieces("one two, three", 2))
    ['one', ' two', ', three']
    """
    size = PIECE_CHARS if size is None else size
    if size < 1:
        raise ValueError(f"a piece has at least 1 character, not {size}")
    start = 0
    while len(text) - start > size:
        cut = _SAFE_CUT.search(text, start + size)
        if cut is None:
            break
        yield text[start : cut.start()]
        start = cut.start()
    yield text[start:] if start else text
