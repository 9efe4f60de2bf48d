"""Machines: Debian hosts booted with systemd-nspawn, each in its own control group and network namespace."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.hosts import cgroups, names
from lab.hosts.network import netns_of, netns_path
from lab.hosts.shell import CommandFailed, run

PROPAGATE = Path("/run/systemd/nspawn/propagate")
STOP_SECONDS = 10.0
BOOT_SECONDS = 60.0
PAUSE_SECONDS = 0.05
SSH = 22
NOT_RUNNING = 255
ENTER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine: its unique `name`, its root file system, and what of the site's disk it sees where.

    What it `reads` it cannot write to.
    """

    name: str
    root: Path
    hostname: str
    log: Path
    binds: tuple[tuple[Path, str], ...] = ()
    reads: tuple[tuple[Path, str], ...] = ()
    memory_bytes: int | None = None
    cpus: float | None = None


def boot(machine: Machine) -> None:
    """Start a machine; it needs its network namespace. Returns before it has booted (see `wait_booted`).

    Raises LabError when it runs already or could not be started.
    """
    if is_running(machine.name):
        raise LabError(f"{machine.name} is already running")
    cgroups.make(machine.name)
    cgroups.limit(machine.name, memory_bytes=machine.memory_bytes, cpus=machine.cpus)
    # What the machine's own systemd sees is version 2 alone, and a seccomp filter would slow its calls.
    # A machine may change the kernel's settings of its own network, as LXC lets it.
    settings = {"UNIFIED_HIERARCHY": "1", "API_VFS_WRITABLE": "network"}
    named = {f"SYSTEMD_NSPAWN_{name}": value for name, value in settings.items()}
    cgroups.spawn(machine.name, _nspawn(machine), machine.log, **named, SYSTEMD_SECCOMP="0")


def _nspawn(machine: Machine) -> tuple[str, ...]:
    return (
        *("nsenter", f"--net={netns_path(netns_of(machine.name))}"),
        *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", "--console=pipe"),
        *(f"--directory={machine.root}", f"--machine={names.machine(machine.name)}"),
        *(f"--hostname={machine.hostname}", "--capability=CAP_NET_ADMIN", "--resolv-conf=off"),
        *(f"--bind={source}:{target}" for source, target in machine.binds),
        *(f"--bind-ro={source}:{target}" for source, target in machine.reads),
    )


def is_running(name: str) -> bool:
    """Whether anything of a machine is alive."""
    return bool(cgroups.pids(name))


def wait_ssh(machine: Machine, address: str, seconds: float = BOOT_SECONDS) -> None:
    """Return when a machine's sshd greets. Raises LabError with the end of its journal."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and is_running(machine.name):
        if greets(address):
            return
        time.sleep(PAUSE_SECONDS)
    end = f"did not boot within {seconds:g} s" if is_running(machine.name) else "ended while it booted"
    raise LabError(
        f"{machine.name} ({address}) {end}",
        "Its last words:\n" + last_words(machine),
    )


def greets(address: str, port: int = SSH) -> bool:
    """Whether an SSH server answers at an address."""
    try:
        with socket.create_connection((address, port), timeout=1) as channel:
            channel.settimeout(1)
            return channel.recv(4) == b"SSH-"
    except OSError:
        return False


def last_words(machine: Machine) -> str:
    """The end of a machine's journal, else of its console."""
    with suppress(CommandFailed):
        journal = run(
            "journalctl", "--quiet", "--no-pager", "-n", "15", f"--directory={machine.root}/var/log/journal"
        )
        if journal.strip():
            return journal
    return "\n".join(machine.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def stop(name: str, seconds: float = STOP_SECONDS) -> bool:
    """Shut a machine down in order, and kill it when it takes longer; whether it went by itself."""
    for pid in cgroups.pids(name):
        if _command(pid) == "systemd-nspawn":
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and is_running(name):
        time.sleep(PAUSE_SECONDS)
    in_time = not is_running(name)
    kill(name)
    return in_time


def kill(name: str) -> None:
    """Kill a machine at once, as a power cut does, and remove what it leaves on this system."""
    if not cgroups.kill(name):
        raise LabError(
            f"{name} cannot be killed", "See what its processes wait for: ps -eo pid,stat,wchan,args"
        )
    cgroups.remove(name)
    shutil.rmtree(PROPAGATE / names.machine(name), ignore_errors=True)


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()[:15]
    return ""


def enter(name: str, *command: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command inside a machine; exit code 255 when the machine is not running."""
    leader = cgroups.leader(name)
    if leader is None:
        return subprocess.CompletedProcess(command, NOT_RUNNING, "", f"{name} is not running\n")
    return subprocess.run(  # noqa: S603  # an argument list of our own
        ("/usr/bin/nsenter", "-t", str(leader), "-m", "-u", "-i", "-n", "-p", "--", *command),
        capture_output=True,
        text=True,
        check=False,
        timeout=ENTER_SECONDS,
        input=stdin or "",
    )


def furnish(root: Path, hostname: str) -> str:
    """Make a copied root file system a host of its own; its public SSH host key, pinned from now on."""
    (root / "etc/hostname").write_text(hostname + "\n", encoding="utf-8")
    (root / "etc/machine-id").write_text("", encoding="utf-8")
    shutil.rmtree(root / "var/log/journal", ignore_errors=True)
    (root / "var/log/journal").mkdir()
    folder = root / "etc/ssh"
    for old in folder.glob("ssh_host_*"):
        old.unlink()
    key = folder / "ssh_host_ed25519_key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"root@{hostname}", "-f", key)
    return key.with_suffix(".pub").read_text(encoding="utf-8").strip()


def network(root: Path, card: str, lines: tuple[str, ...]) -> None:
    """Write a card's configuration for systemd-networkd; `lines` are those of its [Network] section."""
    text = "\n".join((f"[Match]\nName={card}\n\n[Network]", *lines, "LinkLocalAddressing=no", ""))
    (root / f"etc/systemd/network/10-{card}.network").write_text(text, encoding="utf-8")


def authorise(root: Path, public_key: str) -> None:
    """Let the owner of a key in as root, or of several, a line each."""
    folder = root / "root/.ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "authorized_keys").write_text(public_key + "\n", encoding="utf-8")
