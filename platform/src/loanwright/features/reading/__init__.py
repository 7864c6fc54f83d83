"""The rows of a snapshot that features are made of."""
