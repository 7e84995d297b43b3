"""Inline SVG, drawn from numbers: no script, no network, colours from the page's CSS classes.

Each chart is a `Markup` with role="img", a title and a description for those who can't see it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from corpusmith.report.quality import Histogram
from corpusmith.report.tables import figure, short_count

FLOW_WIDTH, FLOW_HEIGHT = 1000.0, 44.0
CURVE_FROM = 0.3  # of a segment's height: above it the flow runs straight


def _svg(body: str, width: float, height: float, kind: str, title: str, *, stretch: bool) -> Markup:
    aspect = ' preserveAspectRatio="none"' if stretch else ""
    return Markup(
        f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}"{aspect} role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{body}</svg>'
    )


def flow_segment(
    before: Sequence[float], after: Sequence[float], whole: float, left_as: str, title: str
) -> Markup:
    """One step of the funnel: bands (one a source) that enter above and go on below.

    Stacked under each other, segments of the same `whole` (the width of everything) make one
    flow. What left is the area in the class `left_as`.
    """
    scale = FLOW_WIDTH / whole if whole else 0.0
    tops = np.concatenate([[0.0], np.cumsum(before)]) * scale
    ends = np.concatenate([[0.0], np.cumsum(after)]) * scale
    start = FLOW_HEIGHT * CURVE_FROM
    middle = (start + FLOW_HEIGHT) / 2
    parts = []
    if tops[-1] > ends[-1]:
        right, end = tops[-1], ends[-1]
        parts.append(
            f'<path class="left {left_as}" d="M{right:.2f} {start:.2f}C{right:.2f} {middle:.2f} '
            f'{end:.2f} {middle:.2f} {end:.2f} {FLOW_HEIGHT}H{right:.2f}Z"/>'
        )
    for number in range(len(before)):
        left, right = tops[number], tops[number + 1]
        left_end, end = ends[number], ends[number + 1]
        parts.append(
            f'<path class="s{number % 8}" d="M{left:.2f} 0H{right:.2f}V{start:.2f}'
            f"C{right:.2f} {middle:.2f} {end:.2f} {middle:.2f} {end:.2f} {FLOW_HEIGHT}"
            f"H{left_end:.2f}C{left_end:.2f} {middle:.2f} {left:.2f} {middle:.2f} "
            f'{left:.2f} {start:.2f}Z"/>'
        )
    return _svg("".join(parts), FLOW_WIDTH, FLOW_HEIGHT, "flow", title, stretch=True)


# --- histograms --------------------------------------------------------------------------

HIST = (300.0, 156.0)
PLOT = (8.0, 32.0, 292.0, 134.0)  # left, top, right, bottom


def histogram(shown: Histogram, keys: Sequence[str] = ()) -> Markup:
    """Documents by value, kept ones over all, on a logarithmic scale of counts, with bounds.

    The range that the rule lets through has no shade. `keys` are the languages (or other values)
    whose own bounds are drawn beside the default.
    """
    left, top, right, bottom = PLOT
    most = max(int(shown.all.max()), shown.zeros[0], 1)
    room = 14.0 if shown.log and shown.zeros[0] else 0.0  # for what lies below a log scale
    first = left + room
    bars = len(shown.all)
    step = (right - first) / bars
    body = []
    default = [t for t in shown.thresholds if not t.key]
    lines = [*default, *(t for t in shown.thresholds if t.key in keys)]
    for bound in default or lines[:1]:
        for value, low in ((bound.min, True), (bound.max, False)):
            if value is None:
                continue
            x = _place(shown, value, first, right)
            begin, end = (left, x) if low else (x, right)
            if end > begin:
                body.append(
                    f'<rect class="outside" x="{begin:.1f}" y="{top}" width="{end - begin:.1f}" '
                    f'height="{bottom - top}"/>'
                )
    columns = [(first + i * step, shown.all[i], shown.kept[i]) for i in range(bars)]
    if room:
        columns.insert(0, (left, shown.zeros[0], shown.zeros[1]))
    for x, everything, kept in columns:
        width = max(0.5, (step if x >= first else room - 4) - 0.7)
        for name, count in (("all", everything), ("kept", kept)):
            if count:
                tall = max(1.0, (bottom - top) * math.log1p(count) / math.log1p(most))
                body.append(
                    f'<rect class="{name}" x="{x:.1f}" y="{bottom - tall:.1f}" '
                    f'width="{width:.1f}" height="{tall:.1f}"/>'
                )
    for bound in lines:
        for value in (bound.min, bound.max):
            if value is not None:
                body.append(_bound(shown, bound.key, value, first, right))
    body.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    ends = (shown.edges[0], shown.edges[-1])
    body.append(f'<text x="{first}" y="{bottom + 14}">{escape(_tick(ends[0]))}</text>')
    if room:
        body[-1] = (
            f'<text x="{left}" y="{bottom + 14}">0</text>'
            f'<text x="{first + 8}" y="{bottom + 14}">{escape(_tick(ends[0]))}</text>'
        )
    body.append(
        f'<text x="{right}" y="{bottom + 14}" text-anchor="end">{escape(_tick(ends[1]))}</text>'
    )
    middle = math.sqrt(ends[0] * ends[1]) if shown.log else (ends[0] + ends[1]) / 2
    body.append(
        f'<text x="{(first + right) / 2}" y="{bottom + 14}" text-anchor="middle">'
        f"{escape(_tick(middle))}</text>"
    )
    title = (
        f"{shown.signal} of {shown.documents:,} documents, from {_tick(ends[0])} to "
        f"{_tick(ends[1])}; {shown.fails:,} fail the rule {shown.rule}"
    )
    return _svg("".join(body), *HIST, "histogram", title, stretch=False)


def _bound(shown: Histogram, key: str, value: float, first: float, right: float) -> str:
    """A bound's line and label; one that lies beyond the scale is an arrow at its end."""
    _, top, _, bottom = PLOT
    x = _place(shown, value, first, right)
    label = f"{key} {figure(value)}" if key else figure(value)
    y = top - 3 if key else top - 15
    if value > shown.edges[-1]:
        return _label(f"{label} →", right, y, "end")
    if value < shown.edges[0] and not shown.log:
        return _label(f"← {label}", first, y, "start")
    anchor = "start" if x < first + 40 else "end" if x > right - 40 else "middle"
    kind = "bound own" if key else "bound"
    line = f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 3}" y2="{bottom}"/>'
    return line + _label(label, x, y, anchor)


