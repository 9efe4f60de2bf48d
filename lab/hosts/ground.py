"""The ground of a cluster whose guests are machines: the API asks, machines follow."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fakepve import TaskError
from fakepve.routing import die

from lab.errors import LabError
from lab.ground import Ground
from lab.hosts import host
from lab.hosts.agent import Agent, AgentSilent
from lab.hosts.guest import guest_of
from lab.hosts.guests import HA_STOP, GuestMachines

SWEEP = "sweep"


class MachineGround(Ground):
    """Machines of one site. Work on one guest is done one after the other, in threads."""

    def __init__(self, cluster: Any, machines: GuestMachines) -> None:
        self._cluster, self._machines = cluster, machines
        self._agent = Agent()
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._alive: set[int] = set()

    def begins_as(self, what: str, source: str) -> None:
        """See Ground."""
        self._machines.disks.origins[what] = source

    async def follow(self, vmid: int, work: str) -> list[str]:
        """See Ground."""
        async with self._locks[vmid]:
            guest, said = guest_of(self._cluster, vmid), []
            try:
                if guest is None:
                    await asyncio.to_thread(self._machines.remove, vmid)
                else:
                    said = await asyncio.to_thread(self._machines.settle, guest, work)
            except LabError as problem:
                self._switch_off(vmid)
                raise TaskError(problem.what) from problem
            self._note(vmid)
            return said

    def snippets(self, storage: str) -> Mapping[str, os.stat_result]:
        """See Ground."""
        return self._machines.disks.snippets(storage)

    async def agent(self, vm: Any, command: str, values: Mapping[str, Any]) -> Any:
        """See Ground."""
        vm.agent = vm.agent or {}  # what fakepve takes for an agent that runs
        try:
            return await asyncio.to_thread(self._agent.answer, self._machines.name(vm.vmid), command, values)
        except AgentSilent as silent:
            raise die("QEMU guest agent is not running") from silent

    async def sweep(self) -> None:
        """Find what no task did: guests that HA moved, machines that went down by themselves."""
        busy = {record["id"] for record in self._cluster.tasklog if record["status"] == "running"}
        for vmid in [*self._cluster.vms.by_id, *self._cluster.cts.by_id]:
            if str(vmid) not in busy and not self._locks[vmid].locked():
                with suppress(TaskError):  # the guest was switched off for it
                    await self._look_after(vmid)

    async def node_died(self, node: str) -> None:
        """A node lost its power, and so did its guests."""
        for guest in [*self._cluster.vms, *self._cluster.cts]:
            if guest.node == node:
                self._alive.discard(guest.vmid)
                await asyncio.to_thread(self._machines.kill, guest.vmid)

    async def seed(self) -> None:
        """Make the disks of the guests that the cluster begins with, those of templates from images."""
        for guest in [*self._cluster.vms, *self._cluster.cts]:
            if guest.template and "scsi0" in guest.config:
                self.begins_as(str(guest.config["scsi0"]).partition(",")[0], f"local:import/{guest.name}")
            with suppress(TaskError):  # the guest was switched off for it
                await self.follow(guest.vmid, SWEEP)

    async def _look_after(self, vmid: int) -> None:
        guest = guest_of(self._cluster, vmid)
        if guest is None:
            return
        # A guest that dies with its node did not go down by itself: it runs again when the node does.
        has_power = host.is_running(guest.node) and self._cluster.nodes[guest.node]["online"]
        runs = guest.runs and has_power
        alive = host.is_running(self._machines.name(vmid))
        if runs and not alive and vmid in self._alive:
            self._switch_off(vmid)
            self._cluster.touched.add(vmid)
            self._cluster.ha_wake()
            await asyncio.to_thread(self._machines.ended, guest)
        elif alive and not guest.runs:
            await self.follow(vmid, HA_STOP)
        elif alive and not runs:
            await asyncio.to_thread(self._machines.kill, vmid)
        elif runs and not alive and self._machines.machine(guest):
            await self.follow(vmid, SWEEP)
        self._note(vmid)

    def _note(self, vmid: int) -> None:
        alive = host.is_running(self._machines.name(vmid))
        (self._alive.add if alive else self._alive.discard)(vmid)

    def _switch_off(self, vmid: int) -> None:
        guest = self._cluster.vms.by_id.get(vmid) or self._cluster.cts.by_id.get(vmid)
        if guest is not None and guest.status == "running":
            self._cluster._ha_off(guest)  # noqa: SLF001  # the one place that switches both kinds off
