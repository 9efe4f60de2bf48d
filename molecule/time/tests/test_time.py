"""What chronyd says of its sources, and what the system says of chronyd."""

import re
import time

import pytest

TRIES = 30


@pytest.fixture
def peer(host):
    name = host.check_output("hostname")
    return name.replace("-12", "-13") if name.endswith("-12") else name.replace("-13", "-12")


def rows(host, report):
    return [line.split(",") for line in host.check_output("chronyc -c -N %s", report).splitlines()]


def authentication(host, name):
    """Mode, and the number of cookies that are left, once the first exchange of keys was tried."""
    for _ in range(TRIES):
        row = next(row for row in rows(host, "authdata") if row[0] == name)
        if int(row[6]) or int(row[8]):
            break
        time.sleep(1)
    return row[1], int(row[8])


def test_the_other_host_authenticates_itself_and_is_believed(host, peer):
    mode, cookies = authentication(host, peer)
    assert mode == "NTS"
    assert cookies > 0
    for _ in range(TRIES):
        row = next(row for row in rows(host, "sources") if row[2] == peer)
        if row[1] in "*+":
            break
        time.sleep(1)
    assert row[5] != "0"


def test_a_server_whose_certificate_has_another_name_gets_no_answer(host):
    mode, cookies = authentication(host, "127.0.0.1")
    assert mode == "NTS"
    assert cookies == 0
    row = next(row for row in rows(host, "sources") if row[2] == "127.0.0.1")
    assert row[1] == "?"


def test_only_time_is_served_and_no_command_is_taken_over_the_network(host):
    listening = host.check_output("ss --listening --udp --tcp --numeric --processes --no-header")
    chronyd = [line.split() for line in listening.splitlines() if "chronyd" in line]
    ports = {(words[0], words[4].rpartition(":")[2]) for words in chronyd}
    assert ports == {("udp", "123"), ("tcp", "4460")}
    assert host.run("chronyc -h 127.0.0.1 tracking").rc != 0
    assert host.run("chronyc tracking").rc == 0


def test_nothing_else_looks_after_the_clock(host):
    assert not host.package("systemd-timesyncd").is_installed
    assert host.service("chrony").is_running
    assert host.service("chrony").is_enabled


def test_chronyd_runs_as_a_user_of_its_own_under_a_filter_and_leaves_the_clock_alone(host):
    pid = host.check_output("systemctl show --property MainPID --value chrony")
    status = host.file(f"/proc/{pid}/status").content_string
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    effective = re.search(r"^CapEff:\s+(\w+)$", status, re.MULTILINE)
    assert effective is not None
    assert not int(effective[1], 16) & 1 << 25  # CAP_SYS_TIME
    assert host.check_output("ps -o user= -p %s", pid) == "_chrony"
    assert " -x" in host.check_output("tr '\\0' ' ' < /proc/%s/cmdline", pid)
