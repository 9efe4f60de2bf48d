"""A file for `ssh -F`: everything that leads to machines of the lab, with their host keys always checked."""

from collections.abc import Mapping
from pathlib import Path

FILE = "ssh_config"
PATIENCE_SECONDS = 20


def write(
    folder: Path,
    places: Mapping[str, tuple[str, int]],
    *,
    alias: str | None = None,
    patience_seconds: int = PATIENCE_SECONDS,
) -> Path:
    """Write `ssh_config` into a folder that holds `id_ed25519` and `known_hosts`; the file.

    `places` are names with address and port. Host keys are filed under the name, or all under `alias`. A
    machine has `patience_seconds` to greet and agree on keys.
    """
    lines = []
    for name, (address, port) in places.items():
        lines += [
            f"Host {name}",
            f"  HostName {address}",
            f"  Port {port}",
            f"  HostKeyAlias {alias or name}",
        ]
    lines += [
        "Host *",
        "  User root",
        f'  IdentityFile "{folder}/id_ed25519"',
        "  IdentitiesOnly yes",
        f'  UserKnownHostsFile "{folder}/known_hosts"',
        "  StrictHostKeyChecking yes",
        f'  ControlPath "{folder}/%n.ssh"',  # for those who ask for ControlMaster
        "  BatchMode yes",
        f"  ConnectTimeout {patience_seconds}",
        "  LogLevel ERROR",
    ]
    file = folder / FILE
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
