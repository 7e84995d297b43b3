"""The model's shapes, the training loop, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel, LlamaForCausalLM

from corpusmith.errors import CheckError, InputError
from corpusmith.train import checkpoint, loop, machine
from corpusmith.train.data import Shuffled, batch_of, held_out_windows, micro_batches
from corpusmith.train.model import build_model, optimizer_of, parameter_counts, token_losses
from tests import train_run
from tests.train_run import END, LENGTH, SETTING, VOCABULARY, data, model, parameters, run, weights


def equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


# --- the model ---------------------------------------------------------------------------


def test_gpt2_has_the_parameters_of_its_formula() -> None:
    network = model(parameters(dropout=0.0))
    assert isinstance(network, GPT2LMHeadModel)
    # Embeddings V d + L d; a layer 12 d^2 + 13 d (4 d^2 + 4 d attention, 8 d^2 + 5 d MLP, 4 d
    # norms); the last norm 2 d. The output matrix is the input embeddings.
    d, layers = 16, 2
    inner = layers * (12 * d * d + 13 * d) + 2 * d
    counts = parameter_counts(network)
    assert counts["parameters"] == VOCABULARY * d + LENGTH * d + inner
    assert counts["parameters_without_embeddings"] == inner
    assert network.config.eos_token_id == network.config.bos_token_id == END
    assert network.lm_head.weight is network.transformer.wte.weight


def test_llama_has_the_parameters_of_its_formula() -> None:
    params = parameters(model="llama", dropout=0.0, kv_heads=1, mlp_width=24, tie=False)
    network = model(params)
    assert isinstance(network, LlamaForCausalLM)
    # A layer: queries and output d^2 each, one of two heads for keys and values d^2 / 2 each, three
    # MLP matrices, two norms; then the last norm, and embeddings for input and output.
    d = 16
    inner = 2 * (3 * d * d + 3 * d * 24 + 2 * d) + d
    counts = parameter_counts(network)
    assert counts["parameters"] == 2 * VOCABULARY * d + inner
    assert counts["parameters_without_embeddings"] == inner


def test_initial_weights_have_the_spread_asked_for_and_depend_on_the_seed() -> None:
    params = parameters(dropout=0.0, width=64, initializer_range=0.08)
    one, again = model(params), model(params)
    assert equal(weights(one), weights(again))
    spread = one.transformer.h[0].attn.c_attn.weight.std().item()
    assert spread == pytest.approx(0.08, rel=0.05)
    other = build_model(params, vocab_size=VOCABULARY, end_token=END, length=LENGTH, seed=12)
    assert not equal(weights(one), weights(other))


def test_only_matrices_decay() -> None:
    network = model(parameters(dropout=0.0))
    decayed, plain = optimizer_of(network, parameters()).param_groups
    assert decayed["weight_decay"] == 0.1
    assert plain["weight_decay"] == 0.0
    assert {p.ndim for p in decayed["params"]} == {2}
    assert {p.ndim for p in plain["params"]} == {1}
    assert len(decayed["params"]) + len(plain["params"]) == len(list(network.parameters()))


def test_training_starts_from_a_checkpoint_that_fits(tmp_path: Path) -> None:
    first = model(parameters(dropout=0.0))
    first.save_pretrained(tmp_path / "start")
    given = {"model": str(tmp_path / "start"), "layers": None, "heads": None, "width": None}
    params = parameters(**given)
    assert equal(weights(model(params)), weights(first))
    for wrong, words in (
        ({"vocab_size": VOCABULARY + 1, "length": LENGTH}, "the tokenizer has 65 tokens"),
        ({"vocab_size": VOCABULARY, "length": LENGTH + 1}, "16 positions"),
    ):
        with pytest.raises(InputError, match=words):
            build_model(params, end_token=END, seed=0, **wrong)
    with pytest.raises(InputError, match="can't load the model"):
        model(parameters(**(given | {"model": str(tmp_path / "nothing")})))


def test_a_pickled_model_is_not_read(tmp_path: Path) -> None:
    network = model(parameters(dropout=0.0))
    network.config.save_pretrained(tmp_path)
    torch.save(network.state_dict(), tmp_path / "pytorch_model.bin")
    params = parameters(model=str(tmp_path), layers=None, heads=None, width=None)
    with pytest.raises(InputError, match="safetensors"):
        model(params)


# --- data --------------------------------------------------------------------------------


def test_shuffled_is_a_permutation_in_each_epoch_and_another_in_the_next() -> None:
    shuffled = Shuffled(data(), seed=3)
    assert shuffled.block == 60
    first = [shuffled.place(i) for i in range(60)]
    second = [shuffled.place(i) for i in range(60, 120)]
    assert sorted(first) == list(range(60))
    assert sorted(second) == list(range(60, 120))
    assert first != list(range(60))
    assert [p - 60 for p in second] != first
    assert [Shuffled(data(), seed=3).place(i) for i in (70, 5)] == [second[10], first[5]]
    assert [Shuffled(data(), seed=4).place(i) for i in range(60)] != first


def test_micro_batches_cover_the_step() -> None:
    assert micro_batches(10, 5, 2) == [range(10, 12), range(12, 14), range(14, 15)]
    assert micro_batches(0, 4, 4) == [range(0, 4)]


def test_held_out_windows_spread_and_begin_with_the_end_token() -> None:
    documents = [np.arange(1, 40), np.arange(40, 60)]
    batches = held_out_windows(documents, length=8, end_token=0, limit=3)
    # 1 + 39 + 1 + 20 tokens and a last end token: 7 windows, of which 0, 3 and 6 are taken.
    assert [batch.inputs[0, 0].item() for batch in batches] == [0, 24, 47]
    assert batches[0].inputs.tolist() == [list(range(8))]
    assert batches[0].targets.tolist() == [list(range(1, 9))]


@pytest.mark.parametrize("shape", ["gpt2", "llama"])
def test_isolated_documents_do_not_see_each_other(shape: str) -> None:
    network = model(parameters(model=shape, dropout=0.0))
    network.eval()
    tokens = np.array([0, 9, 8, 7, 6, 0, 5, 4, 3, 2, 0, 11, 12, 13, 14, 15, 16])
    windows = train_run.ArrayWindows(tokens, LENGTH, isolate=True)
    with torch.no_grad():
        together = network(**batch_of(windows, [0]).arguments()).logits[0]
        for start, stop in ((0, 5), (5, 10), (10, 16)):
            alone = network(input_ids=torch.from_numpy(tokens[None, start:stop])).logits[0]
            assert torch.allclose(together[start:stop], alone, atol=1e-5)


# --- the loop ----------------------------------------------------------------------------


def test_a_step_is_adamw_on_the_mean_of_all_micro_batches(tmp_path: Path) -> None:
    params = parameters(steps=1, dropout=0.0, warmup=0, clip=0.05, min_lr=1.0)
    found = weights(run(tmp_path, params))
    # The same, without micro batches, by the formulas of AdamW's first step.
    network = model(params)
    batch = batch_of(Shuffled(data(), seed=3), range(4))
    token_losses(network(**batch.arguments()).logits, batch.targets).backward()
    gradients = {name: p.grad for name, p in network.named_parameters()}
    norm = torch.sqrt(sum((g**2).sum() for g in gradients.values()))
    assert norm > 0.05
    for name, p in network.named_parameters():
        gradient = gradients[name] * 0.05 / norm
        decay = 0.1 if p.ndim == 2 else 0.0
        expected = p.detach() * (1 - params.lr * decay)
        # m / (1 - b1) = g and v / (1 - b2) = g^2 after one step.
        expected -= params.lr * gradient / (gradient.abs() + params.eps)
        difference = np.abs(found[name] - expected.numpy())
        # A gradient near 0 turns its last bits into the sign of a whole step.
        clear = gradient.abs().numpy() > 1e-6
        assert difference[clear].max() < 1e-3 * params.lr, name


def test_training_learns_and_logs(tmp_path: Path) -> None:
    params = parameters(steps=60, dropout=0.0, log_every=20, lr=2e-2, eval_every=30)
    held_out = held_out_windows([data().tokens], LENGTH, END, 8)
    network = model(params)
    before = loop.mean_loss(network, held_out, SETTING)
    state = loop.train(network, data(), params, SETTING, tmp_path, held_out=held_out)
    lines = loop.read_metrics(tmp_path)
    assert [line["step"] for line in lines] == [20, 30, 40, 60]
    assert [line["tokens"] for line in lines] == [step * 64 for step in (20, 30, 40, 60)]
    assert set(lines[0]) == {"step", "loss", "lr", "grad_norm", "tokens", "seconds"}
    assert lines[-1]["held_out_loss"] == pytest.approx(loop.mean_loss(network, held_out, SETTING))
    assert lines[-1]["held_out_loss"] < before - 1
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert lines[-1]["lr"] == pytest.approx(params.lr * params.min_lr)
    assert state.window == 240


def test_tensorboard_gets_the_same_figures(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(tmp_path, parameters(steps=4, tensorboard=True, log_every=2))
    events = EventAccumulator(str(tmp_path / loop.EVENTS))
    events.Reload()
    lines = loop.read_metrics(tmp_path)
    losses = events.Scalars("train/loss")
    assert [event.step for event in losses] == [2, 4]
    assert [event.value for event in losses] == pytest.approx([line["loss"] for line in lines])


def test_divergence_ends_with_a_word(tmp_path: Path) -> None:
    network = model(parameters())
    with torch.no_grad():
        network.transformer.wte.weight[3] = float("nan")
    with pytest.raises(CheckError, match="diverged: at step 1"):
        loop.train(network, data(), parameters(), SETTING, tmp_path)


# --- going on ----------------------------------------------------------------------------


def test_training_after_a_kill_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", parameters())
    killed = tmp_path / "killed"
    root = Path(__file__).resolve().parents[2]
    child = subprocess.Popen([sys.executable, "-m", "tests.train_run", str(killed)], cwd=root)
    try:
        deadline = time.monotonic() + 120
        # In the middle between two checkpoints, and of an epoch of 15 steps.
        while not any(line["step"] >= 13 for line in loop.read_metrics(killed)):
            assert child.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == -signal.SIGKILL
    seen = [line["step"] for line in loop.read_metrics(killed)]
    assert 13 <= seen[-1] < 30
    found, damaged = checkpoint.latest(killed)
    assert found is not None
    assert damaged == []
    assert 10 <= int(found.name[-8:]) < 30
    resumed = run(killed, parameters())
    assert equal(weights(resumed), weights(whole))
    plain = ("step", "loss", "lr", "grad_norm", "tokens")
    lines = [[line[key] for key in plain] for line in loop.read_metrics(killed)]
    assert lines == [[line[key] for key in plain] for line in loop.read_metrics(tmp_path / "whole")]


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    expected = weights(run(tmp_path / "whole", parameters(steps=20)))
    folder = tmp_path / "damaged"
    run(folder, parameters(steps=20))
    kept = sorted(path.name for path in (folder / checkpoint.FOLDER).iterdir())
    assert kept == ["step-00000010", "step-00000015"]
    weights_file = folder / checkpoint.FOLDER / kept[-1] / "model.safetensors"
    content = bytearray(weights_file.read_bytes())
    content[-1] ^= 1
    weights_file.write_bytes(content)
    words: list[str] = []
    network = model(parameters())
    windows = Shuffled(data(), seed=3)
    loop.train(network, windows, parameters(steps=20), SETTING, folder, warn=words.append)
    assert len(words) == 1
    assert "step-00000015 is damaged" in words[0]
    assert equal(weights(network), expected)


@pytest.mark.parametrize("spoil", ["marker", "file", "empty"])
def test_a_checkpoint_without_its_marker_is_none(tmp_path: Path, spoil: str) -> None:
    network = model(parameters())
    path = checkpoint.save(tmp_path, 5, network, optimizer_of(network, parameters()), {})
    assert checkpoint.latest(tmp_path) == (path, [])
    if spoil == "marker":
        (path / checkpoint.COMPLETE).unlink()
    elif spoil == "file":
        (path / "optimizer.safetensors").unlink()
    else:
        (path / checkpoint.COMPLETE).write_text("{}")
    assert checkpoint.latest(tmp_path) == (None, [path])


def test_half_a_line_of_metrics_is_left_out(tmp_path: Path) -> None:
    line = json.dumps({"step": 1, "loss": 2.0})
    (tmp_path / loop.METRICS).write_text(line + "\n" + line[:9])
    assert loop.read_metrics(tmp_path) == [{"step": 1, "loss": 2.0}]
    assert loop.read_metrics(tmp_path / "nowhere") == []


# --- the machine -------------------------------------------------------------------------


def test_the_choice_of_dtype_leaves_no_trace() -> None:
    params = parameters(dtype="auto")
    network = model(params)
    before, random = weights(network), torch.get_rng_state()
    batch = batch_of(data(), range(2))
    setting = machine.choose(params, network, batch, torch.device("cpu"))
    assert equal(weights(network), before)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(p.grad is None for p in network.parameters())
    faster = setting.measured["bf16"] * machine.GAIN <= setting.measured["fp32"]
    assert setting.dtype == ("bf16" if faster else "fp32")
    assert machine.report(setting)["threads"] == params.threads


def test_bf16_trains(tmp_path: Path) -> None:
    params = parameters(dtype="bf16", steps=40, dropout=0.0, log_every=10)
    network = model(params)
    setting = machine.choose(params, network, batch_of(data(), range(2)), torch.device("cpu"))
    assert (setting.dtype, setting.measured) == ("bf16", {})
    loop.train(network, data(), params, setting, tmp_path)
    lines = loop.read_metrics(tmp_path)
    assert lines[-1]["loss"] < lines[0]["loss"] - 0.5
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_compilation_that_fails_falls_back_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(network: torch.nn.Module) -> torch.nn.Module:
        class Broken(torch.nn.Module):
            def forward(self, **_: object) -> None:
                raise RuntimeError("no C++ compiler\nand more")

        return Broken()

    monkeypatch.setattr(torch, "compile", broken)
    params = parameters(dtype="fp32", compile=True)
    setting = machine.choose(params, model(params), batch_of(data(), [0]), torch.device("cpu"))
    assert not setting.compile
    assert setting.notes == ["compile: true, but it does not work here, so eager: no C++ compiler"]


def test_the_allocator_takes_the_thresholds() -> None:
    glibc = sys.platform == "linux" and "CS_GNU_LIBC_VERSION" in os.confstr_names
    assert machine.keep_memory() == glibc
