"""Addresses: each once, inside its network, and networks apart from each other."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

from provisioner.estate.checks.view import Trail, View
from provisioner.estate.faults import Fault
from provisioner.model.guest import CtNic, VmNic
from provisioner.model.network import Network

EVERYWHERE = ""
"""The scope of an address that must be the only one of its kind in the estate."""


def duplicates(view: View) -> Iterator[Fault]:
    """An address that two things have, anywhere in the estate."""
    first: dict[tuple[str, str], str] = {}
    for address, path, owner, scope in _addresses(view):
        other = first.setdefault((address, scope), owner)
        if other == owner and scope:
            other = first.get((address, EVERYWHERE), owner)
        if other != owner:
            yield Fault(path, f"address {address} of {owner} is already that of {other}", "choose a free one")


def _addresses(view: View) -> Iterator[tuple[str, Trail, str, str]]:
    """Every address with its path, its owner, and the site that it is private to.

    A node has its own again on its bridge; its other networks may exist at both sites, and need no route.
    """
    if view.estate.witness:
        yield str(view.estate.witness.address), ("witness", "address"), "the witness", EVERYWHERE
    for name, guest in view.estate.guests.items():
        for card, nic in guest.nics.items():
            for field, address in (("address", nic.address), ("address6", nic.address6)):
                if isinstance(address, IPv4Interface | IPv6Interface):
                    yield str(address.ip), ("guests", name, "nics", card, field), f"{name} {card}", EVERYWHERE
    for key, site in view.estate.sites.items():
        for name, node in site.nodes.items():
            here: Trail = ("sites", key, "nodes", name)
            yield str(node.address), (*here, "address"), f"node {name}", EVERYWHERE
            for iface, interface in node.interfaces.items():
                if interface.address:
                    path = (*here, "interfaces", iface, "address")
                    yield str(interface.address.ip), path, f"node {name}", key


def overlaps(view: View) -> Iterator[Fault]:
    """Networks that share addresses, on one site or across sites: between them nothing could be routed."""
    known = sorted(
        (network.cidr, site, name)
        for site, one in view.estate.sites.items()
        for name, network in one.networks.items()
        if network.cidr
    )
    widest: tuple[IPv4Network, str, str] | None = None
    for cidr, site, name in known:
        if widest and cidr.subnet_of(widest[0]):
            message = f"network {cidr} of `{name}` overlaps {widest[0]} of `{widest[2]}` at {widest[1]}"
            yield Fault(("sites", site, "networks", name, "cidr"), message, "choose ranges that lie apart")
        else:
            widest = (cidr, site, name)


def gateways(view: View) -> Iterator[Fault]:
    """The gateway of a network or subnet that lies outside of it."""
    for key, site in view.estate.sites.items():
        for name, network in site.networks.items():
            if network.cidr and network.gateway and network.gateway not in network.cidr:
                path: Trail = ("sites", key, "networks", name, "gateway")
                yield _outside(path, network.gateway, network.cidr)
        for vnet, one in site.sdn.vnets.items():
            for cidr, subnet in one.subnets.items():
                if subnet.gateway and subnet.gateway not in cidr:
                    path = ("sites", key, "sdn", "vnets", vnet, "subnets", str(cidr), "gateway")
                    yield _outside(path, subnet.gateway, cidr)


def _outside(path: Trail, gateway: IPv4Address | IPv6Address, network: IPv4Network | IPv6Network) -> Fault:
    return Fault(path, f"gateway {gateway} is not in {network}", "a gateway must be reachable without one")


def guests(view: View) -> Iterator[Fault]:
    """Guests whose address or gateway does not belong to their network."""
    for name, guest, site in view.guests():
        for card, nic in guest.nics.items():
            network = site.networks.get(nic.network or "")
            yield from _card(("guests", name, "nics", card), nic, network)


def _card(path: Trail, nic: VmNic | CtNic, network: Network | None) -> Iterator[Fault]:
    if not isinstance(nic.address, IPv4Interface):
        return
    if network and network.cidr and nic.address.ip not in network.cidr:
        message = f"address {nic.address} is outside network `{nic.network}` ({network.cidr})"
        yield Fault((*path, "address"), message, "correct the address or the network")
    elif network and network.cidr and nic.address.network != network.cidr:
        message = f"address {nic.address} has another prefix length than network `{nic.network}`"
        yield Fault((*path, "address"), message, f"write {nic.address.ip}/{network.cidr.prefixlen}")
    elif network and nic.address.ip == network.gateway:
        message = f"address {nic.address.ip} is the gateway of network `{nic.network}`"
        yield Fault((*path, "address"), message, "choose a free one")
    if nic.gateway and nic.gateway not in nic.address.network:
        yield _outside((*path, "gateway"), nic.gateway, nic.address.network)


def one_gateway(view: View) -> Iterator[Fault]:
    """A guest with two default gateways."""
    for name, guest in view.estate.guests.items():
        if sum(nic.gateway is not None for nic in guest.nics.values()) > 1:
            message = f"`{name}` has more than one default gateway"
            yield Fault(("guests", name, "nics"), message, "keep `gateway` on one network card")


CHECKS = (duplicates, overlaps, gateways, guests, one_gateway)
