"""Every number of the generative story, in one place. They were fixed before a model was first fitted to the world.

`docs/world.md` tells the story. Probabilities are fractions; rates say their unit; money is in minor units of one
currency; weights of a log-odds are per standard deviation of the trait, unless they say otherwise.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Population:
    """Who the customers are. Traits are standard normal."""

    before_launch: float = 0.35
    """Share who signed up in the year before the world begins; the others do so evenly over the world."""
    unwilling: float = 0.04
    """Share whose willingness is lower by `unwilling_by`."""
    unwilling_by: float = 2.0
    median_income_minor: int = 2_600_00
    """A month's income of the median customer."""
    income_spread: float = 0.45
    """Log income per standard deviation of ability."""
    shock_enter: float = 0.015
    """Chance a month that an income shock begins, at average ability."""
    shock_by_ability: float = 0.5
    """Factor `exp(-x · ability)` on that chance."""
    shock_leave: float = 0.22
    """Chance a month that a shock ends."""
    recession_factor: float = 6.0
    """On the chance that a shock begins, in a recession month."""
    recession: tuple[str, ...] = ("2025-03",)
    """The recession's months."""
    declares_income: float = 0.75
    income_overstated: float = 0.15
    """Log overstatement of income per standard deviation of missing willingness."""
    verified: float = 0.3
    """Share of declared incomes that are later verified, and restated."""
    shares_address: float = 0.15
    """Share of customers who live with the customer before them."""
    rings_per_thousand: float = 2.5
    """Fraud rings per 1,000 customers."""
    ring_size: tuple[int, int] = (4, 9)


@dataclass(frozen=True)
class Demand:
    """What is asked for. Season weights are January to December."""

    applications_a_month: float = 0.52
    eagerness: float = 0.35
    """Log rate per standard deviation of impulsivity."""
    spread: float = 0.6
    """Standard deviation of the log rate that nothing explains."""
    most: int = 60
    """The most applications of one customer."""
    season: tuple[float, ...] = (0.85, 0.85, 0.92, 0.95, 1.0, 0.98, 0.95, 0.92, 0.98, 1.05, 1.35, 1.4)
    merchants_per_customer: float = 0.02
    fewest_merchants: int = 40
    popularity: float = 1.05
    """Zipf exponent of the merchants' popularity."""
    loyalty: float = 0.25
    """Chance that a checkout is at the merchant of the one before."""
    amount_spread: float = 0.55
    smallest_minor: int = 15_00
    largest_minor: int = 2_500_00
    new_device: float = 0.06
    social_from: str = "2025-06"
    """The month from which the channel `social` exists."""
    social_share: float = 0.22
    takeover: float = 0.005
    """Share of a known customer's checkouts that somebody else makes with the customer's account."""
    takeover_amount: float = 2.0
    ring_applications: tuple[int, int] = (2, 5)
    ring_amount: float = 2.6


@dataclass(frozen=True)
class Lending:
    """The lender's policy: a score of what is known at the decision, and three reasons to decline."""

    new_customer: float = 0.9
    new_device: float = 0.35
    late_loan: float = 0.75
    """Per earlier loan known to have been a week late, up to three."""
    good_loan: float = -0.35
    """Per logarithm of one plus the loans paid back."""
    open_loan: float = 0.3
    """Per open loan."""
    amount: float = 0.8
    """Per logarithm of the amount over 100 units."""
    no_income: float = 0.25
    cutoff: float = 1.7
    """Scores above it are declined."""
    most_in_a_week: int = 3
    """Applications in seven days from which on another is declined."""
    explore: float = 0.05
    """Chance that a decline is approved at random."""
    explore_arrears: float = 0.01
    """The same for customers in arrears."""


