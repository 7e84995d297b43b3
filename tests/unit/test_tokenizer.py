from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import tokenizers

from corpusmith.errors import InputError, RecipeError
from corpusmith.tokenize.pieces import pieces
from corpusmith.tokenize.tokenizer import Tokenizer
from corpusmith.tokenize.vocab import check_params, choose, find, train_bpe
from tests.token_run import GPT2, NO_GPT2

# "ab" four times, "abc" three of them, "bc" three: merges a+b (4), then ab+c (3), then no pair
# is left that occurs twice.
TEXTS = ["abc abc", "abc ab"]


def token(tokenizer: Tokenizer, text: str) -> int:
    found = tokenizer.library.token_to_id(text)
    assert found is not None
    return found


def test_trains_what_counting_by_hand_gives() -> None:
    # Words with their leading space: "abc", "Ġabc", "abc", "Ġab". Pairs: a+b 4, b+c 3, Ġ+a 2.
    # a+b -> "ab"; then ab+c 3, Ġ+ab 2 -> "abc"; then Ġ+abc 1, Ġ+ab 1: nothing twice.
    tokenizer = train_bpe(TEXTS, 300)
    assert tokenizer.vocab_size == 1 + 256 + 2
    assert tokenizer.end_token == 0
    assert token(tokenizer, "ab") == 257
    assert token(tokenizer, "abc") == 258
    encoded = tokenizer.encode_batch(["abcab", "", "abc ab"])
    space = token(tokenizer, "\u0120")
    assert [row.tolist() for row in encoded] == [[258, 257], [], [258, space, 257]]
    assert all(row.dtype == np.int32 for row in encoded)


def test_two_trainings_are_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"word{n % 37} and 词{n % 11}语 then {n * n}" for n in range(400)]
    found = []
    for parallel, given in (("true", texts), ("false", texts), ("true", texts[::-1])):
        monkeypatch.setenv("TOKENIZERS_PARALLELISM", parallel)
        found.append(train_bpe(given, 400).to_json())
    assert found[0] == found[1] == found[2]


def test_a_long_run_of_letters_is_cut_in_training_only() -> None:
    tokenizer = train_bpe(["a" * 100_000], 260)
    run = tokenizer.encode_batch(["a" * 50_001])[0]
    assert tokenizer.decode(run) == "a" * 50_001


def test_text_never_makes_a_special_token() -> None:
    tokenizer = train_bpe(["end of text " * 9], 300, ["<|endoftext|>", "<|user|>"])
    text = "a<|endoftext|>b<|user|>"
    encoded = tokenizer.encode_batch([text])[0]
    assert tokenizer.end_token not in encoded
    assert tokenizer.library.token_to_id("<|user|>") == 1
    assert 1 not in encoded
    assert tokenizer.decode(encoded) == text


def test_saves_and_loads(tmp_path: Path) -> None:
    tokenizer = train_bpe(TEXTS, 300)
    tokenizer.save(tmp_path)
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        again = Tokenizer.load(path)
        assert again.fingerprint == tokenizer.fingerprint
        assert again.to_json() == tokenizer.to_json()
    assert train_bpe(["other text, other text"], 300).fingerprint != tokenizer.fingerprint
    assert len(tokenizer.fingerprint) == 32


def test_transformers_loads_the_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the extra `train`")
    tokenizer = train_bpe([*TEXTS, "多喝水，多喝水。"], 300)
    tokenizer.save(tmp_path)
    text = "abc 多喝水， <x> it's ."
    for loader in (transformers.AutoTokenizer, transformers.PreTrainedTokenizerFast):
        theirs = loader.from_pretrained(tmp_path)
        assert theirs(text).input_ids == tokenizer.encode_batch([text])[0].tolist()
        assert theirs.decode(theirs(text).input_ids) == text
        assert theirs.eos_token_id == tokenizer.end_token
        assert len(theirs) == tokenizer.vocab_size


@pytest.mark.skipif(not GPT2.is_dir(), reason=NO_GPT2)
def test_gpt2_known_tokens() -> None:
    tokenizer = Tokenizer.load(GPT2)
    assert tokenizer.vocab_size == 50257
    assert tokenizer.end_token == 50256
    # Published with OpenAI's encoder and in every tutorial of GPT-2.
    assert tokenizer.encode_batch(["Hello world"])[0].tolist() == [15496, 995]
    assert tokenizer.decode([15496, 995, 50256]) == "Hello world<|endoftext|>"
    assert tokenizer.decode([15496, 995, 50256], skip_special=True) == "Hello world"


