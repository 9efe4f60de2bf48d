"""Disks of VMs: allocated, imported, grown, moved and freed (API2/Qemu.pm, QemuServer/Cloudinit.pm).

No disk holds bytes: a volume is an entry in its storage's list, with a size.
"""

import re
from typing import Any

from fakepve import FakePve, TaskError
from fakepve.lxc import format_size, parse_size
from fakepve.qemu import NEW_DISK, is_cdrom, join_drive, split_drive, volume_ref
from fakepve.routing import die, param_error

GIB = 1024**3
CLOUDINIT_BYTES = 4 * 1024**2
# The size that an image of the `import` content unpacks to, as Debian's cloud images do.
IMPORTED_BYTES = 3 * GIB


class GuestDisks(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """What happens to the volumes of VMs."""

    def _volumes(self, name: str) -> dict[str, Any]:
        """Every volume of a storage: those allocated, and those that containers name."""
        store = self.storages[name]
        found = {
            "iso/" + one: {"content": "iso", "format": "iso", "size": 0, "ctime": 0} for one in store["files"]
        }
        found.update(store.get("volumes", {}))
        for snippet, stat in self.ground.snippets(name).items():
            told = {"content": "snippets", "format": "snippet", "size": stat.st_size}
            found["snippets/" + snippet] = {**told, "ctime": int(stat.st_mtime)}
        for volume, (vmid, content, size) in self._guest_volumes(self.cts, name).items():
            named = {
                "content": content,
                "format": self._ext_format(volume),
                "size": size,
                "vmid": vmid,
                "ctime": 0,
            }
            found.setdefault(volume, named)
        return found

    def _qm_check_drive(self, user: str, vmid: int, pool: Any, key: str, value: str, default: Any) -> None:  # noqa: PLR0913, PLR0917  # fakepve's signature
        volume, options = split_drive(value)
        source = options.pop("import-from", None)
        if source:
            self.import_bytes(source)
            if not re.fullmatch(r"\S+:0", volume):
                raise param_error(
                    **{key: "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"}
                )
            return
        super()._qm_check_drive(user, vmid, pool, key, join_drive(volume, options), default)

    def import_bytes(self, source: str) -> int:
        """The size that a disk imported from a volume has. Raises PveError when there is no such volume."""
        storage, name = volume_ref(source)
        if storage is None:
            return IMPORTED_BYTES
        self._store(storage)
        volume = self._volumes(storage).get(name)
        if volume is None:
            raise die(f"volume '{source}' does not exist")
        return IMPORTED_BYTES if volume["content"] == "import" else int(volume.get("size") or 0)

    def _qm_new_drive(self, vmid: int, key: str, value: str, default: str | None) -> tuple[str, list[str]]:
        volume, options = split_drive(value)
        source = options.pop("import-from", None)
        if source:
            volid, _ = self._qm_alloc(
                volume_ref(volume)[0], vmid, options.pop("format", None), self.import_bytes(source)
            )
            self.ground.begins_as(volid, source)
            return self._with_size(volid, options), [volid]
        if volume.endswith(":cloudinit"):
            volid = self.new_cloudinit(vmid, str(volume_ref(volume)[0] or default))
            options.pop("format", None)
            return join_drive(volid, {**options, "media": "cdrom"}), [volid]
        if NEW_DISK.match(volume) or volume_ref(volume)[0] is None:
            made: tuple[str, list[str]] = super()._qm_new_drive(vmid, key, value, default)
            return made
        if is_cdrom(volume, options):
            options.pop("size", None)
        return super()._qm_new_drive(vmid, key, join_drive(volume, options), default)  # type: ignore[no-any-return]  # untyped base

    def new_cloudinit(self, vmid: int, storage: str) -> str:
        """Allocate a VM's cloud-init drive on a storage; its volume id."""
        is_file = self.storages[storage].get("type") in ("dir", "nfs", "cifs")
        name = f"{vmid}/vm-{vmid}-cloudinit.qcow2" if is_file else f"vm-{vmid}-cloudinit"
        volume = {
            "content": "images",
            "format": "qcow2" if is_file else "raw",
            "size": CLOUDINIT_BYTES,
            "vmid": vmid,
        }
        self.storages[storage].setdefault("volumes", {})[name] = {**volume, "ctime": 0}
        return f"{storage}:{name}"

    def _with_size(self, volid: str, options: dict[str, Any]) -> str:
        size = int((self._qm_volume(volid) or {}).get("size") or 0)
        return str(join_drive(volid, {**options, "size": format_size(size)}))

    # ------------------------------------------------------ resize and move

    def _routes_lab_disks(self) -> list[tuple[str, str, Any]]:
        one = "/nodes/{node}/qemu/{vmid}"
        return [
            ("PUT", one + "/resize", self._resize),
            ("POST", one + "/move_disk", self._move_disk),
        ]

    async def _resize(self, values: dict[str, Any], user: str) -> str:
        vm = self.find(values["node"], values["vmid"])
        self.need_quorum()
        if vm.config.get(values["disk"]) is None:
            raise die(f"disk '{values['disk']}' does not exist")

        async def body() -> None:
            self._check_lock(vm)
            self._grow(vm, values["disk"], str(values["size"]))

        return str(await self.task(vm.node, "resize", vm.vmid, user, body, vm=vm))

    def _grow(self, vm: Any, disk: str, wanted: str) -> None:
        volume, options = split_drive(vm.config[disk])
        entry = self._qm_volume(volume)
        if entry is None:
            raise TaskError(f"volume '{volume}' does not exist")
        extra = parse_size(wanted.lstrip("+")) or 0
        size = int(entry["size"]) + extra if wanted.startswith("+") else extra
        if size < int(entry["size"]):
            raise TaskError("shrinking disks is not supported")
        entry["size"] = size
        vm.config[disk] = self._with_size(volume, options)

    async def _move_disk(self, values: dict[str, Any], user: str) -> str:
        vm = self.find(values["node"], values["vmid"])
        disk, target = values["disk"], values.get("storage")
        if vm.config.get(disk) is None:
            raise die(f"disk '{disk}' does not exist")
        volume, options = split_drive(vm.config[disk])
        entry = self._qm_volume(volume) or {}
        if target is None:
            raise param_error(storage="property is missing and it is not optional")
        self._qm_image_store(target, user)
        if target == volume_ref(volume)[0] and values.get("format") in (None, entry.get("format")):
            raise die("you can't move to the same storage with same format")
        if values.get("delete") and any(volume in str(then.get(disk)) for then in vm.snapshots.values()):
            raise die("you can't move a disk with snapshots and delete the source")

        async def body() -> None:
            self._check_lock(vm)
            volid, _ = self._qm_alloc(target, vm.vmid, values.get("format"), int(entry.get("size") or 0))
            vm.config[disk] = self._with_size(volid, options)
            self.ground.begins_as(volid, volume)
            if values.get("delete"):
                self._qm_free(volume)
            else:
                free = next(f"unused{n}" for n in range(256) if f"unused{n}" not in vm.config)
                vm.config[free] = volume

        return str(await self.task(vm.node, "qmmove", vm.vmid, user, body, vm=vm))
