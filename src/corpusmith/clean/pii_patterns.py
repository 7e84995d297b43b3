"""Where personal data stands in a text: candidates by pattern, then checks that a pattern
cannot make (checksums, assigned ranges, the words before).

A finder takes a line and yields spans (start, end), half-open, in code points; each is linear
in the length of the line, whatever the line. What counts is said at each finder. `SCREENS` are
RE2 patterns, one a kind, which every line with such a span matches: they run over whole columns
at hundreds of MB/s and leave few lines for the finders. Only `private_keys` sees whole texts.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable

from corpusmith.clean.pii_secrets import Found, secrets

_CONTEXT_CHARS = 28  # how far back a word speaks for or against a number
_VERSIONS_CHARS = 56  # the same for a range of versions, which begins further back


def _before(text: str, start: int) -> str:
    return text[max(0, start - _CONTEXT_CHARS) : start].lower()


# --- e-mail -------------------------------------------------------------------------------

# Letters of the scripts that put spaces between words; in others an address has no left end.
_RANGES = ((0xC0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x1E00, 0x1EFF))
_L = "A-Za-z0-9" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES)
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_LOCAL = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'" + "".join(
    chr(code) for first, last in _RANGES for code in range(first, last + 1)
)
_LABEL = f"(?:[{_L}](?:[{_L}-]{{0,61}}[{_L}])?|[{_HAN}][{_HAN}A-Za-z0-9-]{{0,61}})"
_DOMAIN = re.compile(
    rf"{_LABEL}(?:\.{_LABEL}){{0,8}}?\.([A-Za-z]{{2,24}}|xn--[a-z0-9-]{{1,59}}"
    "|公司|中国|中國|网络|網絡|香港|台湾|台灣|澳門|新加坡|网址|网站|网店|在线|中文网|集团|我爱你|商标|商城"
    "|公益|政务|机构|рф|бел|укр|срб|мкд|бг|рус|орг|ком|онлайн|сайт|ευ|ελ)"
    f"(?![{_L}_@]|[.-][A-Za-z0-9])"
)
_AT = re.compile(rf"(?<=[{_L}_%+-])@(?=[{_L}{_HAN}])")
_FILE_TYPES = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "css", "js", "ts", "tsx", "jsx"}
    | {"py", "json", "xml", "yml", "yaml", "html", "htm"}
)


def emails(text: str) -> Found:
    """Addresses with a local part (RFC 5321: up to 64 characters; RFC 6531: also of Latin, Greek
    and Cyrillic letters) and a domain with a top level: of ASCII letters, or one of those in Han,
    Cyrillic and Greek. Not: a local part in Han, which the words before can't be told from;
    `git@host:path` (a repository), `icon@2x.png`, `name@4.17.21` (a version),
    `user:secret@host` (a secret, see `secrets`), addresses in words ("name at example")."""
    past = 0
    for match in _AT.finditer(text):
        at = match.start()
        domain = _DOMAIN.match(text, at + 1)
        if domain is None or domain[1].lower() in _FILE_TYPES:
            continue
        left = text[max(past, at - 65) : at]
        local = left[len(left.rstrip(_LOCAL)) :].lstrip(".'-")
        if not 0 < len(local) <= 64:
            continue
        if local == "git" and text[domain.end() : domain.end() + 1] in (":", "/"):
            continue
        yield at - len(local), domain.end()
        past = domain.end()


# --- addresses of machines ----------------------------------------------------------------

_IPV4 = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\w|\.\w)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,35}(?![\w:]|\.\d)", re.ASCII)
_NOT_AN_ADDRESS = re.compile(
    r"(?:version|versions|ver\.?|release|released|build|revision|rev\.?|update|upgrade|upgraded to"
    r"|section|sections|sec\.?|§+|chapter|clause|paragraph|figure|fig\.?|table|appendix|item"
    r"|oid|firmware|driver|kernel|sdk|api|版本号?|版|版号|升级到|更新到|更新至|章节|章|节|節|条款|条|图|表|第"
    r"|[a-z]/|[a-z]-|[<>=~^]=?)\s*(?:[:：=]|is|was|为|是)?\s*$"
)
_AN_ADDRESS = re.compile(
    r"\bips?\b|ipv4|\baddr|\bhosts?\b|server|\bdns\b|\bping\b|gateway|\bclient|\bpeer\b|\bfrom\b"
    r"|connect|login|nameserver|://|地址|服务器|主机|登录|访问|来自|网关|客户端"
)
_ASSIGNED_ADDRESS = re.compile(
    r"(?:\bip(?:v4)?|addr|address|host|server|gateway|client|peer|dns|地址)[\"']?\s?[=:：]\s?[\"']?$"
)
# The second number of "from 10.15.7 to 11.6.1.2", and those of "upgrade from 11.6.1.2 to ...".
_A_RANGE_OF_VERSIONS = re.compile(
    r"(?:(?<![\w.])v?[0-9]+\.[0-9]+(?:\.[0-9]+)?\s?(?:to|->|→|through|至|到|升级到)"
    r"|(?:up|down)grad\w*(?: \w+){0,2} from(?: [\w.]+ to)?|从[0-9.]+(?:升级)?[到至])\s?$"
)
# Public resolvers, which are written without a word that says so.
_WELL_KNOWN = frozenset(
    {"8.8.8.8", "8.8.4.4", "9.9.9.9", "1.1.1.1", "1.0.0.1", "4.4.4.4", "4.2.2.1", "4.2.2.2"}
)


def ips(text: str) -> Found:
    """Public IPv4 and IPv6 addresses. Private, loopback, link-local, multicast, reserved and
    documentation addresses (RFC 1918, 5737, 3849 ...) belong to nobody and stay. A dotted
    quad behind a word like "version" or "section" is none, nor the upper end of a range of
    versions, nor one of small numbers (under 16) without a word like "server" before it, but for
    well-known resolvers that don't start a line, as a section does. IPv6 is
    2000::/3, all that is assigned."""
    for match in _IPV4.finditer(text):
        if not _is_public(match[0]):
            continue
        before = _before(text, match.start())
        if not _ASSIGNED_ADDRESS.search(before):
            further = text[max(0, match.start() - _VERSIONS_CHARS) : match.start()].lower()
            if _NOT_AN_ADDRESS.search(before) or _A_RANGE_OF_VERSIONS.search(further):
                continue
            small = all(int(number) < 16 for number in match[0].split("."))
            known = match[0] in _WELL_KNOWN and before.strip() != ""
            if small and not known and not _AN_ADDRESS.search(before):
                continue
        yield match.span()
    for match in _IPV6.finditer(text):
        found = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
        try:
            public = ipaddress.IPv6Address(found).is_global
        except ValueError:
            continue
        if public:
            yield match.start(), match.start() + len(found)


@functools.lru_cache(4096)
def _is_public(address: str) -> bool:
    """Of four numbers with dots: none above 255, no leading zero, and assigned to somebody."""
    try:
        found = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return found.is_global and not found.is_multicast


# --- card numbers -------------------------------------------------------------------------

_CARD = re.compile(r"(?<![\w.+/-])[2-6][0-9]{3}(?:[ -]?[0-9]){8,15}(?!\w|[-.]\w| [0-9])", re.ASCII)
_CARD_GROUPS = frozenset(
    {(4, 4, 4, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (6, 13)}
)
_NO_CARD = re.compile(
    r"(?:isbn|issn|\bids?|order|invoice|tracking|serial|imei|part|ticket|number of|count|timestamp"
    r"|编号|订单号?|单号|序列号|条码|时间戳)(?:\s*(?:no\.?|num|number|-1[03]))?\s*[#:：=]?\s*$"
)


def cards(text: str) -> Found:
    """Payment cards: a known issuer (ISO/IEC 7812), its length, Luhn's checksum, and either no
    separators or groups as printed on cards. Not behind words like "order" or 订单号."""
    for match in _CARD.finditer(text):
        groups = re.split("[ -]", match[0])
        digits = "".join(groups)
        if len(groups) > 1 and (
            tuple(map(len, groups)) not in _CARD_GROUPS or (" " in match[0] and "-" in match[0])
        ):
            continue
        if _issued(digits) and luhn(digits) and not _NO_CARD.search(_before(text, match.start())):
            yield match.span()


def luhn(digits: str) -> bool:
    """The checksum of ISO/IEC 7812-1, annex B: 4539 1488 0343 6467 passes."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _issued(digits: str) -> bool:
    size, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    if digits[0] == "4":  # Visa
        return size in (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:  # Mastercard
        return size == 16
    if two in (34, 37):  # American Express
        return size == 15
    if two in (36, 38, 39) or 300 <= three <= 305:  # Diners Club
        return size == 14
    # Discover, UnionPay, JCB
    return size in (16, 17, 18, 19) and (
        four == 6011 or 644 <= three <= 659 or two == 62 or 3528 <= four <= 3589
    )


# --- telephone numbers --------------------------------------------------------------------

_INTERNATIONAL = re.compile(
    r"(?<![\w+.])(?:\+|00(?=[1-9][0-9]{0,2}[ .-]))[1-9]"
    r"(?:(?:[ ./-]{0,2}|[ ./-]?\([0-9]{1,4}\)[ ./-]?)[0-9]){4,14}(?!\w|[-.]\w)",
    re.ASCII,
)
_CN_MOBILE = re.compile(
    r"(?<![\w.+#=/$¥￥-])(?:\(?86\)?[ -]?)?"
    r"1(?:3[0-9]|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])"
    r"(?:[0-9]{8}|([ -])[0-9]{4}\1[0-9]{4})(?!\w|[-.][\w])",
    re.ASCII,
)
_CN_LANDLINE = re.compile(
    r"(?<![\w.+#=/$-])(?:\(?86\)?[ -])?"
    r"(?:0(?:10|2[0-9]|[3-9][0-9]{2})-|\(0(?:10|2[0-9]|[3-9][0-9]{2})\) ?)"
    r"[2-8][0-9]{2,3}[ -]?[0-9]{4}(?:-[0-9]{1,4})?(?!\w|[-.]\w)",
    re.ASCII,
)
_NANP = re.compile(
    r"(?<![\w.+#=/$-])(?:1[-. ])?(?:\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[-. ]"
    r"|[2-9][0-9]{2}([-.])[2-9][0-9]{2}\1)[0-9]{4}(?!\w|[-.]\w)",
    re.ASCII,
)
_ANY_NUMBER = re.compile(
    r"(?<![\w.+-])(?:\([0-9]{2,5}\)[ ./-]?)?[0-9](?:[ ./-]{0,2}[0-9]){3,13}(?!\w|[-.]\w)", re.ASCII
)
_A_PHONE = re.compile(
    r"(?:\b(?:tele)?phones?|\btel|\bmobile|\bcell|\b(?:call|dial)(?: me| us)?|\bfax|\bwhatsapp"
    r"|\bwechat|\bsms|\bhotline|\bcontact|电话|電話|手机|手機|座机|联系方式|致电|热线|传真|微信)"
    r"(?:号码?|號碼?)?(?:\s*(?:number|no\.?|num))?(?: (?:is|at|on|to))?[\"'“”]?\s*"
    r"[.:：=是为為]?\s*[\"'“”(（]?\s*$"
)
_PHONE_WORDS = (  # one of these is in all that `_A_PHONE` matches
    *("phone", "tel", "mobile", "cell", "call", "dial", "fax", "whatsapp", "wechat", "sms"),
    *(
        "hotline",
        "contact",
        "电话",
        "電話",
        "手机",
        "手機",
        "座机",
        "联系方式",
        "致电",
        "热线",
        "传真",
        "微信",
    ),
)
# So many, with what may stand between them, have the numbers of all patterns but the first and
# the last.
_TEN_DIGITS = re.compile(r"[0-9](?:[ .()/-]{0,2}[0-9]){9}")
_NO_PHONE = re.compile(
    r"(?:isbn|issn|\bids?|order|invoice|tracking|serial|part|ticket|issue|version|timestamp|account"
    r"|\bqq|编号|订单号?|单号|序列号|条码|时间戳|版本|账号|帐号|金额|[uid]id|[#$¥￥€£=])"
    r"(?:\s*(?:no\.?|num|number))?\s*[#:：=是为]?\s*$"
)
# For eleven digits in a row, which may count something instead.
_A_COUNT = re.compile(
    r"(?:population|total|\bsum|amount|revenue|salary|price|cost|budget|about|nearly|approximately"
    r"|roughly|人口|总数|总计|总额|合计|共计|共有|约|超过|金额|价格|预算)"
    r"(?: of| is| was|为|是)?\s*[:：]?\s*$"
)
_OF_WHAT = re.compile(
    r"\s?(?:people|persons|inhabitants|residents|users|voters|votes|views|bytes|bits|dollars?|usd|eur"
    r"|euros?|yuan|rmb|tons?|kg|km|times|items|units|rows|records|人(?![民事])|元|美元|次|个(?!人)|字节|票"
    r"|吨|户|平方)",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
_DATE = re.compile(r"(?:19|20)[0-9]{2}([-./ ])[0-9]{1,2}\1[0-9]{1,2}")
# The ITU's country codes (E.164): +1, +7, those of two digits, and how those of three begin.
_COUNTRY = re.compile(
    r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|2[1-69][0-9]|3[578][0-9]|42[0-9]|50[0-9]|59[0-9]|6[7-9][0-9]|8[0578][0-9]|9[679][0-9]"
)


def phones(text: str) -> Found:
    """Telephone numbers in four conservative forms and one by context:

    - international, + or 00, an assigned country code, 7 to 15 digits (E.164);
    - Chinese mobile, 11 digits in assigned ranges, also grouped 3-4-4 and with 86;
    - Chinese landline with its area code: 010-62345678, (0755) 8612 3456;
    - North American: (415) 555-2671, 415-555-2671, 415.555.2671, also with 1 before;
    - 7 to 14 digits, grouped in any way, right behind "phone", "call", 电话 and the like.

    Not behind "order", "id", 订单号, a currency or `#`; digits in a row not behind "population",
    总计 or before "people", 元 either; no dates; nothing inside of longer numbers, words, paths or
    hashes.
    """
    past = 0
    spans: list[tuple[int, int]] = []
    # Cheap looks first: most lines with seven digits hold dates, sizes and versions.
    if "+" in text or "00" in text:
        spans += (m.span() for m in _INTERNATIONAL.finditer(text) if _international(m[0]))
    if _TEN_DIGITS.search(text):
        spans += (
            m.span()
            for pattern in (_CN_MOBILE, _CN_LANDLINE, _NANP)
            for m in pattern.finditer(text)
            if not _NO_PHONE.search(_before(text, m.start())) and not _counted(text, m)
        )
    lower = text.lower()
    if any(word in lower for word in _PHONE_WORDS):
        spans += (m.span() for m in _ANY_NUMBER.finditer(text) if _by_context(text, m))
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= past:
            yield start, end
            past = end


def _international(number: str) -> bool:
    digits = re.sub("[^0-9]", "", number).removeprefix("00")
    if not 7 <= len(digits) <= 15 or re.fullmatch(r"\+[0-9]+\.[0-9]+", number):
        return False
    return _COUNTRY.match(digits) is not None


def _counted(text: str, match: re.Match[str]) -> bool:
    if not match[0].isdigit():
        return False
    before = _before(text, match.start())
    if _A_PHONE.search(before):
        return False
    return bool(_A_COUNT.search(before) or _OF_WHAT.match(text, match.end()))


def _by_context(text: str, match: re.Match[str]) -> bool:
    if not 7 <= sum(map(str.isdigit, match[0])) <= 14:
        return False
    before = _before(text, match.start())
    if not _LETTER.search(before):  # rows of numbers: the common case, and a cheap look
        return False
    return _A_PHONE.search(before) is not None and not _DATE.match(match[0])


# --- all ----------------------------------------------------------------------------------

_FULL_WIDTH = {code: code - 0xFEE0 for code in map(ord, "＋－．＠＿")} | {
    code: code - 0xFEE0
    for first, last in ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A))
    for code in range(first, last + 1)
}
FULL_WIDTH_SCREEN = "[０-９Ａ-Ｚａ-ｚ＋－．＠＿]{5}|＠"


