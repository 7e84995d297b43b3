"""`read: commoncrawl` through the command: SIGKILL inside a download, and the next run."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import corpusmith as cs
from tests.crawl_server import CRAWL, Page, build, pages, serving
from tests.e2e.test_failed_runs import cli

RECIPE = """corpusmith: 1
corpus: c
sources:
  texts: {{read: commoncrawl, crawl: {crawl}, kind: wet, files: 1, server: "{server}"}}
  zh: {{read: commoncrawl, crawl: {crawl}, server: "{server}", index: {{language: zh}}}}
clean: [normalize]
"""


def long_pages() -> list[Page]:
    random_ = random.Random(1)
    found = []
    for page in pages(60):
        if page.language == "eng":
            words = (f"{random_.getrandbits(40):x}" for _ in range(1500))
            page = page._replace(text=" ".join(words))
        found.append(page)
    return found


def test_a_killed_download_goes_on_at_its_byte(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    made = long_pages()
    build(tmp_path / "www", made, files=1)
    with serving(tmp_path / "www") as server:
        text = RECIPE.format(crawl=CRAWL, server=server.url)
        (tmp_path / "r.yaml").write_text(text)
        command = ["run", str(tmp_path / "r.yaml"), "--workdir", str(tmp_path / "w")]
        server.seconds_per_block = 0.1
        process = subprocess.Popen(
            [sys.executable, "-m", "corpusmith", *command], stderr=subprocess.DEVNULL
        )
        whole = next((tmp_path / "www").rglob("*.wet.gz")).stat().st_size
        deadline = time.monotonic() + 120
        part: list[Path] = []
        while not part or part[0].stat().st_size < 100_000:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
            part = list((tmp_path / "w" / "store").glob("snapshot.texts-*/state/*.wet.gz.part"))
        process.send_signal(signal.SIGKILL)
        process.wait()
        size = -1
        while size != part[0].stat().st_size:  # until the process that downloads has ended as well
            size = part[0].stat().st_size
            time.sleep(0.5)
        assert 100_000 <= size < whole
        server.seconds_per_block = 0.0
        code, _, err = cli(capfd, *command)
        assert code == 0, err
        assert server.asked("wet/CC-MAIN") == ["", f"bytes={size}-"]
    run = cs.open(tmp_path / "w")
    rows = run.documents().read_all().to_pylist()
    texts = {
        json.loads(row["meta"])["url"]: row["text"] for row in rows if row["source"] == "texts"
    }
    assert texts == {page.url: page.text.strip() for page in made}
    chinese = [row for row in rows if row["source"] == "zh"]
    assert len(chinese) == sum(
        p.language.startswith("zho") and p.status == 200 and p.mime == "text/html" for p in made
    )
    assert all("页的正文" in row["text"] for row in chinese)
    assert cli(capfd, "verify", tmp_path / "w")[0] == 0
