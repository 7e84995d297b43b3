"""Tokenizers of every pattern that our encoder knows, trained by `tokenizers` on a little text,
and text of every kind to try them on."""

from __future__ import annotations

import functools
import json
import random
import sysconfig
from pathlib import Path

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

from corpusmith.tokenize.bytelevel import PATTERNS

NAMES = [pattern.name for pattern in PATTERNS.values()]
REGEX = {pattern.name: text for text, pattern in PATTERNS.items()}

SENTENCES = [
    "It's a test; they've said we'll go, I'd say. HTTPServer2 getElementById CamelCase",
    "多喝水，多喝水。中文文本，没有空格。日本語のテキスト、カナ。한국어 텍스트입니다",
    "русский текст и ещё текст, ελληνικό κείμενο, Straße, café, naïve, ŒUVRE, Ǆ ǅ ǆ",
    "نص عربي وَنَصٌّ مُشَكَّل, טקסט בעברית, हिन्दी पाठ में, ข้อความภาษาไทย, ខ្មែរ, မြန်မာ, ქართული",
    "def f(x):\n    return x[1:2] + 0x1F  # 12345 67\n\n\n\tif not x:\r\n        pass\n",
    "\U0001f468\u200d\U0001f469 \U0001f44d\U0001f3fd ½ ² ٣٤ Ⅷ — “quoted” … 1,000 €",
]


@functools.cache
def trained(name: str, vocab: int = 700, nfc: bool = False) -> tokenizers.Tokenizer:
    """A tokenizer with this pattern, with the two shapes that real tokenizer.json files have."""
    library = tokenizers.Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if name != "gpt2":
        split = pre_tokenizers.Split(Regex(REGEX[name]), "isolated")
        if name == "o200k":
            split = pre_tokenizers.Split(Regex(REGEX[name]), "removed", invert=True)
        level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        library.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    library.decoder = decoders.ByteLevel()
    if nfc:
        library.normalizer = normalizers.NFC()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        min_frequency=1,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    library.train_from_iterator(SENTENCES * 2 + real_texts(40_000), trainer)
    return library


def changed(library: tokenizers.Tokenizer, **model: object) -> tokenizers.Tokenizer:
    """The same with other settings of its model."""
    config = json.loads(library.to_str())
    config["model"] |= model
    return tokenizers.Tokenizer.from_str(json.dumps(config))


def real_texts(total_chars: int) -> list[str]:
    """The first modules of the standard library: code with prose in it."""
    texts, chars = [], 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        if chars >= total_chars:
            break
        texts.append(path.read_text("utf-8")[: total_chars - chars])
        chars += len(texts[-1])
    return texts


POOLS = [
    "abcdefgxyzSTRLVEDMsſ",
    "'sStTdDmMrReEvVlL",
    "  \t\n\r\x0b\x0c\x85\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000",
    "0123456789½²٣४Ⅷ〇",
    ".,;:!?-_/\\\"'()[]{}<>@#$%^&*+=|~`«»“”…、。！？",
    "你好世界中文文本日本語のテキストカナ한국어",
    "éßñÉÅåœŒÀЖжяΩωأبجअआกขកခა",
    "ǅǈǋᾈʰˠªº々ー",
    "\u0301\u0308\u094d\u093f\u0e31\u064b\u20dd\u0903\ufe0f",
    "\x00\x01\x1b\x1c\x1f\x7f\u200b\u200d\ufeff\u061c\u180e\U000e0001",
    "\U0001f600\U0001f468\U0001f44d\U0001f3fd\U0001f1e9\U0001f1ea\u2764",
    "\U00010400\U0001d400\U0001e900\U00020000\U0001d7ce\U00011f50",
]


def random_texts(count: int, seed: int) -> list[str]:
    """Strings of 0 to 40 characters: runs and mixtures out of some of the pools, or of any
    characters at all (surrogates are none), now and then a long run of one."""
    rng = random.Random(seed)
    everything = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    texts = []
    for _ in range(count):
        pools = rng.sample(POOLS, rng.randint(1, 3))
        parts = []
        for _ in range(rng.randint(0, 10)):
            way = rng.random()
            if way < 0.8:
                pool = rng.choice(pools)
                parts += [rng.choice(pool) for _ in range(rng.randint(1, 4))]
            elif way < 0.9:
                parts.append(rng.choice(everything))
            else:
                parts.append(rng.choice(rng.choice(POOLS)) * rng.randint(2, 12))
        if rng.random() < 0.003:
            parts.append(rng.choice(rng.choice(POOLS)) * rng.randint(200, 2000))
        texts.append("".join(parts))
    return texts


def class_texts(characters: list[str]) -> list[str]:
    """Texts from whose pre-tokens the class of each character can be read: it stands before and
    after small and capital letters, a number and an apostrophe, and after a space."""
    lines = [f"{c}a{c}A{c}1 {c}.'{c}\n" for c in characters]
    return ["".join(lines[start : start + 256]) for start in range(0, len(lines), 256)]
