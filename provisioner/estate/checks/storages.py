"""Storages that guests use: known, enabled, on the guest's node, and for this kind of content."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.estate.checks.view import Trail, View, unknown
from provisioner.estate.faults import Fault
from provisioner.model.base import KIB, MIB, format_size
from provisioner.model.guest import Ct, Vm
from provisioner.model.storage import Storage

_LEAST_MEMORY, _LEAST_DISK = 16 * MIB, 512 * KIB
"""Proxmox VE's own least memory of a guest, and a little less than its smallest disk, that of EFI."""


def nodes(view: View) -> Iterator[Fault]:
    """Storages and pools of a site that name unknown nodes and storages."""
    for key, site in view.estate.sites.items():
        known, storages = view.names("sites", key, "nodes"), view.names("sites", key, "storages")
        for name, storage in site.storages.items():
            for at, node in enumerate(storage.nodes):
                if node not in known:
                    path: Trail = ("sites", key, "storages", name, "nodes", at)
                    yield unknown(path, f"node of {key}", node, known)
        for name, pool in site.pools.items():
            for at, member in enumerate(pool.storages):
                if member not in storages:
                    path = ("sites", key, "pools", name, "storages", at)
                    yield unknown(path, f"storage of {key}", member, storages)


def uses(view: View) -> Iterator[Fault]:
    """Storages that a guest names and cannot use."""
    for name, guest, site in view.guests():
        known = view.names("sites", guest.site, "storages")
        for path, storage, content in _used(name, guest):
            if storage not in known:
                add = f"declare it under `storages` of {guest.site}"
                yield unknown(path, f"storage of {guest.site}", storage, known, add=add)
            elif storage in site.storages:
                reason = _unfit(site.storages[storage], guest.node, content)
                if reason:
                    yield Fault(path, f"storage `{storage}` {reason[0]}, and `{name}` needs it", reason[1])


def _unfit(storage: Storage, node: str, content: str) -> tuple[str, str] | None:
    """Why a storage cannot hold this content on this node, and what to do about it."""
    if not storage.enabled:
        return "is disabled", "enable it or name another"
    if storage.nodes and node not in storage.nodes:
        return f"is not on node {node}", f"add the node to its `nodes`, or name a storage of {node}"
    if content not in storage.content:
        return f"does not offer `{content}`", f"add it to its `content` ({', '.join(storage.content)})"
    return None


def _used(name: str, guest: Vm | Ct) -> Iterator[tuple[Trail, str, str]]:
    """What a guest keeps where: (path, storage, content); its own `storage` is named once."""
    content = "images" if isinstance(guest, Vm) else "rootdir"
    here: Trail = ("guests", name)
    own = guest.storage and any(disk.storage is None for disk in guest.disks.values())
    if own and guest.storage:
        yield (*here, "storage"), guest.storage, content
    for key, disk in guest.disks.items():
        if disk.storage:
            yield (*here, "disks", key, "storage"), disk.storage, content
    if isinstance(guest, Vm) and guest.cloud_init and guest.cloud_init.storage:
        yield (*here, "cloud_init", "storage"), guest.cloud_init.storage, "images"
    yield from _volumes(here, guest)


def _volumes(here: Trail, guest: Vm | Ct) -> Iterator[tuple[Trail, str, str]]:
    """Volumes that a guest names, such as `local:snippets/hook.pl`: their second part tells the content."""
    named = [((*here, "image"), guest.image), ((*here, "hookscript"), guest.hookscript)]
    if isinstance(guest, Vm) and guest.cloud_init and guest.cloud_init.custom:
        parts = (part.partition("=")[2] for part in guest.cloud_init.custom.split(","))
        named.extend(((*here, "cloud_init", "custom"), part) for part in parts)
    for path, volume in named:
        if volume and ":" in volume:
            storage, _, rest = volume.partition(":")
            yield path, storage, rest.partition("/")[0] if "/" in rest else "images"


def disks(view: View) -> Iterator[Fault]:
    """Disks without a storage, smaller than their template's, or of an absurd size."""
    for name, guest in view.estate.guests.items():
        here: Trail = ("guests", name)
        if guest.memory_bytes < _LEAST_MEMORY:
            yield _tiny((*here, "memory"), f"`{name}` has {guest.memory_bytes} bytes of memory")
        template = view.estate.guests.get(guest.clone or "")
        for key, disk in guest.disks.items():
            path: Trail = (*here, "disks", key)
            if disk.size_bytes < _LEAST_DISK:
                yield _tiny(path, f"disk {key} of `{name}` has {disk.size_bytes} bytes")
            if not (disk.storage or guest.storage or guest.clone) and view.intact(*here):
                message = f"disk {key} of `{name}` has no storage"
                yield Fault(path, message, "give the guest a `storage`, or the disk one of its own")
            yield from _shrunk(path, name, disk.size_bytes, _size(template, key))


def _tiny(path: Trail, message: str) -> Fault:
    return Fault(path, message, "a number without a unit counts bytes: write 4G, or 512M")


def _size(template: Vm | Ct | None, disk: str) -> int:
    found = template.disks.get(disk) if template else None
    return found.size_bytes if found else 0


def _shrunk(path: Trail, name: str, size_bytes: int, least_bytes: int) -> Iterator[Fault]:
    if _LEAST_DISK <= size_bytes < least_bytes:
        message = f"disk {path[-1]} of `{name}` is smaller ({format_size(size_bytes)}) than its template's"
        yield Fault(path, message, f"a disk only grows: give it {format_size(least_bytes)} or more")


CHECKS = (nodes, uses, disks)
