"""Makes src/corpusmith/kernels/words.xz, the word lists behind `words: segmented`.

    python -m tests.golden.make_words FOLDER

FOLDER has, unpacked, what nothing else of the project needs:

    jieba/dict.txt            jieba 0.42.1: Chinese words with frequencies
    janome/                   Janome 0.5.1: IPADIC's Japanese words, and its segmenter
    japanese/*.txt            Japanese text, to count words in (the Debian handbook, manpages-ja)
    words_th.txt, tnc_freq.txt, ttc_freq.txt     PyThaiNLP 5.4.0: Thai words, frequencies
    icudt.dat                 ICU 72.1: lists of Khmer, Lao and Burmese words without frequencies

A cost is -10 ln p, from 1 to 250.
"""

from __future__ import annotations

import lzma
import math
import re
import sys
from collections import Counter
from pathlib import Path

from corpusmith.kernels.scripts import han_variants
from tests.golden.icu_dictionary import words as icu_words

TARGET = Path(__file__).resolve().parents[2] / "src" / "corpusmith" / "kernels" / "words.xz"
HAN = re.compile("[\u3005-\u3007\u3400-\u9fff]+")
KATAKANA = re.compile("[\u30a1-\u30fc]+")
JAPANESE = re.compile("[\u3005-\u3007\u3041-\u309f\u30a1-\u30fc\u4e00-\u9fff]+")
WHOLE = {
    "这个", "那个", "这些", "那些", "一些", "这样", "那样", "这里", "那里", "这么", "那么", "每个",
    "各种", "各自", "各位", "哪里", "哪些", "各国", "各地", "一个", "一切",
}  # fmt: skip
FLAT = 100  # the cost of a word where frequencies are not known


def cost(share: float) -> int:
    return max(1, min(250, round(-10 * math.log(share))))


def chinese(folder: Path) -> dict[str, int]:
    """jieba's words of up to 5 characters that it counted 10 times or more, in simplified writing.

    Left out, as segmentation standards (PKU, CTB) cut them: compounds of two words of the list,
    idioms aside (环境保护), and numerals or demonstratives with their measure words (两本, 这家).
    """
    pairs = han_variants()["pairs"]
    simplify = {ord(old): new for old, new in zip(pairs[::2], pairs[1::2], strict=True)}
    counts: Counter[str] = Counter()
    kinds: dict[str, str] = {}
    for line in (folder / "jieba/dict.txt").read_text("utf-8").splitlines():
        word, count, kind = line.split(" ")
        if HAN.fullmatch(word):
            word = word.translate(simplify)
            counts[word] += int(count)
            kinds.setdefault(word, kind)
    total = counts.total()
    found = {}
    for word, count in counts.items():
        if len(word) > 5 or (len(word) > 1 and count < 10):
            continue
        kind = kinds[word]
        parts = ((word[:i], word[i:]) for i in range(2, len(word) - 1))
        if kind[0] not in "il" and any(counts[a] >= 50 <= counts[b] for a, b in parts):
            continue
        measured = len(word) in (2, 3) and word[0] in "一二三四五六七八九十百千万两几半这那哪每各"
        if kind in ("m", "r") and measured and word not in WHOLE:
            continue
        found[word] = cost(count / total)
    return found


def japanese(folder: Path) -> dict[str, int]:
    """IPADIC's words of up to 4 characters (Katakana: 8): four fifths of a word's probability is
    how often Janome finds it in the text, the rest is by its part of speech alone."""
    sys.path.insert(0, str(folder))
    from janome.tokenizer import Tokenizer

    tokenizer = Tokenizer(mmap=False)
    counts: Counter[str] = Counter()
    for path in sorted((folder / "japanese").glob("*.txt")):
        for run in JAPANESE.findall(path.read_text("utf-8")):
            if re.search("[\u3041-\u309f]", run):
                counts.update(tokenizer.tokenize(run, wakati=True))
    entries: dict[str, tuple[int, str]] = {}
    for _, surface, _, _, word_cost, kind, *_ in _entries(tokenizer):
        if surface not in entries or word_cost < entries[surface][0]:
            entries[surface] = (word_cost, kind)
    total = sum(count for word, count in counts.items() if JAPANESE.fullmatch(word))
    found = {}
    for word in {*counts, *entries}:
        foreign = KATAKANA.fullmatch(word)
        if not JAPANESE.fullmatch(word) or len(word) > (8 if foreign else 4):
            continue
        if foreign and len(word) == 1:
            continue
        count = counts[word]
        share = 0.8 * count / total if count > 1 or word in entries else 0.0
        if word in entries:
            share += 0.2 * math.exp(-_prior(word, entries[word][1]) / 10)
        if share and cost(share) <= 165:
            found[word] = cost(share)
    return found


def _entries(tokenizer):
    for number, entry in tokenizer.sys_dic.entries.items():
        yield (number, *entry)


def _prior(word: str, kind: str) -> float:
    """A cost by part of speech, for words that the text does not have."""
    first, second = kind.split(",")[:2]
    if HAN.search(word) or KATAKANA.fullmatch(word):
        if first in ("動詞", "形容詞") or len(word) == 1:
            return 125
        return 1000 if second == "固有名詞" else 140
    if first in ("助詞", "助動詞", "副詞", "接続詞", "連体詞", "感動詞"):
        return 140
    if first in ("動詞", "形容詞") and len(word) >= 2:
        return 140
    return 144 if len(word) == 1 or len(word) >= 3 else 1000


def thai(folder: Path) -> dict[str, int]:
    """PyThaiNLP's list; frequencies of the Thai National Corpus and the Thai Textbook Corpus."""
    counts: Counter[str] = Counter()
    for name in ("tnc_freq.txt", "ttc_freq.txt"):
        for line in (folder / name).read_text("utf-8-sig").splitlines():
            word, _, count = line.partition("\t")
            if count.isdigit():
                counts[word] += int(count)
    listed = (folder / "words_th.txt").read_text("utf-8-sig").split()
    listed = [word for word in listed if re.fullmatch("[\u0e00-\u0e7f]+", word)]
    total = sum(counts[word] for word in listed)
    return {word: cost((counts[word] + 0.5) / total) for word in listed}


def burmese(folder: Path) -> dict[str, int]:
    """ICU's list without verbs that have their ending သည် on them."""
    listed = set(icu_words(folder / "icudt.dat", "burmesedict"))
    end = "သည်"
    return {w: FLAT for w in listed if not (w.endswith(end) and w.removesuffix(end) in listed)}


def main() -> None:
    folder = Path(sys.argv[1])
    lists = {"zh": chinese(folder), "ja": japanese(folder), "th": thai(folder)}
    for name, dictionary in (("km", "khmerdict"), ("lo", "laodict")):
        lists[name] = dict.fromkeys(icu_words(folder / "icudt.dat", dictionary), FLAT)
    lists["my"] = burmese(folder)
    raw = b""
    for name, costs in lists.items():
        words = sorted(word for word in costs if word)
        letters = "".join(f"{word}\n" for word in words).encode()
        raw += f"{name} {len(letters)} {len(words)}\n".encode() + letters
        raw += bytes(costs[word] for word in words)
        print(name, f"{len(words):,} words")
    TARGET.write_bytes(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME))
    print(f"{TARGET.stat().st_size:,} bytes in {TARGET}")


if __name__ == "__main__":
    main()
