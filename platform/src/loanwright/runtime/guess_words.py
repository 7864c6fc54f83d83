"""What `loanwright new` took for what, in a few lines: for the terminal, and for the head of the written file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from loanwright.config.data import Scalar
from loanwright.runtime.date_texts import UNREAD
from loanwright.runtime.file_look import Look
from loanwright.runtime.first_guess import Guess

_NAMED = 8
_LONGEST = 63


def guesses(seen: Look, guessed: Guess) -> list[tuple[str, str]]:
    """Each question, and the answer that was guessed for it; questions that do not arise are left out."""
    categories = [column.name for column in seen.columns if column.column.type == "category"]
    texts = [column.name for column in seen.columns if column.column.type == "text" and column != guessed.key]
    why = {
        "tells the label in every row": guessed.telling,
        "seems to be a protected attribute": guessed.protected,
    }
    unused = {
        "always the same": guessed.constant,
        "names the rows": guessed.naming,
        UNREAD: guessed.dates,
        "text of many values": [name for name in texts if name not in (*guessed.dates, *guessed.naming)],
    }
    lines = [
        ("key", guessed.key.name),
        ("label", f"{guessed.label.name}, feared is {said(guessed.positive)}"),
        (
            "decision time",
            guessed.decision_time.name if guessed.decision_time else "a constant day: no column tells it",
        ),
        ("split", "by time" if guessed.split.method == "time" else "by a hash of the key"),
        ("categories", _some(name for name in categories if name not in guessed.dates)),
        ("barred", _because(why)),
        ("no features", _because(unused)),
        ("left out", _because({reason: [name] for name, reason in seen.left_out.items()})),
    ]
    return [(question, answer) for question, answer in lines if answer]


def said(value: Scalar) -> str:
    """A value as YAML writes it, without quotes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _because(reasons: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{_some(names)} ({reason})" for reason, names in reasons.items() if names)


def _some(names: Iterable[str]) -> str:
    found = [name if name.isprintable() and 0 < len(name) <= _LONGEST else repr(name[:_LONGEST]) for name in names]
    return ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
