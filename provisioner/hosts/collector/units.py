"""systemd's units, and how those that listen are held in."""

from __future__ import annotations

from provisioner.hosts.collector.look import Unseen, run, there
from provisioner.hosts.collector.network import sockets

PROPERTIES = (
    "AmbientCapabilities", "CapabilityBoundingSet", "DynamicUser", "Group", "IPAddressDeny",
    "LockPersonality", "MemoryDenyWriteExecute", "NoNewPrivileges", "PrivateDevices", "PrivateNetwork",
    "PrivateTmp", "PrivateUsers", "ProcSubset", "ProtectClock", "ProtectControlGroups", "ProtectHome",
    "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables",
    "ProtectProc", "ProtectSystem", "RemoveIPC", "RestrictAddressFamilies", "RestrictNamespaces",
    "RestrictRealtime", "RestrictSUIDSGID", "SystemCallArchitectures", "SystemCallFilter", "UMask",
    "User",
)  # fmt: skip


def units() -> dict[str, dict[str, str]]:
    """Units that are loaded or lie there to be, but for devices, mounts, scopes and slices."""
    _needs_systemd()
    wanted = "--type=service,socket,timer,path,target,automount,swap"
    plain = (wanted, "--all", "--plain", "--no-legend", "--no-pager", "--full")
    files = run("systemctl", "list-unit-files", *plain, seconds=20)
    return units_in(run("systemctl", "list-units", *plain, seconds=20), files)


def _needs_systemd() -> None:
    if not there("/run/systemd/system"):
        raise Unseen("systemd does not run here")


def units_in(loaded: str, files: str) -> dict[str, dict[str, str]]:
    """What `list-units` and `list-unit-files` say; a unit that is not loaded is inactive, and dead."""
    found = {}
    for words in map(str.split, files.splitlines()):
        if len(words) > 1:
            state = words[1]
            load = "masked" if state.startswith("masked") else "not-loaded"
            found[words[0]] = {"load": load, "active": "inactive", "sub": "dead", "file_state": state}
    for words in map(str.split, loaded.splitlines()):
        if len(words) > 3:  # noqa: PLR2004 - unit, load, active, sub
            name = words[0]
            state = found.get(name, {}).get("file_state") or _template_state(name, found)
            found[name] = {"load": words[1], "active": words[2], "sub": words[3], "file_state": state}
    return dict(sorted(found.items()))


def _template_state(name: str, found: dict[str, dict[str, str]]) -> str:
    """The state of the file that an instance is made from; empty where there is none."""
    before, at, after = name.partition("@")
    template = f"{before}@.{after.rpartition('.')[2]}" if at else ""
    return found.get(template, {}).get("file_state", "")


def exposure() -> dict[str, dict[str, str]]:
    """The bounds of each service that listens for others."""
    _needs_systemd()
    names = sorted({one.unit for one in sockets() if one.unit and not one.loopback})
    if not names:
        return {}
    wanted = ",".join(("Id", *PROPERTIES))
    return properties_in(run("systemctl", "show", "--no-pager", f"--property={wanted}", *names))


def properties_in(text: str) -> dict[str, dict[str, str]]:
    """What `systemctl show` says of several units, an empty line between them."""
    found = {}
    for block in text.strip().split("\n\n"):
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in told:
            found[told.pop("Id")] = told
    return found
