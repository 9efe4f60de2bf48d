"""A site whose nodes are machines: a dead node has no power, and its endpoint of the API went with it."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

from aiohttp import web

from lab.errors import LabRefused
from lab.faults import NODE_DOWN, SITE_DOWN, Fault
from lab.hosts import host, machine_faults, machines, network, sockets
from lab.hosts.access import Access
from lab.hosts.ground import MachineGround
from lab.hosts.guest import guest_of
from lab.hosts.guests import GuestMachines
from lab.hosts.machine_faults import Breakable
from lab.hosts.machines import Plant
from lab.hosts.redfish import Controller
from lab.hosts.topology import REDFISH_PORT, Host
from lab.pki import Authority
from lab.server import LabSite
from lab.spec import SiteSpec

SWEEP_SECONDS = 1.0
FENCE_USER = "fence"


class HostsSite(LabSite):
    """One site of real hosts: its machines, their power switches, and the API at the nodes' addresses."""

    def __init__(self, spec: SiteSpec, time_scale: float, plant: Plant, access: Access) -> None:
        super().__init__(spec, plant.root / "api" / spec.name, (0,) * len(spec.nodes), time_scale)
        self.site = plant.topology.site(spec.name)
        self._plant = plant
        self._guests = GuestMachines(plant, self.site, access)
        self.ground = self.cluster.ground = MachineGround(self.cluster, self._guests)
        others = [other for link in plant.topology.links if spec.name in link for other in link]
        self._breakable = Breakable(
            spec.name,
            tuple(other for other in others if other != spec.name),
            plant.disk(spec.name),
            self._struck,
            lambda: list(self._all_machines()),
        )
        self._lasting: tuple[Fault, ...] = ()
        self._sweeper: asyncio.Task[None] | None = None
        self._controllers: list[web.AppRunner] = []

    async def start(self, authority: Authority) -> None:
        """Make the disks of the templates, answer, and hand out power switches."""
        await super().start(authority)
        for node in self.spec.nodes:
            self.cluster.give_bridge(node, network.DRILL)
        await self.ground.seed()
        for one in self.site.hosts:
            await self._serve_controller(one)
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop looking after the machines, and answering."""
        if self._sweeper:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        for controller in self._controllers:
            await controller.cleanup()
        await super().stop()

    def names(self) -> tuple[str, ...]:
        """The names and addresses that the site's certificate is for."""
        controllers = (self.site.controller(one) for one in self.site.hosts)
        return (*super().names(), *controllers)

    def report(self) -> dict[str, Any]:
        """Also the machines: where they are, and which of them live."""
        return super().report() | {
            "machines": {
                one.name: {
                    "role": one.role,
                    "address": self.site.address(one),
                    "redfish": self._redfish(one),
                    "running": host.is_running(one.name),
                }
                for one in self.site.hosts
            },
            "guests": [self._reported(guest) for guest in [*self.cluster.vms, *self.cluster.cts]],
            "cuts": list(network.cuts(self.site.name)),
        }

    def _reported(self, guest: Any) -> dict[str, Any]:
        seen = guest_of(self.cluster, guest.vmid)
        return {
            "vmid": guest.vmid,
            "name": guest.name,
            "node": guest.node,
            "address": seen.address if seen else None,
            "running": host.is_running(self._guests.name(guest.vmid)),
        }

    # --------------------------------------------------------------- faults

    def check(self, fault: Fault) -> None:
        """See LabSite; a fault can also strike the site's other machines."""
        names = [one.name for one in self.site.hosts]
        if fault.node is not None and fault.node not in names:
            raise LabRefused(f"{self.spec.name} has no host {fault.node}", f"Its hosts: {', '.join(names)}.")
        machine_faults.check(fault, self._breakable)

    async def _match_faults(self) -> None:
        for one in self.site.hosts:
            dead, runs = self._is_dead(one), host.is_running(one.name)
            if dead and runs:
                await self._power_off(one)
            elif not dead and not runs:
                await self._power_on(one)
        await super()._match_faults()
        await self._match_machine_faults()

    async def _match_machine_faults(self) -> None:
        for name in machine_faults.ONCE:
            for fault in self.faults.standing(name):
                self.faults.lift(fault.id)
                await asyncio.to_thread(machine_faults.strike, fault, self._breakable)
        lasting = tuple(one for one in self.faults.listed() if one.name in machine_faults.LASTING)
        if lasting != self._lasting:
            await asyncio.to_thread(machine_faults.match, lasting, self._breakable)
            self._lasting = lasting

    def _struck(self, fault: Fault) -> host.Machine:
        """The machine that a fault means. Raises LabRefused when it means none."""
        if fault.guest is not None:
            guest = guest_of(self.cluster, fault.guest)
            machine = self._guests.machine(guest) if guest else None
            if machine is None:
                raise LabRefused(f"guest {fault.guest} of {self.spec.name} is no machine")
            return machine
        for one in self.site.hosts:
            if one.name == fault.node:
                return self._plant.machine(self.site, one)
        raise LabRefused(f"{fault.name} needs to know where", "Add --node HOST or --guest ID.")

    def _all_machines(self) -> Iterator[host.Machine]:
        for one in self.site.hosts:
            yield self._plant.machine(self.site, one)
        for vmid in [*self.cluster.vms.by_id, *self.cluster.cts.by_id]:
            guest = guest_of(self.cluster, vmid)
            machine = self._guests.machine(guest) if guest else None
            if machine:
                yield machine

    # ---------------------------------------------------------------- power

    def _is_dead(self, one: Host) -> bool:
        down = {fault.node for fault in self.faults.standing(NODE_DOWN)}
        return one.name in down or bool(self.faults.standing(SITE_DOWN))

    async def _power_off(self, one: Host) -> None:
        if one.name in self._listeners:
            await self._close(one.name)  # an open socket would keep the node's network alive
        await asyncio.to_thread(machines.switch_off, self.site, one, kill=True)
        await self.ground.node_died(one.name)

    async def _power_on(self, one: Host) -> None:
        await asyncio.to_thread(
            machines.switch_off, self.site, one, kill=True
        )  # what is left of its last life
        await asyncio.to_thread(machines.switch_on, self._plant, self.site, one)

    async def _press(self, one: Host, kind: str) -> None:
        """What a power switch does: it is a fault that somebody put in force on purpose, or lifts."""
        if kind != "On" and not self._is_dead(one):
            self.faults.add(Fault(NODE_DOWN, self.spec.name, node=one.name))
        if kind in ("On", "ForceRestart"):
            await self.refresh()
            for fault in self.faults.standing(NODE_DOWN):
                if fault.node == one.name:
                    self.faults.lift(fault.id)

    async def _serve_controller(self, one: Host) -> None:
        login = (FENCE_USER, self.cluster.password)
        app = Controller(
            one.name, login, partial(host.is_running, one.name), partial(self._press, one)
        ).application()
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        where = (self.site.controller(one), REDFISH_PORT)
        sock = sockets.bound(network.netns_of_site(self.site.name), where)
        await web.SockSite(runner, sock, ssl_context=self._tls).start()
        self._controllers.append(runner)

    def _redfish(self, one: Host) -> str:
        return f"https://{self.site.controller(one)}/redfish/v1"

    def _bound(self, node: str) -> socket.socket:
        return sockets.bound(network.netns_of(node), self.endpoints[node])

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                if not self._one_refresh.locked():
                    self._notice_dead_hosts()
                await self.ground.sweep()
            except Exception:  # one odd guest must not end the care for all others
                logging.getLogger("lab").exception("looking after the machines of %s failed", self.site.name)

    def _notice_dead_hosts(self) -> None:
        """A host that went down by itself stays down until somebody presses its power switch."""
        for one in self.site.hosts:
            if not self._is_dead(one) and not host.is_running(one.name):
                self.faults.add(Fault(NODE_DOWN, self.spec.name, node=one.name))
