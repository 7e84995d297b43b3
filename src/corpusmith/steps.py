"""From the list under `clean:` to the operations of the pass and the stages that decide.

Every per-document operation runs in one pass on every document; what decides comes after
it, from signals. So a rule may only read a signal of the text as it is at its place in the
list: one that an edit has made stale is an error here, before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from corpusmith import catalog, schema
from corpusmith.clean.passes import FIXED_SIGNALS
from corpusmith.clean.rules import check_rule_set, load_rule_set
from corpusmith.clean.segmenters import segmenter_error
from corpusmith.errors import RecipeError, nearest
from corpusmith.loading import is_user_address, load_operation
from corpusmith.op import Operation
from corpusmith.recipe import Recipe, Where
from corpusmith.step_types import CleanSteps, DecideStep, PassStep, portable
from corpusmith.validate import load_checked, single, validate

DOCUMENT_SIGNALS = tuple(FIXED_SIGNALS.names)


class _Builder:
    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.passes: list[PassStep] = []
        self.decides: list[DecideStep] = []
        self.version = 0
        self.latest: dict[str, tuple[PassStep, int, bool]] = {}  # signal -> step, version, lasting
        self.names: set[str] = {"collect"}  # of steps by which documents may leave
        self.measures: set[str] = set()  # a measure and a rule set may both be called `code`
        self.rewriting: list[DecideStep] = []  # deciding steps that rewrite what the pass leaves

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
        self,
        reference: Any,
        where: Where,
        kind: str | None,
        given: str | None = None,
        below: Where | None = None,
        of_pass: bool = False,
    ) -> PassStep:
        """Add one operation, named `reference` or {reference: params}.

        `below`: where the parameters stand, if not under the name. `of_pass`: it means the text
        of the pass, whatever rewrote it since.
        """
        text, raw, place = single(self.recipe, reference, where)
        below = place if below is None else below
        if self.rewriting and not of_pass:
            item, later = _written(text, kind), self.rewriting[-1]
            raise self.recipe.error(
                where,
                f"`{item}` stands behind {later.name!r}, which rewrites what the pass over the "
                "text leaves",
                expected="every measure, edit, mask and other dedup before it",
                hint=f"move `- {item}` above `- dedup: {later.kind}`",
            )
        address = self._address(text, where, kind)
        operation = load_checked(self.recipe, address, where)
        if kind is not None and operation.kind != kind:
            raise self.recipe.error(
                where,
                f"{text!r} is an operation of kind {operation.kind!r}",
                expected=f"write `{operation.kind}: {text}`",
            )
        what = f"`{_STEPS_OF[text]}`" if text in _STEPS_OF else f"operation {text!r}"
        params = validate(self.recipe, operation.params, raw, below, what)
        self._check_needs(operation, text, where)
        step = PassStep(
            name=self.name(operation.name, where, given, measure=operation.kind == "measure"),
            address=address,
            operation=operation,
            params=params,
            text_version=self.version,
            where=below,
            public=self.recipe.public(params, below),
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

    def reads(
        self,
        signals: list[str],
        where: Where,
        of: str,
        what: str,
        places: Mapping[str, Where] = MappingProxyType({}),
    ) -> dict[str, PassStep]:
        """The step that measured each signal; `places`: where the recipe asks for one, if it does.

        Rule sets in files have no place in the recipe: there the step's own is named.
        """
        found = {}
        for signal in signals:
            if signal in DOCUMENT_SIGNALS:
                continue
            there = signal in places and places[signal] in self.recipe.positions
            place = places[signal] if there else where
            if signal not in self.latest:
                known = [*self.latest, *DOCUMENT_SIGNALS]
                raise self.recipe.error(
                    place,
                    f"{what} needs the signal {signal!r}, which no step before it measures",
                    expected=nearest(signal, known),
                    hint=_who_measures(signal),
                    key=there,
                )
            step, version, lasting = self.latest[signal]
            if self.rewriting and not lasting and of != "before":
                raise self.recipe.error(
                    place,
                    f"{what} reads {signal!r}, measured by step {step.name!r} before "
                    f"{self.rewriting[-1].name!r} rewrote the text",
                    expected="the rule before that step, or `of: before` to mean the older text",
                    key=there,
                )
            if version != self.version and not lasting and of != "before":
                raise self.recipe.error(
                    place,
                    f"{what} reads {signal!r}, measured by step {step.name!r} before a later "
                    "step rewrote the text",
                    expected=f"`- {_written(step.operation.name, 'measure')}` again before it, "
                    "or `of: before` to mean the older text",
                    key=there,
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
                    (*where, key),
                    f"no step {key!r}",
                    expected=nearest(key, (*catalog.STEP_KEYS, *catalog.SHORT_STEPS)),
                    key=True,
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
        self.operation({"pii": params}, where, "edit", given, where)

    def _keep(self, value: Any, where: Where, given: str | None) -> None:
        rules = load_rule_set(
            value,
            self.recipe.folder,
            where=lambda keys: self.recipe.position((*where, *keys)),
        )
        step = self.name(rules.name, where, given)
        places = {rule.signal: (*where, "where", rule.name) for rule in rules.rules}
        measured = {n: self.latest[n][0] for n in rules.signals() if n in self.latest}
        wrong = segmenter_error(rules, {n: (s.name, s.segmenters()) for n, s in measured.items()})
        if wrong is not None:
            raise self.recipe.error(where, wrong.what, expected=wrong.expected, hint=wrong.hint)
        reads = self.reads(rules.signals(), where, rules.of, f"rule set {rules.name!r}", places)
        for rule in rules.rules:
            alone = rules.model_copy(update={"rules": (rule,)})
            try:
                check_rule_set(alone, self._types(alone.signals(), reads))
            except RecipeError as error:
                place = places[rule.signal]
                raise self.recipe.error(place, error.what, expected=error.expected) from error
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
        text, raw, below = single(self.recipe, value, where)
        operation = load_checked(self.recipe, self._address(text, where, "decide"), where)
        if operation.kind != "decide":
            raise self.recipe.error(
                where, f"{text!r} is an operation of kind {operation.kind!r}", expected="decide"
            )
        params = validate(self.recipe, operation.params, raw, below, f"operation {text!r}")
        step = self.name(operation.name, where, given)
        reads = self.reads(
            [n for n in operation.needs if n != "text"], where, "", f"operation {text!r}"
        )
        address = self._address(text, where, "decide")
        steps = {"steps": [{"step": step, "op": address, "params": params}]}
        named = {"op": portable(address), "params": self.recipe.public(params, below)}
        public = {"steps": [{"step": step, **named}]}
        self.decides.append(DecideStep(step, "decide", steps, below, reads, public=public))

    def _dedup(self, value: Any, where: Where, given: str | None) -> None:
        text, raw, below = single(self.recipe, value, where)
        if text not in catalog.DEDUP:
            raise self.recipe.error(
                below,
                f"no dedup {text!r}",
                expected=nearest(text, catalog.DEDUP),
                key=below != where,
            )
        operation, _ = catalog.DEDUP[text]
        name = self.name(text, where, given)
        if text == "substring":
            self._substring(raw, where, below, name)
            return
        measured = self.operation({operation: raw}, where, "measure", None, below)
        reads = dict.fromkeys(measured.signals(), measured)
        params = {"step": name, **measured.params}
        self.decides.append(DecideStep(name, text, params, where, reads))

    def _substring(self, raw: Any, where: Where, below: Where, name: str) -> None:
        from corpusmith.dedup.substring import SubstringParams

        masking = [step for step in self.passes if step.operation.locate is not None]
        params = {
            "step": name,
            **validate(self.recipe, SubstringParams, raw, below, "dedup 'substring'"),
            "text_version": self.version + len(self.rewriting),
        }
        told = [{"op": step.address, "params": step.params} for step in masking]
        public = [{n: step.identity()[n] for n in ("op", "params")} for step in masking]
        step = DecideStep(
            name,
            "substring",
            {**params, "masking": told},
            where,
            public={**params, "masking": public},
        )
        self.rewriting.append(step)
        self.decides.append(step)

    def _decontaminate(self, value: Any, where: Where, given: str | None) -> None:
        name = self.name("decontaminate", where, given)
        measured = self.operation(
            {"contamination": value}, where, "measure", f"{name}_ngrams", where
        )
        reads = dict.fromkeys(measured.signals(), measured)
        params = {"step": name, **measured.params}
        public = {"step": name, **measured.identity()["params"]}
        self.decides.append(DecideStep(name, "decontaminate", params, where, reads, public=public))

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
    if split is not None and "minhash" not in builder.latest:
        # The split keeps near-duplicates on one side, so it needs their signatures.
        wanted = {"minhash": {"verify": "estimate"}}
        builder.operation(wanted, ("split",), "measure", of_pass=True)
    return builder.finish()


def _who_measures(signal: str) -> str:
    for name, entry in catalog.OPERATIONS.items():
        try:
            operation = load_operation(entry.address)
            model = operation.params
            names = operation.schema(model() if model else None).names
        except Exception:
            continue
        if signal in names:
            return f"- {_written(name, entry.kind)}"
    return ""


_STEPS_OF = {
    **{operation: f"dedup: {name}" for name, (operation, _) in catalog.DEDUP.items() if operation},
    "contamination": "decontaminate",
    "pii": "pii",
}
"""The key of a recipe behind which an operation works that nobody names."""


def _written(operation: str, kind: str | None) -> str:
    """An operation as the item of `clean:` that asks for it."""
    if operation in _STEPS_OF:
        return _STEPS_OF[operation]
    return operation if kind is None else f"{kind}: {operation}"
