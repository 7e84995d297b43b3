"""Rule sets as data: named rules, each a condition on one signal, read from YAML.

    name: gopher                       # the set's name, and by default the step's
    variant: datatrove                 # whose formulas the signals follow
    source: https://arxiv.org/abs/2112.11446, table A1
    segmenter: unicode_words           # what a word is, where a threshold counts words
    modality: [text]                   # documents of other modalities are exempt
    where:                             # the rules, in the order in which they are tried
      words: 50..100000
      short_words: {signal: word_mean_chars, range: 3..}      # a rule named unlike its signal
    by_language:                       # other thresholds, or `off`, where `lang` is the key
      zh: {short_words: 1..}
    by: {column: code_language, values: {json: {words: off}}} # the same for another column
    variants:                          # changes to all of the above, chosen by `variant:`
      dclm: {instead: {words: words_dclm}, where: {hash_per_word: off}}

`by_language: off` in a change leaves one set of thresholds, that of `where`, for all languages.
A rule that is off in general and set for one language (stop words) holds there alone; a change
to `off` turns a rule off for every language. A key of a table names one value or several
(`zh, yue`); values are compared in lower case. `instead` puts a rule with all its thresholds
on another signal, which has another formula.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from corpusmith.clean import rulefiles
from corpusmith.clean.ranges import Condition, parse_condition
from corpusmith.clean.rulefiles import Keys, key_of
from corpusmith.errors import RecipeError, nearest

RULES_FOLDER = Path(__file__).resolve().parent.parent / "rules"
OFF = "off"
MODALITIES = ("text", "code", "image-text", "audio-text")
_CHANGE_KEYS = ["name", "doc", "source", "segmenter", "modality", "null", "of", "instead"]
_CHANGE_KEYS += ["where", "by_language", "by"]
_SET_KEYS = [*_CHANGE_KEYS, "variant", "variants"]
_STEP_KEYS = [*_CHANGE_KEYS, "variant", "set"]

Place = Callable[[Keys], str]
"""Where the value under these keys stands: `file:line:column`, or "" where nobody knows."""

KEY = ""  # behind other keys: the place of the last of these itself, not of its value


class Rule(BaseModel):
    """One named rule. `default` holds where no table has another condition for the document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    signal: str
    default: Condition | None = None  # None: off
    by: dict[str, dict[str, Condition | None]] = {}  # column -> value in lower case -> condition

    def conditions(self) -> list[Condition]:
        """Every condition that some document may meet."""
        tables = [c for values in self.by.values() for c in values.values()]
        return [condition for condition in [self.default, *tables] if condition is not None]


class RuleSet(BaseModel):
    """Rules in the order in which they are tried; JSON in, the same JSON out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    rules: tuple[Rule, ...]
    variant: str = ""
    source: str = ""
    segmenter: str = ""
    modality: tuple[str, ...] = ()  # () = documents of every modality
    of: Literal["latest", "before"] = "latest"  # "before": signals of an earlier text will do

    def signals(self) -> list[str]:
        """The columns that `evaluate` reads: signals, then those that choose thresholds."""
        active = [rule for rule in self.rules if rule.conditions()]
        names = [rule.signal for rule in active]
        names += [column for rule in active for column in rule.by]
        if self.modality:
            names.append("modality")
        return list(dict.fromkeys(names))

    def rule(self, name: str) -> Rule:
        """The rule with this name, else the first on this signal; RecipeError with the nearest."""
        for rule in [r for r in self.rules if r.name == name] + [
            r for r in self.rules if r.signal == name
        ]:
            return rule
        raise RecipeError(
            f"rule set {self.name!r} has no rule {name!r}",
            expected=nearest(name, [rule.name for rule in self.rules]),
        )


def shipped() -> list[str]:
    """Names of the rule sets that come with corpusmith."""
    return sorted(path.stem for path in RULES_FOLDER.glob("*.yaml"))


def variants(name: str, base_dir: Path = Path()) -> list[str]:
    """Names of a set's variants beside the one that it is by itself."""
    raw, _ = _open(name, base_dir, "")
    return sorted(raw.get("variants") or {})


