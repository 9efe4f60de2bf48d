"""The configuration of VMs: what is set, what is pending, what a change does (API2/Qemu.pm).

A stopped VM takes every change at once. A running one takes what can be hot-plugged; the rest is pending, and
the configuration shows it as if it were set unless `current=1` asks for what is active.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from fakepve import FakePve, PveError, TaskError
from fakepve.qemu import DRIVE_KEY, is_cdrom, join_drive, split_drive, with_mac
from fakepve.routing import die, param_error, split_list
from fakepve.server import ok

from lab import contract

Config = dict[str, Any]

# Taken by a running VM at once: QemuServer.pm's fast-plug options, cloud-init's, and devices that hot-plug by
# default.
HOT = re.compile(
    r"name|onboot|shares|startup|description|protection|vmstatestorage|hookscript|tags|ci\w+|ipconfig\d+|sshkeys"
    r"|nameserver|searchdomain|net\d+|scsi\d+|virtio\d+|usb\d+|unused\d+"
)
NOT_OPTIONS = ("node", "vmid", "digest", "delete", "revert", "skiplock", "force", "background_delay")
CONFIG = "/nodes/{node}/qemu/{vmid}/config"
HIDDEN = "*" * 10


def digest_of(guest: Any) -> str:
    """SHA-1 of a guest's configuration file: what is set, what is pending, and the snapshots."""
    content = json.dumps([guest.config, guest.pending, guest.snapshots], sort_keys=True)
    return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


def effective(guest: Any) -> Config:
    """The configuration with the pending changes made."""
    merged = {**guest.config, **guest.pending}
    return {key: value for key, value in merged.items() if value is not None}


def normalised(key: str, value: Any) -> Any:
    """A value as Proxmox writes it: network cards with a MAC, tags sorted and in lower case."""
    if re.fullmatch(r"net\d+", key):
        return with_mac(value)
    if key == "tags":
        return ";".join(sorted({tag.lower() for tag in re.split(r"[;,\s]+", str(value)) if tag}))
    return value


