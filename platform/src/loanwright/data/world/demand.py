"""What the customers of a block ask for: when, where, how much, on which device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanwright.data.world.clock import DAY, HOUR, MINUTE, Bools, Clock, Floats, Ints, midnight
from loanwright.data.world.frames import NULL
from loanwright.data.world.merchants import ELECTRONICS, TYPICAL_MINOR, Merchants
from loanwright.data.world.parameters import Demand
from loanwright.data.world.population import People
from loanwright.data.world.randomness import chance, scrambled, stream, whole

DEVICES = 64
"""Devices that a customer may come to have, and three places for those of others."""
_TERMS = np.array([4, 3, 6, 12])
_HOURS = np.cumsum([2, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6, 6, 5, 5, 6, 7, 8, 9, 9, 8, 6, 4]) / 112.0
STORE, SOCIAL = 2, 3


@dataclass(frozen=True)
class Requests:
    """One block's applications, by customer and then by time; `who` is the customer's position in the block."""

    who: Ints
    number: Ints
    """The customer's applications before this one."""
    index: Ints
    """Position among all applications there could be."""
    at: Ints
    merchant: Ints
    """The merchant's position."""
    device: Ints
    """The device's position among all there could be."""
    new_device: Bools
    amount: Ints
    term: Ints
    channel: Ints
    items: Ints
    hour: Ints
    express: Bools
    stated_income: Ints
    takeover: Bools


