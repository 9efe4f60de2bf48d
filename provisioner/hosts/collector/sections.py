"""All sections in turn, one document: what was seen, what could not be, and what both rest on."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from typing import Any, Callable

from provisioner.hosts.collector import (
    certificates,
    clock,
    disks,
    files,
    kernel,
    logins,
    logs,
    network,
    packages,
    people,
    postgres,
    ssh,
    system,
    units,
    walk,
)
from provisioner.hosts.collector.look import Unseen, raw

SECONDS = 55.0
"""For all sections."""
SECONDS_OF_ONE = 20.0
"""For one, but for the walk: it comes last and has what is left."""
LONGEST = 8 * 1024 * 1024
"""Bytes of the whole document."""
SHORT = 100
"""Bytes of what is not worth leaving out."""

SECTIONS: dict[str, Callable[[], Any]] = {
    "os": system.os_,
    "pve": system.pve,
    "sysctl": kernel.sysctl,
    "cmdline": system.cmdline,
    "kernel_config": kernel.kernel_config,
    "cpu": system.cpu,
    "modules": kernel.modules,
    "lsm": kernel.lsm,
    "apparmor": kernel.apparmor,
    "mounts": disks.mounts,
    "storage": disks.storage,
    "files": files.files,
    "accounts": people.accounts,
    "authorized_keys": people.authorized_keys,
    "login_defs": people.login_defs,
    "pam": logins.pam,
    "pwquality": logins.pwquality,
    "faillock": logins.faillock,
    "sudo": logins.sudo,
    "sshd": ssh.sshd,
    "sshd_keys": ssh.sshd_keys,
    "packages": packages.packages,
    "apt": packages.apt,
    "units": units.units,
    "exposure": units.exposure,
    "listeners": network.listeners,
    "interfaces": network.interfaces,
    "nft": network.nft,
    "pve_firewall": network.pve_firewall,
    "audit": logs.audit,
    "journald": logs.journald,
    "logs": logs.logs,
    "time": clock.time,
    "mail": packages.mail,
    "grub": files.grub,
    "cron": files.cron,
    "integrity": packages.integrity,
    "reboot": system.reboot,
    "postgres": postgres.postgres,
    "certificates": certificates.certificates,
    "bastide": system.bastide,
    "walk": walk.walk,  # the longest, so that all others have their turn
}

_IN_ADDRESS = re.compile(r"(?<=://)[^/\s:@\"']*:[^/\s@\"']+(?=@)")
_NAMED = re.compile(
    r"(?i)\b(\w*(?:passwd|password|passphrase|secret|token|bindpw)\s*=\s*)(?!\s)(?:\"[^\"\n]*\"|'[^'\n]*'|\S+)"
)


def main() -> None:
    """Look at everything, and print one line of JSON."""
    signal.signal(signal.SIGALRM, _too_long)
    began = time.monotonic()
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    found = {name: look(name, began + SECONDS) for name in SECTIONS}
    evidence = {name: without_secrets(text) for name, text in raw.items()}
    whole = {"format": "bastide-facts/1", "collected_at": at, "seconds": round(time.monotonic() - began, 3)}
    sys.stdout.write(document(whole, found, evidence))


def _too_long(*_: object) -> None:
    raise Unseen("it took too long, and was left")


def look(name: str, until: float) -> dict[str, Any]:
    """One section: its data, or why it could not be looked at. What goes wrong here goes wrong alone."""
    left = until - time.monotonic()
    if left <= 0:
        return {"error": f"the {SECONDS:g} seconds for all sections were over"}
    try:
        signal.setitimer(signal.ITIMER_REAL, left if name == "walk" else min(left, SECONDS_OF_ONE))
        return {"data": without_secrets(SECTIONS[name]())}
    except Unseen as unseen:
        return {"error": str(unseen)}
    except Exception as error:  # noqa: BLE001 - hosts hold what nobody thought of; the others go on
        return {"error": f"what is there was not understood: {type(error).__name__}: {str(error)[:200]}"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def without_secrets(found: Any) -> Any:
    """The same, passwords in addresses and behind equals signs taken out."""
    if isinstance(found, str):
        if "://" in found:
            found = _IN_ADDRESS.sub("***", found)
        return _NAMED.sub(r"\1***", found) if "=" in found else found
    if isinstance(found, dict):
        return {key: without_secrets(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [without_secrets(value) for value in found]
    return found


def document(whole: dict[str, Any], found: dict[str, Any], evidence: dict[str, str]) -> str:
    """One line of JSON that is no longer than it may be: the longest evidence goes first, then sections."""
    texts = {name: json.dumps(section, sort_keys=True) for name, section in found.items()}
    proofs = {name: json.dumps(text) for name, text in evidence.items()}
    room = LONGEST - 4096  # for what stands around them
    while sum(len(name) + len(text) + 8 for part in (texts, proofs) for name, text in part.items()) > room:
        part = proofs if max(map(len, proofs.values()), default=0) > SHORT else texts
        name = max(part, key=lambda one: len(part[one]))
        told = f"{len(part[name])} bytes were too long for the answer and left out"
        part[name] = json.dumps(told if part is proofs else {"error": told})
    head = json.dumps(whole)[:-1]
    return f'{head}, "sections": {_joined(texts)}, "raw": {_joined(proofs)}}}\n'


def _joined(parts: dict[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in parts.items()) + "}"
