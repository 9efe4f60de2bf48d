"""What cloud-init is told in a guest: Proxmox VE's own documents, as a NoCloud seed inside the guest.

A VM of Proxmox VE finds them on its cloud-init drive (QemuServer/Cloudinit.pm); a container's are written
into its files by `pct`. Both find them in /var/lib/cloud/seed/nocloud here.
"""

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lab.hosts.guest import Card, Guest

SEED = "var/lib/cloud/seed/nocloud"


def write_seed(guest: Guest, root: Path, router: str, custom: Mapping[str, str], *, key: str) -> None:
    """Write a guest's seed into its root file system; cloud-init acts when it says something new.

    `custom` are the documents that stand in for Proxmox VE's own, by the words of `cicustom`. `key` is the
    lab's public key: it opens the user that cloud-init makes, beside the keys of the guest's configuration.
    """
    user = custom.get("user") or "#cloud-config\n" + json.dumps(_user(guest, key), indent=1)
    network = custom.get("network") or json.dumps(_network(guest, router), indent=1)
    instance = hashlib.sha1((user + network).encode(), usedforsecurity=False).hexdigest()
    folder = root / SEED
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "meta-data": custom.get("meta") or json.dumps({"instance-id": instance}),
        "user-data": user,
        "network-config": network,
        "vendor-data": custom.get("vendor", ""),
    }
    for name, text in documents.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text + "\n", encoding="utf-8")  # JSON is YAML
    # Nothing inside turns networkd's nameservers into this file.
    lines = [f"nameserver {server}" for server in _nameservers(guest, router)]
    text = "\n".join([*lines, f"search {_search(guest)}", ""])
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text(text, encoding="utf-8")


def _user(guest: Guest, key: str) -> dict[str, Any]:
    config = guest.config
    keys = unquote(str(config.get("sshkeys", ""))) if guest.is_vm else str(config.get("ssh-public-keys", ""))
    told: dict[str, Any] = {
        "hostname": guest.name,
        "manage_etc_hosts": True,
        "fqdn": f"{guest.name}.{config['searchdomain']}" if config.get("searchdomain") else guest.name,
        "chpasswd": {"expire": False},
        "users": ["default"] if guest.is_vm else [],
        "ssh_authorized_keys": [*keys.strip().splitlines(), key],
        "package_upgrade": guest.is_vm and str(config.get("ciupgrade", 1)) == "1",
    }
    if config.get("ciuser"):
        told["user"] = config["ciuser"]
    if config.get("cipassword"):
        told["password"] = config["cipassword"]
    return told


def _network(guest: Guest, router: str) -> dict[str, Any]:
    names = {"type": "nameserver", "address": _nameservers(guest, router), "search": [_search(guest)]}
    return {"version": 1, "config": [*(_card(card) for card in guest.cards), names]}


def _nameservers(guest: Guest, router: str) -> list[str]:
    return str(guest.config.get("nameserver") or router).split()


def _search(guest: Guest) -> str:
    return str(guest.config.get("searchdomain") or "lab")


def _card(card: Card) -> dict[str, Any]:
    shown = {"type": "physical", "name": card.name, "subnets": _subnets(card)}
    return shown | ({"mac_address": card.mac.lower()} if card.mac else {})


def _subnets(card: Card) -> list[dict[str, str]]:
    if card.ip is None or card.ip == "manual":
        return []
    if card.ip == "dhcp":
        return [{"type": "dhcp4"}]
    address = ipaddress.ip_interface(card.ip)
    subnet = {"type": "static", "address": str(address.ip), "netmask": str(address.netmask)}
    return [subnet | ({"gateway": card.gateway} if card.gateway else {})]
