"""Values of `${env:NAME}`: they may locate files or go to a user's operation, and then they stand
in no file of the work folder, in no output, and in no fingerprint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from transformers import GPT2Config, GPT2LMHeadModel

from corpusmith import plan, recipe
from corpusmith.cli.main import main
from corpusmith.store.workspace import Workspace
from corpusmith.tokenize.vocab import train_bpe

TOKEN = "sk-9f2c-hidden'token"
RECIPE = """corpusmith: 1
corpus: secrets
max_quarantined: 0.2
sources:
  a: {read: jsonl, path: "${env:CS_DATA}/in/*.jsonl"}
clean:
  - normalize
  - measure: {"./mine.py:ask": {token: "${env:CS_TOKEN}"}}
  - decontaminate: {against: "${env:CS_DATA}/eval.jsonl"}
tokenize: {load: "${env:CS_DATA}/tokenizer"}
pack: {length: 16}
train: {model: "${env:CS_DATA}/model", steps: 2, batch_tokens: 64}
"""
MINE = """import pyarrow as pa
from pydantic import BaseModel
from corpusmith.op import op, signal
class Params(BaseModel):
    token: str
@op("ask.v1", kind="measure", adds=pa.schema([signal("asked", pa.int64(), "", "asked")]),
    params=Params)
def ask(batch, ctx):
    print("asking with", ctx.params.token)
    if any(t.as_py().startswith("text 7") for t in batch["text"]):
        raise ValueError(f"{ctx.params.token} was refused")
    return pa.table({"asked": pa.array([1] * len(batch), pa.int64())})
"""


def data(folder: Path) -> Path:
    (folder / "in").mkdir(parents=True)
    texts = [f"text {n}: " + "a few words that say no more than that. " * 5 for n in range(60)]
    lines = [json.dumps({"text": text}) for text in texts]
    (folder / "in" / "a.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "eval.jsonl").write_text(json.dumps({"q": "what is asked here " * 4}) + "\n")
    tokenizer = train_bpe(texts, 300)
    tokenizer.save(folder / "tokenizer")
    shape = {"n_positions": 16, "n_embd": 16, "n_layer": 1, "n_head": 2}
    ends = {"bos_token_id": tokenizer.end_token, "eos_token_id": tokenizer.end_token}
    config = GPT2Config(vocab_size=tokenizer.vocab_size, **shape, **ends)
    GPT2LMHeadModel(config).save_pretrained(folder / "model")
    return folder


def everything(folder: Path) -> dict[str, str]:
    """The text of every file; Parquet is compressed, so its columns as well."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path)] = path.read_bytes().decode("utf-8", "replace")
            if path.suffix == ".parquet":
                found[str(path)] += str(pq.read_table(path).to_pydict())
    return found


def command(capfd: pytest.CaptureFixture, *arguments: object, code: int = 0) -> str:
    """What the command line says, on both streams."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    found = capfd.readouterr()
    assert ended.value.code == code, found.out + found.err
    return found.out + found.err


def test_no_byte_shows_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    made = data(tmp_path / "very-private-place")
    work = tmp_path / "w"
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.setenv("CS_DATA", f"{made}/")
    monkeypatch.setenv("CS_TOKEN", TOKEN)
    shown = ""
    for words in (["check", "--json"], ["run", "--progress", "json"]):
        shown += command(capfd, words[0], tmp_path / "recipe.yaml", "--workdir", work, *words[1:])
    for words in (["verify"], ["why", "a.jsonl#0"], ["show", "--json"]):
        shown += command(capfd, words[0], work, *words[1:])
    files = everything(work)
    logs = [text for name, text in files.items() if "/logs/" in name]
    assert any("asking with [redacted]" in text for text in logs)
    assert any("[redacted] was refused" in text for text in files.values())
    lock = json.loads((work / "latest" / "recipe.lock.yaml").read_text())
    assert lock["recipe"]["sources"]["a"]["path"] == "[redacted]/in/*.jsonl"
    for name, text in [*files.items(), ("output", shown)]:
        for secret in ("very-private-place", TOKEN, TOKEN.replace("'", "\\'")):
            assert secret not in text, name

    # What failed says where, and not what.
    (made / "eval.jsonl").rename(made / "elsewhere.jsonl")
    said = command(capfd, "run", tmp_path / "recipe.yaml", "--workdir", work, code=2)
    assert "recipe.yaml:9:30: no file matches [redacted]/eval.jsonl" in said
    assert "very-private" not in said
    (made / "elsewhere.jsonl").rename(made / "eval.jsonl")

    # The same data elsewhere, and another token: the same fingerprints.
    def fingerprints() -> list[str]:
        stages = plan.make(recipe.read(tmp_path / "recipe.yaml"), Workspace(work)).stages
        return [stage.fingerprint for stage in stages]

    before = fingerprints()
    shutil.move(made, tmp_path / "another")
    monkeypatch.setenv("CS_DATA", str(tmp_path / "another"))
    monkeypatch.setenv("CS_TOKEN", "a new token")
    assert fingerprints() == before
    with open(tmp_path / "another" / "eval.jsonl", "a") as file:
        file.write('{"q": "one more"}\n')
    assert fingerprints() != before
