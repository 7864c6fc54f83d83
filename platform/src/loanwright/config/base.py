"""The ground rules of every declared section: frozen, strict, no unknown keys, exact scalars."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
    WithJsonSchema,
)

_DURATION = re.compile(r"^(\d+)\s*(s|m|h|d|w)$")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class Section(BaseModel):
    """A part of a declaration. KFP hands it over as a protobuf Struct, so whole floats are ints."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _duration(value: Any) -> Any:
    value = _whole(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            f"{value!r} is not a duration: write whole seconds, or a number with s, m, h, d or w, "
            "as in '90d' (months and years have no fixed length and are refused)"
        )
    return int(match[1]) * _SECONDS[match[2]]


def parse_moment(value: str) -> datetime:
    """An RFC 3339 moment, or a plain day, as an aware UTC datetime.

    Raises:
        ValueError: the text is neither, or has a time of day without a zone.
    """
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is not an RFC 3339 time such as '2026-01-31T00:00:00Z'") from None
    if moment.tzinfo is None:
        if len(value) != len("2026-01-31"):
            raise ValueError(f"{value!r} names no time zone: write it in UTC, with a Z at its end")
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def _moment(value: Any) -> Any:
    return parse_moment(value) if isinstance(value, str) else value


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", value):
        raise ValueError(
            f"{value!r} is not a name: use lower-case letters, digits and _, starting with a letter, at most 63"
        )
    return value


Item = TypeVar("Item")
Name = Annotated[str, AfterValidator(_identifier)]
"""A name of ours: of a model, source, feature, gate."""
Whole = Annotated[int, BeforeValidator(_whole)]
Seconds = Annotated[
    int, BeforeValidator(_duration), Field(gt=0), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]})
]
"""A duration in seconds, written '90d', '12h' or as a whole number."""
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(lambda value: value.isoformat().replace("+00:00", "Z"), when_used="json"),
    WithJsonSchema({"type": "string"}),
]
"""An instant in UTC."""
Many = Annotated[tuple[Item, ...], Strict(False)]
"""A list, frozen."""
Fraction = Annotated[float, Field(gt=0, lt=1)]
