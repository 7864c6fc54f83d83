"""The bundle: all that is needed to score with a model and to account for it, as text, named by its digest.

    bundles/<digest>/manifest.json      digests of the files, and of what the model was made from
                     model.txt          the booster, LightGBM's text
                     calibrator.json    raw score to probability
                     features.json      names, types, categories, in the model's order
                     reference.json     distributions of score and features, to measure drift against
                     reasons.json       feature → the words that an applicant is told
                     golden.json        rows with the scores they must get
                     model_card.json

It holds nothing of the run that made it, so equal inputs give an equal digest.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanwright.errors import EnvironmentFault, IntegrityFault, NotStored, UsageError
from loanwright.features.table import TrainingTable
from loanwright.registry import golden
from loanwright.storage import FileEntry, Manifest, Store, canonical_json, fetch, open_store, publish_folder

if TYPE_CHECKING:
    from loanwright.training.scorer import Scorer

KIND = "bundles"
FORMAT = 1
FILES = (
    "calibrator.json", "features.json", "golden.json", "model.txt", "model_card.json", "reasons.json", "reference.json",
)  # fmt: skip
_MANIFEST = "manifest.json"
_log = logging.getLogger("loanwright")


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files are what its manifest lists, and which scores as it did when it was made."""

    manifest: Manifest
    document: bytes
    """The manifest's own bytes."""
    scorer: Scorer
    features: tuple[dict[str, Any], ...]
    """As in features.json: name, type, monotone, and the categories of a category."""
    card: dict[str, Any]
    paths: Mapping[str, Path]

    @property
    def digest(self) -> str:
        """The bundle's name: the SHA-256 of its manifest."""
        return self.manifest.digest

    def path(self, name: str) -> Path:
        """A local file with the verified bytes of one of the bundle's files."""
        return self.paths[name]

    def copy_to(self, folder: Path) -> None:
        """Copies the whole bundle into a new folder, of any name: `open` takes it as well."""
        folder.mkdir(parents=True)
        for name, path in self.paths.items():
            shutil.copyfile(path, folder / name)
        (folder / _MANIFEST).write_bytes(self.document)

    @classmethod
    def open(cls, place: str | Path, scratch: Path, *, threads: int | None = None) -> Bundle:
        """Opens a bundle after checking everything: digests, format, completeness, golden rows.

        A folder named by a digest must have that digest; a folder of another name (a download) is
        taken by the digest it turns out to have. Files that the manifest does not list are never
        read; a manifest that lists others than the format's own is refused.

        Args:
            place: URI of the manifest or of its folder, or a local folder.
            scratch: a folder for copies of files that do not lie on this machine.
            threads: how many it may score with; None: as many as this process has and the rows are worth.

        Raises:
            NotStored: there is no manifest.
            IntegrityFault: a file is missing or changed, the digest is another than the name says,
                or a golden row gets another score than recorded.
            EnvironmentFault: the bundle has a format that this version does not know.
        """
        root = str(place).rstrip("/").removesuffix(f"/{_MANIFEST}")
        manifest, document = _read(root)
        _log.debug("verifying bundle %s", manifest.digest)
        paths = {name: fetch(manifest, manifest.file(name), scratch) for name in FILES}
        return cls._load(manifest, document, paths, threads)

    @classmethod
    def _load(cls, manifest: Manifest, document: bytes, paths: Mapping[str, Path], threads: int | None) -> Bundle:
        from loanwright.training.scorer import Scorer

        texts = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
        try:
            features = json.loads(texts["features.json"])
            scorer = Scorer(texts["model.txt"], features, json.loads(texts["calibrator.json"]), threads=threads)
            card = json.loads(texts["model_card.json"])
        except Exception as error:  # whatever LightGBM or the scorer stumbles over, the bundle is unfit
            raise IntegrityFault(f"the model of {manifest.uri} cannot be loaded: {error}") from error
        golden.replay(texts["golden.json"], features, scorer, manifest.uri)
        return cls(manifest, document, scorer, tuple(features), card, paths)


