"""Refuse rules that would lock out whoever runs this: arguments are the port of SSH and the networks let in.

Without networks everybody is let in. SSH_CONNECTION (ssh(1)) says who runs this; sudo forgets it, so it is
looked for in the programs above as well.
"""  # noqa: INP001 - a script for the host, in no package

import ipaddress
import os
import sys
from pathlib import Path


def connection() -> list[str]:
    """The addresses and ports of both ends; nothing where nobody came over SSH."""
    pid = os.getpid()
    while pid > 1:
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if entry.startswith(b"SSH_CONNECTION="):
                return entry.decode().partition("=")[2].split()
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return []


def refused(came: list[str], port: str, networks: list[str]) -> str:
    """Why the next login would fail, in words; empty if it would not."""
    address = ipaddress.ip_address(came[0].partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if networks and not any(address in ipaddress.ip_network(one, strict=False) for one in networks):
        return f"from {address}, and firewall__administration (the IP set `management`) does not hold it"
    return "" if came[3] == port else f"over port {came[3]}, and firewall__ssh_port is {port}"


came = connection()
reason = refused(came, sys.argv[1], sys.argv[2:]) if came else ""
if reason:
    sys.exit(f"this run comes {reason}: the next one would be locked out. No rule was changed.")
