"""The disks of a site's guests: what a guest's configuration names is there, and nothing else of it."""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from lab.errors import LabError
from lab.hosts import disks, host
from lab.hosts.access import Access
from lab.hosts.disks import SiteDisk
from lab.hosts.guest import Disk, Guest, place_of

LOG = logging.getLogger("lab")
IMAGE = re.compile(r"debian-\d+(-platform)?")
MOVES = ("qmmove", "move_volume")


class GuestDisks:
    """The disks of guests on one site's disk. `origins` says what new disks begin as."""

    def __init__(self, disk: SiteDisk, access: Access) -> None:
        self._disk, self._access = disk, access
        self.origins: dict[str, str] = {}
        self._snapshots: dict[int, set[str]] = {}

    def snippets(self, storage: str) -> dict[str, os.stat_result]:
        """The snippets that the nodes have on a storage, by name."""
        tops = (*self._disk.top.glob(f"nodes/*/{storage}"), self._disk.top / "shared" / storage)
        return {file.name: file.stat() for top in tops for file in top.glob("snippets/*") if file.is_file()}

    def remove(self, vmid: int) -> None:
        """Take all disks of a guest away."""
        for folder in self._folders(vmid):
            for volume in folder.iterdir():
                disks.delete(volume)
            shutil.rmtree(folder)
        for what in [what for what in self.origins if what == str(vmid) or f":{vmid}/" in what]:
            del self.origins[what]

    def path(self, guest: Guest, disk: Disk) -> Path:
        """Where a disk is on this system."""
        return self._disk.storage(guest.node, disk.storage, shared=disk.shared) / disk.place

    def _folders(self, vmid: int) -> Iterator[Path]:
        yield from self._disk.top.glob(f"nodes/*/*/images/{vmid}")
        yield from self._disk.top.glob(f"shared/*/images/{vmid}")

    def bring(self, guest: Guest) -> bool:
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

    def match(self, guest: Guest, *, moves: bool) -> None:
        """Make the disks that are not there and remove those that nothing names; whether one `moves`."""
        for disk in guest.disks:
            path = self.path(guest, disk)
            if not path.exists():
                self._create(guest, disk, path, moves=moves)
            disks.limit(path, disk.size_bytes)
        kept = {self.path(guest, disk) for disk in guest.disks}
        unused = (str(value) for key, value in guest.config.items() if key.startswith("unused"))
        names = {place_of(volume.partition(":")[2]).name for volume in unused}
        for folder in self._folders(guest.vmid):
            for path in folder.iterdir():
                of = path.with_name(path.name.partition("@")[0])
                if of not in kept and of.name not in names:
                    disks.delete(path)

    def _create(self, guest: Guest, disk: Disk, path: Path, *, moves: bool) -> None:
        origin = self._origin(guest, disk)
        if origin is None:
            disks.create(path)
            return
        if moves:
            # A machine that runs takes the disk under it along; where it was, a copy stays if one is kept.
            path.parent.mkdir(parents=True, exist_ok=True)
            disks.move(origin, path)
            disks.copy(path, origin)
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

    def match_snapshots(self, guest: Guest) -> None:
        """Take the snapshots that a guest has, and delete those that it has no more."""
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

    def roll_back(self, guest: Guest, name: str) -> None:
        """Let every disk begin again as its snapshot of a name."""
        for disk in guest.disks:
            path = self.path(guest, disk)
            disks.delete(path)
            disks.copy(disks.snapshot_path(path, name), path)
            disks.limit(path, disk.size_bytes)
