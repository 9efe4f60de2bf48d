"""Storages as `storage.cfg` knows them (PVE::Storage and its plugins)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from provisioner.model.base import Model, PveId, SecretRef

Content = Literal["images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import"]


class Prune(Model):
    """How many backups are kept; the oldest beyond every rule go (`prune-backups`)."""

    keep_last: int | None = Field(None, ge=1)
    keep_hourly: int | None = Field(None, ge=1)
    keep_daily: int | None = Field(None, ge=1)
    keep_weekly: int | None = Field(None, ge=1)
    keep_monthly: int | None = Field(None, ge=1)
    keep_yearly: int | None = Field(None, ge=1)
    keep_all: bool = False

    @model_validator(mode="after")
    def _alone(self) -> Prune:
        if self.keep_all and self.model_fields_set != {"keep_all"}:
            raise ValueError("`keep_all` keeps every backup: it stands alone")
        return self


class _Storage(Model):
    content: tuple[Content, ...] = Field(description="What the storage may hold.")
    nodes: tuple[str, ...] = Field((), description="The nodes that see it; empty means all.")
    enabled: bool = True
    prune: Prune | None = Field(None, description="Default retention of the backups kept here.")


class _Directory(_Storage):
    preallocation: Literal["off", "metadata", "falloc", "full"] | None = None


class DirStorage(_Directory):
    """A directory on each node, or a shared mount that somebody else mounts."""

    type: Literal["dir"]
    path: str
    shared: bool = False
    is_mountpoint: bool = Field(False, description="Offline unless something is mounted at `path`.")


class NfsStorage(_Directory):
    """An NFS export, mounted by Proxmox VE."""

    type: Literal["nfs"]
    server: str
    export: str
    options: str | None = Field(None, description="Mount options, such as `vers=4.2`.")


class BtrfsStorage(_Directory):
    """A btrfs file system, local to each node."""

    type: Literal["btrfs"]
    path: str
    is_mountpoint: bool = False


class ZfsStorage(_Storage):
    """A ZFS pool, local to each node; what in-site replication needs."""

    type: Literal["zfspool"]
    pool: str
    sparse: bool = Field(False, description="Thin provisioning.")
    blocksize: str | None = Field(None, description="Block size of new volumes, such as 16k.")


class LvmThinStorage(_Storage):
    """An LVM thin pool, local to each node."""

    type: Literal["lvmthin"]
    vgname: str
    thinpool: str


class _Ceph(_Storage):
    monhost: tuple[str, ...] = Field(
        (), description="Monitors of an external cluster; empty means the site's own Ceph."
    )
    username: str | None = None
    keyring: SecretRef | None = Field(None, description="Needed for an external cluster with cephx.")


class RbdStorage(_Ceph):
    """Block devices of a Ceph pool."""

    type: Literal["rbd"]
    pool: str
    data_pool: str | None = None
    namespace: str | None = None
    krbd: bool = False


class CephfsStorage(_Ceph):
    """A Ceph file system, mounted by Proxmox VE."""

    type: Literal["cephfs"]
    path: str | None = None
    subdir: str | None = None
    fs_name: str | None = None


class PbsStorage(_Storage):
    """A datastore of a Proxmox Backup Server."""

    type: Literal["pbs"]
    server: str
    datastore: str
    username: str = Field(description="A user or token of the backup server, such as `pve@pbs!ventoux`.")
    password: SecretRef
    fingerprint: str | None = Field(None, pattern=r"^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$")
    namespace: str | None = None
    port: int | None = Field(None, ge=1, le=65535)
    encryption_key: SecretRef | None = Field(
        None, description="Client-side encryption key; escrow it at both sites."
    )


Storage = Annotated[
    DirStorage
    | NfsStorage
    | BtrfsStorage
    | ZfsStorage
    | LvmThinStorage
    | RbdStorage
    | CephfsStorage
    | PbsStorage,
    Field(discriminator="type"),
]
Storages = dict[PveId, Storage]
