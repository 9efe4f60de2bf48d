"""The options that make ssh trust a machine's pinned host key and nothing else."""

from __future__ import annotations

import shlex
from pathlib import Path

REUSE = ("-C", "-o", "ControlMaster=auto", "-o", "ControlPersist=60s")
"""What Ansible's own default asks for (`ssh_args` of its ssh connection)."""


def strict_ssh_args(name: str, known_hosts: Path) -> str:
    """Arguments for `ssh_args`, quoted as Ansible splits them.

    They come first on the command line, where ssh lets the first value of an option win: neither a setting of
    Ansible nor a line of ~/.ssh/config can turn the check off. `ssh_common_args` stays free.
    """
    options = (
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={_quoted(known_hosts.resolve())}",
        "GlobalKnownHostsFile=/dev/null",
        f"HostKeyAlias={name}",
        "UpdateHostKeys=no",
    )
    strict = [part for option in options for part in ("-o", option)]
    return shlex.join([*strict, *REUSE])


def _quoted(path: Path) -> str:
    """As ssh_config reads a file name: in double quotes for the sake of spaces, `%%` for a percent sign."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
