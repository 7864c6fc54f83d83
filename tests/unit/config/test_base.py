"""Durations, moments and names: what they accept, and how they are written back."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loanwright.config.base import Many, Moment, Name, Seconds, Section, Whole, parse_moment, repeated, spell_duration


class Sample(Section):
    duration: Seconds = 1
    moment: Moment = datetime(2026, 1, 1, tzinfo=UTC)
    whole: Whole = 0
    name: Name = "x"
    many: Many[str] = ()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90d", 7_776_000), ("12h", 43_200), ("5 m", 300), ("30s", 30), ("2w", 1_209_600), (60, 60), (60.0, 60)],
)
def test_durations(written: object, seconds: int) -> None:
    assert Sample.model_validate({"duration": written}).duration == seconds


@pytest.mark.parametrize(
    "written", [0, -1, "0d", "1M", "1y", "1.5d", "d", "", "90d\n", "٩d", True, 1.5, None, "99999w"]
)
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate({"duration": written})


@given(st.integers(min_value=1, max_value=3_155_760_000))
def test_a_duration_is_written_back_as_itself(seconds: int) -> None:
    dumped = Sample(duration=seconds).model_dump(mode="json")
    assert isinstance(dumped["duration"], str)
    assert Sample.model_validate(dumped).duration == seconds


def test_a_duration_is_written_in_its_largest_unit() -> None:
    assert [spell_duration(seconds) for seconds in (604_800, 86_400, 7_200, 5_400, 61)] == [
        "7d", "1d", "2h", "90m", "61s",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:30:00Z", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("2026-01-31 12:30:00.25+02:00", datetime(2026, 1, 31, 10, 30, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_moments(written: str, moment: datetime) -> None:
    assert parse_moment(written) == moment
    assert parse_moment(written).tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "2026-W01-1",
        "20260131",
        "2026-1-31",
        "2026-02-30",
        "2026-01-31T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_moment(written: str) -> None:
    with pytest.raises(ValueError, match=r"is not an RFC 3339 time such as '2026-01-31T00:00:00Z'$"):
        parse_moment(written)


def test_a_time_of_day_needs_its_zone() -> None:
    with pytest.raises(ValueError, match=r"^'2026-01-31T08:00:00' names no time zone"):
        parse_moment("2026-01-31T08:00:00")
    with pytest.raises(ValidationError, match="names no time zone"):
        Sample(moment=datetime(2026, 1, 31))  # noqa: DTZ001 - the naive time is the point


@given(st.datetimes(timezones=st.just(UTC)) | st.datetimes().map(lambda t: t.replace(tzinfo=UTC) + timedelta(0)))
def test_a_moment_is_written_back_as_itself(moment: datetime) -> None:
    assert Sample.model_validate(Sample(moment=moment).model_dump(mode="json")).moment == moment


@pytest.mark.parametrize("name", ["", "A", "1a", "a-b", "a b", "a" * 64, "ä", "a\n"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a name"):
        Sample(name=name)


def test_sections_are_frozen_strict_and_closed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Sample().whole = 2  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Sample.model_validate({"other": 1})
    with pytest.raises(ValidationError, match="valid string"):
        Sample.model_validate({"many": [1]})
    with pytest.raises(ValidationError, match="valid integer"):
        Sample.model_validate({"whole": True})
    assert Sample.model_validate({"many": ["a"]}).many == ("a",)


def test_repeated_names_the_first_that_comes_again() -> None:
    assert repeated(["a", "b", "c", "b", "a"]) == "b"
    assert repeated(["a", "b"]) is None


def test_the_declaration_imports_nothing_heavy() -> None:
    heavy = ("numpy", "pyarrow", "duckdb", "lightgbm", "sklearn", "pandas", "mlflow", "kfp", "boto3", "sqlglot")
    script = f"import sys, loanwright.config.reading\nprint([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
