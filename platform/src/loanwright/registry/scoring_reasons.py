"""Reason codes for scored rows: what raised a row's risk most, in the words that the bundle holds for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from loanwright.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from loanwright.registry.bundles import Bundle

UNWORDED = "unworded_effect"
_CELLS = 2_000_000
"""Contributions in memory at a time, 8 bytes each; TreeSHAP takes far longer than the steps between."""


class Reasons:
    """The reason codes of one bundle.

    A feature's contribution to a row is its SHAP value: TreeSHAP's (Lundberg et al., Nature Machine Intelligence
    2, 2020), exact for the trees, in log-odds before calibration, which keeps their order. Features that the
    bundle has the same words for are one reason, and their contributions are added up. Adverse is what is above
    0: it raises the probability of the label. Nothing is given as a reason that the bundle has no words for; how
    much that hides is said beside them, in the column `unworded_effect`: the sum of its adverse contributions.

    Args:
        bundle: an opened bundle.
        most: how many reasons a row is given at most.

    Raises:
        UsageError: the bundle has no words for any feature, or not so many different ones.
    """

    def __init__(self, bundle: Bundle, most: int) -> None:
        declared: dict[str, str] = json.loads(bundle.path("reasons.json").read_text(encoding="utf-8"))
        self._bundle, self._most = bundle, most
        self._words = sorted(set(declared.values()))
        if not self._words:
            raise UsageError(
                f"bundle {bundle.digest[:12]}… has no words for reasons",
                fix="Declare them under evaluation.reasons, and run the model again",
            )
        if not 1 <= most <= len(self._words):
            raise UsageError(
                f"{most} reasons for a row are asked for, and the bundle has words for {len(self._words)}",
                fix=f"Ask for 1 to {len(self._words)}",
            )
        names = bundle.scorer.feature_names
        self._groups = [[names.index(name) for name in names if declared.get(name) == words] for words in self._words]
        self._unworded = [place for place, name in enumerate(names) if name not in declared]

    def fields(self) -> list[pa.Field]:
        """The columns that `columns` gives."""
        import pyarrow as pa

        fields = []
        for number in range(1, self._most + 1):
            fields += [pa.field(f"reason_{number}", pa.string()), pa.field(f"effect_{number}", pa.float64())]
        return [*fields, pa.field(UNWORDED, pa.float64())]

    def columns(self, matrix: NDArray[np.float64]) -> list[pa.Array]:
        """The rows' reasons, the strongest first, each with its effect in log-odds; null where there are no more.

        Equal effects come in the order of their words.

        Args:
            matrix: the encoded rows, shape (rows, features).
        """
        import pyarrow as pa

        at_once = max(1, _CELLS // (matrix.shape[1] + 1))
        effects, unworded = [np.empty((0, len(self._words)))], [np.empty(0)]
        for start in range(0, len(matrix), at_once):
            contributions = self._bundle.scorer.contributions_of_matrix(matrix[start : start + at_once])
            effects.append(np.stack([contributions[:, places].sum(axis=1) for places in self._groups], axis=1))
            unworded.append(np.maximum(contributions[:, self._unworded], 0).sum(axis=1))
        whole: NDArray[np.float64] = np.concatenate(effects)
        strongest = np.argsort(-whole, axis=1, kind="stable")[:, : self._most]
        words = pa.array(self._words, pa.string())
        columns: list[pa.Array] = []
        for place in strongest.T:
            effect = whole[np.arange(len(whole)), place]
            none = effect <= 0
            columns += [words.take(pa.array(place, mask=none)), pa.array(effect, mask=none)]
        return [*columns, pa.array(np.concatenate(unworded))]