def load_rule_set(
    raw: str | Mapping[str, Any], base_dir: Path, *, where: str | Place = ""
) -> RuleSet:
    """The rule set of a `keep:` step.

    `raw` is the name of a shipped set (`gopher`), a path to a YAML file relative to `base_dir`
    (`./mine.yaml`), or a mapping: {name, where, ...} for one written in place, {set, variant,
    where, ...} for a set with changes. `where` says where the step stands: `file:line:column`,
    or a function from the keys below `keep:` to that. Raises RecipeError naming file, line and
    column, and the nearest valid name.
    """
    place = where if callable(where) else _everywhere(where)
    if isinstance(raw, str):
        return _build(*_open(raw, base_dir, place(())), "", "")
    if not isinstance(raw, Mapping):
        raise RecipeError(
            f"{raw!r} is no rule set",
            where=place(()),
            expected="a name, a path to a YAML file, or {name: ours, where: {words: 50..}}",
        )
    raw = {key_of(key): value for key, value in raw.items()}
    _known_keys(raw, _STEP_KEYS, (), place)
    if "set" not in raw:
        if "variant" in raw and "where" not in raw:
            raise RecipeError(
                "a variant of which set?",
                where=place(("variant",)),
                expected="{set: gopher, variant: dclm}",
            )
        return _build(raw, place, "", "")
    file, file_place = _open(str(raw["set"]), base_dir, place(("set",)))
    base = _build(file, file_place, str(raw.get("variant", "")), place(("variant",)))
    null = _null(raw, (), place)
    if null is not None:
        base = _with_null(base, null)
    changes = {key: value for key, value in raw.items() if key not in ("set", "variant")}
    return _apply(base, changes, (), place, null or "pass")


def _open(name: str, base_dir: Path, where: str) -> tuple[dict[str, Any], Place]:
    """The mapping in a rule set's file, and where each of its keys stands."""
    is_path = "/" in name or name.endswith((".yaml", ".yml"))
    path = base_dir / name if is_path else RULES_FOLDER / f"{name}.yaml"
    if not is_path and name not in shipped():
        raise RecipeError(
            f"no rule set {name!r}",
            where=where,
            expected=nearest(name, shipped()),
            hint="corpusmith rules lists them; a set of your own is a path such as ./mine.yaml",
        )
    shown = name if is_path else f"rules/{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8-sig")
        plain, positions = rulefiles.read(text) if is_path else rulefiles.read_shipped(text)
    except OSError as error:
        raise RecipeError(
            f"can't read the rule set {name}: {error.strerror}", where=where
        ) from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"not UTF-8 at byte {error.start}", where=shown) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = f"{shown}:{mark.line + 1}:{mark.column + 1}" if mark else shown
        what = str(error.problem or error.context).split("\n")[0]
        raise RecipeError(f"not valid YAML: {what}", where=spot) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise RecipeError(f"not valid YAML: {error}", where=shown) from error

    def place(keys: Keys) -> str:
        while keys and keys not in positions:
            keys = keys[:-1]
        line, column = positions.get(keys, (1, 1))
        return f"{shown}:{line}:{column}"

    if not isinstance(plain, dict):
        raise RecipeError("a rule set is a mapping", where=place(()), expected="name:, where:")
    return plain, place


@functools.cache
def _everywhere(where: str) -> Place:
    return lambda keys: where


def _build(raw: Mapping[str, Any], place: Place, variant: str, asked: str) -> RuleSet:
    """The set in `raw`, changed to `variant` where one is named (`asked` for at that place)."""
    _known_keys(raw, _SET_KEYS, (), place)
    if not isinstance(raw.get("name"), str):
        raise RecipeError("a rule set without a name", where=place(()), expected="name: ours")
    null = _null(raw, (), place) or "pass"
    built = _apply(RuleSet(name=raw["name"], rules=()), raw, (), place, null)
    built = built.model_copy(update={"variant": str(raw.get("variant") or "")})
    if variant and variant != built.variant:
        known = _mapping(raw, "variants", (), place)
        if variant not in known:
            names = [*known, built.variant] if built.variant else [*known]
            raise RecipeError(
                f"rule set {built.name!r} has no variant {variant!r}",
                where=asked,
                expected=nearest(variant, names) if names else "no variant",
            )
        keys = ("variants", variant)
        changes = _mapping(known, variant, ("variants",), place)
        _known_keys(changes, _CHANGE_KEYS, keys, place)
        built = _apply(built, changes, keys, place, _null(changes, keys, place) or null)
        built = built.model_copy(update={"variant": variant})
    if not any(rule.conditions() for rule in built.rules):
        raise RecipeError(
            f"rule set {built.name!r} has no rule", where=place(()), expected="where: {words: 50..}"
        )
    return built


