"""One condition on one column: a range or a set of values, read from YAML, tested on Arrow.

    50..100000   ..0.1   0.8..          a range, both ends inclusive
    2015-01-01..2020-12-31              a range of dates, its last day included
    en   3   false                      equal to
    [en, zh]                            one of
    {range: 50.., null: drop}           the same, and a value that is missing fails

Bounds are decimals until the column's type is known and are then cast to it (DESIGN.md, "The
recipe"): the float32 nearest to 0.65 satisfies `0.65..`, although as a float64 it is
0.64999998. A whole-number column takes the whole numbers inside the range. A null passes
unless `null: drop`; NaN counts as null, since it says that nothing was measured.
"""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from corpusmith.errors import RecipeError

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
FORMS = "50..100000, ..0.1, 0.8.., a value, a list of values, or {range: 50.., null: drop}"
_INT64 = np.iinfo(np.int64)

Scalar = bool | str  # numbers and dates are kept as their text


class Condition(BaseModel):
    """What a value must be to pass. Either `values` is set, or it is a range.

    Numbers and dates are strings in one written form (`0.001`, `2015-01-01`), so that the JSON
    of equal conditions is equal and no bound passes through a float on its way.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: str | None = None
    max: str | None = None
    values: tuple[Scalar, ...] | None = None
    null: Literal["pass", "drop"] = "pass"

    def bounds_text(self) -> tuple[str | None, str | None]:
        """`min` and `max` of a decision; of a set of values both name all that is allowed."""
        if self.values is None:
            return self.min, self.max
        text = ", ".join(_text(value) for value in self.values)
        return text, text

    def __str__(self) -> str:
        if self.values is None:
            return f"{self.min or ''}..{self.max or ''}"
        return self.bounds_text()[0] or ""


def parse_condition(raw: Any, *, where: str = "", null: str = "pass") -> Condition:
    """The condition that a recipe or a rule set writes as `raw`; `null` is the set's default.

    Raises RecipeError with the allowed forms.
    """
    if isinstance(raw, Mapping):
        # YAML reads the bare key `null` as the value null.
        form = {("null" if key in (None, "None") else str(key)): v for key, v in raw.items()}
        unknown = sorted(set(form) - {"range", "null"})
        if unknown or "range" not in form:
            what = f"unknown key {unknown[0]!r} in a rule" if unknown else "a rule without a range"
            raise RecipeError(what, where=where, expected="{range: 50.., null: drop}")
        if form.get("null", null) not in ("pass", "drop"):
            raise RecipeError(
                f"null: {form['null']!r} is no choice", where=where, expected="null: pass or drop"
            )
        return parse_condition(form["range"], where=where, null=form.get("null", null))
    if isinstance(raw, str) and ".." in raw:
        return _parse_range(raw, where, null)
    items = list(raw) if isinstance(raw, (list, tuple)) else [raw]
    if not items:
        raise RecipeError("an empty list lets nothing pass", where=where, expected=FORMS)
    values = tuple(_parse_value(item, where) for item in items)
    return Condition(values=values, null=null)  # type: ignore[arg-type]


def _parse_range(raw: str, where: str, null: str) -> Condition:
    low, _, high = (part.strip() for part in raw.strip().partition(".."))
    bounds: list[str | None] = []
    for text in (low, high):
        if not text:
            bounds.append(None)
        elif NUMBER.fullmatch(text):
            if abs(Decimal(text)) > _LARGEST:
                raise RecipeError(
                    f"{text} in {raw!r} is larger than any signal can be",
                    where=where,
                    expected="a bound within ±1.7e308, or none",
                )
            bounds.append(_decimal_text(Decimal(text)))
        elif DATE.match(text) and _moment(text) is not None:
            bounds.append(text)
        else:
            raise RecipeError(
                f"{raw!r} is no range: {text!r} is neither a number nor a date",
                where=where,
                expected=FORMS,
            )
    if bounds == [None, None] and null != "drop":
        raise RecipeError(
            "the range '..' lets everything pass",
            where=where,
            expected=FORMS,
            hint="{range: .., null: drop} to require that there is a value",
        )
    given = [text for text in bounds if text is not None]
    dates = [bool(DATE.match(text)) for text in given]
    if len(given) == 2 and dates[0] != dates[1]:
        raise RecipeError(
            f"{raw!r} mixes a number and a date", where=where, expected="both ends of one kind"
        )
    if len(given) == 2 and _order(given[0], last=False) > _order(given[1], last=True):
        raise RecipeError(
            f"{raw!r} lets nothing pass: {given[0]} is more than {given[1]}",
            where=where,
            expected="the smaller bound first",
        )
    return Condition(min=bounds[0], max=bounds[1], null=null)  # type: ignore[arg-type]


_LARGEST = Decimal(sys.float_info.max)


def _order(text: str, *, last: bool) -> Any:
    return _moment(text, last=last) if DATE.match(text) else Decimal(text)


def _parse_value(raw: Any, where: str) -> Scalar:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, (int, float)):
        number = Decimal(repr(float(raw))) if isinstance(raw, float) else Decimal(int(raw))
        if number.is_finite():
            return _decimal_text(number)
    if isinstance(raw, (datetime.datetime, datetime.date)):
        return raw.isoformat()
    if isinstance(raw, str):
        return str(raw)
    raise RecipeError(f"{raw!r} is no value of a rule", where=where, expected=FORMS)


def _decimal_text(number: Decimal) -> str:
    """1e-3 -> '0.001', 5E1 -> '50', 0.10 -> '0.1': one text for one number."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "+0", "") else text


