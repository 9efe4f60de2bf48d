"""A site whose nodes are machines: a dead node has no power, and its endpoint of the API went with it."""

import asyncio
import logging
import socket
import time
from pathlib import Path
from typing import Any

from lab.faults import Fault
from lab.hosts import host, network, sockets
from lab.hosts.access import Access
from lab.hosts.etc_pve import EtcPve
from lab.hosts.ground import MachineGround
from lab.hosts.guest import guest_of
from lab.hosts.guests import GuestMachines
from lab.hosts.host import Machine
from lab.hosts.machines import Plant
from lab.hosts.outpost import Outpost
from lab.hosts.premises import Premises, Tenants
from lab.hosts.topology import Host
from lab.pki import Authority
from lab.server import LabSite
from lab.spec import SiteSpec

SWEEP_SECONDS = 1.0
BOOT_SECONDS = 60.0
PAUSE_SECONDS = 0.1


class HostsSite(LabSite):
    """One site of real hosts: its machines, their power switches, and the API at the nodes' addresses."""

    def __init__(self, spec: SiteSpec, folder: Path, time_scale: float, plant: Plant, access: Access) -> None:
        super().__init__(spec, folder, (0,) * len(spec.nodes), time_scale)
        self.site = plant.topology.site(spec.name)
        self._plant = plant
        self._guests = GuestMachines(plant, self.site, access)
        self.ground = self.cluster.ground = MachineGround(self.cluster, self._guests)
        self._premises = Premises(
            plant, self.site, self, Tenants(self._machine_of, self._guest_machines, self._leave, self._bury)
        )
        self._etc_pve = EtcPve(plant.etc_pve(self.site), self.cluster)
        self.witnesses: list[Outpost] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, authority: Authority) -> None:
        """Make the disks of the templates, answer, and hand out power switches."""
        await super().start(authority)
        self._etc_pve.start(authority)
        self.cluster.saved, self.cluster.task_changed = self._saved, self._task_changed
        for node in self.spec.nodes:
            for bridge in self.site.bridges:
                self.cluster.give_bridge(node, bridge)
        await self.ground.seed()
        await self._premises.start(self.cluster.password, self._tls)
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop looking after the machines, and answering."""
        if self._sweeper:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self._premises.stop()
        await super().stop()

    def names(self) -> tuple[str, ...]:
        """The names and addresses that the site's certificate is for."""
        return (*super().names(), *self._premises.names())

    def report(self) -> dict[str, Any]:
        """Also the machines: where they are, and which of them live."""
        guests = [self._reported(guest) for guest in [*self.cluster.vms, *self.cluster.cts]]
        return super().report() | self._premises.report() | {"guests": guests}

    def _reported(self, guest: Any) -> dict[str, Any]:
        seen = guest_of(self.cluster, guest.vmid)
        return {
            "vmid": guest.vmid,
            "name": guest.name,
            "node": guest.node,
            "address": seen.address if seen else None,
            "running": host.is_running(self._guests.name(guest.vmid)),
        }

    def lost_votes(self) -> int:
        """See LabSite: the witness's vote, when it does not reach the cluster."""
        return sum(witness.keeps_vote_from(self) for witness in self.witnesses)

    def check(self, fault: Fault) -> None:
        """See LabSite; a fault can also strike the site's other machines."""
        self._premises.check(fault)

    async def _match_faults(self) -> None:
        await self._premises.match_power()
        await super()._match_faults()
        await self._premises.match_faults()

    async def recovered(self) -> None:
        """See Place: nodes that got their power back have booted so far that their endpoints answer."""
        endpoints = [self.endpoints[node] for node in self._listeners]
        await asyncio.gather(*(asyncio.to_thread(_reach, where) for where in endpoints))

    def _machine_of(self, vmid: int) -> Machine | None:
        guest = guest_of(self.cluster, vmid)
        return self._guests.machine(guest) if guest else None

    def _guest_machines(self) -> tuple[Machine, ...]:
        found = (self._machine_of(vmid) for vmid in [*self.cluster.vms.by_id, *self.cluster.cts.by_id])
        return tuple(machine for machine in found if machine)

    async def _leave(self, one: Host) -> None:
        if one.name in self._listeners:
            await self._close(one.name)  # an open socket would keep the node's network alive

    async def _bury(self, one: Host) -> None:
        await self.ground.node_died(one.name)

    async def _saved(self) -> None:
        self._etc_pve.write()
        await self.keeper.saved()

    def _task_changed(self, record: dict[str, Any]) -> None:
        self._etc_pve.write()
        self.keeper.note_task(record)

    def _bound(self, node: str) -> socket.socket:
        return sockets.bound(network.netns_of(node), self.endpoints[node])

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self._premises.notice_dead()
                await self.ground.sweep()
                self._etc_pve.write()
                for command in self._etc_pve.commands() if self.cluster.quorate else ():
                    self.cluster.ha_obey(command)
            except Exception:  # one odd guest must not end the care for all others
                logging.getLogger("lab").exception("looking after the machines of %s failed", self.site.name)


def _reach(where: tuple[str, int]) -> None:
    """Return when an endpoint accepts connections, or after a while all the same."""
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(where, timeout=1).close()
        except OSError:
            time.sleep(PAUSE_SECONDS)
        else:
            return
