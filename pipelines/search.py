"""The one search pipeline: it looks for better LightGBM parameters where a declaration has a `search` section."""

from kfp import dsl

from components.build_features.component import build_features
from components.conclude_search.component import conclude_search
from components.ingest.component import ingest
from components.propose_trials.component import propose_trials
from components.run_trial.component import run_trial


def search_pipeline(generations: int):
    """The pipeline with so many generations, one after the other: KFP has no loop that depends on itself."""

    @dsl.pipeline(
        name="search",
        description=(
            "Looks for better LightGBM parameters on folds of the train part, and proposes a change to the "
            "declaration. Every section of the model's declaration is a parameter, with the committed values as its "
            "defaults. data_cutoff: RFC 3339, in UTC; rows known at or after it are left out; empty for none. "
            "source_overrides: a source's name and the address to read instead."
        ),
    )
    def search(
        model: dict,
        data: dict,
        features: dict,
        split: dict,
        training: dict,
        calibration: dict,
        evaluation: dict,
        gates: dict,
        search: dict,
        data_cutoff: str = "",
        source_overrides: dict = {},  # noqa: B006 - KFP reads it as the parameter's default
    ) -> None:
        """Searches for one model.

        1. ingest, build_features: as in training, and reused from it
        2. for each generation:
           propose_trials: draw trials from all results so far, unless the time is up
           run_trial: for each of them, side by side: a model for each fold
        3. conclude_search: the best trial beside the declared training, the report

        ingest, propose_trials and conclude_search always run; trials are reused by content.
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
            workers=1,
        )
        ingested.set_caching_options(enable_caching=False).set_display_name("1 · ingest")

        table = build_features(snapshot=ingested.outputs["snapshot"], data=data, features=features)
        table.set_display_name("2 · build features")

        study, results, deadline = "", [], ""
        for generation in range(generations):
            proposed = propose_trials(
                training_table=table.outputs["training_table"],
                study=study,
                results=results,
                deadline=deadline,
                generation=generation,
                generations=generations,
                split=split,
                training=training,
                search=search,
            )
            proposed.set_caching_options(enable_caching=False).set_display_name(f"3.{generation + 1} · propose trials")
            with dsl.ParallelFor(items=proposed.outputs["Output"], name=f"3.{generation + 1} · trials") as trial:
                tried = run_trial(trial=trial).set_display_name("run trial")
            study, deadline = proposed.outputs["study"], proposed.outputs["deadline"]
            results = dsl.Collected(tried.outputs["result"])

        concluded = conclude_search(
            training_table=table.outputs["training_table"],
            study=study,
            results=results,
            model=model,
            split=split,
            training=training,
            search=search,
            run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        )
        concluded.set_caching_options(enable_caching=False).set_display_name("4 · conclude search")

    return search
