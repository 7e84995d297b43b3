"""A small corpus of real text that every machine has, with duplicates planted, and its recipe."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from pydoc_data.topics import topics

CHINESE = (
    "数据的质量决定模型的质量。",
    "我们先收集网页、书籍和代码，然后清洗、去重，再训练模型。",
    "每一个被删除的文档都有书面的理由，没有任何东西会悄悄消失。",
    "同样的配方、同样的输入，得到同样的字节。",
    "如果阈值改变了，不需要重新读取文本，因为信号已经保存下来。",
    "城市里的图书馆每天早上八点开门，晚上十点关门，周末也不休息。",
    "她把昨天收到的信读了三遍，然后慢慢地写下了自己的回答。",
    "这条河从西边的山里流出来，穿过平原，最后流进大海。",
)

RECIPE = """
corpusmith: 1
corpus: small
seed: 3
sources:
  topics: {{read: jsonl, path: "topics/*.jsonl*", part_bytes: {part_bytes}}}
  stdlib: {{read: code, path: stdlib, group: module, part_bytes: {part_bytes}}}
clean:
  - normalize
  - language
  - measure: [quality, repetition, code]
  - keep: {{name: long, where: {{words: 20..}}}}
  - edit: c4_lines
  - dedup: exact
  - dedup: {{near: {{threshold: 0.7}}}}
  - pii: mask
  - decontaminate: {{against: exam.txt}}
  - dedup: {{substring: {{tokens: 50}}}}
split:    {{held_out: 0.05}}
tokenize: {{train: bpe, vocab: 512}}
mix:      {{weights: {{topics: 0.6, stdlib: 0.4}}, tokens: 200k}}
pack:     {{length: 64}}
train:    {{model: gpt2, layers: 1, heads: 2, width: 32, batch_tokens: 512, steps: {steps},
           lr: 1e-3, checkpoint_every: 5, dtype: fp32}}
evaluate: [{{bits_per_byte: {{by: [source]}}}}, {{samples: {{count: 1, tokens: 8}}}}]
"""


def build(folder: Path, *, part_bytes: int = 150_000, steps: int = 20, until: str = "") -> Path:
    """Write sources and recipe into `folder`; returns the recipe's path."""
    (folder / "topics").mkdir(parents=True)
    rows = [{"text": text, "name": name} for name, text in sorted(topics.items())]
    rows += [
        {"text": text, "name": f"again {n}"} for n, text in enumerate(topics.values()) if n < 9
    ]
    rows += [
        {"text": text + "\nOne more line, so that it is near and not equal.", "name": f"near {n}"}
        for n, text in enumerate(topics.values())
        if 9 <= n < 30
    ]
    rows += [
        {"text": "\n".join(CHINESE[(n + k * (1 + n % 3)) % 8] for k in range(8)), "名": n}
        for n in range(24)
    ]
    rows += [{"text": f"Write to person{n}@example-mail.org, please.\n" * 9} for n in range(8)]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    lines.insert(20, '{"text": not JSON}')  # one for quarantine
    half = len(lines) // 2
    (folder / "exam.txt").write_text("".join(CHINESE[:2]), encoding="utf-8")
    (folder / "topics" / "a.jsonl").write_text("\n".join(lines[:half]) + "\n", encoding="utf-8")
    with gzip.GzipFile(folder / "topics" / "b.jsonl.gz", "wb", mtime=0) as file:
        file.write(("\n".join(lines[half:]) + "\n").encode())
    root = Path(sysconfig.get_path("stdlib"))
    for package in ("json", "email", "logging", "html"):
        for path in sorted((root / package).glob("*.py")):
            target = folder / "stdlib" / package / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(part_bytes=part_bytes, steps=steps), encoding="utf-8")
    return recipe


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "corpusmith", *map(str, arguments)]


def corpusmith(*arguments: object, code: int = 0) -> subprocess.CompletedProcess:
    """Run the command line; the exit code must be `code`."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


CLOCKS = ("metrics.jsonl", "progress.json", "events.out", "setting.json", "training.json")


def contents(workdir: Path) -> dict[str, str]:
    """Hash of every file under store, tokens and models that holds no clock, by relative path."""
    found = {}
    for top in ("store", "tokens", "models"):
        for path in sorted((workdir / top).rglob("*")):
            relative = path.relative_to(workdir).as_posix()
            timed = any(name in path.name for name in CLOCKS) or "/checkpoints/" in relative
            if path.is_file() and not timed:
                found[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def events(workdir: Path) -> list[dict]:
    """Events of all runs of a work folder, oldest run first."""
    return [
        json.loads(line)
        for path in sorted((workdir / "runs").glob("*/events.jsonl"))
        for line in path.read_text().splitlines()
        if line.endswith("}")
    ]
