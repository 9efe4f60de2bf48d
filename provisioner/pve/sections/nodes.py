"""The nodes of a cluster, as the API tells of each (PVE/API2/Nodes.pm and below)."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from provisioner.pve.sections.told import Told
from provisioner.pve.sections.values import days_until, flag, words

STATUS, SUBSCRIPTION, CERTIFICATES = "status", "subscription", "certificates/info"
REPOSITORIES, UPDATES, SERVICES = "apt/repositories", "apt/update", "services"
DNS, TIME, DISKS, NETWORK = "dns", "time", "disks/list?skipsmart=0", "network"
SERVED = ("pveproxy-ssl.pem", "pve-ssl.pem")
"""The certificates of the API, the first that is there being used (PVE/Certificate, pveproxy)."""
PROXMOX_HOSTS = ("enterprise.proxmox.com", "download.proxmox.com")
VERDICTS = {"PASSED": True, "OK": True, "FAILED": False}
"""What SMART says of a disk's health, where it says anything."""


def nodes(told: Told) -> dict[str, Any]:
    """Node to its version, kernel and boot."""
    return {node: _node(row) for node, row in told.by_node(STATUS).items()}


def _node(row: dict[str, Any]) -> dict[str, Any]:
    boot, kernel = row.get("boot-info") or {}, row.get("current-kernel") or {}
    return {
        "version": str(row.get("pveversion", "")).removeprefix("pve-manager/").partition("/")[0],
        "kernel": kernel.get("release", ""),
        "uptime_days": int(row.get("uptime", 0)) // 86_400,
        "boot": boot.get("mode", ""),
        "secure_boot": flag(boot["secureboot"]) if "secureboot" in boot else None,
    }


def versions(told: Told) -> dict[str, list[str]]:
    """The different versions and kernels that run."""
    seen = nodes(told).values()
    return {
        "pve": sorted({node["version"] for node in seen}),
        "kernels": sorted({node["kernel"] for node in seen}),
    }


def subscriptions(told: Told) -> dict[str, str]:
    """Node to the state of its subscription, such as active, notfound or expired."""
    return {node: str(row.get("status", "")) for node, row in told.by_node(SUBSCRIPTION).items()}


def certificates(told: Told) -> list[dict[str, Any]]:
    """The certificates of the nodes, without the certificates themselves."""
    return [
        _certificate(node, row, rows, told)
        for node, rows in told.by_node(CERTIFICATES).items()
        for row in sorted(rows, key=lambda row: str(row["filename"]))
    ]


def _certificate(node: str, row: dict[str, Any], rows: list[dict[str, Any]], told: Told) -> dict[str, Any]:
    served = next((name for name in SERVED if any(one["filename"] == name for one in rows)), None)
    return {
        "id": f"{node}/{row['filename']}",
        "node": node,
        "served": row["filename"] == served,
        "subject": row.get("subject", ""),
        "issuer": row.get("issuer", ""),
        "own_authority": "PVE Cluster Manager CA" in str(row.get("issuer", "")),
        "names": words(row.get("san")),
        "days_left": days_until(row.get("notafter"), told.now),
        "key_type": row.get("public-key-type", ""),
        "key_bits": int(row.get("public-key-bits", 0)),
        "fingerprint": row.get("fingerprint", ""),
    }


def repositories(told: Told) -> list[dict[str, Any]]:
    """The package sources in use on the nodes."""
    return [
        _repository(node, file["path"], row)
        for node, answer in told.by_node(REPOSITORIES).items()
        for file in answer.get("files") or []
        for row in file.get("repositories") or []
        if flag(row.get("Enabled")) and "deb" in row.get("Types", ())
    ]


def _repository(node: str, file: str, row: dict[str, Any]) -> dict[str, Any]:
    said = {str(one["Key"]).lower(): one["Values"] for one in row.get("Options") or []}
    uris, components = row.get("URIs") or [], row.get("Components") or []
    addresses = [urlsplit(uri) for uri in uris]
    return {
        "id": " ".join((node, *uris, *row.get("Suites", ()), *components)),
        "node": node,
        "file": file,
        "components": sorted(components),
        "signed_by": " ".join(map(str, said.get("signed-by", []))),
        "trusted": any(flag(value) for value in said.get("trusted", [])),
        "test": any("test" in component for component in components),
        "free": any("no-subscription" in component for component in components),
        "third_party": not all(_expected(address.hostname or "") for address in addresses),
        "encrypted": all(address.scheme == "https" for address in addresses),
    }


def _expected(host: str) -> bool:
    return host in PROXMOX_HOSTS or host == "debian.org" or host.endswith(".debian.org")


def repository_errors(told: Told) -> list[str]:
    """What apt cannot read of the sources."""
    return [
        f"{node}: {row.get('path')}: {row.get('error')}"
        for node, answer in told.by_node(REPOSITORIES).items()
        for row in answer.get("errors") or []
    ]


def updates(told: Told) -> dict[str, list[str]]:
    """Node to the packages with an update; the API does not tell which of them mend security."""
    return {
        node: sorted({str(row["Package"]) for row in rows}) for node, rows in told.by_node(UPDATES).items()
    }


def services(told: Told) -> dict[str, dict[str, bool]]:
    """Node to the services that matter and whether each runs; one that is not installed does not."""
    return {node: dict(_services(rows)) for node, rows in told.by_node(SERVICES).items()}


def _services(rows: list[dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    runs = {row.get("service", row.get("name")): row.get("state") == "running" for row in rows}
    yield "time", any(runs.get(name) for name in ("chrony", "systemd-timesyncd", "ntpsec", "openntpd"))
    yield "firewall", bool(runs.get("pve-firewall") or runs.get("proxmox-firewall"))
    yield from ((name, bool(runs.get(name))) for name in ("corosync", "cron", "pveproxy", "pvescheduler"))
    yield "mail", bool(runs.get("postfix"))
    yield "log", bool(runs.get("systemd-journald") or runs.get("syslog") or runs.get("rsyslog"))
    yield "high_availability", bool(runs.get("pve-ha-lrm") and runs.get("pve-ha-crm"))


def name_servers(told: Told) -> dict[str, list[str]]:
    """Node to the name servers that it asks."""
    return {
        node: [row[key] for key in ("dns1", "dns2", "dns3") if row.get(key)]
        for node, row in told.by_node(DNS).items()
    }


def clocks(told: Told) -> dict[str, dict[str, Any]]:
    """Node to its time zone, and by how much its clock differs from the others, in seconds."""
    found = told.by_node(TIME)
    middle = median(int(row["time"]) for row in found.values()) if found else 0
    return {
        node: {"timezone": row.get("timezone", ""), "apart_seconds": abs(int(row["time"]) - middle)}
        for node, row in found.items()
    }


def timezones(told: Told) -> list[str]:
    """The different time zones of the nodes."""
    return sorted({clock["timezone"] for clock in clocks(told).values()})


def disks(told: Told) -> list[dict[str, Any]]:
    """The disks of which SMART tells anything; `life_left_percent` counts for flash alone."""
    rows = []
    for node, listed in told.by_node(DISKS).items():
        for row in listed:
            wear = str(row.get("wearout", ""))
            rows.append(
                {
                    "id": f"{node}{row['devpath']}",
                    "healthy": VERDICTS.get(str(row.get("health", "")).upper()),
                    "life_left_percent": int(wear) if wear.isdecimal() else None,
                }
            )
    return sorted(rows, key=lambda row: row["id"])
