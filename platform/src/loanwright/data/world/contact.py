"""Account changes and marketing: what else is known of a customer over time."""

from __future__ import annotations

import numpy as np

from loanwright.data.world.clock import DAY, HOUR, MINUTE, SECOND, Clock, Floats, Ints
from loanwright.data.world.demand import DEVICES, Requests, device_id
from loanwright.data.world.frames import Rows, restated
from loanwright.data.world.parameters import Contact
from loanwright.data.world.population import ADDRESSES, People
from loanwright.data.world.randomness import between, scrambled, stream

_ADDRESS, _EMAIL, _CARD, _PHONE = 0, 1, 2, 3
_PLACES = 256
"""Changes, and exposures, that a customer may come to have."""


def device_rows(seed: int, block: int, customers: int, known: People, asked: Requests) -> Rows:
    """The table `devices`: a link is known just before the checkout at which the device is first seen."""
    random = stream(seed, "devices", block)
    new = np.flatnonzero(asked.new_device)
    at = asked.at[new] - (between(random, 30, 120, len(new)) * SECOND).astype(np.int64)
    return {
        "link_id": scrambled(asked.index[new], customers * DEVICES, "link"),
        "linked_at": at,
        "known_at": at + (between(random, 1, 20, len(new)) * SECOND).astype(np.int64),
        "device_id": device_id(asked.device[new], customers),
        "customer_id": known.id[asked.who[new]],
        "system": np.searchsorted([0.42, 0.8, 0.93, 0.99], _fraction(asked.device[new])),
    }


def _fraction(index: Ints) -> Floats:
    """A number in [0, 1) that an index always has."""
    return np.asarray(scrambled(index, 1 << 40, "fraction") % 10_007 / 10_007)


def change_rows(
    rules: Contact, clock: Clock, seed: int, block: int, customers: int, known: People, asked: Requests
) -> Rows:
    """The table `account_changes`: now and then; when an income shock begins; before a takeover."""
    random = stream(seed, "changes", block)
    size = len(known.index)
    begin = np.maximum(known.signed_up, clock.start)
    count = random.poisson(rules.changes_a_month * (clock.end - begin) / (30 * DAY))
    who = np.repeat(np.arange(size), np.minimum(count, 100))
    at = begin[who] + ((clock.end - begin[who]) * random.random(len(who))).astype(np.int64)
    kind = np.array([_ADDRESS, _EMAIL, _CARD, _PHONE])[np.searchsorted([0.3, 0.45, 0.85], random.random(len(who)))]
    shock = known.shocked[:, 1 : clock.months] & ~known.shocked[:, : clock.months - 1]
    hit, month = np.nonzero(shock & (random.random(shock.shape) < rules.shock_change))
    hit_at = clock.edges[month + 1] + (random.random(len(hit)) * 25 * DAY).astype(np.int64)
    hit_kind = np.where(random.random(len(hit)) < 0.5, _ADDRESS, _CARD)
    there = hit_at > begin[hit]
    stolen = np.flatnonzero(asked.takeover)
    before = asked.at[stolen][:, None] - (between(random, 0.05, 3, 2 * len(stolen)) * DAY).astype(np.int64).reshape(
        -1, 2
    )
    who = np.concatenate([who, hit[there], np.repeat(asked.who[stolen], 2)])
    at = np.concatenate([at, hit_at[there], before.ravel()])
    kind = np.concatenate([kind, hit_kind[there], np.tile([_EMAIL, _PHONE], len(stolen))])
    at = np.maximum(at, known.signed_up[who] + MINUTE)
    order = np.lexsort((at, who))
    who, at, kind = who[order], at[order], kind[order]
    number = np.arange(len(who)) - np.searchsorted(who, who)
    value = scrambled(known.index[who] * _PLACES + number, customers * _PLACES, "value")
    moved = scrambled(known.index[who] * ADDRESSES + 1 + number % (ADDRESSES - 1), customers * ADDRESSES, "address")
    return {
        "change_id": scrambled(known.index[who] * _PLACES + number, customers * _PLACES, "change"),
        "changed_at": at,
        "known_at": at + between(random, SECOND, 5 * MINUTE, len(at)).astype(np.int64),
        "customer_id": known.id[who],
        "kind": kind,
        "value_id": np.where(kind == _ADDRESS, moved, value),
    }


def exposure_rows(rules: Contact, clock: Clock, seed: int, block: int, customers: int, known: People) -> Rows:
    """The table `marketing`: an exposure, and again once it was clicked."""
    random = stream(seed, "marketing", block)
    size = len(known.index)
    begin = np.maximum(known.signed_up + DAY, clock.start)
    months = np.maximum(clock.end - begin, 0) / (30 * DAY)
    who = np.repeat(np.arange(size), np.minimum(random.poisson(rules.exposures_a_month * months), _PLACES - 1))
    number = np.arange(len(who)) - np.searchsorted(who, who)
    day = begin[who] + ((clock.end - begin[who]) * random.random(len(who))).astype(np.int64)
    clicks = random.random(len(who)) < rules.clicked * np.exp(rules.clicked_impulsivity * known.impulsivity[who])
    rows: Rows = {
        "exposure_id": scrambled(known.index[who] * _PLACES + number, customers * _PLACES, "exposure"),
        "exposed_at": day,
        "known_at": day + between(random, MINUTE, DAY, len(day)).astype(np.int64),
        "customer_id": known.id[who],
        "campaign": np.searchsorted([0.4, 0.6, 0.9], random.random(len(who))),
        "medium": np.searchsorted([0.55, 0.9], random.random(len(who))),
        "clicked": clicks,
    }
    told = rows["known_at"][clicks] + between(random, MINUTE, 2 * HOUR, int(clicks.sum())).astype(np.int64)
    return restated(rows, clicks, told, clicked=np.zeros(int(clicks.sum()), np.bool_))
