"""One e-mail (RFC 5322, MIME) to its text: bodies decoded, quotes and signatures told apart."""

from __future__ import annotations

import dataclasses
import email
import email.errors
import email.header
import email.message
import email.policy
import re
from datetime import datetime
from typing import Any

from corpusmith.collect.dates import parse_time
from corpusmith.collect.documents.hypertext import markdown_of
from corpusmith.collect.encoding import UndecodableError, decode
from corpusmith.collect.errors import RecordError

MAX_PARTS = 1000
MAX_HEADER = 1 << 14  # characters of one that is looked at
_QUOTED = re.compile(r"[ \t]{0,3}(?:[A-Za-z]{0,4}>[ \t]?)+")
_ORIGINAL = re.compile(
    r"-{2,12} ?(?:Original Message|Forwarded message|Ursprüngliche Nachricht|Message d'origine|"
    r"Mensaje original|原始邮件|Original-Nachricht) ?-{2,12}",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(
    r"(?:On|Am|Le|El|Il|Em|在|于|\d{4}[-/年]).{3,300}"
    r"(?:wrote|writes|schrieb|a écrit|escribió|ha scritto|escreveu|写道|寫道) ?[:：]",
    re.DOTALL,
)
_ADDRESS = re.compile(r"<[^<>]*>|\S+@\S+")
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,250}>")


@dataclasses.dataclass
class Mail:
    text: str
    subject: str
    author: str  # the name in From, without its address
    created: datetime | None
    message: str  # its Message-ID, "" where it has none
    root: str  # the first of its References, else what it replies to, else itself
    attachments: list[dict[str, object]]
    quoted_chars: int
    signature_chars: int
    repaired: bool


def parse(data: bytes, *, quotes: str = "mark", signatures: str = "mark") -> Mail:
    """A mail without its `From ` line.

    RecordError: bad_mail, bad_encoding, too_complex, too_deep.
    """
    if data.count(b"\nContent-Type:") > MAX_PARTS or data.lower().count(b"boundary=") > MAX_PARTS:
        raise RecordError("too_complex", f"a mail of over {MAX_PARTS} parts, the limit")
    try:
        found = email.message_from_bytes(data, policy=email.policy.compat32)
        parts = _bodies(found)
    except RecursionError:
        raise RecordError("too_deep", "a mail whose parts are nested too deep") from None
    except RecordError:
        raise
    except Exception as error:  # of a library that was not written for hostile mails
        raise RecordError("bad_mail", f"{type(error).__name__}: {error}"[:300]) from None
    if not found.keys():
        raise RecordError("bad_mail", "a mail without any header")
    bodies, attachments = parts
    texts = []
    repaired = False
    quoted = signed = 0
    for part in bodies:
        text, odd = _text(part)
        repaired |= odd
        text, in_quotes, in_signature = marked(text, quotes, signatures)
        quoted += in_quotes
        signed += in_signature
        if text:
            texts.append(text)
    references = _MESSAGE_ID.findall(_header(found, "References"))
    replied = _MESSAGE_ID.findall(_header(found, "In-Reply-To"))
    own = _MESSAGE_ID.findall(_header(found, "Message-ID"))
    name = _header(found, "From")
    date = _header(found, "Date")
    return Mail(
        text="\n\n".join(texts),
        subject=_header(found, "Subject"),
        author=" ".join(_ADDRESS.sub(" ", name).replace('"', " ").split()).strip("() "),
        created=parse_time(re.sub(r"\s*\([^()]{0,40}\)\s*\Z", "", date)[:64]),
        message=own[0] if own else "",
        root=(references or replied or own or [""])[0],
        attachments=attachments,
        quoted_chars=quoted,
        signature_chars=signed,
        repaired=repaired,
    )


def _header(mail: email.message.Message, name: str) -> str:
    """A header's text: encoded words decoded (RFC 2047), folds as spaces."""
    value = mail.get(name)
    if value is None:
        return ""
    raw = str(value)[:MAX_HEADER]
    try:
        pieces = email.header.decode_header(raw)
    except (ValueError, email.errors.HeaderParseError):
        return _clean(raw)
    out = []
    for piece, charset in pieces:
        if isinstance(piece, str):
            out.append(piece)
            continue
        try:
            out.append(decode(piece, charset).text)
        except UndecodableError:
            out.append(piece.decode("latin-1"))
    return _clean("".join(out))


