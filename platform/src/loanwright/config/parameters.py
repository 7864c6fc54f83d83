"""The training pipeline's parameters beside the sections, and how much all of them may take together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from loanwright.config.base import Section, Whole, parse_moment
from loanwright.config.data import Address
from loanwright.errors import DeclarationError

_MOST_BYTES = 100_000
"""Linux hands a process no argument of more than 131,072 bytes, and a step's outputs stand in the same one."""

MOST_WORKERS = 1_000
"""More processes than that are a slip of the hand."""


def _moment_or_none(value: str) -> str:
    if value:
        parse_moment(value)
    return value


class Plain(Section):
    """What is said of one run, beside the model's declaration."""

    data_cutoff: Annotated[str, AfterValidator(_moment_or_none)] = ""
    """Rows known at or after it are left out; empty for none."""
    source_overrides: dict[str, Address] = Field(default_factory=dict)
    """A source's name, and the address to read instead of the declared one."""
    workers: Annotated[Whole, Field(ge=1, le=MOST_WORKERS)] = 1
    """How many processes train; two where 1 is asked for and `training.exact` holds."""
    register_model: bool = True
    """Off: judge the model, register nothing."""

    @property
    def cutoff(self) -> datetime | None:
        """The data cut-off as a moment in UTC."""
        return parse_moment(self.data_cutoff) if self.data_cutoff else None


def check_size(parameters: Mapping[str, Any], model: str) -> None:
    """Refuses parameters that no step could be handed: ingest gets nearly all of them, as one argument.

    Raises:
        DeclarationError: they take too much, with the sizes of the largest.
    """
    sizes = {name: len(json.dumps(_as_handed_over(value))) for name, value in parameters.items()}
    if (total := sum(sizes.values())) > _MOST_BYTES:
        largest = ", ".join(f"{name} {sizes[name] / 1e3:.1f} kB" for name in sorted(sizes, key=lambda n: -sizes[n])[:3])
        raise DeclarationError(
            f"the parameters of {model!r} take {total / 1e3:.1f} kB together, and "
            f"a step's arguments hold {_MOST_BYTES / 1e3:g} kB: {largest}",
            fix="Shorten the descriptions, or drop columns and features that the model does not need",
        )


def _as_handed_over(value: Any) -> Any:
    """The value after KFP's protobuf Struct, which makes a double of every number: 1 is written 1.0."""
    if isinstance(value, Mapping):
        return {key: _as_handed_over(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_handed_over(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
