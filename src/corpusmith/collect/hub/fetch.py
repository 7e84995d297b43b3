"""`read: hf`: a dataset of the Hugging Face Hub, or a folder laid out like one, as Parquet.

The libraries `huggingface_hub` and `datasets` find the revision's commit, the card, the
configuration and its files, and read their rows; each file of the dataset becomes one table. A
killed fetch goes on at the byte of the file that it was at, at the same commit; with `rows` files
are streamed instead, since only their beginnings are asked for. No code of a dataset is ever run:
files are read by the library's own readers of JSON, CSV, Parquet, Arrow and text, named here by
their endings.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpusmith.collect.hub.download import SCHEME, downloaded
from corpusmith.collect.hub.params import HubParams
from corpusmith.collect.licenses import spdx
from corpusmith.collect.records import language_code
from corpusmith.collect.world import Job
from corpusmith.errors import InputError
from corpusmith.store.atomic import HashedFile, read_json, write_json

BATCH_ROWS = 500
GROUP_BYTES = 8 << 20  # of Arrow data, in a row group
_FORMATS = {
    "parquet": "parquet",
    "json": "json",
    "jsonl": "json",
    "ndjson": "json",
    "csv": "csv",
    "tsv": "csv",
    "txt": "text",
    "arrow": "arrow",
}
_PACKED = ("gz", "zst", "bz2", "xz")


def fetch(params: HubParams, job: Job) -> dict[str, Any]:
    """{"dataset", "revision", "config", "license", "languages", "splits": {name: {...}}}"""
    import datasets

    datasets.disable_progress_bars()
    told = job.state / "dataset.json"
    if not told.exists():
        write_json(told, _described(params))
    found = read_json(told)
    done: dict[str, dict[str, int]] = {}
    total = sum(len(files) for files in found["files"].values())
    number = 0
    for split, files in found["files"].items():
        figures = {"files": 0, "rows": 0}
        for place in range(len(files)):
            left = None if params.rows is None else params.rows - figures["rows"]
            if left is not None and left <= 0:
                break
            target = job.data / f"{split}-{place:05d}.parquet"
            if not target.exists():
                share = number / total

                def tell(
                    got: int, size: int, share: float = share, name: str = target.stem
                ) -> None:
                    done_share = share + got / max(size, 1) / total
                    job.progress(done_share, f"{name}: {got / 1e6:.1f} of {size / 1e6:.1f} MB")

                with _at_hand(files[place], job.state / target.stem, params, tell) as file:
                    _copy(file, target, split, found, params, left)
            figures["rows"] += pq.ParquetFile(target).metadata.num_rows
            figures["files"] += 1
            number += 1
            job.progress(number / total, f"{number} of {total} files, {figures['rows']:,} rows")
        done[split] = figures
    kept = {key: found[key] for key in ("dataset", "revision", "config", "license", "languages")}
    warnings = []
    if not found["license"]:
        said = found["stated"] or "nothing"
        warnings.append(
            f"the card of {found['dataset']} states no licence that is known ({said}): say "
            "`license:` in the recipe where you know it"
        )
    return {**kept, "splits": done, "warnings": warnings}


# --- what there is ---------------------------------------------------------------------------


def _described(params: HubParams) -> dict[str, Any]:
    """The commit, the configuration, its files by split, and what the card says."""
    import datasets
    from huggingface_hub import DatasetCard, HfApi

    token = params.token or None
    name = params.dataset or Path(params.folder or "").name
    revision: str | None = None
    with _said(params):
        if params.dataset:
            info = HfApi(token=token).dataset_info(params.dataset, revision=params.revision)
            revision = info.sha
        elif not Path(params.folder or "").is_dir():
            raise InputError(f"there is no folder {params.folder}")
        builder = datasets.load_dataset_builder(
            params.dataset or params.folder, params.config, revision=revision, token=token
        )
        card: dict[str, Any] = {}
        readme = Path(params.folder or "") / "README.md"
        if params.dataset:
            card = info.card_data.to_dict() if info.card_data else {}
        elif readme.is_file():
            text = readme.read_text(encoding="utf-8", errors="replace")
            card = DatasetCard(text, ignore_metadata_errors=True).data.to_dict()
    found = builder.config.data_files or {}
    wanted = [params.split] if isinstance(params.split, str) else list(params.split)
    splits = {str(split): [str(file) for file in files] for split, files in found.items()}
    for split in wanted:
        if split not in splits:
            raise InputError(
                f"{name} has no split {split!r}",
                expected=", ".join(splits) or "data files that the library knows",
            )
    stated = card.get("license")
    said = [stated] if isinstance(stated, str) else [s for s in stated or () if isinstance(s, str)]
    ids = [spdx(each) for each in said]
    languages = card.get("language") or []
    codes = [languages] if isinstance(languages, str) else languages
    return {
        "dataset": name,
        "revision": revision,
        "config": builder.config.name if params.dataset or params.config else params.config,
        "files": {split: splits[split] for split in wanted},
        "license": " AND ".join(sorted({i for i in ids if i})) if ids and all(ids) else None,
        "stated": ", ".join(said),
        "languages": [code for code in map(language_code, codes) if code],
    }


@contextlib.contextmanager
def _said(params: HubParams, file: str = "") -> Iterator[None]:
    """Errors of the libraries as what can be done about them; of `file`, where it is one's."""
    from huggingface_hub import errors

    what = f"{params.dataset or params.folder}"
    what += f", {os.path.basename(file)}" if file else ""
    try:
        yield
    except errors.GatedRepoError as error:
        raise InputError(
            f"{what} is gated: its owners must let you in",
            hint="ask for access on its page, then `token: ${env:HF_TOKEN}` with a token that may "
            "read it",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise InputError(
            f"{what} has no revision {params.revision!r}", expected="a branch, a tag or a commit"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(
            f"there is no dataset {what} on the hub, or it is private",
            hint="check the id; of a private one `token: ${env:HF_TOKEN}`; of a folder `folder:`",
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise InputError(
            f"{what}: the hub is switched off by HF_HUB_OFFLINE",
            hint="unset it, or read a local copy with `folder:`",
        ) from error
    except InputError:
        raise
    except RuntimeError as error:
        raise InputError(
            f"{what}: {' '.join(str(error).split())[:300]}",
            expected="a dataset of data files: no code of a dataset is ever run",
            hint="many have a copy without code: `revision: refs/convert/parquet`",
        ) from error
    except (ValueError, FileNotFoundError) as error:
        sentence = " ".join(str(error).split())
        if "onfig" in sentence:
            raise InputError(
                f"{what}: {sentence[:400]}", expected="`config:` with one of its configurations"
            ) from error
        hint = (
            "with `read: jsonl` (csv, parquet) over a copy of the files, bad rows go to quarantine"
        )
        raise InputError(f"{what}: {sentence[:400]}", hint=hint if file else "") from error
    except Exception as error:  # of requests, httpx, fsspec, whichever the libraries stand on
        if isinstance(error, OSError) or "onnect" in type(error).__name__:
            raise InputError(
                f"{what}: the hub can't be reached: {type(error).__name__}: {error}"[:400],
                hint="check the network (HF_ENDPOINT, HTTPS_PROXY) and run the same command again, "
                "or read a local copy with `folder:`",
            ) from error
        raise InputError(f"{what}: {type(error).__name__}: {str(error)[:300]}") from error


# --- the rows ----------------------------------------------------------------------------------


@contextlib.contextmanager
def _at_hand(
    file: str, folder: Path, params: HubParams, told: Callable[[int, int], None]
) -> Iterator[str]:
    """A file of the hub as a local copy, where all of it is wanted; else as it is named."""
    if params.rows is not None or not file.startswith(SCHEME):
        yield file
        return
    with contextlib.ExitStack() as stack:
        with _said(params):
            path = stack.enter_context(downloaded(file, folder, params.token, told))
        yield path


def _copy(
    file: str, target: Path, split: str, found: dict[str, Any], params: HubParams, limit: int | None
) -> None:
    """The rows of one file as a table, whole or not at all."""
    out = HashedFile(target)
    writer: pq.ParquetWriter | None = None
    try:
        held: list[pa.Table] = []
        size = 0
        for table in _tables(file, params, limit):
            table = _with_origin(table, split, found)
            if writer is None:
                writer = pq.ParquetWriter(out, table.schema, compression="zstd")
            held.append(table)
            size += table.nbytes
            if size >= GROUP_BYTES:
                writer.write_table(pa.concat_tables(held))
                held, size = [], 0
        if writer is None:
            writer = pq.ParquetWriter(out, pa.schema([("text", pa.string())]))
        if held:
            writer.write_table(pa.concat_tables(held))
        writer.close()
        out.commit()
    except BaseException:
        out.discard()
        raise


def _tables(file: str, params: HubParams, limit: int | None) -> Iterator[pa.Table]:
    import datasets

    bare = file
    while bare.rpartition(".")[2].lower() in _PACKED:
        bare = bare.rpartition(".")[0]
    suffix = bare.rpartition(".")[2].lower()
    if suffix not in _FORMATS:
        raise InputError(
            f"{os.path.basename(file)}: rows of this format can't be read",
            expected=f"files that end in {', '.join('.' + s for s in _FORMATS)}",
        )
    if suffix == "parquet" and os.path.isfile(file) and not pq.read_metadata(file).num_rows:
        return  # the library (5.2) takes the size of its batches from the first row group
    more = {"sep": "\t"} if suffix == "tsv" else {}
    with _said(params, file):
        rows = datasets.load_dataset(
            _FORMATS[suffix],
            data_files={"all": [file]},
            split="all",
            streaming=True,
            token=params.token or None,
            **more,
        )
        if rows.features is not None:
            rows = rows.decode(False)  # pictures and sounds as the bytes that they are
        if limit is not None:
            rows = rows.take(limit)
        schema: pa.Schema | None = None
        for table in rows.with_format("arrow").iter(batch_size=BATCH_ROWS):
            schema = schema or table.schema.remove_metadata()
            yield _named(table, rows.features).cast(_named_schema(schema, rows.features))


def _labels(features: Any) -> dict[str, list[str]]:
    """Names of classes by column."""
    found = {name: getattr(f, "names", None) for name, f in (features or {}).items()}
    return {name: list(names) for name, names in found.items() if isinstance(names, list)}


def _named_schema(schema: pa.Schema, features: Any) -> pa.Schema:
    labels = _labels(features)
    kinds = [(f.name, pa.string() if f.name in labels else f.type) for f in schema]
    return pa.schema(kinds)


def _named(table: pa.Table, features: Any) -> pa.Table:
    """Classes by their names, which only the dataset knows."""
    for column, names in _labels(features).items():
        numbers = table.column(column).to_pylist()
        values = [names[n] if n is not None and 0 <= n < len(names) else None for n in numbers]
        place = table.schema.get_field_index(column)
        table = table.set_column(place, column, pa.array(values, pa.string()))
    return table.replace_schema_metadata(None)


def _with_origin(table: pa.Table, split: str, found: dict[str, Any]) -> pa.Table:
    """Where a row is from, and what the card says of all rows, where they don't say it."""
    more = {
        "hf_dataset": found["dataset"],
        "hf_revision": found["revision"],
        "hf_config": found["config"],
        "hf_split": split,
        "license": found["license"],
        "lang": found["languages"][0] if len(found["languages"]) == 1 else None,
    }
    for name, value in more.items():
        if value is not None and name not in table.column_names:
            table = table.append_column(name, pa.array([value] * len(table), pa.string()))
    return table
