"""What may come in to a machine from the network, as the estate's firewall says it.

pve-firewall filters in front of a guest. The guest's own filter is given the same rules, so that a card
without `firewall: true`, or a guest restored elsewhere, is not open. `dest`, `sport` and `iface` of a rule
are left to pve-firewall: the guest's own filter lets in a little more, and never less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network, summarize_address_range
from itertools import chain

from provisioner.decide.machines import machines
from provisioner.model.estate import Estate
from provisioner.model.firewall import ClusterFirewall, GuestFirewall, Rule
from provisioner.model.machine import Machine
from provisioner.model.site import Site

MANAGEMENT = "management"
"""The IP set whose members pve-firewall lets in to API and SSH before any other rule (PVE::Firewall)."""
VOTES = "5403"
"""Where a witness votes in clusters of two nodes (corosync-qnetd(8))."""
RECORDS = "2514"
"""Where the witness takes the logs of all others, over TLS on both sides (roles/audit)."""
MACROS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "dns": (("udp", "53"), ("tcp", "53")),
    "ftp": (("tcp", "21"),),
    "http": (("tcp", "80"),),
    "https": (("tcp", "443"),),
    "imap": (("tcp", "143"),),
    "imaps": (("tcp", "993"),),
    "jetdirect": (("tcp", "9100"),),
    "ldap": (("tcp", "389"),),
    "ldaps": (("tcp", "636"),),
    "mail": (("tcp", "25,465,587"),),
    "mysql": (("tcp", "3306"),),
    "ntp": (("udp", "123"),),
    "openvpn": (("udp", "1194"),),
    "pbs": (("tcp", "8007"),),
    "ping": (),
    "postgresql": (("tcp", "5432"),),
    "rdp": (("tcp", "3389"),),
    "rsync": (("tcp", "873"),),
    "smb": (("udp", "135,137:139,445"), ("tcp", "135,139,445")),
    "smtp": (("tcp", "25"),),
    "smtps": (("tcp", "465"),),
    "snmp": (("udp", "161:162"), ("tcp", "161")),
    "squid": (("tcp", "3128"),),
    "ssh": (("tcp", "22"),),
    "submission": (("tcp", "587"),),
    "syslog": (("udp", "514"), ("tcp", "514")),
    "tftp": (("udp", "69"),),
    "web": (("tcp", "80,443"),),
}
"""Those of the macros in PVE/Firewall.pm that servers of clinics offer. Pings are always answered."""
NAMES = {"6": "tcp", "17": "udp"}
NUMBERS = {"ah": "51", "esp": "50", "gre": "47", "igmp": "2", "ospf": "89", "sctp": "132", "vrrp": "112"}
"""Not every host has /etc/protocols and /etc/services."""
PINGS = frozenset({"icmp", "icmpv6", "ipv6-icmp", "1", "58"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """What one rule lets in. No ports: all of the protocol; no sources: from anywhere.

    `protocol` is tcp, udp, another's number, or `any`; a port is a number or `first-last`.
    """

    name: str
    protocol: str
    ports: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inbound:
    """From where a machine is administered (empty: anywhere), and what else comes in.

    `unfiltered` says why the estate has nothing filtered there; empty if it has.
    """

    administration: tuple[str, ...]
    accepted: tuple[Accepted, ...] = ()
    unfiltered: str = ""


class _Inexpressible(Exception):
    """A rule that the guest's own filter could not be given; the reason."""


def inbound(machine: Machine, estate: Estate) -> Inbound:
    """What may come in to a machine. The witness votes with the nodes and keeps the records of all others."""
    sites = [estate.sites[machine.site]] if machine.site else list(estate.sites.values())
    try:
        found = Inbound(tuple(dict.fromkeys(chain.from_iterable(map(_administration, sites)))))
    except _Inexpressible as reason:
        return Inbound((), unfiltered=str(reason))
    if machine.kind == "node":
        return replace(found, unfiltered=_open_node(machine, sites[0]))
    if machine.kind == "witness":
        nodes = tuple(f"{node.address}/32" for site in sites for node in site.nodes.values())
        votes = Accepted("corosync-qnetd", "tcp", (VOTES,), nodes)
        records = Accepted("records", "tcp", (RECORDS,), tuple(_others(estate)))
        return replace(found, accepted=(votes, records))
    return _of_guest(machine.name, estate.guests[machine.name].firewall, sites[0], found)


