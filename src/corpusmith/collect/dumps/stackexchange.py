"""Stack Exchange's data dump (https://meta.stackexchange.com/a/2678: `Posts.xml`, `Comments.xml`):
a question with its answers is a document.

Each row of the files is a line. Rows find together by keys on disk (`threads`): comments with their
post, then answers with their question.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from xml.parsers import expat

from corpusmith.collect.dates import parse_time
from corpusmith.collect.documents.hypertext import markdown_of
from corpusmith.collect.dumps.params import StackExchangeParams
from corpusmith.collect.dumps.threads import Row, Rows
from corpusmith.collect.errors import RecordError
from corpusmith.collect.licenses import spdx
from corpusmith.collect.pieces import piece_lines, too_large
from corpusmith.collect.sink import Sink

POSTS, COMMENTS = "posts.xml", "comments.xml"
QUESTION, ANSWER = "1", "2"
# https://stackoverflow.com/help/licensing: by the day on which a post was contributed.
_LICENSES = (
    (datetime(2011, 4, 8, tzinfo=UTC), "CC-BY-SA-2.5"),
    (datetime(2018, 5, 2, tzinfo=UTC), "CC-BY-SA-3.0"),
)
_LATEST = "CC-BY-SA-4.0"
_AROUND = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml[^>]*\?>)?(?:</?(?:posts|comments)>)?")
_KINDS = {
    "3": "wiki", "4": "tag_excerpt", "5": "tag_wiki", "6": "nomination", "7": "wiki", "8": "wiki",
}  # fmt: skip


def gather(piece: dict[str, Any], params: StackExchangeParams, rows: Rows) -> None:
    """Posts and comments under the key of their post."""
    folder, _, name = piece["uri"].rpartition("/")
    kind = name.lower().removesuffix(".gz").removesuffix(".zst")
    if kind not in (POSTS, COMMENTS) or (kind == COMMENTS and not params.comments):
        if not piece.get("start") and not piece.get("offset"):
            rows.skip(f"file:{kind if kind in _OTHERS or kind == COMMENTS else 'other'}")
        return
    for line in piece_lines(piece, params):
        uri = f"{piece['uri']}#{line.offset}"
        if line.data is None:
            rows.fail(uri, *too_large(line.size, params.max_document_bytes))
            continue
        if _AROUND.fullmatch(line.data.strip()):
            continue  # what stands around the rows
        try:
            row = attributes(line.data)
            if kind == POSTS:
                _put_post(row, uri, folder, rows)
            else:
                key = f"{folder}|{_number(row, 'PostId')}"
                order = f"1{_number(row, 'Id'):012d}"
                rows.put(key, order, {"comment": row.get("Text", ""), "uri": uri})
        except RecordError as error:
            rows.fail(uri, error.error, error.message)


_OTHERS = frozenset(
    f"{n}.xml"
    for n in "badges posthistory postlinks tags users votes".split()  # noqa: SIM905
)


def _put_post(row: dict[str, str], uri: str, folder: str, rows: Rows) -> None:
    kind = row.get("PostTypeId", "")
    if kind not in (QUESTION, ANSWER):
        rows.skip(f"post:{_KINDS.get(kind, 'other')}")
        return
    names = "Id ParentId AcceptedAnswerId CreationDate Score Title Tags ContentLicense Body"
    post: Row = {name: row[name] for name in names.split() if name in row}
    post |= {"uri": uri, "kind": kind, "folder": folder}
    rows.put(f"{folder}|{_number(row, 'Id')}", "0", post)


def _number(row: dict[str, str], name: str) -> int:
    value = row.get(name, "")
    if not re.fullmatch(r"\d{1,12}", value):
        raise RecordError("bad_field", f"the attribute {name} holds {value[:40]!r}, no number")
    return int(value)


def attributes(line: bytes) -> dict[str, str]:
    """The attributes of a `<row ... />`; RecordError bad_xml, xml_entities."""
    found: dict[str, str] = {}

    def start(name: str, values: dict[str, str]) -> None:
        if name != "row":
            raise RecordError("bad_xml", f"an element {name[:40]!r} in place of a row")
        found.update(values)

    def refuse(*_: object) -> None:
        raise RecordError("xml_entities", "a row that declares entities")

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = start
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(line, True)
    except expat.ExpatError as error:
        head = line[:60].decode("utf-8", "replace")
        raise RecordError("bad_xml", f"no row: {error}: {head!r}"[:300]) from None
    return found


def join(key: str, records: list[Row], params: StackExchangeParams, rows: Rows) -> None:
    """A post with its comments, under the key of its question."""
    posts = [record for record in records if "kind" in record]
    comments = [record["comment"] for record in records if "comment" in record]
    if not posts:
        for record in records:
            rows.fail(record["uri"], "no_parent", f"a comment on the post {key}, which is not here")
        return
    post, *again = posts
    for other in again:
        rows.fail(other["uri"], "duplicate_key", f"the post {key} is there already")
    if comments:
        post["comments"] = comments
    if post["kind"] == QUESTION:
        rows.put(key, "0", post)
        return
    parent = post.get("ParentId", "")
    if not parent.isdigit():
        rows.fail(post["uri"], "no_parent", "an answer that names no question")
        return
    rows.put(f"{post['folder']}|{parent}", f"1{int(post['Id']):012d}", post)


def read(key: str, records: list[Row], params: StackExchangeParams, sink: Sink) -> None:
    """A question with its answers; answers without their question are told one by one."""
    question, answers = records[0], records[1:]
    if question["kind"] != QUESTION:
        for record in records:
            message = f"an answer to the question {key}, which is not here"
            sink.fail(record["uri"], "no_parent", message)
        return
    if not sink.record(question["uri"]):
        return
    accepted = question.get("AcceptedAnswerId")
    chosen = _chosen(answers, accepted, params)
    for answer in answers:
        sink.skip("joined:answer" if answer in chosen else "left_out:answer")
    title = question.get("Title", "")
    blocks = [f"# {title}" if title else "", _post(question)]
    for answer in chosen:
        marks = [f"score {_score(answer)}"]
        if answer.get("Id") == accepted:
            marks.append("accepted")
        blocks += [f"## Answer ({', '.join(marks)})", _post(answer)]
    used = [question, *chosen]
    meta: dict[str, Any] = {
        "title": title,
        "question_id": int(question["Id"]),
        "score": _score(question),
        "tags": [tag for tag in re.split(r"[<>|]+", question.get("Tags", "")) if tag],
        "answers": [
            {"id": int(a["Id"]), "score": _score(a), "accepted": a.get("Id") == accepted}
            for a in chosen
        ],
    }
    if question["folder"]:
        meta["site"] = question["folder"].rpartition("/")[2]
    licenses = sorted({license_of(post) for post in used})
    if len(licenses) > 1:
        meta["licenses"] = licenses
    if params.group in ("file", "folder"):
        meta["group"] = key
    sink.document(
        "\n\n".join(block for block in blocks if block),
        license=params.license or licenses[-1],
        created=parse_time(question.get("CreationDate")),
        meta=meta,
    )


def _chosen(answers: list[Row], accepted: str | None, params: StackExchangeParams) -> list[Row]:
    """The accepted one first, then by score, then the earlier one."""
    found = [a for a in answers if params.min_score is None or _score(a) >= params.min_score]
    found.sort(key=lambda a: (a.get("Id") != accepted, -_score(a), int(a["Id"])))
    return {"all": found, "accepted": found[:1], "none": []}[params.answers]


def _post(post: Row) -> str:
    text = markdown_of(post.get("Body", "")).text
    comments = [" ".join(comment.split()) for comment in post.get("comments", [])]
    if comments:
        text += "\n\nComments:\n\n" + "\n".join(f"- {comment}" for comment in comments if comment)
    return text


def _score(post: Row) -> int:
    value = post.get("Score", "0")
    return int(value) if re.fullmatch(r"-?\d{1,9}", value) else 0


def license_of(post: Row) -> str:
    """As the post says, else by its day."""
    stated = spdx(post.get("ContentLicense"))
    if stated:
        return stated
    created = parse_time(post.get("CreationDate"))
    if created is None:
        return _LATEST
    return next((name for before, name in _LICENSES if created < before), _LATEST)
