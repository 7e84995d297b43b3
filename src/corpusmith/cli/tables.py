"""Plain tables for a terminal or a pipe."""

from __future__ import annotations

from rich.cells import cell_len


def print_table(head: list[str], rows: list[list[str]], *, numbers: tuple[int, ...] = ()) -> None:
    """Print `table_lines`."""
    print("\n".join(table_lines(head, rows, numbers=numbers)))


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
