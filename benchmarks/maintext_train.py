"""The weights of the main text engine: how `src/corpusmith/collect/maintext.json` is made.

    python -m benchmarks.maintext_train [--shared FOLDER] [--folds 5] [--halves 10] [--write]

Learns from news pages whose main text people marked (`articles`), from pages of our own making
(`madepages`, but for its layouts that are held out) and from pages of Debian's documentation
packages, whose layout says where the text is (`DOCUMENTATION`). A block is main text where half of
its runs of four words stand in the gold text; it weighs its share of the page's words, the page by
where it is from (`WEIGHT`). Two means of forests of small trees (gradient boosting, Friedman 2001,
by LightGBM's histograms), the second with the first one's answers for pages it did not learn from
(stacking). No text enters the file: it holds names of features, thresholds and values.

Without `--write` it reports: learned on random halves of the news pages, measured on the other
half beside trafilatura's fast mode on the same pages, and cross-validated over all, twice, by
`--folds`. Never learned from are held-out layouts and seeds over 5,000 of `madepages`, Debian's
reference in three languages, pydoc's pages and the pages in `tests/quality/pages`. Needs LightGBM
(extra `dev`) and lxml.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data, madepages
from benchmarks.madepages.score import spaced
from benchmarks.maintext import trafilatura_fast
from benchmarks.maintext_gold import TOKEN, Overlap, articles, overlap, precision_recall_f1
from corpusmith.collect import maintext
from corpusmith.kernels import htmlblocks

FEATURES = list(htmlblocks.FEATURES)
STACKED = [*FEATURES, *htmlblocks.STAGE_2]
BOOSTING = {
    "objective": "binary", "learning_rate": 0.12, "num_leaves": 8, "min_data_in_leaf": 20,
    "min_sum_hessian_in_leaf": 0.0, "lambda_l2": 5.0, "feature_fraction_bynode": 0.1, "max_bin": 63,
    "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbose": -1,
}  # fmt: skip
TREES = 60
INNER_FOLDS, SEEDS = 3, {"first": 3, "second": 5}
WEIGHT = {"news": 1.0, "made": 0.2, "documentation": 0.08}  # of a page
MADE_EACH = 7  # pages of a layout, one a language
PAGES_EACH, PAGE_BYTES = 8, (4_000, 80_000)
DOCUMENTATION: dict[str, tuple[str, tuple[str, ...]]] = {
    # package: where the text is, and what of that is not (XPath)
    "python3.11-doc": ("//div[@class='body']", ()),
    "cmake-doc": ("//div[@class='body']", ()),
    "python-django-doc": ("//div[@id='docs-content']|//div[@class='yui-g']", ()),
    "postgresql-doc-15": ("//body", ("//div[@class='navheader']", "//div[@class='navfooter']")),
    "git-doc": ("//body", ("//div[@id='footer']", "//div[@id='footnotes']")),
    "apache2-doc": (
        "//div[@id='page-content']",
        tuple(f"//div[@{a}]" for a in ("id='quickview'", "class='bottomlang'", "class='toplang'")),
    ),
    "debian-handbook": ("//body", ("//ul[@class='docnav']", "//p[@id='title']")),
    "sqlite3-doc": ("//body", ("//div[@class='nosearch']", "//div[@class='fancy_toc']")),
}  # fmt: skip


@dataclasses.dataclass
class Labelled:
    """A page to learn from: its features and which of its blocks are main text."""

    measured: maintext.Measured
    texts: list[str]
    labels: np.ndarray  # float64[b]: 1 main text
    weights: np.ndarray  # float64[b]
    page: bytes
    gold: str


def labelled(page: bytes, gold: str, weight: float = 1.0) -> Labelled:
    """Find the gold text among a page's blocks."""
    scan = maintext.scan_page(page)
    measured = maintext.measure_page(scan)
    texts = [bytes(scan.text[a:b]).decode("utf-8", "replace") for a, b in scan.blocks[:, :2]]
    words = [TOKEN.findall(spaced(text)) for text in texts]
    labels = label(words, TOKEN.findall(spaced(gold)))
    counts = np.array([len(w) for w in words], float)
    weights = (counts + 2) / float((counts + 2).sum()) * 100 * weight
    return Labelled(measured, texts, labels, weights, page, gold)


