"""What chronyd says of its sources, and what the system says of chronyd."""

import re
import time

import pytest

TRIES = 30
NEVER_HEARD, LIES, COOKIES = "0", "127.0.0.1", 8


@pytest.fixture(scope="module")
def peer(host):
    """The name of the other host, which is asked again: if it began later, that would take minutes."""
    host.check_output("systemctl restart chrony")
    name = host.check_output("hostname")
    other = {"time-12": "time-13", "time-13": "time-12"}
    return f"{other[name]}.lab"


def row(host, report, source):
    """What chronyc reports of a source, by column."""
    rows = host.check_output("chronyc -c -N %s", report).splitlines()
    return next(row for row in (line.split(",") for line in rows) if source in row[:3])


def heard(host, source):
    """The last eight answers of a source that were believed, as bits, once there are any or patience ends."""
    for _ in range(TRIES):
        if (bits := row(host, "sources", source)[5]) != NEVER_HEARD:
            return bits
        time.sleep(1)
    return NEVER_HEARD


def test_the_other_host_authenticates_itself_and_is_heard(host, peer):
    assert heard(host, peer) != NEVER_HEARD
    authentication = row(host, "authdata", peer)
    assert authentication[1] == "NTS"
    assert int(authentication[COOKIES]) > 0


def test_a_server_whose_certificate_has_another_name_is_not_heard(host, peer):
    heard(host, peer)
    assert row(host, "sources", LIES)[5] == NEVER_HEARD
    assert row(host, "authdata", LIES)[COOKIES] == "0"


def test_only_time_is_served_and_no_command_is_taken_over_the_network(host):
    listening = host.check_output("ss --listening --udp --tcp --numeric --processes --no-header")
    chronyd = [line.split() for line in listening.splitlines() if "chronyd" in line]
    ports = {(words[0], words[4].rpartition(":")[2]) for words in chronyd}
    assert ports == {("udp", "123"), ("tcp", "4460")}
    assert host.run("chronyc -h 127.0.0.1 tracking").rc != 0
    assert host.run("chronyc tracking").rc == 0


def test_nothing_else_looks_after_the_clock_and_nothing_has_failed(host):
    assert not host.package("systemd-timesyncd").is_installed
    assert host.service("chrony").is_running
    assert host.service("chrony").is_enabled
    assert host.check_output("systemctl list-units --failed --plain --no-legend") == ""


def test_chronyd_runs_as_a_user_of_its_own_under_a_filter_and_leaves_the_clock_alone(host):
    pid = host.check_output("systemctl show --property MainPID --value chrony")
    status = host.file(f"/proc/{pid}/status").content_string
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    effective = re.search(r"^CapEff:\s+(\w+)$", status, re.MULTILINE)
    assert effective is not None
    assert not int(effective[1], 16) & 1 << 25  # CAP_SYS_TIME
    assert host.check_output("ps -o user= -p %s", pid) == "_chrony"
    assert " -x" in host.check_output("tr '\\0' ' ' < /proc/%s/cmdline", pid)
