"""What virtual machines and containers share: how they are read, and the settings that both have.

A guest is read by one GET, `/nodes/{node}/{qemu|lxc}/{vmid}/pending`, which tells the values in force, those
of the next restart, and the digest; node, power and pool come from `/cluster/resources`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.model.guest import Ct, StartOrder, Vm
from provisioner.model.objects import Observed, Ref, Value, guest_mark, read_mark
from provisioner.model.site import Site
from provisioner.resources.dialect import OPTION, Dialect
from provisioner.resources.disks import storages
from provisioner.resources.kind import Answers, Scope
from provisioner.resources.nics import networks
from provisioner.resources.properties import FLAG, INTEGER, TAGS, Field, Group

RESOURCES = "/cluster/resources"
PENDING = re.compile(r"^/nodes/(?P<node>[^/]+)/(?P<path>qemu|lxc)/(?P<vmid>\d+)/pending$")
TYPES = {"vm": "qemu", "ct": "lxc"}
HALF_MADE = ("clone", "create")
"""Locks of a guest whose configuration Proxmox VE has not written wholly yet."""

COMMON = (
    Field("tags", "tags", TAGS, default=()),
    Field("onboot", "onboot", FLAG, default=False),
    Field("protection", "protection", FLAG, default=False),
    Field("hookscript", "hookscript"),
    Field("template", "template", FLAG, default=False),
)
STARTUP = Group(
    "order",
    (Field("order", "order", INTEGER), Field("up", "up", INTEGER), Field("down", "down", INTEGER)),
)
SILENT = frozenset(
    {
        *("digest", "description", "lock", "parent", "snapshots", "snaptime", "snapstate", "unused"),
        *("vmstate", "runningcpu", "runningmachine", "running-nets-host-mtu"),
    }
)


def reads(_scope: Scope) -> tuple[str, ...]:
    """The list of all guests of the cluster."""
    return (RESOURCES,)


def details(kind: str, scope: Scope, answers: Answers) -> dict[str, Ref]:
    """One path for each guest of a kind."""
    return {
        f"{path_of(row['node'], kind, row['vmid'])}/pending": Ref(scope.site, kind, str(row["vmid"]))
        for row in answers.get(RESOURCES, ())
        if row["type"] == TYPES[kind]
    }


def refresh(kind: str, scope: Scope, ref: Ref, observed: Observed | None) -> tuple[str, ...]:
    """The configuration and the power of one guest; the cluster's list only where nothing less can tell.

    A guest that was not seen is looked for in the list, and `details` leads on from there. The pool of a
    guest that has one is told by that pool; that a guest has joined its first one is told by the list alone.
    The list's `status` lags by up to ten seconds (PVE::Service::pvestatd): power is asked of the guest.
    """
    if observed is None or observed.node is None:
        return (RESOURCES,)
    path = path_of(observed.node, kind, ref.id)
    pool = observed.attributes.get("pool")
    membership = (f"/pools/{pool}",) if pool else (RESOURCES,) if scope.wants("pool") else ()
    return (f"{path}/pending", f"{path}/status/current", *membership)


def path_of(node: str, kind: str, vmid: str | int) -> str:
    """`/nodes/pve1/qemu/100`."""
    return f"/nodes/{node}/{TYPES[kind]}/{vmid}"


def parse(dialect: Dialect, scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """All guests of a kind whose configuration is among the answers."""
    rows = {str(row["vmid"]): row for row in answers.get(RESOURCES, ()) if row["type"] == dialect.path}
    pools = dict(_memberships(answers))
    found = []
    for path, items in answers.items():
        match = PENDING.match(path)
        if match and match["path"] == dialect.path:
            row = {
                **rows.get(match["vmid"], {}),
                **answers.get(path.replace("/pending", "/status/current"), {}),
            }
            row["pool"] = row.get("pool") or pools.get(match["vmid"])
            found.append(_observed(dialect, scope, items, {**row, **match.groupdict()}))
    return tuple(found)


def _memberships(answers: Answers) -> Iterator[tuple[str, str]]:
    for path, answer in answers.items():
        if path.startswith("/pools/"):
            members = answer.get("members", ())
            yield from ((str(m["vmid"]), path.removeprefix("/pools/")) for m in members if "vmid" in m)


def _observed(
    dialect: Dialect, scope: Scope, items: list[dict[str, Any]], row: Mapping[str, Any]
) -> Observed:
    active = {item["key"]: str(item["value"]) for item in items if "value" in item}
    coming = {item["key"]: str(item["pending"]) for item in items if "pending" in item}
    gone = {item["key"] for item in items if item.get("delete")}
    config = {key: text for key, text in {**active, **coming}.items() if key not in gone}
    running, locked = row.get("status") == "running", config.get("lock", "")
    values = _values(dialect, config, row["vmid"])
    before = _values(dialect, active, row["vmid"]) if running and config != active else values
    description, mark = read_mark(config.get("description"), guest_mark(scope.mark, str(row["vmid"])))
    return Observed(
        ref=Ref(scope.site, dialect.kind, str(row["vmid"])),
        label=str(values[dialect.name] or row["vmid"]),
        attributes={**values, "description": description.strip(), "pool": row["pool"]},
        mark=mark,
        digest=config.get("digest", ""),
        active=_waiting(before, values),
        node=str(row["node"]),
        running=running,
        locked=locked,
    )


def _values(dialect: Dialect, config: Mapping[str, str], vmid: str) -> dict[str, Value]:
    """The attributes; a guest without a name is called `VM100`, as Proxmox VE does but for a blank."""
    values = dialect.read(config)
    if not values[dialect.name] and config.get("lock") not in HALF_MADE:
        values[dialect.name] = f"{dialect.kind.upper()}{vmid}"
    return values


def _waiting(before: Mapping[str, Value], values: Mapping[str, Value]) -> dict[str, Value]:
    """The values in force of what changes at the next restart."""
    names = sorted({*before, *values}) if before is not values else ()
    return {name: before.get(name) for name in names if before.get(name) != values.get(name)}


def common(guest: Vm | Ct) -> dict[str, Value]:
    """The settings that both kinds have, apart from the name."""
    order = guest.start or StartOrder()
    return {
        "description": guest.description.strip(),
        "tags": tuple(sorted(set(guest.tags))),
        "memory": guest.memory_bytes,
        "onboot": guest.onboot,
        "protection": guest.protection,
        "hookscript": guest.hookscript,
        "template": guest.template,
        "pool": guest.pool,
        "startup.order": order.order,
        "startup.up": order.up_seconds,
        "startup.down": order.down_seconds,
        **{f"{OPTION}{key}": str(value) for key, value in guest.options.items()},
    }


def origin(guest: Vm | Ct, template: Vm | Ct | None, site: Site) -> dict[str, Value]:
    """How and where a guest is made; none of it is ever compared."""
    made: dict[str, Value] = {
        "node": guest.node,
        "started": guest.started and not guest.template,
        "storage": next(iter(storages(guest)), None),
    }
    if template is not None:
        held = {*storages(guest), *storages(template)}
        made |= {"clone": template.vmid, "clone_node": template.node, "full": guest.full}
        made |= {"shared": all(is_shared(site, storage) for storage in held)}
    return made


def is_shared(site: Site, storage: str) -> bool:
    """Whether every node sees the same volumes there; a storage that the estate does not know is local."""
    known = site.storages.get(storage)
    return known is not None and (
        known.type in {"nfs", "rbd", "cephfs", "pbs"} or bool(getattr(known, "shared", False))
    )


def requires(guest: Vm | Ct, template: Vm | Ct | None, site: Site) -> frozenset[Ref]:
    """What has to be there before the guest: its template, pool, storages and virtual networks."""
    name = guest.site
    refs = {Ref(name, "storage", storage) for storage in storages(guest)}
    refs |= {Ref(name, "pool", guest.pool)} if guest.pool else set()
    refs |= {Ref(name, "sdn_vnet", net.vnet) for net in networks(guest, site) if net.vnet}
    return frozenset(refs | ({Ref(name, template.kind, str(template.vmid))} if template else set()))
