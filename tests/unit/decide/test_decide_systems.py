"""Reports name what ran where."""

from datetime import UTC, datetime

import pytest

from provisioner.decide.systems import system
from provisioner.model.finding import Collected, Subject

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEBIAN = {"id": "debian", "version": "13", "version_full": "13.2", "kernel": "6.14.8-2-pve"}
PVE, OLDER = {"version": "9.1.1"}, {"version": "9.0.3"}


def seen(of, **sections):
    return Collected(Subject("one", of), NOON, {name: {"data": data} for name, data in sections.items()})


@pytest.mark.parametrize(
    ("collected", "told"),
    [
        (seen("host", os=DEBIAN, pve=None), "Debian 13.2, Linux 6.14.8-2-pve"),
        (seen("host", os=DEBIAN, pve=PVE), "Debian 13.2, Proxmox VE 9.1.1, Linux 6.14.8-2-pve"),
        (seen("host", os={"id": "debian"}), "Debian"),
        (seen("host"), ""),
        (seen("site", version=PVE), "Proxmox VE 9.1.1"),
        (seen("site", version=PVE, nodes={"a": PVE, "b": OLDER}), "Proxmox VE 9.0.3 / 9.1.1"),
        (seen("site", nodes={"a": {"version": None}}), ""),
        (seen("estate", promises=[]), ""),
    ],
)
def test_a_subject_is_told_with_the_versions_that_it_runs(collected, told):
    assert system(collected) == told


def test_a_section_that_could_not_be_read_tells_no_version():
    assert system(Collected(Subject("one", "host"), NOON, {"os": {"error": "no"}})) == ""
