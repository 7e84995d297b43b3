"""Where keys, tokens and passwords stand in a text; finders as in `clean/pii_patterns.py`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

Found = Iterator[tuple[int, int]]

_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}"  # AWS key id
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"  # GitHub
    r"|glpat-[A-Za-z0-9_-]{20,64}"  # GitLab
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,255}"  # Slack
    r"|AIza[A-Za-z0-9_-]{35}"  # Google API
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}"  # Stripe
    r"|sk-(?=[A-Za-z_-]{0,64}[0-9])[A-Za-z0-9_-]{20,255}"  # OpenAI, Anthropic
    r"|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{34}|pypi-[A-Za-z0-9_-]{32,255}"
    r"|eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{4,8192}\.[A-Za-z0-9_-]{8,4096}"  # JWT, RFC 7519
    r")(?![A-Za-z0-9])"
    r"|(?<=hooks\.slack\.com/services/)T[A-Za-z0-9]{6,20}/B[A-Za-z0-9]{6,20}/[A-Za-z0-9]{16,40}"
)
_PEM_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(
    r"(?:\s{1,4}[A-Za-z0-9+/=]{16,128}(?=\s|\\n|$)){0,400}(?:\s{1,4}[A-Za-z0-9+/]{1,64}={1,2})?"
)
_PEM_CHARS = 20_000
_URL_PASSWORD = re.compile(r"://[^\s:/@<>\"']{0,64}:([^\s:/@<>\"'{}$]{3,128})@")
_ASSIGNED = re.compile(
    r"(?:passw(?:or)?d|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|client[_-]?secret|auth[_-]?key|密码|口令|密钥)"
    r"(?:[_-]?(?:key|token|id|value))?[\"']?\s{0,3}(?::=|=>|[:=：]|是|为)\s{0,3}([\"'“]?)"
    r"(?:Bearer )?([^\s\"'“”`,;<>(){}\[\]，。；、]{6,256})(.?)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"x{4}|\*{3}|\.{3}|…|your|example|change_?me|placeholder|dummy|redacted|process\.env|environ"
    r"|getenv|^(?:self|this|config|settings|options|params|args|request|env)[.\[]"
    r"|(?:^|\|)(?:config|settings|none|null|undefined|true|false|required|optional|string|str)s?"
    r"(?:\||\W*$)",
    re.IGNORECASE,
)


def secrets(text: str) -> Found:
    """Keys and tokens of known forms (AWS, GitHub, GitLab, Slack, Google, Stripe, OpenAI, npm,
    Hugging Face, PyPI, JSON Web Tokens), passwords in URLs,
    and values assigned to password, token, api_key, 密码 ...: 6 characters or more, of
    letters with digits or other characters, over 2.5 bits a character, no placeholder, name
    or call. Words such as "string" make a placeholder only where they are all of the value."""
    spans = [match.span() for match in _TOKEN.finditer(text)]
    spans += [match.span(1) for match in _URL_PASSWORD.finditer(text)]
    for match in _ASSIGNED.finditer(text):
        if _looks_secret(match[2], quoted=bool(match[1]), after=match[3]):
            start = match.start(2)
            spans.append((start, start + len(match[2].rstrip("."))))
    past = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= past:
            yield start, end
            past = end


def private_keys(text: str) -> Found:
    """PEM blocks (RFC 7468) in a text; without an end, as far as the lines look like base64."""
    at, end_at, end_past = 0, -1, 0
    while begin := _PEM_BEGIN.search(text, at):
        if end_at < begin.end():  # looked up once for each end, so that many begins stay cheap
            end = _PEM_END.search(text, begin.end())
            end_at, end_past = (end.start(), end.end()) if end else (len(text) + _PEM_CHARS, 0)
        if end_at - begin.end() <= _PEM_CHARS and end_past:
            at = end_past
        else:
            body = _PEM_BODY.match(text, begin.end())
            at = body.end() if body else begin.end()
        yield begin.start(), at


def _looks_secret(value: str, *, quoted: bool, after: str) -> bool:
    if after in ("(", "[") or _PLACEHOLDER.search(value) or value[0] in "$%&":
        return False
    letters = any(c.isalpha() and c.isascii() for c in value)
    digits = any(c.isdigit() for c in value)
    others = any(not c.isalnum() and c not in "._-/:" for c in value)
    if not all(c.isascii() for c in value) or not (letters and (digits or others)):
        return False
    if not quoted and not digits and re.fullmatch(r"[\w.\-/:&|+*>]+", value):
        return False  # an expression or a path
    return entropy(value) > 2.5


def entropy(value: str) -> float:
    """Shannon's entropy of a string's characters, in bits a character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
