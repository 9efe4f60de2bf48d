"""A small estate, the answers of Proxmox VE about its guests, and its judgement of calls."""

from __future__ import annotations

from fakepve import schema

from provisioner.decide.diff import differing
from provisioner.model.estate import Estate
from provisioner.model.objects import Work, estate_mark
from provisioner.resources.kind import Scope

SITE = "carpentras"
ESTATE_MARK = estate_mark("synergia")
MARK, BUILDING = "[bastide:synergia/120]", "[bastide:synergia/120+building]"
"""Of the guest 120."""
DIGEST = "1b66c16e5caa602b46f5c8f0e4685a03994f2147"

TEMPLATE = {
    "vmid": 9000,
    "site": SITE,
    "node": "ventoux-1",
    "template": True,
    "memory": "2G",
    "storage": "vmdata",
    "vga": "serial0",
    "serial": True,
    "disks": {"scsi0": "4G"},
}


def estate(**guests):
    """An estate of one site with these guests."""
    named = {name.replace("_", "-"): {"site": SITE, **guest} for name, guest in guests.items()}
    site = {
        "cluster": "ventoux",
        "api": {"endpoints": ["https://10.84.0.11:8006"], "token": "root@pam!bastide", "secret": "env:TOKEN"},
        "nodes": {
            f"ventoux-{n}": {"address": f"10.84.0.1{n}", "memory": "64G", "cores": 16} for n in (1, 2, 3)
        },
        "networks": {
            "servers": {
                "bridge": "vmbr0",
                "vlan": 20,
                "cidr": "10.84.20.0/24",
                "gateway": "10.84.20.1",
                "nameservers": ["10.84.20.11"],
                "search_domain": "ventoux.example",
            },
            "portal": {"vnet": "vportal"},
        },
        "storages": {
            "vmdata": {"type": "zfspool", "pool": "rpool/data", "content": ["images", "rootdir"]},
            "ceph": {"type": "rbd", "pool": "vms", "content": ["images", "rootdir"]},
        },
        "pools": {"clinical": {}, "technical": {}},
    }
    return Estate.model_validate({"estate": "synergia", "sites": {SITE: site}, "guests": named})


def scope(*wanted, version=9):
    """What a kind may know of the site."""
    return Scope(SITE, version, ESTATE_MARK, frozenset(wanted))


def answers(path, config, *, pending=None, delete=(), **row):
    """The answers about one guest; `config` in force, `pending` and `delete` at its next restart."""
    listed = {"type": path, "vmid": 120, "node": "ventoux-1", "status": "stopped", **row}
    items = [{"key": key, "value": value} for key, value in {"digest": DIGEST, **config}.items()]
    for key, value in (pending or {}).items():
        known = next((item for item in items if item["key"] == key), None)
        if known is None:
            items.append(known := {"key": key})
        known["pending"] = value
    for item in items:
        if item["key"] in delete:
            item["delete"] = 1
    place = f"/nodes/{listed['node']}/{path}/{listed['vmid']}"
    return {"/cluster/resources": [listed], f"{place}/pending": items}


def seen(kind, config, **row):
    """One guest as its kind observes it."""
    path = {"vm": "qemu", "ct": "lxc"}[kind.traits.kind]
    (one,) = kind.parse(scope(), answers(path, config, **row))
    return one


def wanted(kind, vmid=120, **guests):
    """One guest as the estate wants it."""
    return next(one for one in kind.desired(estate(**guests), SITE) if one.ref.id == str(vmid))


def changed(kind, desired, observed):
    """The names of the attributes that differ."""
    return {one.name for one in differing(desired, observed, kind.traits)}


def calls(kind, desired, observed, *, seen=(), restart=False):
    """The next calls, each of them legal for Proxmox VE."""
    names = changed(kind, desired, observed) if desired and observed else ()
    work = Work(desired, observed, frozenset(names), {one.ref: one for one in seen}, 9, ESTATE_MARK, restart)
    made = kind.calls(work)
    for call in made:
        assert problems(call) == {}, call
    return made


def problems(call):
    """What the API schema of Proxmox VE 9 finds wrong with a call."""
    match = schema.load().match(call.path)
    assert match is not None, call.path
    assert call.method in match.methods, (call.method, call.path)
    values = {**match.params, **call.params, **dict.fromkeys(call.secrets, "not-a-secret")}
    return schema.validate(match.methods[call.method].get("parameters") or {}, values)[1]
