from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanwright.errors import EnvironmentFault, IntegrityFault, NotStored, UsageError
from loanwright.features.table import TrainingTable
from loanwright.registry import golden
from loanwright.registry.bundles import FILES, Bundle, assemble, verify
from loanwright.storage import canonical_json, open_store, read_manifest
from loanwright.training.scorer import Scorer
from tests.builders.tables import publish_table
from tests.unit.registry.conftest import Parts


def rehash(folder: Path, **changes: Any) -> None:
    """Rewrites a folder's manifest so that its digests fit the files again, as a careful forger would."""
    document = json.loads((folder / "manifest.json").read_bytes())
    for entry in document["files"]:
        data = (folder / entry["path"]).read_bytes()
        entry |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    document["body"] |= changes
    (folder / "manifest.json").write_bytes(canonical_json(document))


def edit(folder: Path, file: str, change: Callable[[Any], None]) -> None:
    """Changes one of the folder's JSON files, and redoes the digests."""
    content = json.loads((folder / file).read_bytes())
    change(content)
    (folder / file).write_bytes(canonical_json(content))
    rehash(folder)


def test_a_bundle_scores_as_its_parts_do(bundle_uri: str, parts: Parts, tmp_path: Path) -> None:
    bundle = Bundle.open(bundle_uri, tmp_path)
    rows = TrainingTable.open(parts.table.uri, tmp_path).read_group(0)
    scorer = Scorer.from_manifests(parts.booster.uri, parts.calibrator.uri, tmp_path)

    assert np.array_equal(bundle.scorer.probabilities(rows), scorer.probabilities(rows))
    assert bundle.digest in bundle_uri
    assert [feature["name"] for feature in bundle.features] == scorer.feature_names
    assert bundle.card == {"label": "default"}
    assert {path.name for path in Path(bundle_uri).parent.iterdir()} == {*FILES, "manifest.json"}


def test_the_manifest_names_what_the_model_was_made_from(bundle_uri: str, parts: Parts) -> None:
    assert read_manifest(bundle_uri, "bundles").body == {
        "format": 1,
        "label": {"name": "default", "matures_after": 2_592_000},
        "snapshot": parts.table.body["snapshot"],
        "table": parts.table.digest,
        "feature_set": parts.table.body["feature_set"],
        "booster": parts.booster.digest,
        "calibrator": parts.calibrator.digest,
        "synthetic": True,
    }


def test_equal_parts_make_an_equal_bundle_wherever_they_lie(
    bundle_uri: str, make_parts: Callable[[int], Parts], tmp_path: Path
) -> None:
    again = make_parts(12).assemble(tmp_path)

    assert again != bundle_uri
    assert read_manifest(again).digest == read_manifest(bundle_uri).digest


def test_parts_of_different_models_are_refused(
    parts: Parts, make_parts: Callable[[int], Parts], tmp_path: Path
) -> None:
    other = make_parts(5)
    for changed in (Parts(parts.store, parts.table, other.booster, parts.calibrator),
                    Parts(parts.store, parts.table, parts.booster, other.calibrator)):  # fmt: skip
        with pytest.raises(IntegrityFault, match="were not made from each other"):
            changed.assemble(tmp_path)


def test_golden_rows_spread_over_the_scores_and_miss_features(bundle_uri: str, parts: Parts, tmp_path: Path) -> None:
    rows = json.loads(Bundle.open(bundle_uri, tmp_path).path("golden.json").read_bytes())
    table = TrainingTable.open(parts.table.uri, tmp_path)
    scorer = Scorer.from_manifests(parts.booster.uri, parts.calibrator.uri, tmp_path)
    everything = scorer.margins(table.read_group(0))

    assert 18 <= len(rows["margin"]) <= 20
    assert list(rows["columns"]) == sorted(table.feature_names)
    assert (min(rows["margin"][:-1]), max(rows["margin"][:-1])) == (everything.min(), everything.max())
    assert all(values[-1] is None for values in rows["columns"].values())
    assert sum(value is None for values in rows["columns"].values() for value in values[:-1]) >= 6
    assert len({round(margin, 1) for margin in rows["margin"]}) >= 8


