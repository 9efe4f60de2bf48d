"""Guests: found by number at once however many there are, and the rooms that say what happens to them."""

import time
from collections.abc import Iterable
from typing import Any

from aiohttp import web
from fakepve import FakePve
from fakepve.server import USER

from lab.containers import Containers
from lab.guest_clone import GuestClone
from lab.guest_config import GuestConfig
from lab.guest_disks import GuestDisks
from lab.guest_migrate import GuestMigrate
from lab.guest_power import GuestPower


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


class Roll(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """The guests of a cluster."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.vms = ById()
        self.cts = ById()
        # Who may have changed since the last save: whoever looks a guest up may change it.
        self.touched: set[int] = set()

    def vm(self, vmid: int) -> Any:
        """The VM with this id, or None."""
        self.touched.add(vmid)
        return self.vms.by_id.get(vmid)

    def ct(self, vmid: int) -> Any:
        """The container with this id, or None."""
        self.touched.add(vmid)
        return self.cts.by_id.get(vmid)

    def now(self) -> float:
        """The time of day that guests start at, seconds since the epoch."""
        return time.time()

    @staticmethod
    def user_of(request: web.Request) -> str:
        """Who makes a request."""
        return str(request[USER])


class Guests(Containers, GuestConfig, GuestClone, GuestDisks, GuestMigrate, GuestPower, Roll):
    """The guests of a cluster and everything that is done to them."""
