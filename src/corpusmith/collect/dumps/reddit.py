"""Submissions and comments in the layout of the Pushshift dumps (arXiv 2001.08435): JSON Lines in
zstd with a window of up to 2 GiB; a submission with the comments beneath it is a document.

Comments stand as a nested list in the order of their time, as far as they are here. Authors are
left out; what was deleted or removed is left out and counted, and what stands beneath it moves up.
"""

from __future__ import annotations

import html as entities
import re
from typing import Any

from corpusmith.collect.dates import parse_time
from corpusmith.collect.documents.markdown import item
from corpusmith.collect.dumps.params import RedditParams
from corpusmith.collect.dumps.threads import Row, Rows
from corpusmith.collect.encoding import UndecodableError, decode
from corpusmith.collect.errors import RecordError
from corpusmith.collect.jsonl import parse_object
from corpusmith.collect.pieces import piece_lines, too_large
from corpusmith.collect.sink import Sink

_GONE = frozenset({"[deleted]", "[removed]", "[deleted by user]", "[ removed by reddit ]"})
_ID = re.compile(r"[0-9a-z]{1,13}")
_KEPT = ("title", "selftext", "subreddit", "score", "over_18", "num_comments", "permalink", "url")


def gather(piece: dict[str, Any], params: RedditParams, rows: Rows) -> None:
    """Each line under the id of its submission."""
    for line in piece_lines(piece, params):
        uri = f"{piece['uri']}#{line.offset}"
        if line.data is None:
            rows.fail(uri, *too_large(line.size, params.max_document_bytes))
            continue
        if not line.data.strip():
            continue
        try:
            record = parse_object(decode(line.data).text)
            _put(record, uri, rows)
        except UndecodableError as error:
            rows.fail(uri, "bad_encoding", str(error))
        except RecordError as error:
            rows.fail(uri, error.error, error.message)


def _put(record: dict[str, Any], uri: str, rows: Rows) -> None:
    name = record.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise RecordError("bad_field", f"the field 'id' holds {str(name)[:40]!r}, no id of Reddit")
    created = parse_time(record.get("created_utc"))
    seconds = int(created.timestamp()) if created else 0
    order = f"{seconds:012d}{int(name, 36):020d}"
    if "link_id" in record:  # a comment
        thread = _string(record, "link_id").removeprefix("t3_")
        if not _ID.fullmatch(thread):
            shown = str(record["link_id"])[:40]
            raise RecordError("bad_field", f"the field 'link_id' holds {shown!r}, no submission")
        parent = str(record.get("parent_id") or "")
        comment = {
            "id": name,
            "uri": uri,
            "body": _string(record, "body"),
            "parent": parent.removeprefix("t1_") if parent.startswith("t1_") else "",
            "score": _score(record),
            "created": seconds,
            "subreddit": _string(record, "subreddit"),
        }
        rows.put(thread, "1" + order, comment)
        return
    if not isinstance(record.get("title"), str):
        raise RecordError("no_text", "neither a comment (link_id) nor a submission (title)")
    kept = {key: record[key] for key in _KEPT if isinstance(record.get(key), str | int | bool)}
    rows.put(name, "0" + order, {**kept, "id": name, "uri": uri, "created": seconds, "post": 1})


def read(key: str, records: list[Row], params: RedditParams, sink: Sink) -> None:
    """A thread; comments whose submission is not here are a thread without a title."""
    posts = [record for record in records if "post" in record]
    for again in posts[1:]:
        sink.fail(again["uri"], "duplicate_key", f"the submission {key} is there already")
    comments: dict[str, Row] = {}
    for record in records:
        if "post" in record:
            continue
        if record["id"] in comments:
            message = f"the comment {record['id']} is there already"
            sink.fail(record["uri"], "duplicate_key", message)
        else:
            comments[record["id"]] = record
    first = posts[0] if posts else next(iter(comments.values()))
    if not sink.record(first["uri"]):
        return
    blocks = []
    title = _clean(first.get("title", "")) if posts else ""
    if title and title.lower() not in _GONE:
        blocks.append(f"# {title}")
    body = _clean(first.get("selftext", "")) if posts else ""
    if body and body.lower() not in _GONE:
        blocks.append(body)
    elif body:
        sink.skip("deleted:submission")
    if listed := _listed(comments, params, sink):
        blocks.append(listed)
    meta: dict[str, Any] = {
        name: first[name]
        for name in ("subreddit", "score", "over_18", "num_comments", "permalink", "url")
        if first.get(name) not in (None, "")
    }
    meta |= {"thread_id": key, "comments": len(comments)}
    if title:
        meta["title"] = title
    if not posts:
        meta["submission_missing"] = True
        meta.pop("score", None)
    if params.group == "file":
        meta["group"] = key
    elif params.group == "folder":
        meta["group"] = meta.get("subreddit", ".")
    created = parse_time(first["created"]) if first["created"] else None
    sink.document("\n\n".join(blocks), created=created, meta=meta)


def _listed(comments: dict[str, Row], params: RedditParams, sink: Sink) -> str:
    """The comments as a nested list, depth first without recursion."""
    children: dict[str, list[str]] = {}
    for name, comment in comments.items():
        parent = comment["parent"] if comment["parent"] in comments else ""
        children.setdefault(parent, []).append(name)
    lines: list[str] = []
    pending = [(name, 0) for name in reversed(children.pop("", []))]
    while pending:
        name, level = pending.pop()
        comment = comments[name]
        body = _clean(comment["body"])
        gone = body.lower() in _GONE or not body
        low = params.min_score is not None and comment["score"] < params.min_score
        if gone:
            sink.skip("deleted:comment")
        elif low:
            sink.skip("left_out:comment")
        else:
            sink.skip("joined:comment")
            lines.append(item(body, level, None))
        below = level if gone or low else level + 1
        pending += [(child, below) for child in reversed(children.pop(name, []))]
    for rest in children.values():  # comments that answer each other in a circle
        for name in rest:
            sink.skip("circular:comment")
            lines.append(item(_clean(comments[name]["body"]), 0, None))
    return "\n".join(lines)


def _clean(text: str) -> str:
    """Markdown as written: entities of the dump as characters, no spare space."""
    lines = entities.unescape(text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def _string(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _score(record: dict[str, Any]) -> int:
    value = record.get("score", 0)
    return value if isinstance(value, int) else 0