def _others(estate: Estate) -> Iterator[str]:
    """The addresses of all machines but the witness; one that only has a name is left out."""
    for machine in machines(estate):
        if machine.kind != "witness":
            with suppress(ValueError):
                yield str(ip_network(machine.address))


def _administration(site: Site) -> Iterator[str]:
    if site.firewall and MANAGEMENT in site.firewall.ipsets:
        yield from _networks(f"+{MANAGEMENT}", site.firewall)


def _open_node(machine: Machine, site: Site) -> str:
    """Why pve-firewall filters nothing on a node; a node goes by its own name, or by `node.site`."""
    own = site.nodes[machine.name.removesuffix(f".{machine.site}")].firewall
    if site.firewall is None or not site.firewall.enabled:
        return f"sites.{machine.site}.firewall is not enabled"
    if own and not own.enabled:
        return f"the firewall of node {machine.name} is switched off in the estate"
    return "" if site.firewall.policy_in != "ACCEPT" else f"sites.{machine.site}.firewall accepts everything"


def _of_guest(name: str, own: GuestFirewall | None, site: Site, found: Inbound) -> Inbound:
    if own is None:
        return replace(found, unfiltered=f"guests.{name} has no `firewall`: what it offers is not known")
    if not own.enabled or own.policy_in == "ACCEPT":
        return replace(found, unfiltered=f"guests.{name}.firewall accepts everything")
    names = site.firewall or ClusterFirewall()
    try:
        return replace(found, accepted=tuple(chain.from_iterable(_accepted(one, names) for one in own.rules)))
    except _Inexpressible as reason:
        return replace(found, unfiltered=f"guests.{name}.firewall: {reason}")


def _accepted(rule: Rule, names: ClusterFirewall) -> Iterator[Accepted]:
    if not rule.enabled:
        return
    if rule.type == "group":
        for one in names.groups[rule.action].rules:
            yield from _accepted(one, names)
    elif rule.type == "in" and rule.action == "ACCEPT":
        sources = tuple(chain.from_iterable(_networks(word, names) for word in _words(rule.source)))
        if sources or not rule.source:  # an empty IP set lets nobody in
            yield from _protocols(rule, sources)


def _protocols(rule: Rule, sources: tuple[str, ...]) -> Iterator[Accepted]:
    if rule.macro:
        if rule.macro.lower() not in MACROS:
            raise _Inexpressible(
                f"the ports of the macro {rule.macro} are not known; write `proto` and `dport`"
            )
        for protocol, ports in MACROS[rule.macro.lower()]:
            yield Accepted(rule.comment or rule.macro, protocol, _ports(ports), sources)
        return
    said = rule.proto or "any"
    if said not in PINGS:
        name = rule.comment or f"{said} {rule.dport or ''}".strip()
        yield Accepted(name, _protocol(said), _ports(rule.dport), sources)


def _protocol(said: str) -> str:
    found = NAMES.get(said) or NUMBERS.get(said, said)
    if found not in {"any", "tcp", "udp"} and not found.isdecimal():
        raise _Inexpressible(f"the number of the protocol {said} is not known; write that")
    return found


def _ports(text: str | None) -> tuple[str, ...]:
    ports = tuple(word.replace(":", "-") for word in _words(text))
    if named := [one for one in ports if not one.replace("-", "").isdecimal()]:
        raise _Inexpressible(f"the number of the port {named[0]} is not known; write that")
    return ports


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _networks(word: str, names: ClusterFirewall) -> Iterator[str]:
    """The networks of an address, network, range, alias or `+ipset`, as CIDR."""
    name = word.removeprefix("+").removeprefix("dc/")
    if word.startswith("+"):
        ipset = names.ipsets.get(name)
        if ipset is None or any(entry.nomatch for entry in ipset.entries):
            raise _Inexpressible(f"the IP set {name} is pve-firewall's own, or excludes somebody")
        for entry in ipset.entries:
            yield from _networks(entry.cidr, names)
    elif name in names.aliases:
        yield from _networks(names.aliases[name].cidr, names)
    else:
        yield from _numeric(name)


def _numeric(word: str) -> Iterator[str]:
    first, _, last = word.partition("-")
    try:
        if last:
            yield from map(str, summarize_address_range(ip_address(first), ip_address(last)))
        else:
            yield str(ip_network(word, strict=False))
    except ValueError:
        raise _Inexpressible(f"`{word}` is no address that is known here") from None
