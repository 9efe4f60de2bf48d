"""Which machines of an estate a command means."""

from __future__ import annotations

from fnmatch import fnmatchcase

from provisioner.decide.machines import machines
from provisioner.errors import Refused
from provisioner.estate.load import Loaded
from provisioner.model.machine import Machine
from provisioner.workflows.sites import chosen_sites


def chosen_machines(
    loaded: Loaded, sites: tuple[str, ...] = (), limit: tuple[str, ...] = ()
) -> tuple[Machine, ...]:
    """The machines of some sites, by name or pattern; an empty choice means all.

    Raises NoSuchSite, and Refused when a name or pattern means nothing: a run on nothing must not look green.
    """
    names = chosen_sites(loaded, sites)
    here = [
        machine
        for machine in machines(loaded.estate)
        if (machine.site in names if machine.site else not sites)
    ]
    found = [one for one in here if not limit or any(fnmatchcase(one.name, pattern) for pattern in limit)]
    vain = [pattern for pattern in limit if not any(fnmatchcase(one.name, pattern) for one in found)]
    if vain or not found:
        raise Refused(
            f"no host is meant by {' '.join(vain) or 'that choice'}: nothing was looked at",
            f"the hosts of this estate are {', '.join(one.name for one in machines(loaded.estate))}",
        )
    return tuple(found)
