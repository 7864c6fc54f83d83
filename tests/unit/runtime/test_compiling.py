"""A pipeline is compiled from its model's own shape or the common one, and its digest covers what it is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from loanwright.config.reading import sections_as_parameters
from loanwright.errors import DeclarationError
from loanwright.runtime.compiling import (
    compile_pipeline,
    compiled_path,
    pipeline_text,
    search_text,
    shape_digest,
    shape_path,
)
from tests.builders.project import make_project

OWN = """\
from kfp import dsl

from components.train.component import train
from pipelines.tiny.rounds import training_table


@dsl.pipeline(name="training")
def training(split: dict, training: dict) -> None:
    train(training_table=training_table, split=split, training=training, workers=1)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path, rows=10).folder


@pytest.fixture
def model(project: Path) -> Path:
    return project / "pipelines" / "tiny"


def _own_shape(model: Path) -> None:
    (model / "pipeline.py").write_text(OWN)
    (model / "rounds.py").write_text('training_table = "s3://somewhere/table.json"\n')


def test_the_common_shape_with_the_declaration_as_defaults(project: Path, model: Path) -> None:
    parameters = sections_as_parameters(model / "model.yaml")
    target = compile_pipeline(project, model, parameters, compiled_path(model))
    text = target.read_text()
    assert text.startswith("# DO NOT EDIT: compiled from model.yaml and pipelines/training.py by `make generate`.\n")
    compiled = yaml.safe_load(text)
    assert compiled["pipelineInfo"]["name"] == "tiny-training"
    defaults = compiled["root"]["inputDefinitions"]["parameters"]
    assert defaults["training"]["defaultValue"] == parameters["training"]
    assert [path.name for path in target.parent.iterdir()] == ["training.yaml"], "nothing half is left"
    assert pipeline_text(project, model, parameters) == text, "twice the same"


def test_a_model_may_have_a_shape_of_its_own(project: Path, model: Path) -> None:
    _own_shape(model)
    parameters = {name: sections_as_parameters(model / "model.yaml")[name] for name in ("split", "training")}
    text = pipeline_text(project, model, parameters)
    assert "compiled from model.yaml and pipelines/tiny/pipeline.py by" in text.splitlines()[0]
    compiled = yaml.safe_load(text)
    assert list(compiled["root"]["dag"]["tasks"]) == ["train"]
    table = compiled["root"]["dag"]["tasks"]["train"]["inputs"]["parameters"]["training_table"]
    assert table == {"runtimeValue": {"constant": "s3://somewhere/table.json"}}


def test_a_shape_without_a_pipeline_is_one_clear_error(project: Path, model: Path) -> None:
    (model / "pipeline.py").write_text("trainning = None\n")
    with pytest.raises(DeclarationError, match=r"pipeline\.py defines no pipeline named 'training'"):
        compile_pipeline(project, model, {}, compiled_path(model))
    assert not compiled_path(model).exists()


def test_the_digest_covers_all_that_the_shape_is_made_of(project: Path, model: Path) -> None:
    digests = [shape_digest(project, model)]
    assert shape_digest(project, model) == digests[0]
    for path in ("components/train/component.py", "components/images/pins.json", "pipelines/training.py"):
        with (project / path).open("a") as file:
            file.write("\n")
        digests.append(shape_digest(project, model))
    (project / "pipelines" / "helpers.py").write_text("rounds = 3\n")
    digests.append(shape_digest(project, model))
    _own_shape(model)
    digests.append(shape_digest(project, model))
    (model / "rounds.py").write_text('training_table = "s3://elsewhere/table.json"\n')
    digests.append(shape_digest(project, model))
    assert len(set(digests)) == len(digests)


def test_models_of_different_shapes_have_different_digests(project: Path, model: Path) -> None:
    other = project / "pipelines" / "other"
    other.mkdir()
    assert shape_digest(project, other) == shape_digest(project, model)
    _own_shape(model)
    assert shape_path(project, other) != shape_path(project, model)
    assert shape_digest(project, other) != shape_digest(project, model)