def requests(parameters: Demand, clock: Clock, seed: int, block: int, known: People, shops: Merchants) -> Requests:
    """The applications of a block's customers, whatever the lender will say."""
    random = stream(seed, "requests", block)
    who, at = _times(parameters, clock, random, known)
    size = len(who)
    first = np.searchsorted(who, np.arange(len(known.index)))
    number = np.arange(size) - first[who]
    ring = known.ring[who] >= 0
    takeover = chance(random, parameters.takeover, size) & (number >= 2) & ~ring
    merchant = _shops(parameters, random, shops, number, ring | takeover)
    category = shops.category[merchant]
    month = clock.month(at)
    social_now = month >= clock.number(parameters.social_from)
    channel = np.searchsorted([0.5, 0.88], random.random(size))
    eager = parameters.social_share * np.exp(0.4 * known.impulsivity[who])
    channel = np.where(social_now & chance(random, eager, size), SOCIAL, channel)
    channel = np.where(ring | takeover, np.minimum(channel, 1), channel)
    amount = _amounts(parameters, random, known, who, category)
    amount *= np.where(ring, parameters.ring_amount, 1.0) * np.where(takeover, parameters.takeover_amount, 1.0)
    minor = whole(np.clip(amount, parameters.smallest_minor, parameters.largest_minor))
    ordinal, new = _devices(parameters, random, known, who, number, takeover)
    over = np.exp(0.1 * np.maximum(-known.willingness[who], 0) + 0.2 * random.standard_normal(size))
    stated = whole(known.income[who] * over / 10_000) * 10_000
    lead = known.index[0]
    gang = (lead + random.integers(0, min(8, len(known.index)), size)) * DEVICES + DEVICES - 1
    own = np.where(ring, (lead + known.ring[who]) * DEVICES + DEVICES - 2 - known.index[who] % 2, 0)
    device = np.where(takeover, gang, np.where(ring, own, known.index[who] * DEVICES + ordinal))
    return Requests(
        who=who,
        number=number,
        index=known.index[who] * DEVICES + number,
        at=at,
        merchant=merchant,
        device=device,
        new_device=np.where(ring, number == 0, new),
        amount=minor,
        term=_terms(random, minor),
        channel=channel,
        items=1 + random.poisson(1.4, size),
        hour=(at // HOUR) % 24,
        express=chance(random, np.where(ring | takeover, 0.6, 0.12), size),
        stated_income=np.where(chance(random, 0.7, size) | ring, stated, NULL),
        takeover=takeover,
    )


def _times(parameters: Demand, clock: Clock, random: np.random.Generator, known: People) -> tuple[Ints, Ints]:
    """Applications by customer and time. One signs up to apply: the first comes within the hour, after the launch."""
    size = len(known.index)
    weights = np.array(parameters.season)[clock.calendar(np.arange(clock.months))]
    reached = np.concatenate([[0.0], np.cumsum(weights)])
    edges = clock.edges[: clock.months + 1]
    begin = np.interp(np.maximum(known.signed_up, clock.start), edges, reached)
    log_rate = parameters.eagerness * known.impulsivity + parameters.spread * random.standard_normal(size)
    rate = parameters.applications_a_month * np.exp(log_rate - parameters.spread**2 / 2)
    count = np.minimum(random.poisson(rate * (reached[-1] - begin)), parameters.most)
    new = known.signed_up >= clock.start
    count = np.where(new, np.maximum(count, 1), count)
    ring = known.ring >= 0
    count = np.where(ring, random.integers(*parameters.ring_applications, size), count)
    who = np.repeat(np.arange(size), count)
    place = begin[who] + random.random(len(who)) * (reached[-1] - begin[who])
    day = midnight(np.interp(place, reached, edges).astype(np.int64))
    hour = np.searchsorted(_HOURS, random.random(len(who)) * _HOURS[-1])
    at = day + hour * HOUR + (random.random(len(who)) * HOUR).astype(np.int64)
    soon = known.signed_up[who] + (random.random(len(who)) * 50 * MINUTE).astype(np.int64) + 5 * MINUTE
    burst = known.ring_start[who] + (random.random(len(who)) * 28 * DAY).astype(np.int64)
    at = np.where(ring[who], burst, np.maximum(at, soon))
    starts = np.flatnonzero(np.diff(who, prepend=-1))
    at[starts] = np.where(new[who[starts]] & ~ring[who[starts]], soon[starts], at[starts])
    at = np.clip(at, soon, clock.end - 1)
    order = np.lexsort((at, who))
    return who[order], at[order]


def _shops(parameters: Demand, random: np.random.Generator, shops: Merchants, number: Ints, fraud: Bools) -> Ints:
    """Popular merchants more often; the one before again; fraud buys electronics."""
    size = len(number)
    chosen = np.searchsorted(shops.popularity, random.random(size))
    electronics = np.flatnonzero(shops.category == ELECTRONICS)
    picked = electronics[(random.random(size) * len(electronics)).astype(np.int64)]
    chosen = np.where(fraud & chance(random, 0.7, size), picked, chosen)
    again = chance(random, parameters.loyalty, size) & (number > 0) & ~fraud
    source = np.maximum.accumulate(np.where(again, 0, np.arange(size)))
    return chosen[source]


def _amounts(parameters: Demand, random: np.random.Generator, known: People, who: Ints, category: Ints) -> Floats:
    wealth = np.log(known.income[who] / 2_600_00)
    log = 0.35 * wealth + 0.12 * known.impulsivity[who] + parameters.amount_spread * random.standard_normal(len(who))
    return np.asarray(TYPICAL_MINOR[category] * np.exp(log))


def _terms(random: np.random.Generator, amount: Ints) -> Ints:
    """Large amounts are spread over more instalments."""
    longer = 0.14 * np.log(np.maximum(amount, 1) / 80_00)
    place = random.random(len(amount)) + longer
    return _TERMS[np.searchsorted([0.66, 0.85, 0.95], place)]


def _devices(
    parameters: Demand, random: np.random.Generator, known: People, who: Ints, number: Ints, takeover: Bools
) -> tuple[Ints, Bools]:
    """The device's number among the customer's own, and whether it is used for the first time.

    A takeover's device is somebody else's: it is new, and the customer's own is back afterwards.
    """
    new = (chance(random, parameters.new_device, len(who)) & ~takeover) | (number == 0)
    count = np.cumsum(new)
    first = np.searchsorted(who, np.arange(len(known.index)))
    ordinal = count - count[np.minimum(first[who], len(who) - 1)]
    return np.minimum(ordinal, DEVICES - 4), new | takeover


def device_id(device: Ints, customers: int) -> Ints:
    """What tables call a device."""
    return scrambled(device, customers * DEVICES, "device")
