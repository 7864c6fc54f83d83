"""Growing a booster: gradients, a tree for each round, and what the held rows say of it.

Every process of a gang runs this on its own rows and has the same trees. How they come to be is LightGBM's
data-parallel learner (Ke et al., 2017): histograms are summed over all processes, and each one looks for splits in
some of the features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from loanwright.config.learning import Training
from loanwright.training.gradients import LogLoss
from loanwright.training.leaves import LeafCounter, added
from loanwright.training.lightgbm_errors import understood
from loanwright.training.model_text import trees_of
from loanwright.training.parameters import derive_seed
from loanwright.training.peers import Member
from loanwright.training.sampling import RowSampling
from loanwright.training.segments import Progress, Segment
from loanwright.training.share import Share, Totals
from loanwright.training.stopping import log_loss

if TYPE_CHECKING:
    import lightgbm as lgb
    from numpy.typing import NDArray

    from loanwright.training.dataset import ChosenRows


class Grower:
    """A booster that grows by segments of rounds.

    Args:
        share: this process's rows.
        held: the rows held out for early stopping, at rank 0; else None.
        training: the declared section.
        parameters: LightGBM's.
        totals: of all processes.
        member: this process among those that train together.
        progress: the segments that were trained before.

    Raises:
        DeclarationError: LightGBM refuses the parameters.
    """

    def __init__(
        self,
        share: Share,
        held: Share | None,
        training: Training,
        parameters: dict[str, Any],
        totals: Totals,
        member: Member,
        progress: Progress,
    ) -> None:
        import lightgbm as lgb

        self._training, self._member = training, member
        self._metric = training.early_stopping.metric if held is not None and training.early_stopping else None
        self._loss = LogLoss(share.label, share.weight, totals.rows, totals.largest_weight)
        self._sampling = RowSampling(training.parameters, training.seed, share.unit_hash)
        self._sampled: NDArray[np.bool_] | None = None
        self._seed: int | None = None
        self._leaves = LeafCounter(share.rows, member.beat) if member.ranks > 1 else None
        self._grown = False
        known = progress.text(progress.rounds, totals.start) if progress.trees_after(progress.rounds) else None
        for some in (share, held):
            if some is not None:
                some.data.set_init_score(_scores(known, some.rows, totals.start, parameters["num_threads"]))
        own_metric = self._metric is None or self._metric == "binary_logloss"
        settings = {**parameters, "metric": "None" if own_metric else self._metric, **_network(member)}
        with understood(member.ranks):
            self._booster = lgb.Booster(settings, share.data)
            if held is not None:
                self._booster.add_valid(held.data, "held")
        for some in (share, held):
            if some is not None:
                some.data.init_score = None  # LightGBM has a copy

    def grow(self, first: int, last: int) -> Segment:
        """Runs the rounds from `first` up to the one before `last`, counted from 0.

        Raises:
            DeclarationError: LightGBM refuses the parameters.
        """
        before = self._booster.num_trees()
        self._seed = derive_seed(self._training.seed, f"columns {first}")
        grown: list[bool] = []
        values: list[float] = []
        with understood(self._member.ranks):
            for number in range(first, last):
                self._sampled = self._sampling.sampled(number)
                self._grown = not self._booster.update(fobj=self._gradients)
                grown.append(self._grown)
                if self._metric is not None:
                    values.append(self._measured())
                measured = (self._metric, values[-1]) if self._metric is not None else None
                self._member.beat(state="training", round=number + 1, rounds=self._training.rounds, metric=measured)
        text = self._booster.model_to_string(start_iteration=before, num_iteration=-1)
        return Segment(str(text), tuple(grown), tuple(values), self._counted())

    def close(self) -> None:
        """Parts from the other processes; the network belongs to this thread, so it is closed by this thread."""
        if self._member.ranks > 1:
            self._booster.free_network()

    def _gradients(
        self, scores: NDArray[np.float64], _data: lgb.Dataset
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self._seed is not None:
            # Here, since LightGBM draws columns once more when it is first told that the gradients are ours.
            self._booster.reset_parameter({"feature_fraction_seed": self._seed, "extra_seed": self._seed})
            self._seed = None
        self._count(scores)
        return self._loss(scores, self._sampled)

    def _count(self, scores: NDArray[np.float64]) -> None:
        """Counts for the tree that was grown last, if there is one that was not counted."""
        if self._leaves is None:
            return
        if not self._booster.current_iteration():
            self._leaves.begin(scores)
        elif self._grown:
            last = self._booster.num_trees() - 1
            (tree,) = trees_of(self._booster.model_to_string(start_iteration=last, num_iteration=1))
            self._leaves.count(tree, scores)
            self._grown = False

    def _counted(self) -> tuple[tuple[int, ...], ...]:
        """The counts of the segment's trees, over the rows of all processes, at rank 0; elsewhere empty."""
        if self._leaves is None:
            return ()

        def last(scores: NDArray[np.float64], _data: lgb.Dataset) -> tuple[str, float, bool]:
            self._count(scores)
            return "", 0.0, False

        self._booster.eval_train(last)
        counts = self._member.circle.gather(self._leaves.take())
        return () if counts is None else tuple(tuple(tree) for tree in added(counts))

    def _measured(self) -> float:
        own = log_loss if self._metric == "binary_logloss" else None
        return float(self._booster.eval_valid(own)[0][2])


def _scores(known: str | None, rows: ChosenRows, start: float, threads: int) -> NDArray[np.float64]:
    """The log-odds of rows after the trees that are there; to the last bit what they were when those were grown."""
    import lightgbm as lgb

    if known is None:
        return np.full(sum(rows.counts), start)
    booster = lgb.Booster(model_str=known)
    return np.concatenate([booster.predict(matrix, raw_score=True, num_threads=threads) for matrix in rows.matrices()])


def _network(member: Member) -> dict[str, Any]:
    if member.ranks == 1:
        return {}
    machines = member.circle.open_ports()
    return {
        "tree_learner": "data",
        "num_machines": member.ranks,
        # With its rank given, LightGBM does not look for its own address among the list's.
        "machines": ",".join([f"rank={member.rank}", *machines]),
        "local_listen_port": int(machines[member.rank].rpartition(":")[2]),
        "time_out": 5,
    }
