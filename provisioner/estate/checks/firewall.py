"""Firewall rules: names that must exist, addresses that must be one, and a way in that must stay open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from provisioner.estate.checks.view import Trail, View, unknown
from provisioner.estate.faults import Fault
from provisioner.model.firewall import ClusterFirewall, Rule
from provisioner.model.hardening import number
from provisioner.model.site import Site

VERDICTS = frozenset({"ACCEPT", "DROP", "REJECT"})
WAYS_IN = (8006, 22)
"""The web interface and API, and SSH."""
_MANAGEMENT = "management"
"""Members of this IP set may always reach the nodes' API and SSH (PVE::Firewall)."""
_BUILT_IN_ALIASES = frozenset({"local_network"})
_BUILT_IN_SETS = re.compile(r"^(blacklist|management|ipfilter-net\d+)$")
_LOOKS_LIKE_ADDRESS = re.compile(r"^[0-9]|:")


def rules(view: View) -> Iterator[Fault]:
    """Rules that name unknown groups, aliases or IP sets, or something that is no address."""
    for key, site in view.estate.sites.items():
        known = _known(view, key)
        for path, rule in _site_rules(key, site):
            yield from _rule(path, rule, known)
        for name, guest in view.by_site[key].items():
            for at, rule in enumerate(guest.firewall.rules if guest.firewall else ()):
                yield from _rule(("guests", name, "firewall", "rules", at), rule, known)
        yield from _entries(key, site, known)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the rules of a site may name."""

    site: str
    groups: frozenset[str]
    aliases: frozenset[str]
    ipsets: frozenset[str]


def _known(view: View, site: str) -> _Known:
    groups, aliases, ipsets = (
        view.names("sites", site, "firewall", section) for section in ("groups", "aliases", "ipsets")
    )
    return _Known(site, groups, aliases | _BUILT_IN_ALIASES, ipsets)


def _site_rules(key: str, site: Site) -> Iterator[tuple[Trail, Rule]]:
    """Every rule of a site's cluster, security groups and nodes."""
    if site.firewall:
        here: Trail = ("sites", key, "firewall")
        yield from _numbered((*here, "rules"), site.firewall.rules)
        for name, group in site.firewall.groups.items():
            yield from _numbered((*here, "groups", name, "rules"), group.rules)
    for name, node in site.nodes.items():
        if node.firewall:
            yield from _numbered(("sites", key, "nodes", name, "firewall", "rules"), node.firewall.rules)


def _numbered(path: Trail, many: Iterable[Rule]) -> Iterator[tuple[Trail, Rule]]:
    return (((*path, at), rule) for at, rule in enumerate(many))


def _rule(path: Trail, rule: Rule, known: _Known) -> Iterator[Fault]:
    if rule.type == "group":
        if rule.action not in known.groups:
            yield unknown((*path, "action"), f"security group of {known.site}", rule.action, known.groups)
        if "groups" in path:
            yield Fault((*path, "type"), "a security group cannot hold another", "write its rules out")
    elif rule.action not in VERDICTS:
        hint = (
            "a group needs `type: group`" if rule.action in known.groups else "write ACCEPT, DROP or REJECT"
        )
        yield Fault((*path, "action"), f"`{rule.action}` is no action of a rule", hint)
    for field, text in (("source", rule.source), ("dest", rule.dest)):
        for part in (text or "").split(","):
            if part.strip():
                yield from _address((*path, field), part.strip(), known)


def _address(path: Trail, text: str, known: _Known) -> Iterator[Fault]:
    """An address, network, range, alias or `+ipset`."""
    if text.startswith("+"):
        name = text[1:].removeprefix("dc/")
        if "/" not in name and not _BUILT_IN_SETS.match(name) and name not in known.ipsets:
            yield unknown(path, f"IP set of {known.site}", name, known.ipsets)
    elif _LOOKS_LIKE_ADDRESS.search(text):
        if not all(_is_address(part) for part in text.split("-")):
            yield Fault(
                path, f"`{text}` is no address, network or range", "write 10.84.20.0/24, for instance"
            )
    elif text.removeprefix("dc/") not in known.aliases:
        yield unknown(path, f"alias of {known.site}", text.removeprefix("dc/"), known.aliases)