def test_golden_rows_of_a_tiny_table_are_all_of_its_rows(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    table = TrainingTable.open(publish_table(store, rows=4), tmp_path)

    class Flat:
        """Scores everything alike."""

        class calibrator:  # noqa: N801  # stands where an instance would
            apply = staticmethod(lambda margins: margins)

        margins = staticmethod(lambda rows: np.zeros(rows.num_rows))

    assert len(golden.choose(table, Flat())["margin"]) == 5  # type: ignore[arg-type]


def test_a_downloaded_folder_of_any_name_opens(bundle_uri: str, bundle_folder: Path, tmp_path: Path) -> None:
    digest = read_manifest(bundle_uri).digest

    for place in (bundle_folder, f"{bundle_folder}/", bundle_folder / "manifest.json", Path(bundle_uri).parent):
        assert Bundle.open(place if isinstance(place, Path) else str(place), tmp_path).digest == digest


def test_a_bundle_can_be_copied_whole(bundle_uri: str, tmp_path: Path) -> None:
    bundle = Bundle.open(bundle_uri, tmp_path)

    bundle.copy_to(tmp_path / "copy")

    assert Bundle.open(tmp_path / "copy", tmp_path).digest == bundle.digest


def test_files_that_are_not_listed_are_not_read(bundle_folder: Path, tmp_path: Path) -> None:
    (bundle_folder / ".DS_Store").write_bytes(b"\0")
    (bundle_folder / "model.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")

    assert Bundle.open(bundle_folder, tmp_path).scorer.rounds == 12


@pytest.mark.parametrize("file", FILES)
def test_one_changed_byte_is_found(bundle_folder: Path, tmp_path: Path, file: str) -> None:
    data = bytearray((bundle_folder / file).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle_folder / file).write_bytes(data)

    with pytest.raises(IntegrityFault, match=rf"{file} is not what .* lists: its bytes were changed"):
        Bundle.open(bundle_folder, tmp_path)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_found(bundle_folder: Path, tmp_path: Path, file: str) -> None:
    (bundle_folder / file).unlink()

    with pytest.raises(IntegrityFault, match=rf"{file} is gone, though"):
        Bundle.open(bundle_folder, tmp_path)


def test_a_swapped_calibrator_is_found_though_all_digests_fit(bundle_folder: Path, tmp_path: Path) -> None:
    def flatter(calibrator: dict[str, Any]) -> None:
        calibrator["slope"] *= 1.0000001

    edit(bundle_folder, "calibrator.json", flatter)

    with pytest.raises(IntegrityFault, match="does not score as it did"):
        Bundle.open(bundle_folder, tmp_path)


def test_a_swapped_model_is_found_though_all_digests_fit(
    bundle_folder: Path, make_parts: Callable[[int], Parts], tmp_path: Path
) -> None:
    shutil.copyfile(Path(make_parts(5).booster.uri).parent / "model.txt", bundle_folder / "model.txt")
    rehash(bundle_folder)

    with pytest.raises(IntegrityFault, match="does not score as it did"):
        Bundle.open(bundle_folder, tmp_path)


@pytest.mark.parametrize("column", ["margin", "probability"])
def test_changed_golden_scores_are_found_though_all_digests_fit(
    bundle_folder: Path, tmp_path: Path, column: str
) -> None:
    def raise_one(rows: dict[str, Any]) -> None:
        rows[column][3] += 1e-9

    edit(bundle_folder, "golden.json", raise_one)

    with pytest.raises(IntegrityFault, match=r"1 of its .* golden rows differ, row 3 first"):
        Bundle.open(bundle_folder, tmp_path)


def test_the_last_bits_of_a_probability_may_differ_and_of_a_margin_not(bundle_folder: Path, tmp_path: Path) -> None:
    def next_float(column: str) -> Callable[[dict[str, Any]], None]:
        def change(rows: dict[str, Any]) -> None:
            rows[column][0] = float(np.nextafter(rows[column][0], 1))

        return change

    edit(bundle_folder, "golden.json", next_float("probability"))
    Bundle.open(bundle_folder, tmp_path)

    edit(bundle_folder, "golden.json", next_float("margin"))
    with pytest.raises(IntegrityFault, match="row 0 first"):
        Bundle.open(bundle_folder, tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda rows: rows["columns"].pop("number_0"),
        lambda rows: rows.pop("margin"),
        lambda rows: rows["margin"].pop(),
        lambda rows: rows["columns"]["number_0"].pop(),
        lambda rows: rows["columns"].update(number_0=["x"] * len(rows["margin"])),
        lambda rows: rows.update(columns={name: [] for name in rows["columns"]}, margin=[], probability=[]),
    ],
    ids=["no column", "no margins", "margin short", "column short", "text for numbers", "no rows"],
)
def test_golden_rows_that_cannot_be_replayed_are_refused(
    bundle_folder: Path, tmp_path: Path, damage: Callable[[Any], None]
) -> None:
    edit(bundle_folder, "golden.json", damage)

    with pytest.raises(IntegrityFault, match="the golden rows of"):
        Bundle.open(bundle_folder, tmp_path)