def assemble(
    store: Store,
    scratch: Path,
    *,
    table: Manifest,
    booster: Manifest,
    calibrator: Manifest,
    reference: Mapping[str, Any],
    reasons: Mapping[str, str],
    model_card: Mapping[str, Any],
) -> str:
    """Puts a bundle together and publishes it; the URI of its manifest.

    Args:
        store: where it is published.
        scratch: a folder for temporary files.
        table: the training table.
        booster: trained on that table.
        calibrator: fitted on that booster's scores.
        reference: distributions of score and features, for drift.
        reasons: feature → the words that an applicant is told.
        model_card: what a person should know. Nothing of the run, and no words that may be edited
            later: those are the registry's.

    Raises:
        IntegrityFault: table, booster and calibrator do not belong together, or a file was changed.
    """
    from loanwright.training.scorer import Scorer

    if booster.body["table"] != table.digest or calibrator.body["booster"] != booster.digest:
        raise IntegrityFault("table, booster and calibrator of this bundle were not made from each other")
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        for manifest, file in ((booster, "model.txt"), (booster, "features.json"), (calibrator, "calibrator.json")):
            shutil.copyfile(fetch(manifest, manifest.file(file), scratch), folder / file)
        texts = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
        scorer = Scorer(texts["model.txt"], json.loads(texts["features.json"]), json.loads(texts["calibrator.json"]))
        rows = golden.choose(TrainingTable.open(table.uri, scratch), scorer)
        for file, value in {
            "golden.json": rows,
            "reference.json": reference,
            "reasons.json": reasons,
            "model_card.json": model_card,
        }.items():
            (folder / file).write_bytes(canonical_json(value))
        body = {
            "format": FORMAT,
            "label": table.body["label"],
            "snapshot": table.body["snapshot"],
            "table": table.digest,
            "feature_set": table.body["feature_set"],
            "booster": booster.digest,
            "calibrator": calibrator.digest,
            "synthetic": table.body["synthetic"],
        }
        return publish_folder(store, KIND, folder, body)


def verify(place: str, scratch: Path) -> Bundle:
    """`Bundle.open`, for a place that a person named.

    Raises:
        UsageError: there is no bundle.
        IntegrityFault, EnvironmentFault: as `Bundle.open`.
    """
    try:
        return Bundle.open(place, scratch)
    except NotStored as error:
        raise UsageError(
            f"there is no bundle at {place}: it has no manifest.json",
            fix="Name the bundle's folder, or the s3:// address of its manifest",
        ) from error


def _read(root: str) -> tuple[Manifest, bytes]:
    """The manifest in that folder, checked against the folder's name if that is a digest."""
    document = open_store(root).read(_MANIFEST)
    digest, name = hashlib.sha256(document).hexdigest(), root.rpartition("/")[2]
    uri = f"{root}/{_MANIFEST}"
    if re.fullmatch(r"[0-9a-f]{64}", name) and name != digest:
        raise IntegrityFault(f"{uri} was changed after it was written, or belongs elsewhere: its digest is {digest}")
    try:
        content = json.loads(document)
        kind, body = content["kind"], content["body"]
        manifest = Manifest(uri, digest, kind, body, tuple(FileEntry(**entry) for entry in content["files"]))
        form = body["format"]
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityFault(f"{uri} is not the manifest of a bundle") from error
    if kind != KIND:
        raise IntegrityFault(f"{uri} is a manifest of {kind!r}, not of {KIND!r}")
    if form != FORMAT:
        raise EnvironmentFault(
            f"{uri} has format {form!r}, and this version of Loanwright reads format {FORMAT}",
            fix="Use the version of Loanwright that made it, or a later one",
        )
    if (listed := sorted(str(entry.path) for entry in manifest.files)) != sorted(FILES):
        raise IntegrityFault(f"{uri} lists {', '.join(listed) or 'nothing'}, where a bundle has {', '.join(FILES)}")
    return manifest, document