def half_width(text: str) -> str:
    """The text with full-width letters, digits and `＋－．＠＿` as ASCII, each one code point as
    before: in Chinese and Japanese text, addresses and numbers are written with both."""
    return text.translate(_FULL_WIDTH)


FINDERS: dict[str, Callable[[str], Found]] = {
    "secret": secrets,
    "email": emails,
    "ip": ips,
    "card": cards,
    "phone": phones,
}
"""By kind, in the order in which they win where two overlap."""

SCREENS = {
    "secret": r"AKIA|ASIA|AROA|AIDA|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|hooks\.slack|AIza"
    r"|[sr]k_(?:live|test)_|sk-[A-Za-z0-9_-]{20}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{34}|pypi-|eyJ"
    r"|PRIVATE KEY|://[^\s/@]*:[^\s/@]*@|密码|口令|密钥"
    r"|(?i:passw|passphrase|pwd|secret|token|_key|-key|apikey|accesskey|privatekey|authkey)"
    r"[a-zA-Z_-]{0,12}[\"']?\s{0,3}(?::|=|：|是|为)",
    "email": r"@[^\s@.]+\.[^\s@.]",
    "ip": r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[23][0-9A-Fa-f]{3}:[0-9A-Fa-f]*:",
    "card": r"[2-6](?:[ -]?[0-9]){11}",
    "phone": r"[0-9](?:[ .()/-]{0,2}[0-9]){6}",
}
