"""A trial as it is handed on: what is to be tried, and what came of it, each a small content-named manifest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loanwright.config.learning import Split, Training
from loanwright.config.reading import parse_section
from loanwright.config.search import Value
from loanwright.errors import IntegrityFault
from loanwright.storage import Manifest, Store, digest_of, publish, read_manifest

NOTHING = ""
"""The one item of a generation that tries nothing: KFP's loops are not for empty lists."""


def record_name(trial: str) -> str:
    """What the record of a trial's step is called, from the trial's URI."""
    return f"trial_{trial.rpartition('/')[2][:16]}"


def seconds_key(result: str) -> str:
    """Where the store keeps how long a result took: beside it and not in it, for it is no part of what was found."""
    return f"seconds/{result.rpartition('/')[2]}"


@dataclass(frozen=True)
class Trial:
    """What is to be tried. It holds all that the result depends on, and nothing else.

    Attributes:
        number: of the trial, from 0; 0 is the declared training.
        values: of the searched parameters, by name.
        table: the training table's digest.
        split: the split section.
        training: the whole training section with these values.
        metric: what is measured.
        folds: into how many folds the train part is dealt.
    """

    number: int
    values: dict[str, Value]
    table: str
    split: Split
    training: Training
    metric: str
    folds: int

    def publish(self, store: Store) -> str:
        """Stores it as a manifest of kind ``trials``; its URI."""
        body = {
            "number": self.number,
            "values": self.values,
            "table": self.table,
            "split": self.split.model_dump(mode="json"),
            "training": self.training.model_dump(mode="json"),
            "metric": self.metric,
            "folds": self.folds,
        }
        return publish(store, "trials", body)

    @classmethod
    def read(cls, uri: str) -> Trial:
        """The trial that a manifest of kind ``trials`` holds.

        Raises:
            NotStored: there is no such manifest.
            IntegrityFault: it is not what was written.
        """
        body = read_manifest(uri, "trials").body
        sections = {
            "split": parse_section("split", body["split"], Split),
            "training": parse_section("training", body["training"], Training),
        }
        return cls(**body | sections)


@dataclass(frozen=True)
class FoldResult:
    """What one fold came to.

    Attributes:
        value: the metric on the judged rows.
        rounds: trees of the fold's model.
        fitted: rows the model was fitted on, those held out for early stopping not counted.
        judged: rows that the metric was measured on.
    """

    value: float
    rounds: int
    fitted: int
    judged: int


@dataclass(frozen=True)
class Result:
    """What came of a trial: of each fold in order, or the reason why there is nothing."""

    number: int
    values: dict[str, Value]
    folds: tuple[FoldResult, ...]
    failed: str | None = None

    @property
    def mean(self) -> float | None:
        """The metric's mean over the folds; None if the trial failed."""
        return math.fsum(fold.value for fold in self.folds) / len(self.folds) if self.folds else None

    @property
    def spread(self) -> float | None:
        """The metric's standard deviation over the folds (n - 1); None if the trial failed."""
        mean = self.mean
        if mean is None or len(self.folds) < 2:
            return None
        return math.sqrt(math.fsum((fold.value - mean) ** 2 for fold in self.folds) / (len(self.folds) - 1))

    def publish(self, store: Store, trial: str) -> str:
        """Stores it as a manifest of kind ``results``; its URI.

        Args:
            store: where.
            trial: the URI of what was tried.
        """
        tried = read_manifest(trial, "trials")
        body = {
            "number": self.number,
            "values": self.values,
            "folds": [asdict(fold) for fold in self.folds],
            "failed": self.failed,
            "trial": tried.digest,
            "table": tried.body["table"],
            "split": digest_of(tried.body["split"]),
        }
        return publish(store, "results", body)


def read_result(manifest: Manifest) -> Result:
    """The result that a manifest of kind ``results`` holds."""
    body = manifest.body
    folds = tuple(FoldResult(**fold) for fold in body["folds"])
    return Result(body["number"], body["values"], folds, body["failed"])


def publish_study(store: Store, earlier: str, results: Sequence[str]) -> str:
    """Stores all results so far as a manifest of kind ``studies``; its URI.

    Args:
        store: where.
        earlier: the study before these results; empty for the first.
        results: URIs of new ones, in any order; empty texts are of trials that were none.

    Raises:
        IntegrityFault: two results are of one trial's number, and differ.
    """
    known: dict[int, Manifest] = {one.body["number"]: one for one in study_results(store, earlier)}
    for uri in filter(None, results):
        manifest = read_manifest(uri, "results")
        before = known.setdefault(manifest.body["number"], manifest)
        if before.digest != manifest.digest:
            raise IntegrityFault(f"{uri} and {before.uri} are both of trial {before.body['number']}, and differ")
    return publish(store, "studies", {"results": [known[number].digest for number in sorted(known)]})


def study_results(store: Store, study: str) -> list[Manifest]:
    """The results of a study, by number; none for an empty text.

    Raises:
        NotStored: something of it is not there.
        IntegrityFault: something of it is not what was written.
    """
    if not study:
        return []
    digests: Any = read_manifest(study, "studies").body["results"]
    return [read_manifest(f"{store.root}/results/{digest}.json", "results") for digest in digests]
