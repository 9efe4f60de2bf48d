"""The API of a lab whose nodes and guests are machines: it answers at the nodes' own addresses."""

import asyncio
import ctypes
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

from fakepve import TaskError

from lab.errors import LabError
from lab.faults import NODE_DOWN, SITE_DOWN, Fault
from lab.hosts import host, machines, network
from lab.hosts.access import Access
from lab.hosts.ground import MachineGround
from lab.hosts.guests import GuestMachines
from lab.hosts.machines import Plant
from lab.hosts.topology import Host
from lab.pki import Authority
from lab.server import Lab, LabSite
from lab.spec import LabSpec, SiteSpec

CLONE_NEWNET = 0x40000000  # sched.h
IP_FREEBIND = 15  # linux/in.h
SWEEP_SECONDS = 1.0


class HostsSite(LabSite):
    """A site whose nodes are machines: a dead one has no power, and its endpoint went with it."""

    def __init__(self, spec: SiteSpec, folder: Path, time_scale: float, plant: Plant, access: Access) -> None:
        super().__init__(spec, folder, (0,) * len(spec.nodes), time_scale)
        self.site = plant.topology.site(spec.name)
        self._plant = plant
        self.ground = MachineGround(self.cluster, GuestMachines(plant, self.site, access))
        self.cluster.ground = self.ground
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, authority: Authority) -> None:
        """Make the disks of the templates, and answer."""
        await super().start(authority)
        await self.ground.seed()
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop looking after the machines, and answering."""
        if self._sweeper:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await super().stop()

    async def _match_faults(self) -> None:
        for one in self.site.hosts:
            dead, runs = self._is_dead(one), host.is_running(one.name)
            if dead and runs:
                await self._power_off(one)
            elif not dead and not runs:
                await self._power_on(one)
        await super()._match_faults()

    def _is_dead(self, one: Host) -> bool:
        down = {fault.node for fault in self.faults.standing(NODE_DOWN)}
        return one.name in down or bool(self.faults.standing(SITE_DOWN))

    async def _power_off(self, one: Host) -> None:
        if one.name in self._listeners:
            await self._close(one.name)  # an open socket would keep the node's network alive
        await asyncio.to_thread(machines.switch_off, self.site, one, kill=True)
        await self.ground.node_died(one.name)

    async def _power_on(self, one: Host) -> None:
        await asyncio.to_thread(network.unplug, one.name, self.site.name)
        await asyncio.to_thread(machines.switch_on, self._plant, self.site, one)
        machine = self._plant.machine(self.site, one)
        await asyncio.to_thread(host.wait_ssh, machine, self.site.address(one))

    def _bound(self, node: str) -> socket.socket:
        sock = socket_in(network.netns_of(node))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)  # its card may get the address a moment later
        sock.bind(self.endpoints[node])
        return sock

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for one in self.site.hosts:
                if (
                    not self._is_dead(one)
                    and not host.is_running(one.name)
                    and not self._one_refresh.locked()
                ):
                    self.faults.add(Fault(NODE_DOWN, self.spec.name, node=one.name))
            with suppress(TaskError):  # the guest was switched off for it
                await self.ground.sweep()


def socket_in(netns: str) -> socket.socket:
    """A TCP socket that lives in another network namespace. Raises LabError when there is none."""
    made: list[socket.socket] = []
    worker = threading.Thread(target=_open_in, args=(netns, made))  # only a thread's own namespace changes
    worker.start()
    worker.join()
    if not made:
        raise LabError(f"there is no network namespace {netns}", "Take the lab down: bastide lab down")
    return made[0]


def _open_in(netns: str, made: list[socket.socket]) -> None:
    with suppress(OSError):
        space = os.open(network.netns_path(netns), os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(space, CLONE_NEWNET) == 0:
                made.append(socket.socket())
        finally:
            os.close(space)


class HostsLab(Lab):
    """A lab on machines that are up already (lab.hosts.build)."""

    def __init__(self, spec: LabSpec, folder: Path, plant: Plant) -> None:
        self._plant, self._access = plant, Access(folder)
        super().__init__(spec, folder)

    def site_of(self, spec: SiteSpec, folder: Path, ports: tuple[int, ...], time_scale: float) -> LabSite:
        """A site on its machines; they have ports of their own, and its state goes when they go."""
        del folder, ports
        return HostsSite(spec, self._plant.root / "api" / spec.name, time_scale, self._plant, self._access)
