"""The guests of a cluster as PVE::QemuServer and PVE::LXC::Config have them; nothing that may be secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provisioner.pve.sections.told import Guest, Told
from provisioner.pve.sections.values import days_until, flag, properties

CARD = re.compile(r"net\d+")
VM_DISK = re.compile(r"(?:scsi|virtio|ide|sata)\d+")
CT_DISK = re.compile(r"rootfs|mp\d+")
SLOW_CARDS = frozenset({"e1000", "rtl8139", "ne2k_pci", "pcnet"})


def cards(config: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The network cards of a guest, by their place."""
    return {key: properties(value) for key, value in config.items() if CARD.fullmatch(key)}


def guests(told: Told) -> list[dict[str, Any]]:
    """The guests, templates left aside."""
    rows = []
    for guest in told.guests:
        found = told.several((f"{guest.path}/config",))
        if found is not None:
            rows.append(_guest(guest, found[0]))
    return rows


def _guest(guest: Guest, config: Mapping[str, Any]) -> dict[str, Any]:
    drives = _drives(guest, config)
    return {
        **guest.called,
        "kind": "vm" if guest.kind == "qemu" else "ct",
        "running": guest.running,
        "pool": guest.pool,
        "tags": list(guest.tags),
        "lock": guest.lock,
        "described": bool(config.get("description")),
        "protection": flag(config.get("protection")),
        "starts_at_boot": flag(config.get("onboot")),
        "disk_images": sorted(
            key
            for key, drive in drives.items()
            if drive.get("media") == "cdrom"
            and drive.get("volume") not in {"none", "cloudinit"}
            and "cloudinit" not in drive.get("volume", "")
        ),
        "not_in_backups": sorted(key for key, drive in drives.items() if _left_out(guest, key, drive)),
        "bridges": sorted({card.get("bridge", "") for card in cards(config).values()} - {""}),
        **(_vm(config) if guest.kind == "qemu" else _ct(config)),
    }


def _drives(guest: Guest, config: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    pattern = VM_DISK if guest.kind == "qemu" else CT_DISK
    return {key: properties(value, "volume") for key, value in config.items() if pattern.fullmatch(key)}


def _left_out(guest: Guest, key: str, drive: Mapping[str, str]) -> bool:
    """Whether backups leave a disk out: VMs take all but `backup=0`, containers only what says `backup=1`."""
    if drive.get("media") == "cdrom" or key == "rootfs":
        return False
    return not flag(drive.get("backup"), default=guest.kind == "qemu")


def _vm(config: Mapping[str, Any]) -> dict[str, Any]:
    firmware = properties(config.get("efidisk0"), "volume")
    return {
        "agent": flag(properties(config.get("agent"), "enabled").get("enabled")),
        "uefi": config.get("bios") == "ovmf",
        "secure_boot": flag(firmware.get("pre-enrolled-keys")) if config.get("bios") == "ovmf" else None,
        "spice": properties(config.get("vga"), "type").get("type", "").startswith("qxl"),
        "extra_arguments": bool(config.get("args")),
        "passed_through": sorted(key for key in config if re.fullmatch(r"(?:hostpci|usb)\d+", key)),
        "slow_cards": sorted(key for key, card in cards(config).items() if SLOW_CARDS & card.keys()),
        "password_in_cloud_init": bool(config.get("cipassword")),
        "hook": bool(config.get("hookscript")),
    }


def _ct(config: Mapping[str, Any]) -> dict[str, Any]:
    features = properties(config.get("features"), "nesting")
    return {
        "privileged": not flag(config.get("unprivileged")),
        "raw_settings": bool(config.get("lxc")),
        "may_mount": features.get("mount", ""),
        "keyctl": flag(features.get("keyctl")),
        "nesting": flag(features.get("nesting")),
        "bound_paths": sorted(
            key
            for key, value in config.items()
            if CT_DISK.fullmatch(key) and properties(value, "volume").get("volume", "").startswith("/")
        ),
        "devices": sorted(key for key in config if re.fullmatch(r"dev\d+", key)),
        "hook": bool(config.get("hookscript")),
    }


def vms(told: Told) -> list[dict[str, Any]]:
    """The virtual machines among the guests."""
    return [guest for guest in guests(told) if guest["kind"] == "vm"]


def containers(told: Told) -> list[dict[str, Any]]:
    """The containers among the guests."""
    return [guest for guest in guests(told) if guest["kind"] == "ct"]


def snapshots(told: Told) -> list[dict[str, Any]]:
    """The snapshots of the guests, with their age; those of replication are its own affair."""
    rows = []
    for guest in told.guests:
        found = told.several((f"{guest.path}/snapshot",))
        for row in (found[0] or []) if found is not None else []:
            left = days_until(row.get("snaptime"), told.now)
            if row["name"] != "current" and left is not None:
                rows.append(
                    {
                        "id": f"{guest.vmid} ({guest.name}) {row['name']}",
                        "vmid": guest.vmid,
                        "days": -left,
                        "memory": flag(row.get("vmstate")),
                    }
                )
    return rows
