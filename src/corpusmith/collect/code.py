"""Code folders: a document a file, with its language and whether people wrote it.

`meta`: language, vendored (someone else's code, by its folder), generated (by what the file says
of itself, or by name), minified (by name, or by lines that nobody writes). Nothing is dropped:
rules do that by these flags. Binary files end in quarantine as "binary_file", which is expected
there and doesn't count for `max_quarantined`.
"""

from __future__ import annotations

import re
from typing import Any

from corpusmith.collect.encoding import UndecodableError, decode
from corpusmith.collect.errors import RecordError
from corpusmith.collect.languages import language_of
from corpusmith.collect.licenses import spdx_header
from corpusmith.collect.linguist import is_generated, is_vendored
from corpusmith.collect.readers import CodeParams
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError, compression, plain_whole
from corpusmith.collect.whole import group_of

SNIFF_BYTES = 8192
MINIFIED_LINE_CHARS = 250  # mean length of lines; people's code has 20 to 60, tables up to 120

_BINARY_MAGIC = (
    *(b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"%PDF-", b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe"),
    *(b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"RIFF", b"OggS", b"fLaC", b"ID3", b"wOFF", b"wOF2"),
    *(b"\x00asm", b"SQLite format 3", b"PAR1", b"!<arch>\n", b"BM", b"II*\x00", b"MM\x00*"),
)
# Of files that may begin like text. Pickles are programs for a virtual machine, never read.
_BINARY_SUFFIXES = (".pickle", ".pkl", ".pck", ".pyc", ".pyo", ".class", ".o", ".a", ".so", ".syso")
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v\d+\n(?:[\w.-]+ [^\n]*\n)*?size (\d{1,18})\n"
)
_CODING = re.compile(rb"^[ \t\f]*(?:#|//|/\*|<!--|--|;).*?coding[:=][ \t]*([-\w.]+)")


def read(piece: dict[str, Any], params: CodeParams, sink: Sink) -> None:
    """A file of code, or of what lies beside it."""
    uri = piece["uri"]
    if not sink.record(uri):
        return
    try:
        data = plain_whole(piece["path"], params.max_document_bytes)
        text, encoding, repaired = text_of_code(uri, data, params.encoding)
    except (DamagedError, RecordError) as error:
        sink.quarantine(error.error, error.message)
        return
    meta: dict[str, Any] = describe(uri, text)
    if encoding != "utf-8":
        meta["encoding"] = encoding
    if group := group_of(uri, params.group):
        meta["group"] = group
    sink.document(text, license=spdx_header(text), meta=meta, repaired=repaired)


def text_of_code(name: str, data: bytes, encoding: str | None = None) -> tuple[str, str, bool]:
    """(text, encoding, repaired); RecordError "binary_file" or "bad_encoding"."""
    head = data[:SNIFF_BYTES]
    if len(data) < 1024 and (pointer := _LFS.match(data)):
        size = int(pointer[1])
        raise RecordError("lfs_pointer", f"a pointer of Git LFS to {size} bytes that are not here")
    kind = compression(head)
    if kind or (head.startswith(_BINARY_MAGIC) and not _is_text(head)):
        raise RecordError("binary_file", f"{len(data)} bytes of {kind or 'a binary format'}")
    if name.lower().endswith(_BINARY_SUFFIXES):
        raise RecordError(
            "binary_file", f"{len(data)} bytes, {name.rsplit('.', 1)[-1]} by its name"
        )
    declared = encoding
    for line in head.split(b"\n", 2)[:2]:  # PEP 263, which editors know for other languages too
        if match := _CODING.match(line):
            declared = match[1].decode("ascii", "replace")
            break
    try:
        decoded = decode(data, declared)
    except UndecodableError as error:
        if _control_frac(head) > 0.02:
            raise RecordError("binary_file", f"{len(data)} bytes, no text: {error}") from None
        raise RecordError("bad_encoding", str(error)) from None
    if "\0" in decoded.text:
        message = f"{len(data)} bytes with {data.count(0)} NUL bytes, the first at {data.index(0)}"
        raise RecordError("binary_file", message)
    return decoded.text, decoded.encoding, decoded.repaired


def _is_text(head: bytes) -> bool:
    try:
        head[: len(head) & ~3].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 8 and b"\0" not in head
    return b"\0" not in head and not head.startswith(b"%PDF-")


def _control_frac(head: bytes) -> float:
    control = sum(head.count(bytes([b])) for b in range(32) if b not in (9, 10, 12, 13, 27))
    return control / max(1, len(head))


def describe(path: str, text: str) -> dict[str, Any]:
    """{"language", "vendored", "generated", "minified"} of a file by its path and content."""
    language = language_of(path, text)
    return {
        "language": language,
        "vendored": is_vendored(path),
        "generated": is_generated(path, text),
        "minified": is_minified(path, text, language),
    }


def is_minified(path: str, text: str, language: str | None) -> bool:
    """Whether white space was squeezed out: JavaScript, CSS or HTML in very long lines."""
    if re.search(r"[.-]min\.(?:js|css|html|json)\Z", path, re.IGNORECASE):
        return True
    if language not in ("JavaScript", "CSS", "TypeScript", "HTML", "JSON") or len(text) < 500:
        return False
    mean = len(text) / (text.count("\n") + 1)
    spaces = text.count(" ") / len(text)
    return mean > MINIFIED_LINE_CHARS and (language != "HTML" or spaces < 0.05) and spaces < 0.12
