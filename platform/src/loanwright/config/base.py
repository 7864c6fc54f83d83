"""The ground rules of every declared section: frozen, strict, no unknown keys, exact scalars."""

from __future__ import annotations

import re
from collections.abc import Iterable
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

_DURATION = re.compile(r"([0-9]{1,12})\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_CENTURY = 36_525 * _SECONDS["d"]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(?P<zone>Z|[+-]\d\d:\d\d)?", re.ASCII)
_DAY_LENGTH = len("2026-01-31")
LONGEST_NAME = 63
"""Characters of a name of ours."""
_IDENTIFIER = rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}"


class Section(BaseModel):
    """A part of a declaration. KFP hands it over as a protobuf Struct, so whole floats are ints.

    The docstrings under the fields are what `config.schema` shows in editors. It reads them itself:
    pydantic's own reading of them costs every import a seventh of its time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def without_secret(text: str) -> str:
    """The text without what stands before its last `@`: in an address, that is a user and a password."""
    return f"…{text[text.rindex('@') :]}" if "@" in text else text


def repeated(names: Iterable[str]) -> str | None:
    """The first name that stands there a second time, or None."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def as_seconds(value: Any) -> Any:
    """A duration as it may be written, in seconds.

    Raises:
        ValueError: it is none, or longer than a century.
    """
    whole = _whole(value)
    if match := _DURATION.fullmatch(value) if isinstance(value, str) else None:
        seconds = int(match[1]) * _SECONDS[match[2]]
    elif isinstance(whole, int) and not isinstance(whole, bool):
        seconds = whole
    else:
        raise ValueError(
            f"{value!r} is not a duration: write whole seconds, or a number with s, m, h, d or w, "
            "as in '90d' (months and years have no fixed length and are refused)"
        )
    if seconds > _CENTURY:
        raise ValueError(f"{value!r} is longer than a century")
    return seconds


def spell_duration(seconds: int) -> str:
    """A duration as a declaration writes it, in the largest unit that fits a whole number of times: ``'90d'``."""
    for unit in "dhm":
        if seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def parse_moment(value: str) -> datetime:
    """An RFC 3339 moment, or a plain day, as an aware UTC datetime.

    Raises:
        ValueError: the text is neither, or has a time of day without a zone.
    """
    refusal = f"{value!r} is not an RFC 3339 time such as '2026-01-31T00:00:00Z'"
    text = f"{value}T00:00:00Z" if len(value) == _DAY_LENGTH else value.upper()
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(refusal)
    if match["zone"] is None:
        raise ValueError(f"{value!r} names no time zone: write it in UTC, with a Z at its end")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(refusal) from None


def _moment(value: Any) -> Any:
    return parse_moment(value) if isinstance(value, str) else value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()!r} names no time zone: write it in UTC, with a Z at its end")
    return value.astimezone(UTC)


def _identifier(value: str) -> str:
    if not re.fullmatch(_IDENTIFIER, value):
        raise ValueError(
            f"{value!r} is not a name: use lower-case letters, digits and _, starting with a letter, "
            f"at most {LONGEST_NAME}"
        )
    return value


Item = TypeVar("Item")
Name = Annotated[
    str,
    AfterValidator(_identifier),
    WithJsonSchema({"$comment": "name", "type": "string", "pattern": f"^{_IDENTIFIER}$"}),
]
"""A name of ours: of a model, source, feature, gate."""
Whole = Annotated[int, BeforeValidator(_whole)]
DURATION_SCHEMA: list[dict[str, Any]] = [
    {"type": "string", "pattern": f"^{_DURATION.pattern}$"},
    {"type": "integer", "minimum": 1},
]
"""How JSON schema says what a duration looks like."""
Seconds = Annotated[
    int,
    BeforeValidator(as_seconds),
    Field(gt=0),
    PlainSerializer(spell_duration, return_type=str, when_used="json"),
    WithJsonSchema({"$comment": "duration", "anyOf": DURATION_SCHEMA}),
]
"""A duration in seconds, a century at most, written '90d', '12h' or as a whole number."""
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    AfterValidator(_aware),
    PlainSerializer(lambda value: value.isoformat().replace("+00:00", "Z"), return_type=str, when_used="json"),
    WithJsonSchema(
        {"$comment": "moment", "type": "string", "pattern": r"^\d{4}-\d\d-\d\d([Tt ].*([Zz]|[+-]\d\d:\d\d))?$"}
    ),
]
"""An instant in UTC, written '2026-01-31T00:00:00Z', or a plain day, which is its midnight."""
Many = Annotated[tuple[Item, ...], Strict(False)]
"""A list, frozen."""
Fraction = Annotated[float, Field(gt=0, lt=1)]
