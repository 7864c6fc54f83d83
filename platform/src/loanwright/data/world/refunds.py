"""Goods that are sent back: who, when, how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loanwright.data.world.clock import DAY, Bools, Floats, Ints
from loanwright.data.world.demand import DEVICES, Requests
from loanwright.data.world.frames import Rows, restated, taken
from loanwright.data.world.parameters import AfterSales, Records
from loanwright.data.world.population import People
from loanwright.data.world.randomness import between, chance, scrambled, whole
from loanwright.data.world.repayment import PAID, Prospects

if TYPE_CHECKING:
    from loanwright.data.world.loans import Loans

_RETURN, _CANCELLED_ORDER, _PRICE_ADJUSTMENT = 0, 1, 2


@dataclass(frozen=True)
class Returns:
    """Of each loan: whether all or some of it is refunded, when, and how much."""

    full: Bools
    partial: Bools
    at: Ints
    amount: Ints


def returns(
    rules: AfterSales,
    random: np.random.Generator,
    known: People,
    asked: Requests,
    ahead: Prospects,
    quality: Floats,
    row: Ints,
    course: Ints,
) -> Returns:
    """The refunds of the approved applications at these positions."""
    size = len(row)
    principal, full = asked.amount[row], ahead.refunded[row]
    log_rate = rules.refund_quality * quality[asked.merchant[row]] + rules.refund_trait * known.returns[asked.who[row]]
    some = chance(random, rules.partial_refund * np.exp(log_rate), size) & ~full & (course[row] == PAID)
    share = between(random, *rules.partial_share, size)
    amount = np.where(full, principal, np.where(some, whole(principal * share), 0))
    return Returns(full, some, ahead.refund_at[row], amount)


def refund_rows(
    records: Records, random: np.random.Generator, customers: int, asked: Requests, made: Loans, back: Returns
) -> Rows:
    """The table `refunds`; some first told a wrong amount."""
    given = back.full | back.partial
    size = int(given.sum())
    kind = random.random(size)
    full = back.full[given]
    at = back.at[given]
    rows = taken(made.ids, given) | {
        "refund_id": scrambled(asked.index[made.row[given]], customers * DEVICES, "refund"),
        "refunded_at": at,
        "known_at": at + (between(random, 1, 3, size) * DAY).astype(np.int64),
        "reason": np.where(kind < 0.75, _RETURN, np.where(full, _CANCELLED_ORDER, _PRICE_ADJUSTMENT)),
        "full": full,
        "amount_minor": back.amount[given],
    }
    wrong = chance(random, records.refund_restated, size)
    known = rows["known_at"][wrong] + (between(random, 1, 14, int(wrong.sum())) * DAY).astype(np.int64)
    return restated(rows, wrong, known, amount_minor=np.maximum(rows["amount_minor"][wrong] * 9 // 10, 1))
