"""Clones of VMs, full and linked; only so many can wait for a storage's lock (API2/Qemu.pm)."""

import re
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from fakepve import FakePve, FakeVm, PveError, TaskError
from fakepve.qemu import CLONE_SKIP, DRIVE_KEY, is_cdrom, join_drive, split_drive, volume_ref, with_mac
from fakepve.routing import die, param_error, split_list

from lab.faults import LOCK, Event
from lab.tasks import LOCK_SECONDS

Drives = dict[str, tuple[str, dict[str, str]]]


class GuestClone(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """POST /nodes/{node}/qemu/{vmid}/clone."""

    async def _qm_clone(self, values: Mapping[str, Any], user: str) -> str:
        newid, pool = int(values["newid"]), values.get("pool")
        self._qm_check_pool(pool)
        self._qm_perm(user, newid, pool, "VM.Allocate")
        self._check_clone_target(values)
        self.need_quorum()
        source = self.find(values["node"], values["vmid"])
        self._check_lock(source)
        full = bool(values.get("full", not source.template))
        config, drives = self._clone_plan(source, values, full=full)
        if self._qm_taken(newid):
            raise die(f"unable to create VM {newid}: config file already exists")
        self._check_clone_rights(user, values.get("storage"), drives)
        self._check_reach(values, drives)
        name = values.get("name") or f"Copy-of-VM-{source.name}"
        new = FakeVm(newid, name, node=source.node, config={**config, "name": name})
        if values.get("description"):
            new.config["description"] = values["description"]
        self._qm_lock(new, "clone")
        self.vms.append(new)
        body = _Copy(self, new, drives, {**values, "full": full})
        log = (f"creating a clone of VM {source.vmid} with ID {newid}",)
        return str(
            await self.task(source.node, "qmclone", source.vmid, user, body, vm=new, lock=False, log=log)
        )

    def _check_clone_target(self, values: Mapping[str, Any]) -> None:
        target, storage = values.get("target"), values.get("storage")
        away = target not in (None, values["node"], "localhost")
        if away and target not in self.nodes:
            raise die(f"no such cluster node '{target}'")
        if storage:
            store = self._store(storage)
            if "images" not in split_list(store.get("content")):
                raise param_error(storage=f"storage '{storage}' does not support vm images")
            if away and not store.get("shared"):
                raise die(f"can't clone to non-shared storage '{storage}'")

    def _clone_plan(
        self, source: Any, values: Mapping[str, Any], *, full: bool
    ) -> tuple[dict[str, Any], Drives]:
        """What the clone's configuration is before its disks, and the disks to copy."""
        snapshot = values.get("snapname")
        if snapshot and snapshot not in source.snapshots:
            raise die(f"snapshot '{snapshot}' does not exist")
        for parameter in ("storage", "format"):
            if values.get(parameter) and not full:
                raise die(f"parameter '{parameter}' not allowed for linked clones")
        config: dict[str, Any] = {}
        drives: Drives = {}
        for key, value in (source.snapshots[snapshot] if snapshot else source.config).items():
            if key in CLONE_SKIP or key.startswith("unused"):
                continue
            volume, options = split_drive(value) if DRIVE_KEY.match(key) else ("", {})
            if volume and volume_ref(volume)[0] and not _is_plain_cdrom(volume, options):
                self._check_cloneable(key, volume, linked=not full and not is_cdrom(volume, options))
                drives[key] = volume, options
            else:
                config[key] = with_mac(value, fresh=True) if re.fullmatch(r"net\d+", key) else value
        return config, drives

    def _check_cloneable(self, key: str, volume: str, *, linked: bool) -> None:
        self._store(volume_ref(volume)[0])
        if linked and "base-" not in volume:
            raise die(f"Linked clone feature is not supported for '{volume}' ({key})")

    def _check_clone_rights(self, user: str, storage: str | None, drives: Drives) -> None:
        for volume, _ in drives.values():
            self.require(user, "/storage/" + (storage or volume_ref(volume)[0]), "Datastore.AllocateSpace")

    def _check_reach(self, values: Mapping[str, Any], drives: Drives) -> None:
        """Another node can only be cloned to when the source's disks are on storages that it shares."""
        target = values.get("target")
        storages = {volume_ref(volume)[0] for volume, _ in drives.values()}
        local = any(not self.storages[storage].get("shared") for storage in storages)
        if target not in (None, values["node"], "localhost") and local:
            raise die(f"can't clone VM to node '{target}' (VM uses local storage)")


class _Copy:
    """The work of a clone task."""

    def __init__(self, cluster: Any, new: Any, drives: Drives, values: Mapping[str, Any]) -> None:
        self._cluster, self._new, self._drives, self._values = cluster, new, drives, values
        self._made: list[str] = []
        self._log: list[str] = []

    async def __call__(self) -> str:
        try:
            await self._copy()
        except (PveError, TaskError) as problem:
            self._undo()
            raise TaskError(f"clone failed: {getattr(problem, 'message', problem)}") from problem
        self._cluster._qm_lock(self._new, None)  # noqa: SLF001  # fakepve's way to unlock
        pool, target = self._values.get("pool"), self._values.get("target")
        if pool:
            self._cluster._pool_join(pool, self._new.vmid)  # noqa: SLF001  # fakepve's way to join
        if target in self._cluster.nodes:
            self._new.node = target
        return "\n".join(self._log)

    async def _copy(self) -> None:
        with ExitStack() as queues:
            for storage in sorted({self._storage_of(volume) for volume, _ in self._drives.values()}):
                await self._wait_for(storage, queues)
            if self._values["full"]:
                await self._cluster.pause(5)
            for key, (volume, options) in sorted(self._drives.items()):
                self._new.config[key] = self._copied(key, volume, options)
            await self._cluster.ceph_io(self._new)
        self._new.config["smbios1"] = f"uuid={uuid.uuid4()}"
        self._new.config["vmgenid"] = str(uuid.uuid4())

    async def _wait_for(self, storage: str, queues: ExitStack) -> None:
        served = queues.enter_context(self._cluster.clone_slot(storage)) if self._values["full"] else True
        if not served or self._cluster.faults.take(LOCK, Event(subject=storage, guest=None), guest=None):
            await self._cluster.pause(LOCK_SECONDS)
            raise TaskError(self._cluster.storage_lock_error(storage))

    def _storage_of(self, volume: str) -> str:
        return str(self._values.get("storage") or volume_ref(volume)[0])

    def _copied(self, key: str, volume: str, options: dict[str, str]) -> str:
        """Allocate the copy of one drive; the drive's new value."""
        cluster, vmid, storage = self._cluster, self._new.vmid, self._storage_of(volume)
        if is_cdrom(volume, options):
            volid = cluster.new_cloudinit(vmid, storage)
            self._made.append(volid)
            return str(join_drive(volid, options))
        old = cluster._qm_volume(volume) or {}  # noqa: SLF001  # fakepve keeps its volumes there
        kind = "full" if self._values["full"] else "linked"
        self._log.append(f"create {kind} clone of drive {key} ({volume})")
        same = storage == volume_ref(volume)[0]
        form = self._values.get("format") or (old.get("format") if same else None)
        base = (
            None if self._values["full"] else f"{old.get('vmid')}/{volume_ref(volume)[1].rpartition('/')[2]}"
        )
        volid, _ = cluster._qm_alloc(storage, vmid, form, int(old.get("size") or 0), linked_from=base)  # noqa: SLF001  # as above
        self._made.append(volid)
        snapshot = self._values.get("snapname")
        cluster.ground.begins_as(volid, f"{volume}@{snapshot}" if snapshot else volume)
        return str(join_drive(volid, options))

    def _undo(self) -> None:
        for volid in self._made:
            self._cluster._qm_free(volid)  # noqa: SLF001  # as above
        if self._new in self._cluster.vms:
            self._cluster.vms.remove(self._new)


def _is_plain_cdrom(volume: str, options: Mapping[str, str]) -> bool:
    """A CD-ROM that the clone shares; a cloud-init drive is not, every VM has its own."""
    return bool(is_cdrom(volume, options)) and "cloudinit" not in volume
