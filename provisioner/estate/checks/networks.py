"""The networks of a site: bridges, vnets, zones and nodes that they rest upon."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.estate.checks.view import Trail, View, unknown
from provisioner.estate.faults import Fault
from provisioner.model.network import BridgeInterface
from provisioner.model.site import Site


def carriers(view: View) -> Iterator[Fault]:
    """Networks on a vnet that is not declared, or on a bridge that some node lacks."""
    for key, site in view.estate.sites.items():
        vnets = view.names("sites", key, "sdn", "vnets")
        for name, network in site.networks.items():
            here: Trail = ("sites", key, "networks", name)
            if network.vnet and network.vnet not in vnets:
                yield unknown((*here, "vnet"), f"vnet of {key}", network.vnet, vnets)
            if network.bridge and network.bridge not in vnets:
                yield from _bridge(view, (*here, "bridge"), site, network.bridge)


def _bridge(view: View, path: Trail, site: Site, bridge: str) -> Iterator[Fault]:
    """Only a node whose bridges are declared is known to lack one."""
    for name, node in site.nodes.items():
        bridges = [key for key, one in node.interfaces.items() if isinstance(one, BridgeInterface)]
        if bridges and bridge not in bridges and view.intact("sites", path[1], "nodes", name):
            yield unknown(path, f"bridge of node {name}", bridge, bridges)


def sdn(view: View) -> Iterator[Fault]:
    """Vnets in unknown zones, zones on unknown nodes or bridges, and tags that their zone needs."""
    for key, site in view.estate.sites.items():
        zones, nodes = view.names("sites", key, "sdn", "zones"), view.names("sites", key, "nodes")
        for name, zone in site.sdn.zones.items():
            here: Trail = ("sites", key, "sdn", "zones", name)
            for at, node in enumerate(zone.nodes):
                if node not in nodes:
                    yield unknown((*here, "nodes", at), f"node of {key}", node, nodes)
            if zone.bridge:
                yield from _bridge(view, (*here, "bridge"), site, zone.bridge)
        for name, vnet in site.sdn.vnets.items():
            here = ("sites", key, "sdn", "vnets", name)
            own = site.sdn.zones.get(vnet.zone)
            if vnet.zone not in zones:
                yield unknown((*here, "zone"), f"SDN zone of {key}", vnet.zone, zones)
            elif own and own.type != "simple" and vnet.tag is None and view.intact(*here):
                message = f"vnet `{name}` has no `tag`, and zone `{vnet.zone}` is of type {own.type}"
                yield Fault(here, message, "give it a `tag` that is free in the zone")


def tags(view: View) -> Iterator[Fault]:
    """Two vnets with one tag in one zone."""
    for key, site in view.estate.sites.items():
        first: dict[tuple[str, int], str] = {}
        for name, vnet in site.sdn.vnets.items():
            if vnet.tag is None:
                continue
            other = first.setdefault((vnet.zone, vnet.tag), name)
            if other != name:
                message = f"tag {vnet.tag} of vnet `{name}` is already that of `{other}`"
                path: Trail = ("sites", key, "sdn", "vnets", name, "tag")
                yield Fault(path, message, f"choose one that is free in zone `{vnet.zone}`")


CHECKS = (carriers, sdn, tags)
