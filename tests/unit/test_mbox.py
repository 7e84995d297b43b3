"""Mailboxes, written by Python's own `mailbox` and `email`."""

from __future__ import annotations

import gzip
import mailbox
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from corpusmith.collect.dumps.mail import marked, unflowed
from tests.collect_run import collect
from tests.inline import InlineEngine

START = datetime(2021, 5, 6, 7, 8, 9, tzinfo=UTC)


def mail(number: int, text: str, **headers: Any) -> EmailMessage:
    made = EmailMessage()
    made["From"] = headers.pop("sender", f"Ada Müller <ada{number}@example.org>")
    made["To"] = "list@example.org"
    made["Subject"] = headers.pop("subject", f"Mail {number}")
    made["Date"] = format_datetime(START + timedelta(hours=number))
    made["Message-ID"] = f"<m{number}@example.org>"
    charset = headers.pop("charset", "utf-8")
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text, charset=charset)
    return made


def box(path: Path, mails: list[EmailMessage]) -> Path:
    made = mailbox.mbox(str(path), create=True)
    for one in mails:
        made.add(one)
    made.flush()
    made.close()
    return path


def test_bodies_of_every_kind(tmp_path: Path) -> None:
    plain = mail(1, "Grüße\nFrom the mill,\n水车", charset="utf-8")
    latin = mail(2, "Grüße von der Mühle", charset="iso-8859-1", subject="Über Mühlen")
    both = mail(3, "the plain one")
    both.add_alternative("<p>the <b>other</b> one</p>", subtype="html")
    both.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="plän.pdf")
    web = EmailMessage()
    web["From"], web["Subject"] = "nobody@example.org", "Web"
    web.set_content("<h1>Title</h1><p>One<br>two</p>", subtype="html")
    path = box(tmp_path / "a.mbox", [plain, latin, both, web])
    found = collect(tmp_path / "out", read="mbox", path=path)
    assert found.errors == []
    assert found.texts == [
        "Grüße\nFrom the mill,\n水车",
        "Grüße von der Mühle",
        "the plain one",
        "# Title\n\nOne\ntwo",
    ]
    assert [m["title"] for m in found.meta] == ["Mail 1", "Über Mühlen", "Mail 3", "Web"]
    assert [m.get("author") for m in found.meta] == ["Ada Müller"] * 3 + [None]
    assert found.meta[2]["attachments"] == [
        {"name": "plän.pdf", "type": "application/pdf", "bytes": 8}
    ]
    assert found.documents["created"][0].as_py() == START + timedelta(hours=1)
    # Without a Date the time is that of the `From ` line, which `mailbox` writes.
    assert found.documents["created"][3].as_py() is not None
    assert found.info["skipped"] == {"attachment": 1}
    assert "example.org" not in str(found.meta)  # addresses stand in texts only, if at all


QUOTED = """I agree.

On Fri, 7 May 2021, Ben Weber wrote:
> The wheel turns.
>> Does it?
> > Really?

It does.
--{space}
Ada
Mill Lane 1
""".format(space=" ")


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (
            {},
            "I agree.\n\nOn Fri, 7 May 2021, Ben Weber wrote:\n> The wheel turns.\n> > Does it?\n"
            "> > Really?\n\nIt does.\n-- \nAda\nMill Lane 1",
        ),
        ({"quotes": "drop", "signatures": "drop"}, "I agree.\n\nIt does."),
        ({"quotes": "keep"}, QUOTED.strip()),
    ],
)
def test_quotes_and_signatures(tmp_path: Path, params: dict[str, Any], text: str) -> None:
    path = box(tmp_path / "a.mbox", [mail(1, QUOTED)])
    found = collect(tmp_path / "out", read="mbox", path=path, **params)
    assert found.texts == [text]
    assert found.meta[0]["quoted_chars"] == len("> The wheel turns.>> Does it?> > Really?")
    assert found.meta[0]["signature_chars"] == len("AdaMill Lane 1")


