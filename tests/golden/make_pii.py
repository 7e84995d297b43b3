"""Writes pii.jsonl: sentences in English and Chinese with personal data labelled as it is put in,
and sentences with numbers that only look like it. Values are drawn with a fixed seed.

    python tests/golden/make_pii.py > tests/golden/pii.jsonl

The generator knows nothing of the finders. Forms that they do not claim to find (an address in
words, a number in words, a national number of another country without a word before it) are
in it too, as they are in the world.
"""

from __future__ import annotations

import json
import random
import string
import sys

# Drawn from, one a word.
LOCAL = "jane john li.ming wangwei x_y a j.k.rowling maria-jose zhang3 o'neil"
HOSTS = (
    "gmail.com qq.com 163.com mail.example.org cs.tsinghua.edu.cn uni-koeln.de company.co.uk x.io"
    " sub.domain.example.com 126.com"
)
MOBILE = "130 133 135 138 139 150 158 159 166 176 177 180 186 188 189 198 199"

ALNUM = string.ascii_letters + string.digits

TEMPLATES = {
    "email": [
        "Please write to {x} before Friday.",
        "Contact: {x}",
        "{x} wrote on Tuesday that the meeting was cancelled.",
        "Signed-off-by: Jane Roe <{x}>",
        "You can reach Bob ({x}) or Alice ({y}).",
        '<a href="mailto:{x}">mail us</a>',
        "Questions? Mail {x}, we answer within a day.",
        "From: {x}; To: {y}",
        "请联系{x}，谢谢。",
        "邮箱：{x}",
        "有问题请发邮件至{x}或{y}。",
        "作者（{x}）现任职于某大学。",
        "电子邮件:{x} 地址:北京市海淀区",
        "投稿请寄{x}",
    ],
    "ip": [
        "The request came from {x} at noon.",
        "ssh root@{x} -p 22",
        "Failed password for root from {x} port 22 ssh2",
        '{x} - - [10/Oct/2000:13:55:36 -0700] "GET /index.html HTTP/1.0" 200 2326',
        "Our server's address is {x}.",
        "Connect to {x}, port 8080, to see it.",
        "blocked: {x}, {y}",
        "inet addr {x} netmask 255.255.255.0",
        "服务器地址为{x}，端口22。",
        "来自{x}的请求被拒绝。",
        "用户登录IP：{x}",
        "他的 IP 是 {x}，位于上海。",
    ],
    "phone": [
        "Call me at {x} tomorrow.",
        "Phone: {x}",
        "Tel. {x}, Fax {y}",
        "My number is {x}, ask for Dave.",
        "For support dial {x} (24 hours).",
        "Mobile {x}",
        "Reach us: {x} or {y}.",
        "WhatsApp {x}",
        "John Smith, 12 Main St, Springfield, {x}",
    ],
    "phone_zh": [
        "请拨打{x}咨询。",
        "手机：{x}",
        "联系电话：{x}，联系人：王先生",
        "有意者请致电{x}或{y}。",
        "张三 {x} 北京市朝阳区",
        "电话 {x}",
        "微信同号{x}，欢迎来电",
        "客服热线：{x}（工作日）",
    ],
    "card": [
        "Card number: {x}, expires 04/27.",
        "Please charge {x}.",
        "I paid with {x} last week",
        "Visa {x} CVV 123",
        "cards on file: {x}; {y}",
        "卡号：{x}，有效期04/27",
        "请向银行卡{x}转账。",
        "信用卡 {x} 已被冻结",
    ],
    "secret": [
        "export TOKEN={x}",
        'client = Client(api_key="{x}")',
        "The key {x} leaked in a commit.",
        "Authorization: Bearer {x}",
        "  credential: {x}  ",
        "git clone with {x} as the user",
        "密钥是{x}，请勿外传。",
        "访问令牌：{x}",
    ],
    "password": [
        'password = "{x}"',
        "DB_PASSWORD={x}",
        "user: admin\npassword: {x}\nhost: db1",
        "api_key: '{x}'",
        '"client_secret": "{x}",',
        "secret_key={x};",
        "postgres://app:{x}@db.internal:5432/app",
        "密码：{x}",
        "初始密码是{x}，请尽快修改。",
        "密码:{x}\n用户名:admin",
    ],
}

# As above, with other values: what a review found missing or half masked.
LATER = {
    "email_letters": [
        "Mail {x} for details.",
        "Kontakt: {x}",
        "联系{x}或{y}。",
        "write to {x}, please",
    ],
    "email_wide": ["邮箱：{x}", "请发至{x}，谢谢", "全角：{x}"],
    "phone_wide": ["请致电{x}", "电话：{x}，找李老师", "手机{x}（微信同号）"],
    "password_words": [
        "password: {x}",
        "db_password: {x}",
        'api_key = "{x}"',
        "密码：{x}",
    ],
    "ip_assigned": ["ip={x};", "host={x}", "addr: {x}", 'server="{x}"', "IP地址：{x}"],
    "resolver": ["dig @{x} example.org", "设置 DNS 为 {x} 即可", "use {x} or {y}"],
}

