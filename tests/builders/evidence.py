"""Builds evidence of a made-up card model by simulation: realistic in shape, the same for the same seed."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loanwright.config.declaration import Model
from loanwright.config.judgement import Gates, Rule
from loanwright.evaluation.comparison import Comparison
from loanwright.evaluation.evidence import (
    BaselineMetrics,
    CalibrationBin,
    Depth,
    Evidence,
    FeatureProfile,
    Importance,
    Interval,
    MonotoneCheck,
    PartSummary,
    Point,
    ProfitPoint,
    ScoreBin,
    Shift,
    SliceMetrics,
    TruthAuc,
    ValueShare,
)
from loanwright.evaluation.gates import Judgement, judge

Array = NDArray[np.float64]

_FEATURES: tuple[tuple[str, float | None], ...] = (
    ("delay_latest", 0.93),
    ("delay_worst_6m", 0.88),
    ("utilisation_latest", 0.61),
    ("share_of_bill_paid_3m", -0.72),
    ("credit_limit", -0.81),
    ("bill_trend_6m", 0.35),
    ("paid_mean_3m", -0.64),
    ("months_late_6m", 0.79),
    ("education", None),
    ("paid_latest", -0.58),
    ("bill_latest", 0.04),
    ("utilisation_mean_6m", 0.42),
    ("age", -0.11),
    ("statements_6m", 0.02),
    ("overpaid_months_6m", -0.31),
)


def simulate(rows: int = 6_000, seed: int = 0, signal: float = 1.15) -> tuple[Array, NDArray[np.bool_]]:
    """Scores and outcomes of `rows` units: probabilities about right, some 22 % of them come true."""
    random = np.random.default_rng(seed)
    margin = -1.65 + signal * random.normal(size=rows) + 0.45 * random.exponential(size=rows) - 0.3
    outcome = random.random(rows) < 1 / (1 + np.exp(-1.04 * margin - 0.02))
    return 1 / (1 + np.exp(-margin)), outcome


def build_evidence(*, seed: int = 0, rows: int = 6_000, signal: float = 1.15, **changes: Any) -> Evidence:
    """The evidence of a simulated test slice; `changes` replace fields of it."""
    score, outcome = simulate(rows, seed, signal)
    roc_x, roc_y = _roc(score, outcome)
    base = outcome.mean()
    order = np.argsort(-score, kind="stable")
    found = np.cumsum(outcome[order])
    flagged = np.arange(1, rows + 1)
    keep = np.unique(np.geomspace(20, rows, 150).astype(int)) - 1
    fields: dict[str, Any] = {
        "label": "default_next_month",
        "rows": rows,
        "positives": int(outcome.sum()),
        "confidence": 0.95,
        "metrics": _metrics(score, outcome, roc_x, roc_y),
        "roc": [Point(x=x, y=y) for x, y in _thinned(roc_x, roc_y)],
        "precision_recall": [
            Point(x=float(found[i] / found[-1]), y=float(found[i] / flagged[i])) for i in keep if found[i] > 0
        ],
        "calibration": _calibration(score, outcome),
        "scores": _scores(score, outcome),
        "depths": [_depth(d, score[order], found, float(base)) for d in (0.01, 0.05, 0.1, 0.2)],
        "slices": _slices(score, outcome, seed),
        "importance": _importance(),
        "stability": [Shift(name="score", psi=0.0041)]
        + [
            Shift(name=name, psi=psi)
            for (name, _), psi in zip(
                _FEATURES,
                (
                    0.0032,
                    0.008,
                    0.118,
                    0.0021,
                    0.0009,
                    0.014,
                    0.006,
                    0.002,
                    0.27,
                    0.0017,
                    0.0046,
                    0.003,
                    0.0008,
                    0.0,
                    0.011,
                ),
                strict=True,
            )
        ],
        "profit": _profit(score[order], outcome[order]),
        "parts": [
            PartSummary(name="train", rows=15_312, positives=3_391, from_time=None, to_time=None),
            PartSummary(name="validation", rows=1_688, positives=371, from_time=None, to_time=None),
            PartSummary(name="calibration", rows=6_018, positives=1_322, from_time=None, to_time=None),
            PartSummary(name="test", rows=rows, positives=int(outcome.sum()), from_time=None, to_time=None),
        ],
        "split": {"method": "hash of the unit's key", "train": "60 %", "calibration": "20 %", "test": "20 %"},
        "rounds": 187,
        "calibration_method": "sigmoid",
        "profiles": _profiles(),
        "baselines": (
            BaselineMetrics(
                name="constant",
                description="The rate of the calibration part for every unit.",
                features=0,
                auc=Interval(value=0.5, low=0.5, high=0.5),
                difference=Interval(value=0.2434, low=0.2312, high=0.2551),
                log_loss=Interval(value=0.5296, low=0.5177, high=0.5414),
                log_loss_difference=Interval(value=-0.0871, low=-0.0934, high=-0.0805),
                brier=Interval(value=0.1734, low=0.1681, high=0.1789),
                brier_difference=Interval(value=-0.0287, low=-0.0312, high=-0.0261),
            ),
            BaselineMetrics(
                name="form_only",
                description="What the client wrote.",
                features=3,
                auc=Interval(value=0.6123, low=0.5987, high=0.6251),
                difference=Interval(value=0.1311, low=0.1202, high=0.1425),
            ),
        ),
        "monotone": (
            MonotoneCheck(feature="delay_latest", direction="increasing", values=9, rows=300, effect=1.84),
            MonotoneCheck(feature="credit_limit", direction="decreasing", values=1, rows=300, effect=0.0),
        ),
        "truth": TruthAuc(auc=0.8765, rows=6_012, positives=1_301, first_month="2005-10", last_month="2005-12"),
        "notes": ("Reported delays of -2 (no bill) and -1 (paid in full) count as 0 months late.",),
    }
    return Evidence(**(fields | changes))


def _profiles() -> tuple[FeatureProfile, ...]:
    levels = [ValueShare(value=name, share=share) for name, share in (("university", 0.47), ("graduate school", 0.35))]
    number: dict[str, Any] = {"rows": 6_000, "missing": 0.031, "distinct": 412}
    number |= {"low": -3.5, "median": 0.25, "high": 1_234_567.0}
    number["histogram"] = (5, 90, 400, 1_900, 2_600, 800, 19, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    return tuple(
        FeatureProfile(name=name, rows=6_000, missing=0, distinct=4, histogram=(2_820, 2_100), top=tuple(levels))
        if direction is None
        else FeatureProfile(name=name, **number)
        for name, direction in _FEATURES
    )


def build_bare_evidence() -> Evidence:
    """The evidence of a test slice without a single positive: nothing can be measured, nothing is drawn."""
    nothing = Interval(value=None, low=None, high=None)
    return Evidence(
        label="default_next_month",
        rows=12,
        positives=0,
        confidence=0.95,
        metrics=dict.fromkeys(_METRICS, nothing),
        roc=(),
        precision_recall=(),
        calibration=(),
        scores=(),
        depths=(Depth(depth=0.1, threshold=0.2, lift=nothing, capture=nothing),),
        slices=(
            SliceMetrics(
                column="sex",
                value="female",
                rows=12,
                positives=0,
                mean_prediction=None,
                rate=None,
                auc=nothing,
                brier=nothing,
            ),
        ),
        importance=(),
        stability=(),
        profit=(),
        parts=(PartSummary(name="test", rows=12, positives=0, from_time=None, to_time=None),),
        split={},
        rounds=1,
        calibration_method="none",
    )


_METRICS = (
    "auc", "average_precision", "ks", "brier", "log_loss", "expected_calibration_error", "calibration_slope",
    "mean_prediction_ratio",
)  # fmt: skip


def _interval(value: float, error: float) -> Interval:
    return Interval(value=value, low=value - 1.96 * error, high=value + 1.96 * error)


def _within_one(interval: Interval) -> Interval:
    return Interval(value=interval.value, low=interval.low, high=min(1.0, interval.high or 0.0))


def _roc(score: Array, outcome: NDArray[np.bool_]) -> tuple[Array, Array]:
    hit = outcome[np.argsort(-score, kind="stable")]
    return (
        np.concatenate([[0.0], np.cumsum(~hit) / (~hit).sum()]),
        np.concatenate([[0.0], np.cumsum(hit) / hit.sum()]),
    )


def _thinned(x: Array, y: Array, points: int = 200) -> list[tuple[float, float]]:
    at = np.unique(np.linspace(0, len(x) - 1, points).astype(int))
    return [(float(x[i]), float(y[i])) for i in at]


def _auc(score: Array, outcome: NDArray[np.bool_]) -> float | None:
    if outcome.all() or not outcome.any():
        return None
    return float(np.trapezoid(*reversed(_roc(score, outcome))))


def _metrics(score: Array, outcome: NDArray[np.bool_], roc_x: Array, roc_y: Array) -> dict[str, Interval]:
    rows, base = len(score), float(outcome.mean())
    brier = (score - outcome) ** 2
    loss = -np.log(np.where(outcome, score, 1 - score))
    hit = outcome[np.argsort(-score, kind="stable")]
    precision = np.cumsum(hit) / np.arange(1, rows + 1)
    edges = np.quantile(score, np.linspace(0, 1, 21)[1:-1])
    bins = np.searchsorted(edges, score)
    gaps = [abs(score[bins == b].mean() - outcome[bins == b].mean()) * (bins == b).mean() for b in range(20)]
    return {
        "auc": _interval(float(np.trapezoid(roc_y, roc_x)), 0.42 / np.sqrt(rows * base)),
        "average_precision": _interval(float(precision[hit].mean()), 0.5 / np.sqrt(rows * base)),
        "ks": _interval(float((roc_y - roc_x).max()), 0.55 / np.sqrt(rows * base)),
        "brier": _interval(float(brier.mean()), float(brier.std() / np.sqrt(rows))),
        "log_loss": _interval(float(loss.mean()), float(loss.std() / np.sqrt(rows))),
        "expected_calibration_error": Interval(value=float(sum(gaps)), low=0.0081, high=0.0214),
        "calibration_slope": _interval(1.034, 0.031),
        "mean_prediction_ratio": _interval(float(score.mean() / base), 0.018),
    }


def _calibration(score: Array, outcome: NDArray[np.bool_]) -> list[CalibrationBin]:
    parts = np.array_split(np.argsort(score, kind="stable"), 20)
    return [_calibration_bin(score[part], outcome[part]) for part in parts]


def _calibration_bin(score: Array, outcome: NDArray[np.bool_]) -> CalibrationBin:
    n, rate, z = len(score), float(outcome.mean()), 1.96
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return CalibrationBin(
        rows=n, mean_prediction=float(score.mean()), rate=rate, low=float(centre - half), high=float(centre + half)
    )


def _scores(score: Array, outcome: NDArray[np.bool_], bins: int = 40) -> list[ScoreBin]:
    edges = np.linspace(0, 1, bins + 1)
    yes, _ = np.histogram(score[outcome], edges)
    no, _ = np.histogram(score[~outcome], edges)
    return [
        ScoreBin(low=float(edges[i]), high=float(edges[i + 1]), negatives=int(no[i]), positives=int(yes[i]))
        for i in range(bins)
    ]


def _depth(depth: float, ranked: Array, found: NDArray[np.int64], base: float) -> Depth:
    count = round(depth * len(ranked))
    capture = float(found[count - 1] / found[-1])
    error = float(np.sqrt(capture * (1 - capture) / found[-1]))
    return Depth(
        depth=depth,
        threshold=float(ranked[count - 1]),
        lift=_interval(capture / depth, error / depth),
        capture=_interval(capture, error),
    )


def _slices(score: Array, outcome: NDArray[np.bool_], seed: int) -> list[SliceMetrics]:
    random = np.random.default_rng(seed + 1)
    columns = {
        "sex": (["female", "male"], [0.6, 0.4]),
        "education": (["graduate_school", "university", "high_school", "other"], [0.35, 0.47, 0.165, 0.015]),
        "age": (["below 25", "25 to 35", "35 to 45", "45 to 60", "60 and above"], [0.09, 0.39, 0.31, 0.19, 0.02]),
    }
    slices = []
    for column, (values, shares) in columns.items():
        drawn = random.choice(len(values), p=shares, size=len(score))
        slices += [_slice(column, value, score[drawn == i], outcome[drawn == i]) for i, value in enumerate(values)]
    return slices


def _slice(column: str, value: str, score: Array, outcome: NDArray[np.bool_]) -> SliceMetrics:
    auc = _auc(score, outcome)
    brier = (score - outcome) ** 2
    nothing = Interval(value=None, low=None, high=None)
    return SliceMetrics(
        column=column,
        value=value,
        rows=len(score),
        positives=int(outcome.sum()),
        mean_prediction=float(score.mean()),
        rate=float(outcome.mean()),
        auc=nothing if auc is None else _within_one(_interval(auc, 0.42 / float(np.sqrt(outcome.sum() + 1)))),
        brier=_interval(float(brier.mean()), float(brier.std() / np.sqrt(len(score)))),
    )


def _importance() -> list[Importance]:
    share = 0.74 ** np.arange(len(_FEATURES))
    return [
        Importance(
            feature=name,
            gain_share=float(share[i] / share.sum()),
            mean_abs_shap=float(0.52 * share[i] ** 0.8),
            direction=direction,
        )
        for i, (name, direction) in enumerate(_FEATURES)
    ]


def _profit(ranked: Array, hit: NDArray[np.bool_]) -> list[ProfitPoint]:
    rows = len(ranked)
    points = []
    for approved in np.linspace(0, 1, 101):
        declined = rows - round(float(approved) * rows)
        bad = int(hit[declined:].sum())
        good = rows - declined - bad
        points.append(
            ProfitPoint(
                approved=float(approved),
                threshold=float(ranked[declined - 1]) if declined else 1.0,
                profit=(150.0 * good - 900.0 * bad) / rows,
            )
        )
    return points


def build_judgement(
    evidence: Evidence, *, auc_floor: float = 0.75, error_ceiling: float = 0.03, comparison: Comparison | None = None
) -> Judgement:
    """The verdicts of a common policy on this evidence: a floor that blocks, a ceiling that warns, the champion."""
    gates = Gates(
        rules=(
            Rule(name="auc_floor", metric="auc", min=auc_floor),
            Rule(name="calibration", metric="expected_calibration_error", max=error_ceiling, on_fail="warn"),
            Rule(name="level", metric="mean_prediction_ratio", min=0.9, max=1.1),
        )
    )
    return judge(evidence, gates, comparison)


def build_comparison(difference: float = 0.0048, error: float = 0.0019) -> Comparison:
    """A comparison with a champion of version 3 on the same rows."""
    return Comparison(
        outcome="measured",
        metric="auc",
        version="3",
        rows=6_000,
        challenger=0.7975,
        champion=0.7975 - difference,
        difference=_interval(difference, error),
    )


def build_model(**changes: str) -> Model:
    """The words about the simulated model."""
    said = {
        "name": "credit_default",
        "title": "Default next month, credit card clients",
        "description": "The probability that a card client does not pay at least the minimum due next month, from six "
        "months of statements.",
        "owner": "card-risk@lender.example",
        "intended_use": "Line management of existing card clients; not for new applications.",
    }
    return Model(**(said | changes))


def build_lineage() -> dict[str, str]:
    """What a run's lineage looks like."""
    names = ("snapshot", "training table", "feature set", "booster", "calibrator", "bundle", "code", "image", "run")
    lineage = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    return lineage | {"code": "loanwright 0.1.0 (3f1c9a52d0e7)", "image": "", "run": "credit_default-20261122-1"}
