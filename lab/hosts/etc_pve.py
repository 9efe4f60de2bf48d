"""/etc/pve of a site's nodes: one folder that all of them see, written as Proxmox VE's pmxcfs shows it.

The lab writes the configurations of guests and storages, its authority's certificate and what opens the API
to root. What somebody else writes there stays, and means nothing to the lab but the queue of HA's commands.
The folder `nodes` cannot be written to from a node.
"""

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.hosts.topology import Site
from lab.pki import Authority, write_private

PLACE = "/etc/pve"
# `local` differs from node to node, and the folder does not: it leads out of it.
LOCAL = "/var/lib/pve-cluster/local"
LINKS = {"local": LOCAL, "qemu-server": "local/qemu-server", "lxc": "local/lxc"}
ROOT = "root@pam"
# What a description keeps as it is (PVE/Tools.pm, encode_text).
PLAIN = "".join(chr(one) for one in range(ord(" "), ord("~") + 1) if chr(one) not in "%:")
KINDS = {"qemu": "qemu-server", "lxc": "lxc"}
NO_OPTIONS = ("active", "files", "volumes", "type", "storage")


def lay_out(top: Path, site: Site) -> None:
    """Make the folder for a site's nodes, before they boot."""
    for node in site.nodes:
        for kind in KINDS.values():
            (top / "nodes" / node.name / kind).mkdir(parents=True, exist_ok=True)
    (top / "ha").mkdir(exist_ok=True)
    (top / "priv").mkdir(mode=0o700, exist_ok=True)
    for name, target in LINKS.items():
        if not (top / name).is_symlink():
            (top / name).symlink_to(target)


class EtcPve:
    """Keeps the folder of one cluster."""

    def __init__(self, top: Path, cluster: Any) -> None:
        self._top, self._cluster = top, cluster
        self._written: dict[Path, str] = {}

    def start(self, authority: Authority) -> None:
        """Write who signs the API's certificates, and nothing of what another lab left here stays."""
        for rest in (*self._top.glob("nodes/*/*/*.conf"), *self._top.glob("ha/crm_commands*")):
            rest.unlink()
        (self._top / "pve-root-ca.pem").write_bytes(authority.cafile.read_bytes())
        self.write()

    def write(self) -> None:
        """Write everything that is not there as the cluster has it; a full disk takes it another time."""
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        if self._key() not in self._cluster.tickets:
            self._open_to_root()
        wanted = {self._top / "storage.cfg": storages_text(self._cluster.storages)}
        for guest in [*self._cluster.vms, *self._cluster.cts]:
            kind, _, vmid = guest.guest.partition("/")
            wanted[self._top / "nodes" / guest.node / KINDS[kind] / f"{vmid}.conf"] = guest_text(guest)
        for path, text in wanted.items():
            if self._written.get(path) != text:
                _replace(path, text)
                self._written[path] = text
        for path in self._written.keys() - wanted.keys():
            path.unlink(missing_ok=True)
            del self._written[path]

    def commands(self) -> tuple[str, ...]:
        """Take what `ha-manager crm-command` left for the manager."""
        queue, taken = self._top / "ha/crm_commands", self._top / "ha/crm_commands.taken"
        try:
            queue.rename(taken)
        except FileNotFoundError:
            return ()
        lines = taken.read_text(encoding="utf-8").splitlines()
        taken.unlink()
        return tuple(filter(None, map(str.strip, lines)))

    def _session(self) -> Path:
        return self._top / "priv/lab-session.json"

    def _key(self) -> str:
        try:
            return str(json.loads(self._session().read_text(encoding="utf-8"))["ticket"])
        except (OSError, ValueError, KeyError):
            return ""

    def _open_to_root(self) -> None:
        """Let root on a node in, as its own commands are on Proxmox VE; that login does not grow old."""
        ticket, csrf = self._cluster.issue_ticket(ROOT)
        self._cluster.tickets[ticket]["expires"] = math.inf
        write_private(self._session(), json.dumps({"ticket": ticket, "csrf": csrf}).encode())
        tokens = "".join(f"{name} {secret}\n" for name, secret in self._cluster.apitokens.items())
        write_private(self._top / "priv/token.cfg", tokens.encode())


def guest_text(guest: Any) -> str:
    """A guest's configuration as its file has it (PVE/QemuServer.pm, PVE/LXC/Config.pm: write_pct_config)."""
    config = dict(guest.config) | ({"lock": guest.lock} if guest.lock else {})
    text = _options(config)
    if guest.pending:
        gone = ",".join(key for key, value in sorted(guest.pending.items()) if value is None)
        new = {key: value for key, value in guest.pending.items() if value is not None}
        text += "\n[PENDING]\n" + (f"delete: {gone}\n" if gone else "") + _options(new)
    for name, then in sorted(guest.snapshots.items()):
        text += f"\n[{name}]\n" + _options(then)
    return text


def storages_text(storages: Mapping[str, Mapping[str, Any]]) -> str:
    """The storages as `storage.cfg` has them (PVE/SectionConfig.pm)."""
    return "\n".join(
        f"{options['type']}: {name}\n"
        + "".join(f"\t{key} {options[key]}\n" for key in options if key not in NO_OPTIONS)
        for name, options in storages.items()
    )


def _options(config: Mapping[str, Any]) -> str:
    """`key: value` lines, after the description as a comment."""
    told = str(config.get("description") or "").splitlines()
    keys = (key for key in sorted(config) if key not in ("description", "digest"))
    return "".join(
        [
            *(f"#{quote(line, safe=PLAIN)}\n" for line in told),
            *(f"{key}: {value}\n" for key in keys for value in _values(config[key])),
        ]
    )


def _values(value: Any) -> Iterable[Any]:
    """What a key says; a list says several things, such as the raw options of a container."""
    return value if isinstance(value, list) else (value,)


def _replace(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o640)
    draft.replace(path)
