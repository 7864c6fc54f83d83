"""What all workers of one training are told: a small JSON object in the store, named by its content."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from loanwright.config.learning import Split, Training
from loanwright.config.reading import parse_section
from loanwright.storage import Store, digest_of, publish, read_manifest, split_uri
from loanwright.training.checkpoints import Checkpoints

KIND = "jobs"


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        table: the URI of the training table's manifest.
        preparation: the URI of what was prepared for it.
        split: the declared section, as JSON.
        training: the declared section, as JSON.
        shares: the part of the rows that each worker gets, by rank.
        code: the digest of the package that is installed.
        fresh: names a run that goes on from nothing but its own checkpoints; empty: from all of the same training.
    """

    table: str
    preparation: str
    split: dict[str, Any]
    training: dict[str, Any]
    shares: tuple[float, ...]
    code: str
    fresh: str = ""

    def publish(self, store: Store) -> str:
        """Stores it; its URI."""
        return publish(store, KIND, asdict(self))

    @classmethod
    def read(cls, uri: str) -> Job:
        """Reads what `publish` stored.

        Raises:
            NotStored: it is not there.
            IntegrityFault: it is not what was written.
        """
        body = read_manifest(uri, KIND).body
        return cls(**{**body, "shares": tuple(body["shares"])})

    @property
    def ranks(self) -> int:
        """How many workers there are."""
        return len(self.shares)

    @property
    def declared_training(self) -> Training:
        """The declared section."""
        return parse_section("training", self.training, Training)

    @property
    def declared_split(self) -> Split:
        """The declared section."""
        return parse_section("split", self.split, Split)

    def checkpoints(self, store: Store) -> Checkpoints:
        """Where this training's checkpoints lie: named by all that its trees depend on, and by nothing else."""
        depends_on: dict[str, Any] = {
            "table": _digest(self.table),
            "preparation": _digest(self.preparation),
            "split": digest_of(self.split),
            "training": digest_of(self.training),
            "lightgbm": version("lightgbm"),
            "code": self.code,
            "fresh": self.fresh,
        }
        if not self.declared_training.exact:
            depends_on["shares"] = list(self.shares)
        return Checkpoints(store, depends_on)


def _digest(uri: str) -> str:
    """What a manifest's URI says of its content."""
    _, name = split_uri(uri)
    return uri.rsplit("/", 2)[1] if name == "manifest.json" else name.removesuffix(".json")
