"""The merchants: a Zipf popularity, a category, and a quality that no table holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanwright.data.world.clock import DAY, Clock, Floats, Ints
from loanwright.data.world.frames import Rows, restated
from loanwright.data.world.parameters import Demand
from loanwright.data.world.randomness import between, chance, scrambled, stream
from loanwright.data.world.schema import WORDS

_CATEGORIES = np.cumsum([0.3, 0.12, 0.14, 0.12, 0.08, 0.04, 0.06, 0.05, 0.05])
TYPICAL_MINOR = np.array([75, 210, 48, 110, 85, 320, 55, 65, 60, 45]) * 100
"""The median amount of each category, in the order of its words."""
RISK = np.array([0.0, 0.35, -0.1, -0.05, 0.0, 0.25, -0.25, 0.45, -0.1, -0.05])
"""Log-odds of default of each category."""
ELECTRONICS = WORDS["category"].index("electronics")


@dataclass(frozen=True)
class Merchants:
    """All merchants, the most popular first."""

    id: Ints
    category: Ints
    quality: Floats
    popularity: Floats
    """The cumulative share of checkouts, ending with 1."""
    country: Ints
    onboarded: Ints


def merchants(parameters: Demand, clock: Clock, seed: int, customers: int) -> Merchants:
    """The world's merchants: their number follows the customers'."""
    size = max(parameters.fewest_merchants, round(customers * parameters.merchants_per_customer))
    random = stream(seed, "merchants", 0)
    weight = (np.arange(size) + 2.0) ** -parameters.popularity
    category = np.searchsorted(_CATEGORIES, random.random(size))
    category[size // 5] = ELECTRONICS  # there is always one that a fraudster would choose
    return Merchants(
        id=scrambled(np.arange(size), size, "merchant"),
        category=category,
        quality=random.standard_normal(size),
        popularity=np.cumsum(weight) / weight.sum(),
        country=np.searchsorted([0.8, 0.94], random.random(size)),
        onboarded=clock.start - (between(random, 1, 700, size) * DAY).astype(np.int64),
    )


def merchant_rows(share_restated: float, clock: Clock, seed: int, known: Merchants) -> Rows:
    """The table `merchants`: some first had the wrong category."""
    random = stream(seed, "merchant rows", 0)
    size = len(known.id)
    rows: Rows = {
        "merchant_id": known.id,
        "onboarded_at": known.onboarded,
        "known_at": known.onboarded + (between(random, 0.1, 1, size) * DAY).astype(np.int64),
        "category": known.category,
        "country": known.country,
    }
    wrong = chance(random, share_restated, size)
    corrected = clock.start + (between(random, 0, 1, size) * (clock.end - clock.start - 1)).astype(np.int64)
    other = (known.category + random.integers(1, len(WORDS["category"]), size)) % len(WORDS["category"])
    return restated(rows, wrong, corrected[wrong], category=other[wrong])
