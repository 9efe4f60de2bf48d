"""A site: one Proxmox VE cluster and what belongs to it alone."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field, HttpUrl, StringConstraints, model_validator

from provisioner.model.access import Access, TokenId, UserId
from provisioner.model.base import Model, Name, PveId, SecretRef, SizeBytes, Span
from provisioner.model.firewall import ClusterFirewall, NodeFirewall
from provisioner.model.hardening import Level
from provisioner.model.network import Iface, Interface, Networks, Sdn
from provisioner.model.storage import Prune, Storages

JobId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$")]
"""A backup job; Proxmox VE's own interface names them by UUIDs."""

NodeName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$")]


class Api(Model):
    """How to reach and trust a cluster's API: several endpoints, one identity."""

    endpoints: tuple[HttpUrl, ...] = Field(
        min_length=1, description="One per node, such as `https://10.84.0.11:8006`."
    )
    ca: str | None = Field(
        None, description="PEM file of the authority that signed them, relative to the estate."
    )
    fingerprint: str | None = Field(
        None,
        pattern=r"^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$",
        description="SHA-256 of the certificate, instead of `ca`.",
    )
    token: TokenId | None = None
    user: UserId | None = Field(
        None, description="For a ticket instead of a token; then `secret` is the password."
    )
    secret: SecretRef
    timeout: Span = Field(timedelta(seconds=30), description="For one answer.")
    task_timeout: Span | None = Field(
        None,
        description="For one task. Default: 10 minutes, and 4 hours where disks are copied.",
    )

    @model_validator(mode="after")
    def _one_identity(self) -> Api:
        if (self.token is None) == (self.user is None):
            raise ValueError("give a `token`, or a `user` whose password is the `secret`")
        if any(endpoint.scheme != "https" for endpoint in self.endpoints):
            raise ValueError("an endpoint is an https:// address")
        return self


class Node(Model):
    """A node of the cluster, and what it can carry."""

    address: IPv4Address
    memory_bytes: SizeBytes = Field(alias="memory")
    cores: int = Field(ge=1)
    hardening: Level | None = Field(None, description="Its ANSSI-BP-028 level, whatever others say.")
    interfaces: dict[Iface, Interface] = Field(default_factory=dict)
    firewall: NodeFirewall | None = None


class HaGroup(Model):
    """A group of nodes on PVE 8; PVE 9 has node-affinity rules instead."""

    nodes: dict[str, int | None] = Field(description="Node to priority.")
    restricted: bool = False
    nofailback: bool = False
    comment: str = ""


class NodeAffinity(Model):
    """Guests that prefer, or with `strict` only run on, some nodes (PVE 9)."""

    type: Literal["node-affinity"]
    guests: tuple[Name, ...] = Field(min_length=1)
    nodes: dict[str, int | None] = Field(description="Node to priority.")
    strict: bool = False
    enabled: bool = True
    comment: str = ""


class ResourceAffinity(Model):
    """Guests that stay together, or apart (PVE 9)."""

    type: Literal["resource-affinity"]
    guests: tuple[Name, ...] = Field(min_length=2)
    affinity: Literal["positive", "negative"]
    enabled: bool = True
    comment: str = ""


class HighAvailability(Model):
    """The placement rules of a site."""

    groups: dict[PveId, HaGroup] = Field(default_factory=dict)
    rules: dict[PveId, Annotated[NodeAffinity | ResourceAffinity, Field(discriminator="type")]] = Field(
        default_factory=dict
    )


class BackupJob(Model):
    """A backup job of the cluster (`/cluster/backup`); exactly one selection."""

    storage: PveId
    schedule: str = Field(description="A Proxmox VE calendar event, such as `21:00` or `mon..fri 21:00`.")
    guests: tuple[Name, ...] = ()
    pool: str | None = None
    all: bool = False
    exclude: tuple[Name, ...] = Field((), description="With `all` only.")
    node: str | None = None
    mode: Literal["snapshot", "suspend", "stop"] = "snapshot"
    compress: Literal["0", "gzip", "lzo", "zstd"] | None = "zstd"
    prune: Prune | None = None
    notes: str | None = Field(None, description="Template of the notes, such as `{{guestname}}`.")
    enabled: bool = True
    repeat_missed: bool = False
    comment: str = ""

    @model_validator(mode="after")
    def _one_selection(self) -> BackupJob:
        if (bool(self.guests) + bool(self.pool) + self.all) != 1:
            raise ValueError("a backup job selects `guests`, a `pool` or `all`, and one of them only")
        return self


class Pool(Model):
    """A resource pool."""

    comment: str = ""
    storages: tuple[PveId, ...] = ()


class Site(Model):
    """One clinic's site: an independent Proxmox VE cluster."""

    title: str = ""
    cluster: str
    version: Literal[8, 9] = 9
    api: Api
    nodes: dict[NodeName, Node] = Field(min_length=1)
    spare_nodes: int = Field(
        1, ge=0, description="How many nodes may fail while all guests still find memory; 0 accepts none."
    )
    hardening: Level | None = Field(None, description="The ANSSI-BP-028 level of hosts here that name none.")
    networks: Networks = Field(default_factory=dict)
    sdn: Sdn = Field(default_factory=Sdn)
    storages: Storages = Field(default_factory=dict)
    pools: dict[str, Pool] = Field(default_factory=dict)
    access: Access = Field(default_factory=Access)
    firewall: ClusterFirewall | None = None
    ha: HighAvailability = Field(default_factory=HighAvailability)
    backups: dict[JobId, BackupJob] = Field(default_factory=dict)
    remove: tuple[str, ...] = Field(
        (),
        description="`kind/id` of objects without room for a mark that shall go, such as `storage/old-nfs`.",
    )


class Witness(Model):
    """The small third place that holds the lease; no guest runs there."""

    title: str = ""
    address: IPv4Address
    hardening: Level | None = Field(None, description="Its ANSSI-BP-028 level, whatever others say.")
