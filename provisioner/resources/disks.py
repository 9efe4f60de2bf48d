"""Disks of virtual machines and volumes of containers: reading, making, growing and moving them.

Only volumes of a storage are worded (`local:110/vm-110-disk-0.qcow2`); CD-ROMs, passed-through devices and
bind mounts stay `options`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.errors import BastideError
from provisioner.model.base import GIB, format_size
from provisioner.model.guest import Ct, CtDisk, Vm, VmDisk
from provisioner.model.objects import Value
from provisioner.resources.kind import Fragment
from provisioner.resources.properties import DISCARD, FLAG, SIZE, Field, Group, join, split

VM_KEY = r"(scsi|virtio|sata|ide)\d+"
CT_KEY = r"rootfs|mp\d+"
STATE_KEYS = ("efidisk0", "tpmstate0")
"""Small disks of a fixed size that hold firmware variables and TPM state; never removed unasked."""
VM_DISKS = ("scsi*.size", "virtio*.size", "sata*.size", "ide*.size")
CT_DISKS = ("mp*.size",)
CLOUD_INIT = re.compile(r"^([^:,/]+):(?:[^,]*vm-\d+-)?cloudinit(?:\.[a-z0-9]+)?(?:,|$)")
VOLUME = re.compile(r"^[^:,/]+:[^,]+$")


@dataclass(frozen=True, slots=True)
class Drive(Group):
    """The grammar of a drive: the storage is part of its volume, and a new one is asked for by its size."""

    def read(self, text: str) -> dict[str, Value]:
        """The attributes of a drive; `storage` is that of its volume."""
        values = Group.read(self, text)
        return {**values, "storage": str(values["volume"]).partition(":")[0]}

    def write(self, values: Mapping[str, Value]) -> str:
        """A drive that is there, by its volume; a new one as `storage:GiB`, or as an import.

        Raises BastideError if a new one has no storage.
        """
        if values.get("volume"):
            return Group.write(self, values)
        if not values.get("storage"):
            raise BastideError("a new disk has no storage", "give the disk or the guest a `storage`")
        made = Group.write(self, {**values, "volume": new_volume(values), "size": None})
        asked = [f"{key}={values[key]}" for key in ("import-from", "format") if values.get(key)]
        return ",".join([made, *asked])


def new_volume(values: Mapping[str, Value]) -> str:
    """`local:40` for 40 GiB, `local:0` for what is imported, as Proxmox VE asks for new volumes."""
    size = values.get("size")
    gibibytes = 0 if values.get("import-from") else size / GIB if isinstance(size, int) else 1
    return f"{values['storage']}:{gibibytes:.10g}"


def _spell_vm(text: str) -> str | None:
    parts = split(text, "file")
    parts.setdefault("file", parts.pop("volume", ""))
    is_disk = parts.get("media", "disk") == "disk" and VOLUME.match(parts["file"])
    return join(parts, "file") if is_disk else None


def _spell_ct(text: str) -> str | None:
    return text if VOLUME.match(split(text, "volume").get("volume", "")) else None


_KEPT = Field("replicate", "replicate", FLAG, default=True)
VM_DISK = Drive(
    "file",
    (
        Field("file", "volume"),
        Field("size", "size", SIZE),
        Field("discard", "discard", DISCARD, default=False),
        Field("ssd", "ssd", FLAG, default=False),
        Field("iothread", "iothread", FLAG, default=False),
        Field("cache", "cache"),
        Field("backup", "backup", FLAG, default=True),
        _KEPT,
    ),
    _spell_vm,
)
STATE_DISK = Drive(
    "file",
    (
        Field("file", "volume"),
        Field("size", "size", SIZE),
        Field("efitype", "efitype"),
        Field("pre-enrolled-keys", "pre_enrolled_keys", FLAG),
        Field("version", "version"),
    ),
    _spell_vm,
)
CT_DISK = Drive(
    "volume",
    (
        Field("volume", "volume"),
        Field("size", "size", SIZE),
        Field("mp", "mount"),
        Field("backup", "backup", FLAG, default=False),
        _KEPT,
        Field("acl", "acl", FLAG),
        Field("quota", "quota", FLAG, default=False),
        Field("ro", "read_only", FLAG, default=False),
    ),
    _spell_ct,
)


def wanted(guest: Vm | Ct) -> dict[str, Value]:
    """The attributes of a guest's disks."""
    values: dict[str, Value] = {}
    for key, disk in guest.disks.items():
        own = _vm_disk(key, disk) if isinstance(disk, VmDisk) else _ct_disk(key, disk)
        storage = disk.storage or guest.storage
        place = {"storage": storage} if storage else {}
        values |= {f"{key}.{name}": value for name, value in {**place, **own}.items()}
    return values


