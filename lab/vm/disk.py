"""What a virtual machine boots: Debian 13 on a file, and its kernel beside it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from lab.errors import LabError
from lab.hosts import host, images
from lab.hosts.shell import CommandFailed, run

RELEASE = 13
DISK_BYTES = 4 * 1024**3
FREE_BYTES = 3 * 1024**3
PACKAGES = (
    *("apparmor", "apparmor-utils", "auditd", "ca-certificates", "cryptsetup-bin", "dbus", "grub2-common"),
    *(
        "initramfs-tools",
        "iproute2",
        "iputils-ping",
        "kmod",
        "libgcrypt20",
        "libpam-apparmor",
        "libpam-systemd",
        "linux-image-cloud-amd64",
        "logrotate",
        "nano",
        "openssh-server",
        "procps",
        "python3",
        "python3-apt",
        "rsyslog",
    ),
    *("sudo", "systemd-cryptsetup", "systemd-sysv", "udev", "zstd"),
)
# QEMU comes from the same Debian whatever this machine has: a snapshot is only for the QEMU that wrote it.
QEMU_PACKAGES = ("qemu-system-x86", "qemu-utils")
BEFORE = {
    # Only what finds the disk: an initial file system of a few megabytes.
    "etc/initramfs-tools/conf.d/lab.conf": "MODULES=list\n",
    "usr/share/initramfs-tools/modules.d/lab": "virtio_pci\nvirtio_blk\next4\n",
}
AFTER = {
    "etc/fstab": "/dev/vda / ext4 defaults,noatime 0 1\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",
    "etc/machine-id": "",
    "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
    # The addresses are those of QEMU's own small network.
    "etc/systemd/network/10-wired.network": (
        "[Match]\nType=ether\n\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\nLinkLocalAddressing=no\n"
    ),
}
ENABLED = ("systemd-networkd", "ssh", "auditd")
# They wait for a network, spend time in the background, or would set the clock that a start sets.
MASKED = (
    *(
        "apt-daily-upgrade.timer",
        "apt-daily.timer",
        "dpkg-db-backup.timer",
        "e2scrub_all.timer",
        "fstrim.timer",
    ),
    *("getty@tty1.service", "man-db.timer", "serial-getty@ttyS0.service", "systemd-timesyncd.service"),
    "systemd-networkd-wait-online.service",
)
# The first line is what a hardened host boots with; the second spares time and shows nothing here; with the
# third a unit that takes minutes, because others use the processors too, has not failed.
PARAMETERS = (
    "root=/dev/vda rw console=ttyS0 audit=1 audit_backlog_limit=8192 apparmor=1 security=apparmor "
    "quiet systemd.show_status=0 mitigations=off nokaslr random.trust_cpu=on tsc=reliable no_timer_check "
    "systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900"
)


@dataclass(frozen=True, slots=True)
class Image:
    """Where the parts of an image are: all in one folder of the cache."""

    folder: Path

    @property
    def disk(self) -> Path:
        """The root file system, never written to."""
        return self.folder / "disk.raw"

    @property
    def kernel(self) -> Path:
        """Debian's kernel."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """Its initial file system."""
        return self.folder / "initrd.img"

    @property
    def qemu(self) -> Path:
        """Debian's QEMU with all its libraries, unpacked."""
        return self.folder / "qemu"

    @property
    def booted(self) -> Path:
        """What a booted machine wrote to its disk, with the snapshot of that moment."""
        return self.folder / "booted.qcow2"

    @property
    def key(self) -> Path:
        """The key that every machine of this image lets in."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The host key, pinned as the image is made."""
        return self.folder / "known_hosts"


def ensure(cache: Path, name: str, say: Callable[[str], None]) -> Image:
    """The image of the present recipe, built if it is not in the cache; `name` is whose host key it pins.

    Raises LabError when there is no room for it, or Debian's packages cannot be had.
    """
    wanted = cache / f"vm-{recipe()}"
    if wanted.is_dir():
        return Image(wanted)
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "vm.lock"):  # who comes second finds what the first one built
        return Image(wanted) if wanted.is_dir() else _ensured(cache, wanted, name, say)


def _ensured(cache: Path, wanted: Path, name: str, say: Callable[[str], None]) -> Image:
    free = shutil.disk_usage(cache).free
    if free < FREE_BYTES:
        raise LabError(
            f"a virtual machine needs {FREE_BYTES >> 30} GiB in {cache}, and {free >> 30} GiB are free",
            "Make room there, or name another folder in $BASTIDE_LAB_ROOT.",
        )
    say(f"building a virtual machine of Debian {RELEASE} (once; a few minutes)")
    draft = cache / "vm.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    _build(Image(draft), name)
    for old in cache.glob("vm-*"):
        shutil.rmtree(old)
    return Image(draft.rename(wanted))


def recipe() -> str:
    """A short hash of everything that the image is made from."""
    files = [BEFORE, AFTER, ENABLED, MASKED]
    parts = [PACKAGES, QEMU_PACKAGES, *files, images.KEPT, images.mirrors(RELEASE), DISK_BYTES, PARAMETERS]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _build(image: Image, name: str) -> None:
    root = image.folder / "root"
    hooks = [f"--setup-hook={_written(BEFORE)}", "--dpkgopt=force-unsafe-io", *_without_documentation()]
    with ThreadPoolExecutor() as builders:
        builds = (
            builders.submit(_debootstrap, image.qemu, "extract", QEMU_PACKAGES),
            builders.submit(_debootstrap, root, "minbase", PACKAGES, *hooks),
        )
        for build in builds:
            build.result()
    for file, content in AFTER.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    run("systemctl", f"--root={root}", "--quiet", "enable", *ENABLED)
    run("systemctl", f"--root={root}", "--quiet", "mask", *MASKED)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bastide-lab", "-f", image.key)
    host.authorise(root, image.key.with_suffix(".pub").read_text(encoding="utf-8").strip())
    image.known_hosts.write_text(f"{name} {host.furnish(root, name)}\n", encoding="utf-8")
    for part in (image.kernel, image.initrd):
        shutil.copy(next((root / "boot").glob(f"{part.name}-*")), part)
    with image.disk.open("wb") as disk:
        disk.truncate(DISK_BYTES)
    run("mke2fs", "-q", "-t", "ext4", "-d", root, "-F", image.disk)
    shutil.rmtree(root)


def _debootstrap(target: Path, variant: str, packages: tuple[str, ...], *options: str) -> None:
    try:
        run(
            *("mmdebstrap", "--quiet", f"--variant={variant}", "--mode=root", "--format=directory"),
            *("--aptopt=APT::Install-Recommends false", "--aptopt=Acquire::Languages none", *options),
            *("--include=" + ",".join(packages), f"--skip=check/empty,{images.KEPT}"),
            *(images.RELEASES[RELEASE], target, "-"),
            stdin="\n".join(images.mirrors(RELEASE)) + "\n",
            timeout=images.BUILD_SECONDS,
        )
    except CommandFailed as failed:
        raise LabError(
            f"the virtual machine's Debian {RELEASE} could not be built: {failed.what}",
            "Is the Debian mirror of /etc/apt reachable? mmdebstrap said:\n" + failed.said[-1500:],
        ) from failed


def _without_documentation() -> list[str]:
    return [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]


def _written(files: dict[str, str]) -> str:
    """A line of shell for mmdebstrap, to which `$1` is the root, that writes small files of ours."""
    lines = []
    for file, content in files.items():
        words = content.replace("\n", "\\n")
        lines.append(f'mkdir -p "$1/$(dirname {file})" && printf "{words}" > "$1/{file}"')
    return " && ".join(lines)
