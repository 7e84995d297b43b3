"""report.html: what it says equals summary.json, as a browser shows it with no script to run."""

from __future__ import annotations

import html.parser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from corpusmith.report.html import render, write_report
from corpusmith.report.run import Run
from tests.builders import build
from tests.tiny_corpus import MAIL

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)


class Page(html.parser.HTMLParser):
    """Tags, text, and the figures: data-figure -> (value, text shown)."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.figures: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self._open: tuple[str, str] | None = None
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if "data-figure" in found:
            self._open = (found["data-figure"] or "", found["value"] or "")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] != "style":
            self.text.append(data)
        if self._open is not None:
            self.figures.append((*self._open, data.strip()))
            self._open = None


def stated(summary: dict[str, Any], path: str) -> float:
    """The figure of summary.json that a data-figure names."""
    if path.startswith("by_step."):
        _, step, rule = path.split(".", 2)
        [row] = [r for r in summary["by_step"] if (r["step"], r["rule"]) == (step, rule)]
        return row["dropped"]
    value: Any = summary
    for name in path.split("."):
        value = value[name]
    return value


def check_figures(page: Page, summary: dict[str, Any]) -> None:
    assert len(page.figures) > 30
    for path, value, shown in page.figures:
        wanted = stated(summary, path)
        assert float(value) == pytest.approx(wanted, abs=1e-12), path
        plain = float(shown.replace(",", ""))
        assert plain == (round(wanted, 3) if isinstance(wanted, float) else wanted), path
    named = {path for path, _, _ in page.figures}
    for name in ("read", "created", "kept", "dropped", "merged", "quarantined", "held_out"):
        assert f"documents.{name}" in named
        for source in summary["by_source"]:
            assert f"by_source.{source}.{name}" in named
    for row in summary["by_step"]:
        if row["dropped"]:
            assert f"by_step.{row['step']}.{row['rule']}" in named
    assert {"tokens.total", "tokens.mix.drawn_tokens", "model.bits_per_byte"} <= named


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return build(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(run: Run) -> Page:
    return Page(write_report(run).read_text("utf-8"))


def test_every_figure_equals_the_summary(run: Run, page: Page) -> None:
    check_figures(page, run.summary)


def test_self_contained_and_without_a_script(page: Page) -> None:
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "iframe", "object", "embed", "link", "img", "form", "base"}
    for tag, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")], tag
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            assert (attrs.get(name) or "#").startswith("#"), (tag, attrs)
    policy = [a for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in (policy[0]["content"] or "")


def test_styles_fetch_nothing(run: Run) -> None:
    content = render(run)
    assert not re.search(r"url\(|@import|https?://", content)


def test_anchors_and_labels_lead_somewhere(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.tags:
        if (href := attrs.get("href")) is not None:
            assert href[1:] in ids
        for name in (attrs.get("aria-labelledby") or "").split():
            assert name in ids
    headers = [attrs for tag, attrs in page.tags if tag == "th"]
    assert headers and all("scope" in attrs for attrs in headers)
    pictures = [a for tag, a in page.tags if tag == "svg" and a.get("aria-hidden") != "true"]
    assert pictures and all(a.get("role") == "img" and a.get("aria-label") for a in pictures)


def test_what_documents_say_is_text(run: Run) -> None:
    """Warnings, messages, samples and examples hold markup; none of it becomes any."""
    content = render(run)
    for markup in ("<b>half</b>", "<i>no</i>", "<img", "onerror=alert(1)>", "<b>rest</b>"):
        assert markup not in content, markup
    assert "&lt;b&gt;half&lt;/b&gt;" in content and "&lt;img src=x" in content
    assert "\u202e" not in content
    assert MAIL not in content and "carl@example.net" not in content


def test_sections(run: Run, page: Page) -> None:
    text = "".join(page.text)
    assert text.index("1 warning") < text.index("Funnel")  # loud, and at the top
    for words in ("bad_encoding", "byte 7 is no UTF-8", "zlib", "bigram", "held-out loss",
                  "CC-BY-4.0", "zh 1..5", run.summary["fingerprint"], "corpusmith whatif",
                  "keep.words.min=1.5",
                  "The first page says a few words about trees."):  # fmt: skip
        assert words in text, words


def test_a_run_without_tokens_or_rules(tmp_path: Path) -> None:
    run = build(tmp_path)
    keep = ("collect", "clean", "decide")
    run.lock["stages"] = [s for s in run.lock["stages"] if s["name"].split(".")[0] in keep]
    run.summary["model"] = {}
    run.summary["tokens"] = {"total": 0, "by_source": {}, "mix": {}}
    run.summary["warnings"] = []
    run.summary["by_step"] = [r for r in run.summary["by_step"] if r["as"] != "held_out"]
    text = "".join(Page(render(run)).text)
    assert "Tokens" not in text and "warning" not in text.split("Funnel")[0]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here; .ci/run installs it")
def test_in_chromium(run: Run, tmp_path: Path) -> None:
    """The same figures in the DOM that a browser builds. The page has nothing to execute."""
    path = write_report(run)
    done = subprocess.run(
        [BROWSER or "", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         f"--user-data-dir={tmp_path}", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    page = Page(done.stdout)
    check_figures(page, run.summary)
    assert page.figures == Page(path.read_text("utf-8")).figures
    assert "script" not in {tag for tag, _ in page.tags}
