"""From the list under `clean:` to the operations of the pass and the stages that decide.

Every per-document operation runs in one pass on every document; what decides comes after
it, from signals. So a rule may only read a signal of the text as it is at its place in the
list: one that an edit has made stale is an error here, before anything runs.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from corpusmith import catalog, schema
from corpusmith.clean.passes import FIXED_SIGNALS
from corpusmith.clean.rules import RuleSet, check_rule_set, load_rule_set
from corpusmith.errors import CorpusmithError, RecipeError, nearest
from corpusmith.loading import is_user_address, load_operation
from corpusmith.op import Operation
from corpusmith.recipe import Recipe, Where

DOCUMENT_SIGNALS = tuple(FIXED_SIGNALS.names)


@dataclasses.dataclass
class PassStep:
    """An edit or a measure; `columns` says where each of its signals is stored."""

    name: str
    address: str
    operation: Operation
    params: dict[str, Any]
    text_version: int
    where: Where
    columns: dict[str, str] = dataclasses.field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        # Thresholds that only the deciding stage reads must not make the pass run again.
        later = getattr(self.operation.params, "decide_only", ())
        return {
            "op": self.address,
            "version": self.operation.version,
            "params": {k: v for k, v in self.params.items() if k not in later},
            "step": self.name,
            "text_version": self.text_version,
            "columns": self.columns,
        }

    def schema(self) -> pa.Schema:
        """The columns that it adds with its parameters."""
        model = self.operation.params
        return self.operation.schema(model.model_validate(self.params) if model else None)

    def signals(self) -> list[str]:
        return [name for name in self.schema().names if name not in schema.DOCUMENT.names]


@dataclasses.dataclass
class DecideStep:
    """A step that makes documents leave. `reads` maps each signal to the step that measured it."""

    name: str
    kind: str  # decide, exact, near, decontaminate
    params: dict[str, Any]
    where: Where
    reads: dict[str, PassStep] = dataclasses.field(default_factory=dict)
    rules: RuleSet | None = None

    def columns(self) -> dict[str, str]:
        """Signal -> stored column."""
        return {signal: step.columns[signal] for signal, step in self.reads.items()}


@dataclasses.dataclass
class CleanSteps:
    passes: list[PassStep]
    decides: list[DecideStep]


class _Builder:
    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.passes: list[PassStep] = []
        self.decides: list[DecideStep] = []
        self.version = 0
        self.latest: dict[str, tuple[PassStep, int, bool]] = {}  # signal -> step, version, lasting
        self.names: set[str] = {"collect"}  # of steps by which documents may leave
        self.measures: set[str] = set()  # a measure and a rule set may both be called `code`

    def name(self, wanted: str, where: Where, given: str | None, *, measure: bool = False) -> str:
        names = self.measures if measure else self.names
        if given is not None:
            if given in names:
                raise self.recipe.error(
                    where, f"two steps are named {given!r}", expected="unique names"
                )
            names.add(given)
            return given
        name, number = wanted, 1
        while name in names:
            number += 1
            name = f"{wanted}_{number}"
        names.add(name)
        return name

    def operation(
        self, reference: Any, where: Where, kind: str | None, given: str | None = None
    ) -> PassStep:
        """Add one operation, named `reference` or {reference: params}."""
        text, raw = single(self.recipe, reference, where)
        address = self._address(text, where, kind)
        operation = load_checked(self.recipe, address, where)
        if kind is not None and operation.kind != kind:
            raise self.recipe.error(
                where,
                f"{text!r} is an operation of kind {operation.kind!r}",
                expected=f"write `{operation.kind}: {text}`",
            )
        inner = (*where, text) if isinstance(reference, dict) else where
        params = validate(self.recipe, operation.params, raw, inner, f"operation {text!r}")
        self._check_needs(operation, text, where)
        step = PassStep(
            name=self.name(operation.name, where, given, measure=operation.kind == "measure"),
            address=address,
            operation=operation,
            params=params,
            text_version=self.version,
            where=where,
        )
        self.passes.append(step)
        if operation.kind == "edit":
            self.version += 1
        for signal in step.signals():
            # What an edit says of itself stays true after later edits.
            self.latest[signal] = (step, self.version, operation.kind == "edit")
        if operation.kind == "edit":
            emptied = {"steps": [{"step": step.name, "emptied": True}]}
            self.decides.append(DecideStep(step.name, "decide", emptied, where))
        return step

    def _address(self, text: str, where: Where, kind: str | None) -> str:
        if is_user_address(text):
            path, _, function = text.rpartition(":")
            return f"{(self.recipe.folder / path).resolve()}:{function}"
        if text not in catalog.OPERATIONS:
            known = [n for n, e in catalog.OPERATIONS.items() if kind in (None, e.kind)]
            raise self.recipe.error(
                where,
                f"no operation {text!r}",
                expected=nearest(text, known),
                hint="an operation of your own is ./FILE.py:FUNCTION",
            )
        return catalog.OPERATIONS[text].address

    def _check_needs(self, operation: Operation, text: str, where: Where) -> None:
        for need in operation.needs:
            if need not in schema.DOCUMENT.names and need not in self.latest:
                raise self.recipe.error(
                    where,
                    f"operation {text!r} needs the column {need!r}",
                    expected=f"a step before it that measures {need!r}",
                )

    def reads(self, signals: list[str], where: Where, of: str, what: str) -> dict[str, PassStep]:
        found = {}
        for signal in signals:
            if signal in DOCUMENT_SIGNALS:
                continue
            if signal not in self.latest:
                known = [*self.latest, *DOCUMENT_SIGNALS]
                raise self.recipe.error(
                    where,
                    f"{what} needs the signal {signal!r}, which no step before it measures",
                    expected=nearest(signal, known),
                    hint=_who_measures(signal),
                )
            step, version, lasting = self.latest[signal]
            if version != self.version and not lasting and of != "before":
                raise self.recipe.error(
                    where,
                    f"{what} reads {signal!r}, measured by step {step.name!r} before a later "
                    "step rewrote the text",
                    expected=f"`- measure: [{step.operation.name}]` again before it, "
                    "or `of: before` to mean the older text",
                )
            found[signal] = step
        return found

    # --- one item of the list ------------------------------------------------------------

    def add(self, item: Any, where: Where) -> None:
        if isinstance(item, str):
            if item in catalog.SHORT_STEPS or is_user_address(item):
                self.operation(item, where, None)
                return
            known = [*catalog.SHORT_STEPS, *catalog.STEP_KEYS]
            entry = catalog.OPERATIONS.get(item)
            hint = f"- {entry.kind}: {item}" if entry else ""
            raise self.recipe.error(
                where, f"no step {item!r}", expected=nearest(item, known), hint=hint
            )
        if not isinstance(item, dict) or not item:
            raise self.recipe.error(where, f"{item!r} is no step", expected="- keep: gopher, ...")
        keys = [key for key in item if key != "name"]
        for key in keys:
            if key not in catalog.STEP_KEYS:
                if key in catalog.SHORT_STEPS and len(keys) == 1:
                    self.operation({key: item[key]}, where, None, self._given(item, where))
                    return
                raise self.recipe.error(
                    (*where, key), f"no step {key!r}", expected=nearest(key, catalog.STEP_KEYS)
                )
        if len(keys) != 1:
            raise self.recipe.error(
                where, f"a step with {len(keys)} keys: {keys}", expected="one step an item"
            )
        key = keys[0]
        getattr(self, f"_{key}")(item[key], (*where, key), self._given(item, where))

    def _given(self, item: dict[str, Any], where: Where) -> str | None:
        name = item.get("name")
        if name is not None and not isinstance(name, str):
            raise self.recipe.error((*where, "name"), f"name: {name!r}", expected="a text")
        return name

    def _measure(self, value: Any, where: Where, given: str | None) -> None:
        listed = value if isinstance(value, list) else [value]
        for index, reference in enumerate(listed):
            place = (*where, index) if isinstance(value, list) else where
            self.operation(reference, place, "measure", given)

    def _edit(self, value: Any, where: Where, given: str | None) -> None:
        listed = value if isinstance(value, list) else [value]
        for index, reference in enumerate(listed):
            place = (*where, index) if isinstance(value, list) else where
            self.operation(reference, place, "edit", given)

    def _pii(self, value: Any, where: Where, given: str | None) -> None:
        params = {"action": value} if isinstance(value, str) else value
        self.operation({"pii": params}, where, "edit", given)

    def _keep(self, value: Any, where: Where, given: str | None) -> None:
        rules = load_rule_set(
            value,
            self.recipe.folder,
            where=lambda keys: self.recipe.position((*where, *keys)),
        )
        step = self.name(rules.name, where, given)
        reads = self.reads(rules.signals(), where, rules.of, f"rule set {rules.name!r}")
        try:
            check_rule_set(rules, self._types(rules.signals(), reads))
        except RecipeError as error:
            raise self.recipe.error(where, error.what, expected=error.expected) from error
        params = {"steps": [{"step": step, "rules": rules.model_dump(mode="json")}]}
        self.decides.append(DecideStep(step, "decide", params, where, reads, rules))

    def _types(self, signals: list[str], reads: dict[str, PassStep]) -> dict[str, pa.DataType]:
        """The Arrow type of each signal that a rule set reads."""
        found: dict[str, pa.DataType] = {}
        for signal in signals:
            if signal in reads:
                found[signal] = reads[signal].schema().field(signal).type
            else:
                found[signal] = FIXED_SIGNALS.field(signal).type
        return found

    def _decide(self, value: Any, where: Where, given: str | None) -> None:
        """A user's operation of kind decide; it sees signals, never text."""
        text, raw = single(self.recipe, value, where)
        operation = load_checked(self.recipe, self._address(text, where, "decide"), where)
        if operation.kind != "decide":
            raise self.recipe.error(
                where, f"{text!r} is an operation of kind {operation.kind!r}", expected="decide"
            )
        params = validate(self.recipe, operation.params, raw, where, f"operation {text!r}")
        step = self.name(operation.name, where, given)
        reads = self.reads(
            [n for n in operation.needs if n != "text"], where, "", f"operation {text!r}"
        )
        address = self._address(text, where, "decide")
        steps = {"steps": [{"step": step, "op": address, "params": params}]}
        self.decides.append(DecideStep(step, "decide", steps, where, reads))

    def _dedup(self, value: Any, where: Where, given: str | None) -> None:
        text, raw = single(self.recipe, value, where)
        if text not in catalog.DEDUP:
            raise self.recipe.error(
                where, f"no dedup {text!r}", expected=nearest(text, catalog.DEDUP)
            )
        operation, _ = catalog.DEDUP[text]
        name = self.name(text, where, given)
        measured = self.operation({operation: raw}, where, "measure", None)
        reads = dict.fromkeys(measured.signals(), measured)
        params = {"step": name, **measured.params}
        self.decides.append(DecideStep(name, text, params, where, reads))

    def _decontaminate(self, value: Any, where: Where, given: str | None) -> None:
        name = self.name("decontaminate", where, given)
        measured = self.operation({"contamination": value}, where, "measure", f"{name}_ngrams")
        reads = dict.fromkeys(measured.signals(), measured)
        params = {"step": name, **measured.params}
        self.decides.append(DecideStep(name, "decontaminate", params, where, reads))

    def finish(self) -> CleanSteps:
        """Give columns their names: plain for a signal's last measurement, `@step` before."""
        last: dict[str, PassStep] = {}
        for step in self.passes:
            for signal in step.signals():
                last[signal] = step
        for step in self.passes:
            step.columns = {s: s if last[s] is step else f"{s}@{step.name}" for s in step.signals()}
        return CleanSteps(self.passes, self.decides)


