"""Backup jobs and in-site replication: what they name must exist and be able to do it."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.estate.checks.view import Trail, View, unknown
from provisioner.estate.faults import Fault
from provisioner.model.guest import Ct, Vm
from provisioner.model.site import BackupJob, Site
from provisioner.model.storage import ZfsStorage


def backups(view: View) -> Iterator[Fault]:
    """Backup jobs to, of or on something that is not there."""
    for key, site in view.estate.sites.items():
        for name, job in site.backups.items():
            here: Trail = ("sites", key, "backups", name)
            yield from _target(view, here, site, job)
            for field, what, one in (("pools", "pool", job.pool), ("nodes", "node", job.node)):
                known = view.names("sites", key, field)
                if one and one not in known:
                    yield unknown((*here, what), f"{what} of {key}", one, known)
            for field, many in (("guests", job.guests), ("exclude", job.exclude)):
                for at, guest in enumerate(many):
                    yield from _guest(view, (*here, field, at), guest)


def _target(view: View, here: Trail, site: Site, job: BackupJob) -> Iterator[Fault]:
    key = str(here[1])
    known, storage = view.names("sites", key, "storages"), site.storages.get(job.storage)
    if job.storage not in known:
        yield unknown((*here, "storage"), f"storage of {key}", job.storage, known)
    elif storage and "backup" not in storage.content:
        message = f"storage `{job.storage}` does not offer `backup`"
        yield Fault((*here, "storage"), message, "add it to its `content`, or name another storage")


def _guest(view: View, path: Trail, name: str) -> Iterator[Fault]:
    guest = view.estate.guests.get(name)
    if name not in view.names("guests"):
        yield unknown(path, "guest", name, view.names("guests"))
    elif guest and guest.site != path[1]:
        message = f"guest `{name}` is at {guest.site}, and this job at {path[1]}"
        yield Fault(path, message, f"name it in a job of {guest.site}")


def replication(view: View) -> Iterator[Fault]:
    """Replication to the own node, to unknown nodes, twice to one, or of disks that cannot be replicated."""
    for name, guest, site in view.guests():
        seen: set[str] = set()
        for at, job in enumerate(guest.replication):
            path: Trail = ("guests", name, "replication", at, "target")
            nodes = view.names("sites", guest.site, "nodes")
            if job.target not in nodes:
                yield unknown(path, f"node of {guest.site}", job.target, nodes)
            elif job.target == guest.node:
                yield Fault(path, f"`{name}` is replicated to {job.target}, where it is", "name another node")
            elif job.target in seen:
                yield Fault(path, f"`{name}` is replicated twice to {job.target}", "keep one of the jobs")
            seen.add(job.target)
        if guest.replication:
            yield from _disks(name, guest, site)


def _disks(name: str, guest: Vm | Ct, site: Site) -> Iterator[Fault]:
    """Disks on a storage without replication (PVE::Storage::Plugin features: only ZFS has it)."""
    targets = {job.target for job in guest.replication}
    for key, disk in guest.disks.items():
        storage_name = disk.storage or guest.storage or ""
        storage = site.storages.get(storage_name)
        path: Trail = ("guests", name, "disks", key)
        if storage is None or not disk.replicate:
            continue
        if not isinstance(storage, ZfsStorage):
            message = (
                f"disk {key} of `{name}` cannot be replicated: `{storage_name}` is of type {storage.type}"
            )
            yield Fault(path, message, "put it on a zfspool storage, or give it `replicate: false`")
        elif storage.nodes and targets - set(storage.nodes):
            missing = ", ".join(sorted(targets - set(storage.nodes)))
            message = f"disk {key} of `{name}` cannot be replicated: `{storage_name}` is not on {missing}"
            yield Fault(path, message, "replicate to a node that has the storage")


CHECKS = (backups, replication)