def test_original_message_and_flowed_lines() -> None:
    top = "Fine.\n\n-----Original Message-----\nFrom: Ben\nThe wheel."
    assert marked(top, "mark", "mark")[0] == (
        "Fine.\n\n> -----Original Message-----\n> From: Ben\n> The wheel."
    )
    assert marked(top, "drop", "mark")[0] == "Fine."
    # RFC 3676, section 4.2: soft breaks end in a space, quotes flow among their own.
    flowed = "The wheel \nturns.\n>A quote \n>goes on.\n From here\n-- \nAda"
    assert unflowed(flowed, False) == "The wheel turns.\n> A quote goes on.\nFrom here\n-- \nAda"
    assert unflowed("水 \n车", True) == "水车"


def thread_mails() -> list[EmailMessage]:
    refs = "<m1@example.org> <m2@example.org>"
    return [
        mail(3, "third", References=refs, In_Reply_To="<m2@example.org>", subject="Re: Stones"),
        mail(1, "first", subject="Stones"),
        mail(9, "alone", subject="Other"),
        mail(2, "second", In_Reply_To="<m1@example.org>", subject="AW: Stones", sender="b@c.org"),
        mail(2, "second", In_Reply_To="<m1@example.org>", subject="AW: Stones", sender="b@c.org"),
    ]


def test_threads(tmp_path: Path) -> None:
    path = box(tmp_path / "a.mbox", thread_mails())
    found = collect(tmp_path / "out", read="mbox", path=path, threads=True)
    texts = dict(zip((m["title"] for m in found.meta), found.texts, strict=True))
    assert texts == {
        "Stones": "# Stones\n\n## Ada Müller\n\nfirst\n\n---\n\nsecond\n\n## Ada Müller\n\nthird",
        "Other": "# Other\n\n## Ada Müller\n\nalone",
    }
    assert found.info["skipped"] == {"joined:mail": 4, "duplicate:mail": 1}
    apart = collect(tmp_path / "apart", read="mbox", path=path, group="file")
    assert len(apart.texts) == 5
    groups = [m["group"] for m in apart.meta]
    assert groups[0] == groups[1] == groups[3] and len(set(groups)) == 2


def test_however_it_is_cut_each_mail_is_read_once(tmp_path: Path) -> None:
    mails = [mail(n, f"Mail {n} of many.\n\nFrom here on\n\n>From there " * 9) for n in range(100)]
    path = box(tmp_path / "a.mbox", mails)
    theirs = [m["Subject"] for m in mailbox.mbox(str(path))]
    whole = collect(tmp_path / "whole", read="mbox", path=path, part_bytes=1 << 30)
    assert [m["title"] for m in whole.meta] == theirs
    for size in (5_000, 10_011):
        engine = InlineEngine(shuffle=3)
        found = collect(tmp_path / f"p{size}", engine, read="mbox", path=path, part_bytes=size)
        assert len(found.parts) > 4 and found.uris == whole.uris and found.texts == whole.texts
    (tmp_path / "b.mbox.gz").write_bytes(gzip.compress(path.read_bytes()))
    packed = collect(tmp_path / "gz", read="mbox", path=tmp_path / "b.mbox.gz")
    assert packed.texts == whole.texts


def test_hostile_mails(tmp_path: Path) -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(900)
    )
    many = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 3000
    bad = b"Content-Type: text/plain; charset=utf-8\nSubject: x\n\n\xff\xfe\x81 \xc3( \x9d\x8f"
    head = b"From a@b Sat Jan  3 01:05:34 1996\n"
    lying = b"Content-Type: text/plain; charset=nonsense\nDate: never\nSubject: =?x?Q?=ff?=\n\nok"
    mails = [deep, many, bad, b"no header at all", lying, b"Subject: last\n\nlast words"]
    data = b"\n\n".join(head + m for m in mails) + b"\n"
    (tmp_path / "a.mbox").write_bytes(data)
    (tmp_path / "b.mbox").write_bytes(b"no mailbox at all\n" * 50)
    (tmp_path / "c.mbox").write_bytes(head + b"Subject: big\n\n" + b"x" * 300_000)
    found = collect(tmp_path / "out", read="mbox", path=tmp_path, max_document_bytes=200_000)
    assert found.texts[-2:] == ["ok", "last words"]
    errors = [error for _, error in found.errors]
    assert {"too_complex", "not_a_dump", "too_large"} <= set(errors)
    assert set(errors) <= {
        *("too_complex", "too_deep", "bad_mail", "bad_encoding", "not_a_dump", "too_large")
    }
    assert str(found.documents["created"][len(found.texts) - 2].as_py().date()) == "1996-01-03"
