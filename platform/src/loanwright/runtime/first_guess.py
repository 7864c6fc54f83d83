"""What the columns of a file that was looked at may be: the key, the label, the decision time, and what tells too much.

Names only decide between columns whose values would do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from loanwright.config.data import Label, Scalar, Source
from loanwright.config.learning import Split
from loanwright.errors import DataError, UsageError, near
from loanwright.runtime.column_look import MOST_VALUES, Seen
from loanwright.runtime.date_texts import are_dates
from loanwright.runtime.file_look import Look
from loanwright.runtime.row_names import is_called_a_key, names_rows, numbers_rows

MATURITY = timedelta(days=30)
"""How long a label is taken to need until somebody says better."""

_LABEL = re.compile(
    r"default|(^|[^a-z])(bad|target|label|outcome|churn\w*|fraud\w*|y|event|response|charged.?off)([^a-z]|$)|delinq|dlq"
)
_TIME = re.compile(r"deci|appli|creat|open|scor|origin|issue|snapshot|as.?of|submit|request")
_PROTECTED = re.compile(
    r"(^|[^a-z])(sex|gender|marital\w*|marriage|nationality|citizenship|race|ethnic\w*|religion|disab\w*|pregnan\w*)"
    r"([^a-z]|$)"
)
_BAD = ("true", "yes", "y", "bad", "default", "defaulted", "late", "charged off", "charged_off")
_LEAST = 10
"""Rows of either outcome that every part of the split must hold."""


@dataclass(frozen=True)
class Guess:
    """What is taken for what."""

    key: Seen
    label: Seen
    positive: Scalar
    decision_time: Seen | None
    telling: tuple[str, ...]
    """Columns whose values give the label away in every row."""
    protected: tuple[str, ...]
    constant: tuple[str, ...]
    naming: tuple[str, ...]
    """Columns beside the key that name or number the rows: nothing can be learnt from them."""
    dates: tuple[str, ...]
    """Columns of texts that are dates, in a form that is not read."""
    split: Split
    early_stopping: bool


def guess(seen: Look, now: datetime, *, label: str | None, key: str | None) -> Guess:
    """The guesses for a file.

    Raises:
        UsageError: the label or the key that was asked for is not there, or cannot be one.
        DataError: nothing in the file can be the key or the label, or several may be the label; or there are
            too few rows of one outcome.
    """
    keyed = _key(seen, key)
    labelled = _label(seen, label, keyed)
    positive = _positive(labelled)
    split, stopping, decided = _split(seen, keyed, _decision_time(seen, now, keyed), labelled, positive)
    telling = tuple(
        column.name
        for column in seen.columns
        if column not in (keyed, labelled, decided) and _tells(seen, column, labelled, positive)
    )
    protected = tuple(
        column.name
        for column in seen.columns
        if column not in (keyed, labelled) and _PROTECTED.search(column.name.lower()) and _is_a_slice(column)
    )
    constant = tuple(column.name for column in seen.columns if column.distinct <= 1)
    naming = tuple(column.name for column in seen.columns if column != keyed and numbers_rows(seen, column))
    dates = tuple(column.name for column in seen.columns if column != keyed and are_dates(seen, column))
    return Guess(keyed, labelled, positive, decided, telling, protected, constant, naming, dates, split, stopping)


def _key(seen: Look, asked: str | None) -> Seen:
    fits = [column for column in seen.columns if names_rows(seen, column)]
    if asked is not None:
        column = _asked(seen, asked, "key")
        if column not in fits:
            what = f"has {column.missing:,} rows without a value" if column.missing else "is the same in several rows"
            if column.column.type not in ("integer", "text", "category"):
                what = f"is of type {column.column.type!r}"
            raise UsageError(f"{asked!r} {what}, so it names no row", fix="Give another --key")
        return column
    if not fits:
        raise DataError(
            "no column names the rows: every integer or text column is the same in several rows, or missing in some",
            fix="Add a column that numbers the rows, and give its name with --key",
        )
    named = [column for column in fits if is_called_a_key(column)]
    return (named or fits)[0]


def _is_a_slice(column: Seen) -> bool:
    return column.column.type not in ("number", "time") and 1 < column.distinct <= MOST_VALUES


def _label(seen: Look, asked: str | None, key: Seen) -> Seen:
    if asked is not None:
        column = _asked(seen, asked, "label")
        if column == key:
            raise UsageError(f"{asked!r} is the key: a label has two values", fix="Give another --label")
        if column.distinct != 2:
            raise UsageError(f"{asked!r} has {column.distinct:,} different values: a label has two")
        if column.missing:
            raise UsageError(
                f"{asked!r} has no value in {column.missing:,} rows",
                fix="Leave out the rows whose outcome is not known yet",
            )
        if column.column.type == "time":
            raise UsageError(f"{asked!r} is a time: a label is a column with a value for 'it happened'")
        return column
    fits = [column for column in seen.columns if _may_be_label(column)]
    named = [column for column in fits if _LABEL.search(column.name.lower())]
    if len(named or fits) == 1:
        return (named or fits)[0]
    if not fits:
        raise DataError(
            "no column can be the label: none has two values such as 0 and 1, in every row",
            fix="Give its name with --label",
        )
    listed = ", ".join(repr(column.name) for column in (named or fits)[:5])
    more = "" if len(named or fits) <= 5 else f" and {len(named or fits) - 5} more"
    raise DataError(f"several columns may be the label: {listed}{more}", fix="Say which one it is with --label")


def _may_be_label(column: Seen) -> bool:
    values = {value.lower() for value in column.values}
    return column.missing == 0 and (
        values in ({"0", "1"}, {"0.0", "1.0"}, {"true", "false"}, {"yes", "no"}, {"y", "n"}, {"good", "bad"})
        or (column.distinct == 2 and column.column.type != "time" and _LABEL.search(column.name.lower()) is not None)
    )


def _asked(seen: Look, name: str, option: str) -> Seen:
    column = seen.column(name)
    if column is None:
        if name in seen.left_out:
            raise UsageError(f"column {name!r} cannot be declared: {seen.left_out[name]}")
        known = [column.name for column in seen.columns]
        raise UsageError(f"there is no column {name!r}{near(name, known)}", fix=f"Correct --{option}")
    return column


def _positive(label: Seen) -> Scalar:
    """The value that stands for the outcome that is feared: 1 of 0 and 1, or by its name, or else the rarer one."""
    known = ("1", "1.0") if set(label.values) in ({"0", "1"}, {"0.0", "1.0"}) else _BAD
    text = next((value for value in label.values if value.lower() in known), label.values[-1])
    if label.column.type == "boolean":
        return text == "true"
    if label.column.type == "integer":
        return int(text)
    return float(text) if label.column.type == "number" else text


def _decision_time(seen: Look, now: datetime, key: Seen) -> Seen | None:
    fits = [
        column
        for column in seen.columns
        if column.column.type == "time" and column.missing == 0 and column.distinct > 1
        and column != key and datetime.fromisoformat(column.high) <= now
    ]  # fmt: skip
    named = [column for column in fits if _TIME.search(column.name.lower())]
    if named:
        return named[0]
    return fits[0] if len(fits) == 1 else None


def _tells(seen: Look, column: Seen, label: Seen, positive: Scalar) -> bool:
    """Whether the column's values part the outcomes without a single exception."""
    from loanwright.data.engine import quoted

    name, bad = quoted(column.name), bad_rows(label, positive)
    one_sided = f"count(*) FILTER ({bad}) IN (0, count(*))"

    def all_true(query: str) -> bool:
        return all(row[0] for row in seen.ask(query, column.name, label.name))

    if column.distinct <= MOST_VALUES and (column.distinct + 1) * 5 <= seen.rows:
        return all_true(f"SELECT {one_sided} FROM seen GROUP BY {name}")
    if column.missing and all_true(f"SELECT {one_sided} FROM seen GROUP BY {name} IS NULL"):
        return True
    if column.column.type not in ("integer", "number", "time"):
        return False
    ends = ", ".join(f"{end}({name}) FILTER ({side})" for side in (bad, f"NOT {bad}") for end in ("min", "max"))
    apart = f"SELECT coalesce(a > d OR b < c, false) FROM (SELECT {ends} FROM seen) AS ends(a, b, c, d)"
    return all_true(apart) and all_true(f"SELECT {one_sided} FROM seen WHERE {name} IS NULL")


