"""What can be broken in machines: links, disks, clocks, services. Each fault breaks the real thing.

A fault that lasts (a cut link, a full disk, a wrong clock) is in force as long as the board of its site holds
it: what is and what should be are compared, as for everything else. One that strikes once (a flipped bit,
a killed service) acts and is gone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError, LabRefused
from lab.faults import BIT_ROT, CLOCK_SKEW, DISK_FULL, LINK_CUT, SERVICE_KILL, Fault
from lab.hosts import disks, host, network
from lab.hosts.disks import SiteDisk
from lab.hosts.host import Machine

PRELOAD = "etc/ld.so.preload"
SKEW = "etc/faketimerc"
LIBRARY = "usr/lib/*/faketime/libfaketime.so.1"
LASTING = (LINK_CUT, DISK_FULL, CLOCK_SKEW)
ONCE = (BIT_ROT, SERVICE_KILL)


@dataclass(frozen=True, slots=True)
class Breakable:
    """What of a site faults can strike: its links to `others`, its disk, and its machines by fault."""

    site: str
    others: tuple[str, ...]
    disk: SiteDisk
    machine: Callable[[Fault], Machine]
    machines: Callable[[], Iterable[Machine]]


def check(fault: Fault, what: Breakable) -> None:
    """Raise LabRefused for a fault that names nothing that it could strike."""
    if fault.name == LINK_CUT and fault.match and fault.match not in what.others:
        raise LabRefused(
            f"{what.site} has no link to {fault.match}", f"It has links to {', '.join(what.others)}."
        )
    if fault.name in (CLOCK_SKEW, *ONCE):
        what.machine(fault)
    if fault.name in ONCE and not fault.match:
        wanted = {BIT_ROT: "which file: add --match /PATH", SERVICE_KILL: "which service: add --match UNIT"}
        raise LabRefused(f"{fault.name} needs to know {wanted[fault.name]}")


def strike(fault: Fault, what: Breakable) -> None:
    """Do what strikes once. Raises LabRefused when it could not."""
    machine = what.machine(fault)
    target = fault.match or ""
    if fault.name == SERVICE_KILL:
        done = host.enter(machine.name, "systemctl", "kill", "--signal=KILL", "--kill-whom=all", target)
        if done.returncode:
            raise LabRefused(f"{target} of {machine.name} was not killed: {done.stderr.strip()}")
        return
    file = machine.root / target.lstrip("/")
    if not file.is_file() or not file.resolve().is_relative_to(machine.root):
        raise LabRefused(f"{machine.name} has no file {target}")
    try:
        disks.flip_bit(what.disk, file)
    except LabError as problem:
        raise LabRefused(problem.what, problem.hint) from problem


def match(faults: Iterable[Fault], what: Breakable) -> None:
    """Make everything that lasts what the faults in force say."""
    wanted = [fault for fault in faults if fault.name in LASTING]
    _match_links({fault.match or "" for fault in wanted if fault.name == LINK_CUT}, what.site)
    full = any(fault.name == DISK_FULL for fault in wanted)
    if full != what.disk.is_full:
        (what.disk.fill if full else what.disk.relieve)()
    skews = {what.machine(fault).name: fault.seconds for fault in wanted if fault.name == CLOCK_SKEW}
    for machine in what.machines():
        _set_clock(machine.root, skews.get(machine.name))


def _match_links(wanted: set[str], site: str) -> None:
    there = set(network.cuts(site))
    for other in wanted - there:
        network.cut(site, other)
    for other in there - wanted:
        network.heal(site, other)


def _set_clock(root: Path, seconds: float | None) -> None:
    """Let every program that starts from now on see a clock wrong by so many seconds, or the right one.

    Machines share the kernel's clock, so libfaketime lies to them, and only to dynamically linked programs.
    """
    preload, told = root / PRELOAD, root / SKEW
    if seconds is None:
        for file in (preload, told):
            file.unlink(missing_ok=True)
        return
    library = next(root.glob(LIBRARY), None)
    if library is None:
        raise LabRefused(f"{root.name} has no libfaketime: its clock cannot be made wrong")
    told.write_text(f"{seconds:+g}s\n", encoding="ascii")
    preload.write_text(f"/{library.relative_to(root)}\n", encoding="ascii")
