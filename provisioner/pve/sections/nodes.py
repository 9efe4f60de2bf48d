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
DNS, TIME, DISKS = "dns", "time", "disks/list?skipsmart=0"
SERVED = ("pveproxy-ssl.pem", "pve-ssl.pem")
"""The certificates of the API, the first that is there being used (PVE/Certificate, pveproxy)."""
PROXMOX_HOSTS = ("enterprise.proxmox.com", "download.proxmox.com")
VERDICTS = {"PASSED": True, "OK": True, "FAILED": False}
"""What SMART says of a disk's health, where it says anything."""


def nodes(told: Told) -> dict[str, Any]:
    """Node to its version, kernel and days since its start."""
    return {
        node: {
            "version": str(row.get("pveversion", "")).removeprefix("pve-manager/").partition("/")[0],
            "kernel": (row.get("current-kernel") or {}).get("release", ""),
            "uptime_days": int(row["uptime"]) // 86_400,
        }
        for node, row in told.by_node(STATUS).items()
    }


def secure_boot(told: Told) -> dict[str, bool]:
    """Node to whether its firmware let start only what was signed; a node that does not say is a gap."""
    found = {}
    for node, row in told.by_node(STATUS).items():
        boot = row.get("boot-info")
        if boot:
            found[node] = flag(boot.get("secureboot"))
        else:
            told.gaps.append(f"{node} does not tell how it was started")
    return found


def versions(told: Told) -> dict[str, Any]:
    """The different versions and kernels that run, and whether there is one alone."""
    seen = nodes(told).values()
    pve, kernels = {node["version"] for node in seen}, {node["kernel"] for node in seen}
    return {
        "pve": sorted(pve),
        "same_pve": len(pve) == 1,
        "kernels": sorted(kernels),
        "same_kernel": len(kernels) == 1,
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
    yield "scheduler", bool(runs.get("pvescheduler"))


def name_servers(told: Told) -> dict[str, dict[str, Any]]:
    """Node to the name servers that it asks, and how many they are."""
    found = {}
    for node, row in told.by_node(DNS).items():
        servers = [row[key] for key in ("dns1", "dns2", "dns3") if row.get(key)]
        found[node] = {"servers": servers, "count": len(servers)}
    return found


def clocks(told: Told) -> dict[str, dict[str, Any]]:
    """Node to its time zone, and by how much its clock differs from the others, in seconds."""
    found = told.by_node(TIME)
    middle = median(int(row["time"]) for row in found.values()) if found else 0
    return {
        node: {"timezone": row.get("timezone", ""), "apart_seconds": abs(int(row["time"]) - middle)}
        for node, row in found.items()
    }


def timezones(told: Told) -> dict[str, Any]:
    """The different time zones of the nodes, and whether there is one alone."""
    zones = sorted({clock["timezone"] for clock in clocks(told).values()})
    return {"zones": zones, "same": len(zones) == 1}


def disks(told: Told) -> list[dict[str, Any]]:
    """The disks; one of which SMART tells nothing is a gap. `life_left_percent` counts for flash alone."""
    rows = []
    for node, listed in told.by_node(DISKS).items():
        for row in listed:
            name, wear = f"{node}{row['devpath']}", str(row.get("wearout", ""))
            healthy = VERDICTS.get(str(row.get("health", "")).upper())
            if healthy is None:
                told.gaps.append(f"{name} does not tell its health")
                continue
            rows.append(
                {
                    "id": name,
                    "healthy": healthy,
                    "life_left_percent": int(wear) if wear.isdecimal() else None,
                }
            )
    return sorted(rows, key=lambda row: row["id"])
