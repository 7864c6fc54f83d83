"""A whole model: its eight sections, which are the training pipeline's `dict` parameters."""

from __future__ import annotations

from loanwright.config.base import Name, Section
from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.config.judgement import Evaluation, Gates
from loanwright.config.learning import Calibration, Split, Training


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


SECTIONS: tuple[str, ...] = tuple(Declaration.model_fields)
