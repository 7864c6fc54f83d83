"""LightGBM's errors in words of ours: what is declared is refused, or the network between processes broke."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from loanwright.errors import DeclarationError
from loanwright.training.gang.errors import NetworkLost

_NETWORK = re.compile(r"socket|binding port|connect|timed? ?out|machine list|linkers", re.IGNORECASE)


@contextmanager
def understood(ranks: int = 1) -> Iterator[None]:
    """Turns what LightGBM raises inside into errors of ours.

    Args:
        ranks: how many processes train together; on its own, a process has no network.

    Raises:
        DeclarationError: LightGBM refuses the parameters.
        NetworkLost: the connection to another process failed.
        MemoryError: LightGBM could not get the memory it asked for.
    """
    import lightgbm as lgb

    try:
        yield
    except lgb.basic.LightGBMError as error:
        said = str(error).split(" at /")[0]  # without the place in LightGBM's own source
        if "bad_alloc" in said:
            raise MemoryError(said) from error
        if ranks > 1 and _NETWORK.search(said):
            raise NetworkLost(f"LightGBM lost the others: {said}") from error
        raise DeclarationError(
            f"LightGBM refuses the declared training: {said}", fix="Change training.parameters"
        ) from error
