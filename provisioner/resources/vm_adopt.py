"""Virtual machines that are there already, in the words of an estate."""

from __future__ import annotations

import re

from provisioner.model.objects import Observed, Value
from provisioner.resources import cloudinit, disks, guest_adopt, nics
from provisioner.resources.disks import size_word
from provisioner.resources.kind import Fragment

DEFAULTS: dict[str, Value] = {
    "cores": 1,
    "sockets": 1,
    "cpu": None,
    "numa": False,
    "ostype": "l26",
    "bios": "seabios",
    "machine": None,
    "scsihw": "virtio-scsi-single",
    "vga": None,
    "serial": False,
}
"""What an estate means by saying nothing (model.guest.Vm)."""

DEVICE = re.compile(r"^(scsi|virtio|sata|ide|net|usb|hostpci)\d+$")


def adopt(seen: tuple[Observed, ...]) -> Fragment:
    """The `guests` of an estate."""
    return guest_adopt.adopt(seen, _words)


def _words(vm: Observed) -> Fragment:
    values = dict(vm.attributes)
    held = disks.adopted(guest_adopt.parts(values, f"{disks.VM_KEY}|{'|'.join(disks.STATE_KEYS)}"))
    told = cloudinit.adopted(values, held.get("storage"))
    balloon = values["balloon"]
    return {
        **guest_adopt.common(vm),
        **guest_adopt.differing(values, DEFAULTS),
        **({} if balloon is None else {"balloon": size_word(balloon)}),
        **({} if values["agent.enabled"] else {"agent": False}),
        **_boot(values),
        **held,
        **_nics(values),
        **({} if told is None else {"cloud_init": told}),
    }


def _boot(values: dict[str, Value]) -> Fragment:
    """The boot order, unless it begins with the first disk as Proxmox VE's own choice does."""
    order = values["boot"] if isinstance(values["boot"], tuple) else ()
    held = list(guest_adopt.parts(values, disks.VM_KEY))
    usual = not order or order[:1] == tuple(held[:1]) or not all(DEVICE.match(str(one)) for one in order)
    return {} if usual else {"boot": list(order)}


def _nics(values: dict[str, Value]) -> Fragment:
    cards = guest_adopt.parts(values, nics.KEY)
    addressed = guest_adopt.parts(values, r"ipconfig\d+")
    made = {
        key: {
            **({} if card["model"] == "virtio" else {"model": card["model"]}),
            **nics.adopted(card, addressed.get(key.replace("net", "ipconfig"), {})),
        }
        for key, card in cards.items()
    }
    return {"nics": made} if made else {}
