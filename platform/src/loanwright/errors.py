"""Every error this package raises on purpose, and the exit code each one ends the CLI with.

    LoanwrightError                 1
    ├── UserError                   2   something the user gave is wrong
    │   ├── DeclarationError            a model.yaml, or a parameter, says something impossible
    │   ├── DataError                   the data breaks its contract, or cannot be read as declared
    │   └── UsageError                  a command was called with something that does not exist
    ├── GateBlocked                 3   the model was made, and may not be used
    └── EnvironmentFault            1   the machine, the network, the storage or the registry
        ├── MemoryFault                 what was to be held does not fit into memory
        ├── StorageFault                S3 or a folder refused, vanished or is full
        │   └── NotStored               the thing asked for is not there
        └── IntegrityFault              what is stored is not what was written

A message is one sentence that says what is wrong and where; ``fix`` says what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LoanwrightError(Exception):
    """Base of all deliberate errors.

    Args:
        problem: what is wrong, and where.
        fix: what to do about it; shown behind the problem.
    """

    exit_code = 1

    def __init__(self, problem: str, *, fix: str | None = None) -> None:
        super().__init__(problem if fix is None else f"{problem}. {fix}")
        self.problem = problem
        self.fix = fix


class UserError(LoanwrightError):
    exit_code = 2


class DeclarationError(UserError):
    pass


class DataError(UserError):
    pass


class UsageError(UserError):
    pass


class GateBlocked(LoanwrightError):
    exit_code = 3


class EnvironmentFault(LoanwrightError):
    pass


class MemoryFault(EnvironmentFault):
    pass


class StorageFault(EnvironmentFault):
    pass


class NotStored(StorageFault):
    pass


class IntegrityFault(EnvironmentFault):
    """What is stored is not what was written.

    Args:
        damaged: URI of the stored object whose bytes are changed or gone, where it is one object.
    """

    def __init__(self, problem: str, *, fix: str | None = None, damaged: str | None = None) -> None:
        super().__init__(problem, fix=fix)
        self.damaged = damaged


def near(name: str, known: Iterable[str]) -> str:
    """A question with the closest known name, or the empty string: ``" (did you mean 'auc'?)"``."""
    matches = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" (did you mean {matches[0]!r}?)" if matches else ""
