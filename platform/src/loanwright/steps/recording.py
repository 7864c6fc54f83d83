"""What surrounds every step: its record beside the run, one clear error, the exit code."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from loanwright.errors import EnvironmentFault, LoanwrightError
from loanwright.runtime.processes import Identity
from loanwright.runtime.records import SPOKEN, StepRecord
from loanwright.steps.surroundings import environment_run_id
from loanwright.storage import Store, open_store

_TERMINATION_LOG = Path("/dev/termination-log")  # Kubernetes shows its text as the pod's last message


@contextmanager
def recorded(step: str) -> Iterator[dict[str, Any]]:
    """Runs a step's body; what the body puts into the yielded mapping is the record's result.

    Ends the process with the error's exit code, after writing the record, when the body fails.
    """
    _die_with_runner()
    _speak()
    place = _place()
    me = Identity.mine()
    record = StepRecord(step=step, status="running", pid=me.pid, started=me.started)
    result: dict[str, Any] = {}
    _write(record, place)
    try:
        yield result
    except BaseException as error:
        known = _known(error)
        failed = replace(
            record,
            status="failed",
            seconds=round(me.age(), 2),
            code=known.exit_code,
            error=str(known),
            trace="".join(traceback.format_exception(error)),
            result=result,
        )
        _write(failed, place)
        _tell(f"{step}: {known}")
        raise SystemExit(known.exit_code) from (None if isinstance(error, LoanwrightError) else error)
    _write(replace(record, status="done", seconds=round(me.age(), 2), result=result), place)


def _speak() -> None:
    """Our own words go to the log behind a mark, by which they are told from KFP's."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter(f"{SPOKEN} %(message)s"))
    logger = logging.getLogger("loanwright")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)


def _known(error: BaseException) -> LoanwrightError:
    if isinstance(error, LoanwrightError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return EnvironmentFault(
            f"the disk is full, while writing {error.filename or 'a file'}", fix="Free some space and run again"
        )
    if isinstance(error, MemoryError):
        return EnvironmentFault("memory ran out", fix="Run it on a machine with more, or on fewer rows")
    if isinstance(error, KeyboardInterrupt):
        return EnvironmentFault("interrupted")
    return EnvironmentFault(f"internal error, {type(error).__name__}: {error}", fix="--debug shows where")


def _place() -> Store | None:
    """The run's folder; on a cluster, the run's prefix in the artifact store."""
    folder, root, run_id = (
        os.environ.get("LOANWRIGHT_RUN_DIR"),
        os.environ.get("LOANWRIGHT_STORE"),
        environment_run_id(),
    )
    if folder:
        return open_store(folder)
    return open_store(f"{root}/runs/{run_id}") if root and run_id else None


def _write(record: StepRecord, place: Store | None) -> None:
    if place is None:
        return
    try:
        record.write(place)
    except (LoanwrightError, OSError) as error:
        # A full disk must not hide the step's own error behind a second one.
        print(f"the step's record could not be written: {error}", file=sys.stderr)


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
    if "KUBERNETES_SERVICE_HOST" in os.environ and os.access(_TERMINATION_LOG, os.W_OK):
        _TERMINATION_LOG.write_text(words[:4000])


def _die_with_runner() -> None:
    """A step that its killed runner had just begun must not go on beside the next run."""
    runner = os.environ.get("LOANWRIGHT_RUNNER")
    if runner:
        pid, _, started = runner.partition(":")
        if Identity(int(pid), float(started)).process() is None:
            raise SystemExit(1)
