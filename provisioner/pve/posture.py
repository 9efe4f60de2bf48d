"""The posture of a site: what its API tells about how safely it is set up. No section holds a secret.

It is read in two waves: the second needs the names that the first tells. A section that could not be read, or
not wholly, says why; so does one that the identity may not see, for Proxmox VE then leaves rows out of its
lists without a word.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provisioner.errors import BastideError
from provisioner.model.finding import Collected, Subject
from provisioner.pve.permissions import how_to_grant, missing
from provisioner.pve.read import read_all
from provisioner.pve.sections import access, backups, cluster, firewall, guests, nodes
from provisioner.pve.sections.told import Told
from provisioner.pve.session import Session

PERMISSIONS = "/access/permissions"
CLUSTER = ("/", "Sys.Audit")
ACCESS = ("/access", "Sys.Audit")
GUESTS = ("/vms", "VM.Audit")
STORAGE = ("/storage", "Datastore.Audit")
NODES = ("/nodes", "Sys.Audit")
NOTIFICATIONS = ("/mapping/notifications", "Mapping.Audit")
BACKUPS = (("/storage", "Datastore.AllocateSpace"), ("/vms", "VM.Backup"))
"""Without these a list of backups is empty, unless one holds Datastore.Allocate (PVE::Storage)."""
RAW_BYTES = 256 * 1024
SECRET = frozenset(
    {"args", "cipassword", "client-key", "comment", "description", "hookscript", "key", "keyring", "keys"}
    | {"notes", "password", "pem", "serverid", "signature", "sshkeys", "ticket", "value"}
)
"""Fields of answers in which people keep secrets, or Proxmox VE does; no evidence holds them."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the posture, and the privileges without which it would be read with holes."""

    name: str
    make: Callable[[Told], Any]
    needs: tuple[tuple[str, str], ...] = (CLUSTER,)


SECTIONS = (
    Section("version", cluster.version, ()),
    Section("cluster", cluster.cluster),
    Section("corosync", cluster.corosync),
    Section("options", cluster.options),
    Section("ha", cluster.high_availability),
    Section("notifications", cluster.notifications, (NOTIFICATIONS,)),
    Section("mail_servers", cluster.mail_servers, (NOTIFICATIONS,)),
    Section("users", access.users, (ACCESS,)),
    Section("second_factors", access.second_factors, (ACCESS,)),
    Section("tokens", access.tokens, (ACCESS,)),
    Section("roles", access.roles, (ACCESS,)),
    Section("acl", access.acl, (ACCESS,)),
    Section("realms", access.realms, (ACCESS,)),
    Section("firewall", firewall.firewall),
    Section("management", firewall.management),
    Section("node_firewall", firewall.node_firewall, (NODES,)),
    Section("guest_firewall", firewall.guest_firewall, (GUESTS,)),
    Section("nodes", nodes.nodes, (NODES,)),
    Section("secure_boot", nodes.secure_boot, (NODES,)),
    Section("versions", nodes.versions, (NODES,)),
    Section("subscriptions", nodes.subscriptions, (NODES,)),
    Section("certificates", nodes.certificates, (NODES,)),
    Section("repositories", nodes.repositories, (NODES,)),
    Section("repository_errors", nodes.repository_errors, (NODES,)),
    Section("updates", nodes.updates, (NODES,)),
    Section("services", nodes.services, (NODES,)),
    Section("name_servers", nodes.name_servers, (NODES,)),
    Section("clocks", nodes.clocks, (NODES,)),
    Section("timezones", nodes.timezones, (NODES,)),
    Section("disks", nodes.disks, (NODES,)),
    Section("guests", guests.guests, (GUESTS,)),
    Section("vms", guests.vms, (GUESTS,)),
    Section("containers", guests.containers, (GUESTS,)),
    Section("snapshots", guests.snapshots, (GUESTS,)),
    Section("storages", backups.storages, (STORAGE,)),
    Section("storage_use", backups.storage_use, (STORAGE,)),
    Section("backup_jobs", backups.backup_jobs, (CLUSTER, STORAGE)),
    Section("not_backed_up", backups.not_backed_up, (CLUSTER, GUESTS)),
    Section("backups", backups.backups, (GUESTS, STORAGE, *BACKUPS)),
    Section("backup_tasks", backups.backup_tasks, (NODES,)),
    Section("replication", backups.replication, (GUESTS,)),
)
FIRST = (
    PERMISSIONS, "/version", "/cluster/status", "/cluster/resources", "/cluster/options",
    cluster.MEMBERS, cluster.TOTEM, cluster.QDEVICE, cluster.HA_STATUS, cluster.HA_RESOURCES,
    cluster.TARGETS, cluster.MATCHERS, cluster.SMTP,
    access.USERS, access.ROLES, access.ACL, access.REALMS,
    firewall.OPTIONS, firewall.RULES, firewall.IPSETS, firewall.GROUPS,
    backups.STORAGES, backups.JOBS, backups.UNCOVERED, backups.REPLICATION,
)  # fmt: skip
BELOW_NODES = (
    nodes.STATUS, nodes.SUBSCRIPTION, nodes.CERTIFICATES, nodes.REPOSITORIES, nodes.UPDATES, nodes.SERVICES,
    nodes.DNS, nodes.TIME, nodes.DISKS, "firewall/options", "firewall/rules", "replication",
)  # fmt: skip


