"""Rules one document and one rule at a time, from the YAML forms; slow and obvious.

Shares nothing with corpusmith.clean: it reads ranges, rounds bounds and writes values itself.
"""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from typing import Any


def float32(value: float) -> float:
    """The nearest float32; past the largest one, infinity (IEEE 754), where `struct` refuses."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def satisfies(raw: Any, value: Any, kind: str) -> bool:
    """`raw` as in a rule set; `value` a Python value of `kind` int, float32, float64, bool, str."""
    null = "pass"
    if isinstance(raw, dict):
        null = raw.get("null", "pass")
        raw = raw["range"]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return null == "pass"
    if isinstance(raw, str) and ".." in raw:
        low, high = raw.split("..")
        fine = True
        if low:
            fine = fine and value >= bound(low, kind)
        if high:
            fine = fine and value <= bound(high, kind)
        return fine
    allowed = raw if isinstance(raw, list) else [raw]
    if kind in ("bool", "str"):
        return value in allowed
    return any(value == bound(str(item), kind) for item in allowed)


def bound(text: str, kind: str) -> Any:
    if kind == "int":
        return Decimal(text)
    return float32(float(text)) if kind == "float32" else float(text)


def decimal(value: Any, kind: str) -> str | None:
    """The shortest decimal that reads back as the same value of its type."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value) or math.isinf(value):
        return {True: "nan"}.get(math.isnan(value), "inf" if value > 0 else "-inf")
    same = float32 if kind == "float32" else float
    for digits in range(1, 18):
        text = f"{value:.{digits}g}"
        if same(float(text)) == value:
            break
    text = format(Decimal(text), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rule_for(rules: dict[str, Any], name: str, row: dict[str, Any]) -> Any:
    """What a document's rule says: the language's own, else the general one, else off."""
    table = rules.get("by_language", {}).get(row.get("lang") or "", {})
    return table.get(name, rules["where"].get(name, "off"))


def evaluate(
    rules: dict[str, Any], rows: list[dict[str, Any]], kinds: dict[str, str]
) -> list[tuple[str, str, str | None, list[str]]]:
    """(id, rule, value, also) of each document that fails, in order."""
    names = list(rules["where"])
    for table in rules.get("by_language", {}).values():
        names += [name for name in table if name not in names]
    found = []
    for row in rows:
        if rules.get("modality") and row["modality"] not in rules["modality"]:
            continue
        failed = []
        for name in names:
            raw = rule_for(rules, name, row)
            if raw != "off" and not satisfies(raw, row[name], kinds[name]):
                failed.append(name)
        if failed:
            first = failed[0]
            found.append((row["id"], first, decimal(row[first], kinds[first]), failed[1:]))
    return found
