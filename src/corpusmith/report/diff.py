"""What edits changed in one document.

A document's earlier texts are rebuilt from its last one by taking edits back. What was masked
as personal data is stored nowhere, so it can't be; in its place stands a block, also in
what earlier edits changed there, which held it as it was.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from corpusmith.clean.spans import BLOCK as STORED_BLOCK
from corpusmith.clean.spans import check_spans
from corpusmith.errors import InputError
from corpusmith.report.find import decision, document, edit_rows, find, masker
from corpusmith.report.run import Run
from corpusmith.report.tables import printable

BLOCK = "\U0010fffd"  # a private code point: stands for one that was masked, never shown
SHOWN_BLOCK = "█" * 5  # whatever the length of what was masked
CONTEXT_LINES = 2
TOKEN = re.compile("<(?:EMAIL|IP|PHONE|CARD|SECRET)>")  # what masking puts in
LONGEST_MASKED = 320  # code points; RFC 5321 lets an address have so many
Span = Mapping[str, Any]


def diff(run: Run, wanted: str, *, context_lines: int = CONTEXT_LINES) -> dict[str, Any]:
    """What each edit step changed in one document.

    `wanted` as in `find`. Keys: `id`, `uri`, `source`, `verdict` (the step and rule by which it
    left, or None), `steps` [{step, text_version, edits, masked, rebuilt, lines}] in the order
    of the edits; `lines` are those of a unified diff without its header; `rebuilt` is False where
    masking has taken so much that the text before can't be put together. Raises InputError as
    `find` does, and where the document has no text.
    """
    found = find(run, wanted)
    folders = run.clean_folders()
    if found.quarantine is not None or found.source not in folders:
        raise InputError(
            f"{found.uri} has no text: it went to quarantine"
            if found.quarantine
            else "this run has cleaned nothing",
            where=str(run.folder),
            hint=f"corpusmith why {run.folder} {wanted}",
        )
    assert found.id is not None
    text = document(run, folders[found.source], found.part, found.id, ["id", "text"])["text"]
    rows = [_with_blocks(row) for row in edit_rows(run, found)]
    versions = [(v, list(rs)) for v, rs in itertools.groupby(rows, lambda r: r["text_version"])]
    mask = masker(run)
    steps: list[dict[str, Any]] = []
    whole: str | None = text  # None once a text could not be rebuilt
    for version, spans in reversed(versions):
        whole = _before(whole, spans)
        lines = [] if whole is None else unified(whole, spans, context_lines)
        steps.append(
            {
                "step": spans[0]["step"],
                "text_version": version,
                "edits": len(spans),
                "masked": sum(span["removed"] is None for span in spans),
                "rebuilt": whole is not None,
                "lines": _shown(lines, mask),
            }
        )
    left, _ = decision(run, found.part, found.id)
    return {
        "id": found.id,
        "uri": found.uri,
        "source": found.source,
        "verdict": {"step": left["step"], "rule": left["rule"]} if left else None,
        "steps": steps[::-1],
    }


def _with_blocks(span: Span) -> Span:
    """Where a later step masked a part of what this edit led to, it is stored as one full block
    for each code point; here they become those that are never shown by their number."""
    if span["removed"] is not None:
        return span
    return {**span, "replacement": span["replacement"].replace(STORED_BLOCK, BLOCK)}


def _before(after: str | None, spans: Sequence[Span]) -> str | None:
    if after is None:
        return None
    try:
        before = take_back(after, spans)
        check_spans(spans, len(before))
    except ValueError:
        return None
    return before


def take_back(after: str, spans: Sequence[Span]) -> str:
    """The text before the edits, of the same length as it had, with blocks for what was masked.

    A block also stands for all that a span changed where what it led to was masked later. Raises
    ValueError where the spans don't fit the text.
    """
    pieces, at, last = [], 0, 0
    for span in spans:
        start = at + span["start"] - last
        end = _end_of(span["replacement"], after, start)
        if not at <= start <= end <= len(after):
            raise ValueError(f"edit {span['kind']!r} at {span['start']} lies outside of the text")
        length = span["end"] - span["start"]
        hidden = span["removed"] is None or BLOCK in after[start:end]
        pieces += [after[at:start], BLOCK * length if hidden else _fitted(span["removed"], length)]
        at, last = end, span["end"]
    pieces.append(after[at:])
    return "".join(pieces)


def _end_of(replacement: str, after: str, start: int) -> int:
    """Where in `after` what an edit put in at `start` ends.

    What was put in is stored with personal data masked, whose length isn't that of the text
    then; there blocks stand, if the masking step saw it as well.
    """
    if after.startswith(replacement, start) or not TOKEN.search(replacement):
        return start + len(replacement)
    pieces = [re.escape(piece) for piece in TOKEN.split(replacement)]
    wildcard = f"(?:{TOKEN.pattern}|{BLOCK}+|.{{1,{LONGEST_MASKED}}}?)"
    found = re.compile(wildcard.join(pieces), re.DOTALL).match(after, start)
    return found.end() if found else start + len(replacement)


def _fitted(removed: str, length: int) -> str:
    """What an edit took out, at the length it had: blocks stand for what is masked in it."""
    if len(removed) == length:
        return removed
    pieces = TOKEN.split(removed)
    blocks = len(pieces) - 1
    room = length - sum(map(len, pieces))
    if not blocks or room < blocks:
        return BLOCK * length
    first = BLOCK * (room - blocks + 1)
    return pieces[0] + first + BLOCK.join(pieces[1:])


@dataclasses.dataclass
class _Change:
    """Whole lines, [start, end) in code points of the text before, and what they became."""

    start: int
    end: int
    new: str


def unified(before: str, spans: Sequence[Span], context_lines: int = CONTEXT_LINES) -> list[str]:
    """Lines of a unified diff (`@@ -1,3 +1,2 @@`, ` `, `-`, `+`), made from the spans alone.

    Linear in the text, where a general diff would be quadratic. A line ends with its newline;
    a last line without one is shown like the others.
    """
    check_spans(spans, len(before))
    hunks: list[list[_Change]] = []
    for change in _changes(before, spans):
        between = before.count("\n", hunks[-1][-1].end, change.start) if hunks else 0
        if hunks and between <= 2 * context_lines:
            hunks[-1].append(change)
        else:
            hunks.append([change])
    lines: list[str] = []
    line = new_line = 1  # numbers of the line at `at`, before and after
    at = 0
    for hunk in hunks:
        start, end = hunk[0].start, hunk[-1].end
        skipped = before.count("\n", at, start)
        line, new_line = line + skipped, new_line + skipped
        lead = _lines(before[_back(before, start, context_lines) : start])
        tail = _lines(before[end : _ahead(before, end, context_lines)])
        body = [f" {x}" for x in lead]
        reached = start
        for change in hunk:
            body += [f" {x}" for x in _lines(before[reached : change.start])]
            body += [f"-{x}" for x in _lines(before[change.start : change.end])]
            body += [f"+{x}" for x in _lines(change.new)]
            reached = change.end
        body += [f" {x}" for x in tail]
        old = sum(x[0] in " -" for x in body)
        new = sum(x[0] in " +" for x in body)
        lines.append(f"@@ -{line - len(lead)},{old} +{new_line - len(lead)},{new} @@")
        lines += body
        line += before.count("\n", start, end)
        new_line += new - len(lead) - len(tail)
        at = end
    return lines


def _changes(before: str, spans: Sequence[Span]) -> list[_Change]:
    """The lines that spans touch, as few as make whole lines before and after."""
    found: list[_Change] = []
    pieces: list[str] = []  # of the lines being changed, up to `at`
    start = at = end = 0
    for span in [*spans, None]:
        first = before.rfind("\n", 0, span["start"]) + 1 if span else len(before) + 1
        if pieces and first >= end and (span is None or _ends_line([*pieces, before[at:end]])):
            new = "".join([*pieces, before[at:end]])
            if new != before[start:end]:
                found.append(_Change(start, end, new))
            pieces = []
        if span is None:
            break
        if not pieces:
            start = at = first
        pieces += [before[at : span["start"]], span["replacement"]]
        at = span["end"]
        if at > start and before[at - 1] == "\n" and _ends_line(pieces):
            end = at
        else:
            newline = before.find("\n", at)
            end = len(before) if newline < 0 else newline + 1
    return found


def _ends_line(pieces: Sequence[str]) -> bool:
    """Whether the text of the pieces is empty or ends with a newline."""
    return next((piece.endswith("\n") for piece in reversed(pieces) if piece), True)


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _back(text: str, at: int, lines: int) -> int:
    for _ in range(lines):
        if at == 0:
            break
        at = text.rfind("\n", 0, at - 1) + 1
    return at


def _ahead(text: str, at: int, lines: int) -> int:
    for _ in range(lines):
        newline = text.find("\n", at)
        if newline < 0:
            return len(text)
        at = newline + 1
    return at


def _shown(lines: list[str], mask: Callable[[list[str]], list[str]]) -> list[str]:
    """Blocks at one length, and what would be masked today masked."""
    blocks = re.compile(f"{BLOCK}+")
    bodies = mask([blocks.sub(SHOWN_BLOCK, line[1:]) for line in lines])
    return [
        line if line.startswith("@@") else line[0] + body.replace("\n", " ")
        for line, body in zip(lines, bodies, strict=True)
    ]


def render_diff(found: dict[str, Any]) -> list[str]:
    """Lines for a terminal."""
    lines = [f"document  {found['id']}", f"uri       {printable(found['uri'])}"]
    if found["verdict"]:
        lines.append(f"left by   {found['verdict']['step']} / {found['verdict']['rule']}")
    if not found["steps"]:
        lines += ["", "no step changed its text"]
    for step in found["steps"]:
        masked = f", {step['masked']:,} masked" if step["masked"] else ""
        edits = "1 edit" if step["edits"] == 1 else f"{step['edits']:,} edits"
        lines += ["", f"step {step['step']}: {edits}{masked}"]
        if not step["rebuilt"]:
            lines.append("  (the text before it can't be rebuilt: too much of it was masked)")
        lines += [printable(line) for line in step["lines"]]
    return lines
