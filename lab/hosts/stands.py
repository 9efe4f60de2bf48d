"""Labs of a test session on machines: each on a stand (lab.hosts.stand) that is free and has its nodes."""

import json
import string
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.hosts import names, preflight
from lab.hosts.topology import drawn_from
from lab.running import Grounds, RunningLab, ended, start_module, wait_until_up, write_spec
from lab.spec import LabSpec

PER_WORKER = 6
LETTERS = (string.ascii_lowercase + string.digits).replace(names.WORKSHOP, "")
LONGEST_WORD = 4
DISKS = "disks"
MODULE = "lab.hosts.stand"
DOWN_SECONDS = 120.0


@dataclass
class _Stand:
    """A stand's process, and what it was made for; `lab` is None when it is free."""

    place: int
    spec: LabSpec
    log: Path
    process: "subprocess.Popen[bytes]"
    lab: Path | None = None

    def kept(self, folder: Path) -> str | None:
        """The name under which the disks of a folder's lab are kept here; None when they are not."""
        file = folder / DISKS
        name = file.read_text(encoding="ascii") if file.exists() else ""
        return name if name.startswith(f"{self.place}-") else None

    def has(self, wanted: LabSpec) -> bool:
        """Whether it has the machines of a lab, and maybe those of another site too."""
        return all(site in self.spec.sites for site in wanted.sites)

    def ask(self, call: str, **arguments: Any) -> None:
        """One question; returns when it is done. Raises LabError."""
        if self.process.stdin is None or self.process.stdout is None:
            raise LabError("the stand has no pipes")
        self.process.stdin.write(json.dumps({"call": call, **arguments}).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise LabError("the stand went away", "It said:\n" + self.log.read_text(encoding="utf-8"))
        answer = json.loads(line)
        if answer:
            raise LabError(f"{answer['what']}\n{answer['hint']}")

    def close(self) -> None:
        """Let it take its machines down."""
        if self.process.stdin and self.process.stdout:
            self.process.stdin.close()
            self.process.stdout.close()

    def wait(self) -> None:
        """Return when its machines are down."""
        self.process.wait(DOWN_SECONDS)


class Stands(Grounds):
    """The stands of a session, booted when first needed. `worker` numbers sessions that run at once."""

    def __init__(self, worker: int = 0) -> None:
        self._first = 1 + worker * PER_WORKER  # place 0 is that of `bastide lab up`
        self._stands: list[_Stand] = []
        self._numbers = count()
        self._logs = tempfile.TemporaryDirectory(prefix="bastide-stands-")

    def problems(self) -> tuple[str, ...]:
        """What this machine lacks for a first stand, one sentence each."""
        return preflight.problems(drawn_from(LabSpec.sized(), self._first), names.folder())

    @contextmanager
    def lab(self, spec: LabSpec, folder: Path, *, keep: bool) -> Iterator[RunningLab]:
        """See Grounds."""
        with self._taken(spec, folder, keep=keep) as stand:
            stand.ask("serve", folder=str(folder), disks=stand.kept(folder))
            yield RunningLab.at(folder)

    @contextmanager
    def process(
        self, spec: LabSpec, folder: Path, *, keep: bool
    ) -> Iterator[tuple[RunningLab, "subprocess.Popen[bytes]"]]:
        """See Grounds."""
        with self._taken(spec, folder, keep=keep) as stand:
            stand.ask("prepare", disks=stand.kept(folder))
            words = (str(stand.place), str(folder))
            with ended(start_module(MODULE, *words, env=self._named(stand.place))) as process:
                yield wait_until_up(folder, process), process

    def close(self) -> None:
        """Take all machines down."""
        for stand in self._stands:
            stand.close()
        for stand in self._stands:
            stand.wait()
        self._logs.cleanup()

    @contextmanager
    def _taken(self, spec: LabSpec, folder: Path, *, keep: bool) -> Iterator[_Stand]:
        """A free stand with the machines of a spec, for a lab in a folder; cleared after the block."""
        write_spec(spec, folder)
        wanted = _machines_of(spec)
        free = [one for one in self._stands if one.lab is None and one.has(wanted)]
        # The one that has the disks of the folder's lab, if there is one.
        stand = max(free, key=lambda one: one.kept(folder) is not None, default=None) or self._boot(wanted)
        stand.lab = folder
        try:
            yield stand
        finally:
            stand.ask("end", keep=self._keep(stand, folder) if keep else None)
            stand.lab = None

    def _keep(self, stand: _Stand, folder: Path) -> str:
        """A name for the disks of a folder's lab, written down for labs that go on with the folder."""
        name = f"{stand.place}-{next(self._numbers)}"
        (folder / DISKS).write_text(name, encoding="ascii")
        return name

    def _boot(self, spec: LabSpec) -> _Stand:
        used = {one.place for one in self._stands}
        places = range(self._first, self._first + PER_WORKER)
        place = next((place for place in places if place not in used), None)
        if place is None:
            place = self._give_back()
        log = Path(self._logs.name) / f"{place}.log"
        with log.open("wb") as out:
            process = start_module(
                MODULE, str(place), env=self._named(place),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out,
            )  # fmt: skip
        stand = _Stand(place, spec, log, process)
        self._stands.append(stand)
        try:
            stand.ask("boot", spec=spec.to_json())
        except BaseException:
            self._stands.remove(stand)
            stand.close()
            stand.wait()
            raise
        return stand

    def _give_back(self) -> int:
        """Take down a stand that is free, and hand its place on."""
        stand = next((one for one in self._stands if one.lab is None), None)
        if stand is None:
            raise LabError(f"{PER_WORKER} labs of real hosts are up at once", "Let one end first.")
        stand.close()
        stand.wait()
        self._stands.remove(stand)
        return stand.place

    def _named(self, place: int) -> dict[str, str]:
        """A name of its own for the lab of a place, beside that of the lab of whoever runs the tests."""
        return {names.VARIABLE: names.word()[: LONGEST_WORD - 1] + LETTERS[place]}


def _machines_of(spec: LabSpec) -> LabSpec:
    """The part of a spec that its machines depend on."""
    sites = tuple(replace(site, templates=(), files=(), guests=0) for site in spec.sites)
    return replace(spec, sites=sites, time_scale=0.0, port=0)
