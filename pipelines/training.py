"""The one training pipeline. It serves every model: what differs is in the model's declaration.

How many pods compute the features is decided when it is compiled: `training` is one step for it, and a model that
needs more has a pipeline.py with ``training = training_pipeline(fan_out=8)``.
"""

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.build_features.component import build_features
from components.calibrate.component import calibrate
from components.evaluate.component import evaluate
from components.gate.component import gate
from components.ingest.component import ingest
from components.register.component import register
from components.train.component import train
from pipelines.fan_out import features_by_shares


def training_pipeline(fan_out: int = 1) -> GraphComponent:
    """The pipeline, whose features are computed by so many tasks side by side; no byte of its results depends on it."""

    tabulate = build_features if fan_out == 1 else features_by_shares(fan_out)

    @dsl.pipeline(
        name="training",
        description=(
            "Takes source data to a registered, explained model. Every section of the model's declaration is a "
            "parameter, with the committed values as its defaults. data_cutoff: RFC 3339, in UTC; rows known at or "
            "after it are left out; empty for none. source_overrides: a source's name and the address to read instead. "
            "workers: how many processes train. register_model: off to judge the model and register nothing."
        ),
    )
    def training(
        model: dict,
        data: dict,
        features: dict,
        split: dict,
        training: dict,
        calibration: dict,
        evaluation: dict,
        gates: dict,
        data_cutoff: str = "",
        source_overrides: dict = {},  # noqa: B006 - KFP reads it as the parameter's default
        workers: int = 1,
        register_model: bool = True,
    ) -> None:
        """Trains, judges and registers one model.

        1. ingest: check the declaration and the sources' contracts, store a snapshot
        2. build_features: one row per decision, point-in-time correct
        3. train: fit the booster
        4. calibrate: scores become probabilities
        5. evaluate: measure on the test slice, put the bundle together
        6. gate: judge the evidence against the policy and the champion, write the report
        7. register: a new version, alias challenger; fails if a gate blocked

        Steps 1, 6 and 7 look at the world outside and always run; the others are reused by content.
        """
        ingested = ingest(
            model=model,
            data=data,
            features=features,
            split=split,
            training=training,
            calibration=calibration,
            evaluation=evaluation,
            gates=gates,
            data_cutoff=data_cutoff,
            source_overrides=source_overrides,
            workers=workers,
        )
        ingested.set_caching_options(enable_caching=False).set_display_name("1 · ingest")

        table = tabulate(snapshot=ingested.outputs["snapshot"], data=data, features=features)
        table.set_display_name("2 · build features")

        booster = train(
            training_table=table.outputs["training_table"], split=split, training=training, workers=workers
        ).set_display_name("3 · train")

        calibrator = calibrate(
            training_table=table.outputs["training_table"],
            booster=booster.outputs["booster"],
            split=split,
            calibration=calibration,
        ).set_display_name("4 · calibrate")

        evaluated = evaluate(
            training_table=table.outputs["training_table"],
            booster=booster.outputs["booster"],
            calibrator=calibrator.outputs["calibrator"],
            split=split,
            training=training,
            evaluation=evaluation,
        ).set_display_name("5 · evaluate")

        judged = gate(
            training_table=table.outputs["training_table"],
            bundle=evaluated.outputs["bundle"],
            evidence=evaluated.outputs["evidence"],
            model=model,
            data=data,
            features=features,
            split=split,
            training=training,
            calibration=calibration,
            evaluation=evaluation,
            gates=gates,
            run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        )
        judged.set_caching_options(enable_caching=False).set_display_name("6 · gate")

        registered = register(
            bundle=evaluated.outputs["bundle"],
            verdict=judged.outputs["verdict"],
            model=model,
            register_model=register_model,
        )
        registered.set_caching_options(enable_caching=False).set_display_name("7 · register")

    return training


training = training_pipeline()