@pytest.mark.skipif(not GPT2.is_dir(), reason=NO_GPT2)
def test_gpt2_by_its_newer_file_names(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_bytes((GPT2 / "encoder.json").read_bytes())
    (tmp_path / "merges.txt").write_bytes((GPT2 / "vocab.bpe").read_bytes())
    assert Tokenizer.load(tmp_path).fingerprint == Tokenizer.load(GPT2).fingerprint


def test_truncation_padding_and_dropout_are_off(tmp_path: Path) -> None:
    library = train_bpe(TEXTS, 300).library
    library.enable_truncation(2)
    library.enable_padding(length=9)
    library.model.dropout = 0.5
    library.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(tmp_path)
    texts = ["abcabcabcabc"] * 20
    assert [row.tolist() for row in tokenizer.encode_batch(texts)] == [[258] * 4] * 20
    assert tokenizer.removed == ["dropout 0.5", "truncation to 2 tokens", "padding"]
    assert train_bpe(TEXTS, 300).removed == []


def test_end_token_of_a_loaded_tokenizer(tmp_path: Path) -> None:
    library = train_bpe(TEXTS, 300, ["<|endoftext|>", "<stop>", "</s>"]).library
    library.save(str(tmp_path / "tokenizer.json"))
    assert Tokenizer.load(tmp_path).end_text == "<|endoftext|>"
    config = tmp_path / "tokenizer_config.json"
    config.write_text(json.dumps({"eos_token": "</s>"}))
    assert Tokenizer.load(tmp_path).end_token == 2
    config.write_text(json.dumps({"eos_token": {"content": "<stop>"}}))
    assert Tokenizer.load(tmp_path).end_token == 1
    assert Tokenizer.load(tmp_path / "tokenizer.json").end_text == "<|endoftext|>"
    assert Tokenizer.load(tmp_path, end_token="</s>").end_token == 2
    with pytest.raises(InputError, match="did you mean '<stop>'"):
        Tokenizer.load(tmp_path, end_token="<stopp>")
    config.write_text("{")
    with pytest.raises(InputError, match=r"tokenizer_config\.json"):
        Tokenizer.load(tmp_path)


def test_a_vocabulary_without_end_token(tmp_path: Path) -> None:
    library = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={"a": 0, "b": 1}, merges=[]))
    library.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="which token ends a document"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": 1}', "\x00"])
def test_no_tokenizer_json(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        Tokenizer.load(tmp_path)


def test_what_is_no_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such tokenizer"):
        Tokenizer.load(tmp_path / "absent")
    with pytest.raises(InputError, match="no tokenizer in this folder"):
        Tokenizer.load(tmp_path)
    (tmp_path / "vocab.json").write_text("[]")
    (tmp_path / "merges.txt").write_text("a b\n")
    with pytest.raises(InputError, match="no BPE vocabulary"):
        Tokenizer.load(tmp_path)


def test_finds_paths_before_hub_ids(tmp_path: Path) -> None:
    assert find(str(tmp_path)) == (tmp_path, None)
    with pytest.raises(InputError, match="no such tokenizer"):
        find(str(tmp_path / "absent.json"))
    with pytest.raises(InputError, match="no such tokenizer"):
        find("../absent")


def test_hub_offline_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="the hub did not give it") as caught:
        find("nobody/no-such-tokenizer", "main")
    assert "tokenize.load" in caught.value.hint


def test_parameters_are_checked() -> None:
    check_params({"train": "bpe", "vocab": 257})
    with pytest.raises(RecipeError, match="too small"):
        check_params({"train": "bpe", "vocab": 256})
    with pytest.raises(RecipeError, match="too small"):
        check_params({"train": "bpe", "vocab": 257, "special": ["<|user|>"]})
    with pytest.raises(RecipeError, match="wordpiece"):
        check_params({"train": "wordpiece", "vocab": 1000})


def test_pieces_by_hand() -> None:
    assert list(pieces("", 4)) == [""]
    assert list(pieces("abcdef", 4)) == ["abcdef"]
    assert list(pieces("it's here now", 2)) == ["it", "'s", " here", " now"]
    assert list(pieces("你好，世界。好", 2)) == ["你好", "，世界", "。好"]
    assert list(pieces("a  b", 1)) == ["a", "  b"]
    assert list(pieces("ab12cd", 1)) == ["ab", "12", "cd"]
    assert list(pieces("!?  x", 1)) == ["!?", "  x"]


def test_sample_takes_the_first_in_seeded_order() -> None:
    bits = np.arange(40, dtype=np.uint64).reshape(20, 2)
    sizes = np.full(20, 10)
    assert choose(bits, sizes, 200, 0).all()
    chosen = choose(bits, sizes, 59, 0)
    assert chosen.sum() == 5
    larger = choose(bits, sizes, 99, 0)
    assert larger.sum() == 9
    assert (larger | ~chosen).all()  # a larger sample holds the smaller one
    assert choose(bits, sizes, 1, 0).sum() == 1
    assert (choose(bits, sizes, 59, 1) != chosen).any()
    back = choose(bits[::-1], sizes, 59, 0)[::-1]
    assert (back == chosen).all()


def test_texts_go_to_the_library_in_bounded_calls() -> None:
    tokenizer = train_bpe(TEXTS, 300)
    texts = ["abc, ab. " * 50_000, "abc"] * 4
    groups = list(tokenizer._groups([*texts, "abc, ab. " * 300_000, "ab"]))
    assert [len(group) for group in groups] == [4, 4, 1, 1]
    assert [text for group in groups for text in group][:8] == texts


@pytest.mark.parametrize("row", [None, 5, b"bytes", ["a"]])
def test_what_is_no_text_is_refused_by_its_row(row: object) -> None:
    with pytest.raises(InputError, match=r"row 2 to be encoded is .*, of type "):
        train_bpe(TEXTS, 300).encode_batch(["abc", "", row])  # type: ignore[list-item]
    with pytest.raises(InputError, match="one text in place of a list"):
        train_bpe(TEXTS, 300).encode_batch("abc")


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InputError, match="surrogates not allowed"):
        train_bpe(TEXTS, 300).encode_batch(["abc", "a\ud800"])
