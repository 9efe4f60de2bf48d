"""What the role `mac` made of the kernel's mandatory access control."""

import json

import pytest


@pytest.fixture(scope="module")
def status(host):
    return json.loads(host.check_output("aa-status --json"))


def test_every_profile_that_the_kernel_knows_is_enforced(status):
    assert {"confined-cat", "unix-chkpwd"} <= {name.rpartition("/")[2] for name in status["profiles"]}
    assert set(status["profiles"].values()) == {"enforce"}


def test_a_service_that_began_before_its_profile_is_confined_by_it(host, status):
    (process,) = status["processes"]["/usr/local/bin/lingering"]
    assert process["status"] == "enforce"
    pid = host.check_output("systemctl show --property MainPID --value lingering.service")
    assert host.check_output(f"cat /proc/{pid}/attr/current") == "/usr/local/bin/lingering (enforce)"


def test_nothing_runs_outside_of_its_profile(status):
    assert not [one for each in status["processes"].values() for one in each if one["status"] != "enforce"]


def test_a_start_loads_the_same_and_nothing_else(host, status):
    assert host.service("apparmor").is_enabled
    again = host.check_output("systemctl reload apparmor && aa-status --json")
    assert json.loads(again)["profiles"] == status["profiles"]


@pytest.mark.parametrize(("password", "answer"), [("a-password-of-the-scenario", 0), ("another", 7)])
def test_users_passwords_are_still_checked_under_the_profile_of_what_checks_them(host, password, answer):
    asked = (
        f"printf '{password}\\0' | setpriv --reuid clerk --regid clerk --init-groups unix_chkpwd clerk nonull"
    )
    assert host.run(asked).rc == answer
