"""Debian root file systems: built once with mmdebstrap, kept, and rebuilt when their recipe changes.

All releases are subvolumes of one btrfs file, `cache/images-<recipe>.btrfs`. A site's disk begins as a copy
of that file, so that a machine's root is a snapshot and costs no time. The mirror is the one that this
machine's own apt uses.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from lab.errors import LabError
from lab.hosts.shell import CommandFailed, run
from lab.platform.cloud_init import PACKAGES as PACKAGES_OF_PLATFORM
from lab.platform.cloud_init import UNITS as UNITS_OF_PLATFORM

RELEASES = {12: "bookworm", 13: "trixie"}
PLATFORM = "debian-13-platform"
BUILD_SECONDS = 1800.0
IMAGE_BYTES = 6 * 1024**3
UNSAFE_IO = "--option=DPkg::Options::=--force-unsafe-io"
PACKAGES = (
    "apt-utils",
    "btrfs-progs",
    "ca-certificates",
    "cloud-init",
    "curl",
    "dbus",
    "dnsutils",
    "e2fsprogs",
    "ethtool",
    "gpg",
    "iproute2",
    "iputils-ping",
    "less",
    "libfaketime",
    "libpam-systemd",
    "locales",
    "logrotate",
    "lsb-release",
    "nano",
    "netcat-openbsd",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "rsync",
    "sudo",
    "systemd-sysv",
    "systemd-timesyncd",
    "tar",
    "tzdata",
    "util-linux",
    "xz-utils",
    "zstd",
)
# Where a container differs from a machine of its own, and where the lab pins identities itself.
FILES = {
    "etc/cloud/cloud.cfg.d/90-lab.cfg": (
        "datasource_list: [NoCloud, None]\n"
        "ssh_deletekeys: false\n"
        "ssh_genkeytypes: []\n"
        "system_info: {network: {renderers: [networkd]}}\n"
        "disable_root: false\n"  # the lab's own key opens root's door
        "growpart: {mode: 'off'}\nresize_rootfs: false\n"
        "locale: C.UTF-8\n"  # another would have to be generated at every first boot
    ),
    "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
    "etc/ssh/sshd_config.d/lab.conf": "PermitRootLogin prohibit-password\nUseDNS no\n",
    "etc/resolv.conf": "",
    "etc/hostname": "localhost\n",
    "etc/machine-id": "",
}
# What mmdebstrap would clear away: with the archive's lists a machine installs at once, as a host in service.
KEPT = "cleanup/apt/lists"
ENABLED = ("systemd-networkd", "ssh")
# They wait for hardware, keys or networks that a container does not have, or spend time on first boots.
MASKED = (
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "run-lock.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "sys-fs-fuse-connections.mount",
    "systemd-network-generator.service",
    "systemd-pstore.service",
    "systemd-hwdb-update.service",
    "systemd-modules-load.service",
    "modprobe@.service",
    "kmod-static-nodes.service",
    "systemd-networkd-wait-online.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "man-db.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "console-getty.service",
    "getty@tty1.service",
    "sshd-keygen.service",
    "dpkg-db-backup.timer",
)


def recipe() -> str:
    """A short hash of everything that the images are made from."""
    platform = [PACKAGES_OF_PLATFORM, UNITS_OF_PLATFORM]
    whole = json.dumps([RELEASES, PACKAGES, platform, FILES, KEPT, ENABLED, MASKED, mirrors(13), IMAGE_BYTES])
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def cached(folder: Path) -> Path:
    """Where the images of the present recipe are, or would be."""
    return folder / f"images-{recipe()}.btrfs"


def ensure(folder: Path, say: Callable[[str], None]) -> Path:
    """The file with the images, built if it is not there. Raises LabError when a build fails."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "images.lock"):  # who comes second finds what the first one built
        return _ensured(folder, say)