def bad_rows(label: Seen, positive: Scalar) -> str:
    """The SQL condition for rows whose label counts as 1."""
    from loanwright.data.contract import is_positive

    source = Source(name="file", uri="file", key=(label.name,), columns=(label.column,))
    declared = Label(name="label", column=label.name, positive=positive, matures_after=1)
    return f"({is_positive(source, declared)})"


def _split(
    seen: Look, key: Seen, decided: Seen | None, label: Seen, positive: Scalar
) -> tuple[Split, bool, Seen | None]:
    """By time if that leaves enough rows everywhere, else by hash; and whether rows can be held out to stop early.

    The decision time is given back, unless too few labels are final when the data ends: then none is guessed.
    """
    import numpy as np

    from loanwright.data.engine import quoted

    name = quoted(decided.name) if decided else "TIMESTAMPTZ '2000-01-01'"
    names = [key.name, label.name, *([decided.name] if decided else [])]
    query = (
        f"SELECT epoch_us({name}) AS at, {bad_rows(label, positive)} AS bad, "
        f"CAST('0x' || substr(md5(CAST({quoted(key.name)} AS VARCHAR)), 1, 16) AS UBIGINT) AS hash FROM seen"
    )
    at, bad, hashes = (np.array(values) for values in zip(*seen.ask(query, *names), strict=True))
    rows: dict[str, Any] = {"at": at.astype("datetime64[us]"), "bad": bad, "hash": hashes.astype(np.uint64)}
    by_time = _by_time(rows["at"]) if decided else None
    by_hash = Split.model_validate({"method": "hash", "fractions": {"train": 0.6, "calibration": 0.2, "test": 0.2}})
    for split, timed in [(by_time, decided), (by_hash, decided), (by_hash, None)]:
        rows["observed_until"] = datetime.fromtimestamp(int(at.max()) // 1_000_000, UTC) if timed else None
        if split is not None and _enough(split, rows):
            return split, _can_stop(split, rows), timed
    rarer = int(min(bad.sum(), len(bad) - bad.sum()))
    raise DataError(
        f"the rarer outcome has {rarer:,} rows: too few to train, calibrate and test on",
        fix=f"Bring at least {_LEAST * 10} rows of either outcome",
    )


def _enough(split: Split, rows: dict[str, Any]) -> bool:
    from loanwright.data.split import CALIBRATION, TEST, TRAIN

    try:
        part = _parts(split, rows)
    except DataError:
        return False
    return all(_both(rows["bad"][part == number]) for number in (TRAIN, CALIBRATION, TEST))


def _can_stop(split: Split, rows: dict[str, Any]) -> bool:
    """Whether rows can be carved out of train to stop early by, and enough are left to grow trees on."""
    from loanwright.data.split import carve, fitted

    share, seconds = 0.1, int(MATURITY.total_seconds())
    given = (rows["hash"], rows["at"], _parts(split, rows))
    try:
        held, grown = (rule(split, share, seconds, *given) for rule in (carve, fitted))
    except DataError:
        return False
    return _both(rows["bad"][held]) and _both(rows["bad"][grown])


def _parts(split: Split, rows: dict[str, Any]) -> Any:
    from loanwright.data.split import assign

    return assign(split, int(MATURITY.total_seconds()), rows["hash"], rows["at"], rows["observed_until"])


def _both(bad: Any) -> bool:
    return bool(_LEAST <= bad.sum() <= len(bad) - _LEAST)


def _by_time(at: Any) -> Split | None:
    """Train on the first 60 %, calibrate on the next 20 %, test on the rest, from midnight to midnight.

    None if the decisions lie too close together for the embargo.
    """
    import numpy as np

    ordered = np.sort(at).astype(np.int64)
    places = (len(ordered) * 6 // 10, len(ordered) * 8 // 10, len(ordered) - 1)
    calibration_from, test_from, last = (_midnight(int(ordered[place])) for place in places)
    if test_from - calibration_from <= MATURITY:
        return None
    until = last + timedelta(days=1)
    return Split(method="time", calibration_from=calibration_from, test_from=test_from, until=until)


def _midnight(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(hour=0, minute=0, second=0)