def _apply(
    base: RuleSet, changes: Mapping[str, Any], keys: Keys, place: Place, null: str
) -> RuleSet:
    """`base` with the changes of a mapping; rules that it lacks are added at the end."""
    rules = {rule.name: rule for rule in base.rules}
    for name, other in _mapping(changes, "instead", keys, place).items():
        if name not in rules:
            at = place((*keys, "instead", name, KEY))
            raise RecipeError(f"no rule {name!r}", where=at, expected=nearest(name, rules))
        moved = rules[name].model_copy(update={"name": str(other), "signal": str(other)})
        rules = {r.name: r for r in (moved if r.name == name else r for r in rules.values())}
    if changes.get("by_language") == OFF:
        for name, rule in rules.items():
            by = {column: table for column, table in rule.by.items() if column != "lang"}
            rules[name] = rule.model_copy(update={"by": by})
    for name, raw in _mapping(changes, "where", keys, place).items():
        rule = rules.get(name, Rule(name=name, signal=name))
        signal, condition = _rule(rule, raw, place((*keys, "where", name)), null)
        by = rule.by if condition is not None else {}  # `off` is off for every language
        rules[name] = Rule(name=name, signal=signal, default=condition, by=by)
    for column, values, below in _tables(changes, keys, place):
        for listed in values:
            for name, raw in _mapping(values, listed, below, place).items():
                rule = rules.get(name, Rule(name=name, signal=name))
                signal, condition = _rule(rule, raw, place((*below, listed, name)), null)
                by = {key: dict(table) for key, table in rule.by.items()}
                for value in listed.split(","):
                    by.setdefault(column, {})[value.strip().lower()] = condition
                rules[name] = Rule(name=name, signal=signal, default=rule.default, by=by)
    update: dict[str, Any] = {"rules": tuple(rules.values())}
    for key in ("name", "source", "segmenter", "of"):
        if changes.get(key) is not None:
            update[key] = str(changes[key])
    if update.get("of", "latest") not in ("latest", "before"):
        raise RecipeError(
            f"of: {update['of']!r} is no choice",
            where=place((*keys, "of")),
            expected="before: signals of an earlier text, measured before an edit",
        )
    if changes.get("modality") is not None:
        listed = changes["modality"]
        update["modality"] = (listed,) if isinstance(listed, str) else tuple(map(str, listed))
        for name in update["modality"]:
            if name not in MODALITIES:
                at = place((*keys, "modality"))
                raise RecipeError(
                    f"no modality {name!r}", where=at, expected=nearest(name, MODALITIES)
                )
    return base.model_copy(update=update)


def _tables(
    changes: Mapping[str, Any], keys: Keys, place: Place
) -> list[tuple[str, Mapping[str, Any], Keys]]:
    """(column, overrides by value, keys down to them) of `by_language:` and `by:`."""
    off = changes.get("by_language") == OFF
    languages = {} if off else _mapping(changes, "by_language", keys, place)
    found = [("lang", languages, (*keys, "by_language"))]
    table = _mapping(changes, "by", keys, place)
    if table:
        below = (*keys, "by")
        _known_keys(table, ["column", "values"], below, place)
        if not isinstance(table.get("column"), str):
            expected = "by: {column: code_language, values: {json: {words: off}}}"
            raise RecipeError("a table without its column", where=place(below), expected=expected)
        values = _mapping(table, "values", below, place)
        found.append((table["column"], values, (*below, "values")))
    return found


def _rule(rule: Rule, raw: Any, where: str, null: str) -> tuple[str, Condition | None]:
    """The signal and the condition of one line; None where it is `off`."""
    if isinstance(raw, str) and raw == OFF:
        return rule.signal, None
    signal = rule.signal
    if isinstance(raw, Mapping) and "signal" in raw:
        signal = str(raw["signal"])
        raw = {key: value for key, value in raw.items() if key != "signal"}
    return signal, parse_condition(raw, where=where, null=null)


def _null(raw: Mapping[str, Any], keys: Keys, place: Place) -> str | None:
    """What `null:` says for all rules of the mapping; None where it is not there."""
    value = raw.get("null")
    if value not in (None, "pass", "drop"):
        at = place((*keys, "null"))
        raise RecipeError(f"null: {value!r} is no choice", where=at, expected="pass or drop")
    return value


def _with_null(rule_set: RuleSet, null: str) -> RuleSet:
    def change(condition: Condition | None) -> Condition | None:
        return condition and condition.model_copy(update={"null": null})

    rules = []
    for rule in rule_set.rules:
        by = {c: {v: change(cond) for v, cond in t.items()} for c, t in rule.by.items()}
        rules.append(rule.model_copy(update={"default": change(rule.default), "by": by}))
    return rule_set.model_copy(update={"rules": tuple(rules)})


def _mapping(raw: Mapping[str, Any], key: str, keys: Keys, place: Place) -> Mapping[str, Any]:
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RecipeError(
            f"{key}: {value!r} is no mapping",
            where=place((*keys, key)),
            expected=f"{key}: {{words: 50..}}" if key == "where" else "keys and values",
        )
    return {str(name): item for name, item in value.items()}


def _known_keys(raw: Mapping[str, Any], known: list[str], keys: Keys, place: Place) -> None:
    for key in raw:
        if key not in known:
            raise RecipeError(
                f"unknown key {key!r} in a rule set",
                where=place((*keys, key, KEY)),
                expected=nearest(key, known),
                hint="conditions on signals stand under `where:`",
            )
