"""Where guests are, from `/cluster/resources`: their node, and the word of the API for their kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.model.estate import Estate
from provisioner.model.guest import Ct, Vm
from provisioner.model.objects import Ref
from provisioner.resources.kind import Answers

RESOURCES = "/cluster/resources"
WORDS = {"vm": "qemu", "ct": "lxc"}


@dataclass(frozen=True, slots=True)
class GuestPlace:
    """A guest, the node that it is on, and `qemu` or `lxc`."""

    vmid: str
    node: str
    word: str
    name: str = ""

    @property
    def path(self) -> str:
        """Below it is all that the API has on the guest."""
        return f"/nodes/{self.node}/{self.word}/{self.vmid}"


def places(answers: Answers) -> Iterator[GuestPlace]:
    """All guests of the cluster."""
    for row in answers.get(RESOURCES, ()):
        if row.get("type") in WORDS.values():
            yield GuestPlace(str(row["vmid"]), row["node"], row["type"])


def planned(estate: Estate, site: str) -> Iterator[tuple[Vm | Ct, Ref, GuestPlace]]:
    """The guests of a site, where the estate makes them."""
    for key, guest in estate.guests_of(site):
        vmid, name = str(guest.vmid), guest.name or key
        yield guest, Ref(site, guest.kind, vmid), GuestPlace(vmid, guest.node, WORDS[guest.kind], name)
