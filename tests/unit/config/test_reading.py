"""Declarations from files and from parameters: what is read, and what is said when it cannot be."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.declaration import SECTIONS, Declaration
from loanwright.config.judgement import Evaluation
from loanwright.config.learning import Split, Training
from loanwright.config.reading import parse_section, parse_sections, read_declaration, sections_as_parameters
from loanwright.errors import DeclarationError

HERE = Path(__file__).parent
VALID = sorted(path.name for path in (HERE / "valid").glob("*.yaml"))
INVALID = sorted(path.name for path in (HERE / "invalid").glob("*.yaml"))
SMALLEST = (HERE / "valid" / "smallest.yaml").read_text()


def refusal(path: Path) -> str:
    with pytest.raises(DeclarationError) as caught:
        read_declaration(path)
    return str(caught.value)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "declared.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def through_a_struct(value: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """The value as KFP hands it over: integers as floats, keys in another order."""
    from google.protobuf import json_format, struct_pb2

    struct = struct_pb2.Struct()
    struct.update(value)
    return shuffled(json_format.MessageToDict(struct), random.Random(seed))


def shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {key: shuffled(value[key], rng) for key in keys}
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", VALID)
def test_a_valid_file_is_read_and_survives_the_way_through_kfp(name: str) -> None:
    declaration = read_declaration(HERE / "valid" / name)
    sections = sections_as_parameters(HERE / "valid" / name)
    assert list(sections) == list(SECTIONS)
    assert sections == sections_as_parameters(declaration)
    handed_over = through_a_struct(sections)
    assert isinstance(handed_over["training"]["rounds"], float), "a Struct makes floats of integers"
    assert parse_sections(handed_over) == declaration
    assert parse_sections(json.loads(json.dumps(sections))) == declaration
    assert sections_as_parameters(parse_sections(handed_over)) == sections


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_file_gets_exactly_this_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    path = Path("invalid") / name
    expected = [
        line.removeprefix("# expect: ") for line in path.read_text().splitlines() if line.startswith("# expect: ")
    ]
    assert refusal(path) == "\n".join(expected)


def test_there_are_enough_bad_declarations() -> None:
    assert len(INVALID) >= 30


def test_one_section_is_parsed_by_itself() -> None:
    split = parse_section(
        "split", {"fractions": {"test": 0.2, "train": 0.6, "calibration": 0.2}, "method": "hash"}, Split
    )
    assert split.fractions is not None
    assert split.fractions.train == 0.6
    assert parse_section("training", {"rounds": 31.0, "parameters": {"num_leaves": 15.0}}, Training).rounds == 31


def test_one_wrong_section_is_named_by_its_dotted_path() -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_section("training", {"rounds": 31.5, "parameters": {"num_leafs": 15.0}}, Training)
    assert str(caught.value) == (
        "2 problems in the declaration:\n"
        "  training.rounds: must be a whole number, not 31.5\n"
        "  training.parameters.num_leafs: unknown key (did you mean 'num_leaves'?)"
    )


def test_sections_that_do_not_agree_are_refused_without_a_file() -> None:
    sections = sections_as_parameters(HERE / "valid" / "smallest.yaml")
    sections["data"]["unit"]["source"] = "applicant"
    with pytest.raises(DeclarationError) as caught:
        parse_sections(sections)
    assert str(caught.value) == "data.unit.source: there is no source 'applicant' (did you mean 'applicants'?)"


def test_an_include_in_a_parameter_is_explained() -> None:
    sections = sections_as_parameters(HERE / "valid" / "smallest.yaml")
    sections["features"]["include"] = ["../features/x.yaml"]
    with pytest.raises(DeclarationError, match=r"^features\.include: files are included where a model\.yaml is read"):
        parse_sections(sections)


@pytest.mark.parametrize("value", ["{{$.inputs}}", "a {{=1+1}}"])
def test_braces_are_refused_in_parameters_too(value: str) -> None:
    with pytest.raises(DeclarationError, match=r"^evaluation\.reasons\.x: holds '\{\{'"):
        parse_section("evaluation", {"reasons": {"x": value}}, Evaluation)


def test_parameters_show_the_knobs_and_leave_out_what_is_not_there() -> None:
    sections = sections_as_parameters(HERE / "valid" / "smallest.yaml")
    assert sections["training"]["parameters"]["num_leaves"] == 31
    assert sections["training"]["parameters"]["extra_trees"] is False
    assert sections["data"]["label"] == {"name": "bad", "column": "bad", "positive": 1, "matures_after": "1d"}
    assert sections["data"]["sources"][0]["columns"][1] == {"name": "income", "type": "number"}
    assert "null" not in json.dumps(sections)


def test_sections_too_large_for_a_steps_arguments_are_refused_with_their_sizes(tmp_path: Path) -> None:
    columns = "".join(
        f"        - {{name: column_{i:04}, type: integer, description: {'x' * 80}}}\n" for i in range(900)
    )
    path = written(tmp_path, SMALLEST.replace("features:\n  groups", f"{columns}features:\n  groups"))
    with pytest.raises(DeclarationError) as caught:
        sections_as_parameters(path)
    assert str(caught.value) == (
        "the parameters of 'smallest' take 130.3 kB together, and a step's arguments hold 100 kB: "
        "data 129.1 kB, training 0.6 kB, features 0.1 kB. "
        "Shorten the descriptions, or drop columns and features that the model does not need"
    )


def test_included_features_come_first_and_the_parameter_holds_them() -> None:
    path = HERE / "valid" / "shared_features.yaml"
    features = read_declaration(path).features
    assert features.names() == ("paid_365d", "payments", "idle", "age", "mean_payment", "paid_by_age")
    assert features.hidden == ("payments",)
    assert "include" not in sections_as_parameters(path)["features"]


def test_a_symlink_does_not_lead_out_of_the_pipelines_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("groups: []\n")
    folder = tmp_path / "pipelines" / "cards"
    folder.mkdir(parents=True)
    (folder / "shared.yaml").symlink_to(tmp_path / "secret.yaml")
    path = written(folder, "features:\n  include: [shared.yaml]\n")
    assert refusal(path) == f"{path}:2: features.include[0]: 'shared.yaml' lies outside the folder 'pipelines'"


def test_a_copied_folder_does_not_register_under_the_old_name(tmp_path: Path) -> None:
    path = tmp_path / "pipelines" / "cards" / "model.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(SMALLEST)
    assert refusal(path) == f"{path}:2: model.name: 'smallest' is not its folder's name, 'cards'"
    path.write_text(SMALLEST.replace("name: smallest", "name: cards"))
    assert read_declaration(path).model.name == "cards"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(SMALLEST)
    assert refusal(tmp_path / "modle.yaml") == f"{tmp_path}/modle.yaml is not there (did you mean 'model.yaml'?)"
    assert refusal(tmp_path / "no" / "model.yaml") == f"{tmp_path}/no/model.yaml is not there"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path} cannot be read: Is a directory"


def test_a_file_of_10_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    with path.open("wb") as file:
        file.truncate(10_000_000)
    assert refusal(path) == f"{path} has 10.0 MB: a declaration has at most 1 MB"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n"])
def test_an_empty_file(tmp_path: Path, text: str) -> None:
    assert refusal(written(tmp_path, text)).endswith("is empty")


@pytest.mark.parametrize("text", ["[1, 2]", "just words", "7"])
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    assert refusal(path) == (
        f"{path} must be a mapping of the sections model, data, features, split, training, calibration, "
        "evaluation, gates"
    )


def test_other_encodings_are_refused_and_a_byte_order_mark_is_not(tmp_path: Path) -> None:
    assert read_declaration(written(tmp_path, b"\xef\xbb\xbf" + SMALLEST.encode())).model.name == "smallest"
    path = written(tmp_path, SMALLEST.replace("The least", "Für").encode("latin-1"))
    assert refusal(path) == f"{path} is not UTF-8 text: byte {path.read_bytes().index(0xFC)} is 0xfc"
    assert "is not UTF-8 text: byte 0 is 0xff" in refusal(written(tmp_path, SMALLEST.encode("utf-16")))


def test_a_control_character_is_refused(tmp_path: Path) -> None:
    assert "is not valid YAML: it holds a control character" in refusal(written(tmp_path, "model: \x07\n"))


def test_a_bomb_of_aliases_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    assert "holds more than 50000 values, repeated ones counted" in refusal(written(tmp_path, "\n".join(lines)))


def test_an_alias_cannot_hold_itself(tmp_path: Path) -> None:
    assert "'*a' repeats what is not there before it" in refusal(written(tmp_path, "model: &a [*a]\n"))


def test_bottomless_nesting_is_refused(tmp_path: Path) -> None:
    assert "is nested more than 40 deep" in refusal(written(tmp_path, "[" * 400_000))


def test_a_python_object_is_never_built(tmp_path: Path) -> None:
    victim = tmp_path / "made"
    text = f"model: !!python/object/apply:os.mkdir ['{victim}']\n"
    assert "the tag '!!python/object/apply:os.mkdir' is not allowed" in refusal(written(tmp_path, text))
    assert not victim.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = written(tmp_path, SMALLEST)
    path.chmod(0)
    assert refusal(path) == f"{path} cannot be read: Permission denied"


def test_a_declaration_made_in_python_is_the_same_as_a_read_one() -> None:
    read = read_declaration(HERE / "valid" / "everything.yaml")
    assert Declaration.model_validate(read.model_dump()) == read
    assert Declaration.model_validate(read.model_dump(mode="json")) == read
