"""A rule set's thresholds hold for what it calls a word, and for nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from corpusmith.clean.rulesets import RuleSet, load_rule_set, shipped, variants
from corpusmith.clean.words import SEGMENTERS
from corpusmith.errors import RecipeError


def segmenter_error(
    rules: RuleSet, measured: Mapping[str, tuple[str, tuple[str, ...]]]
) -> RecipeError | None:
    """What is wrong where a signal was measured with other words than the rule set's.

    `measured`: signal -> the step that measured it, and what a rule set may call its segmenter
    (nothing where none takes part). A set without one, or with `none`, counts no words.
    """
    for signal, (step, segmenters) in measured.items():
        if rules.segmenter in ("", "none", *segmenters) or not segmenters:
            continue
        variant = f" (variant {rules.variant!r})" if rules.variant else ""
        words = next((w for w, names in SEGMENTERS.items() if rules.segmenter in names), None)
        return RecipeError(
            f"rule set {rules.name!r}{variant} takes its words from {rules.segmenter!r}, "
            f"step {step!r} measured {signal!r} with {segmenters[0]!r}",
            expected=f"`words: {words}` among the parameters of step {step!r}" if words else "",
            hint=_other_variant(rules.name, segmenters),
        )
    return None


def _other_variant(name: str, segmenters: tuple[str, ...]) -> str:
    """How to name a variant of a shipped set that reads what was measured."""
    if name not in shipped():
        return ""
    if load_rule_set(name, Path()).segmenter in segmenters:
        return f"or take the variant for these words, keep: {name}"
    for variant in variants(name):
        if load_rule_set({"set": name, "variant": variant}, Path()).segmenter in segmenters:
            return f"or take the variant for these words, keep: {{set: {name}, variant: {variant}}}"
    return ""
