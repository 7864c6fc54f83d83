"""The text of a first declaration: what was guessed, with what was seen beside it as comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from loanwright.config.base import spell_duration
from loanwright.config.data import Scalar
from loanwright.config.feature_agreement import RESERVED
from loanwright.config.learning import Split
from loanwright.errors import DataError
from loanwright.runtime.column_look import Seen
from loanwright.runtime.date_texts import UNREAD
from loanwright.runtime.file_look import Look
from loanwright.runtime.first_guess import MATURITY, Guess
from loanwright.runtime.guess_words import guesses, said

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([ .-][A-Za-z0-9_]+)*")
_WORDS = ("null", "true", "false")
_SHOWN = 6
_LONGEST = 40
ELSEWHERE = "  # CHECK: outside the project, so only this machine has it; `source_overrides` names another for one run"


def first_declaration(name: str, source: Path, folder: Path, seen: Look, guessed: Guess, now: datetime) -> str:
    """The text of `model.yaml`.

    Args:
        name: the model's.
        source: the file that was looked at.
        folder: the project's `pipelines` folder.
        seen: what the file holds.
        guessed: what is taken for what.
        now: the constant decision time, where the file tells none.

    Raises:
        DataError: no column is left to predict from.
    """
    table = _slug(source.name.partition(".")[0], taken=())
    what = "all" if seen.whole else "the first"
    address = source_address(source, folder)
    lines = [
        "# yaml-language-server: $schema=../../docs/schema/model.schema.json",
        f"# Written by `loanwright new` after a look at {what} {seen.rows:,} rows of {_comment(source.name)}.",
        "# It runs as it stands. CHECK marks what only a person can know. What was guessed:",
        *(f"#   {question}: {_comment(answer)}" for question, answer in guesses(seen, guessed)),
        "model:",
        f"  name: {name}",
        f"  title: {_text(name.replace('_', ' ').capitalize())}",
        f"  description: {_text(f'Probability that {guessed.label.name} is {said(guessed.positive)}')}",
        "  owner: nobody yet  # CHECK",
        "data:",
        f"  unit: {{name: {_unit(guessed.key)}, source: {table}, key: {_text(guessed.key.name)}}}",
        *_times(guessed, now),
        *_label(guessed),
        "  sources:",
        f"    - name: {table}",
        f"      uri: {_text(address)}" + (ELSEWHERE if Path(address).is_absolute() else ""),
        *_format(seen),
        f"      key: [{_text(guessed.key.name)}]",
    ]
    if guessed.decision_time is not None:
        lines.append(f"      event_time: {_text(guessed.decision_time.name)}")
    if seen.left_out:
        lines.append("      extra_columns: ignore")
        lines += [f"      # left out: {_comment(other)}, as {why}" for other, why in sorted(seen.left_out.items())]
    lines.append("      columns:")
    lines += [f"        - {_column(column, guessed)}" for column in seen.columns]
    lines += [*_features(table, seen, guessed), *_learning(seen, guessed), *_judgement(guessed)]
    return "\n".join(lines) + "\n"


def _times(guessed: Guess, now: datetime) -> list[str]:
    if guessed.decision_time is not None:
        return [f"  decision_time: {{column: {_text(guessed.decision_time.name)}}}  # CHECK"]
    return [
        f"  decision_time: {{constant: {now.astimezone(UTC):%Y-%m-%d}}}  # CHECK: "
        "no column seems to tell when the decision is taken"
    ]


def _label(guessed: Guess) -> list[str]:
    name = _slug(guessed.label.name, taken=())
    return [
        "  label:",
        f"    name: {name}",
        f"    column: {_text(guessed.label.name)}",
        f"    positive: {_scalar(guessed.positive)}  # CHECK: the value that stands for what is feared",
        f"    matures_after: {spell_duration(int(MATURITY.total_seconds()))}"
        "  # CHECK: how long after the decision the outcome is final",
    ]


def _format(seen: Look) -> list[str]:
    lines = []
    if not seen.ends_as_usual:
        lines.append(f"      format: {seen.format}")
    if seen.delimiter != ",":
        lines.append(f"      delimiter: {json.dumps(seen.delimiter)}")
    if seen.encoding != "utf-8":
        lines.append(f"      encoding: {seen.encoding}")
    return lines


def _column(seen: Seen, guessed: Guess) -> str:
    column = seen.column
    parts = [f"name: {_text(column.name)}", f"type: {column.type}"]
    if column.nullable and seen not in (guessed.key, guessed.label, guessed.decision_time):
        parts.append("nullable: true")
    if column.null_values:
        parts.append(f"null_values: [{', '.join(map(json.dumps, column.null_values))}]")
    if column.time_zone:
        parts.append(f"time_zone: {column.time_zone}")
    if column.name in guessed.telling or column.name in guessed.protected:
        parts.append("barred: true")
    if column.name in guessed.protected:
        parts.append("slice: true")
    note = _note(seen, guessed)
    return f"{{{', '.join(parts)}}}" + (f"  # {note}" if note else "")


def _note(seen: Seen, guessed: Guess) -> str:
    kind = seen.column.type
    more = f" and {len(seen.values) - _SHOWN} more" if len(seen.values) > _SHOWN else ""
    notes = {
        "CHECK: barred, as it tells the label in every row": seen.name in guessed.telling,
        "CHECK: barred, as it seems to be a protected attribute": seen.name in guessed.protected,
        "CHECK: its times name no zone": seen.column.time_zone is not None,
        "no feature, as it is always the same": seen.name in guessed.constant,
        "CHECK: no feature, as it names the rows; the key may be this one": seen.name in guessed.naming,
        f"CHECK: no feature, as {UNREAD}": seen.name in guessed.dates,
        f"no feature, as a text of {seen.distinct:,} values": kind == "text" and seen != guessed.key,
        _comment(", ".join(value[:_LONGEST] for value in seen.values[:_SHOWN])) + more: kind == "category",
        f"{seen.low} to {seen.high}": kind in ("integer", "number", "time"),
    }
    return next((note for note, applies in notes.items() if applies), "")


def _features(table: str, seen: Look, guessed: Guess) -> list[str]:
    used = [column for column in seen.columns if _is_feature(column, guessed)]
    if not used:
        raise DataError("no column is left to predict from", fix="Bring a file with more columns")
    lines = [
        "features:",
        "  groups:",
        f"    - source: {table}",
        f"      key: {_text(guessed.key.name)}",
        "      features:",
    ]
    taken: list[str] = list(RESERVED)
    for column in used:
        feature = _slug(column.name, taken)
        taken.append(feature)
        kind = ", type: category" if column.column.type == "category" else ""
        lines.append(f"        - {{name: {feature}, aggregate: value, column: {_text(column.name)}{kind}}}")
    return lines


def _is_feature(seen: Seen, guessed: Guess) -> bool:
    taken = (guessed.key, guessed.label, guessed.decision_time)
    kept_out = (*guessed.telling, *guessed.protected, *guessed.constant, *guessed.naming, *guessed.dates)
    usable = seen.column.type in ("integer", "number", "boolean", "category")
    return usable and seen not in taken and seen.name not in kept_out


def _learning(seen: Look, guessed: Guess) -> list[str]:
    split = guessed.split
    if split.method == "time":
        lines = [
            "split:  # by time; an embargo of matures_after lies between the parts",
            "  method: time",
            *(f"  {name}: {_day(split, name)}" for name in ("calibration_from", "test_from", "until")),
        ]
    else:
        why = "" if guessed.decision_time is None else "  # CHECK: too few rows, or days, to split by time"
        lines = [f"split: {{method: hash, fractions: {{train: 0.6, calibration: 0.2, test: 0.2}}}}{why}"]
    stopping = "rounds: 500, early_stopping: {patience: 30}" if guessed.early_stopping else "rounds: 50"
    leaves = "" if seen.rows >= 20_000 else ", parameters: {num_leaves: 7, min_data_in_leaf: 10}"
    return [*lines, f"training: {{{stopping}{leaves}}}"]


def _day(split: Split, name: str) -> str:
    return f"{getattr(split, name):%Y-%m-%d}"


def _judgement(guessed: Guess) -> list[str]:
    lines = []
    if guessed.protected:
        slices = ", ".join(f"{{column: {_text(name)}}}" for name in guessed.protected)
        lines.append(f"evaluation: {{slices: [{slices}]}}")
    return [
        *lines,
        "gates:  # CHECK: these only warn",
        "  rules:",
        "    - {name: discrimination, metric: auc, min: 0.6, on_fail: warn}",
        "    - {name: calibration, metric: expected_calibration_error, max: 0.05, on_fail: warn}",
    ]


def first_readme(name: str, source: Path, seen: Look, guessed: Guess) -> str:
    """The text of README.md; arguments as above."""
    when = f"`{guessed.decision_time.name}`" if guessed.decision_time else "not told by the file"
    told = "".join(f"\n- `{column}` tells the label in every row, so it is barred." for column in guessed.telling)
    told += "".join(f"\n- `{column}` seems protected: barred, kept for slices." for column in guessed.protected)
    return f"""# {name.replace("_", " ").capitalize()}