def label(words: list[list[str]], gold: list[str]) -> np.ndarray:
    """1 for blocks in the gold text. A block of under four words is in it where it continues the
    block before or is continued by the next one; of equal blocks the one among most others is."""
    grams = {tuple(gold[i : i + 4]) for i in range(len(gold) - 3)}
    joined = f" {' '.join(gold)} "
    share = np.array([_share(w, grams) for w in words])
    before: list[str] = []
    for i, w in enumerate(words):
        if w and len(w) < 4:
            after = next(
                (words[j] for j in range(i + 1, min(len(words), i + 6)) if share[j] >= 0.5), []
            )
            follows = before and f" {' '.join(before[-3:] + w)} " in joined
            leads = after and f" {' '.join(w + after[:3])} " in joined
            share[i] = 1.0 if follows or leads else 0.0
        if share[i] >= 0.5:
            before = w if len(w) >= 3 else before + w
    found = (share >= 0.5).astype(float)
    places = collections.defaultdict(list)
    for i in np.flatnonzero(found):
        if len(words[i]) >= 4:
            places[" ".join(words[i])].append(i)
    for text, at in places.items():
        if len(at) > joined.count(f" {text} "):
            around = [found[max(0, i - 4) : i + 5].sum() for i in at]
            kept = at[int(np.argmax(around))]
            found[[i for i in at if i != kept]] = 0
    return found


def _share(words: list[str], grams: set[tuple[str, ...]]) -> float:
    if len(words) < 4:
        return 0.0
    own = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    return sum(gram in grams for gram in own) / len(own)


