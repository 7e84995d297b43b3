"""Progress on stderr: bars on a terminal, a line every few seconds elsewhere, JSON, or nothing."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_SECONDS = 5.0
WORDS = {
    "snapshot": "fetching",
    "collect": "reading",
    "fit": "preparing",
    "clean": "cleaning and measuring",
    "decide": "deciding",
    "split": "holding out",
    "tokenizer": "training the tokenizer",
    "tokens": "encoding",
    "mix": "mixing",
    "train": "training the model",
    "evaluate": "evaluating",
}


def listener(kind: str) -> Listener:
    """For `--progress auto|plain|json|none`."""
    if kind == "auto":
        kind = "bars" if sys.stderr.isatty() else "plain"
    return {"bars": Bars, "plain": Plain, "json": Json, "none": Listener}[kind]()


def describe(stage: str) -> str:
    head, _, tail = stage.partition(".")
    return f"{WORDS.get(head, head)} {tail}".strip()


class Listener:
    """Hears the runner's events; this one says nothing."""

    def __call__(self, event: dict[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


class Json(Listener):
    def __call__(self, event: dict[str, Any]) -> None:
        if event["event"] != "tick":
            print(json.dumps(event, ensure_ascii=False), file=sys.stderr, flush=True)


class _Counting(Listener):
    """Keeps what the displays need: the stage, its tasks done, its bytes, its fraction."""

    def __init__(self) -> None:
        self.label = ""
        self.began = time.monotonic()
        self.tasks = self.done = self.cached = 0
        self.note = ""
        self.fraction = 0.0
        self.running = False

    def __call__(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "stage":
            self.finish_stage()
            self.label = f"[{event['number']}/{event['of']}] {describe(event['stage'])}"
            self.began = time.monotonic()
            self.tasks = self.done = 0
            self.fraction, self.note = 0.0, ""
            self.running = True
        elif kind == "cached":
            self.cached += 1
        elif kind == "round":
            self.tasks, self.done = event["tasks"], event["cached"]
        elif kind == "done":
            self.done += 1
        elif kind == "warming":
            self.note = "compiling the kernels, once a machine" if event["compiles"] else ""
        elif kind == "warm":
            self.note = ""
        elif kind == "progress":
            self.fraction, self.note = event["fraction"], event["note"]
        elif kind == "end":
            self.finish_stage()
        elif kind in ("failed", "interrupted"):
            self.break_off(kind)

    def finish_stage(self) -> None:
        self.running = False

    def break_off(self, how: str) -> None:
        self.running = False

    @property
    def share(self) -> float:
        if self.fraction:
            return self.fraction
        return self.done / self.tasks if self.tasks else 0.0


class Plain(_Counting):
    """One line a finished stage, and one every few seconds inside a long one."""

    def __init__(self) -> None:
        super().__init__()
        self.last = time.monotonic()

    def __call__(self, event: dict[str, Any]) -> None:
        super().__call__(event)
        if event["event"] == "lost":
            self._say(f"{event['stage']}: a worker was lost ({event['message']}), trying again")
        if event["event"] == "warm" and event["compiles"]:
            self._say(f"compiled the kernels in {event['seconds']:.0f} s (once a machine)")
        if event["event"] == "nothing":
            self._say(f"nothing to do: {event['run']} is up to date")
        if self.running and time.monotonic() - self.last >= LINE_SECONDS:
            seconds = time.monotonic() - self.began
            self._say(f"{self.label}: {self.share:.0%} after {seconds:.0f} s {self.note}".rstrip())

    def finish_stage(self) -> None:
        if self.running:
            self._say(f"{self.label}: done in {time.monotonic() - self.began:.1f} s")
        super().finish_stage()

    def break_off(self, how: str) -> None:
        if self.running:
            self._say(f"{self.label}: {how} after {time.monotonic() - self.began:.1f} s")
        super().break_off(how)

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
        self.last = time.monotonic()


class Bars(_Counting):
    """A bar for the stage at work; finished stages stay above it as lines."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.table import Column

        # In a narrow terminal the note gives way, then the bar; the time and the share stay whole.
        console = Console(stderr=True)
        self.progress: Progress = Progress(
            TextColumn(
                "{task.description}", table_column=Column(overflow="ellipsis", no_wrap=True)
            ),
            BarColumn(bar_width=30 if console.width >= 100 else 12),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(min_width=4, no_wrap=True)),
            TimeElapsedColumn(table_column=Column(min_width=7, no_wrap=True)),
            TextColumn(
                "[dim]{task.fields[note]}",
                table_column=Column(overflow="ellipsis", ratio=1, no_wrap=True),
            ),
            expand=True,
            console=console,
            refresh_per_second=5,
        )
        self.task: TaskID | None = None
        self.progress.start()

    def __call__(self, event: dict[str, Any]) -> None:
        super().__call__(event)
        kind = event["event"]
        if kind == "stage":
            self.task = self.progress.add_task(self._escaped(self.label), total=1.0, note="")
        elif kind == "warm" and event["compiles"]:
            self._print(f"[dim]compiled the kernels in {event['seconds']:.0f} s (once a machine)")
        elif kind == "lost":
            self._print(f"[yellow]{event['stage']}: a worker was lost ({event['message']})")
        elif kind == "nothing":
            self._print(f"nothing to do: {event['run']} is up to date")
        if self.task is not None and self.running:
            self.progress.update(self.task, completed=self.share, note=self.note)

    def finish_stage(self) -> None:
        if self.running and self.task is not None:
            self.progress.remove_task(self.task)
            self.task = None
            seconds = time.monotonic() - self.began
            self._print(f"[green]✓[/] {self._escaped(self.label)} [dim]{seconds:.1f} s")
        super().finish_stage()

    def break_off(self, how: str) -> None:
        if self.running and self.task is not None:
            self.progress.remove_task(self.task)
            self.task = None
            self._print(f"[red]✗[/] {self._escaped(self.label)} [dim]{how}")
        super().break_off(how)

    def _print(self, text: str) -> None:
        self.progress.console.print(text, highlight=False)

    @staticmethod
    def _escaped(text: str) -> str:
        return text.replace("[", "\\[")

    def close(self) -> None:
        self.progress.stop()
