"""The tables as parquet holds them: columns, types, key, event time, and the words of each category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WORDS: Mapping[str, tuple[str, ...]] = {
    "region": ("north", "east", "south", "west", "centre", "coast", "islands", "capital"),
    "signup_channel": ("web", "app", "store", "partner"),
    "email_kind": ("free", "own", "disposable"),
    "category": (
        "fashion", "electronics", "beauty", "home", "sports", "travel", "groceries", "gaming", "health", "toys",
    ),
    "country": ("home", "neighbour", "overseas"),
    "system": ("ios", "android", "windows", "mac", "other"),
    "channel": ("web", "app", "store", "social"),
    "approval_reason": ("policy", "random"),
    "decline_reason": ("arrears", "velocity", "score"),
    "instalment_events.status": (
        "due", "part_paid", "paid", "reversed", "late_1", "late_7", "late_30", "charged_off", "cancelled",
    ),
    "method": ("debit_card", "credit_card", "bank"),
    "payments.kind": ("autopay", "manual", "reversal"),
    "payments.status": ("settled", "failed"),
    "refunds.reason": ("return", "cancelled_order", "price_adjustment"),
    "disputes.reason": ("not_received", "not_as_described", "unauthorised", "duplicate"),
    "outcome": ("open", "customer", "merchant"),
    "chargebacks.reason": ("fraud", "goods", "processing"),
    "account_changes.kind": ("address", "email", "card", "phone"),
    "campaign": ("season", "win_back", "merchant_offer", "limit"),
    "medium": ("email", "push", "sms"),
}  # fmt: skip
"""The words of each category, by its column's name, or `table.column` where tables differ. Codes are positions."""


@dataclass(frozen=True)
class Table:
    """One table: `columns` maps each name to its kind: i(nteger), c(ategory), b(oolean), t(ime), n(umber)."""

    name: str
    key: str
    event_time: str
    columns: Mapping[str, str]

    def words(self, column: str) -> tuple[str, ...]:
        """What the codes of a category mean."""
        return WORDS.get(f"{self.name}.{column}") or WORDS[column]


def _table(name: str, key: str, event_time: str, columns: str) -> Table:
    """A table from its columns' short form: `name` for an integer, `name:c` for another kind."""
    kinds = dict(column.partition(":")[::2] for column in columns.split())
    both = {key: "", event_time: "t", "known_at": "t"} | kinds
    return Table(name, key, event_time, {column: kind or "i" for column, kind in both.items()})


_SCORED = (
    "customer_id merchant_id device_id amount_minor term channel:c cart_items hour is_new_device:b express_shipping:b "
    "stated_income_minor approval_reason:c approval_probability:n"
)
_LOAN = "loan_id application_id customer_id merchant_id"

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        _table(
            "customers", "customer_id", "signed_up_at",
            "birth_year region:c signup_channel:c address_id email_kind:c declared_income_minor income_verified:b",
        ),
        _table("merchants", "merchant_id", "onboarded_at", "category:c country:c"),
        _table("devices", "link_id", "linked_at", "device_id customer_id system:c"),
        _table("applications", "application_id", "applied_at", f"{_SCORED} approved:b decline_reason:c"),
        _table("checkouts", "application_id", "checked_out_at", _SCORED),
        _table(
            "loans", "loan_id", "opened_at",
            "application_id customer_id merchant_id principal_minor term interval_days autopay:b",
        ),
        _table(
            "instalments", "instalment_id", "scheduled_at",
            "loan_id application_id customer_id number due_at:t amount_minor",
        ),
        _table(
            "instalment_events", "event_id", "happened_at",
            f"instalment_id {_LOAN} number status:c arrears_change_minor",
        ),
        _table(
            "payments", "payment_id", "paid_at",
            "instalment_id loan_id customer_id merchant_id method:c kind:c status:c amount_minor settled_minor",
        ),
        _table("refunds", "refund_id", "refunded_at", f"{_LOAN} reason:c full:b amount_minor"),
        _table("disputes", "dispute_id", "disputed_at", f"{_LOAN} reason:c outcome:c amount_minor"),
        _table(
            "chargebacks", "chargeback_id", "charged_back_at",
            "payment_id loan_id customer_id merchant_id reason:c amount_minor",
        ),
        _table("account_changes", "change_id", "changed_at", "customer_id kind:c value_id"),
        _table("marketing", "exposure_id", "exposed_at", "customer_id campaign:c medium:c clicked:b"),
    )
}  # fmt: skip
"""Every table a pipeline may read, by name."""
