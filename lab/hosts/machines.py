"""The machines that the lab boots itself: nodes, backup servers, witness; how each is made and found."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.hosts import disks, etc_pve, hooks, host, network
from lab.hosts.disks import SiteDisk
from lab.hosts.equip import equip
from lab.hosts.topology import NODE, Host, Site, Topology

BACKUP_STORE = "/srv/backup"
FOLDERS = ("dump", "images", "import", "snippets", "template/cache", "template/iso")


@dataclass(frozen=True, slots=True)
class Plant:
    """A lab on this machine: its topology, and `root`, the folder in which everything is."""

    topology: Topology
    root: Path

    def disk(self, site: str) -> SiteDisk:
        """The disk of a site."""
        return SiteDisk.of(self.root, site)

    def machine(self, site: Site, one: Host) -> host.Machine:
        """A host of the topology as a machine."""
        root, log = self.disk(site.name).machine(one.name), self.log(one.name)
        if one.role != NODE:
            return host.Machine(one.name, root, one.name, log)
        shared = self.etc_pve(site)
        binds = ((shared, etc_pve.PLACE), *self.storages(site, one))
        reads = ((shared / "nodes", f"{etc_pve.PLACE}/nodes"),)
        return host.Machine(one.name, root, one.name, log, binds=binds, reads=reads)

    def etc_pve(self, site: Site) -> Path:
        """What all nodes of a site see as /etc/pve."""
        return self.disk(site.name).top / "pve"

    def storages(self, site: Site, node: Host) -> tuple[tuple[Path, str], ...]:
        """The storages of a node: where each is, and where the node sees it."""
        disk = self.disk(site.name)
        return tuple(
            (disk.storage(node.name, name, shared=bool(options.get("shared"))), place)
            for name, options in site.storages.items()
            if (place := _seen_at(options))
        )

    def log(self, name: str) -> Path:
        """What a machine writes on its console."""
        return self.root / "log" / f"{name}.log"

    @property
    def names(self) -> Path:
        """The folder of the names that the lab's DNS knows, a file a machine."""
        return self.root / "dns"


def _seen_at(storage: Mapping[str, Any]) -> str | None:
    """Where a node sees a storage; None for one that is no folder there (LVM, Proxmox Backup Server)."""
    if storage["type"] == "zfspool":
        return f"/{storage['pool']}"
    return str(storage["path"]) if "path" in storage else None


def make(plant: Plant, site: Site, one: Host, public_key: str) -> str:
    """Make a host's root file system; its public host key."""
    machine = plant.machine(site, one)
    release = one.release or (plant.topology.debian if one.role == NODE else 13)
    disks.copy(plant.disk(site.name).top / f"debian-{release}", machine.root)
    key = host.furnish(machine.root, one.name)
    address = site.address(one)
    host.network(
        machine.root, "eth0", (f"Address={address}/24", f"Gateway={site.router()}", f"DNS={site.router()}")
    )
    (machine.root / "etc/resolv.conf").write_text(f"nameserver {site.router()}\n", encoding="utf-8")
    (machine.root / "etc/hosts").write_text(
        f"127.0.0.1 localhost\n{address} {one.name}.lab {one.name}\n", encoding="utf-8"
    )
    (machine.root / "etc/cloud/cloud-init.disabled").write_text("", encoding="utf-8")
    host.authorise(machine.root, public_key)
    if one.role == NODE:
        _make_node(plant, site, one)
    name_in_dns(plant, one.name, address)
    return key


def _make_node(plant: Plant, site: Site, node: Host) -> None:
    """Give a Debian host what a node of Proxmox VE has: its storages, /etc/pve, its commands."""
    for source, _ in plant.storages(site, node):
        if not source.exists():
            disks.create(source)  # `btrfs receive` on the node wants to find a subvolume there
        for folder in FOLDERS:
            (source / folder).mkdir(parents=True, exist_ok=True)
    if "local" in site.storages:
        script = plant.disk(site.name).storage(node.name, "local", shared=False) / "snippets" / hooks.EXAMPLE
        script.write_text(hooks.EXAMPLE_TEXT, encoding="ascii")
        script.chmod(0o755)
    etc_pve.lay_out(plant.etc_pve(site), site)
    equip(plant.machine(site, node).root, node.name)


def switch_on(plant: Plant, site: Site, one: Host) -> None:
    """Plug a host in and boot it."""
    network.plug(one.name, site.name, (("eth0", network.bridge(), site.mac(one)),))
    host.boot(plant.machine(site, one))


def switch_off(site: Site, one: Host, *, kill: bool) -> None:
    """Take a host down, in order or at once, and unplug it."""
    if kill:
        host.kill(one.name)
    else:
        host.stop(one.name)
    network.unplug(one.name, site.name)


def name_in_dns(plant: Plant, name: str, address: str) -> None:
    """Let the lab's DNS know a name, at once."""
    plant.names.mkdir(parents=True, exist_ok=True)
    (plant.names / name).write_text(f"{address} {name} {name}.lab\n", encoding="utf-8")
