"""The schema that editors use, and the files generated from the declared types."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from loanwright.config.documents import read_document
from loanwright.config.features import Features
from loanwright.config.reading import read_declaration, sections_as_parameters
from loanwright.config.reference import BEGIN, END, reference, with_reference
from loanwright.config.schema import (
    REFERENCE,
    features_schema,
    generated,
    model_schema,
)

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
SHIPPED = sorted((PROJECT / "pipelines").glob("*/model.yaml"))
VALID = sorted((HERE / "valid").glob("*.yaml"))
SCHEMA = model_schema()
CHECKER = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schemas_are_schemas() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(features_schema())


@pytest.mark.parametrize("path", [*VALID, *SHIPPED], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_is_read_satisfies_the_schema_as_file_and_as_parameters(path: Path) -> None:
    CHECKER.validate(read_document(path).plain())
    CHECKER.validate(sections_as_parameters(path))


def test_shipped_models_are_found() -> None:
    assert SHIPPED


def test_an_included_file_satisfies_its_own_schema() -> None:
    checker = jsonschema.Draft202012Validator(features_schema())
    checker.validate(read_document(HERE / "shared" / "payments.yaml").plain())
    checker.validate(read_document(HERE / "shared" / "more.yaml").plain())
    assert not checker.is_valid(read_document(HERE / "shared" / "misspelt.yaml").plain())


@pytest.mark.parametrize(
    "name",
    ["unknown_section", "unknown_key_misspelt", "missing_key", "wrong_literal", "boolean_is_yes", "window_in_months",
     "naive_time", "number_out_of_bounds", "name_with_capitals", "fraction_of_zero", "scalar_is_a_list"],
)  # fmt: skip
def test_editors_see_what_is_wrong(name: str) -> None:
    assert not CHECKER.is_valid(read_document(HERE / "invalid" / f"{name}.yaml").plain())


def mappings(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"Declaration": schema} | schema["$defs"]


def test_every_mapping_is_closed_and_described() -> None:
    for name, mapping in mappings(SCHEMA).items():
        assert mapping["additionalProperties"] is False, name
        assert mapping["description"].endswith((".", "?")), name


def test_every_key_is_described_but_the_parameters_of_lightgbm() -> None:
    bare = {
        f"{name}.{key}"
        for name, mapping in mappings(SCHEMA).items()
        if name not in ("Declaration", "Parameters", "Space")
        for key, field in mapping["properties"].items()
        if not field.get("description")
    }
    assert bare == set()


def test_bounds_are_written_in_the_schemas_own_words() -> None:
    assert not re.search(r'"(ge|gt|le|lt)":', json.dumps(SCHEMA))
    assert SCHEMA["$defs"]["Bootstrap"]["properties"]["resamples"]["minimum"] == 50


def test_the_generated_files_are_up_to_date() -> None:
    for name, text in generated(PROJECT).items():
        assert (PROJECT / name).read_text() == text, f"{name}: run `make generate`"


def test_what_is_written_by_hand_around_the_reference_stays(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / REFERENCE).write_text(f"By hand.\n{BEGIN}stale{END}\nBy hand too.\n")
    page = generated(tmp_path)[REFERENCE]
    assert page.startswith("By hand.\n")
    assert page.endswith("\nBy hand too.\n")
    assert "stale" not in page


def test_a_page_without_its_marks_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="lost the marks"):
        with_reference("All by hand.", SCHEMA)


def test_the_reference_has_a_table_for_each_mapping_and_a_row_for_each_key() -> None:
    text = reference(SCHEMA)
    assert text.count("| key | value | default | meaning |") == len(SCHEMA["$defs"])
    for mapping in SCHEMA["$defs"].values():
        for key in mapping["properties"]:
            assert f"| `{key}` |" in text
    assert (
        "| `test_from` | [moment](#kinds-of-values) |  | For `time`: calibration ends here, less the embargo. |" in text
    )
    assert "| `learning_rate` | number, > 0, ≤ 1 | `0.05` |" in text
    assert "### `features.groups[].features[]`" in text


def test_the_example_of_the_reference_page_is_valid(tmp_path: Path) -> None:
    example, included = re.findall(r"```yaml\n(.*?)```", (PROJECT / REFERENCE).read_text(), re.DOTALL)
    folder = tmp_path / "pipelines" / "cards"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(example)
    before = read_declaration(folder / "model.yaml").features
    (tmp_path / "pipelines" / "features").mkdir()
    group = "groups:\n  - {source: payments, key: client_id, features: [{name: payments, aggregate: count}]}\n"
    (tmp_path / "pipelines" / "features" / "payments.yaml").write_text(group)
    (folder / "model.yaml").write_text(example.replace("features:\n", included, 1))
    assert read_declaration(folder / "model.yaml").features.names() == ("payments", *before.names())


def test_the_example_of_adding_features_is_valid() -> None:
    page = (PROJECT / "docs" / "add-a-model.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    declared = read_document(HERE / "valid" / "smallest.yaml").plain()
    declared["features"]["groups"] += yaml.safe_load(example)
    CHECKER.validate(declared)
    assert Features.model_validate(declared["features"]).names() == ("income", "paid_90d", "late_share")
