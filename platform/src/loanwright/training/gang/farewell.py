"""Why a worker ends, in a form that can be handed to another process and raised there again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import loanwright.errors
from loanwright.errors import IntegrityFault, LoanwrightError
from loanwright.training.gang.errors import GangBroken

_LONGEST = 1500


@dataclass(frozen=True)
class Farewell:
    """A worker's last words; `kind` names the LoanwrightError that ended it, if it was one.

    `memory` says that it could not get the memory it asked for.
    """

    why: str
    kind: str | None = None
    fix: str | None = None
    damaged: str | None = None
    memory: bool = False

    @classmethod
    def of(cls, error: BaseException) -> Farewell:
        """The last words of a worker that this error ended."""
        if isinstance(error, GangBroken):
            return cls(str(error))
        if isinstance(error, LoanwrightError):
            return cls(error.problem, _kind(error), error.fix, getattr(error, "damaged", None))
        if isinstance(error, MemoryError):
            return cls("memory ran out", memory=True)
        words = str(error).strip().splitlines()
        return cls(f"internal error, {type(error).__name__}: {words[0] if words else 'no words'}")

    def error(self) -> LoanwrightError | None:
        """The LoanwrightError that ended the worker; None if it was something else."""
        if self.kind is None:
            return None
        if self.kind == IntegrityFault.__name__:
            return IntegrityFault(self.why, fix=self.fix, damaged=self.damaged)
        made: LoanwrightError = getattr(loanwright.errors, self.kind)(self.why, fix=self.fix)
        return made

    def shortened(self) -> Farewell:
        """The same, with no more words than a pipe takes at once."""
        return replace(self, why=self.why[:_LONGEST], fix=self.fix and self.fix[:_LONGEST])


def _kind(error: LoanwrightError) -> str:
    """The error's type, or the nearest of its bases that everybody knows."""
    return next(base.__name__ for base in type(error).__mro__ if hasattr(loanwright.errors, base.__name__))
