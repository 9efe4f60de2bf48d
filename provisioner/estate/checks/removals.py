"""`remove:` of a site: nothing that the estate also declares."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.estate.checks.view import Trail, View, unknown
from provisioner.estate.faults import Fault

DECLARED = {
    "storage": ("storages",),
    "pool": ("pools",),
    "role": ("access", "roles"),
    "group": ("access", "groups"),
    "user": ("access", "users"),
    "backup_job": ("backups",),
    "ha_rule": ("ha", "rules"),
    "ha_group": ("ha", "groups"),
    "sdn_zone": ("sdn", "zones"),
    "sdn_vnet": ("sdn", "vnets"),
    "alias": ("firewall", "aliases"),
    "ipset": ("firewall", "ipsets"),
    "security_group": ("firewall", "groups"),
}
"""Kind of object to the section of a site that declares it."""
UNNAMED = ("vm", "ct", "token", "acl", "interface", "sdn_subnet", "ha_resource", "replication")
"""Kinds whose ids are no keys of the estate."""


def contradictions(view: View) -> Iterator[Fault]:
    """Objects that shall go and shall be there, and entries that name nothing."""
    for key, site in view.estate.sites.items():
        for at, entry in enumerate(site.remove):
            path: Trail = ("sites", key, "remove", at)
            kind, _, name = entry.partition("/")
            if not kind or not name:
                yield Fault(path, f"`{entry}` names no object", "write `kind/id`, such as `storage/old-nfs`")
            elif kind not in DECLARED and kind not in UNNAMED:
                yield unknown(path, "kind of object", kind, {*DECLARED, *UNNAMED})
            elif name in _declared(view, key, kind):
                message = f"`{entry}` shall be removed, and is declared as well"
                yield Fault(path, message, "remove one of the two")


def _declared(view: View, site: str, kind: str) -> frozenset[str]:
    if kind in {"vm", "ct"}:
        return frozenset(str(guest.vmid) for guest in view.by_site[site].values())
    return view.names("sites", site, *DECLARED[kind]) if kind in DECLARED else frozenset()


CHECKS = (contradictions,)
