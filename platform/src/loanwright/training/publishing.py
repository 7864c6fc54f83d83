"""The booster as it is stored: its text, its encoding and its training log, and a note of where."""

from __future__ import annotations

import json
import logging
import tempfile
from importlib.metadata import version
from pathlib import Path

from loanwright.storage import Store, canonical_json, digest_of, publish_folder, read_manifest
from loanwright.training.fitting import Fitted
from loanwright.training.job import Job

_log = logging.getLogger("loanwright")


def publish_booster(fitted: Fitted, job: Job, store: Store, scratch: Path) -> str:
    """Stores a fitted booster as a manifest of kind ``boosters``; its URI."""
    rounds = len(fitted.validation) or fitted.rounds
    _log.info("trained %d rounds, kept %d", rounds, fitted.rounds)
    training_log = {
        "metric": fitted.metric,
        "validation": fitted.validation,
        "rounds": rounds,
        "best_round": fitted.rounds,
        "rows": fitted.rows,
        "validation_rows": fitted.held_rows,
        **promise(job),
    }
    body = {
        "table": read_manifest(job.table, "tables").digest,
        "rounds": fitted.rounds,
        "lightgbm": version("lightgbm"),
        "training": digest_of(job.training),
        "split": digest_of(job.split),
        **promise(job),
    }
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        top = Path(folder)
        (top / "model.txt").write_text(fitted.model_text, encoding="utf-8", newline="\n")
        (top / "features.json").write_bytes(canonical_json(fitted.features))
        (top / "training_log.json").write_bytes(canonical_json(training_log))
        return publish_folder(store, "boosters", top, body)


def promise(job: Job) -> dict[str, bool | int]:
    """What is said of the number of workers: under the promise it makes no difference, else it is told."""
    return {"exact": True} if job.declared_training.exact else {"exact": False, "workers": job.ranks}


def note_booster(job: Job, store: Store, uri: str) -> None:
    """Tells whoever asked for the training where its booster is."""
    store.write(_note(job, store), canonical_json({"booster": uri}))


def noted_booster(job: Job, store: Store) -> str:
    """The URI that `note_booster` was given.

    Raises:
        NotStored: there is none.
    """
    return str(json.loads(store.read(_note(job, store)))["booster"])


def _note(job: Job, store: Store) -> str:
    # Not among the checkpoints: an equal training at the same time removes those as soon as it is done.
    return f"trainings/{job.checkpoints(store).key}.json"
