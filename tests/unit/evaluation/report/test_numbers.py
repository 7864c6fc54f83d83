import pytest

from loanwright.evaluation.evidence import Interval
from loanwright.evaluation.report import numbers


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.7835, 3, "0.783"),
        (12345.678, 1, "12,345.7"),
        (-0.0123, 3, "\N{MINUS SIGN}0.012"),
        (-0.0001, 3, "0.000"),
        (None, 3, "\N{EN DASH}"),
        (float("nan"), 3, "\N{EN DASH}"),
        (float("inf"), 0, "\N{EN DASH}"),
    ],
)
def test_numbers_have_their_digits_a_true_minus_and_a_dash_for_nothing(
    value: float | None, digits: int, text: str
) -> None:
    assert numbers.number(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "+0.012"), (-0.0123, "\N{MINUS SIGN}0.012"), (0.0001, "0.000"), (None, "\N{EN DASH}")],
)
def test_a_difference_shows_its_sign_unless_it_is_written_as_nothing(value: float | None, text: str) -> None:
    assert numbers.signed(value) == text


def test_an_interval_without_one_end_is_a_dash() -> None:
    whole, half = Interval(value=0.5, low=0.4, high=0.6), Interval(value=0.5, low=0.4, high=None)
    assert (numbers.span(whole), numbers.span(half)) == ("0.400 to 0.600", "\N{EN DASH}")
    assert (numbers.percent_span(whole), numbers.percent_span(half)) == ("40.0% to 60.0%", "\N{EN DASH}")


def test_counts_and_shares() -> None:
    assert (numbers.count(180_000), numbers.count(None)) == ("180,000", "\N{EN DASH}")
    assert (numbers.percent(0.2212), numbers.percent(None)) == ("22.1%", "\N{EN DASH}")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0, 0.5, 1], ["0%", "50%", "100%"]),
        ([0, 0.025, 0.05], ["0.0%", "2.5%", "5.0%"]),
        ([0, 0.0025], ["0.00%", "0.25%"]),
    ],
)
def test_the_marks_of_an_axis_share_their_digits(values: list[float], texts: list[str]) -> None:
    assert numbers.percents(values) == texts


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("2005-10-01T00:00:00Z", "2005-10-01"),
        ("2005-10-01T00:00:00+00:00", "2005-10-01"),
        ("2005-10-01T06:30:00Z", "2005-10-01 06:30:00"),
        ("2005-10-01", "2005-10-01"),
        (None, "\N{EN DASH}"),
    ],
)
def test_a_moment_is_a_day_unless_it_has_an_hour(stored: str | None, text: str) -> None:
    assert numbers.moment(stored) == text


def test_a_long_name_keeps_its_ends() -> None:
    assert numbers.clipped("utilisation_mean_6m", 19) == "utilisation_mean_6m"
    assert numbers.clipped("utilisation_mean_6m", 11) == "utili…an_6m"
    assert numbers.clipped("two\nlines", 20) == "two lines"


@pytest.mark.parametrize(
    ("low", "high", "most", "marks"),
    [
        (0, 1, 6, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 0.05, 6, [0, 0.01, 0.02, 0.03, 0.04, 0.05]),
        (-0.01, 0.01, 5, [-0.01, -0.005, 0, 0.005, 0.01]),
        (-94, 38, 6, [-80, -60, -40, -20, 0, 20]),
        (3, 3, 5, [3]),
    ],
)
def test_marks_are_round_and_no_more_than_asked_for(low: float, high: float, most: int, marks: list[float]) -> None:
    assert numbers.nice_ticks(low, high, most) == pytest.approx(marks)


@pytest.mark.parametrize("most", [3, 5, 7])
def test_marks_lie_within_whatever_range(most: int) -> None:
    for high in (1e-6, 0.013, 0.37, 1.0, 77.0, 123_456.0, 3e9):
        marks = numbers.nice_ticks(0, high, most)
        assert 1 < len(marks) <= most
        assert marks[0] == 0
        assert marks[-1] <= high * (1 + 1e-9)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.03125, "0.0312"),
        (1.5, "1.50"),
        (-12.34, "\N{MINUS SIGN}12.3"),
        (40, "40"),
        (99_999.4, "99,999"),
        (288_000, "288k"),
        (31_536_000.0, "31.5M"),
        (2.5e12, "2,500.0G"),
        (-1.7e308, "\N{MINUS SIGN}1.7e+308"),
        (5e-324, "4.9e\N{MINUS SIGN}324"),
        (float("nan"), "\N{EN DASH}"),
        (None, "\N{EN DASH}"),
    ],
)
def test_a_number_of_any_size_is_short(value: float | None, text: str) -> None:
    assert numbers.short(value) == text