def _clean(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return " ".join(text.replace("\0", "").split())


# --- parts -------------------------------------------------------------------------------


def _bodies(
    mail: email.message.Message,
) -> tuple[list[email.message.Message], list[dict[str, object]]]:
    """(the parts that are the mail's text, what is attached: name, type, bytes)."""
    bodies: list[email.message.Message] = []
    attached: list[dict[str, object]] = []
    pending: list[email.message.Message] = [mail]
    count = 0
    while pending:
        part = pending.pop(0)
        count += 1
        if count > MAX_PARTS:
            raise RecordError("too_complex", f"a mail of over {MAX_PARTS} parts, the limit")
        kind = part.get_content_type()
        payload: Any = part.get_payload()
        if part.is_multipart() and isinstance(payload, list):
            if kind == "multipart/alternative":
                pending[:0] = _best(payload)
            elif kind == "message/rfc822" and part is not mail:
                attached.append({"name": "", "type": kind, "bytes": None})
            elif kind == "multipart/signed":
                pending[:0] = payload[:1]
            else:
                pending[:0] = payload
            continue
        name = part.get_filename() or ""
        disposition = part.get_content_disposition()
        if kind in ("text/plain", "text/html") and disposition != "attachment" and not name:
            bodies.append(part)
        else:
            content = part.get_payload(decode=True)
            size = len(content) if isinstance(content, bytes) else None
            attached.append({"name": _clean(str(name))[:255], "type": kind, "bytes": size})
    return bodies, attached


def _best(choices: list[email.message.Message]) -> list[email.message.Message]:
    """Of alternatives plain text, else HTML, else the last one."""
    for wanted in ("text/plain", "text/html", "multipart/"):
        for part in choices:
            filled = wanted != "text/plain" or str(part.get_payload() or "").strip()
            if filled and part.get_content_type().startswith(wanted):
                return [part]
    return choices[-1:]


def _text(part: email.message.Message) -> tuple[str, bool]:
    raw = part.get_payload(decode=True)
    data = raw if isinstance(raw, bytes) else b""
    charset = part.get_param("charset")
    name = charset[2] if isinstance(charset, tuple) else charset
    try:
        found = decode(data, name)
    except UndecodableError as error:
        raise RecordError("bad_encoding", str(error)) from None
    text = found.text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    if part.get_content_type() == "text/html":
        return markdown_of(text).text, found.repaired
    if str(part.get_param("format") or "").lower() == "flowed":
        text = unflowed(text, str(part.get_param("delsp") or "").lower() == "yes")
    return text.strip("\n"), found.repaired


def unflowed(text: str, delete_space: bool) -> str:
    """Lines of format=flowed (RFC 3676) joined again."""
    out: list[str] = []
    open_depth = -1  # quote depth of a line that goes on
    for raw in text.split("\n"):
        depth = len(raw) - len(raw.lstrip(">"))
        line = raw[depth:].removeprefix(" ")
        flows = line.endswith(" ") and line != "-- "
        if flows and delete_space:
            line = line[:-1]
        if open_depth == depth and line != "-- ":
            out[-1] += line
        else:
            out.append(">" * depth + (" " if depth and line else "") + line)
        open_depth = depth if flows else -1
    return "\n".join(out)


# --- quotes and signatures -----------------------------------------------------------------


def marked(text: str, quotes: str, signatures: str) -> tuple[str, int, int]:
    """(text, characters in quotes, characters in signatures), with both as asked for.

    `quotes`: keep (as it is), mark (each level as `> `), drop (with the line that announces them).
    `signatures`: mark (kept behind its line `-- `), drop.
    """
    out: list[str] = []
    quoted = signed = 0
    in_signature = in_original = False
    for line in text.split("\n"):
        if not in_original and _ORIGINAL.fullmatch(line.strip()):
            in_original, in_signature = True, False
        match = _QUOTED.match(line)
        if match is not None or in_original:
            quoted += len(line)
            if quotes == "drop":
                _drop_attribution(out)
                continue
            if quotes == "keep":
                out.append(line)
                continue
            depth = match[0].count(">") if match else 0
            rest = line[match.end() :] if match else line
            out.append(("> " * (depth + in_original) + rest).rstrip())
            continue
        if line in ("-- ", "--"):
            in_signature = True
            if signatures == "mark":
                out.append("-- ")
            continue
        if in_signature:
            signed += len(line)
            if signatures == "drop":
                continue
        out.append(line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip("\n"), quoted, signed


def _drop_attribution(out: list[str]) -> None:
    """Leave out the one or two lines in front of a quote that say whose it is."""
    while out and not out[-1]:
        out.pop()
    for count in (1, 2):
        lines = out[-count:]
        if len(lines) == count and _ATTRIBUTION.fullmatch(" ".join(lines)):
            del out[-count:]
            return
