"""A place to work from: the project's store within reach, and a folder for temporary files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.settings import Settings, environment


@contextmanager
def workplace(settings: Settings) -> Iterator[Path]:
    """Makes the artifact store reachable for a while, starting the embedded server if that is the one.

    Yields a folder for temporary files, which is gone afterwards.

    Raises:
        EnvironmentFault: the embedded server does not come up.
    """
    variables = settings.variables()
    if settings.store is None:
        variables |= ObjectServer(settings).start()
    with environment(variables), tempfile.TemporaryDirectory(prefix="loanwright-") as scratch:
        yield Path(scratch)
