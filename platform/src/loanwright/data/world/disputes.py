"""Disputes with their outcome, and chargebacks of card payments."""

from __future__ import annotations

import numpy as np

from loanwright.data.world.clock import DAY, HOUR, Floats, Ints
from loanwright.data.world.demand import DEVICES, Requests
from loanwright.data.world.frames import Rows, restated, taken
from loanwright.data.world.loans import Instalments, Loans
from loanwright.data.world.parameters import AfterSales
from loanwright.data.world.payments import BANK, LAST, Attempt, payment_id
from loanwright.data.world.randomness import between, chance, scrambled

_UNAUTHORISED = 2
_OPEN, _CUSTOMER, _MERCHANT = 0, 1, 2
_FRAUD = 0


def dispute_rows(
    rules: AfterSales, random: np.random.Generator, customers: int, asked: Requests, made: Loans, quality: Floats
) -> Rows:
    """The table `disputes`: opened, and restated with the outcome when it is decided."""
    rate = np.minimum(rules.dispute * np.exp(rules.dispute_quality * quality[made.merchant]), 0.3)
    rate = np.where(made.takeover, rules.dispute_takeover, np.where(made.fraud_ring, 0.0, rate))
    which = np.flatnonzero(random.random(len(made.row)) < rate)
    size = len(which)
    at = made.opened[which] + (between(random, *rules.dispute_days, size) * DAY).astype(np.int64)
    usual = np.array([0, 1, 3])[np.searchsorted([0.45, 0.9], random.random(size))]
    rows = taken(made.ids, which) | {
        "dispute_id": scrambled(asked.index[made.row[which]], customers * DEVICES, "dispute"),
        "disputed_at": at,
        "known_at": at + between(random, HOUR / 10, 5 * HOUR, size).astype(np.int64),
        "reason": np.where(made.takeover[which], _UNAUTHORISED, usual),
        "outcome": np.where(chance(random, rules.for_customer, size), _CUSTOMER, _MERCHANT),
        "amount_minor": made.principal[which],
    }
    decided = at + (between(random, *rules.resolved_days, size) * DAY).astype(np.int64)
    return restated(rows, np.ones(size, np.bool_), decided, outcome=np.full(size, _OPEN))


def chargeback_rows(
    rules: AfterSales,
    random: np.random.Generator,
    customers: int,
    made: Loans,
    parts: Instalments,
    method: Ints,
    last: Attempt,
    quality: Floats,
) -> Rows:
    """The table `chargebacks`: the bank takes a settled card payment back; fraud loses its first payment."""
    part = last.which
    loan = parts.loan[part]
    begins = parts.number[part] == 0
    rate = rules.chargeback * np.exp(rules.chargeback_quality * quality[made.merchant[loan]])
    rate = np.where(made.fraud_ring[loan] & begins, rules.chargeback_ring, rate)
    rate = np.where(made.takeover[loan] & begins, rules.chargeback_takeover, rate)
    chosen = np.flatnonzero((random.random(len(part)) < rate) & (method[loan] != BANK))
    size = len(chosen)
    loan, part = loan[chosen], part[chosen]
    at = last.at[chosen] + (between(random, *rules.chargeback_days, size) * DAY).astype(np.int64)
    return {
        "chargeback_id": payment_id(parts, part, LAST + 6, customers),
        "payment_id": payment_id(parts, part, LAST, customers),
        **{name: made.ids[name][loan] for name in ("loan_id", "customer_id", "merchant_id")},
        "charged_back_at": at,
        "known_at": at + (between(random, 1, 5, size) * DAY).astype(np.int64),
        "reason": np.where(
            made.fraud_ring[loan] | made.takeover[loan], _FRAUD, np.where(chance(random, 0.8, size), 1, 2)
        ),
        "amount_minor": last.amount[chosen],
    }
