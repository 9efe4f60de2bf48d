"""A ledger of two records that is written once and copied for every test."""

import pytest
from ledger_cases import copied, filled


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("written") / "estate", 2)


@pytest.fixture
def ledger(written, tmp_path):
    return copied(written, tmp_path / "estate")
