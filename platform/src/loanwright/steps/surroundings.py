"""Where a step works: the artifact store, scratch space, the registry, all from the environment."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loanwright.errors import EnvironmentFault, IntegrityFault, LoanwrightError
from loanwright.storage import Store, open_store

_LONGEST_TAG = 1000


@dataclass(frozen=True)
class Surroundings:
    """A step's place in the world. `scratch` is emptied when the step ends."""

    store: Store
    scratch: Path
    data_cache: Path
    tracking_uri: str
    tracking_artifacts: str | None
    run_id: str
    run_folder: Path | None
    changes: tuple[str, ...]
    """What was set for this run alone, where a person did so."""
    feature_engine: str = "duckdb"
    feature_shards: int | None = None
    """What computes features; no byte of them depends on it."""
    trials_at_once: int = 1
    """How many trials of a search share this machine's processors."""

    def change_tags(self) -> dict[str, str]:
        """The registry's tag for what was set for this run alone; none if nothing was."""
        return {"loanwright.changes": ", ".join(self.changes)[:_LONGEST_TAG]} if self.changes else {}

    @property
    def run_place(self) -> Store:
        """Where the run's own small files lie: its folder on this machine, else its prefix in the artifact store."""
        return self.run_store() if self.run_folder is None else open_store(str(self.run_folder))

    def run_store(self) -> Store:
        """The run's own prefix in the artifact store."""
        return open_store(f"{self.store.root}/runs/{self.run_id}")


def environment_run_id() -> str | None:
    """The pipeline run's id, where the environment says it."""
    return os.environ.get("LOANWRIGHT_RUN_ID") or os.environ.get("KFP_RUN_ID") or None


@contextmanager
def surroundings(run_id: str | None = None) -> Iterator[Surroundings]:
    """Reads the environment and makes the scratch folder.

    What the body finds damaged in the artifact store is removed there, so that the next run makes it anew.

    Args:
        run_id: the pipeline run's id as KFP gives it, where the environment has none.

    Raises:
        EnvironmentFault: LOANWRIGHT_STORE or LOANWRIGHT_TRACKING_URI is not set.
    """
    tracking = os.environ.get("LOANWRIGHT_TRACKING_URI") or os.environ.get("MLFLOW_TRACKING_URI")
    root = os.environ.get("LOANWRIGHT_STORE")
    if not root or not tracking:
        missing = "LOANWRIGHT_STORE" if not root else "LOANWRIGHT_TRACKING_URI"
        raise EnvironmentFault(f"{missing} is not set", fix="Set it on the pod, or run by `loanwright run`")
    parent = os.environ.get("LOANWRIGHT_SCRATCH")
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    folder = os.environ.get("LOANWRIGHT_RUN_DIR")
    store = open_store(root)
    with tempfile.TemporaryDirectory(prefix="loanwright-", dir=parent or None) as scratch, _healing(store):
        yield Surroundings(
            store=store,
            scratch=Path(scratch),
            data_cache=Path(os.environ.get("LOANWRIGHT_DATA_CACHE") or Path(scratch) / "data"),
            tracking_uri=tracking,
            tracking_artifacts=os.environ.get("LOANWRIGHT_TRACKING_ARTIFACTS"),
            run_id=environment_run_id() or run_id or f"unnamed-{uuid.uuid4().hex[:12]}",
            run_folder=Path(folder) if folder else None,
            changes=tuple(json.loads(os.environ.get("LOANWRIGHT_CHANGES") or "[]")),
            feature_engine=os.environ.get("LOANWRIGHT_FEATURE_ENGINE") or "duckdb",
            feature_shards=int(os.environ.get("LOANWRIGHT_FEATURE_SHARDS") or 0) or None,
            trials_at_once=int(os.environ.get("LOANWRIGHT_TRIALS_AT_ONCE") or 1),
        )


@contextmanager
def _healing(store: Store) -> Iterator[None]:
    """Removes what turns out to be damaged: its name promises other content, so nothing true is lost.

    What lies outside the store is a person's own, and is left alone.
    """
    try:
        yield
    except IntegrityFault as fault:
        prefix, damaged = f"{store.root}/", fault.damaged or ""
        key = damaged.removeprefix(prefix)
        if not damaged.startswith(prefix) or ".." in key.split("/"):
            raise
        try:
            store.delete(key)
        except (LoanwrightError, OSError):
            raise fault from None  # where a step may not delete, it still tells what is damaged
        raise IntegrityFault(fault.problem, fix="It was removed: run again, and it is made anew") from fault
