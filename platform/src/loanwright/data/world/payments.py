"""How each instalment is paid: attempts, halves, reversals, and when the lender comes to know of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanwright.data.world.clock import DAY, HOUR, MINUTE, NEVER, Bools, Ints
from loanwright.data.world.demand import DEVICES
from loanwright.data.world.frames import Rows, restated, stacked
from loanwright.data.world.loans import Instalments, Loans
from loanwright.data.world.parameters import Records, Repayment
from loanwright.data.world.randomness import between, chance, scrambled

AUTOPAY, MANUAL, REVERSAL = 0, 1, 2
SETTLED, FAILED = 0, 1
BANK = 2
LAST, HALF, RETURNED, TAKEN_BACK, TRIED, TRIED_AGAIN = range(6)
"""The payments that an instalment may have: the last one; a half before it; one that is reversed; its reversal; two
that fail."""
_SLOTS = 8 * 16


@dataclass(frozen=True)
class Attempt:
    """One kind of payment, for the instalments that have it: `which` are their positions."""

    which: Ints
    at: Ints
    known: Ints
    kind: Ints
    status: int
    amount: Ints
    settled: Ints


def attempts(
    rules: Repayment, records: Records, random: np.random.Generator, made: Loans, parts: Instalments, method: Ints
) -> dict[int, Attempt]:
    """The payments of all instalments, by kind.

    Args:
        method: how the customer of each loan pays: the codes of `method`.
    """
    size = len(parts.loan)
    auto = made.autopay[parts.loan]
    how = method[parts.loan]
    unpaid, late = np.isinf(parts.delay), parts.delay > 0.5
    open_ = ~parts.cancelled
    clear = np.where(unpaid, 0.0, parts.delay)
    first = (parts.number == 0) & (made.term[parts.loan] == 4)
    ahead = np.where(auto, 18 * HOUR, between(random, HOUR, 16 * HOUR, size)).astype(np.int64)
    last_at = parts.due + np.where((parts.delay == 0) & ~first, -ahead, (clear * DAY).astype(np.int64))
    span = np.where(unpaid, 25.0, clear)
    halved = open_ & (parts.delay > 3) & chance(random, rules.partial, size)
    half_at = parts.due + (span * between(random, 0.2, 0.9, size) * DAY).astype(np.int64)
    reversed_ = open_ & (parts.delay > 8) & ~halved & chance(random, rules.reversed, size)
    reversal_at = parts.due + (between(random, 2, 6, size) * DAY).astype(np.int64)
    tried = open_ & late & ~reversed_ & (auto | chance(random, rules.failed, size))
    tried_at = parts.due + np.where(auto, -18 * HOUR, between(random, 0, 0.9 * DAY, size)).astype(np.int64)
    again = tried & auto & (parts.delay > 3)
    half = np.where(halved, parts.amount // 2, 0)
    usual = np.where(auto & (parts.delay <= 3), AUTOPAY, MANUAL)
    manual, back, machine = (np.full(size, code) for code in (MANUAL, REVERSAL, AUTOPAY))

    def attempt(which: Bools, at: Ints, kind: Ints, status: int, amount: Ints, sign: int) -> Attempt:
        chosen = np.flatnonzero(which)
        known = _known(records, random, at[chosen], how[chosen], status)
        return Attempt(chosen, at[chosen], known, kind[chosen], status, amount[chosen], sign * amount[chosen])

    mode = np.where(auto, AUTOPAY, MANUAL)
    return {
        LAST: attempt(open_ & ~unpaid, last_at, usual, SETTLED, parts.amount - half, 1),
        HALF: attempt(halved & (half > 0), half_at, manual, SETTLED, half, 1),
        RETURNED: attempt(reversed_, parts.due - 12 * HOUR, mode, SETTLED, parts.amount, 1),
        TAKEN_BACK: attempt(reversed_, reversal_at, back, SETTLED, parts.amount, -1),
        TRIED: attempt(tried, tried_at, mode, FAILED, parts.amount, 0),
        TRIED_AGAIN: attempt(again, parts.due + 3 * DAY - 18 * HOUR, machine, FAILED, parts.amount, 0),
    }


def _known(records: Records, random: np.random.Generator, at: Ints, method: Ints, status: int) -> Ints:
    """Cards settle in one or two days, banks in two to four, in files of which some come late."""
    size = len(at)
    place = random.random(size)
    card = MINUTE + place * 6 * HOUR if status == FAILED else (0.8 + 1.4 * place) * DAY
    bank = (1 + 2 * place) * DAY if status == FAILED else (2 + 2 * place) * DAY
    known = at + np.where(method == BANK, bank, card).astype(np.int64)
    late_file = (method == BANK) & ((known // DAY) % records.late_file_every == 0)
    return known + np.where(late_file, records.late_file_days * DAY, 0)


def payment_rows(
    records: Records,
    random: np.random.Generator,
    customers: int,
    parts: Instalments,
    method: Ints,
    paid: dict[int, Attempt],
) -> Rows:
    """The table `payments`; of some that settled, first a wrong amount was told."""
    rows = stacked(
        [
            {
                "payment_id": payment_id(parts, each.which, slot, customers),
                **{
                    name: parts.ids[name][each.which]
                    for name in ("instalment_id", "loan_id", "customer_id", "merchant_id")
                },
                "paid_at": each.at,
                "known_at": each.known,
                "method": method[parts.loan[each.which]],
                "kind": each.kind,
                "status": np.full(len(each.which), each.status),
                "amount_minor": each.amount,
                "settled_minor": each.settled,
            }
            for slot, each in paid.items()
        ]
    )
    wrong = (rows["settled_minor"] > 0) & chance(random, records.payment_restated, len(rows["payment_id"]))
    known = rows["known_at"][wrong] + (between(random, 2, 12, int(wrong.sum())) * DAY).astype(np.int64)
    first = rows["amount_minor"][wrong] * 11 // 10
    return restated(rows, wrong, known, amount_minor=first, settled_minor=first)


def payment_id(parts: Instalments, which: Ints, slot: int, customers: int) -> Ints:
    """What tables call the payment of that kind of these instalments."""
    return scrambled(parts.index[which] * 8 + slot, customers * DEVICES * _SLOTS, "payment")


def moment_of(attempt: Attempt, size: int) -> Ints:
    """When that payment of each instalment was made; NEVER for those that have none."""
    at = np.full(size, NEVER)
    at[attempt.which] = attempt.at
    return at