def _is_address(text: str) -> bool:
    try:
        ip_network(text, strict=False) if "/" in text else ip_address(text)
    except ValueError:
        return False
    return True


def _entries(key: str, site: Site, known: _Known) -> Iterator[Fault]:
    """Members of IP sets, and what aliases stand for."""
    if site.firewall is None:
        return
    here: Trail = ("sites", key, "firewall")
    for name, alias in site.firewall.aliases.items():
        if not _is_address(alias.cidr):
            message = f"alias `{name}` stands for `{alias.cidr}`, which is no address or network"
            yield Fault((*here, "aliases", name, "cidr"), message, "write 10.84.20.0/24, for instance")
    for name, ipset in site.firewall.ipsets.items():
        for at, entry in enumerate(ipset.entries):
            yield from _address((*here, "ipsets", name, "entries", at), entry.cidr, known)


def lockout(view: View) -> Iterator[Fault]:
    """Firewalls that, once enabled, would let nobody in to the nodes."""
    for key, site in view.estate.sites.items():
        firewall = site.firewall
        if firewall is None or not firewall.enabled or firewall.policy_in == "ACCEPT":
            continue
        management = firewall.ipsets.get(_MANAGEMENT)
        if (management and management.entries) or not view.intact("sites", key, "firewall"):
            continue
        for name, node in site.nodes.items():
            own = node.firewall
            if own is not None and not own.enabled:
                continue
            opened = _opened(firewall, (*firewall.rules, *(own.rules if own else ())))
            closed = [str(port) for port in WAYS_IN if port not in opened]
            if closed:
                message = (
                    f"the firewall of {key} drops what no rule accepts, and none accepts "
                    f"port {' or '.join(closed)} on node {name}: you would lock yourself out"
                )
                hint = "fill the IP set `management`, or accept these ports from your network"
                yield Fault(("sites", key, "firewall", "policy_in"), message, hint)
                break


def _opened(firewall: ClusterFirewall, many: Iterable[Rule]) -> set[int]:
    """The ways in that rules accept, those of inserted groups included."""
    found: set[int] = set()
    for rule in many:
        if not rule.enabled:
            continue
        group = firewall.groups.get(rule.action) if rule.type == "group" else None
        if group:
            found |= _opened(firewall, [one for one in group.rules if one.type == "in"])
        elif rule.type == "in" and rule.action == "ACCEPT":
            found |= {port for port in WAYS_IN if _accepts(rule, port)}
    return found


def _accepts(rule: Rule, port: int) -> bool:
    if rule.macro:
        return rule.macro.upper() == "SSH" and port == WAYS_IN[1]
    if rule.proto not in {None, "tcp", "6"}:
        return False
    return rule.dport is None or any(_covers(part, port) for part in rule.dport.split(","))


def _covers(part: str, port: int) -> bool:
    """Whether `22`, `ssh` or `8000:8010` covers a port."""
    first, _, last = part.strip().partition(":")
    if first.lower() == "ssh":
        return port == WAYS_IN[1]
    return first.isdigit() and int(first) <= port <= int(last or first)


def unfiltered(view: View) -> Iterator[Fault]:
    """Nodes of level intermediary or above that pve-firewall does not filter: no other filter runs there."""
    for key, site in view.estate.sites.items():
        if not view.intact("sites", key, "firewall"):
            continue
        for name, node in site.nodes.items():
            level = node.hardening or site.hardening or view.estate.hardening.level
            cluster_on = site.firewall is not None and site.firewall.enabled
            if number(level) == 1 or (cluster_on and (node.firewall is None or node.firewall.enabled)):
                continue
            where: Trail = ("sites", key, "nodes", name) if cluster_on else ("sites", key)
            message = f"node {name} shall be hardened to level {level}, and its firewall is not enabled"
            yield Fault(where, message, "enable `firewall`: Bastide never loads rules of its own on a node")
            if not cluster_on:
                break


CHECKS = (rules, lockout, unfiltered)
