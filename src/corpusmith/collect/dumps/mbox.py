"""Mailboxes in mbox form (RFC 4155, mboxo, mboxrd): a mail each, or with `threads: true` a thread.

Names of people in From stand in `meta`, addresses nowhere but in the texts, where `pii: mask` finds
them: Message-IDs look like addresses, so they are kept as hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import xxhash

from corpusmith.collect.dates import parse_time
from corpusmith.collect.dumps.mail import Mail, parse
from corpusmith.collect.dumps.marked import MAIL, Span, piece_records
from corpusmith.collect.dumps.params import MboxParams
from corpusmith.collect.dumps.threads import Row, Rows
from corpusmith.collect.errors import RecordError
from corpusmith.collect.pieces import too_large
from corpusmith.collect.sink import Sink

_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_REPLY = re.compile(r"(?:(?:re|aw|fwd?|sv|antw|回复|转发|答复)\s?[:：]\s{0,5})+", re.IGNORECASE)


def read(piece: dict[str, Any], params: MboxParams, sink: Sink) -> None:
    """A document a mail."""
    for uri, span in _spans(piece, params):
        if span.error or span.data is None:
            sink.fail(uri, *_problem(span, params))
            continue
        if not sink.record(uri):
            continue
        try:
            mail = _parsed(span.data, params)
        except RecordError as error:
            sink.quarantine(error.error, error.message)
            continue
        meta = _described(mail)
        if params.group:
            meta["group"] = _thread(mail, uri)
        for _ in mail.attachments:
            sink.skip("attachment")
        sink.document(mail.text, created=mail.created, meta=meta, repaired=mail.repaired)


def gather(piece: dict[str, Any], params: MboxParams, rows: Rows) -> None:
    """Each mail under its thread."""
    for uri, span in _spans(piece, params):
        if span.error or span.data is None:
            rows.fail(uri, *_problem(span, params))
            continue
        try:
            mail = _parsed(span.data, params)
        except RecordError as error:
            rows.fail(uri, error.error, error.message)
            continue
        for _ in mail.attachments:
            rows.skip("attachment")
        seconds = int(mail.created.timestamp()) if mail.created else 0
        order = f"{max(0, seconds):012d}{xxhash.xxh3_64_hexdigest(uri.encode())}"
        row = {"uri": uri, "text": mail.text, "created": max(0, seconds), "meta": _described(mail)}
        rows.put(_thread(mail, uri), order, row)


def read_thread(key: str, records: list[Row], params: MboxParams, sink: Sink) -> None:
    """The mails of a thread in the order of their time; the same mail twice is one."""
    first = records[0]
    if not sink.record(first["uri"]):
        return
    seen: set[str] = set()
    blocks = []
    mails = []
    for record in records:
        meta = record["meta"]
        message = meta.get("message", "")
        if message and message in seen:
            sink.skip("duplicate:mail")
            continue
        seen.add(message)
        sink.skip("joined:mail")
        name = meta.get("author", "")
        blocks.append(f"## {name}\n\n{record['text']}" if name else f"---\n\n{record['text']}")
        mails.append({k: v for k, v in meta.items() if k != "thread"} | {"uri": record["uri"]})
    title = _REPLY.sub("", first["meta"].get("title", "")).strip()
    meta = {"title": title, "thread": key, "mails": mails}
    if params.group:
        meta["group"] = key
    text = "\n\n".join([f"# {title}", *blocks] if title else blocks)
    created = parse_time(first["created"]) if first["created"] else None
    sink.document(text, created=created, meta=meta)


def _spans(piece: dict[str, Any], params: MboxParams) -> Iterator[tuple[str, Span]]:
    for span in piece_records(piece, params, MAIL):
        yield f"{piece['uri']}#{span.position}", span


def _problem(span: Span, params: MboxParams) -> tuple[str, str]:
    if span.error:
        return span.error, span.message
    return too_large(span.size, params.max_document_bytes)


def _parsed(data: bytes, params: MboxParams) -> Mail:
    head, _, rest = data.partition(b"\n")
    mail = parse(_ESCAPED.sub(rb"\1", rest), quotes=params.quotes, signatures=params.signatures)
    if mail.created is None:  # `From someone Sat Jan  3 01:05:34 1996`
        stamp = b" ".join(head.split()[2:7]).decode("ascii", "replace")
        mail.created = _stamp(stamp)
    return mail


def _stamp(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def _thread(mail: Mail, uri: str) -> str:
    return xxhash.xxh3_128_hexdigest((mail.root or uri).encode("utf-8", "surrogatepass"))


def _described(mail: Mail) -> dict[str, Any]:
    meta: dict[str, Any] = {"thread": _thread(mail, "")} if mail.root else {}
    if mail.message:
        encoded = mail.message.encode("utf-8", "surrogatepass")
        meta["message"] = xxhash.xxh3_128_hexdigest(encoded)
    for key, value in (("title", mail.subject), ("author", mail.author)):
        if value:
            meta[key] = value
    if mail.attachments:
        meta["attachments"] = mail.attachments
    if mail.quoted_chars:
        meta["quoted_chars"] = mail.quoted_chars
    if mail.signature_chars:
        meta["signature_chars"] = mail.signature_chars
    return meta
