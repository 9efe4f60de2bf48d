"""What checks of a site ask is what its posture tells: no path leads nowhere, and no key is misspelt."""

from pathlib import Path

import pytest
from site_answers import HOUR, NOW, SECONDS, Site, answers

from provisioner.decide.controls import findings, section_of
from provisioner.estate.catalogue import load_catalogue
from provisioner.model.finding import Verdict
from provisioner.pve.posture import SECTIONS, posture

ROOT = Path(__file__).resolve().parents[3]
MORE = {
    "/cluster/replication": [{"id": "110-0", "guest": 110, "target": "n2"}],
    "/nodes/n1/replication": [{"id": "110-0", "last_sync": SECONDS - HOUR, "fail_count": 0}],
    f"/nodes/n1/tasks?typefilter=vzdump&limit=500&since={SECONDS - 7 * 24 * HOUR}": [
        {"id": "110", "starttime": SECONDS - HOUR, "endtime": SECONDS - 10, "status": "OK"}
    ],
}


@pytest.fixture(scope="module")
def checks():
    catalogue, _ = load_catalogue(ROOT / "controls")
    return [one for one in catalogue.checks.values() if one.of == "site"]


@pytest.fixture(scope="module")
def site():
    return posture(Site(answers() | MORE), "carpentras", NOW)


def keys(value):
    """The keys of a value at any depth where a check may ask for them."""
    if isinstance(value, dict):
        return set(value) | {key for one in value.values() for key in keys(one)}
    return {key for one in value for key in keys(one)} if isinstance(value, list) else set()


def test_every_check_asks_for_a_section_that_is_made(checks):
    assert {section_of(one) for one in checks} <= {one.name for one in SECTIONS}


def test_of_a_site_that_answers_nothing_stays_unknown(checks, site):
    found = findings(checks, [site], [], NOW)
    assert [(one.check, one.reason) for one in found if one.verdict is Verdict.UNKNOWN] == []


def test_what_is_wrong_with_the_site_is_found_and_named(checks, site):
    failed = {
        one.check: one.reason for one in findings(checks, [site], [], NOW) if one.verdict is Verdict.FAIL
    }
    assert "alice@pve" in failed["pve-admin-second-factor"]
    assert "alice@pve!ci" in failed["pve-token-administrator"]
    assert "120 (proxy)" in failed["pve-backup-every-guest"]
    assert "net1" in failed["pve-guest-firewall-all-cards"]
    assert "tie_impossible" in failed["pve-no-tie"]
    assert "before-upgrade" in failed["pve-guest-snapshots-young"]
    assert not {"pve-quorate", "pve-datacenter-firewall-on", "pve-certificate-valid"} & failed.keys()


def test_the_words_of_examples_are_those_of_the_posture(checks, site):
    free = {"n1", "name", "restore"}
    for check in checks:
        section = section_of(check)
        told = keys(site.sections[section]["data"]) | free
        assert keys(check.examples.good[section]) <= told, check.id


def test_where_nothing_may_be_seen_nothing_passes_but_what_needs_no_rights(checks):
    blind = posture(Site(answers() | {"/access/permissions": {}}), "carpentras", NOW)
    found = findings(checks, [blind], [], NOW)
    assert {one.check for one in found if one.verdict is not Verdict.UNKNOWN} == {"pve-version-supported"}
