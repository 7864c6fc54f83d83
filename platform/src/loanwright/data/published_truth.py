"""What a synthetic world publishes of its truth, kept with the snapshot: a histogram, and nothing of any one row.

It travels with the rows, so that a step on another machine need not make the world again to read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loanwright.data.world.recipe import SCHEME
from loanwright.storage import FileEntry, Manifest, Store, canonical_json, fetch, put_file

TRUTH = "truth"
"""In a snapshot's body: the path of that file among the manifest's."""
_NAME = "truth_summary.json"


def store_truth(uri: str, kind: str, store: Store, cache: Path, scratch: Path) -> FileEntry | None:
    """Stores what the world at the unit's address publishes; None if the rows are of no world.

    Args:
        uri: of the unit's source.
        kind: of the manifest that will list the file.
        store: where to keep it.
        cache: the folder of cached data, which holds the world.
        scratch: a folder for a temporary file.
    """
    if not uri.startswith(SCHEME):
        return None
    from loanwright.data.world.addresses import truth_summary

    path = scratch / _NAME
    path.write_bytes(canonical_json(truth_summary(uri, cache)))
    return put_file(store, kind, path)


def read_truth(snapshot: Manifest, scratch: Path) -> Mapping[str, Any] | None:
    """The histogram kept with a snapshot, which `loanwright.data.world.truth.auc` reads; None if there is none.

    Raises:
        NotStored: the file is gone.
        IntegrityFault: it is not what was written.
    """
    if TRUTH not in snapshot.body:
        return None
    published: dict[str, Any] = json.loads(fetch(snapshot, snapshot.file(snapshot.body[TRUTH]), scratch).read_bytes())
    return published