def _moment(text: str, *, last: bool = False) -> datetime.datetime | None:
    """The UTC time that `text` names: of a bare date its first, or its `last`, microsecond."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if last and DATE.fullmatch(text):
        moment = moment.replace(hour=23, minute=59, second=59, microsecond=999999)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _text(value: Scalar) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else value


# --- testing a column --------------------------------------------------------------------


class Column:
    """A column made ready for conditions: `values` (numpy or Arrow), `missing` (null or NaN)."""

    def __init__(self, name: str, column: pa.ChunkedArray | pa.Array) -> None:
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(array, pa.ChunkedArray):  # some types come back chunked when large
            array = pa.concat_arrays(array.chunks)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        self.name = name
        self.type = array.type
        self.array = array
        self.missing = _numpy(pc.is_null(array, nan_is_null=pa.types.is_floating(array.type)))

    def numbers(self) -> np.ndarray:
        """The values as numbers of their own type; what is missing is 0."""
        array = self.array
        if pa.types.is_timestamp(array.type):
            array = array.cast(pa.timestamp("us", tz="UTC"), safe=False).cast(pa.int64())
        if array.null_count:
            array = pc.fill_null(array, pa.scalar(0, array.type))
        values = _numpy(array)
        if values.dtype == np.uint64:  # numpy would compare uint64 with int64 as floats
            values = np.minimum(values, np.uint64(_INT64.max)).astype(np.int64)
        return values

    def fails(self, condition: Condition) -> np.ndarray:
        """bool[n]: True where a value does not satisfy `condition`."""
        self.check(condition)
        if pa.types.is_null(self.type):
            return self.missing & (condition.null == "drop")
        inside = self._one_of(condition) if condition.values is not None else self._range(condition)
        if condition.null == "drop":
            return self.missing | ~inside
        return ~(self.missing | inside)

    def text(self, rows: np.ndarray) -> pa.Array:
        """string[len(rows)]: the values at `rows` in decimal, or as they are; null stays null.

        Floats are the shortest decimal that reads back to the same value of their own type.
        """
        taken = self.array.take(pa.array(rows))
        if not pa.types.is_floating(self.type):
            return taken.cast(pa.string())
        text = taken.cast(pa.string())
        exponents = _numpy(pc.fill_null(pc.match_substring(text, "e"), False))
        if not exponents.any():
            return text
        values = text.to_pylist()
        for row in np.flatnonzero(exponents):
            value = taken[int(row)].as_py()
            kind = self.type.to_pandas_dtype()
            values[row] = np.format_float_positional(kind(value), unique=True, trim="-")
        return pa.array(values, pa.string())

    def check(self, condition: Condition) -> None:
        """Raise RecipeError unless `condition` can be tested on a column of this type."""
        check_type(self.name, self.type, condition)

    def _range(self, condition: Condition) -> np.ndarray:
        inside = np.ones(len(self.array), dtype=bool)
        if condition.min is None and condition.max is None:
            return inside
        values = self.numbers()
        if condition.min is not None:
            low = cast_bound(condition.min, self.type, last=False)
            inside &= values >= low if low is not None else False
        if condition.max is not None:
            high = cast_bound(condition.max, self.type, last=True)
            inside &= values <= high if high is not None else False
        return inside

    def _one_of(self, condition: Condition) -> np.ndarray:
        assert condition.values is not None
        kind = self.type
        if pa.types.is_boolean(kind) or _is_text(kind):
            allowed = pa.array(condition.values, kind)
            return _numpy(pc.is_in(self.array, value_set=allowed))
        inside = np.zeros(len(self.array), dtype=bool)
        values = self.numbers()
        for value in condition.values:
            assert isinstance(value, str)
            low = cast_bound(value, kind, last=False)
            high = cast_bound(value, kind, last=True)
            if low is not None and high is not None:
                inside |= (values >= low) & (values <= high)
        return inside


def check_type(name: str, kind: pa.DataType, condition: Condition) -> None:
    """Raise RecipeError unless `condition` makes sense for a signal `name` of type `kind`."""
    if pa.types.is_null(kind):  # a column without any value has no type to disagree with
        return
    given = condition.values
    if given is None:
        given = tuple(text for text in (condition.min, condition.max) if text is not None)
        if given and (pa.types.is_boolean(kind) or _is_text(kind)):
            expected = "true or false" if pa.types.is_boolean(kind) else "a value or a list"
            raise RecipeError(
                f"{name} is {kind}: the range {condition} can't be tested on it", expected=expected
            )
    for value in given:
        if isinstance(value, bool):
            fine, expected = pa.types.is_boolean(kind), "true or false only for a bool"
        elif _is_text(kind):
            fine, expected = True, ""
        elif pa.types.is_timestamp(kind):
            fine, expected = _moment(value) is not None, "a date such as 2015-01-01"
        elif pa.types.is_floating(kind):
            fine, expected = bool(NUMBER.fullmatch(value)), "numbers"
        elif pa.types.is_integer(kind):
            fine, expected = bool(NUMBER.fullmatch(value)), "whole numbers"
            if fine and condition.values is not None:  # 0.5 as a bound is fine, as a value never
                fine = Decimal(value) == Decimal(value).to_integral_value()
        else:
            fine, expected = False, "a signal that is a number, a bool, a string or a time"
        if not fine:
            raise RecipeError(
                f"{name} is {kind}: {_text(value)!r} can't be compared with it", expected=expected
            )


def cast_bound(text: str, kind: pa.DataType, *, last: bool) -> Any:
    """The bound as a number of the signal's type; None where no value of that type satisfies it.

    Upper bounds (`last`) of whole numbers are rounded down, lower bounds up.
    """
    if pa.types.is_timestamp(kind):
        moment = _moment(text, last=last)
        assert moment is not None
        since = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        return np.int64(since // datetime.timedelta(microseconds=1))
    if pa.types.is_floating(kind):
        with np.errstate(over="ignore"):
            return kind.to_pandas_dtype()(float(text))
    number = Decimal(text)
    whole = int(number.to_integral_value(rounding="ROUND_FLOOR" if last else "ROUND_CEILING"))
    if last:
        return None if whole < _INT64.min else np.int64(min(whole, _INT64.max))
    return None if whole > _INT64.max else np.int64(max(whole, _INT64.min))


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _numpy(array: pa.Array) -> np.ndarray:
    return array.to_numpy(zero_copy_only=False)
