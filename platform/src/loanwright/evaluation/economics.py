"""What a lender earns per unit, by how many of the units it approves."""

from __future__ import annotations

import numpy as np

from loanwright.config.judgement import Economics
from loanwright.evaluation.curves import thin
from loanwright.evaluation.evidence import ProfitPoint
from loanwright.evaluation.ranking import Ranked, gather


def profit_curve(ranked: Ranked, economics: Economics) -> tuple[ProfitPoint, ...]:
    """Profit per unit when every unit at or above a threshold is declined, from none approved to all.

    Profit is counted over all units, approved or not, so that the points can be compared: an approved
    unit that is repaid earns `profit_if_repaid`, one that defaults costs `loss_if_defaulted`, a declined
    unit brings nothing. Units of one score are approved or declined together. The most profitable point
    is always among those kept; the last declines nobody, and its threshold is written as 1.

    Args:
        ranked: the test rows, ranked by score.
        economics: the declared money of a decision.
    """
    gathered = gather(ranked, ranked.once())
    declined = np.concatenate([[0.0], gathered.weight[0]])[::-1]
    caught = np.concatenate([[0.0], gathered.positives[0]])[::-1]
    defaulted = caught[0] - caught
    repaid = ranked.rows - declined - defaulted
    profit = (repaid * economics.profit_if_repaid - defaulted * economics.loss_if_defaulted) / ranked.rows
    approved = 1 - declined / ranked.rows
    thresholds = np.concatenate([[1.0], ranked.thresholds])[::-1]
    return tuple(
        ProfitPoint(approved=float(approved[i]), threshold=float(thresholds[i]), profit=float(profit[i]))
        for i in thin(approved, keep=[int(np.argmax(profit))])
    )
