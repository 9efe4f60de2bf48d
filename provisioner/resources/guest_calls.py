"""The calls that bring a guest from any state that it may be in to the one that is wanted, or to its end.

While a guest is locked there are no calls at all. A clone that an interrupted run began goes on in Proxmox
VE, which writes the description, and with it our mark, only when the first disk is copied: the executor waits
for the lock, and the next look shows a guest to finish.
"""

from __future__ import annotations

from provisioner.errors import Refused
from provisioner.model.objects import Call, Observed, Work
from provisioner.resources.dialect import Dialect
from provisioner.resources.guest import path_of
from provisioner.resources.guest_make import lanes, make
from provisioner.resources.guest_update import Update


def calls(dialect: Dialect, work: Work) -> tuple[Call, ...]:
    """The next calls. Raises Refused for what only a person may do: lift a protection, unmake a template."""
    if work.observed is None:
        return (make(dialect, work.desired, work),) if work.desired else ()
    if work.observed.locked:
        return ()
    if work.desired is None:
        return remove(dialect, work.observed)
    return Update(dialect, work, work.desired, work.observed).calls()


def remove(dialect: Dialect, guest: Observed) -> tuple[Call, ...]:
    """Stop it, and destroy it with its disks and its entries in jobs. Raises Refused if it is protected.

    Volumes that only bear its number stay: they may be a replica, or belong to the other cluster of a storage
    that both can see (`destroy-unreferenced-disks`, PVE::QemuServer::destroy_vm).
    """
    path = path_of(str(guest.node), dialect.kind, guest.ref.id)
    if guest.attributes["protection"]:
        raise Refused(
            f"{guest.ref} ({guest.label}) is protected from removal",
            "set its protection to false first, in the estate or in Proxmox VE",
        )
    stop = Call("POST", f"{path}/status/stop", lanes=(f"node:{guest.node}",))
    gone = Call("DELETE", path, {"purge": 1, "destroy-unreferenced-disks": 0}, lanes=lanes(guest.attributes))
    return (stop, gone) if guest.running else (gone,)
