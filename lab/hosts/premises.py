"""The machines of one place: their power, their power switches, and what faults do to them.

A host that lost its power stays off until a fault is lifted or its switch is pressed; whoever presses a
switch puts that fault in force, or lifts it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext
from typing import Any

from aiohttp import web

from lab.errors import LabRefused
from lab.faults import NODE_DOWN, SITE_DOWN, Fault
from lab.hosts import host, machine_faults, machines, network, sockets
from lab.hosts.host import Machine
from lab.hosts.machine_faults import Breakable
from lab.hosts.machines import Plant
from lab.hosts.redfish import Controller
from lab.hosts.topology import REDFISH_PORT, Host, Site
from lab.place import Place

FENCE_USER = "fence"


async def _nothing(_host: Host) -> None:
    """What a host without tenants takes with it."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """What is on the hosts beside themselves: a guest's machine by its id, and all machines of guests.

    `leave` is awaited before a host loses its power, `bury` after it.
    """

    machine: Callable[[int], Machine | None] = lambda _vmid: None
    machines: Callable[[], Iterable[Machine]] = tuple
    leave: Callable[[Host], Awaitable[None]] = _nothing
    bury: Callable[[Host], Awaitable[None]] = _nothing


class Premises:
    """The machines of a site of the topology, as the faults of its place want them."""

    def __init__(self, plant: Plant, site: Site, place: Place, tenants: Tenants | None = None) -> None:
        self._plant, self._site, self._place = plant, site, place
        self._tenants = tenants or Tenants()
        others = [other for link in plant.topology.links if site.name in link for other in link]
        self._breakable = Breakable(
            site.name,
            tuple(other for other in others if other != site.name),
            plant.disk(site.name),
            self._struck,
            lambda: list(self._machines()),
        )
        self._lasting: tuple[Fault, ...] = ()
        self._controllers: list[web.AppRunner] = []

    async def start(self, password: str, tls: SSLContext | None) -> None:
        """Hand out the power switches."""
        for one in self._site.hosts:
            await self._serve_controller(one, password, tls)

    async def stop(self) -> None:
        """Take the power switches back."""
        for controller in self._controllers:
            await controller.cleanup()

    def names(self) -> tuple[str, ...]:
        """The addresses of the power switches."""
        return tuple(self._site.controller(one) for one in self._site.hosts)

    def report(self) -> dict[str, Any]:
        """Where the machines are, and which of them live."""
        shown = {
            one.name: {
                "role": one.role,
                "address": self._site.address(one),
                "redfish": f"https://{self._site.controller(one)}/redfish/v1",
                "running": host.is_running(one.name),
            }
            for one in self._site.hosts
        }
        return {"machines": shown, "cuts": list(network.cuts(self._site.name))}

    # --------------------------------------------------------------- faults

    def check(self, fault: Fault) -> None:
        """Raise LabRefused for a fault that strikes nothing here."""
        names = [one.name for one in self._site.hosts]
        if fault.node is not None and fault.node not in names:
            raise LabRefused(f"{self._site.name} has no host {fault.node}", f"Its hosts: {', '.join(names)}.")
        machine_faults.check(fault, self._breakable)

    async def match_power(self) -> None:
        """Switch hosts on and off as the faults say."""
        for one in self._site.hosts:
            dead, runs = self.is_dead(one), host.is_running(one.name)
            if dead and runs:
                await self._power_off(one)
            elif not dead and not runs:
                await self._power_on(one)

    async def match_faults(self) -> None:
        """Strike what strikes once, and make what lasts what the faults say."""
        board = self._place.faults
        for name in machine_faults.ONCE:
            for fault in board.standing(name):
                board.lift(fault.id)
                await asyncio.to_thread(machine_faults.strike, fault, self._breakable)
        lasting = tuple(one for one in board.listed() if one.name in machine_faults.LASTING)
        if lasting != self._lasting:
            await asyncio.to_thread(machine_faults.match, lasting, self._breakable)
            self._lasting = lasting

    def _struck(self, fault: Fault) -> Machine:
        """The machine that a fault means. Raises LabRefused when it means none."""
        if fault.guest is not None:
            machine = self._tenants.machine(fault.guest)
            if machine is None:
                raise LabRefused(f"guest {fault.guest} of {self._site.name} is no machine")
            return machine
        for one in self._site.hosts:
            if one.name == fault.node:
                return self._plant.machine(self._site, one)
        raise LabRefused(f"{fault.name} needs to know where", "Add --node HOST or --guest ID.")

    def _machines(self) -> Iterator[Machine]:
        for one in self._site.hosts:
            yield self._plant.machine(self._site, one)
        yield from self._tenants.machines()

    # ---------------------------------------------------------------- power

    def is_dead(self, one: Host) -> bool:
        """Whether a fault keeps a host without power."""
        down = {fault.node for fault in self._place.faults.standing(NODE_DOWN)}
        return one.name in down or bool(self._place.faults.standing(SITE_DOWN))

    def notice_dead(self) -> None:
        """A host that went down by itself stays down until somebody presses its power switch."""
        for one in self._site.hosts:
            if not self._place.is_refreshing and not self.is_dead(one) and not host.is_running(one.name):
                self._place.faults.add(Fault(NODE_DOWN, self._site.name, node=one.name))

    async def _power_off(self, one: Host) -> None:
        await self._tenants.leave(one)
        await asyncio.to_thread(machines.switch_off, self._site, one, kill=True)
        await self._tenants.bury(one)

    async def _power_on(self, one: Host) -> None:
        # What is left of its last life goes first.
        await asyncio.to_thread(machines.switch_off, self._site, one, kill=True)
        await asyncio.to_thread(machines.switch_on, self._plant, self._site, one)

    async def _press(self, one: Host, kind: str) -> None:
        board = self._place.faults
        if kind != "On" and not self.is_dead(one):
            board.add(Fault(NODE_DOWN, self._site.name, node=one.name))
        if kind in ("On", "ForceRestart"):
            await self._place.refresh()
            for fault in board.standing(NODE_DOWN):
                if fault.node == one.name:
                    board.lift(fault.id)

    async def _serve_controller(self, one: Host, password: str, tls: SSLContext | None) -> None:
        app = Controller(
            one.name, (FENCE_USER, password), partial(host.is_running, one.name), partial(self._press, one)
        ).application()
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        where = (self._site.controller(one), REDFISH_PORT)
        sock = sockets.bound(network.netns_of_site(self._site.name), where)
        await web.SockSite(runner, sock, ssl_context=tls).start()
        self._controllers.append(runner)
