"""The report: one self-contained HTML page that says whether a model may be used, and why."""

from __future__ import annotations

from loanwright.evaluation.report.render import render

__all__ = ["render"]
