"""Disks: one btrfs file for each site, a subvolume for each disk; snapshots, quotas, moves, and decay.

sites/SITE.btrfs, mounted at sites/SITE:
  debian-12, debian-13                     what machines are made of
  machines/NAME                            root of a machine of the lab
  nodes/NODE/STORAGE/images/VMID/VOLUME    a guest's disk, as /srv/btrfs on that node shows it
  shared/STORAGE                           what all nodes of the site have
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.hosts.shell import CommandFailed, run, succeeds

SITE_BYTES = 40 * 1024**3
FILLER = "filler"
MAP_TRIES = 20


@dataclass(frozen=True, slots=True)
class SiteDisk:
    """The disk of a site: `file` holds the file system, `top` is where it is mounted."""

    file: Path
    top: Path

    @classmethod
    def of(cls, root: Path, site: str) -> "SiteDisk":
        """The disk of a site of the lab in `root`."""
        return cls(root / "sites" / f"{site}.btrfs", root / "sites" / site)

    def machine(self, name: str) -> Path:
        """The root file system of a machine of the lab."""
        return self.top / "machines" / name

    def storage(self, node: str, storage: str, *, shared: bool) -> Path:
        """A storage of a node, or one that all nodes share."""
        return self.top / "shared" / storage if shared else self.top / "nodes" / node / storage

    def make(self, images: Path) -> None:
        """Make the disk as a copy of the images, with an identity of its own, and mount it."""
        self.top.mkdir(parents=True)
        run("cp", "--sparse=always", "--reflink=auto", images, self.file)
        run("btrfstune", "-m", self.file)
        with self.file.open("r+b") as file:
            file.truncate(SITE_BYTES)
        self.mount()
        run("btrfs", "-q", "filesystem", "resize", "max", self.top)
        run("btrfs", "quota", "enable", self.top)
        for folder in ("machines", "nodes", "shared"):
            (self.top / folder).mkdir()

    def mount(self) -> None:
        """Mount the disk; the loop device goes by itself when it is unmounted."""
        # Nothing waits until a real disk has it, so that packages install in three quarters of the time:
        # a lab does not outlive a crash of this machine, and machines that are killed lose nothing.
        lazily = "nobarrier,commit=300"
        run("mount", "-o", f"loop,compress=zstd:1,noatime,discard=async,{lazily}", self.file, self.top)

    def fill(self) -> None:
        """Take all room of the site's disk but a little."""
        run("sync", "-f", self.top)
        for size in (1024**3, 1024**2 * 64, 1024**2, 4096):
            self._fill_by(size)

    def _fill_by(self, size: int) -> None:
        number = 0
        while True:
            block = self.top / FILLER / f"{size}-{number}"
            block.parent.mkdir(exist_ok=True)
            if not succeeds("fallocate", "-l", str(size), block):
                block.unlink(missing_ok=True)
                return
            number += 1

    def relieve(self) -> None:
        """Give the room back that `fill` took."""
        run("rm", "-rf", self.top / FILLER)
        run("btrfs", "filesystem", "sync", self.top)

    @property
    def is_full(self) -> bool:
        """Whether `fill` is in force."""
        return (self.top / FILLER).exists()


def is_subvolume(path: Path) -> bool:
    """Whether a path is the top of a subvolume: its inode number is 256 and nothing else's is."""
    return path.is_dir() and path.stat().st_ino == 256  # noqa: PLR2004  # BTRFS_FIRST_FREE_OBJECTID


def create(path: Path) -> None:
    """Make an empty disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run("btrfs", "-q", "subvolume", "create", path)


def copy(source: Path, target: Path, *, read_only: bool = False) -> None:
    """Make a disk that begins as another: a snapshot within a site. Raises CommandFailed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    flags = ("-r",) if read_only else ()
    run("btrfs", "-q", "subvolume", "snapshot", *flags, source, target)


