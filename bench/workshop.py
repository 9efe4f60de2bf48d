"""Fresh Debian hosts to harden: machines of the lab's workshop, thrown away at the end."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bench.measure import run
from lab.hosts import names, preflight
from lab.hosts.topology import Topology

RELEASE = 13
NOBODY = "127.0.0.2"
"""The witness, to which every host sends its records: there is none, so they wait on the host."""


@dataclass(slots=True)
class Workshop:
    """The hosts so far, by name with their addresses, and how one gets into them."""

    folder: Path
    ssh_config: Path = Path()
    hosts: dict[str, str] = field(default_factory=dict)

    def fresh(self, count: int = 1) -> list[str]:
        """Boot so many hosts; their names."""
        made = [f"bench-{len(self.hosts) + number}" for number in range(1, count + 1)]
        said = _workshop("boot", *(f"{name}={RELEASE}" for name in made))
        self.ssh_config = Path(said.strip())
        config = self.ssh_config.read_text(encoding="utf-8")
        found = dict(re.findall(r"^Host (\S+)\n +HostName (\S+)$", config, re.MULTILINE))
        self.hosts |= {name: found[name] for name in made}
        return made

    def environment(self) -> dict[str, str]:
        """Nobody's own settings of Bastide or Ansible, and not the authority that signs for real hosts."""
        others = ("BASTIDE_", "ANSIBLE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        return kept | {"NO_COLOR": "1", "XDG_DATA_HOME": str(self.folder / "data")}

    def tell(self, variables: Mapping[str, object]) -> None:
        """Set variables of the roles for all hosts, as an administrator does."""
        folder = self.folder / "group_vars"
        folder.mkdir()
        (folder / "all.yml").write_text(yaml.safe_dump(dict(variables)), encoding="utf-8")

    def estate(self) -> Path:
        """An estate whose guests are the hosts. Its cluster is nowhere, for hardening does not ask it."""
        keys = self.ssh_config.parent
        site = {
            "cluster": "workshop",
            "spare_nodes": 0,
            "api": {"endpoints": ["https://192.0.2.1:8006"], "token": "root@pam!bench", "secret": "env:NONE"},
            "nodes": {"node": {"address": "192.0.2.1", "memory": "64G", "cores": 32}},
            "storages": {"local": {"type": "dir", "path": "/var/lib/vz", "content": ["images", "import"]}},
        }
        document = {
            "estate": "bench",
            "witness": {"address": NOBODY},
            "ssh": {"key": str(keys / "id_ed25519"), "known_hosts": str(keys / "known_hosts")},
            "sites": {"workshop": site},
            "guests": {name: _guest(number, self.hosts[name]) for number, name in enumerate(self.hosts, 100)},
        }
        file = self.folder / "estate.yml"
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return file


@contextmanager
def workshop(folder: Path) -> Iterator[Workshop]:
    """A workshop whose hosts go when the block ends, however it ends."""
    folder.mkdir(parents=True)
    shop = Workshop(folder)
    try:
        yield shop
    finally:
        if shop.hosts:
            _workshop("drop", *shop.hosts)


def lacking() -> str:
    """What this machine lacks to boot hosts; empty if nothing."""
    return "; ".join(preflight.problems(Topology(sites=(), links=()), names.folder()))


def _guest(vmid: int, address: str) -> dict[str, object]:
    nic = {"bridge": "vmbr0", "address": f"{address}/24", "firewall": True}
    image = {"image": "local:import/debian-13.qcow2", "storage": "local"}
    return {
        "vmid": vmid,
        "site": "workshop",
        "node": "node",
        "memory": "512M",
        **image,
        "nics": {"net0": nic},
        "firewall": {"rules": [{"action": "ACCEPT", "macro": "SSH"}]},
    }


def _workshop(*words: str) -> str:
    return run([sys.executable, "-m", "lab.hosts.workshop", *words], os.environ).out