def build(recipe: Recipe) -> CleanSteps:
    """The steps of `clean:`; RecipeError with line, column and nearest name for what is wrong."""
    builder = _Builder(recipe)
    emptied = {"steps": [{"step": "collect", "emptied": True}]}
    builder.decides.append(DecideStep("collect", "decide", emptied, ("clean",)))
    for index, item in enumerate(recipe.values.get("clean") or []):
        builder.add(item, ("clean", index))
    split = recipe.values.get("split")
    if split and "minhash" not in builder.latest:
        # The split keeps near-duplicates on one side, so it needs their signatures.
        builder.operation({"minhash": {"verify": "estimate"}}, ("split",), "measure")
    return builder.finish()


def load_checked(recipe: Recipe, address: str, where: Where) -> Operation:
    """The operation behind an address; RecipeError with its place in the recipe."""
    try:
        return load_operation(address)
    except CorpusmithError as error:
        raise recipe.error(where, error.what, expected=error.expected, hint=error.hint) from error


def single(recipe: Recipe, reference: Any, where: Where) -> tuple[str, Any]:
    """`name` or {name: params} -> name and params."""
    if isinstance(reference, str):
        return reference, {}
    if isinstance(reference, dict) and len(reference) == 1:
        [(name, params)] = reference.items()
        return name, params or {}
    raise recipe.error(where, f"{reference!r} names nothing", expected="a name, or {name: {...}}")


