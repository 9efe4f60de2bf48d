"""A guest of the API, read as a machine: its disks, network cards and limits, in plain values."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakepve.lxc import parse_size
from fakepve.qemu import drives_of, split_drive

MIB = 1024**2
MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3")


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk of a guest. `volume` is its name on its storage, `mount` where the machine sees it."""

    key: str
    storage: str
    volume: str
    shared: bool
    size_bytes: int | None
    mount: str

    @property
    def place(self) -> Path:
        """Where the disk is below its storage's folder."""
        return place_of(self.volume)


@dataclass(frozen=True, slots=True)
class Card:
    """A network card, on a bridge of the node or on a VLAN of it; `ip` and `gateway` as configured."""

    name: str
    bridge: str
    vlan: int
    mac: str | None
    is_up: bool
    ip: str | None
    gateway: str | None


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest as it should be. `has_seed` tells whether cloud-init configures it."""

    vmid: int
    name: str
    node: str
    is_vm: bool
    runs: bool
    is_paused: bool
    disks: tuple[Disk, ...]
    cards: tuple[Card, ...]
    snapshots: tuple[str, ...]
    parent: str | None
    memory_bytes: int | None
    cpus: float | None
    has_seed: bool
    config: dict[str, Any]

    @property
    def system(self) -> Disk | None:
        """The disk that the machine boots from."""
        return next((disk for disk in self.disks if disk.mount == "/"), None)

    @property
    def address(self) -> str | None:
        """The first address, without its prefix length."""
        return next(
            (card.ip.partition("/")[0] for card in self.cards if card.ip and card.ip[0].isdigit()), None
        )


def place_of(volume: str) -> Path:
    """Where a volume of any naming is below its storage's folder; a machine's disk has no file of its own."""
    name = re.sub(r"\.(raw|qcow2|vmdk)$", "", volume)
    if "/" not in name:
        name = f"{name.split('-')[1]}/{name}"
    return Path("images") / name


def guest_of(cluster: Any, vmid: int) -> Guest | None:
    """The guest of an id as it should be, or None when there is none."""
    vm, ct = cluster.vms.by_id.get(vmid), cluster.cts.by_id.get(vmid)
    if vm is not None:
        return _vm(cluster, vm)
    return _ct(cluster, ct) if ct is not None else None


def _vm(cluster: Any, vm: Any) -> Guest:
    config = dict(vm.config)
    cores = int(config.get("cores", 1)) * int(config.get("sockets", 1))
    return Guest(
        vmid=vm.vmid,
        name=str(vm.name),
        node=vm.node,
        is_vm=True,
        runs=vm.status == "running" and not vm.template,
        is_paused=vm.qmpstatus == "paused",
        disks=_vm_disks(cluster, config),
        cards=_vm_cards(cluster, config),
        snapshots=tuple(vm.snapshots),
        parent=config.get("parent"),
        memory_bytes=int(str(config.get("memory", 512)).removeprefix("current=")) * MIB,
        cpus=float(config.get("cpulimit") or cores),
        has_seed=any(
            "cloudinit" in str(config[key]) for key in config if re.match(r"(ide|sata|scsi)\d", key)
        ),
        config=config,
    )


def _vm_disks(cluster: Any, config: dict[str, Any]) -> tuple[Disk, ...]:
    drives = [
        (key, volume, options)
        for key, volume, options in drives_of(config, skip_cdrom=True)
        if ":" in volume and not key.startswith(("efidisk", "tpmstate", "unused"))
    ]
    order = str(config.get("boot", "")).removeprefix("order=").split(";")
    keys = [key for key, _, _ in drives]
    system = next((key for key in order if key in keys), keys[0] if keys else None)
    return tuple(
        _disk(cluster, key, volume, options.get("size"), "/" if key == system else f"/mnt/{key}")
        for key, volume, options in drives
    )


def _disk(cluster: Any, key: str, volume: str, size: str | None, mount: str) -> Disk:
    storage, _, name = volume.partition(":")
    shared = bool(cluster.storages.get(storage, {}).get("shared"))
    return Disk(key, storage, name, shared, parse_size(size) if size else None, mount)


def _vm_cards(cluster: Any, config: dict[str, Any]) -> tuple[Card, ...]:
    cards = []
    for key in sorted(key for key in config if re.fullmatch(r"net\d+", key)):
        number = key.removeprefix("net")
        options = split_drive("-," + str(config[key]))[1]
        told = split_drive("-," + str(config.get(f"ipconfig{number}", "")))[1]
        mac = next((options[model] for model in MODELS if model in options), options.get("macaddr"))
        cards.append(_card(cluster, f"eth{number}", options | {"mac": mac}, told))
    return tuple(cards)


def _card(cluster: Any, name: str, plug: dict[str, Any], address: dict[str, Any]) -> Card:
    bridge, vlan = str(plug.get("bridge", "vmbr0")), int(plug.get("tag") or 0)
    vnet = cluster.sdn["running"]["vnets"].get(bridge)
    if vnet is not None:
        bridge, vlan = "vmbr0", int(vnet.get("tag") or 0)
    return Card(
        name=name,
        bridge=bridge,
        vlan=vlan,
        mac=plug.get("mac"),
        is_up=str(plug.get("link_down", "0")) != "1",
        ip=address.get("ip"),
        gateway=address.get("gw"),
    )


def _ct(cluster: Any, ct: Any) -> Guest:
    config = dict(ct.config)
    disks = tuple(
        _disk(cluster, key, mount["volume"], mount.get("size"), "/" if key == "rootfs" else mount["mp"])
        for key, mount in ct.volumes()
    )
    cards = []
    for key in sorted(key for key in config if re.fullmatch(r"net\d+", key)):
        options = split_drive("-," + str(config[key]))[1]
        cards.append(
            _card(cluster, str(options.get("name")), options | {"mac": options.get("hwaddr")}, options)
        )
    return Guest(
        vmid=ct.vmid,
        name=str(ct.name),
        node=ct.node,
        is_vm=False,
        runs=ct.status == "running" and not ct.template,
        is_paused=False,
        disks=disks,
        cards=tuple(cards),
        snapshots=tuple(ct.snapshots),
        parent=config.get("parent"),
        memory_bytes=int(config.get("memory", 512)) * MIB,
        cpus=float(config.get("cpulimit") or config.get("cores") or 0) or None,
        has_seed=True,
        config=config,
    )
