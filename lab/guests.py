"""Guests: found by number at once however many there are."""

from collections.abc import Iterable
from typing import Any

from fakepve import FakePve


class ById(list[Any]):
    """A list of guests that also knows them by id: fakepve appends, removes and walks, the lab looks up."""

    def __init__(self, guests: Iterable[Any] = ()) -> None:
        super().__init__(guests)
        self.by_id = {guest.vmid: guest for guest in self}

    def append(self, guest: Any) -> None:
        """Add a guest."""
        super().append(guest)
        self.by_id[guest.vmid] = guest

    def remove(self, guest: Any) -> None:
        """Take a guest out."""
        super().remove(guest)
        self.by_id.pop(guest.vmid, None)


class Guests(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """The guests of a cluster and the volumes that they hold."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.vms = ById()
        self.cts = ById()

    def vm(self, vmid: int) -> Any:
        """The VM with this id, or None."""
        return self.vms.by_id.get(vmid)

    def ct(self, vmid: int) -> Any:
        """The container with this id, or None."""
        return self.cts.by_id.get(vmid)
