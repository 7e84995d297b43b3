"""Jobs of Data-Juicer: its operators on a dataset read from JSON Lines, one process, no fusion
(its defaults). Its text filters that need a model or a word list from a hub are left out.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.peers.side import Job, serve, subset

FILTERS = (
    *("alphanumeric_filter", "average_line_length_filter", "character_repetition_filter"),
    *("maximum_line_length_filter", "special_characters_filter", "text_length_filter"),
    *("word_repetition_filter", "words_num_filter"),
)


class Operators(Job):
    """From a file to the documents kept. The dataset's caches lie in the scratch folder."""

    can_stop = False

    def load(self) -> int:
        os.environ["HF_DATASETS_CACHE"] = str(self.temporary / "cache")
        import datasets
        from data_juicer.core.data import NestedDataset
        from data_juicer.ops import base_op, load_ops
        from loguru import logger

        # It would install torch to empty the cache of a GPU that no operator here uses.
        base_op.free_models = lambda *_, **__: None
        logger.remove()
        datasets.disable_caching()
        datasets.disable_progress_bars()
        self.nested, self.load_ops, self.datasets = NestedDataset, load_ops, datasets
        self.load_ops(self.operators())  # imports
        with open(self.data, "rb") as file:
            return sum(1 for _ in file)

    def operators(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def prepare(self, count: int) -> None:
        folder = self.scratch()
        self.file = subset(self.data, count, folder / "documents.jsonl")

    def run(self, count: int, until: float) -> dict[str, Any]:
        found = self.datasets.load_dataset(
            "json", data_files=str(self.file), split="train", cache_dir=str(self.temporary / "c")
        )
        dataset = self.nested(found)
        for operator in self.load_ops(self.operators()):
            dataset = operator.run(dataset)
        return {"documents": count, "kept": len(dataset)}


class Filters(Operators):
    def operators(self) -> list[dict[str, Any]]:
        return [{name: {"num_proc": 1}} for name in FILTERS]


class Near(Operators):
    """The same shape as ours: 5 words, 14 bands of 8 rows; its default is 256 permutations."""

    def operators(self) -> list[dict[str, Any]]:
        shape = {"num_permutations": 112, "num_bands": 14, "num_rows_per_band": 8}
        given = {"tokenization": "space", "window_size": 5, "num_proc": 1, **shape}
        return [{"document_minhash_deduplicator": given}]


JOBS: dict[str, type[Job]] = {"filters": Filters, "near": Near}

if __name__ == "__main__":
    serve(JOBS, ("py-data-juicer",))