NEGATIVES = [
    "Upgrade to version 1.2.3.4 before you start.",
    "Release {v}.{v}.{v}.{v} fixes two bugs.",
    "See section {v}.{v}.{v}.{v} of the manual.",
    "Chrome/{b}.0.{c}.{v} Safari/537.36",
    "libfoo-{v}.{v}.{v}.{v}.tar.gz",
    "The OID 1.3.6.1.4.1.{c} is registered.",
    "package>=1.{v}.{v}.{v}",
    "listen on 127.0.0.1:8080 or 0.0.0.0",
    "the router is at 192.168.{v}.1 and the NAS at 10.0.{v}.{v}",
    "documentation uses 192.0.2.{b}, 198.51.100.{b} and 2001:db8::{v}",
    "bind ::1 or fe80::1%eth0",
    "at 12:{t}:{t} the train left",
    "MAC 00:1a:2b:3c:4d:5e",
    "std::vector<int>::iterator add::bad::cafe",
    "commit {sha1}",
    "sha256:{sha256}",
    "md5 {md5}",
    "id {uuid}",
    "https://example.com/items/{uuid}?page={c}",
    "ISBN 978-7-111-{n5}-{d}",
    "ISBN-13: 978{n10}",
    "ISBN 0-306-{n5}-2",
    "ISSN 1234-567X, vol. 12, pp. 1234-1256",
    "on 2023-10-{t} at 09:{t}:{t}",
    "2023{t}{t}{t}{t}{t} was the timestamp, {n13} in milliseconds",
    "from 1998-2004 to 2010-2012",
    "pi is 3.14159265358979 and e is 2.718281828459045",
    "The population was 1 412 600 000 in 2021.",
    "It cost $1,234,567.89 or 4,000,000 yen.",
    "order 4{n15} shipped",
    "invoice no. {n12}",
    "GDP grew from 100 000 000 to 200 000 000 units",
    "@alice thanks! cc @bob_smith",
    "git clone git@github.com:user/repo.git",
    "npm install lodash@4.17.{t} react@18.2.0",
    "icon@2x.png and logo@3x.jpg",
    "@app.route('/login')",
    "a @ b is a matrix product; x@y has no dot",
    "password = getpass.getpass()",
    "password: str = Field(...)",
    'password = os.environ["DB_PASSWORD"]',
    "the password must have eight characters",
    "token = self.tokenizer.next_token",
    "api_key=YOUR_API_KEY_HERE",
    "password: ********",
    "secret: {{ vault.secret }}",
    "token: {token}",
    "Enter your password: then press return.",
    "key = value; token_type = bearer",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "0x{sha1} 0b1010101010101010",
    "lat 39.{n5}, lon 116.{n5}",
    "numbers 11 22 33 44 55 66 77 88",
    "tel aviv 1948 and 1967",
    "8 bits, 16 bits, 32 bits, 64 bits, 128 bits",
    "DOI 10.1145/{n7}.{n7}",
    "arXiv:2{n3}.{n5}",
    "RFC 5321, RFC 7519 and RFC 7468",
    "part number 555-12-3456-A",
    "升级到版本{v}.{v}.{v}.{v}后重启。",
    "参见第{v}.{v}.{v}.{v}节。",
    "软件版本号：{v}.{v}.{v}.{v}",
    "本机地址127.0.0.1，内网地址192.168.1.{b}",
    "书号：ISBN 978-7-302-{n5}-{d}",
    "订单号：{n16}",
    "身高175厘米，体重65公斤，生于1990年1月1日",
    "2023年10月{t}日，总人口1412600000人",
    "圆周率约为3.14159265358979",
    "密码学是一门学科，密码是保密通信的手段。",
    "密码必须包含字母和数字",
    "提交哈希{sha1}",
    "票价120元，编号{n11}",
    "微博@人民日报 发布了消息",
    "营业时间9:00-21:00，共1234567平方米",
    "时间戳{n13}",
    "upgrade from 10.15.7 to 11.6.1.2",
    "Upgraded the cluster from 11.{v}.{v}.{v} to 81.{v}.{v}.{v} last week.",
    "从10.15.7升级到11.6.{v}.{v}",
    "1.1.1.1 Scope of this document",
    "package=81.{v}.{v}.{v}",
    "population 138{n8} people",
    "A total of 139{n8} bytes were read.",
    "it has 158{n8} views",
    "人口约138{n8}人",
    "总额为139{n8}元",
    "password: string | null",
    'password: "required|string|min:8"',
    "token: config.auth.token2",
    "secret: undefined",
    "密码：true",
    "第１２３４５６７８９页，共２０２３０１０１条",
    "型号ＡＢＣ－１２３４５６７８９０１２",
    "微博＠人民日报 发布",
    "关注@例子 即可",
]


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
