"""Ports as the other machine sees them, and rules as the kernel has them."""

import json

import pytest
import testinfra

LISTEN = {
    "tcp": "s = socket.create_server(('', port)); s.settimeout(60); s.accept()",
    "udp": "s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', port)); s.sendto(b'!', s.recvfrom(9)[1])",
}
KNOCK = {
    "tcp": "socket.create_connection((host, port), 2)",
    "udp": "s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(2);"
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
    assert first["expr"][0]["match"]["right"] == {"prefix": {"addr": "10.85.0.0", "len": 16}}
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
    host.check_output("systemctl stop nftables; nft flush ruleset; systemctl restart bastide-firewall")
    assert rules(host)


def test_it_is_loaded_at_boot_before_the_network(host):
    assert host.service("bastide-firewall").is_enabled
    assert "network-pre.target" in host.check_output("systemctl show -p Before bastide-firewall")
