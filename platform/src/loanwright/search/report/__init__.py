"""The report of a search: one HTML file with pictures."""
