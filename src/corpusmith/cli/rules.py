"""`corpusmith rules`: list the rule sets, show one, fit one to a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from corpusmith.cli.main import AsJson, ProgressKind, Workers, app, show_json
from corpusmith.errors import UserError


class _Named(typer.core.TyperGroup):
    """`rules gopher` stands for `rules show gopher`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


rules = typer.Typer(
    cls=_Named,
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    short_help="List the rule sets, show one, fit one to a sample.",
)
app.add_typer(rules, name="rules")


@rules.callback()
def listed(ctx: typer.Context, json_: AsJson = False) -> None:
    """List the rule sets; `rules NAME` shows one, `rules fit SAMPLE` makes one for a language."""
    if ctx.invoked_subcommand is None:
        _list(json_)


@rules.command("list")
def list_(json_: AsJson = False) -> None:
    """List the rule sets."""
    _list(json_)


def _list(json_: bool) -> None:
    from corpusmith.clean.rules import load_rule_set, shipped
    from corpusmith.clean.rulesets import variants

    sets = [load_rule_set(n, Path()) for n in shipped()]
    rows: list[dict[str, Any]] = []
    for one in sets:
        languages = {value for rule in one.rules for value in rule.by.get("lang", {})}
        rows.append(
            {
                "name": one.name,
                "variant": one.variant,
                "variants": variants(one.name),
                "rules": len(one.rules),
                "languages": sorted(languages),
            }
        )
    if json_:
        show_json(rows)
        return
    from corpusmith.cli.tables import print_table

    head = ["rule set", "formulas of", "other variants", "rules", "languages of their own"]
    print_table(
        head,
        [
            [
                r["name"],
                r["variant"],
                ", ".join(r["variants"]),
                str(r["rules"]),
                str(len(r["languages"])),
            ]
            for r in rows
        ],
    )


@rules.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="a rule set, or a file of one")],
    json_: AsJson = False,
) -> None:
    """Show a rule set whole, with its thresholds and their sources; `rules NAME` does the same."""
    from corpusmith.clean.rules import load_rule_set
    from corpusmith.clean.rulesets import RULES_FOLDER, shipped

    found = load_rule_set(name, Path())
    if json_:
        show_json(found.model_dump(mode="json"))
        return
    path = RULES_FOLDER / f"{name}.yaml" if name in shipped() else Path(name)
    print(path.read_text(encoding="utf-8"), end="")


