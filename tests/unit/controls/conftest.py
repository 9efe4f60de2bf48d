"""The catalogue as it is in the tree."""

from pathlib import Path

import pytest

from provisioner.estate.catalogue import load_catalogue

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def loaded():
    return load_catalogue(ROOT / "controls")


@pytest.fixture(scope="session")
def catalogue(loaded):
    return loaded[0]
