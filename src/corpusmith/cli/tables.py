"""Plain tables for a terminal or a pipe."""

from __future__ import annotations

import shutil
import sys

from rich.cells import cell_len


def terminal_width() -> int | None:
    """Cells of the terminal that standard output is; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def tell(label: str, text: str) -> None:
    """Print `text` behind `label`; in a terminal wrapped at words, under its own beginning."""
    width = terminal_width()
    indent = cell_len(label)
    if width is None or width - indent < 20 or cell_len(text) <= width - indent:
        print(label + text)
        return
    from rich.console import Console
    from rich.text import Text

    lines = Text(text).wrap(Console(), width - indent)
    for number, line in enumerate(lines):
        print((" " * indent if number else label) + line.plain.rstrip())


def print_table(
    head: list[str],
    rows: list[list[str]],
    *,
    numbers: tuple[int, ...] = (),
    give_way: tuple[int, ...] = (),
) -> None:
    """Print `table_lines`; in a narrow terminal without as many columns of `give_way` as needed."""
    width = terminal_width()
    shown = list(range(len(head)))
    for out in (None, *give_way):
        shown = [i for i in shown if i != out]
        lines = table_lines(
            [head[i] for i in shown],
            [[row[i] for i in shown] for row in rows],
            numbers=tuple(n for n, i in enumerate(shown) if i in numbers),
        )
        if width is None or max(cell_len(line) for line in lines) <= width:
            break
    print("\n".join(lines))


def table_lines(
    head: list[str], rows: list[list[str]], *, numbers: tuple[int, ...] = ()
) -> list[str]:
    """Columns as wide as their content; those in `numbers` are aligned right.

    Widths are those of a terminal: a Chinese character takes two cells.
    """
    table = [head, *rows]
    widths = [max(cell_len(row[i]) for row in table) for i in range(len(head))]
    lines = []
    for number, row in enumerate(table):
        cells = []
        for i, text in enumerate(row):
            fill = " " * (widths[i] - cell_len(text))
            cells.append(fill + text if i in numbers else text + fill)
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("─" * width for width in widths))
    return lines
