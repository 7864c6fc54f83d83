"""What would become of each application's loan: the chance of default, and every instalment's delay in each course.

A loan takes one of three courses: `PAID` (a little late at worst), `DEFAULT` (an instalment goes unpaid so early that
it is 30 days late within 90 days of the checkout), `LATER` (one goes unpaid after that).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanwright.data.world.clock import DAY, MINUTE, NEVER, Bools, Clock, Floats, Ints, midnight, nightly
from loanwright.data.world.demand import SOCIAL, Requests
from loanwright.data.world.merchants import RISK, Merchants
from loanwright.data.world.parameters import Parameters, Repayment
from loanwright.data.world.population import People, shock_begins
from loanwright.data.world.randomness import between, chance, logistic, stream

MOST = 12
"""The most instalments of a loan; tables of instalments have that many columns."""
PAID, DEFAULT, LATER = 0, 1, 2
UNPAID = np.inf
_FIRST_MISSED = np.cumsum([0.45, 0.3])
"""Of four instalments, the second or the third is the first that goes unpaid; else the last. The first is paid at the
checkout."""


@dataclass(frozen=True)
class Prospects:
    """Of each application of a block, approved or not: odds, refunds, and delays in days after each due time."""

    odds: Floats
    """Log-odds of default without an income shock, but for the loans open at the decision."""
    shock_chance: Floats
    """The chance that the customer is in an income shock while the loan runs."""
    fixed: Floats
    """The chance of default of fraud, which has no odds; NaN for all others."""
    full_refund: Floats
    """The chance that everything is sent back, after which nothing is owed."""
    refunded: Bools
    refund_at: Ints
    due: Ints
    """Shape (applications, MOST)."""
    delay: tuple[Floats, Floats, Floats]
    """By course, shape (applications, MOST): negative for early, UNPAID for never."""
    autopay: Bools


def prospects(
    parameters: Parameters, clock: Clock, seed: int, block: int, known: People, asked: Requests, shops: Merchants
) -> Prospects:
    """All that is drawn of a block's applications before the lender decides."""
    rules, sales = parameters.repayment, parameters.after_sales
    random = stream(seed, "prospects", block)
    who, size = asked.who, len(asked.who)
    month = clock.month(asked.at)
    ring = known.ring[who] >= 0
    fixed = np.where(ring, rules.ring, np.where(asked.takeover, rules.takeover, np.nan))
    begins = shock_begins(parameters.population, clock, known.ability[who], month + 1)
    shock_chance = np.where(known.shocked[who, month], 1 - parameters.population.shock_leave, begins)
    log_rate = sales.refund_quality * shops.quality[asked.merchant] + sales.refund_trait * known.returns[who]
    full_refund = np.where(np.isnan(fixed), np.minimum(sales.full_refund * np.exp(log_rate), 0.5), 0.0)
    autopay_odds = np.log(rules.autopay / (1 - rules.autopay)) + rules.autopay_willingness * known.willingness
    autopay = (random.random(len(known.index)) < logistic(autopay_odds))[who]
    due = _due(asked)
    steps = np.arange(MOST)
    eligible = np.where(asked.term == 4, np.where(ring, 1, 1 + np.searchsorted(_FIRST_MISSED, random.random(size))), 0)
    later = 1 + (random.random(size) * (asked.term - 1)).astype(np.int64)
    due_month = clock.month(due)
    shocked = known.shocked[who[:, None], due_month]
    recession = [clock.number(name) for name in parameters.population.recession]
    lateness = (
        rules.late_base
        + (rules.late_willingness * known.willingness + rules.late_ability * known.ability)[who][:, None]
        + rules.late_shock * shocked
        + rules.late_recession * np.isin(due_month, recession)
        + (rules.late_autopay * autopay)[:, None]
    )
    luck, length = random.random((size, MOST)), random.exponential(rules.late_days, (size, MOST))
    early = -between(random, 0.05, 3, size * MOST).reshape(size, MOST)
    early = np.where(~autopay[:, None] & (random.random((size, MOST)) < rules.early), early, 0.0)
    early[:, 0] = np.where(asked.term == 4, 0.0, early[:, 0])
    mild = np.where(luck < logistic(lateness), np.minimum(1.02 + length, 28.0), early)
    worse = np.where(
        luck < logistic(lateness + rules.late_before_default), np.minimum(1.02 + 1.5 * length, 28.0), early
    )
    for delays in (mild, worse):
        delays[:, 0] = np.where(asked.term == 4, 0.0, delays[:, 0])
    cured = chance(random, rules.cured, size) & np.isnan(fixed)
    cure = 31.0 + random.exponential(rules.cured_days, size)

    def missed(first: Ints) -> Floats:
        """From the first missed on, nothing is paid until the cure, if there is one."""
        paid = due[np.arange(size), first] + (cure * DAY).astype(np.int64)
        days = np.where(cured[:, None], np.maximum((paid[:, None] - due) / DAY + 0.01 * steps, 0.0), UNPAID)
        return np.where(steps[None, :] < first[:, None], worse, days)

    return Prospects(
        odds=_odds(rules, clock, known, asked, shops, month) + rules.recession * np.isin(month, recession),
        shock_chance=shock_chance,
        fixed=fixed,
        full_refund=full_refund,
        refunded=chance(random, full_refund, size),
        refund_at=asked.at + (between(random, *sales.refund_days, size) * DAY).astype(np.int64),
        due=due,
        delay=(mild, missed(eligible), missed(np.minimum(later, asked.term - 1))),
        autopay=autopay,
    )


