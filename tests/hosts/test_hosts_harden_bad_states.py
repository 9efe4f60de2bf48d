"""Bad states that are really made on a hardened host are found by the audit, and repaired by the roles."""

import json
from pathlib import Path

import pytest
import yaml
from hosts_lab import bastide, harden

HOST, ADDRESS = "ca-dpi-db", "10.84.20.21"
"""Of all hosts the one with most to look at: it has a database."""
PLACE = Path(__file__).parent / "bad_states"
WORDS = (PLACE / "words.sh").read_text()
BY_ROLES = yaml.safe_load((PLACE / "repaired_by_roles.yml").read_text())
BY_HAND = yaml.safe_load((PLACE / "repaired_by_hand.yml").read_text())
GOOD = ("pass", "not_applicable")
"""What does not exist on a host cannot be in a bad state, until it is made."""


def ids(states):
    """Checks in the order in which their bad states are made; one command can make several fail."""
    return [check for names in states for check in names.split()]


@pytest.fixture(scope="module")
def verdicts(hardened):
    """The verdict on each check before bad states were made, with them, and after they were repaired."""
    lab, estate = hardened
    before = audited(estate)
    made = (*BY_ROLES.values(), *(state["made"] for state in BY_HAND.values()))
    lab.ssh(ADDRESS, "\n".join((WORDS, *made, "in_force")))
    found = audited(estate)
    lab.ssh(ADDRESS, "\n".join((WORDS, *(state["undone"] for state in BY_HAND.values()))))
    done = harden(estate, HOST)
    if done.returncode:
        pytest.fail(done.stderr, pytrace=False)
    after = audited(estate)
    return {check: (before[check], found[check], after[check]) for check in before}


def audited(estate):
    words = ("audit", "--limit", HOST, "--profile", "high", "--fail-on", "nothing", "--json")
    done = bastide("-e", str(estate), *words, keeps=estate.parent)
    assert done.stdout, done.stderr
    return {one["check"]: one["verdict"] for one in json.loads(done.stdout)["findings"]}


@pytest.mark.parametrize("check", ids(BY_ROLES))
def test_a_bad_state_is_found_and_roles_repair_it(check, verdicts):
    before, found, after = verdicts[check]
    assert before in GOOD
    assert (found, after) == ("fail", "pass")


@pytest.mark.parametrize("check", ids(BY_HAND))
def test_a_bad_state_that_no_role_touches_is_found_until_somebody_repairs_it(check, verdicts):
    assert verdicts[check] == ("pass", "fail", "pass")
