"""Virtual machines: booted once for the snapshot, restored from it ever after, found by QEMU's `-name`."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from lab import ssh_config
from lab.errors import LabError, LabRefused
from lab.hosts import host
from lab.hosts.shell import CommandFailed, run
from lab.vm import monitor
from lab.vm.disk import Image
from lab.vm.qemu import SNAPSHOT, Wiring, img, qemu_name, system

BOOT_SECONDS = 900.0
# Where QEMU translates and others use the processors too, a login takes many times its few seconds.
RESTORE_SECONDS = 600.0
STOP_SECONDS = 10.0
PAUSE_SECONDS = 0.2
LOGIN_SECONDS = 90
ALIAS = "bastide-lab-vm"
"""The name under which the host key of all of them is pinned: they are copies of one."""


@dataclass(frozen=True, slots=True)
class Vm:
    """A virtual machine: `folder` holds its disk, console and keys; `port` on loopback leads to its sshd."""

    name: str
    folder: Path
    port: int

    @property
    def wiring(self) -> Wiring:
        """What of this machine QEMU is told."""
        return Wiring(self.name, self.folder, self.port)

    def command(self) -> tuple[str, ...]:
        """The command that opens a session as root; append what to run there."""
        return ("ssh", "-F", str(self.folder / ssh_config.FILE), self.name)

    def ssh(self, *words: str, timeout: float = LOGIN_SECONDS) -> str:
        """Run a command inside; its output. `timeout` is in seconds. Raises CommandFailed."""
        return run(*self.command(), *words, timeout=timeout)


def start(image: Image, vm: Vm) -> None:
    """Restore a machine as it was when it had booted, with the time of now; the first time boots it.

    Raises LabError with the end of its console if it does not answer.
    """
    try:
        _furnish(image, vm)
        with FileLock(image.folder / "booted.lock"):  # who comes second finds what the first one booted
            if not image.booted.exists():
                _bake(image, vm)
                _furnish(image, vm)
        shutil.copy(image.booted, vm.wiring.disk)
        _launch(image, vm, "-loadvm", SNAPSHOT)
        _wait(vm, RESTORE_SECONDS)
    except BaseException:
        stop(vm.name, vm.folder)
        raise


def stop(name: str, folder: Path) -> bool:
    """Take a machine's power away and remove all of it; whether it was there."""
    found = running(name)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + STOP_SECONDS
    while running(name) and time.monotonic() < deadline:
        time.sleep(0.02)
    there = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    return bool(found) or there


def running(name: str) -> tuple[int, ...]:
    """The processes of a machine of this name, from the system's own list."""
    wanted = f"\0-name\0{qemu_name(name)}\0".encode()
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # a process may end while it is looked at
            if wanted in file.read_bytes():
                found.append(int(file.parent.name))
    return tuple(found)


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def check_free(vm: Vm) -> None:
    """Raise LabRefused if a machine of this name runs, or its port is taken."""
    if running(vm.name):
        raise LabRefused(f"the virtual machine {vm.name} is running", f"python -m lab.vm stop {vm.name}")
    if host.greets("127.0.0.1", vm.port):
        raise LabRefused(f"something answers at port {vm.port} already", "Choose another with --port.")


def _furnish(image: Image, vm: Vm) -> None:
    """An empty folder with the keys."""
    shutil.rmtree(vm.folder, ignore_errors=True)
    vm.folder.mkdir(parents=True)
    for file in (image.key, image.known_hosts):
        shutil.copy2(file, vm.folder)
    places = {vm.name: ("127.0.0.1", vm.port)}
    ssh_config.write(vm.folder, places, alias=ALIAS, patience_seconds=LOGIN_SECONDS)


def _bake(image: Image, vm: Vm) -> None:
    """Boot once, to the end of all that only a first boot does, and keep that moment with the image."""
    run(*img(image), "create", "-q", "-f", "qcow2", "-b", image.disk, "-F", "raw", vm.wiring.disk)
    _launch(image, vm)
    _wait(vm, BOOT_SECONDS)
    vm.ssh("systemctl", "is-system-running", "--wait", timeout=BOOT_SECONDS)
    monitor.ask(vm.wiring.monitor, monitor.save(SNAPSHOT), monitor.QUIT)
    while running(vm.name):
        time.sleep(PAUSE_SECONDS)
    shutil.move(vm.wiring.disk, image.booted)


def _launch(image: Image, vm: Vm, *options: str) -> None:
    with (vm.folder / "qemu.log").open("wb") as out:
        subprocess.run(  # noqa: S603  # an argument list of our own
            ("/usr/bin/setsid", "--fork", *system(image, vm.wiring), *options),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=True,
        )


def _wait(vm: Vm, seconds: float) -> None:
    """Return when the machine has taken the time from us. Raises LabError with its last words."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        if not running(vm.name):
            break
        with suppress(CommandFailed):
            vm.ssh("date", f"--set=@{time.time():.0f}")
            return
    raise LabError(f"the virtual machine {vm.name} did not come up", f"Its last words:\n{_last_words(vm)}")


def _last_words(vm: Vm) -> str:
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in vm.wiring.logs if file.exists()]
    return "\n".join("\n".join(texts).splitlines()[-15:])
