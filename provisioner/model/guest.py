"""Guests: virtual machines and containers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, model_validator
from pydantic import Tag as PydanticTag

from provisioner.model.base import (
    DnsName,
    MacAddress,
    Model,
    Name,
    PveId,
    SecretRef,
    SizeBytes,
    VlanTag,
    Vmid,
)
from provisioner.model.firewall import GuestFirewall
from provisioner.model.hardening import Level
from provisioner.model.network import Iface

Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_][a-z0-9_+.-]*$", to_lower=True)]
VmDiskKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^(scsi([0-9]|[12][0-9]|30)|virtio([0-9]|1[0-5])|sata[0-5]|ide[0-3]|efidisk0|tpmstate0)$"
    ),
]
CtDiskKey = Annotated[
    str, StringConstraints(pattern=r"^(rootfs|mp([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))$")
]
NicKey = Annotated[str, StringConstraints(pattern=r"^net([0-9]|[12][0-9]|3[01])$")]

_WORDED = frozenset(
    {
        *("description", "digest", "hookscript", "lock", "onboot", "parent", "pool", "protection", "startup"),
        *("tags", "template", "cores", "memory", "nameserver", "ostype", "searchdomain"),
    }
)
VM_WORDED = _WORDED | {
    *("agent", "balloon", "bios", "boot", "bootdisk", "cicustom", "cipassword", "ciupgrade", "ciuser", "cpu"),
    *(
        "machine",
        "meta",
        "name",
        "numa",
        "scsihw",
        "serial0",
        "smbios1",
        "sockets",
        "sshkeys",
        "vga",
        "vmgenid",
    ),
}
CT_WORDED = _WORDED | {"arch", "cpulimit", "features", "hostname", "swap", "unprivileged"}
"""API keys that have a word of their own, or that Proxmox VE sets: `options` cannot hold them."""


def _disk(value: Any) -> Any:
    """`40G` is short for `{size: 40G}`."""
    return value if isinstance(value, dict | Model) else {"size": value}


class VmDisk(Model):
    """A disk of a virtual machine; it may grow, never shrink."""

    size_bytes: SizeBytes = Field(alias="size")
    storage: PveId | None = Field(None, description="Default: the guest's `storage`.")
    format: Literal["raw", "qcow2"] | None = None
    discard: bool = False
    ssd: bool = False
    iothread: bool = False
    cache: Literal["none", "writethrough", "writeback", "directsync", "unsafe"] | None = None
    backup: bool = True
    replicate: bool = True
    efitype: Literal["2m", "4m"] | None = Field(None, description="efidisk0 only.")
    pre_enrolled_keys: bool = Field(False, description="efidisk0 only: secure boot.")
    version: Literal["v1.2", "v2.0"] | None = Field(None, description="tpmstate0 only.")


class CtDisk(Model):
    """The root or a mount point of a container."""

    size_bytes: SizeBytes = Field(alias="size")
    storage: PveId | None = None
    mount: str | None = Field(None, description="Where a mount point is mounted; not for rootfs.")
    backup: bool | None = None
    replicate: bool = True
    acl: bool | None = None
    quota: bool = False
    read_only: bool = False


class _Nic(Model):
    network: Name | None = Field(None, description="A network of the guest's site; or give `bridge`.")
    bridge: Iface | None = None
    vlan: VlanTag | None = None
    mac: MacAddress | None = Field(None, description="Default: chosen by Proxmox VE and then kept.")
    address: IPv4Interface | Literal["dhcp"] | None = Field(
        None, description="With prefix length, or `dhcp`."
    )
    gateway: IPv4Address | None = Field(None, description="Default: the network's.")
    address6: IPv6Interface | Literal["auto", "dhcp"] | None = None
    gateway6: IPv6Address | None = None
    firewall: bool = False
    link_down: bool = False
    mtu: int | None = Field(None, ge=1, le=65520)
    rate_mbps: float | None = Field(None, gt=0, alias="rate", description="Megabytes per second.")

    @model_validator(mode="after")
    def _one_carrier(self) -> _Nic:
        if (self.network is None) == (self.bridge is None):
            raise ValueError("a network card needs a `network` or a `bridge`, and one of them only")
        return self


class VmNic(_Nic):
    """A network card of a virtual machine; addresses go to cloud-init."""

    model: Literal["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"] = "virtio"
    queues: int | None = Field(None, ge=0, le=64)


class CtNic(_Nic):
    """A network interface of a container."""

    name: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9]{1,14}$", description="Default: eth0 for net0, and so on."
    )


class CloudInit(Model):
    """What cloud-init tells a virtual machine at its first start."""

    storage: PveId | None = Field(
        None, description="Where the cloud-init drive lives; default: the guest's `storage`."
    )
    drive: str | None = Field(
        "ide2",
        pattern=r"^(ide[0-3]|sata[0-5]|scsi([0-9]|[12][0-9]|30))$",
        description="Where the drive is plugged in; null: no drive, as where another tool makes it.",
    )
    user: str | None = None
    password: SecretRef | None = Field(None, description="Set at creation only.")
    ssh_keys: tuple[str, ...] = ()
    nameservers: tuple[IPv4Address | IPv6Address, ...] = ()
    search_domain: str | None = None
    upgrade: bool = Field(False, description="Upgrade packages at first start.")
    custom: str | None = Field(None, description="`cicustom`, such as `user=local:snippets/base.yml`.")


class StartOrder(Model):
    """The place of a guest in the start of its node."""

    order: int | None = Field(None, ge=0)
    up_seconds: int | None = Field(None, ge=0, alias="up")
    down_seconds: int | None = Field(None, ge=0, alias="down")


class HaResource(Model):
    """How the site's high availability treats a guest."""

    state: Literal["started", "stopped", "enabled", "disabled", "ignored"] = "started"
    max_restart: int = Field(1, ge=0)
    max_relocate: int = Field(1, ge=0)
    failback: bool = Field(True, description="PVE 9: return to the preferred node.")
    group: PveId | None = Field(None, description="PVE 8 only; PVE 9 has rules.")
    comment: str = ""


