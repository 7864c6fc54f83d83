"""What a feature is, in plain Python: the pieces of `features.reference`."""