class GuestConfig(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """GET, PUT and POST of a VM's configuration, and what is pending."""

    async def _config_get(self, request: web.Request) -> web.Response:
        values = self._verify(request, None)
        vm = self.find(values["node"], values["vmid"])
        shown = self._snapshot_config(vm, values) if values.get("snapshot") else vm.config
        if not values.get("current") and not values.get("snapshot"):
            shown = effective(vm)
        answer: web.Response = ok({**_hidden(shown), "digest": digest_of(vm)})
        return answer

    def _snapshot_config(self, vm: Any, values: Mapping[str, Any]) -> Config:
        if values.get("current"):
            text = "cannot use 'snapshot' parameter with 'current'"
            raise param_error(snapshot=text, current=text)
        if values["snapshot"] not in vm.snapshots:
            raise die(f"snapshot '{values['snapshot']}' does not exist")
        return dict(vm.snapshots[values["snapshot"]])

    async def _pending(self, request: web.Request) -> web.Response:
        values = self._verify(request, None)
        vm = self.find(values["node"], values["vmid"])
        rows = [_pending_row(key, vm) for key in sorted(vm.config.keys() | vm.pending.keys())]
        answer: web.Response = ok([*rows, {"key": "digest", "value": digest_of(vm)}])
        return answer

    async def _config_put(self, request: web.Request) -> web.Response:
        values = self._verify(request, None)
        await self.change_config(self.find(values["node"], values["vmid"]), self.user_of(request), values)
        answer: web.Response = ok()
        return answer

    async def _config_post(self, request: web.Request) -> web.Response:
        """The form that forks a worker; its log names what is changed."""
        values, user = self._verify(request, None), self.user_of(request)
        vm = self.find(values["node"], values["vmid"])
        self.need_quorum()
        changes = {key: value for key, value in values.items() if key not in NOT_OPTIONS[:2]}
        words = " ".join(f"-{key} {value}" for key, value in sorted(changes.items()))

        async def body() -> None:
            await self.change_config(vm, user, values)

        log = (f"update VM {vm.vmid}: {words}",)
        answer: web.Response = ok(await self.task(vm.node, "qmconfig", vm.vmid, user, body, log=log))
        return answer

    async def change_config(self, vm: Any, user: str, values: Mapping[str, Any]) -> None:
        """Change a VM's configuration as a PUT of `values` does. Raises PveError."""
        updates = {key: value for key, value in values.items() if key not in NOT_OPTIONS}
        deletes, reverts = split_list(values.get("delete")), split_list(values.get("revert"))
        if not (updates or deletes or reverts):
            raise die("no options specified")
        _check_names(deletes, "delete")
        _check_names(reverts, "revert")
        self._check_rights(vm, user, updates, [*deletes, *reverts])
        self._check_writable(vm)
        async with self.config_lock(vm):
            if values.get("digest") and values["digest"] != digest_of(vm):
                raise die("checksum mismatch (file change by other user?)")
            if not values.get("skiplock"):
                self._check_lock(vm)
            self._check_boot(vm, updates)
            for key in reverts:
                vm.pending.pop(key, None)
            for key in deletes:
                self._delete_option(vm, key)
            for key, value in updates.items():
                self._set_option(vm, key, self._realised(vm, key, value))
        vm.name = vm.config.get("name") or f"VM {vm.vmid}"

    @asynccontextmanager
    async def config_lock(self, guest: Any) -> Any:
        """Hold the lock of a guest's configuration file; a 500 when it is not free in time."""
        try:
            await self.acquire(guest, "config")
        except TaskError as busy:
            raise die(str(busy)) from busy
        try:
            yield
        finally:
            self.release(guest, "config")

    async def _qm_snapshot_config_get(self, values: Config, user: str) -> Config:
        shown = await super()._qm_snapshot_config_get(values, user)
        return {key: value for key, value in shown.items() if key != "digest"}

    # --------------------------------------------------------------- checks

    def _check_rights(self, vm: Any, user: str, updates: Config, removed: list[str]) -> None:
        for key in [*updates, *removed]:
            privilege = self._config_priv(key)
            if privilege != "root":
                is_cdrom_change = "media=cdrom" in str(updates.get(key, ""))
                self.require(user, f"/vms/{vm.vmid}", "VM.Config.CDROM" if is_cdrom_change else privilege)
            elif user.partition("!")[0] != "root@pam":
                raise PveError(403, f"only root can set '{key}' config")

    def _check_writable(self, vm: Any) -> None:
        if not self.quorate:
            kind = "lxc" if vm.guest.startswith("lxc") else "qemu-server"
            path = f"/etc/pve/nodes/{vm.node}/{kind}/{vm.vmid}.conf.tmp.{1000 + vm.vmid}"
            raise die(f"unable to open file '{path}' - Permission denied")

    def _check_boot(self, vm: Any, updates: Config) -> None:
        order = str(updates.get("boot", ""))
        known = set(vm.devices({**effective(vm), **updates}))
        for device in split_list(order.removeprefix("order=")) if order.startswith("order=") else ():
            if device not in known:
                raise param_error(boot=f"invalid bootorder: device '{device}' does not exist'")

    # -------------------------------------------------------------- changes

    def _realised(self, vm: Any, key: str, value: Any) -> Any:
        """The value as it is kept: a new disk is allocated, the rest is normalised."""
        if not DRIVE_KEY.match(key):
            return normalised(key, value)
        self._qm_check_drive("root@pam", vm.vmid, None, key, value, None)
        return self._qm_new_drive(vm.vmid, key, value, None)[0]

    def _set_option(self, vm: Any, key: str, value: Any) -> None:
        if vm.status == "running" and not HOT.fullmatch(key):
            vm.pending[key] = value
            if vm.config.get(key) == value:
                del vm.pending[key]
            return
        self._release_drive(vm, key, value)
        vm.config[key] = value
        vm.pending.pop(key, None)

    def _delete_option(self, vm: Any, key: str) -> None:
        if key.startswith("unused") and key in vm.config:
            self._qm_check_protection(vm, f"can't remove unused disk '{key}'")
            self._qm_free(split_drive(vm.config[key])[0])
        elif DRIVE_KEY.match(key) and key in vm.config:
            self._qm_check_protection(vm, f"can't remove drive '{key}'")
        if vm.status == "running" and not HOT.fullmatch(key):
            vm.pending.pop(key, None)
            if key in vm.config:
                vm.pending[key] = None
            return
        self._release_drive(vm, key, None)
        vm.config.pop(key, None)
        vm.pending.pop(key, None)

    def _release_drive(self, vm: Any, key: str, value: str | None) -> None:
        """The disk that a drive no longer names becomes an unused one: its data is kept."""
        if not DRIVE_KEY.match(key) or key not in vm.config:
            return
        volume, options = split_drive(vm.config[key])
        if is_cdrom(volume, options) or (value and split_drive(value)[0] == volume):
            return
        free = next(f"unused{n}" for n in range(256) if f"unused{n}" not in vm.config)
        vm.config[free] = volume

    def apply_pending(self, vm: Any) -> None:
        """Make every pending change: a VM that starts or stops does."""
        waiting, vm.pending = dict(vm.pending), {}
        for key, value in waiting.items():
            if value is None:
                self._release_drive(vm, key, None)
                vm.config.pop(key, None)
            else:
                self._release_drive(vm, key, value)
                vm.config[key] = value


def _check_names(names: list[str], parameter: str) -> None:
    for name in names:
        if not contract.knows(CONFIG, "PUT", name):
            raise param_error(**{parameter: f"unknown option '{name}'"})


def _pending_row(key: str, vm: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"key": key}
    if key in vm.config:
        row["value"] = _hidden({key: vm.config[key]})[key]
    if key in vm.pending:
        row |= {"delete": 1} if vm.pending[key] is None else {"pending": _hidden({key: vm.pending[key]})[key]}
    return row


def _hidden(config: Mapping[str, Any]) -> Config:
    """A configuration fit to be read: no password of cloud-init."""
    return {key: HIDDEN if key == "cipassword" else value for key, value in config.items()}


def drive(volume: str, options: Mapping[str, Any]) -> str:
    """A drive's value as Proxmox writes it."""
    return str(join_drive(volume, options))