def _odds(rules: Repayment, clock: Clock, known: People, asked: Requests, shops: Merchants, month: Ints) -> Floats:
    who = asked.who
    burden = np.log(asked.amount / (0.05 * known.income[who]))
    winter = np.isin(clock.calendar(month), (11, 0))
    return np.asarray(
        rules.base
        + (
            rules.willingness * known.willingness
            + rules.ability * known.ability
            + rules.impulsivity * known.impulsivity
        )[who]
        + rules.burden * burden
        + rules.merchant * shops.quality[asked.merchant]
        + RISK[shops.category[asked.merchant]]
        + rules.social * (asked.channel == SOCIAL)
        + rules.long_term * (asked.term >= 6)
        + rules.january * winter
    )


def _due(asked: Requests) -> Ints:
    """Four instalments: at once, then every 14 days. Others: every 30 days. All at the end of that day."""
    steps = np.arange(MOST)[None, :]
    day = midnight(asked.at)[:, None]
    due = np.where((asked.term == 4)[:, None], day + (14 * steps + 1) * DAY, day + (30 * (steps + 1) + 1) * DAY)
    due[:, 0] = np.where(asked.term == 4, asked.at + MINUTE, due[:, 0])
    return due


def true_probability(rules: Repayment, ahead: Prospects, which: Ints, open_loans: Ints) -> tuple[Floats, Floats]:
    """The chance of default, with and without what a refund takes away: `(1 - refund) · chance`, and `chance`.

    Exact: the odds given the latent state at the decision, mixed over whether an income shock is there meanwhile.
    """
    odds = ahead.odds[which] + rules.open_loan * np.minimum(open_loans, 4)
    shocked = ahead.shock_chance[which]
    mixed = (1 - shocked) * logistic(odds) + shocked * logistic(odds + rules.shock)
    alone = np.where(np.isnan(ahead.fixed[which]), mixed, ahead.fixed[which])
    return (1 - ahead.full_refund[which]) * alone, alone


@dataclass(frozen=True)
class Histories:
    """What the lender comes to know of each application's loan, by course: arrays of shape (3, applications)."""

    late_from: Ints
    """When it is first known to be a week late; NEVER if that does not happen."""
    late_until: Ints
    """When nothing is late any more."""
    closed: Ints
    """When all is paid."""


def histories(ahead: Prospects, asked: Requests) -> Histories:
    """The dates on which the lender's policy goes, in each course."""
    listed = np.arange(MOST)[None, :] < asked.term[:, None]
    cancelled = ahead.refunded[:, None] & (ahead.due > ahead.refund_at[:, None])
    found = []
    for course, delay in enumerate(ahead.delay):
        there = listed & ~cancelled if course == PAID else listed
        unpaid = np.isinf(delay)
        paid = ahead.due + (np.where(unpaid, 0.0, delay) * DAY).astype(np.int64)
        paid = np.where(unpaid, NEVER, paid + 2 * DAY)
        week = there & (delay > 7)
        late_from = np.where(week, nightly(ahead.due + 7 * DAY - 1), NEVER).min(axis=1)
        late_until = np.where(week, paid, 0).max(axis=1)
        found.append((late_from, late_until, np.where(there, paid, 0).max(axis=1)))
    late_from, late_until, closed = (np.array(each) for each in zip(*found, strict=True))
    closed[PAID] = np.where(ahead.refunded, np.maximum(closed[PAID], ahead.refund_at + 2 * DAY), closed[PAID])
    return Histories(late_from, late_until, closed)
