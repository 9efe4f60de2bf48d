"""The small estate on a lab: shared and not to be written to, fresh, or applied already."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.running import RunningLab, running_lab
from tests.integration.bad_days.scenes import OTHER, SITE, SIZE, Scene, scene, small_estate


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory) -> Iterator[RunningLab]:
    with running_lab(SIZE, tmp_path_factory.mktemp("shared")) as lab:
        yield lab
        assert lab.control.illegal() == []


@pytest.fixture
def untouched(shared_lab, tmp_path) -> Iterator[Scene]:
    """Nothing is applied, and a test that has this lab may not write to it: others have it too."""
    made = Scene(shared_lab, small_estate(shared_lab, tmp_path / "estate"))
    before = [made.writes(site) for site in (SITE, OTHER)]
    try:
        yield made
        assert [made.writes(site) for site in (SITE, OTHER)] == before
    finally:
        shared_lab.control.lift()


@pytest.fixture
def fresh(tmp_path) -> Iterator[Scene]:
    """Nothing is applied yet."""
    with scene(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def lab_with_estate(tmp_path_factory) -> Path:
    """The folder of a lab on which the small estate was applied; it is down."""
    folder = tmp_path_factory.mktemp("applied")
    with scene(folder, keep=True) as made:
        ran = made.bastide("apply", "--yes")
        assert ran.code == 0, ran.err
    return folder / "lab"


@pytest.fixture
def applied(lab_with_estate, tmp_path) -> Iterator[Scene]:
    """The small estate is applied."""
    shutil.copytree(lab_with_estate, tmp_path / "lab", ignore=shutil.ignore_patterns("lab.json", "*.sock"))
    with scene(tmp_path) as made:
        yield made
