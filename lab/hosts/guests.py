"""Guests as machines: what a guest of the API is, its machine becomes.

Nothing follows step by step what the API does. After each task, and every second for what no task did, the
machine is compared with the guest: its disks, its snapshots, where it is, whether it runs; and what differs
is done. So whatever moves a guest, its machine arrives.
"""

import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from lab.errors import LabError
from lab.hosts import cgroups, cloudinit, disks, host, machines, network
from lab.hosts.access import Access
from lab.hosts.guest import Disk, Guest, place_of
from lab.hosts.machines import Plant
from lab.hosts.topology import Site

LOG = logging.getLogger("lab")
IMAGE = re.compile(r"debian-\d+(-platform)?")
RESTARTS = ("qmreboot", "vzreboot", "qmreset")
ROLLBACKS = ("qmrollback", "vzrollback")
ORDERLY = ("qmshutdown", "vzshutdown", "vzmigrate", "qmreboot", "vzreboot")


def machine_name(site: str, vmid: int) -> str:
    """The name of a guest's machine: unique on this system, and so short that its cables fit."""
    return f"g{vmid}-{site}"


class GuestMachines:
    """The machines of one site's guests. Its methods block; `origins` says what new disks begin as."""

    def __init__(self, plant: Plant, site: Site, access: Access) -> None:
        self._plant, self._site, self._access = plant, site, access
        self._disk = plant.disk(site.name)
        self.origins: dict[str, str] = {}
        self._snapshots: dict[int, set[str]] = {}

    def name(self, vmid: int) -> str:
        """The name of a guest's machine."""
        return machine_name(self._site.name, vmid)

    def settle(self, guest: Guest, work: str) -> None:
        """Make the machine what the guest is, after work of a type. Raises LabError when it cannot be."""
        name = self.name(guest.vmid)
        moved = self._bring(guest)
        if work in ROLLBACKS or work in RESTARTS or not guest.runs or (moved and work == "vzmigrate"):
            self._off(name, in_order=work in ORDERLY)
        self._match_disks(guest)
        self._match_snapshots(guest)
        if work in ROLLBACKS and guest.parent:
            self._roll_back(guest, guest.parent)
        if guest.runs and not host.is_running(name):
            self._on(guest)
        elif guest.runs:
            self._limit(guest)
        if guest.runs and host.is_running(name):
            cgroups.freeze(name, frozen=guest.is_paused)

    def remove(self, vmid: int) -> None:
        """Take a guest's machine and all its disks away."""
        self._off(self.name(vmid), in_order=False)
        for folder in self._folders(vmid):
            for volume in folder.iterdir():
                disks.delete(volume)
            shutil.rmtree(folder)
        (self._plant.names / self.name(vmid)).unlink(missing_ok=True)
        for what in [what for what in self.origins if what == str(vmid) or f":{vmid}/" in what]:
            del self.origins[what]

    def kill(self, vmid: int) -> None:
        """Kill a guest's machine: its node died."""
        self._off(self.name(vmid), in_order=False)

    # ---------------------------------------------------------------- disks

    def path(self, guest: Guest, disk: Disk) -> Path:
        """Where a disk is on this system."""
        return self._disk.storage(guest.node, disk.storage, shared=disk.shared) / disk.place

    def _folders(self, vmid: int) -> Iterator[Path]:
        yield from self._disk.top.glob(f"nodes/*/*/images/{vmid}")
        yield from self._disk.top.glob(f"shared/*/images/{vmid}")

    def _bring(self, guest: Guest) -> bool:
        """Bring local disks to the node that the guest is on now; a running machine does not notice."""
        moved = False
        for folder in list(self._disk.top.glob(f"nodes/*/*/images/{guest.vmid}")):
            storage = folder.parents[1]
            if storage.parent.name != guest.node:
                target = self._disk.storage(guest.node, storage.name, shared=False) / "images" / folder.name
                target.mkdir(parents=True, exist_ok=True)
                for volume in filter(disks.is_subvolume, folder.iterdir()):
                    disks.move(volume, target / volume.name)
                shutil.rmtree(folder)
                moved = True
        return moved

    def _match_disks(self, guest: Guest) -> None:
        for disk in guest.disks:
            path = self.path(guest, disk)
            if not path.exists():
                self._create(guest, disk, path)
            disks.limit(path, disk.size_bytes)
        kept = {self.path(guest, disk) for disk in guest.disks}
        unused = (str(value) for key, value in guest.config.items() if key.startswith("unused"))
        names = {place_of(volume.partition(":")[2]).name for volume in unused}
        for folder in self._folders(guest.vmid):
            for path in folder.iterdir():
                of = path.with_name(path.name.partition("@")[0])
                if of not in kept and of.name not in names:
                    disks.delete(path)

    def _create(self, guest: Guest, disk: Disk, path: Path) -> None:
        origin = self._origin(guest, disk)
        if origin is None:
            disks.create(path)
            return
        disks.copy(origin, path)
        if disk.mount == "/" and (path / "etc").is_dir():
            self._furnish(guest, path)

    def _furnish(self, guest: Guest, root: Path) -> None:
        host.furnish(root, guest.name)
        host.authorise(root, self._access.public_key)
        shutil.rmtree(root / "var/lib/cloud", ignore_errors=True)

    def _origin(self, guest: Guest, disk: Disk) -> Path | None:
        """What a new disk begins as: another disk, a snapshot, an image; None for an empty one."""
        source = self.origins.pop(f"{disk.storage}:{disk.volume}", None)
        if source is None and not guest.is_vm:
            source = self.origins.get(str(guest.vmid))
            return self._root_of_container(source, disk) if source else None
        if source is None:
            return self._renamed(guest, disk)
        return self._volume(source)

    def _renamed(self, guest: Guest, disk: Disk) -> Path | None:
        """The disk that a template's disk was before it was made one."""
        former = self.path(guest, disk)
        former = former.with_name(former.name.replace("base-", "vm-", 1))
        return former if former.exists() and former != self.path(guest, disk) else None

    def _root_of_container(self, source: str, disk: Disk) -> Path | None:
        """The disk of a new container: its template for the root, the same disk of what it is cloned from."""
        vmid, _, snapshot = source.partition("@")
        if not vmid.isdigit():
            return self._image(source) if disk.mount == "/" else None
        number = re.findall(r"disk-(\d+)", disk.volume)[0]
        for folder in self._folders(int(vmid)):
            for path in sorted(folder.glob(f"*-disk-{number}*")):
                if path.name.partition("@")[2] == snapshot:
                    return path
        raise LabError(f"the disk of container {source} is not on this system")

    def _volume(self, source: str) -> Path | None:
        storage, _, volume = source.partition("@")[0].partition(":")
        snapshot = source.partition("@")[2]
        if "/" in volume and not volume.partition("/")[0].isdigit():
            return self._image(source)
        place = place_of(volume)
        for top in (*self._disk.top.glob(f"nodes/*/{storage}"), self._disk.top / "shared" / storage):
            path = top / place
            found = disks.snapshot_path(path, snapshot) if snapshot else path
            if found.exists():
                return found
        raise LabError(f"the disk {source} is not on this system")

    def _image(self, name: str) -> Path | None:
        """The image that a file's name tells; None for one that the lab does not have: it boots nothing."""
        release = IMAGE.search(name)
        image = self._disk.top / release.group() if release else None
        if image is None or not image.exists():
            LOG.warning("the lab has no image of %s, only those of Debian: its disk stays empty", name)
            return None
        return image

    def _match_snapshots(self, guest: Guest) -> None:
        for disk in guest.disks:
            path = self.path(guest, disk)
            there = disks.snapshots(path)
            for name in guest.snapshots:
                if name not in there:
                    disks.copy(path, disks.snapshot_path(path, name), read_only=True)
            for name in there.keys() - set(guest.snapshots):
                # Snapshots that somebody made on the node are theirs.
                if name in self._ours(guest.vmid):
                    disks.delete(there[name])
            self._ours(guest.vmid).update(guest.snapshots)

    def _ours(self, vmid: int) -> set[str]:
        return self._snapshots.setdefault(vmid, set())

    def _roll_back(self, guest: Guest, name: str) -> None:
        for disk in guest.disks:
            path = self.path(guest, disk)
            disks.delete(path)
            disks.copy(disks.snapshot_path(path, name), path)
            disks.limit(path, disk.size_bytes)

    # ---------------------------------------------------------------- power

    def machine(self, guest: Guest) -> host.Machine | None:
        """The machine of a guest; None when no disk of it has a system."""
        system = guest.system
        if system is None:
            return None
        root = self.path(guest, system)
        if not (root / "sbin/init").is_symlink() and not (root / "usr/sbin/init").is_symlink():
            return None
        name = self.name(guest.vmid)
        return host.Machine(
            name,
            root,
            guest.name,
            self._plant.log(name),
            binds=tuple((self.path(guest, disk), disk.mount) for disk in guest.disks if disk.mount != "/"),
            memory_bytes=guest.memory_bytes,
            cpus=guest.cpus,
        )

    def _on(self, guest: Guest) -> None:
        machine = self.machine(guest)
        if machine is None:
            return  # as in life: it runs, and finds nothing to boot
        if guest.has_seed:
            cloudinit.write_seed(guest, machine.root, self._site.router(), self._custom(guest))
        self._off(machine.name, in_order=False)
        network.plug(machine.name, self._site.name, self._cables(guest))
        self._make_known(guest, machine.root)
        host.boot(machine)

    def _make_known(self, guest: Guest, root: Path) -> None:
        """Tell the names and the host key that a machine boots with; a rollback may have changed them."""
        key = root / "etc/ssh/ssh_host_ed25519_key.pub"
        if guest.address:
            machines.name_in_dns(self._plant, guest.name, guest.address)
            if key.is_file():
                self._access.pin(key.read_text(encoding="utf-8"), guest.address, guest.name)

    def _custom(self, guest: Guest) -> dict[str, str]:
        """The documents that `cicustom` puts in place of Proxmox VE's own: `{kind: text}`."""
        told = str(guest.config.get("cicustom", ""))
        documents = {}
        for kind, _, volume in (word.partition("=") for word in told.split(",") if word):
            storage, _, place = volume.partition(":")
            tops = [self._disk.storage(guest.node, storage, shared=shared) for shared in (False, True)]
            file = next((top / place for top in tops if (top / place).is_file()), None)
            if file is None:
                raise LabError(f"volume '{volume}' does not exist on {guest.node}")
            documents[kind] = file.read_text(encoding="utf-8")
        return documents

    def _cables(self, guest: Guest) -> tuple[tuple[str, str, str | None], ...]:
        return tuple(
            (card.name, network.carrier(self._site, card.bridge, card.vlan), card.mac)
            for card in guest.cards
            if card.is_up
        )

    def _off(self, name: str, *, in_order: bool) -> None:
        """Take a machine down, in order or at once; of one that went by itself, what it left behind."""
        cgroups.freeze(name, frozen=False)
        if in_order and host.is_running(name):
            host.stop(name)
        else:
            host.kill(name)
        if network.netns_path(network.netns_of(name)).exists():
            network.unplug(name, self._site.name)

    def _limit(self, guest: Guest) -> None:
        cgroups.limit(self.name(guest.vmid), memory_bytes=guest.memory_bytes, cpus=guest.cpus)
