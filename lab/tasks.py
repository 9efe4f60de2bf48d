"""Worker tasks: they run, hold locks, keep a log and end (PVE/RESTEnvironment.pm, API2/Tasks.pm).

Durations are Proxmox seconds, turned into real ones by the cluster's time scale. Failing, warning and endless
tasks are faults. A lab that is killed finds its running tasks ended by `unexpected status`, as a rebooted
node does.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fakepve import PveError, TaskError

from lab.faults import LOCK, Event, Fault
from lab.task_answers import TaskAnswers

# Roughly what each kind of work takes on real hardware.
SECONDS = {
    "qmclone": 5.0,
    "vzclone": 5.0,
    "vzcreate": 5.0,
    "qmigrate": 8.0,
    "vzmigrate": 8.0,
    "vzdump": 8.0,
    "qmrestore": 8.0,
    "qmstart": 2.0,
    "vzstart": 2.0,
    "qmstop": 1.0,
    "vzstop": 1.0,
    "qmcreate": 1.0,
    "qmdestroy": 1.0,
    "vzdestroy": 1.0,
    "download": 5.0,
}
LOCK_SECONDS = 10.0
CLONES_AT_ONCE = 2
FAILED = "command '/usr/libexec/lab-fault' failed: exit code 1"
UPID = re.compile(r"UPID:[^:\s]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[^:\s]+:[^:\s]*:[^:\s]+:")
# These clean up after themselves when their work fails, so a failure has to strike inside of it.
CREATORS = ("qmcreate", "qmclone", "vzcreate", "vzclone")

Body = Callable[[], Awaitable[str | None]]

_doom: ContextVar[str | None] = ContextVar("_doom", default=None)


class Tasks(TaskAnswers):
    """The tasks of a simulated cluster. `task_changed` is called when one starts and when it ends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cloning: dict[str, int] = {}
        self._going_down = False

    async def end_tasks(self) -> None:
        """The lab goes down: workers die without a last word, so the next start finds them lost."""
        self._going_down = True
        jobs = list(self._running.values())
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    def task_changed(self, record: dict[str, Any]) -> None:
        """Hook of the room that keeps the state."""

    async def task(  # noqa: PLR0913, PLR0917  # fakepve's own signature, which its areas call
        self,
        node: str,
        ttype: str,
        tid: object,
        user: str,
        body: Body,
        vm: Any = None,
        lock: bool = True,  # noqa: FBT001, FBT002  # as above
        log: tuple[str, ...] = (),
    ) -> str:
        """Start a task; its UPID. `body` may pause, returns log lines, and raises TaskError to fail."""
        upid, pid, start = self._upid(node, ttype, tid, user)
        record = {
            "upid": upid,
            "node": node,
            "pid": int(pid),
            "pstart": int(pid) * 7,
            "starttime": start,
            "type": ttype,
            "id": str(tid),
            "user": user,
            "status": "running",
            "log": list(log),
        }
        self.tasks[upid] = record
        self.tasklog.append(record)
        self.task_changed(record)
        endless = self.faults.take("task-endless", _event(record))
        work = self._run(record, self._never if endless else body, vm if lock else None)
        job = asyncio.ensure_future(self._noted(work, record, vm))
        self._running[upid] = job
        if not endless and not self.time_scale:
            await asyncio.wait([job])
        return str(upid)

    async def _noted(self, work: Awaitable[str], record: dict[str, Any], guest: Any) -> None:
        """Let a task run to its end, and tell who it changed."""
        status = await work
        self.touched.update(one for one in (guest and guest.vmid, _event(record).guest) if one)
        self._ended(record, status)

    async def _never(self) -> None:
        await asyncio.Event().wait()

    async def _run(self, record: dict[str, Any], body: Body, guest: Any) -> str:
        event = _event(record)
        try:
            status = await self._worked(record, body, guest, self.faults.take("task-fail", event))
            warning = self.faults.take("task-warn", event) if status == "OK" else None
            if warning:
                record["log"].append("WARN: " + (warning.message or "injected by the lab"))
                status = "WARNINGS: 1"
        except asyncio.CancelledError:
            if self._going_down:
                raise
            status = "interrupted by signal"
        except Exception:  # a mistake of the lab: logged, and the task fails instead of never ending
            logging.getLogger("lab").exception("the lab failed at %s", record["upid"])
            status = "internal error of the lab"
        return status

    def _ended(self, record: dict[str, Any], status: str) -> None:
        line = "TASK " if status == "OK" or status.startswith("WARNINGS: ") else "TASK ERROR: "
        record["log"].append(line + status)
        record.update(status="stopped", exitstatus=" ".join(status.split()), endtime=int(time.time()))
        self._running.pop(record["upid"], None)
        self.task_changed(record)

    async def _worked(self, record: dict[str, Any], body: Body, guest: Any, fails: Fault | None) -> str:
        """Do the work under the guest's lock; the exit status."""
        message = (fails.message or FAILED) if fails else None
        try:
            if guest is not None:
                await self.acquire(guest, record["upid"])
            try:
                await self.pause(SECONDS.get(record["type"], 0.5))
                if message and record["type"] not in CREATORS:
                    raise TaskError(message)
                _doom.set(message)
                record["log"] += (await body() or "").splitlines()
                followed = _event(record).guest
                if followed is not None:
                    record["log"] += await self.ground.follow(followed, record["type"])
                if message:
                    raise TaskError(message)
            finally:
                if guest is not None:
                    self.release(guest, record["upid"])
        except TaskError as problem:
            return str(problem)
        except PveError as problem:
            return str(problem.message)
        return "OK"

    async def ceph_io(self, vm: Any, keys: Any = None) -> None:
        """Where a guest's disks are written: a doomed task fails here, and cleans up as Proxmox does."""
        message = _doom.get()
        if message:
            raise TaskError(message)
        await super().ceph_io(vm, keys)

    # ---------------------------------------------------------------- locks

    async def acquire(self, vm: Any, holder: str, wait: float | None = None) -> None:
        """Take a guest's lock, or fail after Proxmox's ten seconds when another holds it."""
        if self.faults.take(LOCK, Event(guest=vm.vmid, node=vm.node)):
            await self.pause(LOCK_SECONDS)
            raise TaskError(self.lock_error(vm))
        await super().acquire(vm, holder, wait)

    @staticmethod
    def lock_error(vm: Any) -> str:
        """PVE::Tools::lock_file's text for a guest's configuration."""
        kind = "lxc/pve-config" if vm.guest.startswith("lxc") else "qemu-server/lock"
        folder = "/run/lock" if vm.guest.startswith("lxc") else "/var/lock"
        suffix = "lock" if vm.guest.startswith("lxc") else "conf"
        return f"can't lock file '{folder}/{kind}-{vm.vmid}.{suffix}' - got timeout"

    @contextmanager
    def clone_slot(self, storage: str) -> Iterator[bool]:
        """Take part in the queue for a storage's lock; False when it is too long to be served in time."""
        waiting = self._cloning.get(storage, 0)
        self._cloning[storage] = waiting + 1
        try:
            yield waiting < CLONES_AT_ONCE
        finally:
            self._cloning[storage] -= 1

    def storage_lock_error(self, storage: str) -> str:
        """The lock time-out of a storage: a cluster-wide lock if it is shared, else a file of the node."""
        if self.storages.get(storage, {}).get("shared"):
            return f"cfs-lock 'storage-{storage}' error: got lock request timeout"
        return f"can't lock file '/var/lock/pve-manager/pve-storage-{storage}' - got timeout"


def _event(record: dict[str, Any]) -> Event:
    """A task as a fault sees it."""
    guest = int(record["id"]) if record["id"].isdigit() else None
    return Event(subject=record["type"], node=record["node"], guest=guest)
