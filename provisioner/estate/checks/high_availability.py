"""Placement rules that cannot hold (PVE::HA::Rules), and groups or rules of the other Proxmox VE release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from provisioner.estate.checks.view import Trail, View, counted, unknown
from provisioner.estate.faults import Fault
from provisioner.model.guest import Ct, Vm
from provisioner.model.site import NodeAffinity, ResourceAffinity, Site

RULES_SINCE = 9
"""The release in which groups became rules."""


def releases(view: View) -> Iterator[Fault]:
    """Groups on Proxmox VE 9, rules on 8."""
    for key, site in view.estate.sites.items():
        here: Trail = ("sites", key, "ha")
        if site.version >= RULES_SINCE and site.ha.groups:
            message = f"{key} runs Proxmox VE {site.version}, where HA groups have become rules"
            yield Fault((*here, "groups"), message, "write a `node-affinity` rule under `rules`")
        if site.version < RULES_SINCE and site.ha.rules:
            message = f"{key} runs Proxmox VE {site.version}, which has no HA rules yet"
            yield Fault((*here, "rules"), message, "write `groups`, and name one in `ha.group` of the guests")
    for name, guest, site in view.guests():
        if guest.ha and guest.ha.group:
            yield from _group(view, name, guest, site)


def _group(view: View, name: str, guest: Vm | Ct, site: Site) -> Iterator[Fault]:
    path: Trail = ("guests", name, "ha", "group")
    known = view.names("sites", guest.site, "ha", "groups")
    group = guest.ha.group if guest.ha else None
    if site.version >= RULES_SINCE:
        message = f"`{name}` is in an HA group, and {guest.site} runs Proxmox VE {site.version}"
        yield Fault(path, message, "remove it, and write a `node-affinity` rule for the site")
    elif group and group not in known:
        yield unknown(path, f"HA group of {guest.site}", group, known)


def members(view: View) -> Iterator[Fault]:
    """Rules over guests that are unknown, elsewhere or not under HA, and over unknown nodes."""
    every = view.names("guests")
    for key, site in view.estate.sites.items():
        for name, rule in site.ha.rules.items():
            here: Trail = ("sites", key, "ha", "rules", name)
            for at, guest in enumerate(rule.guests):
                if guest not in every:
                    yield unknown((*here, "guests", at), "guest", guest, every)
                elif guest in view.estate.guests:
                    yield from _member(view, (*here, "guests", at), key, guest)
            if isinstance(rule, NodeAffinity):
                yield from _nodes(view, (*here, "nodes"), key, rule.nodes)
        for name, group in site.ha.groups.items():
            yield from _nodes(view, ("sites", key, "ha", "groups", name, "nodes"), key, group.nodes)


def _member(view: View, path: Trail, site: str, name: str) -> Iterator[Fault]:
    guest = view.estate.guests[name]
    if guest.site != site:
        yield Fault(
            path, f"guest `{name}` is at {guest.site}, and this rule at {site}", "take it out of the rule"
        )
    elif guest.ha is None and view.intact("guests", name):
        message = f"guest `{name}` is in a rule, and is not under high availability"
        yield Fault(path, message, f"give `{name}` an `ha: {{}}`, or take it out of the rule")


def _nodes(view: View, path: Trail, site: str, nodes: Iterable[str]) -> Iterator[Fault]:
    known = view.names("sites", site, "nodes")
    for node in nodes:
        if node not in known:
            yield unknown((*path, node), f"node of {site}", node, known)


def strict_storages(view: View) -> Iterator[Fault]:
    """Strict rules that bind a guest to a node without its storage."""
    for key, name, rule in _node_rules(view):
        for at, guest_name in enumerate(rule.guests):
            guest = view.estate.guests.get(guest_name)
            if guest is None or guest.site != key:
                continue
            for node, storage in _lacking(view.estate.sites[key], guest, rule.nodes):
                path: Trail = ("sites", key, "ha", "rules", name, "guests", at)
                message = (
                    f"rule `{name}` binds `{guest_name}` to node {node}, which has no storage `{storage}`"
                )
                yield Fault(path, message, "take the node out of the rule, or offer the storage there")


def _node_rules(view: View) -> Iterator[tuple[str, str, NodeAffinity]]:
    for key, site in view.estate.sites.items():
        for name, rule in site.ha.rules.items():
            if isinstance(rule, NodeAffinity) and rule.strict and rule.enabled:
                yield key, name, rule


def _lacking(site: Site, guest: Vm | Ct, nodes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Nodes of the site, each with a storage of the guest that it does not have."""
    used = {disk.storage or guest.storage for disk in guest.disks.values()}
    for node in nodes:
        for name in sorted(one for one in used if one):
            storage = site.storages.get(name)
            if node in site.nodes and storage and storage.nodes and node not in storage.nodes:
                yield node, name


