"""Access control: roles, groups, users and tokens that grants name, and the identity that Bastide uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provisioner.estate.checks.view import Trail, View, unknown
from provisioner.estate.faults import Fault
from provisioner.model.access import AclEntry, User
from provisioner.model.guest import Ct, Vm
from provisioner.model.site import Site

BUILT_IN = frozenset(
    {
        *("Administrator", "NoAccess", "PVEAdmin", "PVEAuditor", "PVEDatastoreAdmin", "PVEDatastoreUser"),
        *("PVEMappingAdmin", "PVEMappingAuditor", "PVEMappingUser", "PVEPoolAdmin", "PVEPoolUser"),
        *("PVESDNAdmin", "PVESDNUser", "PVESysAdmin", "PVETemplateUser", "PVEUserAdmin"),
        *("PVEVMAdmin", "PVEVMUser"),
    }
)
"""Roles that every cluster has (PVE::AccessControl)."""

OWN_REALMS = frozenset({"pam", "pve"})
"""Realms whose users a cluster keeps itself; others are synchronised from a directory."""


def members(view: View) -> Iterator[Fault]:
    """Users in unknown groups."""
    for key, site in view.estate.sites.items():
        groups = view.names("sites", key, "access", "groups")
        for name, user in site.access.users.items():
            for at, group in enumerate(user.groups):
                if group not in groups:
                    path: Trail = ("sites", key, "access", "users", name, "groups", at)
                    yield unknown(path, f"group of {key}", group, groups)


def grants(view: View) -> Iterator[Fault]:
    """Grants of unknown roles, to unknown users, groups or tokens, on unknown pools and storages."""
    for key, site in view.estate.sites.items():
        roles = view.names("sites", key, "access", "roles") | BUILT_IN
        groups = view.names("sites", key, "access", "groups")
        for number, entry in enumerate(site.access.acl):
            here: Trail = ("sites", key, "access", "acl", number)
            if entry.role not in roles:
                yield unknown((*here, "role"), f"role of {key}", entry.role, roles)
            for at, group in enumerate(entry.groups):
                if group not in groups:
                    yield unknown((*here, "groups", at), f"group of {key}", group, groups)
            yield from _people(view, here, site, entry)
            yield from _object(view, here, entry)


def _people(view: View, here: Trail, site: Site, entry: AclEntry) -> Iterator[Fault]:
    key = str(here[1])
    users = view.names("sites", key, "access", "users")
    for at, user in enumerate(entry.users):
        if user not in users and not _elsewhere(user):
            yield unknown((*here, "users", at), f"user of {key}", user, users)
    for at, token in enumerate(entry.tokens):
        user, _, name = token.partition("!")
        known = view.names("sites", key, "access", "users", user, "tokens")
        if name not in known and token != site.api.token and not _elsewhere(user):
            every = {f"{one}!{each}" for one, person in site.access.users.items() for each in person.tokens}
            yield unknown((*here, "tokens", at), f"token of {key}", token, every)


def _elsewhere(user: str) -> bool:
    """Whether a user is not for the estate to declare: root, or one of a directory."""
    return user == "root@pam" or user.rpartition("@")[2] not in OWN_REALMS


def _object(view: View, here: Trail, entry: AclEntry) -> Iterator[Fault]:
    """The pool, storage or node at the end of a path."""
    parts = entry.path.strip("/").split("/", 1)
    section = {"pool": "pools", "storage": "storages", "nodes": "nodes"}.get(parts[0])
    if section and len(parts) > 1:
        known = view.names("sites", str(here[1]), section)
        if parts[1] not in known:
            yield unknown((*here, "path"), f"{section.removesuffix('s')} of {here[1]}", parts[1], known)


def expiry(view: View) -> Iterator[Fault]:
    """Users and tokens whose day has passed."""
    for key, site in view.estate.sites.items():
        for name, user in site.access.users.items():
            here: Trail = ("sites", key, "access", "users", name)
            if user.expires and user.expires <= view.now:
                yield _expired((*here, "expires"), f"user `{name}`", user.expires.date().isoformat())
            for token, one in user.tokens.items():
                if one.expires and one.expires <= view.now:
                    path: Trail = (*here, "tokens", token, "expires")
                    yield _expired(path, f"token `{name}!{token}`", one.expires.date().isoformat())


def _expired(path: Trail, what: str, day: str) -> Fault:
    return Fault(path, f"{what} expired on {day}", "extend it, or remove it")


def own_identity(view: View) -> Iterator[Fault]:
    """Estates that would cut off the identity that Bastide uses."""
    for key, site in view.estate.sites.items():
        identity = site.api.token or site.api.user or ""
        user = identity.partition("!")[0]
        declared: User | None = site.access.users.get(user)
        if declared and not declared.enabled:
            message = f"user `{user}` is disabled here, and Bastide itself uses it (`api`)"
            yield Fault(("sites", key, "access", "users", user, "enabled"), message, "leave it enabled")
        going = {f"token/{identity}", f"user/{user}"}
        for at, name in enumerate(site.remove):
            if name in going:
                message = f"`{name}` would be removed, and Bastide itself uses it (`api`)"
                yield Fault(("sites", key, "remove", at), message, "let `api` use another identity first")


def root_only(view: View) -> Iterator[Fault]:
    """Settings of guests that Proxmox VE takes from root@pam's own session alone, where Bastide is not that.

    No privilege and no token will do, root's neither (PVE::API2::Qemu, check_vm_modify_config_perm;
    PVE::LXC, check_ct_modify_config_perm).
    """
    for name, guest in view.estate.guests.items():
        site = view.estate.sites.get(guest.site)
        if site and site.api.user != "root@pam":
            for path, setting in _of_root(guest):
                message = f"Proxmox VE takes {setting} of `{name}` from root@pam alone, and from no token"
                hint = "set it on its node with `qm set` or `pct set` as root, or let `api.user` be root@pam"
                yield Fault(("guests", name, *path), message, hint)


def _of_root(guest: Vm | Ct) -> Iterator[tuple[Trail, str]]:
    if guest.hookscript:
        yield ("hookscript",), "the `hookscript`"
    for key in guest.options:
        if key == "args" or re.fullmatch(r"dev\d+", key):
            yield ("options", key), f"`{key}`"
    if isinstance(guest, Ct) and any(
        not (guest.unprivileged and feature.startswith("nesting=")) for feature in guest.features
    ):
        yield ("features",), "these `features`"


CHECKS = (members, grants, expiry, own_identity, root_only)
