"""The cluster as a whole: its version, votes, links, options, high availability and notifications."""

from __future__ import annotations

import re
from typing import Any

from provisioner.pve.sections.told import Told
from provisioner.pve.sections.values import flag, properties, words

TARGETS, MATCHERS = "/cluster/notifications/targets", "/cluster/notifications/matchers"
SMTP = "/cluster/notifications/endpoints/smtp"
HA_STATUS, HA_RESOURCES = "/cluster/ha/status/current", "/cluster/ha/resources"
MEMBERS, TOTEM, QDEVICE = "/cluster/config/nodes", "/cluster/config/totem", "/cluster/config/qdevice"


def version(told: Told) -> dict[str, Any]:
    """The version of the node that answered."""
    row = told["/version"]
    return {
        "version": row["version"],
        "release": row.get("release", ""),
        "major": int(str(row["version"]).split(".")[0]),
    }


def cluster(told: Told) -> dict[str, Any]:
    """The cluster; a node that stands alone has neither name nor quorum."""
    rows = told.rows("/cluster/status")
    nodes = [
        {"name": row["name"], "online": flag(row.get("online")), "ip": row.get("ip", "")}
        for row in rows
        if row["type"] == "node"
    ]
    found: dict[str, Any] = {"nodes": sorted(nodes, key=lambda node: str(node["name"])), "count": len(nodes)}
    for row in rows:
        if row["type"] == "cluster":
            found |= {"name": row["name"], "quorate": flag(row.get("quorate"))}
    return found


def corosync(told: Told) -> dict[str, Any] | None:
    """How the nodes talk and vote; None for a node that stands alone."""
    if "name" not in cluster(told):
        return None
    members, totem, qdevice = told.rows(MEMBERS), told[TOTEM] or {}, bool(told[QDEVICE])
    nodes = [
        {
            "name": row.get("name", row.get("node")),
            "links": sum(bool(re.fullmatch(r"ring\d_addr", key)) for key in row),
            "votes": int(row.get("quorum_votes", 1)),
        }
        for row in members
    ]
    return {
        "nodes": sorted(nodes, key=lambda node: str(node["name"])),
        "qdevice": qdevice,
        "tie_impossible": qdevice or sum(int(row.get("quorum_votes", 1)) for row in members) % 2 == 1,
        "encrypted": flag(totem.get("secauth"))
        or str(totem.get("crypto_cipher", "none")).lower() not in {"none", ""},
    }


def options(told: Told) -> dict[str, Any]:
    """The options of the datacentre, with Proxmox VE's defaults where nothing is set."""
    row = told["/cluster/options"] or {}
    migration, spread = properties(row.get("migration"), "type"), properties(row.get("ha"))
    return {
        "migration": {"type": migration.get("type", "secure"), "network": migration.get("network", "")},
        "replication": properties(row.get("replication"), "type"),
        "console": row.get("console", "html5"),
        "fencing": row.get("fencing", "watchdog"),
        "shutdown_policy": spread.get("shutdown_policy", "conditional"),
        "consent_text": bool(row.get("consent-text")),
        "webauthn": bool(row.get("webauthn")),
        "bandwidth_limits": properties(row.get("bwlimit")),
        "mac_prefix": row.get("mac_prefix", ""),
        "described": bool(row.get("description")),
    }


def high_availability(told: Told) -> dict[str, Any] | None:
    """What the HA stack looks after, and whether it is awake; None if it looks after nothing."""
    resources, current = told.rows(HA_RESOURCES), told.rows(HA_STATUS)
    if not resources:
        return None
    states = {row["sid"]: row.get("state", "") for row in current if row["type"] == "service"}
    told_armed = [row for row in current if row["type"] == "fencing"]
    watched = any("watchdog active" in str(row.get("status", "")) for row in current)
    return {
        "resources": [
            {
                "id": row["sid"],
                "asked": row.get("state", "started"),
                "state": states.get(row["sid"], ""),
                "max_restart": int(row.get("max_restart", 1)),
                "max_relocate": int(row.get("max_relocate", 1)),
            }
            for row in sorted(resources, key=lambda row: str(row["sid"]))
        ],
        "armed": told_armed[0].get("armed-state") == "armed" if told_armed else watched,
        "managers": [
            {"name": row["node"], "state": _inner(row.get("status", ""))}
            for row in sorted(current, key=lambda row: str(row.get("id")))
            if row["type"] == "lrm"
        ],
    }


def _inner(status: str) -> str:
    """`active` of `pve1 (active, watchdog active, Sun Nov 22 06:42:01 2026)`."""
    return status.partition("(")[2].partition(",")[0].rstrip(")").strip()


def notifications(told: Told) -> dict[str, Any]:
    """Who is told of trouble. `errors_reach` are the targets at which an error arrives."""
    targets = {
        row["name"]: {
            "name": row["name"],
            "type": row["type"],
            "enabled": not flag(row.get("disable")),
            "builtin": row.get("origin") == "builtin",
        }
        for row in told.rows(TARGETS)
    }
    reached = {
        name
        for row in told.rows(MATCHERS)
        if not flag(row.get("disable")) and _takes_errors(row)
        for name in words(row.get("target"))
    }
    return {
        "targets": [targets[name] for name in sorted(targets)],
        "errors_reach": sorted(name for name in reached if targets.get(name, {}).get("enabled")),
    }


def mail_servers(told: Told) -> list[dict[str, Any]]:
    """The SMTP servers that carry notifications."""
    return [
        {"name": row["name"], "mode": row.get("mode", "tls"), "enabled": not flag(row.get("disable"))}
        for row in sorted(told.rows(SMTP), key=lambda row: str(row["name"]))
    ]


def _takes_errors(row: dict[str, Any]) -> bool:
    """Whether a matcher lets an error through whatever it is about."""
    if row.get("match-field") or row.get("match-calendar") or flag(row.get("invert-match")):
        return False
    severities = row.get("match-severity")
    return not severities or "error" in words(",".join(map(str, severities)))
