"""Answers of the server as frozen dataclasses.

A field that this version of the package does not know is kept in `extra`, so
that a newer server never breaks an older script. Times are aware datetimes in
UTC; sizes are bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing itself from Python 3.11

__all__ = ["Value", "parse_time", "to_number"]

_FRACTION = re.compile(r"\.(\d+)")
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time, with any number of decimals, as an aware datetime in UTC."""
    text = _FRACTION.sub(lambda match: "." + match.group(1)[:6].ljust(6, "0"), text)
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def to_number(value: Any) -> float:
    """Read a metric's value: JSON has no NaN, so the server sends three of them as words."""
    return _WORDS[value] if isinstance(value, str) else float(value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Value:
    """What all answers share: made from JSON, unknown fields kept in `extra`."""

    extra: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Make the value from a JSON object; null counts as absent."""
        hints = _hints(cls)
        known = {
            name: _convert(hint, body[name])
            for name, hint in hints.items()
            if name != "extra" and body.get(name) is not None
        }
        return cls(**known, extra={key: value for key, value in body.items() if key not in hints})


@functools.cache
def _hints(cls: type[Value]) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _convert(hint: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert(arguments[0], value)
    if origin is dict:
        return {key: _convert(arguments[1], item) for key, item in value.items()}
    if origin is list:
        return [_convert(arguments[0], item) for item in value]
    if hint is datetime:
        return parse_time(value)
    if hint is float:
        return to_number(value)
    if isinstance(hint, type) and issubclass(hint, Value) and isinstance(value, Mapping):
        return hint.from_json(value)
    return value
