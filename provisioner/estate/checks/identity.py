"""What must be unique: VMIDs and MAC addresses in the estate, host names on a site."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.estate.checks.view import View
from provisioner.estate.faults import Fault
from provisioner.model.guest import Ct, Vm


def vmids(view: View) -> Iterator[Fault]:
    """One number, one guest; templates of different sites may share theirs, for none is ever recovered.

    Across sites it is advice: clusters that were adopted grew apart, and only a recovery needs the number.
    """
    first: dict[int, str] = {}
    for name, guest in view.estate.guests.items():
        other = first.setdefault(guest.vmid, name)
        if other != name and not _twin_templates(guest, view.estate.guests[other]):
            yield Fault(
                ("guests", name, "vmid"),
                f"VMID {guest.vmid} of `{name}` is already that of `{other}`",
                f"give it a number of its own; {_free(view, guest.vmid)} is free",
                advice=guest.site != view.estate.guests[other].site,
            )


def _twin_templates(one: Vm | Ct, other: Vm | Ct) -> bool:
    return one.template and other.template and one.site != other.site


def _free(view: View, beyond: int) -> int:
    taken = {guest.vmid for guest in view.estate.guests.values()}
    return next(number for number in range(beyond + 1, beyond + len(taken) + 2) if number not in taken)


def host_names(view: View) -> Iterator[Fault]:
    """Guests of one site with the same host name."""
    first: dict[tuple[str, str], str] = {}
    for key, guest in view.estate.guests.items():
        host = guest.name or key
        other = first.setdefault((guest.site, host.lower()), key)
        if other != key:
            path = ("guests", key, "name") if guest.name else ("guests", key)
            message = f"`{key}` has the host name `{host}`, as `{other}` on the same site"
            yield Fault(path, message, "give it another `name`")


def macs(view: View) -> Iterator[Fault]:
    """Two network cards with one MAC address."""
    first: dict[str, str] = {}
    for name, guest in view.estate.guests.items():
        for card, nic in guest.nics.items():
            if nic.mac is None:
                continue
            here = f"{name} {card}"
            other = first.setdefault(nic.mac, here)
            if other != here:
                message = f"MAC address {nic.mac} of {here} is already that of {other}"
                yield Fault(("guests", name, "nics", card, "mac"), message, "leave it out: one is chosen")


CHECKS = (vmids, host_names, macs)
