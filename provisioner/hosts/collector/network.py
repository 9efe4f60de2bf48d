"""Who listens, on which addresses, and what the packet filter lets through."""

from __future__ import annotations

import functools
import ipaddress
import json
import os
import re
from typing import Any, NamedTuple

from provisioner.hosts.collector.look import Unseen, keep, kept, program, read_if_there, run
from provisioner.hosts.collector.shared import has, processes, user_name

LISTENS = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""Files of /proc/net, and the state of a socket that waits for others."""


class Socket(NamedTuple):
    """A socket that waits for others."""

    protocol: str
    address: str
    port: int
    program: str
    user: str
    loopback: bool
    unit: str


@functools.cache
def sockets() -> tuple[Socket, ...]:
    """All sockets that wait for others, without proc's own order."""
    told = [one for name in LISTENS for one in _table(name)]
    holders = _holders({inode for *_, inode in told})
    found = set()
    for protocol, address, port, uid, inode in told:
        name, unit = holders.get(inode, ("", ""))
        inside = ipaddress.ip_address(address).is_loopback
        found.add(Socket(protocol, address, port, name, user_name(uid), inside, unit))
    return tuple(sorted(found))


def _table(name: str) -> list[tuple[str, str, int, int, str]]:
    text = read_if_there(f"/proc/net/{name}")
    if text:
        keep(f"/proc/net/{name}", text)
    return sockets_in(name, text)


def sockets_in(name: str, text: str) -> list[tuple[str, str, int, int, str]]:
    """Protocol, address, port, user and inode of the sockets in a table of /proc/net that listen."""
    found = []
    for fields in map(str.split, text.splitlines()[1:]):
        place, _, port = fields[1].partition(":")
        if fields[3] == LISTENS[name]:
            address = address_of(place)
            found.append((name.rstrip("6"), address, int(port, 16), int(fields[7]), fields[9]))
    return found


def address_of(hexadecimal: str) -> str:
    """An address as /proc/net writes it: words of four bytes, each in the order of the processor."""
    words = [bytes.fromhex(hexadecimal[at : at + 8])[::-1] for at in range(0, len(hexadecimal), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _holders(inodes: set[str]) -> dict[str, tuple[str, str]]:
    """Which process and which unit holds a socket."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, tuple[str, str]] = {}
    for process in processes():
        folder = f"/proc/{process.pid}/fd"
        try:
            descriptors = os.listdir(folder)
        except OSError:  # it ended meanwhile
            continue
        for descriptor in descriptors:
            try:
                inode = wanted.get(os.readlink(f"{folder}/{descriptor}"))
            except OSError:  # closed meanwhile
                continue
            # systemd holds the sockets of its units too; the service itself says more
            if inode and (inode not in found or found[inode][0] == "systemd"):
                found[inode] = (process.name, process.unit)
    return found


def listeners() -> list[dict[str, Any]]:
    """Who listens, and where."""
    names = ("protocol", "address", "port", "program", "user", "loopback")
    return [{name: getattr(one, name) for name in names} for one in sockets()]


def mail_listens() -> list[str]:
    """Where mail is taken: addresses with their ports."""
    return sorted({f"{one.address}:{one.port}" for one in sockets() if one.port in {25, 465, 587}})


def interfaces() -> dict[str, dict[str, Any]]:
    """Interfaces, their addresses with the length of their prefixes, and whether they are up."""
    if not program("ip"):
        raise Unseen("ip is not installed")
    return interfaces_in(json.loads(run("ip", "-json", "address", "show")))


def interfaces_in(told: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What ip(8) says."""
    return {
        one["ifname"]: {
            "addresses": sorted(
                f"{address['local']}/{address['prefixlen']}"
                for address in one.get("addr_info", [])
                if "local" in address
            ),
            "up": "UP" in one.get("flags", []),
        }
        for one in sorted(told, key=lambda one: str(one.get("ifname")))
        if "ifname" in one
    }


def nft() -> dict[str, Any] | None:
    """The packet filter. Where nobody ever set one up, it lets everything through."""
    if not program("nft"):
        if program("iptables-save"):
            raise Unseen("nft is not installed, and rules of iptables alone are not read")
        return filter_in([])
    families = ("ip", "ip6") if read_if_there("/proc/net/if_inet6") else ("ip",)
    return filter_in(json.loads(run("nft", "--json", "list", "ruleset"))["nftables"], families)


def filter_in(told: list[dict[str, Any]], families: tuple[str, ...] = ("ip", "ip6")) -> dict[str, Any]:
    """What `nft --json list ruleset` says.

    The policy of a hook is `drop` if for each family one of its chains drops what no rule took: by its
    policy, or by a last rule without conditions.
    """
    tables = [one["table"] for one in told if "table" in one]
    chains = [one["chain"] for one in told if "chain" in one]
    rules = [one["rule"] for one in told if "rule" in one]
    last = {(rule["family"], rule["table"], rule["chain"]): rule for rule in rules}

    def policy(hook: str) -> str:
        filters = [one for one in chains if one.get("hook") == hook and one.get("type") == "filter"]
        of_hook = [one for one in filters if one["family"] in {"inet", *families}]
        if not of_hook:
            return "none"
        return "drop" if all(_drops(family, of_hook, last) for family in families) else "accept"

    return {
        "tables": sorted(f"{table['family']} {table['name']}" for table in tables),
        "input_policy": policy("input"),
        "output_policy": policy("output"),
        "forward_policy": policy("forward"),
        "rules": len(rules),
    }


def _drops(family: str, chains: list[dict[str, Any]], last: dict[Any, dict[str, Any]]) -> bool:
    """Whether what no rule of a family took is dropped."""
    for chain in chains:
        if chain["family"] in {family, "inet"}:
            rule = last.get((chain["family"], chain["table"], chain["name"]), {})
            steps = [step for step in rule.get("expr", []) if not step.keys() & {"counter", "log"}]
            if chain.get("policy") == "drop" or (len(steps) == 1 and steps[0].keys() & {"drop", "reject"}):
                return True
    return False


def pve_firewall() -> dict[str, Any] | None:
    """The firewall of Proxmox VE: whether its daemon runs and the datacenter has it on."""
    if not has("pve-firewall"):
        return None
    options = kept("/etc/pve/firewall/cluster.fw").partition("[RULES]")[0]
    runs = any(process.name == "pve-firewall" for process in processes())
    enabled = bool(re.search(r"^enable:\s*1\s*$", options, re.MULTILINE | re.IGNORECASE))
    return {"status": "running" if runs else "stopped", "enabled": enabled}
