"""Ports as the other machine sees them, and rules as the kernel has them."""

import base64
import json
from pathlib import Path

import pytest
import testinfra

LISTEN = {
    "tcp": "s = socket.create_server(('', port)); s.settimeout(60); s.accept()",
    "udp": "s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', port)); s.sendto(b'!', s.recvfrom(9)[1])",
}
KNOCK = {
    "tcp": "socket.create_connection((host, port), 1)",
    "udp": "s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(1);"
    " s.sendto(b'?', (host, port)); s.recv(9)",
}


@pytest.fixture(scope="module")
def other(host, request):
    name = host.check_output("hostname")
    peer = name.replace("12", "13") if "12" in name else name.replace("13", "12")
    return testinfra.get_host(f"ssh://{peer}", ssh_config=request.config.option.ssh_config)


def rules(host):
    shown = json.loads(host.check_output("nft -j list chain inet bastide input"))["nftables"]
    return [row["rule"] for row in shown if "rule" in row]


def python(code, port, host=""):
    return f'python3 -c "import socket; host, port = {host!r}, {port}; {code}"'


def reached(host, other, port, protocol="tcp"):
    """Whether a listener on this port of `host` is reached by `other`."""
    unit = f"listener-{port}"
    listener = python(LISTEN[protocol], port)
    host.check_output(f"systemd-run --quiet --collect --unit={unit} {listener}")
    shown = f"ss -Hln{protocol[0]} 'sport = :{port}' | grep -q ."
    host.check_output(f"for i in $(seq 50); do {shown} && exit; sleep 0.1; done; exit 1")
    seen = knock(other, host, port, protocol)
    host.run(f"systemctl stop {unit}")
    return seen


def knock(other, host, port, protocol="tcp"):
    address = host.check_output("hostname -I").split()[0]
    seen = other.run(python(KNOCK[protocol], port, address))
    assert seen.succeeded or "timed out" in seen.stderr, seen.stderr
    return seen.succeeded


@pytest.mark.parametrize("port", [8080, 9000, 9002])
def test_what_is_declared_is_reached(host, other, port):
    assert reached(host, other, port)


@pytest.mark.parametrize("port", [9003, 9100, 9200])
def test_what_is_not_declared_or_not_for_this_machine_is_not_reached(host, other, port):
    assert not reached(host, other, port)


def test_datagrams_are_let_in_where_they_are_declared(host, other):
    assert reached(host, other, 5353, "udp")
    assert not reached(host, other, 5354, "udp")


def test_ssh_is_reached(host, other):
    assert knock(other, host, 22)


def test_the_first_rule_lets_the_administration_in(host):
    first = rules(host)[0]
    assert first["comment"] == "administration"
    assert {"accept": None} in first["expr"]
    assert {"prefix": {"addr": "10.85.0.0", "len": 16}} in (
        first["expr"][0]["match"]["right"],
        *first["expr"][0]["match"]["right"].get("set", ()),
    )
    assert first["expr"][1]["match"]["right"] == 22


def test_what_is_refused_is_counted(host, other):
    def refused():
        (last,) = (rule for rule in rules(host) if rule.get("comment") == "refused")
        return last["expr"][0]["counter"]["packets"]

    before = refused()
    assert not knock(other, host, 9999)
    assert refused() > before


def test_a_ping_is_answered_and_a_flood_is_not(host, other):
    address = host.check_output("hostname -I").split()[0]
    assert other.run(f"ping -c 1 -W 2 {address}").succeeded
    flood = other.run(f"ping -f -c 300 -W 1 {address}").stdout
    assert 0 < int(flood.split(" received")[0].split()[-1]) < 300


def test_only_from_level_intermediary_on_is_what_is_refused_logged(host):
    logged = [rule for rule in rules(host) if any("log" in part for part in rule["expr"])]
    assert len(logged) == (1 if host.check_output("hostname").endswith("13") else 0)


def test_a_connection_that_is_open_stays_open_while_rules_are_loaded(host, other):
    echo = "s = socket.create_server(('', port)); c = s.accept()[0]; [c.sendall(c.recv(9)) for _ in 'ab']"
    talk = (
        "import time; s = socket.create_connection((host, port), 5); s.sendall(b'a'); s.recv(9);"
        " open('/run/talks', 'w').close(); time.sleep(2); s.sendall(b'b'); print(s.recv(9).decode())"
    )
    host.check_output(f"systemd-run --quiet --collect --unit=echo {python(echo, 8080)}")
    host.check_output("for i in $(seq 50); do ss -Hltn 'sport = :8080' | grep -q . && exit; sleep 0.1; done")
    address = host.check_output("hostname -I").split()[0]
    other.check_output(f"rm -f /run/talks; {python(talk, 8080, address)} > /run/told 2>&1 &")
    other.check_output("for i in $(seq 50); do [ -e /run/talks ] && exit; sleep 0.1; done; exit 1")
    host.check_output("systemctl reload bastide-firewall")
    other.check_output("for i in $(seq 50); do [ -s /run/told ] && exit; sleep 0.1; done; exit 1")
    assert other.check_output("cat /run/told") == "b"


def test_rules_that_cannot_be_loaded_leave_those_in_force_that_were(host):
    before = rules(host)
    file = "/etc/nftables.d/bastide.nft"
    host.check_output(
        f"cp -p {file} /run/kept; echo 'table inet bastide {{ chain input {{ nonsense }} }}' >> {file}"
    )
    assert host.run("systemctl reload bastide-firewall").failed
    host.check_output(f"cp -p /run/kept {file}")
    assert [rule["handle"] for rule in rules(host)] == [rule["handle"] for rule in before]


@pytest.mark.parametrize("forgets", ["", "env -u SSH_CONNECTION "])
def test_whoever_would_lock_himself_out_is_told_even_if_sudo_forgot_from_where_he_comes(host, forgets):
    script = base64.b64encode(Path("roles/firewall/files/comes_in.py").read_bytes()).decode()
    run = f"echo {script} | base64 -d | {forgets}python3 -"
    assert host.run(f"{run} 22 192.0.2.0/24 10.85.0.0/16").succeeded
    assert host.run(f"{run} 22").succeeded
    assert "firewall__administration" in host.run(f"{run} 22 192.0.2.0/24").stderr
    assert "over port 22, and firewall__ssh_port is 2222" in host.run(f"{run} 2222").stderr


def test_what_others_filter_stays_when_our_rules_are_loaded_or_taken_away(host):
    host.check_output("nft add table inet others; nft add chain inet others keep")
    host.check_output("systemctl reload bastide-firewall")
    assert host.run("nft list chain inet others keep").succeeded
    host.check_output("systemctl stop bastide-firewall")
    assert host.run("nft list table inet bastide").failed
    assert host.run("nft list chain inet others keep").succeeded
    host.check_output("systemctl start bastide-firewall; nft delete table inet others")
    assert rules(host)


def test_the_distributions_own_unit_which_flushes_everything_brings_ours_back(host):
    host.check_output("systemctl restart nftables")
    assert rules(host)
    host.check_output("systemctl reload nftables")
    assert rules(host)
    host.check_output("systemctl stop nftables; systemctl start bastide-firewall")
    host.check_output("systemctl start nftables")
    assert rules(host)
    host.check_output("systemctl stop nftables; systemctl restart bastide-firewall")
    assert rules(host)


def test_it_is_loaded_at_boot_before_the_network(host):
    assert "bastide-firewall.service" in host.check_output("systemctl show -p Wants --value sysinit.target")
    assert "network-pre.target" in host.check_output("systemctl show -p Before --value bastide-firewall")
