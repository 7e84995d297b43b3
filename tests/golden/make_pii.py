"""Writes pii.jsonl: sentences in English and Chinese with personal data labelled as it is put in,
and sentences with numbers that only look like it. Values are drawn with a fixed seed.

    python -m tests.golden.make_pii > tests/golden/pii.jsonl

The generator knows nothing of the finders. Forms that they do not claim to find (an address in
words, a number in words, a national number of another country without a word before it) are
in it too, as they are in the world.
"""

from __future__ import annotations

import json
import random
import string
import sys

from tests.golden.pii_sentences import LATER, NEGATIVES, TEMPLATES

# Drawn from, one a word.
LOCAL = "jane john li.ming wangwei x_y a j.k.rowling maria-jose zhang3 o'neil"
HOSTS = (
    "gmail.com qq.com 163.com mail.example.org cs.tsinghua.edu.cn uni-koeln.de company.co.uk x.io"
    " sub.domain.example.com 126.com"
)
MOBILE = "130 133 135 138 139 150 158 159 166 176 177 180 186 188 189 198 199"

ALNUM = string.ascii_letters + string.digits


def main(out=sys.stdout) -> None:
    draw = random.Random(20240229)
    items = []
    for name, maker, rounds in [
        ("email", email, 6),
        ("ip", ip, 6),
        ("phone", phone, 9),
        ("phone_zh", phone_zh, 9),
        ("card", card, 10),
        ("secret", secret, 9),
        ("password", password, 7),
    ]:
        kind = {"phone_zh": "phone", "password": "secret"}.get(name, name)
        for template in TEMPLATES[name] * rounds:
            items.append(fill(template, maker(draw), maker(draw), kind))
    later = random.Random(20241124)  # of its own, so that the items above stay as they were
    for name, maker, rounds in [
        ("email_letters", email_letters, 6),
        ("email_wide", lambda draw: wide(email_plain(draw)), 6),
        ("phone_wide", lambda draw: wide(mobile(draw)), 8),
        ("password_words", password_words, 6),
        ("ip_assigned", ip_small, 5),
        ("resolver", lambda draw: draw.choice(["8.8.8.8", "9.9.9.9", "1.1.1.1", "1.0.0.1"]), 3),
    ]:
        for template in LATER[name] * rounds:
            kind = {"password_words": "secret", "resolver": "ip", "ip_assigned": "ip"}.get(
                name, name.partition("_")[0]
            )
            items.append(fill(template, maker(later), maker(later), kind))
    for _ in range(20):
        key = private_key(draw)
        before = draw.choice(["key.pem\n", "the key:\n\n", "私钥如下：\n", ""])
        items.append(labelled([(before, ""), (key, "secret"), ("\nend\n", "")]))
    for template in NEGATIVES * 4:
        items.append(labelled([(numbers(template, draw), "")]))
    for item in items:
        out.write(json.dumps(item, ensure_ascii=False) + "\n")


def fill(template: str, x: str, y: str, kind: str) -> dict:
    before, _, rest = template.partition("{x}")
    parts = [(before, ""), (x, kind)]
    middle, found, after = rest.partition("{y}")
    parts += [(middle, ""), (y, kind), (after, "")] if found else [(rest, "")]
    return labelled(parts)


def labelled(parts: list[tuple[str, str]]) -> dict:
    text, spans = "", []
    for piece, kind in parts:
        if kind:
            spans.append([len(text), len(text) + len(piece), kind])
        text += piece
    return {"text": text, "spans": spans}


def digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choice(string.digits) for _ in range(count))


def email(draw: random.Random) -> str:
    first = draw.choice(LOCAL.split())
    local = draw.choice([first, first + str(draw.randrange(1000)), first + "+list"])
    host = draw.choice(HOSTS.split())
    if draw.random() < 0.02:
        return f"{local} at {host.replace('.', ' dot ')}"
    address = f"{local}@{host}"
    return address.upper() if draw.random() < 0.05 else address


