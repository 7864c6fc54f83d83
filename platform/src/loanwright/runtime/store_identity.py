"""A store's own identity: a marker that tells a wiped or swapped bucket of the same name from the old one."""

from __future__ import annotations

import uuid

from loanwright.storage import Store

MARKER = ".loanwright-store"
"""The key of the marker."""


def store_identity(store: Store) -> str:
    """The marker's text; written first where there is none.

    Raises:
        StorageFault: the store cannot be reached or refuses.
    """
    if store.size(MARKER) is None:
        store.create(MARKER, uuid.uuid4().hex.encode())
    return store.read(MARKER).decode()
