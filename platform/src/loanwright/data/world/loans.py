"""The approved loans of a block as flat columns, one value for each instalment, and the tables that say no more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanwright.data.world.clock import DAY, HOUR, MINUTE, Bools, Floats, Ints
from loanwright.data.world.demand import DEVICES, Requests
from loanwright.data.world.frames import Rows, restated
from loanwright.data.world.lending import Decisions
from loanwright.data.world.merchants import Merchants
from loanwright.data.world.population import People
from loanwright.data.world.randomness import between, scrambled
from loanwright.data.world.refunds import Returns
from loanwright.data.world.repayment import MOST, Prospects

_SLOTS = 16
"""Places for instalments below a loan's index."""


@dataclass(frozen=True)
class Loans:
    """The approved applications of a block: arrays of one value each; `row` is the application's position."""

    row: Ints
    who: Ints
    opened: Ints
    ids: Rows
    """loan_id, application_id, customer_id, merchant_id."""
    merchant: Ints
    principal: Ints
    term: Ints
    autopay: Bools
    fraud_ring: Bools
    takeover: Bools


@dataclass(frozen=True)
class Instalments:
    """All instalments of a block's loans: arrays of one value each; `loan` is the position among the loans."""

    loan: Ints
    number: Ints
    """From 0."""
    index: Ints
    """Position among all instalments there could be."""
    ids: Rows
    """instalment_id, and the loan's ids."""
    due: Ints
    delay: Floats
    """Days after the due time at which it is paid; infinite for never."""
    scheduled: Ints
    """The amount first scheduled."""
    amount: Ints
    """The amount after a partial refund."""
    cancelled: Bools
    """Whether the loan was refunded before it was due."""


def loans(
    customers: int, known: People, asked: Requests, decided: Decisions, ahead: Prospects, shops: Merchants
) -> Loans:
    """The loans of the approved applications."""
    row = np.flatnonzero(decided.approved)
    who, index = asked.who[row], asked.index[row]
    return Loans(
        row=row,
        who=who,
        opened=asked.at[row],
        ids={
            "loan_id": scrambled(index, customers * DEVICES, "loan"),
            "application_id": scrambled(index, customers * DEVICES, "application"),
            "customer_id": known.id[who],
            "merchant_id": shops.id[asked.merchant[row]],
        },
        merchant=asked.merchant[row],
        principal=asked.amount[row],
        term=asked.term[row],
        autopay=ahead.autopay[row],
        fraud_ring=known.ring[who] >= 0,
        takeover=asked.takeover[row],
    )


def loan_rows(random: np.random.Generator, made: Loans) -> Rows:
    """The table `loans`."""
    return {
        **made.ids,
        "opened_at": made.opened,
        "known_at": made.opened + between(random, MINUTE, HOUR, len(made.row)).astype(np.int64),
        "principal_minor": made.principal,
        "term": made.term,
        "interval_days": np.where(made.term == 4, 14, 30),
        "autopay": made.autopay,
    }


def instalments(
    customers: int, asked: Requests, decided: Decisions, ahead: Prospects, made: Loans, back: Returns
) -> Instalments:
    """The loans' instalments, with what will become of each."""
    there = np.arange(MOST)[None, :] < made.term[:, None]
    loan, number = np.nonzero(there)
    row = made.row[loan]
    course = decided.course[row]
    delay = np.choose(course, [each[row, number] for each in ahead.delay])
    due = ahead.due[row, number]
    part = made.principal // made.term
    scheduled = part[loan] + np.where(number == 0, (made.principal - part * made.term)[loan], 0)
    after = due > (back.at + 4 * DAY)[loan]
    partly = after & back.partial[loan]
    left = np.maximum(np.bincount(loan, weights=partly, minlength=len(made.row)).astype(np.int64), 1)
    amount = np.where(partly, np.maximum(scheduled - (back.amount // left)[loan], 1), scheduled)
    index = asked.index[row] * _SLOTS + number
    ids = {name: values[loan] for name, values in made.ids.items()}
    return Instalments(
        loan=loan,
        number=number,
        index=index,
        ids={"instalment_id": scrambled(index, customers * DEVICES * _SLOTS, "instalment"), **ids},
        due=due,
        delay=delay,
        scheduled=scheduled,
        amount=amount,
        cancelled=back.full[loan] & (due > back.at[loan]),
    )


def instalment_rows(
    random: np.random.Generator, made: Loans, parts: Instalments, back: Returns, opened_known: Ints
) -> Rows:
    """The table `instalments`: known with the loan, and anew where a partial refund made one smaller."""
    rows: Rows = {name: parts.ids[name] for name in ("instalment_id", "loan_id", "application_id", "customer_id")} | {
        "scheduled_at": made.opened[parts.loan],
        "known_at": opened_known[parts.loan],
        "number": parts.number + 1,
        "due_at": parts.due,
        "amount_minor": parts.amount,
    }
    smaller = parts.amount != parts.scheduled
    told = back.at + (between(random, 1, 3, len(made.row)) * DAY).astype(np.int64)
    return restated(rows, smaller, told[parts.loan][smaller], amount_minor=parts.scheduled[smaller])
