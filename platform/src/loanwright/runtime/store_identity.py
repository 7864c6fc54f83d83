"""A store's own identity: a marker that tells a wiped or swapped bucket of the same name from the old one."""

from __future__ import annotations

import time
import uuid

from loanwright.errors import StorageFault
from loanwright.storage import Store

MARKER = ".loanwright-store"
"""The key of the marker."""
_PATIENCE = 5.0


def store_identity(store: Store) -> str:
    """The marker's text; written first where there is none.

    Raises:
        StorageFault: the store cannot be reached or refuses.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            if store.size(MARKER) is None:
                store.create(MARKER, uuid.uuid4().hex.encode())
            return store.read(MARKER).decode()
        except StorageFault as error:
            # A server that just came up may answer before it has made its bucket.
            if "does not exist" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
