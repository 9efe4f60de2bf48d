"""The lab of real hosts from end to end: up, found again, down; and what a crash left, cleaned."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError, LabRefused
from lab.hosts import build, cgroups, cleanup, names, preflight
from lab.hosts.access import Access
from lab.hosts.build import Say
from lab.hosts.machines import Plant
from lab.hosts.topology import api_site, standard
from lab.pki import Authority
from lab.running import RunningLab
from lab.spec import LabSpec

API = "api"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants up: the release of Proxmox VE, and how long its tasks seem to take."""

    pve_major: int = 9
    time_scale: float = 0.1


def up(wish: Wish, folder: Path, say: Say) -> RunningLab:
    """Boot everything and return when it answers. `folder` gets certificate, tokens and the SSH key.

    Raises LabRefused when this machine lacks something or a lab is there already, LabError when a part does
    not come up; then nothing is left.
    """
    topology, root = standard(wish.pve_major), names.folder()
    preflight.check(topology, root)
    plant = Plant(topology, root)
    build.raise_machines(plant, Access(folder), say)
    try:
        build.place_snippets(plant, Authority.in_directory(folder))
        return _serve(plant, wish, folder)
    except BaseException:
        cleanup.clean(root)
        raise


def down() -> None:
    """Take everything down and remove it, in whatever state it is; only the cache of images stays.

    Raises LabRefused when there is nothing.
    """
    root = names.folder()
    if not is_there():
        raise LabRefused("no lab of real hosts is on this machine", "Nothing was stopped.")
    cleanup.clean(root)
    left = cleanup.leftovers(root)
    if left:
        raise LabError("not everything could be removed: " + "; ".join(left), "Try again: bastide lab clean")


def is_there() -> bool:
    """Whether anything of a lab of real hosts is on this machine; without root nobody can say, so no."""
    return os.geteuid() == 0 and bool(cleanup.leftovers(names.folder()))


def _serve(plant: Plant, wish: Wish, folder: Path) -> RunningLab:
    sites = tuple(api_site(site, wish.pve_major) for site in plant.topology.clusters)
    spec = LabSpec(sites=sites, time_scale=wish.time_scale)
    (folder / "spec.json").write_text(spec.to_json(), encoding="utf-8")
    (folder / "lab.json").unlink(missing_ok=True)
    log = plant.log(API)
    here = str(Path(__file__).parents[2])
    command = (sys.executable, "-m", "lab.hosts", str(folder), str(plant.root))
    cgroups.spawn(API, command, log, **{"PYTHONPATH": here, names.VARIABLE: names.word()})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and cgroups.pids(API):
        try:
            lab = RunningLab.at(folder)
            lab.control.status()
        except LabError:
            time.sleep(0.05)
        else:
            return lab
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise LabError("the API did not come up: " + (said[-1] if said else "it said nothing"), f"See {log}.")