def ip(draw: random.Random) -> str:
    if draw.random() < 0.2:
        return f"2a02:{draw.randrange(4096, 65536):x}::{draw.randrange(1, 65536):x}"
    if draw.random() < 0.1:
        return ":".join(["2400", *(f"{draw.randrange(65536):x}" for _ in range(7))])
    first = draw.choice([5, 8, 23, 46, 61, 81, 101, 114, 123, 139, 151, 185, 202, 218, 221])
    return f"{first}.{draw.randrange(128, 160)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"


def phone(draw: random.Random) -> str:
    area, exchange, line = (
        str(draw.choice([212, 415, 650, 718, 305, 617])),
        str(draw.randrange(200, 1000)),
        digits(draw, 4),
    )
    forms = [
        f"({area}) {exchange}-{line}",
        f"{area}-{exchange}-{line}",
        f"{area}.{exchange}.{line}",
        f"+1 {area} {exchange} {line}",
        f"+1-{area}-{exchange}-{line}",
        f"1-{area}-{exchange}-{line}",
        f"+1{area}{exchange}{line}",
        f"+44 20 7{digits(draw, 3)} {line}",
        f"+49 (0)30 {digits(draw, 6)}",
        f"+33 6 {digits(draw, 2)} {digits(draw, 2)} {digits(draw, 2)} {digits(draw, 2)}",
        f"+81-3-{digits(draw, 4)}-{line}",
        f"+91 98{digits(draw, 3)} {digits(draw, 5)}",
        f"+852 {draw.randrange(2, 10)}{digits(draw, 3)} {line}",
        f"+353 1 {digits(draw, 3)} {line}",
    ]
    if draw.random() < 0.03:
        return f"020 7{digits(draw, 3)} {line}"
    return draw.choice(forms)


def phone_zh(draw: random.Random) -> str:
    head = draw.choice(MOBILE.split())
    a, b = digits(draw, 4), digits(draw, 4)
    forms = [
        f"{head}{a}{b}", f"{head}{a}{b}", f"{head} {a} {b}", f"{head}-{a}-{b}",
        f"+86 {head}{a}{b}", f"+86{head}{a}{b}", f"+86-{head}-{a}-{b}", f"86-{head}{a}{b}",
        f"010-6{digits(draw, 7)}", f"0755-8{digits(draw, 7)}", f"021-5{digits(draw, 3)} {b}",
        f"(010) 8{digits(draw, 3)} {b}", f"0571-8{digits(draw, 6)}", f"400-8{digits(draw, 2)}-{b}",
    ]  # fmt: skip
    return draw.choice(forms)


