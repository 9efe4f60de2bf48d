"""Storages (PVE::API2::Storage::Config). Removing one removes its definition, never what it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provisioner.model.base import Model, SecretRef
from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Value, Work
from provisioner.model.storage import (
    BtrfsStorage,
    CephfsStorage,
    DirStorage,
    LvmThinStorage,
    NfsStorage,
    PbsStorage,
    RbdStorage,
    ZfsStorage,
)
from provisioner.resources.fields import (
    ENABLED,
    FLAG,
    INTEGER,
    LIST,
    Codec,
    Field,
    Fields,
    brief,
    read,
    wanted,
)
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.prune import KEEP_ALL, PRUNE
from provisioner.resources.section import Section, section_calls

TRAITS = Traits(
    kind="storage",
    title="storage",
    rank=10,
    audit=(("/storage", "Datastore.Audit"),),
    markable=False,
    capacity=("prune",),
    immutable=("type", "path", "server", "export", "pool", "datastore", "vgname", "thinpool"),
)
LOCAL = "local"
"""Every cluster has it; while nobody changes it Proxmox VE shows it with `keep-all=1`."""
SECRETS = ("password", "keyring", "encryption_key")
MODELS: Mapping[str, type[Model]] = {
    "dir": DirStorage,
    "nfs": NfsStorage,
    "btrfs": BtrfsStorage,
    "zfspool": ZfsStorage,
    "lvmthin": LvmThinStorage,
    "rbd": RbdStorage,
    "cephfs": CephfsStorage,
    "pbs": PbsStorage,
}
NOTHING = "none"
"""What `content` says of a storage that may hold nothing."""


def _read_content(answer: Any) -> Value:
    held = LIST.read(answer)
    return () if held == (NOTHING,) else held


CONTENT = Codec(_read_content, lambda kinds: ",".join(kinds) or NOTHING)
COMMON: Fields = (
    Field("type", "type"),
    Field("content", "content", CONTENT),
    Field("nodes", "nodes", LIST, ()),
    Field("enabled", "disable", ENABLED, default=True),
    Field("prune", "prune-backups", PRUNE),
)
OTHERS: Fields = (
    Field("preallocation", "preallocation"),
    Field("path", "path"),
    Field("shared", "shared", FLAG, default=False),
    Field("is_mountpoint", "is_mountpoint", FLAG, default=False),
    Field("server", "server"),
    Field("export", "export"),
    Field("options", "options"),
    Field("pool", "pool"),
    Field("sparse", "sparse", FLAG, default=False),
    Field("blocksize", "blocksize"),
    Field("vgname", "vgname"),
    Field("thinpool", "thinpool"),
    Field("monhost", "monhost", LIST, ()),
    Field("username", "username"),
    Field("data_pool", "data-pool"),
    Field("namespace", "namespace"),
    Field("krbd", "krbd", FLAG, default=False),
    Field("subdir", "subdir"),
    Field("fs_name", "fs-name"),
    Field("datastore", "datastore"),
    Field("fingerprint", "fingerprint"),
    Field("port", "port", INTEGER),
)


def fields_of(storage_type: str) -> Fields:
    """The attributes of a type of storage; of types that the model lacks only the common ones."""
    model = MODELS.get(storage_type)
    return COMMON + tuple(field for field in OTHERS if model and field.name in model.model_fields)


def reads(scope: Scope) -> tuple[str, ...]:
    """Storages carry no comment: they are read only if the estate has some."""
    return ("/storage",) if scope.wants("storage") else ()


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """All storages, also those of types that the model lacks, whose names are taken."""
    return tuple(
        Observed(
            ref=Ref(scope.site, "storage", row["storage"]),
            label=row["storage"],
            attributes=_usual(row["storage"], read(fields_of(row["type"]), row)),
            digest=row.get("digest") or "",
        )
        for row in answers.get("/storage", ())
    )


def _usual(name: str, attributes: dict[str, Value]) -> dict[str, Value]:
    """What Proxmox VE fills in by itself is as good as unset."""
    if name == LOCAL and attributes["prune"] == KEEP_ALL:
        return attributes | {"prune": None}
    if attributes["type"] == "cephfs" and attributes["path"] == f"/mnt/pve/{name}":
        return attributes | {"path": None}
    return attributes


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The storages of a site; their secrets are set when they are made."""
    return tuple(
        Desired(
            ref=Ref(site, "storage", name),
            label=name,
            attributes=_usual(name, wanted(fields_of(storage.type), storage)),
            secrets={
                key.replace("_", "-"): secret
                for key in SECRETS
                if isinstance(secret := getattr(storage, key, None), SecretRef)
            },
        )
        for name, storage in estate.sites[site].storages.items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Define, change or forget a storage."""
    known = work.desired or work.observed
    fields = fields_of(str(known.attributes["type"])) if known else ()
    return section_calls(Section("/storage", "storage", fields, lanes=("file-storage_cfg",)), work)


def adopt(scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `storages` of a site, of the types that the model knows."""
    storages = {
        storage.ref.id: _described(scope.site, storage)
        for storage in seen
        if storage.attributes["type"] in MODELS
    }
    return {"storages": storages} if storages else {}


def _described(site: str, storage: Observed) -> dict[str, Any]:
    kind = str(storage.attributes["type"])
    told = brief(fields_of(kind), MODELS[kind], storage.attributes)
    if kind == "pbs":  # the password cannot be seen; the estate has to say where it is
        told["password"] = "env:" + re.sub(r"\W", "_", f"{site}_{storage.ref.id}_password").upper()
    return told


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=lambda _scope, _ref, _observed: ("/storage",),
)
