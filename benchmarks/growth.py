"""Does time grow with the corpus, and memory not? One recipe over 0.25, 1 and 4 GB of text.

    python -m benchmarks growth               all of it, with its line in RESULTS.md
    python -m benchmarks.growth [--sizes 0.25,1,4] [--documents 250000,1000000]
                                [--substring 0.1,0.2] [--folder DIR] [--small]

Documents and the duplicates planted among them: planted.py. The recipe is the whole data path: JSON
Lines, normalize, language, all signals, a rule set, exact and near duplicates, personal data
masked, tokens. Then short documents through near-dedup alone, and less text through substring dedup
alone.

Every size runs in processes of its own, with as many workers as there are cores; what it has more
than the size before is written just before. Seconds are those of the run without the start of its
workers; peak memory is the largest sum of VmHWM (proc(5)) over processes alive together. By stage:
`seconds` by the clock, `core_seconds` of its tasks together, the largest worker, MB written, and of
these MB shuffled: what one round of a stage writes for the next. Growth is told by the cost of what
a size has more than the next smaller one: seconds per GB of it, over those of the step before.
`operations`: MB/s of each operation of the pass by itself, one core.

What is measured is kept until all is, so that a run that was stopped goes on with the next size;
changed code starts again. The folder needs about 5 times the largest size.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import data, texts
from benchmarks.common import ROOT, claim, command, environment, events, recipe, report
from benchmarks.duel import tree_peak_bytes
from benchmarks.pairs import vocabulary
from benchmarks.planted import Corpus, Maker, found_copies, paragraphs
from corpusmith.engine.local import available_cores
from corpusmith.report.run import Run

GIGABYTES = (0.25, 1.0, 4.0)
DOCUMENTS = (250_000, 1_000_000)
SUBSTRING = (0.1, 0.2)
THRESHOLD = 0.75
NEAR = f"dedup: {{near: {{threshold: {THRESHOLD}}}}}"
STEPS = (
    *("normalize", "language", "measure: [quality, repetition, code]"),
    "keep: {name: prose, where: {words: 50.., alpha_words_dclm_frac: 0.5..}}",
    *("dedup: exact", NEAR, "pii: mask"),
)
OPERATIONS = (
    *("normalize", "language", "quality", "repetition", "code", "c4_lines"),
    *("exact_hash", "minhash", "pii"),
)
SAMPLE_BYTES = 20_000_000  # of documents for `operations`
KEPT_ROUNDS = ("main", "docs")  # what other rounds write is read by the next and then removed
Result = dict[str, Any]


def main(
    sizes: tuple[float, ...] = GIGABYTES,
    documents: tuple[int, ...] = DOCUMENTS,
    substring: tuple[float, ...] = SUBSTRING,
    small: bool = False,
    folder: Path | None = None,
) -> Result:
    """Measure and print; returns the last line."""
    if small:
        sizes, documents, substring = (0.002,), (1_000,), ()
    megabytes = 2 if small else 100
    tokenizer = Path(vocabulary(300 if small else 32_000, texts.corpus(megabytes)[0])).parent
    maker = Maker(paragraphs(megabytes))
    kept = Kept(None if small else data.cache() / "growth")
    whole = recipe(*STEPS, tokenize=f'{{load: "{tokenizer}"}}')
    alone = recipe("dedup: substring")
    in_gb = [{"size": size * 1e9} for size in sizes]
    in_documents = [{"documents": number} for number in documents]
    less_gb = [{"size": size * 1e9} for size in substring]
    result: Result = {"name": "growth", "workers": available_cores()}
    with tempfile.TemporaryDirectory(prefix="corpusmith-growth-", dir=folder) as name:
        at = Path(name)
        result["operations"] = kept.get("operations", lambda: operations(maker, small))
        result["sizes"] = series(at / "sizes", maker, maker.long, in_gb, whole, kept)
        result["near"] = series(at / "near", maker, maker.short, in_documents, recipe(NEAR), kept)
        result["substring"] = series(at / "substring", maker, maker.long, less_gb, alone, kept)
    result["growth"] = growth(result["sizes"], "mb")
    result["near_growth"] = growth(result["near"], "documents")
    result["substring_growth"] = growth(result["substring"], "mb")
    result["mb"] = result["sizes"][-1]["mb"]
    result["seconds"] = result["sizes"][-1]["seconds"]
    result["mb_per_s"] = round(result["mb"] / result["seconds"], 2)
    result["data"] = "documents recombined from paragraphs of real text, a fifth of them copies"
    if not small and sizes == GIGABYTES:
        result["claims"] = _claims(result)
    kept.forget()
    return report(result)


def _claims(result: Result) -> list[Result]:
    sizes, near = result["sizes"], result["near_growth"]
    least = min(size["near_recall"] - size["near_recall_expected"] for size in sizes)
    others = max(size["others"] / size["documents"] for size in [*sizes, *result["near"]])
    found = [
        ("time of a further GB, 1..4 GB over 0.25..1", result["growth"]["time"], "..1.15"),
        ("peak memory, 4 GB over 0.25", result["growth"]["memory"], "..1.1"),
        ("recall of exact copies, the least", min(s["exact_recall"] for s in sizes), "1.."),
        ("recall of near copies minus the LSH formula's, the least", round(least, 4), "-0.01.."),
        ("share merged that is no planted copy, the most", round(others, 6), "..0.0001"),
    ]
    if near:
        found.append(
            ("near-dedup's peak memory, most documents over least", near["memory"], "..1.1")
        )
    return [claim(f"growth: {what}", value, bound) for what, value, bound in found]


class Kept:
    """What was measured before a run was stopped, by this code on this machine."""

    def __init__(self, folder: Path | None) -> None:
        self.path = None
        if folder is not None:
            code = hashlib.sha256()
            for top in ("src", "benchmarks"):
                for path in sorted((ROOT / top).rglob("*.py")):
                    code.update(path.read_bytes())
            self.path = folder / f"{code.hexdigest()[:16]}.json"
        self.found: Result = {}
        if self.path is not None and self.path.exists():
            self.found = json.loads(self.path.read_text(encoding="utf-8"))

    def get(self, name: str, measure: Callable[[], Result]) -> Result:
        if name in self.found:
            print(f"growth: {name} was measured before", file=sys.stderr, flush=True)
            return self.found[name]
        began = time.monotonic()
        found = self.found[name] = measure()
        took = time.monotonic() - began
        told = {key: value for key, value in found.items() if not isinstance(value, dict)}
        print(f"growth: {name} took {took:.0f} s: {told}", file=sys.stderr, flush=True)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.found), encoding="utf-8")
        return found

    def forget(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def series(
    folder: Path,
    maker: Maker,
    make: Callable[[int], str],
    amounts: list[dict[str, Any]],
    text: str,
    kept: Kept,
) -> list[Result]:
    """The recipe `text` over one corpus that grows to each of `amounts`."""
    [unit] = {unit for amount in amounts for unit in amount} or {""}
    names = [
        f"{folder.name} {amount[unit]:,.0f} {'bytes' if unit == 'size' else unit}"
        for amount in amounts
    ]
    corpus = Corpus(folder / "in", maker, make)
    found = []
    for name, amount in zip(names, amounts, strict=True):
        if not set(names[len(found) :]) <= kept.found.keys():
            began = time.monotonic()
            corpus.grow(**amount)
            took = time.monotonic() - began
            print(f"growth: {name} written in {took:.0f} s", file=sys.stderr, flush=True)
        found.append(kept.get(name, lambda: measure(folder, corpus, text)))
    shutil.rmtree(folder)
    return found


def measure(folder: Path, corpus: Corpus, text: str) -> Result:
    """`corpusmith run` over folder/in; seconds, memory and bytes by stage, copies found."""
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    work = folder / "work"
    began = time.monotonic()
    process = subprocess.Popen(
        command("run", folder / "recipe.yaml", "--workdir", work, "--progress", "none"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    peak = _peak_until_it_ends(process)
    seconds = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"status {process.returncode}: {peak['stderr'][-2000:]}")
    run = Run(work / "latest")
    happened = events(work)
    lost = [event for event in happened if event["event"] == "lost"]
    assert not lost, f"a worker died: {lost}"
    starting = sum(event["seconds"] for event in happened if event["event"] == "warm")
    counts = run.summary["documents"]
    assert counts["read"] == len(corpus.uris), counts
    tasks = [event for event in happened if event["event"] == "done"]
    found = {
        "mb": round(corpus.bytes / 1e6, 1),
        "documents": len(corpus.uris),
        "kept": counts["kept"],
        "merged": counts["merged"],
        "seconds": round(seconds - starting, 2),
        "peak_mb": round(peak["bytes"] / 1e6),
        "largest_process_mb": round(max(task["peak_memory_bytes"] for task in tasks) / 1e6),
        "tokens": run.summary["tokens"]["total"] if run.summary.get("tokens") else 0,
        "by_stage": {
            stage: {"seconds": round(took, 2), **_of_tasks(tasks, stage)}
            for stage, took in run.summary["seconds"].items()
            if stage != "total"
        },
        "disk_mb": {
            stage["name"]: round(_size(run.root / stage["folder"]) / 1e6, 1)
            for stage in run.stages()
        },
        **(found_copies(corpus, run, THRESHOLD) if "near:" in text else {}),
    }
    shutil.rmtree(work)
    return found


def _of_tasks(tasks: list[Result], stage: str) -> Result:
    own = [task for task in tasks if task["stage"] == stage]
    shuffled = sum(t["bytes_written"] for t in own if t["round"] not in KEPT_ROUNDS)
    return {
        "core_seconds": round(sum(task["seconds"] for task in own), 2),
        "peak_mb": round(max((task["peak_memory_bytes"] for task in own), default=0) / 1e6),
        "written_mb": round(sum(task["bytes_written"] for task in own) / 1e6, 1),
        "shuffled_mb": round(shuffled / 1e6, 1),
    }


def _peak_until_it_ends(process: subprocess.Popen) -> dict[str, Any]:
    lines: list[str] = []
    assert process.stderr is not None
    stream = process.stderr
    reader = threading.Thread(target=lambda: lines.append(stream.read().decode()), daemon=True)
    reader.start()
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_peak_bytes(process.pid))
        time.sleep(0.1)
    reader.join()
    return {"bytes": peak, "stderr": "".join(lines)}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def growth(sizes: list[Result], amount: str) -> dict[str, float]:
    """Time and memory of the largest size against the smaller ones.

    `time`: seconds for each further `amount` from the last but one size to the last, over those of
    the step before it (with two sizes: over the smaller one's whole). `memory`: the last peak over
    the first."""
    rates, before = [], {"seconds": 0.0, amount: 0}
    for size in sizes:
        rates.append((size["seconds"] - before["seconds"]) / (size[amount] - before[amount]))
        before = size
    if len(sizes) < 2:
        return {}
    return {
        "time": round(rates[-1] / rates[-2], 3),
        "memory": round(sizes[-1]["peak_mb"] / sizes[0]["peak_mb"], 3),
    }


def operations(maker: Maker, small: bool) -> dict[str, float]:
    """MB/s of text of each operation by itself, CPU time of one core."""
    from benchmarks.peers.ours import apply, batches, documents
    from corpusmith import catalog
    from corpusmith.engine.base import resolve

    for address in catalog.KERNELS:
        resolve(address)()
    rows: list[dict[str, Any]] = []
    size = 0
    while size < SAMPLE_BYTES / (20 if small else 1):
        rows.append({"text": maker.document(len(rows), maker.long)[0]})
        size += len(rows[-1]["text"].encode())
    tables = list(batches(documents(rows)))
    found = {}
    for name in OPERATIONS:
        apply(name, tables[0].slice(0, 20))
        began = time.process_time()
        for table in tables:
            apply(name, table)
        found[name] = round(size / 1e6 / (time.process_time() - began), 1)
    return found


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(",") if part)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=_numbers, default=GIGABYTES, help="GB, as in 0.25,1,4")
    parser.add_argument("--documents", type=_numbers, default=DOCUMENTS, help='"" for none')
    parser.add_argument("--substring", type=_numbers, default=SUBSTRING, help='GB, "" for none')
    parser.add_argument("--folder", type=Path, help="for the files: about 5 times the largest size")
    parser.add_argument("--small", action="store_true")
    o = parser.parse_args()
    main(o.sizes, tuple(int(n) for n in o.documents), o.substring, o.small, o.folder)