def move(source: Path, target: Path) -> None:
    """Bring a disk or a snapshot to another place of its site; what `send` knows it by stays.

    The kernel moves no read-only subvolume. One that was received would lose its mark when made writable, and
    keeps it in a copy.
    """
    read_only = run("btrfs", "property", "get", source, "ro").strip() == "ro=true"
    if read_only and _is_received(source):
        copy(source, target, read_only=True)
        delete(source)
        return
    if read_only:
        run("btrfs", "property", "set", source, "ro", "false")
    source.rename(target)
    if read_only:
        run("btrfs", "property", "set", target, "ro", "true")


def _is_received(path: Path) -> bool:
    told = re.search(r"Received UUID:\s*(\S+)", run("btrfs", "subvolume", "show", path))
    return told is not None and told.group(1) != "-"


def delete(path: Path) -> None:
    """Delete a disk; nothing happens when it is gone."""
    if is_subvolume(path):
        run("btrfs", "property", "set", "-f", path, "ro", "false")
        for inner in (path / "var/lib/portables", path / "var/lib/machines"):
            if inner.exists() and is_subvolume(inner):  # systemd makes these two by itself
                run("btrfs", "-q", "subvolume", "delete", inner)
        run("btrfs", "-q", "subvolume", "delete", path)


def snapshots(disk: Path) -> dict[str, Path]:
    """The snapshots of a disk by name; they stand beside it as `DISK@NAME`, as Proxmox VE names them."""
    found = disk.parent.glob(disk.name + "@*")
    return {path.name.partition("@")[2]: path for path in found if is_subvolume(path)}


def snapshot_path(disk: Path, name: str) -> Path:
    """Where the snapshot of a disk is."""
    return disk.with_name(f"{disk.name}@{name}")


def limit(path: Path, size_bytes: int | None) -> None:
    """Let a disk hold so many bytes, or as many as there is room for."""
    run("btrfs", "qgroup", "limit", "none" if size_bytes is None else str(size_bytes), path)


def send(source: Path, file: Path, *, parent: Path | None = None) -> None:
    """Write a read-only snapshot to a file, or only what changed since another."""
    since = ("-p", parent) if parent else ()
    run("btrfs", "-q", "send", *since, "-f", file, source)


def receive(file: Path, folder: Path) -> None:
    """Make the snapshot that `send` wrote, in a folder of another disk."""
    folder.mkdir(parents=True, exist_ok=True)
    run("btrfs", "-q", "receive", "-f", file, folder)


def flip_bit(disk: SiteDisk, file: Path) -> int:
    """Flip a bit in the middle of a file's first extent, under the file system; the device's offset in bytes.

    Raises LabError for a file without an extent of its own (one so small that it lies in the metadata).
    """
    run("sync", "-f", disk.top)
    logical = _first_extent(file)
    offset = _on_device(disk, logical) + 100
    with disk.file.open("r+b") as device:
        device.seek(offset)
        byte = device.read(1)[0]
        device.seek(offset)
        device.write(bytes([byte ^ 1]))
        device.flush()
    _forget(file)
    return offset


def _on_device(disk: SiteDisk, logical: int) -> int:
    """Where a logical address of a file system is on its device, in bytes. Raises LabError."""
    for _ in range(MAP_TRIES):
        with suppress(CommandFailed):  # the file system is in use: its trees may move while they are read
            mapped = re.search(r"physical (\d+)", run("btrfs-map-logical", "-l", str(logical), disk.file))
            if mapped:
                return int(mapped.group(1))
        run("sync", "-f", disk.top)
    raise LabError(f"what lies at {logical} of {disk.file} could not be found", "Try again.")


def _first_extent(file: Path) -> int:
    rows = run("filefrag", "-b1", "-v", file).splitlines()
    for row in rows:
        found = re.match(r"\s*\d+:\s+\d+\.\.\s*\d+:\s+(\d+)\.\.", row)
        if found and "inline" not in row:
            return int(found.group(1))
    raise LabError(f"{file} has no extent of its own to rot", "Name a larger file.")


def _forget(file: Path) -> None:
    """Drop a file's pages, so that the next reader goes to the disk."""
    with file.open("rb") as pages:
        os.posix_fadvise(pages.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
