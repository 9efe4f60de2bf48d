"""A test stand: machines that stay up while one lab after the other runs on them.

Machines boot in seconds, a lab's API in a moment; so tests that want a lab each share the machines. A stand
is a process (`python -m lab.hosts.stand PLACE`) that boots them and serves the labs that its standard input
asks for, one line of JSON each, answered by a line on standard output. It takes everything down when its
input ends, so also when whoever started it is killed. Several are up beside each other when the names of
their labs (BASTIDE_LAB_NAME) and their places (lab.hosts.topology.drawn_from) differ.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lab.__main__ import spec_in, told
from lab.errors import LabError, LabRefused
from lab.hosts import build, cleanup, host, names, preflight
from lab.hosts.access import Access
from lab.hosts.clear import bring_back, clear
from lab.hosts.live import HostsLab
from lab.hosts.machines import Plant
from lab.hosts.topology import drawn_from, on_machines
from lab.running import LabThread
from lab.spec import LabSpec

BACK_SECONDS = 180.0
KEYS = "keys"


class Stand:
    """The machines of one topology, and the lab that is on them now."""

    def __init__(self, place: int) -> None:
        self._place = place
        self._plant: Plant | None = None
        self._lab: LabThread | None = None
        self._calls: dict[str, Callable[..., None]] = {
            "boot": self.boot,
            "prepare": self.prepare,
            "serve": self.serve,
            "end": self.end,
        }

    def answer(self, question: dict[str, Any]) -> dict[str, str]:
        """Do what is asked: empty when it is done, else why it could not be."""
        try:
            self._calls[question.pop("call")](**question)
        except LabError as problem:
            return {"what": problem.what, "hint": problem.hint}
        except OSError as problem:
            return {"what": f"the stand failed: {problem}", "hint": ""}
        return {}

    def boot(self, spec: str) -> None:
        """Boot the machines of a spec. Raises LabRefused or LabError, and then nothing is left."""
        plant = Plant(drawn_from(LabSpec.from_json(spec), self._place), names.folder())
        if cleanup.leftovers(plant.root):  # of a stand that was killed: nobody else has this name
            cleanup.clean(plant.root)
        preflight.check(plant.topology, plant.root)
        build.raise_machines(plant, Access(plant.root / KEYS), _say)
        self._plant = plant

    def serve(self, folder: str, disks: str | None = None) -> None:
        """Start the lab of a folder on the machines, with disks that were kept. Raises LabError."""
        self.prepare(disks)
        self._lab = LabThread(lambda: lab_in(Path(folder), self._place))
        self._lab.start()
        self._lab.wait_up(BACK_SECONDS)

    def prepare(self, disks: str | None = None) -> None:
        """Wait for hosts that were dead, and bring disks back that were kept under a name."""
        if self._plant is None:
            return
        for site, one in self._plant.topology.places():
            host.wait_ssh(self._plant.machine(site, one), site.address(one), BACK_SECONDS)
        if disks:
            bring_back(self._plant, disks)

    def end(self, keep: str | None = None) -> None:
        """End the lab, also one of another process, and leave the machines as they were; `keep` its disks."""
        if self._lab:
            self._lab.finish()
            self._lab = None
        if self._plant:
            clear(self._plant, keep)

    def take_down(self) -> None:
        """Remove everything."""
        if self._lab:
            self._lab.finish()
        cleanup.clean(names.folder())


def lab_in(folder: Path, place: int) -> HostsLab:
    """The lab of a folder, on the machines of a place that are up; its state stays in its folder."""
    spec, root = spec_in(folder), names.folder()
    topology = drawn_from(spec, place)
    placed = on_machines(spec, topology)
    return HostsLab(placed, folder, Plant(topology, root), keys=root / KEYS, states=folder)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def stand(place: int) -> None:
    """Answer questions until there are no more."""
    lock = FileLock(f"/run/lock/{names.whole()}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as taken:
        raise LabRefused(
            f"another stand is called {names.word()}", f"Give this one a name of its own: {names.VARIABLE}"
        ) from taken
    here = Stand(place)
    try:
        for line in sys.stdin:
            print(json.dumps(here.answer(json.loads(line))), flush=True)  # noqa: T201  # its protocol
    finally:
        here.take_down()
        lock.release()


def main() -> int:
    """`PLACE`: a stand. `PLACE FOLDER`: a lab alone, on the machines of a stand; the exit code."""
    place = int(sys.argv[1])
    if len(sys.argv) > 2:  # noqa: PLR2004  # the folder
        return told(lambda: lab_in(Path(sys.argv[2]), place))
    os.setsid()  # Ctrl-C is for whoever started it, who then ends its input
    stand(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
