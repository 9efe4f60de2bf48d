"""The firewall of the datacentre, the nodes and the guests, with the defaults of PVE::Firewall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.pve.sections.guests import cards
from provisioner.pve.sections.told import Guest, Told
from provisioner.pve.sections.values import flag, properties

OPTIONS, RULES = "/cluster/firewall/options", "/cluster/firewall/rules"
IPSETS, GROUPS = "/cluster/firewall/ipset", "/cluster/firewall/groups"
MANAGEMENT = "management"
"""The set whose members always reach the API, SSH and consoles of the nodes, whatever the rules say."""
ANYWHERE = frozenset({"", "0.0.0.0/0", "::/0"})


def ipset_path(name: str) -> str:
    """Where the API tells the members of a set of addresses."""
    return f"{IPSETS}/{name}"


def firewall(told: Told) -> dict[str, Any]:
    """The firewall of the datacentre."""
    row, rules = told[OPTIONS] or {}, told.rows(RULES)
    return {
        "enabled": flag(row.get("enable")),
        "policy_in": row.get("policy_in", "DROP"),
        "policy_out": row.get("policy_out", "ACCEPT"),
        "policy_forward": row.get("policy_forward", "ACCEPT"),
        "ebtables": flag(row.get("ebtables"), default=True),
        "log_limited": flag(properties(row.get("log_ratelimit"), "enable").get("enable"), default=True),
        "groups": sorted(group["group"] for group in told.rows(GROUPS)),
        "open_to_all": open_to_all(rules),
        "unexplained": _unexplained(rules),
    }


def management(told: Told) -> list[str]:
    """The addresses that are never locked out; empty if the set was not made."""
    if not any(row["name"] == MANAGEMENT for row in told.rows(IPSETS)):
        return []
    return sorted(str(row["cidr"]) for row in told.rows(ipset_path(MANAGEMENT)))


def node_firewall(told: Told) -> dict[str, dict[str, Any]]:
    """Node to its own firewall."""
    found = {}
    for node in told.nodes:
        below = f"/nodes/{node}/firewall"
        answers = told.several((f"{below}/options", f"{below}/rules"))
        if answers is not None:
            found[node] = _node(answers[0] or {}, answers[1] or [])
    return found


def _node(row: Mapping[str, Any], rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "enabled": flag(row.get("enable"), default=True),
        "log_level_in": row.get("log_level_in", "nolog"),
        "synflood": flag(row.get("protection_synflood")),
        "tcp_flags": flag(row.get("tcpflags")),
        "smurfs": flag(row.get("nosmurfs"), default=True),
        "invalid_passes": flag(row.get("nf_conntrack_allow_invalid")),
        "open_to_all": open_to_all(rules),
    }


def guest_paths(guest: Guest) -> tuple[str, ...]:
    """What is read about the firewall of a guest."""
    below = f"{guest.path}/firewall"
    return (f"{below}/options", f"{below}/rules", f"{guest.path}/config")


def guest_firewall(told: Told) -> list[dict[str, Any]]:
    """The firewall of each guest that has a network card."""
    rows = []
    for guest in told.guests:
        answers = told.several(guest_paths(guest))
        if answers is None:
            continue
        nics = cards(answers[2])
        if nics:
            rows.append(guest.called | _guest(answers[0] or {}, answers[1] or [], nics))
    return rows


def _guest(
    row: Mapping[str, Any], rules: list[dict[str, Any]], nics: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    return {
        "enabled": flag(row.get("enable")),
        "policy_in": row.get("policy_in", "DROP"),
        "policy_out": row.get("policy_out", "ACCEPT"),
        "mac_filter": flag(row.get("macfilter"), default=True),
        "ip_filter": flag(row.get("ipfilter")),
        "router_advertisement": flag(row.get("radv")),
        "log_level_in": row.get("log_level_in", "nolog"),
        "cards_outside": sorted(name for name, card in nics.items() if not flag(card.get("firewall"))),
        "open_to_all": open_to_all(rules),
    }


def open_to_all(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """The rules that let in everything from everywhere, or administration from everywhere."""
    found = []
    for rule in _in_force(rules):
        if rule["action"] != "ACCEPT" or str(rule.get("source", "")) not in ANYWHERE:
            continue
        if rule.get("type") == "in" and _is_delicate(rule):
            found.append(
                f"rule {rule.get('pos', '?')}: {rule.get('macro') or rule.get('dport') or 'all ports'}"
            )
    return found


def _is_delicate(rule: Mapping[str, Any]) -> bool:
    """Whether a rule is about administration (SSH, the API, consoles, databases, RDP), or about all ports."""
    if rule.get("macro"):
        return str(rule["macro"]).lower() in {"ssh", "rdp", "vnc", "telnet", "postgresql", "mysql", "smb"}
    if str(rule.get("proto", "")) in {"icmp", "ipv6-icmp", "icmpv6"}:
        return False
    ports = str(rule.get("dport", ""))
    return not ports or bool(
        {"22", "ssh", "8006", "8007", "3128", "3389", "5432", "445"} & set(ports.split(","))
    )


def _unexplained(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"rule {rule.get('pos', '?')}" for rule in _in_force(rules) if not rule.get("comment")]


def _in_force(rules: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [rule for rule in rules if flag(rule.get("enable"))]
