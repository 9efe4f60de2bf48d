"""What the role `audit` made of the kernel's audit trail."""

import pytest


@pytest.fixture
def recorded(host):
    """Run a command; what the trail then says under a key, interpreted."""

    def run(command, key):
        began = host.check_output("date '+%s'", "%H:%M:%S")
        host.run(command)
        # Without a terminal ausearch reads its standard input, unless it is told where the records are.
        return host.check_output("ausearch --input-logs --key %s --start %s --interpret", key, began)

    return run


def test_a_watched_file_that_is_touched_appears_in_the_trail(recorded):
    found = recorded("touch /etc/gshadow", "identity")
    assert "name=/etc/gshadow" in found
    assert "comm=touch" in found
    assert "key=identity" in found


def test_who_asks_for_a_module_appears_in_the_trail_also_when_it_is_refused(recorded):
    assert "comm=modprobe" in recorded("modprobe sctp", "modules")


def test_who_uses_the_rights_of_another_appears_in_the_trail_by_the_name_of_the_login(recorded):
    login = "who=$(id -u clerk); echo $who > /proc/self/loginuid"  # what PAM does for who logs in
    as_clerk = "setpriv --reuid clerk --regid clerk --init-groups passwd --status"
    found = recorded(f"sh -c '{login} && exec {as_clerk}'", "privileged")
    assert "auid=clerk" in found
    assert "comm=passwd" in found


def test_a_rule_for_every_architecture_is_in_force(host):
    rules = host.check_output("auditctl -l").splitlines()
    for arch in ("b64", "b32"):
        assert any(f"arch={arch}" in rule and "path=/etc/shadow" in rule for rule in rules)


def test_rules_cannot_be_changed_before_the_next_start(host):
    assert "enabled 2" in host.check_output("auditctl -s")
    before = host.check_output("auditctl -l")
    assert host.run("auditctl -D || exit 1").rc == 1
    assert host.check_output("auditctl -l") == before


def test_a_full_trail_never_stops_the_host(host):
    assert "failure 2" not in host.check_output("auditctl -s")
    kept = host.check_output("grep --ignore-case action /etc/audit/auditd.conf").lower()
    assert "halt" not in kept
    assert "single" not in kept