def _vm_disk(key: str, disk: VmDisk) -> dict[str, Value]:
    if key in STATE_KEYS:
        return {}
    return {
        "size": disk.size_bytes,
        "discard": disk.discard,
        "ssd": disk.ssd,
        "iothread": disk.iothread,
        "cache": disk.cache,
        "backup": disk.backup,
        "replicate": disk.replicate,
    }


def _ct_disk(key: str, disk: CtDisk) -> dict[str, Value]:
    root = key == "rootfs"
    only_mounts: dict[str, Value] = {} if root else {"mount": disk.mount, "backup": bool(disk.backup)}
    return {
        "size": disk.size_bytes,
        **only_mounts,
        "replicate": disk.replicate,
        "acl": disk.acl,
        "quota": disk.quota,
        "read_only": disk.read_only,
    }


def at_creation(guest: Vm | Ct) -> dict[str, Value]:
    """What matters only when a disk is made: its format, what it is imported from, the kind of its state."""
    values: dict[str, Value] = {}
    for key, disk in guest.disks.items():
        if not isinstance(disk, VmDisk):
            continue
        if disk.format:
            values[f"{key}.format"] = disk.format
        if key == "efidisk0":
            values[f"{key}.efitype"] = disk.efitype or "4m"
            values[f"{key}.pre_enrolled_keys"] = disk.pre_enrolled_keys
        if key == "tpmstate0":
            values[f"{key}.version"] = disk.version or "v2.0"
    return values


def first_disk(guest: Vm) -> str:
    """The disk that an image is imported to. Raises BastideError if the guest has none."""
    keys = [key for key in guest.disks if key not in STATE_KEYS]
    if not keys:
        raise BastideError(
            f"guest {guest.vmid} has an image and no disk to import it to",
            "give it a disk, such as `scsi0: 40G`",
        )
    return keys[0]


def storages(guest: Vm | Ct) -> tuple[str, ...]:
    """The storages of a guest's disks, each once."""
    own = [disk.storage or guest.storage for disk in guest.disks.values()]
    return tuple(dict.fromkeys(storage for storage in (*own, guest.storage) if storage))


def adopted(disks: Mapping[str, Mapping[str, Value]]) -> Fragment:
    """`storage` and `disks` in the words of the estate; a disk of unknown size stays unmanaged."""
    known = {key: values for key, values in disks.items() if isinstance(values["size"], int)}
    if not known:
        return {}
    usual = Counter(str(values["storage"]) for values in known.values()).most_common(1)[0][0]
    return {"storage": usual, "disks": {key: _adopted(values, usual) for key, values in known.items()}}


def _adopted(values: Mapping[str, Value], usual: str) -> str | int | Fragment:
    size = size_word(values["size"])
    words: Fragment = {"size": size}
    if values["storage"] != usual:
        words["storage"] = values["storage"]
    worded = ("discard", "ssd", "iothread", "cache", "mount", "quota", "read_only", "efitype", "version")
    words |= {word: values[word] for word in (*worded, "pre_enrolled_keys") if values.get(word)}
    words |= {word: False for word in ("replicate",) if values.get(word) is False}
    words |= {"acl": values["acl"]} if values.get("acl") is not None else {}
    words |= _backup_word(values)
    return size if words == {"size": size} else words


def size_word(size: Value) -> str | int:
    """A size as an estate says it; one that is not a multiple of a KiB can only be said in bytes."""
    text = format_size(int(str(size)))
    return int(text) if text.isdigit() else text


def _backup_word(values: Mapping[str, Value]) -> Fragment:
    """A disk of a virtual machine is backed up unless it says no, a mount point only if it says yes."""
    usual = "discard" in values
    return {"backup": not usual} if "backup" in values and values["backup"] is not usual else {}
