"""Where guests are: sites, nodes, networks, bridges, pools and templates that must exist."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.estate.checks.view import View, unknown
from provisioner.estate.faults import Fault
from provisioner.model.guest import Ct, Vm
from provisioner.model.network import BridgeInterface
from provisioner.model.site import Site


def sites_and_nodes(view: View) -> Iterator[Fault]:
    """Guests on a site or node that nobody knows."""
    sites = view.names("sites")
    for name, guest in view.estate.guests.items():
        if guest.site not in sites:
            yield unknown(("guests", name, "site"), "site", guest.site, sites)
            continue
        nodes = view.names("sites", guest.site, "nodes")
        if guest.node not in nodes:
            yield unknown(("guests", name, "node"), f"node of {guest.site}", guest.node, nodes)


def pools(view: View) -> Iterator[Fault]:
    """Guests in a pool that their site lacks."""
    for name, guest, _site in view.guests():
        known = view.names("sites", guest.site, "pools")
        if guest.pool and guest.pool not in known:
            add = f"declare it under `pools` of {guest.site}"
            yield unknown(("guests", name, "pool"), f"pool of {guest.site}", guest.pool, known, add=add)


def networks(view: View) -> Iterator[Fault]:
    """Network cards on a network that their site lacks."""
    for name, guest, _site in view.guests():
        known = view.names("sites", guest.site, "networks")
        for card, nic in guest.nics.items():
            if nic.network and nic.network not in known:
                path = ("guests", name, "nics", card, "network")
                yield unknown(path, f"network of {guest.site}", nic.network, known)


def bridges(view: View) -> Iterator[Fault]:
    """Network cards on a bridge that their site lacks, where the site tells of bridges at all."""
    sites = {
        key: bridges_of(site)
        for key, site in view.estate.sites.items()
        if view.intact("sites", key, "networks") and view.intact("sites", key, "nodes")
    }
    for name, guest, _site in view.guests():
        known = sites.get(guest.site)
        for card, nic in guest.nics.items():
            if nic.bridge and known and nic.bridge not in known:
                path = ("guests", name, "nics", card, "bridge")
                yield unknown(path, f"bridge of {guest.site}", nic.bridge, known)


def bridges_of(site: Site) -> frozenset[str]:
    """The bridges and vnets that a site's description names; empty if it is silent about them."""
    on_nodes = {
        name
        for node in site.nodes.values()
        for name, interface in node.interfaces.items()
        if isinstance(interface, BridgeInterface)
    }
    carriers = {network.bridge for network in site.networks.values() if network.bridge}
    return frozenset(on_nodes | carriers | set(site.sdn.vnets))


def templates(view: View) -> Iterator[Fault]:
    """Clones of something that is no template, of another kind or site, or unknown."""
    every = view.names("guests")
    for name, guest in view.estate.guests.items():
        if not guest.clone:
            continue
        path, template = ("guests", name, "clone"), view.estate.guests.get(guest.clone)
        if guest.clone not in every:
            known = [key for key, one in view.by_site[guest.site].items() if one.template]
            yield unknown(path, "template", guest.clone, known)
        elif template is not None:
            reason = _no_template(guest, template)
            if reason:
                yield Fault(path, f"`{name}` cannot be a clone of `{guest.clone}`: {reason[0]}", reason[1])


def _no_template(guest: Vm | Ct, template: Vm | Ct) -> tuple[str, str] | None:
    """Why one guest cannot be cloned from another, and what to do about it."""
    if template is guest:
        return "it is itself", "name a template"
    if not template.template:
        return "that is no template", "set `template: true` there, or name a template"
    if template.site != guest.site:
        return f"that is at {template.site}", f"name a template of {guest.site}"
    if template.kind != guest.kind:
        return f"that is a {template.kind}, this a {guest.kind}", "name a template of the same kind"
    return None


CHECKS = (sites_and_nodes, pools, networks, bridges, templates)