def test_a_manifest_of_another_bundle_is_found(
    bundle_uri: str, other_bundle_uri: str, bundle_folder: Path, tmp_path: Path
) -> None:
    shutil.copyfile(other_bundle_uri, bundle_folder / "manifest.json")
    with pytest.raises(IntegrityFault, match=r"model_card\.json is not what .* lists"):
        Bundle.open(bundle_folder, tmp_path)

    named = shutil.copytree(bundle_folder, tmp_path / read_manifest(bundle_uri).digest)
    with pytest.raises(IntegrityFault, match=r"belongs elsewhere: its digest is"):
        Bundle.open(named, tmp_path)


def test_a_folder_named_by_a_digest_must_have_it(bundle_uri: str, tmp_path: Path) -> None:
    stored = shutil.copytree(Path(bundle_uri).parent, tmp_path / read_manifest(bundle_uri).digest)
    edit(stored, "reasons.json", lambda reasons: reasons.update(number_0="Something nicer"))

    with pytest.raises(IntegrityFault, match="was changed after it was written"):
        Bundle.open(stored, tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b'{"kind": "bundles", "body": [], "files": []}', b"\xff\xfe",
     b'{"kind": "bundles", "body": {"format": 1}, "files": [{"path": "../x", "why": 1}]}'],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(bundle_folder: Path, tmp_path: Path, content: bytes) -> None:
    (bundle_folder / "manifest.json").write_bytes(content)

    with pytest.raises(IntegrityFault, match="is not the manifest of a bundle"):
        Bundle.open(bundle_folder, tmp_path)


@pytest.mark.parametrize("path", ["../../secret", "model.pkl"])
def test_a_manifest_that_lists_other_files_is_refused(bundle_folder: Path, tmp_path: Path, path: str) -> None:
    document = json.loads((bundle_folder / "manifest.json").read_bytes())
    document["files"].append({"path": path, "sha256": "0" * 64, "bytes": 1})
    (bundle_folder / "manifest.json").write_bytes(canonical_json(document))

    with pytest.raises(IntegrityFault, match=r"lists .*, where a bundle has"):
        Bundle.open(bundle_folder, tmp_path)


def test_manifests_of_other_things_are_no_bundles(parts: Parts, tmp_path: Path) -> None:
    uri = assemble_with_format(parts, tmp_path)

    with pytest.raises(IntegrityFault, match="is a manifest of 'boosters', not of 'bundles'"):
        Bundle.open(uri, tmp_path)


def assemble_with_format(parts: Parts, tmp_path: Path) -> str:
    """A booster's folder whose manifest also names a format."""
    folder = shutil.copytree(Path(parts.booster.uri).parent, tmp_path / "booster")
    rehash(folder, format=1)
    return str(folder)


def test_a_format_of_the_future_is_no_damage(bundle_folder: Path, tmp_path: Path) -> None:
    rehash(bundle_folder, format=2)

    with pytest.raises(EnvironmentFault, match="has format 2, and this version of Loanwright reads format 1") as caught:
        Bundle.open(bundle_folder, tmp_path)
    assert not isinstance(caught.value, IntegrityFault)


def test_a_place_without_a_bundle_is_a_usage_error_where_a_person_named_it(tmp_path: Path) -> None:
    with pytest.raises(NotStored):
        Bundle.open(tmp_path / "nothing", tmp_path)
    with pytest.raises(UsageError, match=r"there is no bundle at .*nothing: it has no manifest\.json"):
        verify(str(tmp_path / "nothing"), tmp_path)


def test_verify_gives_the_digest(bundle_uri: str, bundle_folder: Path, tmp_path: Path) -> None:
    assert verify(str(bundle_folder), tmp_path).digest == read_manifest(bundle_uri).digest


def test_nothing_half_made_is_left_when_a_part_was_changed(parts: Parts, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    broken = tmp_path / "boosters" / parts.booster.digest
    shutil.copytree(Path(parts.booster.uri).parent, broken)
    (broken / "model.txt").write_text("tree")
    booster = read_manifest(str(broken / "manifest.json"))

    with pytest.raises(IntegrityFault, match="its bytes were changed"):
        assemble(
            store, tmp_path, table=parts.table, booster=booster, calibrator=parts.calibrator, reference={}, reasons={},
            model_card={},
        )  # fmt: skip
    assert list(store.list()) == []
