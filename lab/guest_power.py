"""Power and state of VMs: start, stop, pause, and what is shown of them (QemuServer.pm)."""

import re
from typing import Any

from fakepve import FakePve, TaskError
from fakepve.qemu import split_drive
from fakepve.routing import die

RUNNING_ONLY = ("running-qemu", "running-machine")
NOT_SHOWN = ("serial", "clipboard", "balloon", "agent", "diskread", "diskwrite", *RUNNING_ONLY)


class GuestPower(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """Starting and stopping, as tasks."""

    def _vm_status(self, vm: Any, listing: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  # fakepve's signature
        shown = {key: value for key, value in super()._vm_status(vm, listing).items() if key not in NOT_SHOWN}
        if listing:
            return shown
        if "agent" in vm.config:
            shown["agent"] = int(str(vm.config["agent"]).removeprefix("enabled=").startswith("1"))
        if vm.status == "running":
            traffic = {"netin": 0, "netout": 0}
            cards = sorted(key for key in vm.config if re.fullmatch(r"net\d+", key))
            shown["nics"] = {f"tap{vm.vmid}i{card.removeprefix('net')}": traffic for card in cards}
        return shown

    def _complete(self, _template: str, shown: Any, **_values: Any) -> Any:
        """The answers are whole as they are: nothing is added from the schema."""
        return shown

    def _check_plugged(self, vm: Any) -> None:
        """A VM starts only where its bridges are."""
        for key in sorted(vm.config):
            if re.fullmatch(r"net\d+", key):
                bridge = split_drive(vm.config[key])[1].get("bridge")
                if bridge and bridge not in self.bridges(vm.node):
                    raise TaskError(f"bridge '{bridge}' does not exist")

    async def _do_start(self, vm: Any, user: str, values: dict[str, Any]) -> str:
        if vm.ha_managed and not vm.template:
            return str(await self._ha_request(vm, user, "started"))

        async def body() -> None:
            if vm.template:
                raise TaskError("you can't start a vm if it's a template")
            if vm.lock and vm.lock != "suspended" and not values.get("skiplock"):
                raise TaskError(f"VM is locked ({vm.lock})")
            if vm.status == "running":
                raise TaskError(f"VM {vm.vmid} already running")
            self.apply_pending(vm)
            self._check_plugged(vm)
            await self.ceph_io(vm)
            self.power(vm, on=True)

        return str(await self.task(vm.node, "qmstart", vm.vmid, user, body, vm=vm))

    async def _do_stop(self, vm: Any, user: str, values: dict[str, Any]) -> str:
        if vm.ha_managed:
            return str(await self._ha_request(vm, user, "stopped"))

        async def body() -> None:
            if vm.lock and not values.get("skiplock"):
                raise TaskError(f"VM is locked ({vm.lock})")
            self.power(vm, on=False)

        return str(await self.task(vm.node, "qmstop", vm.vmid, user, body, vm=vm))

    async def _powerdown(self, vm: Any, values: dict[str, Any]) -> str | None:
        note: str | None = await super()._powerdown(vm, values)
        self.apply_pending(vm)
        return note

    async def _do_suspend(self, vm: Any, user: str, values: dict[str, Any]) -> str:
        if values.get("todisk"):
            return str(await super()._do_suspend(vm, user, values))
        self._need_running(vm)
        self._check_lock(vm)

        async def body() -> None:
            vm.qmpstatus = "paused"

        return str(await self.task(vm.node, "qmpause", vm.vmid, user, body, vm=vm))

    def power(self, vm: Any, *, on: bool) -> None:
        """Switch a VM on or off; when it goes off, what was pending is made."""
        vm.status = vm.qmpstatus = "running" if on else "stopped"
        vm.started_at = self.now() if on else None
        if not on:
            self.apply_pending(vm)

    async def _agent_call(self, match: Any, values: dict[str, Any]) -> Any:
        vm = self.find(values["node"], values["vmid"])
        if str(vm.config.get("agent", "0")).removeprefix("enabled=")[:1] != "1":
            raise die("No QEMU guest agent configured")
        real = await self.ground.agent(vm, match.template.rsplit("/", 1)[1], values)
        return await super()._agent_call(match, values) if real is None else real
