"""Comparisons with peers, small: the harness against peers that the main environment has, and our
side of every pair. What a peer's own environment needs is tried by `make bench` alone."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import duel, texts
from benchmarks.common import ROOT
from benchmarks.page import page
from benchmarks.pairs import PAIRS, apart, language_model, measure
from benchmarks.peers import ours
from benchmarks.peers.side import digest
from corpusmith.tokenize.vocab import train_bpe

PINNED = ("datatrove==0.10.1", "py-data-juicer==1.6.1", "tokenizers==", "tiktoken==", "rensa==")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("pair")
    path, _ = texts.small(folder / "texts.jsonl", megabytes=0.2)
    train_bpe([row["text"] for row in texts.read(path)], 300).save(folder / "tokenizer")
    tokenizer = str(folder / "tokenizer" / "tokenizer.json")
    pages = [folder / f"{number}.html" for number in range(3)]
    for page_path in pages:
        page_path.write_text("<html><body><p>One paragraph of a page.</p></body></html>")
    (folder / "pages.txt").write_text("".join(f"{one}\n" for one in pages))
    return {"texts": path, "pages": folder / "pages.txt", "tokenizer": tokenizer}


@pytest.mark.parametrize("name", ["tokenizers-32k", "trafilatura"])
def test_a_pair_whose_peer_is_here(name: str, capfd: pytest.CaptureFixture) -> None:
    found = measure(name, small=True)
    assert json.loads(capfd.readouterr().out.splitlines()[-1]) == found
    for side in ("", "peer_"):
        assert found[f"{side}seconds"] > 0 and found[f"{side}mb_per_s"] > 0
        assert found[f"{side}start_seconds"] > 0
    ratio = found["ratio"]
    assert ratio["min"] <= ratio["median"] <= ratio["max"]
    assert ratio["median"] == pytest.approx(found["peer_seconds"] / found["seconds"], rel=1e-2)
    assert list(found["peer_versions"]) == [PAIRS[name].other.job]
    if sys.platform == "linux":
        assert found["peak_mb"] > 10 and found["peer_peak_mb"] > 10
    if PAIRS[name].vocab:
        assert found["info"]["ids_sha256"] == found["peer_info"]["ids_sha256"]
        assert found["info"]["tokens"] == found["peer_info"]["tokens"] > found["documents"]
    assert "claims" not in found  # figures of a small form mean nothing
    machine = {"date": "2026-01-01", "cpu": "A", "cores": 2, "python": "3.11", "versions": {}}
    row = f"| {found['mb_per_s']:g} / {found['peer_mb_per_s']:g} | **{ratio['median']:g}**"
    assert row in page({name: {**found, **machine}})


def test_token_ids_that_differ_are_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import pairs

    # The same ids in another order: neither their number nor their sum tells these apart.
    one, other = (digest(np.array(ids, "<u2")) for ids in ([1, 2, 300], [2, 1, 300]))
    sides = {"tokens": 3, "ids_sha256": one}, {"tokens": 3, "ids_sha256": other}
    found = {"info": sides[0], "peer_info": sides[1]}
    monkeypatch.setattr(pairs, "duel", lambda *_, **__: found)
    with pytest.raises(AssertionError, match=f"ids_sha256: {one} of ours, {other}"):
        measure("tokenizers-32k", small=True)


@pytest.mark.parametrize("name", ours.JOBS)
def test_our_side_of_every_pair(name: str, small: dict[str, Any]) -> None:
    path = small["pages"] if name == "extraction" else small["texts"]
    options = {"tokenizer": small["tokenizer"], "vocab": 300, "language": language_model()}
    job = ours.JOBS[name](path, options)
    count = min(job.load(), 30)
    job.prepare(count)
    found = job.run(count, time.perf_counter() + 60)
    assert found["documents"] == count
    if isinstance(job, ours.Run):
        assert 0 < found["kept"] <= count and found["startup_seconds"] > 0
        assert (found["written_tokens"] > 0) is (name == "cleaning")
    if name == "encoding":
        assert job.figures(count)["tokens"] > count
    if isinstance(job, ours.Signals | ours.SignalsDatatrove):
        assert 0 < found["kept"] < count  # decisions are part of the work


def test_what_both_sides_keep_is_compared_as_shares_of_the_peers() -> None:
    ours_kept = {"passed_filters": 99, "kept": 90, "written_tokens": 1010}
    theirs = {"passed_filters": 100, "kept": 90, "written_tokens": 1000}
    shares = {"passed_filters": 0.01, "kept": 0.0, "written_tokens": 0.01}
    assert apart(ours_kept, theirs) == shares
    with pytest.raises(KeyError, match="kept"):
        apart({"passed_filters": 1}, theirs)


def test_every_pair_names_jobs_that_are_there() -> None:
    for pair in PAIRS.values():
        for one in (pair.ours, pair.other):
            # Its own environment has no corpusmith, ours has no peer: neither may be imported.
            module = importlib.import_module(f"benchmarks.peers.{one.module}")
            assert one.job in module.JOBS
            assert not one.group or (ROOT / "benchmarks" / "peers" / f"{one.group}.txt").exists()
    used = {one.job for pair in PAIRS.values() for one in (pair.ours,)}
    assert used == set(ours.JOBS)


def test_environments_are_pinned_whole() -> None:
    lines = []
    for path in sorted((ROOT / "benchmarks" / "peers").glob("*.txt")):
        own = [line for line in path.read_text().splitlines() if line and line[0] not in "#-"]
        assert own and all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in own), path
        lines += own
    for pin in PINNED:
        assert any(line.startswith(pin) for line in lines), pin


def test_a_peer_that_is_not_installed_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(duel, "PEERS", tmp_path)
    with pytest.raises(FileNotFoundError, match="make peers"):
        PAIRS["rensa-minhash"].other.python()


def test_documents_that_fit() -> None:
    assert duel.fitting([10, 10, 10], 25) == 2
    assert duel.fitting([10, 10, 10], 30) == 3
    assert duel.fitting([10, 10], 5) == 1  # one at least


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_counts_children_and_not_the_parent() -> None:
    code = "b = bytearray(100 << 20); print(1, flush=True); input()"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    held = bytearray(300 << 20)  # of this process, which the child was forked from
    child = subprocess.Popen(
        [sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None and child.stdout is not None
    child.stdout.readline()
    found = duel.tree_peak_bytes(child.pid)
    child.communicate(b"\n")
    assert 100 << 20 < found < 150 << 20 < len(held)


def test_roff_leaves_text(tmp_path: Path) -> None:
    import gzip

    page_path = tmp_path / "a.1.gz"
    raw = (
        '.\\" a comment\n.de Vb\n.ft CW\n..\n.TH LS 1\n.SH 名前\nls \\- \\fBlist\\fR files\n'
        ".if n \\{\\\n.\\}\n.PP\n.B ls\nruns\n"
    )
    page_path.write_bytes(gzip.compress(raw.encode()))
    assert texts._manual(page_path) == "LS 1\n名前\nls - list files\n\nls\nruns\n"
