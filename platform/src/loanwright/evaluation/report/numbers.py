"""How the report writes numbers: a fixed count of digits, a real minus sign, a dash for what is not defined."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from loanwright.evaluation.evidence import Interval

DASH = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_UNSEEN = "\N{REPLACEMENT CHARACTER}"
_UNSEEN_KINDS = ("Cc", "Cf", "Cs", "Cn")


def number(value: float | None, digits: int = 3) -> str:
    """`0.784`, `12,345.7`, with a true minus sign; a dash for None and for what is not finite."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{value:,.{digits}f}"
    if text.startswith("-"):
        text = text[1:] if float(text.replace(",", "")) == 0 else _MINUS + text[1:]
    return text


def signed(value: float | None, digits: int = 3) -> str:
    """A difference: `+0.012`, `0.000`."""
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 and float(f"{value:.{digits}f}") > 0 else text


def percent(value: float | None, digits: int = 1) -> str:
    """A share as a percentage: `22.1%`."""
    text = number(None if value is None else 100 * value, digits)
    return text if text == DASH else f"{text}%"


def percents(values: Sequence[float]) -> list[str]:
    """Several shares as percentages, all with the fewest digits that tell them apart."""
    digits = next(
        (d for d in (0, 1) if all(abs(v * 10 ** (2 + d) - round(v * 10 ** (2 + d))) < 1e-6 for v in values)), 2
    )
    return [percent(value, digits) for value in values]


def short(value: float | None) -> str:
    """A number of any size in at most seven characters or so: `0.0312`, `12.5`, `31.5M`, `1.2e+30`; a dash for None."""
    if value is None or not math.isfinite(value):
        return DASH
    size = abs(value)
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e5, "k")):
        if 1e15 > size >= unit:
            return number(value / (1e3 if letter == "k" else unit), 0 if letter == "k" else 1) + letter
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.1e}".replace("-", _MINUS)
    return number(value, 0 if value == int(value) or size >= 1000 else 1 if size >= 10 else 2 if size >= 1 else 4)


def count(value: int | None) -> str:
    """A number of things: `180,000`."""
    return DASH if value is None else f"{value:,}"


def span(interval: Interval, digits: int = 3) -> str:
    """An interval's ends: `0.771 to 0.797`; a dash if either is not defined."""
    ends = number(interval.low, digits), number(interval.high, digits)
    return DASH if DASH in ends else " to ".join(ends)


def percent_span(interval: Interval, digits: int = 1) -> str:
    """The ends of an interval of a share: `38.1% to 43.0%`."""
    ends = percent(interval.low, digits), percent(interval.high, digits)
    return DASH if DASH in ends else " to ".join(ends)


def moment(text: str | None) -> str:
    """A stored UTC time as people write it: `2005-10-01`, `2005-10-01 06:30:00`; a dash for None."""
    if not text:
        return DASH
    day, _, rest = text.partition("T")
    clock = rest.removesuffix("Z").removesuffix("+00:00")
    return day if clock in ("", "00:00:00") else f"{day} {clock}"


def visible(text: str) -> str:
    """Text whose characters all can be seen: a replacement character for each control, which neither XML nor HTML
    can hold, and for each that would turn the text around it."""
    return "".join(_UNSEEN if unicodedata.category(one) in _UNSEEN_KINDS and one not in "\t\n" else one for one in text)


def clipped(text: str, length: int) -> str:
    """Text on one line of at most `length` characters: its middle goes, as names differ at their ends."""
    line = visible(" ".join(text.split()))
    if len(line) <= length:
        return line
    end = length // 2
    return f"{line[: length - 1 - end].rstrip()}…{line[len(line) - end :].lstrip()}"


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most `most` round values from `low` to `high`, in steps of 1, 2, 2.5 or 5 times a power of ten."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (1, 2, 2.5, 5, 10, 20):
        first, last = math.ceil(low / (step * power) - 1e-9), math.floor(high / (step * power) + 1e-9)
        if last - first < most:
            return [round(i * step * power, 12) for i in range(first, last + 1)]
    return [low, high]
