"""The command line: reads arguments, calls the library, shows what came of it."""

from loanwright.cli.main import main

__all__ = ["main"]
