"""One block of customers, from their traits to every table's rows, and the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanwright.data.world.clock import Clock
from loanwright.data.world.contact import change_rows, device_rows, exposure_rows
from loanwright.data.world.demand import DEVICES, Requests, device_id, requests
from loanwright.data.world.disputes import chargeback_rows, dispute_rows
from loanwright.data.world.frames import NULL, Rows, taken
from loanwright.data.world.instalment_events import event_rows
from loanwright.data.world.lending import Decisions, decide
from loanwright.data.world.loans import instalment_rows, instalments, loan_rows, loans
from loanwright.data.world.merchants import Merchants
from loanwright.data.world.parameters import Parameters
from loanwright.data.world.payments import LAST, attempts, payment_rows
from loanwright.data.world.population import People, customer_rows, people
from loanwright.data.world.randomness import scrambled, stream
from loanwright.data.world.refunds import refund_rows, returns
from loanwright.data.world.repayment import prospects
from loanwright.data.world.truth import truth_rows

_POLICY, _RANDOM = 0, 1


@dataclass(frozen=True)
class Block:
    """One block's rows: `tables` of what the lender comes to know, `truth` of what it never does."""

    tables: dict[str, Rows]
    truth: Rows


def simulate(parameters: Parameters, clock: Clock, seed: int, block: int, customers: int, shops: Merchants) -> Block:
    """The block's rows. They depend on the arguments alone, not on what else is simulated, or where."""
    known = people(parameters.population, clock, seed, block, customers)
    asked = requests(parameters.demand, clock, seed, block, known, shops)
    ahead = prospects(parameters, clock, seed, block, known, asked, shops)
    decided = decide(parameters, seed, block, asked, ahead)
    made = loans(customers, known, asked, decided, ahead, shops)
    random = stream(seed, "after sales", block)
    sales, records = parameters.after_sales, parameters.records
    back = returns(sales, random, known, asked, ahead, shops.quality, made.row, decided.course)
    parts = instalments(customers, asked, decided, ahead, made, back)
    method = np.searchsorted([0.68, 0.86], stream(seed, "methods", block).random(len(known.index)))[made.who]
    paid = attempts(parameters.repayment, records, stream(seed, "payments", block), made, parts, method)
    applications = _application_rows(customers, known, asked, decided, shops)
    opened = loan_rows(stream(seed, "loans", block), made)
    tables = {
        "customers": customer_rows(parameters.population, seed, block, known),
        "devices": device_rows(seed, block, customers, known, asked),
        "applications": applications,
        "checkouts": _checkout_rows(applications),
        "loans": opened,
        "instalments": instalment_rows(stream(seed, "plans", block), made, parts, back, opened["known_at"]),
        "instalment_events": event_rows(customers, parameters.repayment.charged_off_days, parts, back.at, paid),
        "payments": payment_rows(records, stream(seed, "payment rows", block), customers, parts, method, paid),
        "refunds": refund_rows(records, random, customers, asked, made, back),
        "disputes": dispute_rows(sales, random, customers, asked, made, shops.quality),
        "chargebacks": chargeback_rows(sales, random, customers, made, parts, method, paid[LAST], shops.quality),
        "account_changes": change_rows(parameters.contact, clock, seed, block, customers, known, asked),
        "marketing": exposure_rows(parameters.contact, clock, seed, block, customers, known),
    }
    return Block(
        tables={name: taken(rows, rows["known_at"] < clock.end) for name, rows in tables.items()},
        truth=truth_rows(clock, applications, decided, known, asked),
    )


def _application_rows(customers: int, known: People, asked: Requests, decided: Decisions, shops: Merchants) -> Rows:
    """The table `applications`: every decision, known when it is taken."""
    by_policy = decided.decline_reason == NULL
    return {
        "application_id": scrambled(asked.index, customers * DEVICES, "application"),
        "applied_at": asked.at,
        "known_at": asked.at,
        "customer_id": known.id[asked.who],
        "merchant_id": shops.id[asked.merchant],
        "device_id": device_id(asked.device, customers),
        "amount_minor": asked.amount,
        "term": asked.term,
        "channel": asked.channel,
        "cart_items": asked.items,
        "hour": asked.hour,
        "is_new_device": asked.new_device,
        "express_shipping": asked.express,
        "stated_income_minor": asked.stated_income,
        "approval_reason": np.where(decided.approved, np.where(by_policy, _POLICY, _RANDOM), NULL),
        "approval_probability": decided.approval_probability,
        "approved": decided.approved,
        "decline_reason": decided.decline_reason,
    }


def _checkout_rows(applications: Rows) -> Rows:
    """The table `checkouts`: the approved applications, without what only the declines have."""
    rows = taken(applications, applications["approved"])
    rows["checked_out_at"] = rows.pop("applied_at")
    del rows["approved"], rows["decline_reason"]
    return rows