def card(draw: random.Random) -> str:
    head, size = draw.choice(
        [("4", 16), ("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15),
         ("6011", 16), ("65", 16), ("3530", 16), ("36", 14), ("62", 16), ("622588", 19)]
    )  # fmt: skip
    body = head + digits(draw, size - len(head) - 1)
    for check in "0123456789":  # the digit with which the doubled sum ends in 0
        number = body + check
        total = 0
        for index in range(size):
            value = int(number[size - 1 - index])
            if index % 2 == 1:
                value = value * 2 if value < 5 else value * 2 - 9
            total += value
        if total % 10 == 0:
            break
    if draw.random() < 0.5 or size == 19:
        return number
    join = draw.choice([" ", " ", "-"])
    if size == 15:
        return join.join([number[:4], number[4:10], number[10:]])
    if size == 14:
        return join.join([number[:4], number[4:10], number[10:]])
    return join.join(number[at : at + 4] for at in range(0, 16, 4))


def email_letters(draw: random.Random) -> str:
    local = draw.choice(
        ["josé.garcía", "renée.müller", "søren", "иван.петров", "łukasz", "user", "info"]
    )
    host = draw.choice(
        ["corp.example.net", "例子.公司", "münchen.de", "пример.рф", "例子.中国", "qq.com"]
    )
    return f"{local}@{host}"


def email_plain(draw: random.Random) -> str:
    local = draw.choice(LOCAL.split()[:5])
    return f"{local}{draw.randrange(100)}@{draw.choice(['qq.com', '163.com'])}"


def mobile(draw: random.Random) -> str:
    join = draw.choice(["", "", "-"])
    return join.join([draw.choice(MOBILE.split()), digits(draw, 4), digits(draw, 4)])


def wide(text: str) -> str:
    """Full-width forms of ASCII (U+FF01 is that of U+0021)."""
    return "".join(chr(ord(char) + 0xFF01 - 0x21) for char in text)


def ip_small(draw: random.Random) -> str:
    return ".".join(str(draw.choice([1, 2, 4, 8, 9, 12])) for _ in range(4))


def password_words(draw: random.Random) -> str:
    word = draw.choice(
        ["MyString", "Str1ng-Config", "TrueLove", "NoneShall", "Settings#", "null0x"]
    )
    return word + digits(draw, 2) + draw.choice(["!", "", "q"])


def secret(draw: random.Random) -> str:
    def some(count: int, letters: str = ALNUM) -> str:
        return "".join(draw.choice(letters) for _ in range(count))

    upper = string.ascii_uppercase + string.digits
    forms = [
        "AKIA" + some(16, upper),
        "ASIA" + some(16, upper),
        "ghp_" + some(36),
        "gho_" + some(36),
        "github_pat_" + some(22) + "_" + some(59),
        f"xoxb-{digits(draw, 12)}-{digits(draw, 12)}-" + some(24),
        f"xoxp-{digits(draw, 11)}-{digits(draw, 11)}-" + some(32),
        "AIza" + some(35, ALNUM + "_-"),
        "eyJ" + some(33) + ".eyJ" + some(60) + "." + some(43, ALNUM + "_-") + "a",
        "sk_live_" + some(24),
        "glpat-" + some(20),
    ]
    return draw.choice(forms)


def password(draw: random.Random) -> str:
    words = ["Summer", "hunter", "Tr0ub4dor", "qwerty", "Passw0rd", "dragon", "correct"]
    forms = [
        draw.choice(words) + digits(draw, 3) + "!",
        draw.choice(words) + "#" + digits(draw, 2) + draw.choice(words),
        "".join(draw.choice(ALNUM) for _ in range(draw.choice([10, 16, 32]))) + "7x",
        "".join(draw.choice("0123456789abcdef") for _ in range(32)) + "a0",
    ]
    return draw.choice(forms)


def private_key(draw: random.Random) -> str:
    name = draw.choice(["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"])
    lines = ["".join(draw.choice(ALNUM + "+/") for _ in range(64)) for _ in range(6)]
    return "\n".join([f"-----BEGIN {name}-----", *lines, "abc=", f"-----END {name}-----"])


def numbers(template: str, draw: random.Random) -> str:
    values = {
        "v": lambda: str(draw.randrange(1, 12)),
        "b": lambda: str(draw.randrange(80, 120)),
        "c": lambda: str(draw.randrange(1000, 6000)),
        "d": lambda: str(draw.randrange(10)),
        "t": lambda: str(draw.randrange(10, 29)),
        "sha1": lambda: "".join(draw.choice("0123456789abcdef") for _ in range(40)),
        "sha256": lambda: "".join(draw.choice("0123456789abcdef") for _ in range(64)),
        "md5": lambda: "".join(draw.choice("0123456789abcdef") for _ in range(32)),
        "uuid": lambda: "-".join(
            "".join(draw.choice("0123456789abcdef") for _ in range(n)) for n in (8, 4, 4, 4, 12)
        ),
        "n13": lambda: "16" + digits(draw, 11),
        "n15": lambda: digits(draw, 15),
        **{f"n{n}": (lambda n=n: digits(draw, n)) for n in (3, 5, 7, 8, 10, 11, 12, 16)},
    }
    for name, value in values.items():
        while "{" + name + "}" in template:
            template = template.replace("{" + name + "}", value(), 1)
    return template


if __name__ == "__main__":
    main()