def test_the_declaration_is_no_part_of_the_shape(project: Path, model: Path) -> None:
    before = shape_digest(project, model)
    with (model / "model.yaml").open("a") as file:
        file.write("# a remark\n")
    assert shape_digest(project, model) == before


def test_a_search_has_its_generations_one_after_the_other(project: Path, model: Path) -> None:
    parameters = sections_as_parameters(model / "model.yaml") | {"search": {"generations": 3}}
    text = search_text(project, model, parameters, 3)
    assert text.startswith("# DO NOT EDIT: compiled from model.yaml and pipelines/search.py by `make generate`.\n")
    compiled = yaml.safe_load(text)
    assert compiled["pipelineInfo"]["name"] == "tiny-search"
    defaults = compiled["root"]["inputDefinitions"]["parameters"]
    assert defaults["search"]["defaultValue"] == {"generations": 3}
    tasks = compiled["root"]["dag"]["tasks"]
    loops = {name: task for name, task in tasks.items() if "parameterIterator" in task}
    assert len(loops) == 3
    for task in loops.values():
        assert set(task["inputs"]["parameters"]) == {task["parameterIterator"]["items"]["inputParameter"]}, (
            "KFP's local runner would hand the loop's item in place of any other task's output"
        )
    assert set(tasks["propose-trials-3"]["dependentTasks"]) == {"build-features", "for-loop-2", "propose-trials-2"}
    uncached = {name for name, task in tasks.items() if "enableCache" not in task.get("cachingOptions", {})}
    assert uncached - set(loops) == {"ingest", "conclude-search", *(f"propose-trials{n}" for n in ("", "-2", "-3"))}
    inside = compiled["components"]["comp-for-loop-1"]["dag"]["tasks"]["run-trial"]
    assert inside["cachingOptions"] == {"enableCache": True}


def test_a_search_shares_what_training_has_done(project: Path, model: Path) -> None:
    parameters = sections_as_parameters(model / "model.yaml")
    compiled = [
        yaml.safe_load(text)
        for text in (pipeline_text(project, model, parameters), search_text(project, model, parameters, 1))
    ]
    for name in ("ingest", "build-features"):
        ours, theirs = (one["deploymentSpec"]["executors"][f"exec-{name}"] for one in compiled)
        assert ours == theirs
    ours, theirs = (one["root"]["dag"]["tasks"]["build-features"] for one in compiled)
    assert ours["componentRef"] == theirs["componentRef"]
    assert ours["inputs"] == theirs["inputs"]


def test_the_features_of_each_share_are_a_task_where_it_is_asked_for(project: Path, model: Path) -> None:
    one, three = (pipeline_text(project, model, {}, fan_out=number) for number in (1, 3))
    assert one == pipeline_text(project, model, {}), "by one step, as ever"
    shares = yaml.safe_load(three)["components"]["comp-build-features-by-shares"]["dag"]["tasks"]
    loop = next(task for name, task in shares.items() if name.startswith("for-loop"))
    assert loop["parameterIterator"]["items"]["raw"] == '["1/3", "2/3", "3/3"]'
    assert list(shares["join-features"]["inputs"]["parameters"]) == ["data", "feature_shares", "features", "snapshot"]
    digests = {shape_digest(project, model, fan_out) for fan_out in (None, 1, 3)}
    assert len(digests) == 3


def test_a_model_decides_for_itself_how_many_tasks_there_are(project: Path, model: Path) -> None:
    (model / "pipeline.py").write_text(
        "from pipelines.training import training_pipeline\n\ntraining = training_pipeline(fan_out=2)\n"
    )
    assert '"2/2"' in pipeline_text(project, model, {})
    _own_shape(model)
    with pytest.raises(DeclarationError, match=r"does not let its fan-out be chosen"):
        pipeline_text(project, model, {}, fan_out=2)
