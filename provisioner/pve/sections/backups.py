"""Where disks and backups lie, what is backed up and replicated, and when that last went well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.pve.sections.told import Told
from provisioner.pve.sections.values import flag, hours_since, moment, properties, words

STORAGES, JOBS, UNCOVERED = "/storage", "/cluster/backup", "/cluster/backup-info/not-backed-up"
REPLICATION = "/cluster/replication"
TASKS = "tasks?typefilter=vzdump&limit=500&since={since}"
OVER_THE_NETWORK = frozenset({"nfs", "cifs", "glusterfs", "iscsi", "iscsidirect", "pbs", "rbd", "cephfs"})
LOOKED_BACK_DAYS = 7


def storages(told: Told) -> list[dict[str, Any]]:
    """The storages; of `encrypted` only a backup server tells."""
    return [_storage(row) for row in sorted(told.rows(STORAGES), key=lambda row: str(row["storage"]))]


def _storage(row: Mapping[str, Any]) -> dict[str, Any]:
    kind, content = row["type"], words(row.get("content"))
    kept = properties(row.get("prune-backups"))
    return {
        "storage": row["storage"],
        "type": kind,
        "content": content,
        "enabled": not flag(row.get("disable")),
        "shared": flag(row.get("shared")) or kind in OVER_THE_NETWORK,
        "holds_backups": "backup" in content,
        "mixed": "backup" in content and bool({"images", "rootdir"} & set(content)),
        "keeps": sorted(f"{key}={value}" for key, value in kept.items()),
        "keeps_all": flag(kept.get("keep-all")),
        "encrypted": bool(row.get("encryption-key")) if kind == "pbs" else None,
        "pinned": bool(row.get("fingerprint")),
        "namespace": row.get("namespace", ""),
        "by_root": str(row.get("username", "")).startswith("root@pam"),
        "by_token": "!" in str(row.get("username", "")),
        "kerberos": "sec=krb5" in str(row.get("options", "")),
        "smb": str(row.get("smbversion", "default")) if kind == "cifs" else None,
    }


def storage_use(told: Told) -> list[dict[str, Any]]:
    """How full the storages are, on each node that sees them."""
    rows = []
    for row in told.rows("/cluster/resources"):
        if row.get("type") == "storage":
            total = int(row.get("maxdisk", 0))
            used = round(100 * int(row.get("disk", 0)) / total) if total else 0
            available = row.get("status") == "available"
            rows.append({"id": row["id"], "available": available, "used_percent": used})
    return sorted(rows, key=lambda row: str(row["id"]))


def backup_jobs(told: Told) -> list[dict[str, Any]]:
    """The backup jobs of the cluster."""
    kinds = {row["storage"]: row["type"] for row in told.rows(STORAGES)}
    return [
        {
            "id": row["id"],
            "enabled": flag(row.get("enabled"), default=True),
            "schedule": row.get("schedule", ""),
            "storage": row.get("storage", ""),
            "to_backup_server": kinds.get(row.get("storage")) == "pbs",
            "all": flag(row.get("all")),
            "exclude": words(row.get("exclude")),
            "mode": row.get("mode", "snapshot"),
            "prune": sorted(f"{key}={value}" for key, value in properties(row.get("prune-backups")).items()),
            "catches_up": flag(row.get("repeat-missed")),
            "next": moment(row.get("next-run")),
        }
        for row in sorted(told.rows(JOBS), key=lambda row: str(row["id"]))
        if row.get("type", "vzdump") == "vzdump"
    ]


def not_backed_up(told: Told) -> list[str]:
    """The guests that no backup job takes, as `110 (dpi-db)`."""
    there = {guest.vmid for guest in told.guests}
    return [
        f"{row['vmid']} ({row.get('name', '?')})"
        for row in sorted(told.rows(UNCOVERED), key=lambda row: int(row["vmid"]))
        if int(row["vmid"]) in there
    ]


def backup_places(told: Told) -> list[tuple[str, str]]:
    """(storage, path that lists its backups) for each that holds backups; of a local one, for each node."""
    places = []
    for row in told.rows(STORAGES):
        if "backup" not in words(row.get("content")) or flag(row.get("disable")):
            continue
        seen_by = words(row.get("nodes")) or told.nodes
        online = [node for node in seen_by if node not in told.offline]
        shared = flag(row.get("shared")) or row["type"] in OVER_THE_NETWORK
        asked = online[:1] if shared and online else seen_by
        below = f"storage/{row['storage']}/content?content=backup"
        places += [(row["storage"], f"/nodes/{node}/{below}") for node in asked]
    return places


def backups(told: Told) -> list[dict[str, Any]]:
    """The backups of each guest: how many, where, and what is known of the newest.

    Raises BastideError if one storage was not read: what lies there may be the newest, or the only one.
    """
    made: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for storage, path in backup_places(told):
        for row in told.rows(path):
            if row.get("vmid"):
                made[int(row["vmid"])].append({**row, "storage": storage})
    return [
        guest.called | _backups(sorted(made[guest.vmid], key=lambda row: int(row["ctime"])), told)
        for guest in told.guests
    ]


def _backups(rows: list[dict[str, Any]], told: Told) -> dict[str, Any]:
    newest: Mapping[str, Any] = rows[-1] if rows else {}
    verified = [row["verification"].get("state") == "ok" for row in rows if row.get("verification")]
    return {
        "count": len(rows),
        "storages": sorted({row["storage"] for row in rows}),
        "newest": moment(newest.get("ctime")),
        "age_hours": hours_since(newest.get("ctime"), told.now),
        "encrypted": flag(newest.get("encrypted")) or len(str(newest.get("encrypted", ""))) > 1,
        "verified": verified[-1] if verified else None,
        "damaged": verified.count(False),
        "protected": sum(flag(row.get("protected")) for row in rows),
    }


def backup_tasks(told: Told) -> list[dict[str, Any]]:
    """The newest backup task of each guest and node in the last days, and how it ended."""
    newest: dict[str, dict[str, Any]] = {}
    since = TASKS.format(since=since_seconds(told))
    for node, rows in told.by_node(since).items():
        for row in sorted(rows, key=lambda row: int(row["starttime"])):
            if row.get("endtime"):
                newest[f"{node} {row.get('id') or 'job'}"] = row
    return [
        {"id": name, "ended": moment(row["endtime"]), "status": row.get("status", "")}
        for name, row in sorted(newest.items())
    ]


def since_seconds(told: Told) -> int:
    """From when on backup tasks are looked at, in seconds since 1970."""
    return int(told.now.timestamp()) - LOOKED_BACK_DAYS * 86_400


def replication(told: Told) -> list[dict[str, Any]]:
    """The replication jobs, with when each last went well."""
    states = {row["id"]: row for rows in told.by_node("replication").values() for row in rows}
    return list(_replication(told, states))


def _replication(told: Told, states: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in sorted(told.rows(REPLICATION), key=lambda row: str(row["id"])):
        state = states.get(row["id"])
        enabled = not flag(row.get("disable"))
        if state is None and enabled:
            told.gaps.append(f"replication {row['id']}: no node tells its state")
            continue
        state = state or {}
        yield {
            "id": row["id"],
            "vmid": int(row["guest"]),
            "target": row["target"],
            "schedule": row.get("schedule", "*/15"),
            "enabled": enabled,
            "rate_limited": bool(row.get("rate")),
            "last_sync": moment(state.get("last_sync")),
            "age_hours": hours_since(state.get("last_sync"), told.now),
            "failures": int(state.get("fail_count", 0)),
            "error": str(state.get("error", "")),
        }
