"""Which machines an estate has, and where each is reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface

from provisioner.model.estate import Estate
from provisioner.model.guest import Ct, Vm
from provisioner.model.machine import Machine

WITNESS = "witness"


def machines(estate: Estate) -> tuple[Machine, ...]:
    """Every machine: the nodes by site, the guests that are no templates, the witness.

    A guest goes by its key. A node goes by its own name, and by `node.site` if another machine has that name,
    for nothing forbids two clusters a node of one name each; the witness likewise is `witness.estate` then.
    """
    nodes = [node for site in estate.sites.values() for node in site.nodes]
    names = Counter([*nodes, *estate.guests, *([WITNESS] if estate.witness else [])])
    return (*_nodes(estate, names), *_guests(estate), *_witness(estate, names))


def _nodes(estate: Estate, names: Counter[str]) -> Iterator[Machine]:
    for site, settings in estate.sites.items():
        for name, node in settings.nodes.items():
            unique = name if names[name] == 1 else f"{name}.{site}"
            yield Machine(unique, "node", site, str(node.address), estate.ssh.user)


def _guests(estate: Estate) -> Iterator[Machine]:
    for key, guest in estate.guests.items():
        if not guest.template:
            address = _static_address(guest) or guest.name or key
            yield Machine(key, guest.kind, guest.site, address, _user(guest) or estate.ssh.user)


def _witness(estate: Estate, names: Counter[str]) -> Iterator[Machine]:
    if estate.witness:
        unique = WITNESS if names[WITNESS] == 1 else f"{WITNESS}.{estate.estate}"
        yield Machine(unique, "witness", None, str(estate.witness.address), estate.ssh.user)


def _static_address(guest: Vm | Ct) -> str | None:
    """The first fixed address of the guest's cards, in their order; IPv4 before IPv6."""
    cards = [guest.nics[key] for key in sorted(guest.nics, key=lambda key: int(key.removeprefix("net")))]
    given = [card.address for card in cards] + [card.address6 for card in cards]
    fixed = (address for address in given if isinstance(address, IPv4Interface | IPv6Interface))
    return next((str(address.ip) for address in fixed), None)


def _user(guest: Vm | Ct) -> str | None:
    """Whom cloud-init made; a container only has root."""
    return guest.cloud_init.user if isinstance(guest, Vm) and guest.cloud_init else None
