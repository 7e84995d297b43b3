"""Points in time as sources write them: ISO 8601, HTTP dates, seconds since 1970."""

from __future__ import annotations

import email.utils
import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(r"-?\d{9,19}(?:\.\d+)?")
_STAMP = re.compile(r"(?:19|20)\d{12}")  # of web archives
# A count since 1970 beyond these can only be of the next smaller unit (all are after 5000 AD).
_UNITS = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (1e20, 1e-9))


def parse_time(value: Any) -> datetime | None:
    """A time in UTC (naive ones are taken as UTC), or None where it is none.

    Numbers are seconds, milliseconds, microseconds or nanoseconds since 1970, by their size; the 14
    digits of web archives (20240229100000) are a date, where they are one.

    >>> parse_time("2024-02-29T12:00:00+02:00").isoformat()
    '2024-02-29T10:00:00+00:00'
    >>> parse_time(1700000000000) == parse_time(1700000000)
    True
    """
    try:
        if isinstance(value, datetime):
            return _utc(value)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return _epoch(value)
        if isinstance(value, str):
            return _text(value.strip())
    except (ValueError, OverflowError, TypeError):
        return None
    return None


def _text(value: str) -> datetime | None:
    if not value or len(value) > 64:
        return None
    if _DIGITS.fullmatch(value):
        return _epoch(float(value) if "." in value else int(value))
    try:
        return _utc(datetime.fromisoformat(value))
    except ValueError:
        pass
    if re.fullmatch(r"\d{4}-\d{2}", value):
        return datetime(int(value[:4]), int(value[5:]), 1, tzinfo=UTC)
    if "," in value or re.match(r"\w{3} ", value):
        return _utc(email.utils.parsedate_to_datetime(value))
    return None


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _epoch(value: int | float) -> datetime | None:
    if not math.isfinite(value) or abs(value) < 1e6:  # under 12 days: a year or a counter
        return None
    if isinstance(value, int) and _STAMP.fullmatch(str(value)):
        # As milliseconds it would be a time after 2570.
        return datetime.strptime(str(value), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    for bound, unit in _UNITS:
        if abs(value) < bound:
            micros = round(value * unit * 1e6) if isinstance(value, float) else _micros(value, unit)
            return _EPOCH + timedelta(microseconds=micros)
    return None


def _micros(value: int, unit: float) -> int:
    return value * int(unit * 1e6) if unit >= 1e-6 else value // 1000
