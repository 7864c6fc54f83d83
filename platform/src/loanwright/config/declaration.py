"""A whole model: the eight sections that are the training pipeline's `dict` parameters, and how they are searched."""

from __future__ import annotations

from loanwright.config.base import Name, Section
from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.config.judgement import Evaluation, Gates
from loanwright.config.learning import Calibration, Split, Training
from loanwright.config.search import Search


class Model(Section):
    """The words about a model. None of them changes what is trained."""

    name: Name
    """The folder's name under `pipelines/`, and the name in the registry."""
    title: str
    """A few words, for headings."""
    description: str
    """What it predicts, of whom, in a sentence or two."""
    owner: str
    """The team or person who answers for it."""
    intended_use: str = ""
    """What it may be used for, and what not."""


class Declaration(Section):
    """What one `model.yaml` says."""

    model: Model
    data: Data
    features: Features
    split: Split
    training: Training
    calibration: Calibration = Calibration()
    evaluation: Evaluation = Evaluation()
    gates: Gates
    search: Search | None = None
    """Absent: nothing is searched."""


SEARCH = "search"
"""The section that only the search pipeline takes."""
SECTIONS: tuple[str, ...] = tuple(name for name in Declaration.model_fields if name != SEARCH)
"""The sections that the training pipeline takes, and the search pipeline as well."""
