"""The parameters beside the sections, as the command line and KFP give them; and how much fits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2

from loanwright.config.parameters import Plain, check_size
from loanwright.config.reading import parse_plain, sections_as_parameters
from loanwright.errors import DeclarationError

LOGIN = (
    "source_overrides.a: holds a user or a password, which would be written to files: a database's address stands "
    "in an environment variable, as in sql+env://VARIABLE/<table>, and S3's keys in AWS_*"
)


def test_absent_parameters_have_their_defaults() -> None:
    assert parse_plain({}) == Plain()
    assert Plain().cutoff is None


def test_what_kfp_hands_over_is_read() -> None:
    given = {
        "data_cutoff": "2026-01-31",
        "source_overrides": {"a": "/data/2026@new/a.csv", "b": "s3://bucket/by@day/", "c": "sql+env://DATABASE/s.t"},
        "workers": 1.0,
    }
    plain = parse_plain(given)
    assert plain.cutoff == datetime(2026, 1, 31, tzinfo=UTC)
    assert plain.model_dump() == {**given, "workers": 1, "register_model": True}
    assert isinstance(plain.workers, int)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"workers": "abc"}, "workers: must be a whole number, not 'abc'"),
        ({"workers": 1.5}, "workers: must be a whole number, not 1.5"),
        ({"workers": 0}, "workers: must be at least 1, not 0"),
        ({"workers": 1_001}, "workers: must be at most 1000, not 1001"),
        ({"register_model": "maybe"}, "register_model: must be true or false, not 'maybe'"),
        ({"source_overrides": "foo"}, "source_overrides: must be a mapping, not 'foo'"),
        ({"source_overrides": ["=1"]}, "source_overrides: must be a mapping, not a list"),
        ({"source_overrides": None}, "source_overrides: has no value: give it one, or leave the key out"),
        ({"source_overrides": {"a": 1}}, "source_overrides.a: must be a text, not 1: write it in quotes"),
        ({"source_overrides": {"a": ""}}, "source_overrides.a: must not be empty"),
        ({"source_overrides": {"a": "{{x}}"}}, "source_overrides.a: holds '{{', which Argo would expand: "
         "it may stand nowhere in a declaration"),
        ({"data_cutoff": "{{x}}"}, "data_cutoff: holds '{{', which Argo would expand: it may stand nowhere in a "
         "declaration"),
        ({"data_cutoff": "soon"}, "data_cutoff: 'soon' is not an RFC 3339 time such as '2026-01-31T00:00:00Z'"),
        ({"worker": 1}, "worker: unknown key (did you mean 'workers'?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_plain(given)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://u:pw@h/db", None),
        ("u:pw@h://db", None),
        ("s3://key:pw@bucket/rows/", LOGIN),
        ("s3://key:pw/with/slashes@bucket/rows/", LOGIN),
        ("u:pw@h/db", LOGIN),
        ("sql+env://postgresql://u:pw@h/db", None),
    ],
)
def test_a_secret_is_refused_and_not_repeated(address: str, said: str | None) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_plain({"source_overrides": {"a": address}})
    assert "pw" not in str(caught.value)
    assert said in (None, str(caught.value))
    with pytest.raises(DeclarationError) as caught:
        parse_plain({"source_overrides": address})
    assert "pw" not in str(caught.value)


def test_sizes_are_those_after_a_protobuf_struct() -> None:
    parameters = {"data": {"values": [1] * 13_500}, "source_overrides": {"ä": "é" * 300}}
    struct = struct_pb2.Struct()
    struct.update(parameters)
    handed_over = sum(len(json.dumps(value)) for value in json_format.MessageToDict(struct).values())
    assert len(json.dumps(parameters)) < 50_000 < handed_over
    with pytest.raises(DeclarationError) as caught:
        check_size({**parameters, "split": {"a": [1] * 10_000}}, "cards")
    assert str(caught.value) == (
        f"the parameters of 'cards' take {(handed_over + 50_007) / 1e3:.1f} kB together, and a step's arguments hold "
        "100 kB: data 67.5 kB, split 50.0 kB, source_overrides 1.8 kB. "
        "Shorten the descriptions, or drop columns and features that the model does not need"
    )


def test_a_shipped_declaration_fits() -> None:
    for path in sorted((Path(__file__).parents[3] / "pipelines").glob("*/model.yaml")):
        check_size(sections_as_parameters(path) | Plain().model_dump(), path.parent.name)
