"""How long a fault that may pass is waited out: a store that restarts is back within a minute."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import TypeVar

from loanwright.errors import EnvironmentFault, StorageFault

VARIABLE = "LOANWRIGHT_S3_PATIENCE"
_DEFAULT = 60.0
_LONGEST_PAUSE = 5.0
_log = logging.getLogger("loanwright")
Result = TypeVar("Result")


class PassingFault(StorageFault):
    """The store answered that it cannot, or did not answer: the same may succeed a little later."""


def patiently(action: Callable[[int], Result]) -> Result:
    """Does it again while it ends with a `PassingFault`, for a minute or as long as LOANWRIGHT_S3_PATIENCE says.

    Args:
        action: what to do; is given how often it was tried before.

    Raises:
        StorageFault: it did not pass in that time; the last fault, with the time that was waited.
    """
    patience, began, pause, tries = _seconds(), time.monotonic(), 0.5, 0
    while True:
        try:
            return action(tries)
        except PassingFault as fault:
            waited = time.monotonic() - began
            if waited + pause > patience:
                raise StorageFault(f"{fault.problem}, for {waited:.0f} s", fix=fault.fix) from fault
            if not tries:
                _log.warning("%s: trying again for %.0f s", fault.problem, patience)
        time.sleep(pause)
        pause = min(_LONGEST_PAUSE, 2 * pause)
        tries += 1


def _seconds() -> float:
    text = os.environ.get(VARIABLE)
    try:
        seconds = float(text) if text else _DEFAULT
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise EnvironmentFault(f"{VARIABLE} is {text!r}", fix="Set it to a number of seconds, at most a day")
    return seconds
