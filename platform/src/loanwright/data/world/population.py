"""The customers of a block: traits that no table holds, income shocks, fraud rings, and what the lender sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanwright.data.world.clock import DAY, MINUTE, Bools, Clock, Floats, Ints
from loanwright.data.world.frames import NULL, Rows, restated
from loanwright.data.world.parameters import Population
from loanwright.data.world.randomness import BLOCK, between, chance, scrambled, stream, whole

_REGIONS = np.cumsum([0.18, 0.15, 0.16, 0.13, 0.14, 0.09, 0.04])
_CHANNELS = np.cumsum([0.45, 0.35, 0.08])
ADDRESSES = 64
"""Addresses that a customer may come to have: the first is the one of the sign-up."""


@dataclass(frozen=True)
class People:
    """One block's customers: arrays of one value each; `shocked` has a column for each month of the clock."""

    index: Ints
    """Position among all customers; `id` is what tables call them."""
    id: Ints
    signed_up: Ints
    ability: Floats
    willingness: Floats
    impulsivity: Floats
    returns: Floats
    """The habit of sending things back."""
    income: Floats
    """A month's, in minor units."""
    shocked: Bools
    ring: Ints
    """The ring's number in the block, or -1."""
    ring_start: Ints
    """When the customer's ring begins; 0 without one."""
    address: Ints


def shock_begins(parameters: Population, clock: Clock, ability: Floats, month: Ints) -> Floats:
    """The chance that an income shock begins in that month."""
    recession = [clock.number(name) for name in parameters.recession]
    factor = np.where(np.isin(month, recession), parameters.recession_factor, 1.0)
    return np.minimum(parameters.shock_enter * factor * np.exp(-parameters.shock_by_ability * ability), 0.5)


def people(parameters: Population, clock: Clock, seed: int, block: int, customers: int) -> People:
    """The customers of a block, of whom there are `BLOCK`, or fewer in the last one."""
    size = min(BLOCK, customers - block * BLOCK)
    index = block * BLOCK + np.arange(size)
    random = stream(seed, "people", block)
    ability, willingness, impulsivity, returns = random.standard_normal((4, size))
    willingness -= parameters.unwilling_by * chance(random, parameters.unwilling, size)
    before = chance(random, parameters.before_launch, size)
    place = random.random(size)
    span = clock.end - clock.start - DAY
    signed_up = clock.start + np.where(before, -place * 365 * DAY, place * span).astype(np.int64)
    income = parameters.median_income_minor * np.exp(parameters.income_spread * ability)
    income *= np.exp(0.2 * random.standard_normal(size))
    ring, ring_start = _rings(parameters, clock, random, size)
    member = ring >= 0
    signed_up = np.where(member, ring_start - (random.random(size) * 6 * DAY).astype(np.int64), signed_up)
    leader = np.zeros(size, np.int64)
    for number in range(int(ring.max(initial=-1)) + 1):
        leader[ring == number] = np.flatnonzero(ring == number)[0]
    housemate = chance(random, parameters.shares_address, size) & (np.arange(size) > 0) & ~member
    home = np.where(member, leader, np.where(housemate, np.arange(size) - 1, np.arange(size)))
    return People(
        index=index,
        id=scrambled(index, customers, "customer"),
        signed_up=signed_up,
        ability=ability,
        willingness=willingness,
        impulsivity=impulsivity,
        returns=returns,
        income=income,
        shocked=_shocks(parameters, clock, random, ability),
        ring=ring,
        ring_start=ring_start,
        address=scrambled(index[home] * ADDRESSES, customers * ADDRESSES, "address"),
    )


def _rings(parameters: Population, clock: Clock, random: np.random.Generator, size: int) -> tuple[Ints, Ints]:
    """Rings are runs of neighbours in the block; identifiers do not show it."""
    ring, start = np.full(size, -1), np.zeros(size, np.int64)
    low, high = parameters.ring_size
    for number in range(int(random.poisson(parameters.rings_per_thousand * size / 1000))):
        members = slice(first := int(random.integers(0, max(1, size - high))), first + int(random.integers(low, high)))
        ring[members] = number
        start[members] = clock.start + int(random.random() * (clock.end - clock.start - 40 * DAY)) + 7 * DAY
    return np.unique(ring, return_inverse=True)[1] - (1 if (ring < 0).any() else 0), start


def _shocks(parameters: Population, clock: Clock, random: np.random.Generator, ability: Floats) -> Bools:
    """A chain of months: a shock begins with a chance that ability and recessions set, and ends with another."""
    months = len(clock.edges)
    shocked = np.zeros((len(ability), months), np.bool_)
    state = chance(random, 0.04, len(ability))
    for month in range(months):
        begins = shock_begins(parameters, clock, ability, np.full(len(ability), month))
        state = random.random(len(ability)) < np.where(state, 1 - parameters.shock_leave, begins)
        shocked[:, month] = state
    return shocked


def customer_rows(parameters: Population, seed: int, block: int, known: People) -> Rows:
    """The table `customers`: what is asked at the sign-up, and the income again once it is verified."""
    random = stream(seed, "customers", block)
    size = len(known.index)
    ring = known.ring >= 0
    declares = chance(random, parameters.declares_income, size) | ring
    over = np.exp(parameters.income_overstated * np.maximum(-known.willingness, 0) + 0.1 * random.standard_normal(size))
    truth = whole(known.income / 100) * 100
    said = whole(known.income * np.where(ring, 1.6, over) / 10_000) * 10_000
    kinds = np.searchsorted([0.72, 0.97], random.random(size))
    rows: Rows = {
        "customer_id": known.id,
        "signed_up_at": known.signed_up,
        "known_at": known.signed_up + between(random, 1, 10 * MINUTE, size).astype(np.int64),
        "birth_year": 1950 + whole(55 * random.beta(3.2, 2.0, size)),
        "region": np.searchsorted(_REGIONS, random.random(size)),
        "signup_channel": np.searchsorted(_CHANNELS, random.random(size)),
        "address_id": known.address,
        "email_kind": np.where(ring & chance(random, 0.5, size), 2, kinds),
        "declared_income_minor": np.where(declares, said, NULL),
        "income_verified": np.zeros(size, np.bool_),
    }
    verified = declares & ~ring & chance(random, parameters.verified, size)
    when = known.signed_up + (between(random, 10, 200, size) * DAY).astype(np.int64)
    first = {name: rows[name][verified] for name in ("declared_income_minor", "income_verified")}
    rows["declared_income_minor"] = np.where(verified, truth, rows["declared_income_minor"])
    rows["income_verified"] = verified
    return restated(rows, verified, when[verified], **first)
