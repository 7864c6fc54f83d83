"""A synthetic pay-later lender: events with the time they were known, and a truth that no pipeline reads."""