def affinities(view: View) -> Iterator[Fault]:
    """Guests that must stay apart and are too many, or must stay together and cannot."""
    for key, site in view.estate.sites.items():
        together = _rules(site, "positive")
        strict = {name: rule for site_key, name, rule in _node_rules(view) if site_key == key}
        for name, rule in _rules(site, "negative").items():
            here: Trail = ("sites", key, "ha", "rules", name)
            yield from _too_many(here, rule, len(view.names("sites", key, "nodes")))
            yield from _contradiction(here, rule, together)
            yield from _crowded(here, rule, strict)
        for name, rule in together.items():
            yield from _torn(("sites", key, "ha", "rules", name), rule, strict)


def _rules(site: Site, affinity: str) -> dict[str, ResourceAffinity]:
    return {
        name: rule
        for name, rule in site.ha.rules.items()
        if isinstance(rule, ResourceAffinity) and rule.enabled and rule.affinity == affinity
    }


def _too_many(here: Trail, rule: ResourceAffinity, nodes: int) -> Iterator[Fault]:
    if len(set(rule.guests)) > nodes:
        message = (
            f"rule `{here[-1]}` keeps {counted(len(set(rule.guests)), 'guest')} apart, "
            f"and the site has {counted(nodes, 'node')}"
        )
        yield Fault((*here, "guests"), message, "name no more guests than nodes")


def _contradiction(
    here: Trail, rule: ResourceAffinity, together: dict[str, ResourceAffinity]
) -> Iterator[Fault]:
    for other, positive in together.items():
        both = sorted(set(rule.guests) & set(positive.guests))
        if len(both) > 1:
            pair = f"`{both[0]}` and `{both[1]}`"
            message = f"rule `{here[-1]}` keeps {pair} apart, and rule `{other}` keeps them together"
            yield Fault((*here, "guests"), message, "keep one of the two rules")


def _crowded(here: Trail, rule: ResourceAffinity, strict: dict[str, NodeAffinity]) -> Iterator[Fault]:
    """Guests kept apart that a strict rule binds to fewer nodes than they are."""
    for other, bound in strict.items():
        both = set(rule.guests) & set(bound.guests)
        if len(both) > len(bound.nodes):
            message = (
                f"rule `{here[-1]}` keeps {counted(len(both), 'guest')} apart "
                f"that rule `{other}` binds to {counted(len(bound.nodes), 'node')}"
            )
            yield Fault((*here, "guests"), message, f"give rule `{other}` more nodes")


def _torn(here: Trail, rule: ResourceAffinity, strict: dict[str, NodeAffinity]) -> Iterator[Fault]:
    """Guests kept together that strict rules bind to nodes without a common one."""
    bound = [(name, one) for name, one in strict.items() if set(one.guests) & set(rule.guests)]
    for (one, first), (other, second) in combinations(bound, 2):
        if not set(first.nodes) & set(second.nodes):
            message = (
                f"rule `{here[-1]}` keeps guests together that `{one}` and `{other}` bind to different nodes"
            )
            yield Fault((*here, "guests"), message, "give the strict rules a node in common")


CHECKS = (releases, members, strict_storages, affinities)