@dataclass(frozen=True)
class Repayment:
    """Log-odds of default (30 days late within 90 days of the checkout), and of being late a little."""

    base: float = -5.25
    willingness: float = -1.0
    ability: float = -0.65
    impulsivity: float = 0.25
    shock: float = 2.2
    burden: float = 0.45
    """Per logarithm of the amount over 5 % of a month's income."""
    open_loan: float = 0.12
    """Per loan that is open at the decision."""
    merchant: float = -0.6
    """Per standard deviation of the merchant's quality."""
    social: float = 0.5
    long_term: float = 0.25
    """For 6 or 12 instalments."""
    january: float = 0.2
    """For checkouts of December and January."""
    recession: float = 0.6
    """For checkouts of a recession month."""
    ring: float = 0.93
    """A ring's chance of default."""
    takeover: float = 0.55
    """That of a checkout in somebody else's name."""
    later: float = 0.5
    """Chance of a default after the 90 days, in units of the one before, for 6 and 12 instalments."""
    cured: float = 0.3
    """Share of defaults that are paid after all."""
    cured_days: float = 30.0
    late_base: float = -4.15
    late_willingness: float = -1.15
    late_ability: float = -0.7
    late_shock: float = 2.1
    late_autopay: float = -0.5
    late_recession: float = 0.6
    """For instalments due in a recession month."""
    late_before_default: float = 1.5
    late_days: float = 6.0
    """Mean days of a late payment, which is at most 28 days late."""
    autopay: float = 0.6
    autopay_willingness: float = 0.5
    partial: float = 0.15
    """Share of payments more than 3 days late that come in two halves."""
    reversed: float = 0.06
    """Share of instalments more than 8 days late of which there was a payment that was reversed."""
    early: float = 0.3
    """Share of manual payments that are up to 3 days early."""
    failed: float = 0.2
    """Chance that a late manual payer had tried and failed."""
    charged_off_days: int = 120


@dataclass(frozen=True)
class AfterSales:
    """Refunds, disputes and chargebacks."""

    full_refund: float = 0.065
    partial_refund: float = 0.055
    refund_quality: float = -0.3
    """Log rate per standard deviation of the merchant's quality."""
    refund_trait: float = 0.4
    """Log rate per standard deviation of the customer's habit of sending things back."""
    refund_days: tuple[int, int] = (3, 26)
    partial_share: tuple[float, float] = (0.05, 0.3)
    dispute: float = 0.008
    dispute_quality: float = -0.7
    dispute_takeover: float = 0.6
    dispute_days: tuple[int, int] = (4, 40)
    resolved_days: tuple[int, int] = (8, 45)
    for_customer: float = 0.55
    chargeback: float = 0.0008
    """Per card payment, at a merchant of average quality."""
    chargeback_quality: float = -0.6
    chargeback_ring: float = 0.35
    chargeback_takeover: float = 0.3
    chargeback_days: tuple[int, int] = (8, 60)


@dataclass(frozen=True)
class Contact:
    """Account changes and marketing, per customer and month."""

    changes_a_month: float = 0.03
    shock_change: float = 0.35
    """Chance that a customer changes something in the month in which a shock begins."""
    exposures_a_month: float = 0.5
    clicked: float = 0.12
    clicked_impulsivity: float = 0.5


@dataclass(frozen=True)
class Records:
    """How events come to be known."""

    late_file_every: int = 23
    """Days between the bank files that come late."""
    late_file_days: int = 6
    payment_restated: float = 0.01
    refund_restated: float = 0.03
    merchant_restated: float = 0.06


@dataclass(frozen=True)
class Parameters:
    """The whole story's numbers."""

    population: Population = field(default_factory=Population)
    demand: Demand = field(default_factory=Demand)
    lending: Lending = field(default_factory=Lending)
    repayment: Repayment = field(default_factory=Repayment)
    after_sales: AfterSales = field(default_factory=AfterSales)
    contact: Contact = field(default_factory=Contact)
    records: Records = field(default_factory=Records)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values, by part and name."""
        return asdict(self)
