"""A lab for as long as a test needs it: in a thread of the test, or in a process that a test can kill.

with running_lab(LabSpec.sized(guests=20), tmp_path) as lab:
    site = lab.sites["carpentras"]
    requests.get(site.urls[0] + "/api2/json/version", headers=site.token_header, verify=site.cafile)
    with lab.control.faulted("no-quorum", "carpentras"): ...
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.control import Control
from lab.errors import LabError
from lab.pids import start_time
from lab.server import Lab
from lab.spec import LabSpec

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SiteAccess:
    """How to reach one site: an endpoint a node, the CA, the administrator and an API token."""

    name: str
    cluster: str
    version: str
    nodes: Mapping[str, str]
    fingerprint: str
    cafile: str
    user: str
    password: str
    tokenid: str
    secret: str

    @property
    def urls(self) -> tuple[str, ...]:
        """The endpoints, https://host:port."""
        return tuple(self.nodes.values())

    @property
    def token(self) -> str:
        """`user@realm!name=secret`."""
        return f"{self.tokenid}={self.secret}"

    @property
    def token_header(self) -> dict[str, str]:
        """The HTTP header that logs in with the token."""
        return {"Authorization": f"PVEAPIToken={self.token}"}


@dataclass(frozen=True, slots=True)
class RunningLab:
    """A lab that answers: its sites, and the control channel for faults and questions.

    `machines` tells whether its nodes and guests are machines.
    """

    folder: Path
    sites: Mapping[str, SiteAccess]
    control: Control
    pid: int
    started: int
    cafile: str
    machines: bool = False

    def is_alive(self) -> bool:
        """Whether the process that the lab was started as still lives."""
        return start_time(self.pid) == self.started

    @classmethod
    def at(cls, folder: Path) -> "RunningLab":
        """The lab whose state is in `folder`. Raises LabError when there is none."""
        try:
            where = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
            secrets = json.loads((folder / "credentials.json").read_text(encoding="utf-8"))
            process = where["pid"], where["started"]
        except (OSError, ValueError, KeyError) as problem:
            raise LabError(f"there is no lab in {folder}", "Start one with: bastide lab up") from problem
        sites = {
            name: SiteAccess(name=name, cafile=where["cafile"], **access, **secrets[name])
            for name, access in where["sites"].items()
        }
        return cls(
            folder,
            sites,
            Control(Path(where["control"])),
            *process,
            where["cafile"],
            where.get("machines", False),
        )


class Grounds:
    """What the labs of `running_lab` and `lab_process` run on: nothing here, machines in lab.hosts.stands.

    `keep` tells that another lab will go on in the folder, or in a copy of it: it finds its disks then.
    """

    def lab(self, spec: LabSpec, folder: Path, *, keep: bool) -> AbstractContextManager[RunningLab]:
        """A lab for as long as the block lasts."""
        del keep
        return _threaded(spec, folder)

    def process(
        self, spec: LabSpec, folder: Path, *, keep: bool
    ) -> "AbstractContextManager[tuple[RunningLab, subprocess.Popen[bytes]]]":
        """A lab in a process of its own, for as long as the block lasts."""
        del keep
        return _processed(spec, folder)


_grounds = [Grounds()]


def run_on(grounds: Grounds) -> None:
    """Let every lab that is started from now on run on these grounds."""
    _grounds[:] = [grounds]


def running_lab(spec: LabSpec, folder: Path, *, keep: bool = False) -> AbstractContextManager[RunningLab]:
    """A lab with an event loop of its own, gone after the block; its state stays. For `keep` see Grounds."""
    return _grounds[0].lab(spec, folder, keep=keep)


def lab_process(
    spec: LabSpec, folder: Path, *, keep: bool = False
) -> "AbstractContextManager[tuple[RunningLab, subprocess.Popen[bytes]]]":
    """A lab in a process of its own, for tests that kill it; ended after the block if it still lives."""
    return _grounds[0].process(spec, folder, keep=keep)


@contextmanager
def _threaded(spec: LabSpec, folder: Path) -> Iterator[RunningLab]:
    thread = LabThread(lambda: Lab(spec, folder))
    thread.start()
    try:
        thread.wait_up()
        yield RunningLab.at(folder)
    finally:
        thread.finish()


class LabThread(threading.Thread):
    """A thread with an event loop in which a lab lives until `finish`; `make` makes the lab there."""

    def __init__(self, make: Callable[[], Lab]) -> None:
        super().__init__(name="lab", daemon=True)
        self._make = make
        self._up = threading.Event()
        self._problem: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lab: Lab | None = None

    def run(self) -> None:
        """See Thread."""
        try:
            asyncio.run(self._live())
        except BaseException as problem:  # noqa: BLE001  # told to the thread that waits
            self._problem = problem
        finally:
            self._up.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lab = self._make()
        await self._lab.start()
        self._up.set()
        await self._lab.run()

    def wait_up(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Return when the lab answers. Raises what kept it from coming up, LabError when it takes longer."""
        in_time = self._up.wait(seconds)
        if self._problem:
            raise self._problem
        if not in_time:
            raise LabError(f"the lab did not come up within {seconds:g} s")

    def finish(self) -> None:
        """End the lab and its thread."""
        if self._loop and self._lab and self.is_alive():
            self._loop.call_soon_threadsafe(self._lab.done.set)
        self.join(PATIENCE_SECONDS)


@contextmanager
def _processed(spec: LabSpec, folder: Path) -> Iterator[tuple[RunningLab, "subprocess.Popen[bytes]"]]:
    with ended(start_process(spec, folder)) as process:
        yield wait_until_up(folder, process), process


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is ended after the block if it still lives."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(PATIENCE_SECONDS)


def start_process(spec: LabSpec, folder: Path, **popen: Any) -> "subprocess.Popen[bytes]":
    """Start `python -m lab FOLDER` with this spec; the caller waits for it."""
    write_spec(spec, folder)
    return start_module("lab", str(folder), **popen)


def write_spec(spec: LabSpec, folder: Path) -> None:
    """Make a lab's folder, with the spec that its process reads there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.json").write_text(spec.to_json(), encoding="utf-8")


def start_module(module: str, *words: str, **popen: Any) -> "subprocess.Popen[bytes]":
    """Start `python -m MODULE WORDS`, a module of the lab; `popen` goes to `subprocess.Popen`."""
    places = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **popen.pop("env", {}), "PYTHONPATH": os.pathsep.join(places)}
    return subprocess.Popen([sys.executable, "-m", module, *words], env=environment, **popen)  # noqa: S603  # our own module


def wait_until_up(folder: Path, process: "subprocess.Popen[bytes]") -> RunningLab:
    """The lab once it answers. Raises LabError when its process ended or took too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            lab = RunningLab.at(folder)
            if lab.pid == process.pid and lab.control.status():
                return lab
        except LabError:
            pass
        time.sleep(0.05)
    raise LabError("the lab did not come up", f"Its log is {folder / 'lab.log'}.")