@rules.command()
def fit(
    sample: Annotated[
        Path,
        typer.Argument(
            metavar="SAMPLE",
            help="clean text of the language: a file or folder of JSON Lines, Parquet, text ...",
        ),
    ],
    language: Annotated[str, typer.Option("--language", help="its code as `lang` has it: sw, ckb")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="default: LANGUAGE.yaml")
    ] = None,
    read: Annotated[
        str | None, typer.Option("--read", metavar="READER", help="default: by the file's name")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="FIELD", help="of the text in a record")
    ] = None,
    method: Annotated[str, typer.Option("--method", metavar="tail|mean_std")] = "tail",
    tail: Annotated[
        float, typer.Option("--tail", min=0.001, max=0.5, help="share that a bound cuts off")
    ] = 0.02,
    std: Annotated[
        float, typer.Option("--std", min=0.5, max=10.0, help="standard deviations (mean_std)")
    ] = 2.0,
    force: Annotated[bool, typer.Option("--force", help="overwrite FILE")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show, write nothing")] = False,
    workers: Workers = None,
    progress: ProgressKind = "auto",
    json_: AsJson = False,
) -> None:
    """Derive a rule set for a language from a clean sample, show it, and write its file.

    The sample runs through normalize, language, quality and repetition (`words: segmented`); each
    bound cuts off a tail of it (FineWeb-2's "10Tail" is --tail 0.1) or stands so many standard
    deviations from the mean. `keep: ./LANGUAGE.yaml` takes the file.
    """
    from corpusmith.clean import rulefit
    from corpusmith.errors import nearest

    if method not in ("tail", "mean_std"):
        raise UserError(f"--method {method}", expected=nearest(method, ["tail", "mean_std"]))
    if not language.replace("-", "").isalnum() or not language.isascii():
        raise UserError(f"--language {language!r} is no code", expected="letters, such as sw")
    target = out or Path(f"{language}.yaml")
    if target.exists() and not force and not dry_run:
        raise UserError(
            f"{target} is there already", hint="--force overwrites it, --out names another"
        )
    signals, digest = _measured(sample, read, text, workers, progress)
    found, kept = rulefit.fit(signals, language, method=method, tail=tail, std=std)  # type: ignore[arg-type]
    rows = int(rulefit.rows_of(signals, language))
    how = f"quantiles at {tail:g}" if method == "tail" else f"mean and {std:g} standard deviations"
    comment = [
        f"Fitted by `corpusmith rules fit` for language {language}: {how}.",
        f"Sample: {rows:,} documents of {sample.name}, SHA-256 of its texts {digest}.",
        f"All rules together keep {100 * kept:.1f} % of it. Measure with",
        "  - language",
        "  - measure: [{quality: {words: segmented}}, {repetition: {words: segmented}}]",
    ]
    source = f"rules fit on {rows} documents, {method}; methods of https://arxiv.org/abs/2506.20920"
    file = rulefit.rule_file(found, language, comment, source)
    if not dry_run:
        _write(target, file)
    if json_:
        show_json(
            {
                "language": language,
                "documents": rows,
                "kept": round(kept, 4),
                "rules": [vars(rule) for rule in found],
                "written": None if dry_run else str(target),
            }
        )
        return
    from corpusmith.cli.tables import print_table

    print(f"{rows:,} documents in {language}; {how}:")
    print_table(
        ["rule", "passes", "median", "low", "high", "drops"],
        [
            [
                rule.name,
                rule.range,
                f"{rule.median:.4g}",
                f"{rule.tail_low:.4g}",
                f"{rule.tail_high:.4g}",
                f"{100 * rule.dropped:.1f} %",
            ]
            for rule in found
        ],
        numbers=(2, 3, 4, 5),
    )
    print(f"all rules together keep {100 * kept:.1f} % of the sample")
    if not dry_run:
        print(
            f"wrote {target}\nnext: in a recipe, behind the measures in its head:  keep: ./{target}"
        )


def _measured(
    sample: Path, read: str | None, text: str | None, workers: int | None, progress: str
) -> tuple[Any, str]:
    """The signals of the sample's documents, and the hash of their texts: by a run of a recipe in
    a folder that goes again."""
    import hashlib
    import tempfile

    import pyarrow as pa

    from corpusmith import runner
    from corpusmith.clean import rulefit
    from corpusmith.cli.commands import listener

    source: dict[str, Any] = {"read": read or _reader_of(sample), "path": str(sample.resolve())}
    if text:
        source["text"] = text
    with tempfile.TemporaryDirectory(prefix="corpusmith-fit-") as folder:
        recipe = Path(folder) / "fit.yaml"
        _write(recipe, _recipe(source))
        hear = listener(progress)
        try:
            run = runner.run(recipe, workdir=Path(folder) / "run", workers=workers, listener=hear)
        finally:
            hear.close()
        table = run.signals().read_all().select([*rulefit.SIGNALS])
        digest = hashlib.sha256()
        for batch in run.documents():
            for value in batch.column("text").to_pylist():
                digest.update((value or "").encode() + b"\0")
    return pa.table(table), digest.hexdigest()


def _recipe(source: dict[str, Any]) -> str:
    import json

    return (
        f"corpusmith: 1\ncorpus: fit\nsources:\n  sample: {json.dumps(source)}\nclean:\n"
        "  - normalize\n  - language\n"
        "  - measure: [{quality: {words: segmented}}, {repetition: {words: segmented}}]\n"
    )


def _reader_of(sample: Path) -> str:
    """The reader whose extensions the sample's files have."""
    from corpusmith.collect.readers import READERS

    if not sample.exists():
        raise UserError(f"no sample {sample}", expected="a file or a folder of clean text")
    files = sorted(p for p in sample.rglob("*") if p.is_file()) if sample.is_dir() else [sample]
    for file in files[:1000]:
        for name, spec in READERS.items():
            if any(file.name.lower().endswith(extension) for extension in spec.extensions):
                return name
    raise UserError(
        f"can't tell how to read {sample}", expected="--read NAME", hint=", ".join(READERS)
    )


def _write(path: Path, text: str) -> None:
    from corpusmith.store.atomic import disk_errors

    with disk_errors(path):
        path.write_text(text, encoding="utf-8")