def _ensured(folder: Path, say: Callable[[str], None]) -> Path:
    wanted = cached(folder)
    if wanted.exists():
        return wanted
    draft = folder / "images.draft"
    draft.unlink(missing_ok=True)
    with draft.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    run("mkfs.btrfs", "--quiet", "--label", "bastide-lab", "--metadata", "single", draft)
    with _mounted(draft, folder / "build") as where:
        say(f"building the images of Debian {' and '.join(map(str, RELEASES))} (once; a few minutes)")
        with ThreadPoolExecutor(len(RELEASES)) as builders:
            list(builders.map(lambda release: _build(release, where / f"debian-{release}"), RELEASES))
        say("adding an image with the packages of the patient platform")
        _add_platform(where)
        run("btrfs", "filesystem", "sync", where)
        run(
            "fstrim", where
        )  # give back what the build freed: every site's disk begins as a copy of this file
    for old in folder.glob("images-*.btrfs"):
        old.unlink()
    draft.replace(wanted)
    return wanted


@contextmanager
def _mounted(file: Path, where: Path) -> Iterator[Path]:
    where.mkdir(exist_ok=True)
    # A draft that a crash spoils is thrown away: nothing has to be on the disk before the end.
    run("mount", "-o", "loop,compress=zstd:1,noatime,nobarrier,commit=900", file, where)
    try:
        yield where
    finally:
        run("umount", where)
        where.rmdir()


def _add_platform(where: Path) -> None:
    """An image that holds what the platform's guests need, switched off until a guest's role wants it."""
    target = where / PLATFORM
    run("btrfs", "-q", "subvolume", "snapshot", where / "debian-13", target)
    inside = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--pipe", "-D", str(target))
    quiet = ("--setenv=DEBIAN_FRONTEND=noninteractive", "--resolv-conf=replace-host")
    (target / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    (target / "usr/sbin/policy-rc.d").chmod(0o755)
    wanted = ("apt-get", "-q", "install", "-y", "--no-install-recommends", UNSAFE_IO, *PACKAGES_OF_PLATFORM)
    run(*inside, *quiet, *wanted, timeout=BUILD_SECONDS)
    run(*inside, "apt-get", "clean")
    (target / "usr/sbin/policy-rc.d").unlink()
    run("systemctl", f"--root={target}", "--quiet", "disable", *UNITS_OF_PLATFORM)
    _finish(target)


def _build(release: int, target: Path) -> None:
    run("btrfs", "-q", "subvolume", "create", target)
    lines = "\n".join(mirrors(release))
    try:
        run(
            *("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--format=directory"),
            *("--aptopt=APT::Install-Recommends false", "--aptopt=Acquire::Languages none"),
            *("--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*"),
            *("--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=force-unsafe-io"),
            *("--include=" + ",".join(PACKAGES), f"--skip=check/empty,{KEPT}"),
            *(RELEASES[release], str(target), "-"),
            stdin=lines + "\n",
            timeout=BUILD_SECONDS,
        )
    except CommandFailed as failed:
        raise LabError(
            f"the image of Debian {release} could not be built: {failed.what}",
            "Is the Debian mirror of /etc/apt reachable? mmdebstrap said:\n" + failed.said[-1500:],
        ) from failed
    _finish(target)


def _finish(target: Path) -> None:
    for name, content in FILES.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(content, encoding="utf-8")
    run("systemctl", f"--root={target}", "--quiet", "enable", *ENABLED)
    run("systemctl", f"--root={target}", "--quiet", "mask", *MASKED)
    for key in (target / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (target / "var/log/journal").mkdir(exist_ok=True)
    for stamp in ("etc/.updated", "var/.updated"):  # else the first boot builds every cache again
        (target / stamp).touch()


def mirrors(release: int) -> list[str]:
    """The sources of Debian's main archive that apt knows here, told for another release."""
    told = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)",
               "Created-By: Packages")  # fmt: skip
    rows = {tuple(line.split(maxsplit=3)) for line in told.splitlines()}
    found = sorted((row[0], row[1]) for row in rows if row[2:] == ("main", "Debian"))
    if not found:
        raise LabError(
            "this machine's apt knows no Debian mirror: images cannot be built",
            "Add one to /etc/apt/sources.list and run apt-get update.",
        )
    return [f"deb {uri} {_suite(suite, release)} main" for uri, suite in found]


def _suite(here: str, release: int) -> str:
    """The suite of another release that does what `here` does: itself, its updates, its security fixes."""
    _, dash, rest = here.partition("-")
    return RELEASES[release] + dash + rest