def documentation(shared: Path) -> list[Labelled]:
    """Pages of the packages that are here, drawn evenly from each."""
    found = []
    for name, (inside, outside) in DOCUMENTATION.items():
        folder = data.package(name) or shared / "html" / name
        paths = [
            path
            for path in sorted(folder.rglob("*.html"))
            if path.is_file() and PAGE_BYTES[0] <= path.stat().st_size <= PAGE_BYTES[1]
        ]
        step = max(1, len(paths) // PAGES_EACH)
        for path in paths[step // 2 :: step][:PAGES_EACH]:
            page = path.read_bytes()
            if gold := gold_of(page, inside, outside):
                found.append(labelled(page, gold, WEIGHT["documentation"]))
        print(f"{name}: {len(paths)} pages to draw from", flush=True)
    return found


def made() -> list[Labelled]:
    """Pages of our own making, of the layouts that may be learned from."""
    layouts = madepages.to_learn_from()
    return [
        labelled(page.page, page.gold, WEIGHT["made"])
        for page in madepages.pages(MADE_EACH * len(layouts), layouts=layouts)
    ]


def gold_of(page: bytes, inside: str, outside: tuple[str, ...]) -> str:
    """The text of a page's content, as its layout marks it."""
    import lxml.html

    tree = lxml.html.fromstring(page)
    for path in ("//script", "//style", *outside):
        for element in tree.xpath(path):
            element.drop_tree()
    return "\n".join(" ".join(part.itertext()) for part in tree.xpath(inside))


# --- learning ----------------------------------------------------------------------------------


def fit(
    rows: np.ndarray, labels: np.ndarray, weights: np.ndarray, names: list[str], seeds: int
) -> dict[str, Any]:
    """A forest as the file holds it: the mean of those of so many draws of features."""
    import lightgbm

    forest = []
    known = lightgbm.Dataset(rows, labels, weight=weights, free_raw_data=False)
    for seed in range(seeds):
        learned = lightgbm.train({**BOOSTING, "seed": seed}, known, TREES).dump_model()
        forest += [_tree(tree["tree_structure"], names, seeds) for tree in learned["tree_info"]]
    return {"bias": 0.0, "trees": forest}


def _tree(node: Any, names: list[str], seeds: int) -> Any:
    if "leaf_value" in node:
        return round(node["leaf_value"] / seeds, 4)
    sides = (_tree(node[side], names, seeds) for side in ("left_child", "right_child"))
    return [names[node["split_feature"]], round(node["threshold"], 5), *sides]


def train(pages: list[Labelled]) -> dict[str, Any]:
    """Both forests. The second learns from what the first says of pages that it has not seen."""
    fold = np.random.RandomState(0).permutation(len(pages)) % INNER_FOLDS
    answers: list[np.ndarray] = [np.empty(0)] * len(pages)
    for held in range(INNER_FOLDS):
        forest = _fit_first([p for p, f in zip(pages, fold, strict=True) if f != held])
        for i in np.flatnonzero(fold == held):
            answers[i] = _answer(forest, pages[i].measured)
    stacked = [
        np.hstack([page.measured.features, maintext.look_around(page.measured, answer)])
        for page, answer in zip(pages, answers, strict=True)
    ]
    labels, weights = (
        np.concatenate([getattr(p, k) for p in pages]) for k in ("labels", "weights")
    )
    second = fit(np.concatenate(stacked), labels, weights, STACKED, SEEDS["second"])
    return {"first": _fit_first(pages), "second": second}


def _fit_first(pages: list[Labelled]) -> dict[str, Any]:
    rows = np.concatenate([page.measured.features for page in pages])
    labels, weights = (
        np.concatenate([getattr(p, k) for p in pages]) for k in ("labels", "weights")
    )
    return fit(rows, labels, weights, FEATURES, SEEDS["first"])


def _answer(forest: dict[str, Any], measured: maintext.Measured) -> np.ndarray:
    from corpusmith.kernels import htmltree

    arrays = maintext._forest(forest, FEATURES).arrays()
    answers = np.empty(len(measured.features), np.float32)
    htmltree.score(measured.features, np.empty((len(answers), 0), np.float32), *arrays, answers)
    return answers


# --- reporting ---------------------------------------------------------------------------------


def text_of(page: Labelled, model: maintext.Model) -> str:
    """What the engine gives for a page under this model."""
    scan = maintext.scan_page(page.page)
    measured = maintext.measure_page(scan)
    answers = maintext.judge(measured, model)
    return maintext.write(scan, measured, answers, maintext.threshold(measured, answers))


def measured_on(pages: list[Labelled], models: list[maintext.Model]) -> list[Overlap]:
    """models[i] is the one that has not seen pages[i]."""
    return [
        overlap(page.gold, text_of(page, model)) for page, model in zip(pages, models, strict=True)
    ]


def cross_validated(news: list[Labelled], more: list[Labelled], folds: int, seed: int) -> None:
    fold = np.random.RandomState(seed).permutation(len(news)) % folds
    models: list[Any] = [None] * len(news)
    for held in range(folds):
        known = [page for page, f in zip(news, fold, strict=True) if f != held]
        model = maintext.read_model(train([*known, *more]))
        for i in np.flatnonzero(fold == held):
            models[i] = model
    found = precision_recall_f1(measured_on(news, models))
    print(f"news, {folds} folds, draw {seed}: " + _figures(found), flush=True)


def halved(news: list[Labelled], more: list[Labelled], draws: int) -> None:
    """Of each draw both halves are learned from in turn; both engines on the same other half."""
    peer = [overlap(page.gold, trafilatura_fast(page.page)) for page in news]
    print("news, trafilatura: " + _figures(precision_recall_f1(peer)), flush=True)
    ours, ahead = [], []
    for draw in range(draws):
        order = np.random.RandomState(100 + draw).permutation(len(news))
        halves = np.sort(order[: len(news) // 2]), np.sort(order[len(news) // 2 :])
        for known, other in (halves, halves[::-1]):
            model = maintext.read_model(train([*(news[i] for i in known), *more]))
            found = measured_on([news[i] for i in other], [model] * len(other))
            ours.append(precision_recall_f1(found)[2])
            ahead.append(ours[-1] - precision_recall_f1([peer[i] for i in other])[2])
    if ours:
        print(
            f"news, {len(ours)} halves: F1 {np.mean(ours):.4f} (sd {np.std(ours):.4f}); over "
            f"trafilatura {np.mean(ahead):+.4f} (sd {np.std(ahead):.4f}, "
            f"{sum(a > 0 for a in ahead)} of {len(ahead)} ahead)",
            flush=True,
        )


def _figures(found: tuple[float, float, float]) -> str:
    return "precision {:.4f}, recall {:.4f}, F1 {:.4f}".format(*found)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--halves", type=int, default=10, help="draws of a half, both ways round")
    parser.add_argument("--write", action="store_true", help="learn from all and write the file")
    options = parser.parse_args()
    news = [labelled(page, gold) for page, gold in articles(options.shared)]
    more = [*made(), *documentation(options.shared)]
    print(f"{len(news)} news pages, {len(more)} made and of documentation", flush=True)
    if options.write:
        maintext.MODEL.write_text(as_text(train([*news, *more])), "utf-8")
        return
    for seed in (1, 2):
        cross_validated(news, more, options.folds, seed)
    halved(news, more, options.halves)


def as_text(model: dict[str, Any]) -> str:
    """The file: a tree a line."""
    about = (
        "Which blocks of a page are its main text: see collect/maintext.py. A tree is [feature, "
        "threshold, at most, over], a number is a leaf. Made by benchmarks/maintext_train.py."
    )
    lines = ["{", f'"about": {json.dumps(about)},']
    for name in ("first", "second"):
        trees = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in model[name]["trees"])
        lines += [
            f'"{name}": {{"bias": {model[name]["bias"]}, "trees": [',
            trees,
            "]}" + "," * (name == "first"),
        ]
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    main()