def validate(
    recipe: Recipe, model: type[BaseModel] | None, raw: Any, where: Where, what: str
) -> dict[str, Any]:
    """Parameters checked against their model, with defaults filled in."""
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise recipe.error(where, f"{what}: {raw!r}", expected="a mapping of parameters")
    if model is None:
        if raw:
            raise recipe.error(where, f"{what} takes no parameters", expected="its name alone")
        return {}
    try:
        return model.model_validate(raw).model_dump(mode="json")
    except ValidationError as error:
        raise _recipe_error(recipe, model, error, where, what) from error


def _recipe_error(
    recipe: Recipe, model: type[BaseModel], error: ValidationError, where: Where, what: str
) -> RecipeError:
    # An unknown key first: a misspelt one is also a missing one.
    found = error.errors()
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    place = (*where, *first["loc"])
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        return recipe.error(
            place, f"{what} has no key {key!r}", expected=nearest(key, model.model_fields)
        )
    if first["type"] == "missing":
        return recipe.error(where, f"{what} needs the key {first['loc'][-1]!r}")
    name = ".".join(str(p) for p in first["loc"])
    got = first.get("input")
    return recipe.error(place, f"{what}: {name}: {got!r}", expected=first["msg"])


def _who_measures(signal: str) -> str:
    for name, entry in catalog.OPERATIONS.items():
        try:
            operation = load_operation(entry.address)
            model = operation.params
            names = operation.schema(model() if model else None).names
        except Exception:
            continue
        if signal in names:
            return f"- {entry.kind}: {name}"
    return ""
