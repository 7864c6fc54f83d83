"""The `loanwright` command and its one way of failing: a sentence and an exit code."""

from __future__ import annotations

import errno
import sys
import traceback

import typer

import loanwright
from loanwright.cli import features, housekeeping, models, pipeline_runs, registry, search, world
from loanwright.errors import LoanwrightError

app = typer.Typer(
    name="loanwright",
    help="Trains, judges and registers a lender's models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (pipeline_runs, search, models, features, registry, world, housekeeping):
    module.add_to(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"loanwright {loanwright.__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show where an error comes from."),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Options of every command (--debug is looked up in the arguments when a command fails)."""


def main() -> None:
    """Runs the command line; exits with 0, 1 (environment), 2 (what was given), 3 (gate) or 130 (interrupted)."""
    try:
        app()
    except LoanwrightError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left; there is nobody to tell
        sys.exit(1)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        words = f"the disk is full, while writing {error.filename or 'a file'}. Free some space" if full else str(error)
        _fail(words, 1)
    except Exception as error:
        _fail(f"internal error, {type(error).__name__}: {error} (--debug shows where)", 1)


def _fail(words: str, code: int) -> None:
    if "--debug" in sys.argv:
        traceback.print_exc()
    print(f"Error: {words}", file=sys.stderr)
    sys.exit(code)