def posture(session: Session, site: str, now: datetime) -> Collected:
    """What the API of a site tells. `now` is aware.

    Never raises for one section: what could not be read is its `error`. If nothing can be read at all, that
    is the `trouble` of what is returned.
    """
    subject = Subject(site, "site", site=site)
    try:
        told = _read(session, now)
    except BastideError as error:
        return Collected(subject, now, {}, trouble=error.told)
    lacking = _lacking(told)
    sections = {one.name: _section(one, told, lacking, session.identity) for one in SECTIONS}
    return Collected(subject, now, sections, raw=dict(_raw(session, told)))


def _read(session: Session, now: datetime) -> Told:
    told = Told({}, {}, now)
    for paths in (lambda _: FIRST, _second):
        readings = read_all(session, paths(told))
        told.answers.update(readings.answers)
        told.errors.update(readings.errors)
    return told


def _second(told: Told) -> tuple[str, ...]:
    """The paths that the answers of the first wave name, but for what an offline node would have to tell."""
    offline = {f"/nodes/{node}/": node for node in _whatever(lambda told: iter(told.offline), told)}
    asked = []
    for source in (_of_nodes, _of_access, _of_guests, _of_backups):
        for path in _whatever(source, told):
            node = next((name for below, name in offline.items() if path.startswith(below)), "")
            if node:
                told.errors[path] = BastideError(f"node {node} is offline")
            else:
                asked.append(path)
    return tuple(asked)


def _whatever(source: Callable[[Told], Iterator[str]], told: Told) -> list[str]:
    """The paths of a source; none if what they would be named by was not read, which its sections say."""
    try:
        return list(source(told))
    except (BastideError, KeyError, TypeError, ValueError, AttributeError):
        return []


def _of_nodes(told: Told) -> Iterator[str]:
    tasks = backups.TASKS.format(since=backups.since_seconds(told))
    return (f"/nodes/{node}/{below}" for node in told.nodes for below in (*BELOW_NODES, tasks))


def _of_access(told: Told) -> Iterator[str]:
    yield from (access.factor_path(row["userid"]) for row in told.rows(access.USERS))
    foreign = (row for row in told.rows(access.REALMS) if row["type"] not in access.OWN_REALMS)
    yield from (access.realm_path(row["realm"]) for row in foreign)
    sets = {row["name"] for row in told.rows(firewall.IPSETS)}
    yield from (firewall.ipset_path(name) for name in sets & {firewall.MANAGEMENT})


def _of_guests(told: Told) -> Iterator[str]:
    for guest in told.guests:
        yield from firewall.guest_paths(guest)
        yield f"{guest.path}/snapshot"


def _of_backups(told: Told) -> Iterator[str]:
    return (path for _, path in backups.backup_places(told))


def _lacking(told: Told) -> frozenset[tuple[str, str]] | None:
    """The privileges that the identity lacks; None if that could not be found out."""
    held = told.answers.get(PERMISSIONS)
    if not isinstance(held, Mapping):
        return None
    wanted = {pair for section in SECTIONS for pair in section.needs}
    lacked = frozenset(missing(held, wanted))
    if not missing(held, (("/storage", "Datastore.Allocate"),)):
        lacked -= frozenset(BACKUPS)
    return lacked


def _section(
    section: Section, told: Told, lacking: frozenset[tuple[str, str]] | None, identity: str
) -> Mapping[str, Any]:
    if section.needs and lacking is None:
        return {"error": "it could not be found out what the identity may see"}
    for path, privilege in section.needs:
        if (path, privilege) in (lacking or ()):
            return {"error": f"{identity} lacks {privilege} on {path}: {how_to_grant(identity, path)}"}
    told.gaps.clear()
    try:
        made = section.make(told)
    except BastideError as error:
        return {"error": error.told}
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return {"error": f"an answer has a form that is not understood ({type(error).__name__}: {error})"}
    return {"data": made, "error": "; ".join(told.gaps)} if told.gaps else {"data": made}


def _raw(session: Session, told: Told) -> Iterator[tuple[str, str]]:
    """The answers that it all rests on, by path, without what may be secret."""
    for path, answer in sorted(told.answers.items()):
        text = json.dumps(session.redaction.value(_shown(answer)), sort_keys=True, ensure_ascii=False)
        cut = len(text) > RAW_BYTES
        yield f"GET {path}", text[:RAW_BYTES] + "\n[cut here]" if cut else text


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "(left out)" if key in SECRET else _shown(one) for key, one in value.items()}
    return [_shown(one) for one in value] if isinstance(value, list) else value
