"""Machines as if no guest had ever been on them: what one lab leaves is gone before the next one comes."""

import re
import shutil
from pathlib import Path

from lab.errors import LabError
from lab.hosts import cgroups, disks, host, machine_faults, machines, network
from lab.hosts.machine_faults import Breakable
from lab.hosts.machines import Plant
from lab.hosts.topology import Site

ASIDE = "aside"
GUEST = re.compile(r"g\d+-(?P<site>.+)")


def clear(plant: Plant, keep: str | None = None) -> None:
    """Remove all guests, mend what faults broke, and switch dead hosts on; the system's own state tells.

    With `keep` their disks are set aside under that name.
    """
    for name in cgroups.names():
        guest = GUEST.fullmatch(name)
        if guest:
            host.kill(name)
            network.unplug(name, guest["site"])
    if keep:
        set_aside(plant, keep)
    for site in plant.topology.clusters:
        _mend(plant, site)
        _remove_disks(plant, site)
        network.remove_bridges(site)
    _forget_names(plant)
    for site, one in plant.topology.places():
        if not host.is_running(one.name):
            machines.switch_off(site, one, kill=True)  # what is left of its last life
            machines.switch_on(plant, site, one)


def _mend(plant: Plant, site: Site) -> None:
    own = [plant.machine(site, one) for one in site.hosts]

    def none(_: object) -> host.Machine:
        raise LabError("no fault is left that could strike a machine")

    machine_faults.match((), Breakable(site.name, (), plant.disk(site.name), none, lambda: own))


def set_aside(plant: Plant, name: str) -> None:
    """Take the disks of all guests out of sight; no guest may run."""
    for site in plant.topology.clusters:
        top = plant.disk(site.name).top
        for volume in _volumes(top):
            target = top / ASIDE / name / volume.relative_to(top)
            target.parent.mkdir(parents=True, exist_ok=True)
            disks.move(volume, target)


def bring_back(plant: Plant, name: str) -> None:
    """Make disks that begin as those that were set aside under a name, which stay there."""
    for site in plant.topology.clusters:
        top = plant.disk(site.name).top
        for volume in _volumes(top / ASIDE / name):
            target = top / volume.relative_to(top / ASIDE / name)
            disks.copy(volume, target, read_only="@" in volume.name)


def _volumes(top: Path) -> tuple[Path, ...]:
    found = (*top.glob("nodes/*/*/images/*/*"), *top.glob("shared/*/images/*/*"))
    return tuple(filter(disks.is_subvolume, found))


def _remove_disks(plant: Plant, site: Site) -> None:
    top = plant.disk(site.name).top
    for volume in _volumes(top):
        disks.delete(volume)
    for folder in (*top.glob("nodes/*/*/images/*"), *top.glob("shared/*/images/*")):
        shutil.rmtree(folder)


def _forget_names(plant: Plant) -> None:
    """Take the names of guests out of the lab's DNS."""
    ours = {one.name for _, one in plant.topology.places()}
    for file in plant.names.iterdir():
        if file.name not in ours:
            file.unlink()
