"""Declared features as SQL: one text for each feature group."""
