"""A lab's cluster, and sessions with it that lose patience quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.running import RunningLab, SiteAccess, running_lab
from lab.spec import LabSpec
from provisioner.model.site import Api
from provisioner.pve.session import Patience, Session

SITE = "carpentras"
HASTY = Patience(
    first_wait_seconds=0.01,
    longest_wait_seconds=0.05,
    total_seconds=20.0,
    connect_seconds=2.0,
    aside_seconds=60.0,
)

OpenSession = Callable[..., Session]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running_lab(LabSpec.sized(sites=1, guests=6), tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def site(lab: RunningLab) -> Iterator[SiteAccess]:
    """The lab's site without faults, before and after a test."""
    yield lab.sites[SITE]
    lab.control.lift(site=SITE)
    lab.control.forget_illegal()


@pytest.fixture
def open_session(site: SiteAccess, tmp_path: Path) -> Iterator[OpenSession]:
    """Opens sessions with the site; keywords override `Api`'s fields, and `secret` is the value itself."""
    sessions = []

    def opened(*, secret: str = site.secret, patience: Patience = HASTY, **api: object) -> Session:
        fields = {"endpoints": site.urls, "ca": site.cafile, "secret": "env:PVE_SECRET", **api}
        if "user" not in fields:
            fields = {"token": site.tokenid, **fields}
        session = Session(
            SITE, Api.model_validate(fields), secret=lambda _: secret, folder=tmp_path, patience=patience
        )
        sessions.append(session)
        return session

    yield opened
    for session in sessions:
        session.close()


@pytest.fixture
def session(open_session: OpenSession) -> Session:
    return open_session()