class Replication(Model):
    """A replication job to another node of the same site (PVE::ReplicationConfig)."""

    target: str
    schedule: str = Field("*/15", description="A Proxmox VE calendar event.")
    rate_mbps: float | None = Field(None, gt=0, alias="rate", description="Megabytes per second.")
    enabled: bool = True
    comment: str = ""


class _Guest(Model):
    vmid: Vmid
    site: Name
    node: str = Field(description="Where the guest is created; HA and operators may move it later.")
    name: DnsName | None = Field(None, description="Default: the key of the guest.")
    description: str = ""
    cores: int = Field(1, ge=1, le=8192)
    memory_bytes: SizeBytes = Field(alias="memory")
    storage: PveId | None = Field(None, description="The default storage of its disks.")
    pool: str | None = None
    tags: tuple[Tag, ...] = ()
    onboot: bool = True
    protection: bool = False
    start: StartOrder | None = None
    started: bool = Field(
        True, description="Start it once it is made; afterwards its power is the operators' affair."
    )
    hookscript: str | None = Field(None, description="A volume such as `local:snippets/lease-guard.pl`.")
    ha: HaResource | None = None
    replication: tuple[Replication, ...] = ()
    hardening: Level | None = Field(None, description="Its ANSSI-BP-028 level, whatever others say.")
    firewall: GuestFirewall | None = None
    options: dict[str, str | int] = Field(
        default_factory=dict,
        description="Settings of the Proxmox VE API that Bastide has no word for, as they are.",
    )

    @model_validator(mode="after")
    def _options_without_a_word(self) -> _Guest:
        worded = VM_WORDED if isinstance(self, Vm) else CT_WORDED
        for key in sorted(self.options.keys() & worded):
            raise ValueError(f"`options` cannot hold `{key}`: there is a word for it, or Proxmox VE sets it")
        return self


class Vm(_Guest):
    """A virtual machine: cloned from a template, made from an image, or empty."""

    kind: Literal["vm"] = "vm"
    clone: Name | None = Field(None, description="A template among the guests of the same site.")
    full: bool = Field(True, description="A full clone; a linked one needs its template for ever.")
    image: str | None = Field(
        None, description="A volume to import for the first disk, such as `local:import/debian-13.qcow2`."
    )
    template: bool = Field(False, description="Turn it into a template once it is made.")
    sockets: int = Field(1, ge=1, le=64)
    cpu: str | None = Field(None, description="CPU type, such as `x86-64-v3` or `host`.")
    numa: bool = False
    balloon_bytes: SizeBytes | Literal[0] | None = Field(
        None, alias="balloon", description="Least memory; 0: no ballooning device; none: no setting."
    )
    ostype: str = "l26"
    bios: Literal["seabios", "ovmf"] = "seabios"
    machine: str | None = None
    scsihw: str = "virtio-scsi-single"
    vga: str | None = None
    serial: bool = Field(False, description="A serial console, as cloud images expect.")
    agent: bool = Field(True, description="The QEMU guest agent is installed inside.")
    boot: tuple[str, ...] = Field((), description="Boot order; default: the first disk.")
    disks: dict[VmDiskKey, Annotated[VmDisk, BeforeValidator(_disk, json_schema_input_type=VmDisk | str)]] = (
        Field(default_factory=dict)
    )
    nics: dict[NicKey, VmNic] = Field(default_factory=dict)
    cloud_init: CloudInit | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Vm:
        if self.clone and self.image:
            raise ValueError("a virtual machine comes from a `clone` or from an `image`, not from both")
        return self


class Ct(_Guest):
    """A container, made from a template archive or cloned."""

    kind: Literal["ct"]
    clone: Name | None = None
    full: bool = True
    image: str | None = Field(
        None,
        description="A template archive, such as `local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst`.",
    )
    template: bool = False
    cores: int = Field(1, ge=0, le=8192, description="0: as many as the node has.")
    swap_bytes: SizeBytes | Literal[0] | None = Field(None, alias="swap", description="Default: 512 MiB.")
    cpulimit: float | None = Field(None, ge=0, le=8192)
    unprivileged: bool = True
    features: tuple[str, ...] = Field((), description="Such as `nesting=1`.")
    ostype: str | None = None
    nameservers: tuple[IPv4Address | IPv6Address, ...] = ()
    search_domain: str | None = None
    ssh_keys: tuple[str, ...] = Field((), description="Set at creation only.")
    password: SecretRef | None = Field(None, description="Set at creation only.")
    disks: dict[CtDiskKey, Annotated[CtDisk, BeforeValidator(_disk, json_schema_input_type=CtDisk | str)]] = (
        Field(default_factory=dict)
    )
    nics: dict[NicKey, CtNic] = Field(default_factory=dict)


def _kind(value: Any) -> str:
    """A guest without `kind` is a virtual machine."""
    return str(value.get("kind", "vm") if isinstance(value, dict) else value.kind)


Guest = Annotated[Annotated[Vm, PydanticTag("vm")] | Annotated[Ct, PydanticTag("ct")], Discriminator(_kind)]
