"""Figures as text, ticks, bins, histograms and charts."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from corpusmith.report import charts, tables
from corpusmith.report.html import visible
from corpusmith.report.quality import BINS, Histogram, Quality, Threshold, bins
from corpusmith.report.scan import scan
from tests.builders import build


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (1000, "1k"), (1234, "1.23k"), (33_379, "33.4k"),
     (999_700, "1M"), (1_500_000, "1.5M"), (2e9, "2G")],
)  # fmt: skip
def test_short_count(value: float, text: str) -> None:
    assert tables.short_count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.65, "0.65"), (0.0312, "0.0312"), (1.254, "1.25"), (17.44, "17.4"), (350.4, "350"),
     (100_000.0, "100000"), (0, "0"), (math.nan, "–"), (-2.5, "-2.5"), (1e-7, "1.00e-07")],
)  # fmt: skip
def test_figure(value: float, text: str) -> None:
    assert tables.figure(value) == text


def test_other_figures() -> None:
    assert tables.count(None) == "–"
    assert tables.count(12_345.4, estimated=True) == "≈ 12,345"
    assert tables.count(0, estimated=True) == "0"
    assert tables.fraction(1, 3) == "33.3 %"
    assert tables.fraction(1, 100_000) == "<0.1 %"
    assert tables.fraction(0, 0) == "–"
    assert tables.size(1_250_000) == "1.25 MB"
    assert tables.size(54) == "54 B"
    assert tables.duration(145) == "2 min 25 s"
    assert tables.duration(3 * 3600 + 301) == "3 h 5 min"
    assert tables.duration(1.254) == "1.25 s"
    assert tables.printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"


def test_visible() -> None:
    assert visible("a\u202eb\x00c\ud800") == "a\ufffdb\ufffdc\ufffd"
    assert visible("नमस्ते می‌خواهم 中文 👩‍👩‍👧\tx\ny") == "नमस्ते می‌خواهم 中文 👩‍👩‍👧\tx\ny"


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 9.3, [0, 2, 4, 6, 8, 10]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (5, 5, [5, 6, 7, 8, 9, 10]),
    ],
)
def test_ticks(low: float, high: float, wanted: list[float]) -> None:
    assert charts.ticks(low, high) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("signal", "low", "high", "bounds"),
    [("dup_lines_frac", 0.0, 0.93, (None, 0.3)), ("words", 0, 250_000, (50, 100_000)),
     ("word_mean_chars", 1.5, 9.0, (3, 10)), ("hash_per_word", 0.0, 0.0, (None, 0.1)),
     ("words", 3, 3, (50, None)), ("x_chars", -5, 20, (0, None))],
)  # fmt: skip
def test_bins_cover_values_and_near_bounds(
    signal: str, low: float, high: float, bounds: tuple[float | None, float | None]
) -> None:
    edges, log = bins(signal, low, high, [Threshold("", *bounds)])
    assert len(edges) == BINS + 1 and (np.diff(edges) > 0).all()
    assert edges[-1] >= high and (edges[0] <= low or log)
    assert log == (signal == "words" and high > 50)
    for bound in bounds:
        if bound is not None and low <= bound <= high:
            assert edges[0] <= bound <= edges[-1]


def histogram(edges: np.ndarray, *, log: bool = False) -> Histogram:
    size = len(edges) - 1
    return Histogram("keep", "<rule>", "words", edges, log, [Threshold("", 2.0, None)],
                     np.zeros(size, np.int64), np.zeros(size, np.int64))  # fmt: skip


def test_histogram_counts() -> None:
    """Against numpy, whose last bin is closed as well."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 10, 500)
    missing, on, kept = (rng.random(500) < p for p in (0.1, 0.8, 0.5))
    shown = histogram(np.linspace(0, 10, 21))
    shown.add(values[:200], missing[:200], on[:200], kept[:200])
    shown.add(values[200:], missing[200:], on[200:], kept[200:])
    assert shown.all.tolist() == np.histogram(values[on & ~missing], shown.edges)[0].tolist()
    kept_values = values[on & kept & ~missing]
    assert shown.kept.tolist() == np.histogram(kept_values, shown.edges)[0].tolist()
    assert shown.documents == on.sum() and shown.missing == (on & missing).sum()


def test_histogram_on_a_log_scale_keeps_zeros_apart() -> None:
    shown = histogram(np.geomspace(1, 1000, 4), log=True)
    values = np.array([0, 0, 1, 9, 10, 1000.0])
    everyone, nobody = np.ones(6, bool), np.zeros(6, bool)
    shown.add(values, nobody, everyone, np.array([True] + [False] * 5))
    assert shown.all.tolist() == [2, 1, 1] and shown.zeros == [2, 1]


@pytest.mark.parametrize("log", [False, True])
def test_charts_are_well_formed_and_escaped(log: bool) -> None:
    shown = histogram(np.geomspace(1, 1000, 11) if log else np.linspace(0, 10, 11), log=log)
    shown.add(np.arange(6.0), np.zeros(6, bool), np.ones(6, bool), np.ones(6, bool))
    line = charts.line_chart([("a", "line-a", [(0, 3.0), (1, math.nan), (2, 1.0)])],
                             x_label="<x>", y_label="y", title="<t>")  # fmt: skip
    flow = charts.flow_segment([3, 2], [2, 2], 5, "dropped", "<step>")
    for svg in (charts.histogram(shown, ["zh"]), line, flow):
        root = ElementTree.fromstring(svg)
        assert root.get("role") == "img" and root.get("aria-label")
        assert "nan" not in svg and "<step>" not in svg and "<x>" not in svg
    assert charts.line_chart([], x_label="", y_label="", title="") == ""


def test_flow_is_as_wide_as_its_documents() -> None:
    """Half of everything is 500 of 1,000 units wide; what left begins where the rest ends."""
    svg = charts.flow_segment([50], [25], 100, "dropped", "step")
    band = ElementTree.fromstring(svg)[2]
    assert band.get("d", "").startswith("M0.00 0H500.00V")
    assert "250.00 44" in band.get("d", "")
    assert 'class="left' not in charts.flow_segment([50], [50], 100, "dropped", "step")


def test_quality_of_a_run(tmp_path: Path) -> None:
    run = build(tmp_path)
    quality = Quality(run)
    for part in scan(run, quality.columns()):
        quality.add(part)
    words = quality.histograms["keep", "words"]
    assert (words.documents, words.fails, words.missing) == (10, 2, 1)
    assert (words.all.sum(), words.kept.sum()) == (9, 6)
    means = quality.histograms["keep", "word_mean_chars"]
    assert [(t.key, t.min, t.max) for t in means.thresholds] == [("", 2.0, 20.0), ("zh", 1.0, 5.0)]
    languages = quality.breakdowns["lang"]
    assert languages["en"]["documents"] == 6 and languages["en"]["kept"] == 3
    assert languages["zh"]["tokens"] == 15 and languages["unknown"]["tokens"] == 18
    assert {key: len(found) for key, found in quality.examples().items()} == {
        ("keep", "words"): 2,
        ("cut", "empty_text"): 1,
        ("exact", "exact_duplicate"): 1,
    }
