"""Migration: what may go where, and guests that really move (API2/Qemu.pm migrate_vm, API2/LXC.pm).

A guest that HA manages is only asked to move: the task is OK at once and the guest moves later, if HA lets
it.
"""

from typing import Any

from fakepve import FakePve, TaskError
from fakepve.qemu import drives_of, is_cdrom, volume_ref
from fakepve.routing import die, param_error


class GuestMigrate(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """GET and POST of a guest's migration."""

    def _routes_lab_migrate(self) -> list[tuple[str, str, Any]]:
        one = "/nodes/{node}/qemu/{vmid}/migrate"
        return [("GET", one, self._migrate_check), ("POST", one, self._migrate)]

    def ha_move_blocker(self, _guest: Any, _target: str) -> str | None:
        """Why HA's rules forbid a guest on a node, or None; the HA area knows."""
        return None

    def replica_nodes(self, _vmid: int) -> set[str]:
        """The nodes that a guest is replicated to; the replication area knows."""
        return set()

    async def ha_move(self, guest: Any, target: str) -> None:
        """Ask HA to move a guest; the HA area may know better when and whether."""
        self.later(self.ha_delay, lambda: self._arrive(guest, target))

    async def _arrive(self, guest: Any, target: str) -> None:
        guest.node = target

    async def _migrate_check(self, values: dict[str, Any], _user: str) -> dict[str, Any]:
        vm = self.find(values["node"], values["vmid"])
        disks = self._local_disks(vm)
        others = {node for node in self.nodes if node != vm.node}
        reachable = {node for node in others if self.nodes[node].get("online", True)}
        lacking = {node: self._unavailable(vm, node) for node in sorted(reachable)}
        blocked = {node: {"unavailable_storages": names} for node, names in lacking.items() if names}
        running = vm.status == "running"
        allowed = sorted(reachable - blocked.keys())
        return {
            "running": int(running),
            "allowed_nodes": allowed,
            "not_allowed_nodes": {node: blocked.get(node, {}) for node in sorted(others)},
            "local_disks": disks,
            "local_resources": [],
            "mapped-resources": [],
            "mapped-resource-info": {},
            "has-dbus-vmstate": 1,
        }

    def _local_disks(self, vm: Any) -> list[dict[str, Any]]:
        disks = []
        for key, volume, options in drives_of(vm.config):
            storage = volume_ref(volume)[0]
            if storage is None or self.storages.get(storage, {}).get("shared"):
                continue
            cdrom = bool(is_cdrom(volume, options))
            disks.append(
                {
                    "volid": volume,
                    "drivename": key,
                    "size": int((self._qm_volume(volume) or {}).get("size") or 0),
                    "cdrom": int(cdrom),
                    "shared": 0,
                    "replicate": 1,
                    "is_attached": 1,
                    "is_cloudinit": int("cloudinit" in volume),
                    "is_tpmstate": int(key == "tpmstate0"),
                    "is_unused": 0,
                    "is_vmstate": 0,
                }
            )
        return disks

    def _unavailable(self, vm: Any, node: str) -> list[str]:
        """The storages of a VM's disks that a node does not have."""
        used = {volume_ref(volume)[0] for _, volume, _ in drives_of(vm.config)}
        return sorted(
            name for name in used if name in self.storages and not self._storage_enabled(name, node)
        )

    async def _migrate(self, values: dict[str, Any], user: str) -> str:
        target = values["target"]
        if target == values["node"]:
            raise param_error(target="target is local node.")
        self.need_quorum()
        if target not in self.nodes:
            raise die(f"no such cluster node '{target}'")
        vm = self.find(values["node"], values["vmid"])
        if vm.status == "running":
            self._check_live(vm, values)
        self._check_target(vm, target)
        if vm.ha_managed:
            return await self._ask_ha(vm, target, user)
        return await self._move(vm, target, user, values)

    def _check_live(self, vm: Any, values: dict[str, Any]) -> None:
        """A running VM moves only when told to, and away from its replicas only by force."""
        if not values.get("online"):
            raise die("can't migrate running VM without --online")
        replicas, target = self.replica_nodes(vm.vmid), values["target"]
        if replicas and target not in replicas and not values.get("force"):
            why = "not a replication target. Use 'force' to override."
            raise die(f"Cannot live-migrate replicated VM to node '{target}' - {why}")

    def _check_target(self, vm: Any, target: str) -> None:
        for storage in self._unavailable(vm, target):
            raise die(f"storage '{storage}' is not available on node '{target}'")

    async def _ask_ha(self, guest: Any, target: str, user: str) -> str:
        kind = "CT" if guest.guest.startswith("lxc") else "VM"
        blocker = self.ha_move_blocker(guest, target)
        log = (f"Requesting HA migration for {kind} {guest.vmid} to node {target}",)

        async def body() -> None:
            if blocker:
                raise TaskError(blocker)
            await self.ha_move(guest, target)

        return str(await self.task(guest.node, "hamigrate", guest.vmid, user, body, log=log))

    async def _move(self, vm: Any, target: str, user: str, values: dict[str, Any]) -> str:
        async def body() -> str:
            self._check_lock(vm)
            if not self.nodes[target].get("online", True):
                raise TaskError(f"can't connect to node '{target}': No route to host")
            if vm.status == "running" and self._local_disks(vm) and not values.get("with-local-disks"):
                raise TaskError("Problem found while scanning volumes - can't migrate VM - check log")
            vm.node = target
            return "migration finished successfully (duration 00:00:08)"

        log = (f"starting migration of VM {vm.vmid} to node '{target}'",)
        return str(await self.task(vm.node, "qmigrate", vm.vmid, user, body, vm=vm, log=log))
