"""Which versions ran where, in the words of what was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.finding import Collected


def system(collected: Collected) -> str:
    """`Debian 13.2, Proxmox VE 9.1.1, Linux 6.14.8-2-pve` of a host or site; empty if nothing tells it."""
    parts = _of_site(collected) if collected.subject.of == "site" else _of_host(collected)
    return ", ".join(part for part in parts if part)


def _of_host(collected: Collected) -> tuple[str, ...]:
    found, pve = _section(collected, "os"), _section(collected, "pve")
    name = str(found.get("id", "")).capitalize()
    version = found.get("version_full") or found.get("version")
    kernel = found.get("kernel")
    return (
        f"{name} {version}" if name and version else name,
        f"Proxmox VE {pve['version']}" if pve.get("version") else "",
        f"Linux {kernel}" if kernel else "",
    )


def _of_site(collected: Collected) -> tuple[str, ...]:
    told = _section(collected, "nodes").values()
    found = {str(node["version"]) for node in told if isinstance(node, Mapping) and node.get("version")}
    own = _section(collected, "version").get("version")
    versions = sorted(found or ({str(own)} if own else ()))
    return (f"Proxmox VE {' / '.join(versions)}",) if versions else ()


def _section(collected: Collected, name: str) -> Mapping[str, Any]:
    data = collected.sections.get(name, {}).get("data")
    return data if isinstance(data, Mapping) else {}
