"""The sieve for personal data lets through every line that a screen matches, and tells of lines and
rows what they are."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmith.clean.pii_patterns import FULL_WIDTH_SCREEN, SCREENS
from corpusmith.kernels import personal
from corpusmith.kernels.buffers import text_buffers

KINDS = {
    "secret": personal.SECRET,
    "email": personal.EMAIL,
    "ip": personal.IP,
    "card": personal.CARD,
    "phone": personal.PHONE,
}
WORDS = (
    *("AKIA", "ASIA", "AROA", "AIDA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "xoxb-", "xoxs-", "hooks.slack", "AIza", "sk_live_", "rk_test_", "eyJ", "pypi-"),
    *(
        "sk-" + "a1" * 10,
        "npm_" + "b2" * 18,
        "hf_" + "c3" * 17,
        "PRIVATE KEY",
        "://",
        "密码",
        "口令",
    ),
    *(
        "密钥",
        "Password",
        "passw",
        "PASSPHRASE",
        "pwd",
        "Secret",
        "token",
        "_KEY",
        "-key",
        "apiKey",
    ),
    *("AccessKey", "privatekey", "authkey", "to\u212aen", "\u017fecret", "pa\u017f\u017fw"),
)
NUMBERS = ("12", "7", "345", "2001", "3fff", "4", "999", "0")
ODD = (
    *"@.:/-=()+ \t'\"abfZ_\n",
    "：",
    "是",
    "为",
    "é",
    "中",
    "😀",
    "５",
    "Ａ",
    "ｚ",
    "＋",
    "＠",
    "＿",
    "＃",
)
texts = st.lists(st.sampled_from([*WORDS, *NUMBERS * 4, *ODD * 2]), max_size=30).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(texts, max_size=4))
@example(["4111 1111-1111.1111", "1.2.3.4", "1.2.3333.4", "0001.2.3.4 ", "(415) 555-2671"])
@example(["a@b.c", "a@b.", "@@b.c@d.e", "x://u:p@", "://:@", "://a/b:c@d"])
@example(["2001:db8::1", "a2001:f:", "2001:", "92001::", ":2001:g:"])
@example(["５５５５５", "５５５５ 5", "＠"])
def test_nothing_that_a_screen_matches_is_lost(rows):
    column = pa.array(rows, pa.large_string()).slice(len(rows) // 3)
    rows = rows[len(rows) // 3 :]
    sieved = personal.sieve(*text_buffers(column))
    data = "".join(rows).encode()
    found = {}
    for row, start, stop, point, kinds in zip(*(a.tolist() for a in sieved[:5]), strict=True):
        found[row, point] = kinds
        line = data[start:stop].decode()
        assert rows[row][point : point + len(line)] == line
        assert point == 0 or rows[row][point - 1] == "\n"
        assert "\n" not in line and rows[row][point + len(line) :][:1] in ("", "\n")
    for row, text in enumerate(rows):
        assert bool(sieved.marks[row] & personal.PRIVATE_KEY) == ("PRIVATE KEY" in text)
        wide = re.search(FULL_WIDTH_SCREEN, text) is not None
        assert bool(sieved.marks[row] & personal.FULL_WIDTH) == wide
        point = 0
        for line in text.split("\n"):
            for kind, bit in KINDS.items():
                matched = pc.match_substring_regex(pa.scalar(line), SCREENS[kind]).as_py()
                if matched:
                    assert found.get((row, point), 0) & bit, (line, kind)
            point += len(line) + 1


def test_most_lines_do_not_pass():
    """What no screen matches passes only where a word of a key is."""
    rows = ["Das Kennwort von 2024 steht in Kapitel 12.5, make it so.", "def key(self): return 1"]
    rows += [
        "from 2001 to 2024: 12 of 345",
        "look at @decorators, user@host",
        "tokens of a secretary",
    ]
    assert not len(personal.sieve(*text_buffers(pa.array(rows, pa.large_string()))).rows)
