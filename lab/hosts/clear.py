"""Machines as if no guest had ever been on them: what one lab leaves is gone before the next one comes."""

import re
import shutil

from lab.errors import LabError
from lab.hosts import cgroups, disks, host, machine_faults, machines, network
from lab.hosts.machine_faults import Breakable
from lab.hosts.machines import Plant
from lab.hosts.topology import Site

GUEST = re.compile(r"g\d+-(?P<site>.+)")


def clear(plant: Plant) -> None:
    """Remove all guests, mend what faults broke, and switch dead hosts on; the system's own state tells."""
    for name in cgroups.names():
        guest = GUEST.fullmatch(name)
        if guest:
            host.kill(name)
            network.unplug(name, guest["site"])
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


def _remove_disks(plant: Plant, site: Site) -> None:
    top = plant.disk(site.name).top
    for folder in (*top.glob("nodes/*/*/images/*"), *top.glob("shared/*/images/*")):
        for volume in filter(disks.is_subvolume, folder.iterdir()):
            disks.delete(volume)
        shutil.rmtree(folder)


def _forget_names(plant: Plant) -> None:
    """Take the names of guests out of the lab's DNS."""
    ours = {one.name for _, one in plant.topology.places()}
    for file in plant.names.iterdir():
        if file.name not in ours:
            file.unlink()
