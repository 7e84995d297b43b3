"""Subtitles: SubRip (.srt), WebVTT (https://www.w3.org/TR/webvtt1/), SubStation Alpha (.ass, .ssa).

Cues are joined to sentences: a line ends where a cue ends one, where another person speaks, or
where nobody does for a while. Captions that roll (each cue repeats the last line) are unrolled.
"""

from __future__ import annotations

import dataclasses
import html as entities
import re
from collections.abc import Iterator

from corpusmith.collect.documents.content import Content
from corpusmith.collect.errors import RecordError

PAUSE_SECONDS = 3.0
_TIME = re.compile(
    r"\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-->\s*"
    r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})(?:\s.*)?"
)
_ASS_TIME = re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2})[.:](\d{1,3})")
_TAG = re.compile(
    r"<rt>[^<]{0,100}(?:</rt>)?|</?[a-zA-Z0-9][^<>]{0,200}>|\{\\[^{}]{0,500}\}|\{[a-zA-Z]:[^{}]{0,80}\}"
)
_VOICE = re.compile(r"<v(?:\.[^ \t>]*)?[ \t]+([^>]{1,100})>")
_ENDS = re.compile(r"[.!?…。！？:：♪][\"'”’»）)」』\]]*\Z|[\])♪]\Z")
_SPEAKER = re.compile(r"[-–—]\s?\S|[\[(♪]|>>|[A-Z][A-Z .']{1,30}:")
_WIDE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")
_LANG = re.compile(r"[._-]([a-z]{2,3})(?:-[A-Za-z]{2,4})?\.(?:srt|vtt|ass|ssa)\Z", re.IGNORECASE)


@dataclasses.dataclass
class Cue:
    start: float  # seconds
    end: float
    lines: list[str]
    speaker: str = ""


def parse(text: str, name: str, *, timecodes: bool = False) -> Content:
    """RecordError "bad_subtitles" where there is no cue in it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    title = ""
    if re.search(r"^\[(?:Script Info|Events)\]", text[:10_000], re.MULTILINE | re.IGNORECASE):
        cues = list(_ass(lines))
        found = re.search(r"^Title:[ \t]*(\S.{0,300})", text[:10_000], re.MULTILINE)
        title = found[1].strip() if found else ""
    else:
        cues = list(_timed(lines))
    if not cues:
        raise RecordError("bad_subtitles", f"no cue in {len(lines)} lines")
    lang = _LANG.search(name)
    header = re.search(r"^Language:[ \t]*(\S{2,12})", text[:500], re.MULTILINE)
    return Content(
        text=_joined(cues, timecodes),
        title=title if title.lower() != "default aegisub file" else "",
        lang=header[1] if header else (lang[1].lower() if lang else ""),
        meta={"cues": len(cues), "seconds": round(max(c.end for c in cues), 3)},
    )


def _timed(lines: list[str]) -> Iterator[Cue]:
    """SRT and VTT: a line of times, then text up to an empty line."""
    at = 0
    while at < len(lines):
        match = _TIME.fullmatch(lines[at]) if "-->" in lines[at] else None
        at += 1
        if match is None:
            continue
        begin = at
        while at < len(lines) and lines[at].strip():
            # An SRT without empty lines: the number of the next cue and its times.
            if "-->" in lines[at] and _TIME.fullmatch(lines[at]):
                break
            at += 1
        body = lines[begin:at]
        if at < len(lines) and "-->" in lines[at] and body and body[-1].strip().isdigit():
            body = body[:-1]
        yield _cue(_seconds(match.groups()[:4]), _seconds(match.groups()[4:]), body)


def _ass(lines: list[str]) -> Iterator[Cue]:
    """The Dialogue lines of the events, by the fields that their Format line names."""
    names = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv"]
    names += ["effect", "text"]
    events = False
    found: list[Cue] = []
    for line in lines:
        if line.startswith("["):
            events = line.strip().lower() == "[events]"
        elif events and line.startswith("Format:"):
            names = [n.strip().lower() for n in line[7:].split(",")]
        elif events and line.startswith("Dialogue:"):
            values = line[9:].split(",", len(names) - 1)
            fields = dict(zip(names, values, strict=False))
            start = _ASS_TIME.search(fields.get("start", ""))
            end = _ASS_TIME.search(fields.get("end", ""))
            text = fields.get("text", "")
            # Drawings are numbers, not words.
            if start is None or end is None or re.search(r"\{[^}]{0,200}\\p[1-9]", text[:1000]):
                continue
            body = re.split(r"\\[Nn]", text.replace("\\h", " "))
            cue = _cue(_seconds(start.groups()), _seconds(end.groups()), body)
            cue.speaker = fields.get("name", "").strip()
            found.append(cue)
    found.sort(key=lambda cue: cue.start)  # stable: the file's order among equals
    yield from found


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (p or "0" for p in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _cue(start: float, end: float, body: list[str]) -> Cue:
    voice = _VOICE.search(body[0]) if body else None
    lines = [" ".join(entities.unescape(_TAG.sub("", line)).split()) for line in body]
    speaker = voice[1].strip() if voice else ""
    return Cue(start, end, [line for line in lines if line], speaker)


def _joined(cues: list[Cue], timecodes: bool) -> str:
    out: list[str] = []
    open_line = ""
    before: Cue | None = None
    speaker = ""
    for cue in cues:
        lines = cue.lines
        rolls = before is not None and cue.start - before.end < 0.1
        if before is not None and rolls and len(lines) + len(before.lines) > 2:
            # Rolling captions: without what the last cue showed already.
            for size in range(min(len(lines), len(before.lines)), 0, -1):
                if before.lines[-size:] == lines[:size]:
                    lines = lines[size:]
                    break
        if not lines:
            before = cue if cue.lines else before
            continue
        pause = before is not None and cue.start - before.end > PAUSE_SECONDS
        for number, line in enumerate(lines):
            new = not open_line or _ENDS.search(open_line[-8:]) or _SPEAKER.match(line)
            if new or (number == 0 and (pause or cue.speaker != speaker)):
                if open_line:
                    out.append(open_line)
                mark = f"[{_clock(cue.start)}] " if timecodes else ""
                named = f"{cue.speaker}: " if cue.speaker and cue.speaker != speaker else ""
                open_line = mark + named + line
                speaker = cue.speaker
            elif _WIDE.match(open_line[-1]) or _WIDE.match(line):
                open_line += line
            else:
                open_line += " " + line
        before = cue
    if open_line:
        out.append(open_line)
    return "\n".join(out)


def _clock(seconds: float) -> str:
    millis = round(seconds * 1000)
    minutes, rest = divmod(millis, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
