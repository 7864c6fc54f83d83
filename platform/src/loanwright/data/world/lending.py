"""The lender decides, application by application of each customer, on what it knows by then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanwright.data.world.clock import DAY, NEVER, Bools, Floats, Ints
from loanwright.data.world.demand import Requests
from loanwright.data.world.frames import NULL
from loanwright.data.world.parameters import Lending, Parameters
from loanwright.data.world.randomness import stream
from loanwright.data.world.repayment import DEFAULT, LATER, PAID, Prospects, histories, true_probability

ARREARS, VELOCITY, SCORE = 0, 1, 2


@dataclass(frozen=True)
class Decisions:
    """One block's decisions, in the order of its requests."""

    approved: Bools
    decline_reason: Ints
    """What the policy held against it, or NULL; also where it was then approved at random."""
    approval_probability: Floats
    truth: Floats
    """The true chance of default, had it been approved."""
    course: Ints
    """What becomes of the loan: PAID, DEFAULT or LATER."""


def decide(parameters: Parameters, seed: int, block: int, asked: Requests, ahead: Prospects) -> Decisions:
    """Runs through each customer's applications in turn; all customers' first ones together, then the second.

    A loan's course decides what the policy knows at the customer's later applications.
    """
    random = stream(seed, "decisions", block)
    size = len(asked.who)
    explored, fate, then = random.random((3, size))
    count = np.bincount(asked.who)
    most = int(count.max(initial=0))
    past = {name: np.full((len(count), most), NEVER) for name in ("at", "late_from", "late_until", "closed", "opened")}
    what = histories(ahead, asked)
    reason, probability = np.full(size, NULL), np.ones(size)
    truth, course, approved = np.zeros(size), np.zeros(size, np.int64), np.zeros(size, np.bool_)
    first = np.searchsorted(asked.who, np.arange(len(count)))
    order = np.argsort(-count, kind="stable")
    for step in range(most):
        customer = order[: int((count > step).sum())]
        row = first[customer] + step
        at = asked.at[row]
        seen = {name: table[customer, :step] for name, table in past.items()}
        late = seen["late_from"] <= at[:, None]
        open_loans = ((seen["opened"] < at[:, None]) & (seen["closed"] > at[:, None])).sum(axis=1)
        good = (seen["closed"] <= at[:, None]).sum(axis=1)
        arrears = (late & (seen["late_until"] > at[:, None])).any(axis=1)
        velocity = (seen["at"] > at[:, None] - 7 * DAY).sum(axis=1) >= parameters.lending.most_in_a_week
        score = _score(parameters.lending, asked, row, late.sum(axis=1), open_loans, good)
        held = np.select([arrears, velocity, score > parameters.lending.cutoff], [ARREARS, VELOCITY, SCORE], NULL)
        low, high = parameters.lending.explore_arrears, parameters.lending.explore
        odds = np.select([held == NULL, held == ARREARS], [1.0, low], high)
        yes = explored[row] < odds
        true, alone = true_probability(parameters.repayment, ahead, row, open_loans)
        fails = (fate[row] < alone) & ~ahead.refunded[row]
        fails_later = (then[row] < parameters.repayment.later * alone) & (asked.term[row] >= 6)
        after = np.where(fails, DEFAULT, np.where(fails_later & ~ahead.refunded[row], LATER, PAID))
        reason[row], probability[row], approved[row], truth[row], course[row] = held, odds, yes, true, after
        past["at"][customer, step] = at
        past["opened"][customer, step] = np.where(yes, at, NEVER)
        for name, table in (("late_from", what.late_from), ("late_until", what.late_until), ("closed", what.closed)):
            past[name][customer, step] = np.where(yes, table[after, row], NEVER)
    return Decisions(approved, reason, probability, truth, course)


def _score(rules: Lending, asked: Requests, row: Ints, late: Ints, open_loans: Ints, good: Ints) -> Floats:
    """The policy's score: a weighted sum of what is known at the decision."""
    return np.asarray(
        rules.new_customer * (good == 0)
        + rules.new_device * asked.new_device[row]
        + rules.late_loan * np.minimum(late, 3)
        + rules.good_loan * np.log1p(good)
        + rules.open_loan * open_loans
        + rules.amount * np.log(asked.amount[row] / 100_00)
        + rules.no_income * (asked.stated_income[row] == NULL)
    )
