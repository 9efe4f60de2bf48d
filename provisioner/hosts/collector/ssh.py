"""The SSH server, as it answers for itself, and its host keys."""

from __future__ import annotations

import os
from glob import glob
from typing import Any

from provisioner.hosts.collector.files import rights
from provisioner.hosts.collector.look import program, read, run
from provisioner.hosts.collector.publickey import keys_in

COMMAS = {
    "ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms",
    "hostbasedacceptedalgorithms", "casignaturealgorithms", "authenticationmethods",
}  # fmt: skip
REPEATED = {
    "acceptenv", "allowusers", "allowgroups", "denyusers", "denygroups", "listenaddress", "hostkey", "port",
    "subsystem", "setenv", "permitopen", "permitlisten", "authorizedkeysfile",
}  # fmt: skip

OLD_WORDS = {"without-password": "prohibit-password"}
"""sshd still answers with the word that its manual gave up."""


def sshd() -> dict[str, Any] | None:
    """All settings in force, the built-in ones too; null where there is no server."""
    path = program("sshd")
    return sshd_in(run(path, "-T")) if path else None


def sshd_in(text: str) -> dict[str, Any]:
    """Keywords and values of `sshd -T`; what is a list, or repeats, is a list."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        keyword, _, value = line.strip().partition(" ")
        if keyword in COMMAS:
            found[keyword] = value.split(",")
        elif keyword in REPEATED:
            words = [value] if keyword in {"subsystem", "setenv"} else value.split()
            found.setdefault(keyword, []).extend(words)
        elif keyword:
            found[keyword] = OLD_WORDS.get(value, value)
    return found


def sshd_keys() -> list[dict[str, Any]] | None:
    """The host keys: of the private ones only their rights; null where there are none."""
    found = []
    for path in sorted(glob("/etc/ssh/ssh_host_*_key")):
        public = keys_in(read(f"{path}.pub")) if os.path.exists(f"{path}.pub") else []
        key = public[0] if public else {"type": "unknown", "bits": None}
        place = rights(path)
        found.append(
            {
                "path": path,
                "type": key["type"],
                "bits": key["bits"],
                "mode": place["mode"],
                "owner": place["owner"],
            }
        )
    return found or None