def _label(text: str, x: float, y: float, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y}" text-anchor="{anchor}"'
    return f'<text class="bound-label" {place}>{escape(text)}</text>'


def _place(shown: Histogram, value: float, first: float, right: float) -> float:
    """The x of a value; what lies beyond the scale is at its end."""
    low, high = float(shown.edges[0]), float(shown.edges[-1])
    if shown.log:
        if value <= 0:
            return first
        share = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    else:
        share = (value - low) / (high - low)
    return first + (right - first) * min(1.0, max(0.0, share))


def _tick(value: float) -> str:
    return short_count(value) if abs(value) >= 1000 else figure(value)


# --- lines -------------------------------------------------------------------------------

LINES = (640.0, 280.0)


def line_chart(
    series: Sequence[tuple[str, str, Sequence[tuple[float, float]]]],
    *,
    x_label: str,
    y_label: str,
    title: str,
) -> Markup:
    """Lines of (name, css class, [(x, y), ...]) over one pair of axes with round ticks."""
    width, height = LINES
    left, right, top, bottom = 52.0, width - 14.0, 16.0, height - 40.0
    points = [p for _, _, line in series for p in line if all(map(math.isfinite, p))]
    if not points:
        return Markup("")
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    x_ticks, y_ticks = ticks(0.0, max(xs)), ticks(min(ys), max(ys))
    x_high = max(max(xs), 1e-12)
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def x_of(value: float) -> float:
        return left + (right - left) * value / x_high

    def y_of(value: float) -> float:
        return bottom - (bottom - top) * (value - y_low) / ((y_high - y_low) or 1.0)

    body = []
    for value in y_ticks:
        y = y_of(value)
        body.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        body.append(
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(figure(value))}</text>'
        )
    for value in x_ticks:
        if value <= x_high:
            body.append(
                f'<text x="{x_of(value):.1f}" y="{bottom + 18:.1f}" text-anchor="middle">'
                f"{escape(short_count(value))}</text>"
            )
    body.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    body.append(
        f'<text class="label" x="{(left + right) / 2}" y="{height - 4}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
    )
    body.append(
        f'<text class="label" x="14" y="{(top + bottom) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {(top + bottom) / 2})">{escape(y_label)}</text>'
    )
    for _, kind, line in series:
        good = [(x, y) for x, y in line if math.isfinite(x) and math.isfinite(y)]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in good)
        if len(good) == 1:
            x, y = x_of(good[0][0]), y_of(good[0][1])
            body.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
        elif good:
            body.append(f'<polyline class="{kind}" points="{path}"/>')
    return _svg("".join(body), width, height, "lines", title, stretch=False)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from at most `low` to at least `high`.

    >>> ticks(0, 9.3)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    if high <= low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1.0, 2.0, 5.0, 10.0) if f * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]
