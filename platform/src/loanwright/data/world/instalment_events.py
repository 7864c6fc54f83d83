"""What became of each instalment: the table from which the label and the features of earlier loans both come."""

from __future__ import annotations

import numpy as np

from loanwright.data.world.clock import DAY, NEVER, Bools, Ints, nightly
from loanwright.data.world.demand import DEVICES
from loanwright.data.world.frames import Rows, stacked
from loanwright.data.world.loans import Instalments
from loanwright.data.world.payments import HALF, LAST, RETURNED, TAKEN_BACK, Attempt, moment_of
from loanwright.data.world.randomness import scrambled
from loanwright.data.world.schema import WORDS

_STATUSES = WORDS["instalment_events.status"]
_SLOTS = 16 * 16
_LATE = {"late_1": 1, "late_7": 7, "late_30": 30}
"""Status → whole days after the due time."""


def event_rows(
    customers: int, charged_off_days: int, parts: Instalments, refund_at: Ints, paid: dict[int, Attempt]
) -> Rows:
    """The table `instalment_events`.

    Args:
        refund_at: of each loan, when it is refunded, if it is.
    """
    size = len(parts.loan)
    last = moment_of(paid[LAST], size)
    reversal = moment_of(paid[TAKEN_BACK], size)
    owed = parts.amount.copy()
    owed[paid[HALF].which] -= paid[HALF].amount
    nothing = np.zeros(size, np.int64)
    open_ = ~parts.cancelled
    slots: list[Rows] = []

    def add(status: str, which: Bools | Ints, at: Ints, known: Ints, change: Ints) -> None:
        chosen = np.flatnonzero(which) if which.dtype == np.bool_ else which.astype(np.int64)
        index = parts.index[chosen] * 16 + len(slots)
        slots.append(
            {
                "event_id": scrambled(index, customers * DEVICES * _SLOTS, "event"),
                **{name: values[chosen] for name, values in parts.ids.items()},
                "happened_at": at,
                "known_at": known,
                "number": parts.number[chosen] + 1,
                "status": np.full(len(chosen), _STATUSES.index(status)),
                "arrears_change_minor": change,
            }
        )

    def dated(status: str, which: Bools, at: Ints, change: Ints) -> None:
        when = at[which]
        add(status, which, when, nightly(when - 1), change[which])

    dated("due", open_, parts.due, parts.amount)
    for status, kind in (("part_paid", HALF), ("paid", LAST), ("paid", RETURNED), ("reversed", TAKEN_BACK)):
        add(status, paid[kind].which, paid[kind].at, paid[kind].known, -paid[kind].settled)
    for status, days in _LATE.items():
        limit = parts.due + days * DAY
        after_reversal = np.where(reversal == NEVER, limit, np.maximum(limit, reversal))
        dated(status, open_ & (last > after_reversal), after_reversal, nothing)
    dated("charged_off", open_ & np.isinf(parts.delay), parts.due + charged_off_days * DAY, -owed)
    dated("cancelled", parts.cancelled, refund_at[parts.loan], nothing)
    return stacked(slots)