A first declaration, written by `loanwright new` from `{source.name}` ({seen.rows:,} rows looked at).

- One row is one decision, named by `{guessed.key.name}`; when it is taken is {when}.
- The label is `{guessed.label.name}` = {said(guessed.positive)}.{told}

Before anybody relies on it: read `model.yaml`, settle every line marked CHECK, bar what is only known after the
decision, and say in this file what the model is for.

    loanwright check
    loanwright run {name}
"""


def source_address(source: Path, folder: Path) -> str:
    """The file's path: relative to the project, whose folder `pipelines` is, if it lies inside; else absolute."""
    path, project = source.resolve(), folder.resolve().parent
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)


def _unit(key: Seen) -> str:
    stem = re.sub(r"_?(id|key|number|no|nr|uuid|ref|reference)$", "", key.name, flags=re.IGNORECASE)
    return _slug(stem, taken=()) if stem else "unit"


def _slug(text: str, taken: Iterable[str]) -> str:
    """A name of ours from one of theirs, not among those taken."""
    base = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()).strip("_")
    base = (base if re.match(r"[a-z]", base) else f"x_{base}".rstrip("_"))[:56]
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _text(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)


def _scalar(value: Scalar) -> str:
    return _text(value) if isinstance(value, str) else said(value)


def _comment(text: str) -> str:
    return re.sub(r"[^\x20-\x7e\xa1-\ud7ff]|\{\{", " ", text)
