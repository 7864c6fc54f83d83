"""Loanwright: from event data in S3 to a governed, reproducible LightGBM model."""

from loanwright._version import __version__

__all__ = ["__version__"]
