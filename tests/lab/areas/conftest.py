"""A running cluster of three empty nodes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from area_client import Client, Site, site_spec

from lab.running import running_lab
from lab.spec import LabSpec


def running_site(folder: Path, pve_major: int) -> Iterator[Site]:
    with running_lab(LabSpec(sites=(site_spec(pve_major),), time_scale=0.0, port=0), folder) as lab:
        site = Site(lab)
        yield site
        site.close()


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    yield from running_site(tmp_path / "lab", 9)


@pytest.fixture
def site8(tmp_path) -> Iterator[Site]:
    yield from running_site(tmp_path / "lab8", 8)


@pytest.fixture
def root(site) -> Client:
    return site.root
