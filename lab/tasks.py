"""Worker tasks: UPIDs that run, hold locks, keep a log and end, as PVE/RESTEnvironment.pm and API2/Tasks.pm have them.

Durations are Proxmox seconds, turned into real ones by the cluster's time scale. Failing, warning and endless tasks are
faults. A lab that is killed finds its running tasks ended by `unexpected status`, as a rebooted node does.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from aiohttp import web
from fakepve import FakePve, PveError, TaskError
from fakepve.routing import die, param_error, split_list

from lab.faults import LOCK, Event, Fault

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


class Tasks(FakePve):  # type: ignore[misc]  # fakepve ships no types
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

    async def task(  # noqa: PLR0913  # fakepve's own signature, which its areas call
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
        """Start a task and return its UPID. `body` may pause, returns log lines, and raises TaskError to fail."""
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

    # -------------------------------------------------------------- answers

    def _task_view(self, task: dict[str, Any], listing: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  # fakepve's signature
        view = {key: value for key, value in task.items() if key != "log"}
        view["user"], _, token = task["user"].partition("!")
        if token:
            view["tokenid"] = token
        if listing:
            view["status"] = view.pop("exitstatus", "")
            return view if view["status"] else {key: value for key, value in view.items() if key != "status"}
        view.pop("endtime", None)
        return view

    def _get_task(self, request: web.Request) -> dict[str, Any]:
        upid, node = request.match_info["upid"], request.match_info["node"]
        if not UPID.fullmatch(upid):
            raise param_error(upid="unable to parse worker upid")
        task = self.tasks.get(upid)
        if task is None or task["node"] != node:
            raise param_error(upid="no such task")
        user = str(request[_user_key()])
        if not self._task_owner(user, task):
            self.require(user, "/nodes/" + node, "Sys.Audit")
        return dict(task)

    async def _task_log(self, request: web.Request) -> web.StreamResponse:
        values = self._verify(request, None)
        lines = self._get_task(request)["log"]
        start, limit = values.get("start", 0), values.get("limit", 50)
        shown = [{"n": n, "t": text} for n, text in enumerate(lines, 1)][start:]
        return web.json_response({"data": shown[:limit] if limit else shown, "total": len(lines)})

    async def _task_list(self, request: web.Request) -> web.StreamResponse:
        values = self._verify(request, None)
        user = str(request[_user_key()])
        audit = self.allowed(user, "/nodes/" + values["node"], "Sys.Audit")
        found = [
            self._task_view(task, True)
            for task in reversed(self.tasklog)
            if task["node"] == values["node"]
            and (audit or self._task_owner(user, task))
            and _is_wanted(task, values)
        ]
        start, limit = values.get("start", 0), values.get("limit", 50)
        return web.json_response({"data": found[start : start + limit], "total": len(found)})

    def _routes_lab_tasks(self) -> list[tuple[str, str, Any]]:
        return [
            ("GET", "/cluster/tasks", self._cluster_tasks),
            ("DELETE", "/nodes/{node}/tasks/{upid}", self._task_stop),
        ]

    async def _cluster_tasks(self, _values: Any, user: str) -> list[dict[str, Any]]:
        mine = [task for task in self.tasklog[-100:] if self._may_see(user, task)]
        views = []
        for task in reversed(mine):
            view = self._task_view(task, True)
            saved = {"saved": "1"} if "endtime" in view else {}
            views.append({key: value for key, value in view.items() if key not in ("pid", "pstart")} | saved)
        return views

    def _may_see(self, user: str, task: dict[str, Any]) -> bool:
        seen = self._task_owner(user, task) or self.allowed(user, "/nodes/" + task["node"], "Sys.Audit")
        return bool(seen)

    async def _task_stop(self, values: dict[str, Any], user: str) -> None:
        task = self.tasks.get(values["upid"])
        if task is None:
            raise die("no such task")
        if not self._task_owner(user, task):
            self.require(user, "/nodes/" + values["node"], "Sys.Modify")
        job = self._running.get(values["upid"])
        if job:
            job.cancel()
            await asyncio.wait([job])


def _user_key() -> Any:
    from fakepve.server import USER  # noqa: PLC0415  # fakepve's server imports its areas

    return USER


def _is_wanted(task: dict[str, Any], values: dict[str, Any]) -> bool:
    """Whether a task passes the filters of the task list (API2/Tasks.pm)."""
    source = values.get("source", "archive")
    running = task["status"] == "running"
    status = task.get("exitstatus", "")
    return (
        (source == "all" or running == (source == "active"))
        and str(values.get("vmid", task["id"])) == task["id"]
        and values.get("typefilter", task["type"]) == task["type"]
        and task["starttime"] >= values.get("since", 0)
        and task["starttime"] <= values.get("until", task["starttime"])
        and not (values.get("errors") and status == "OK")
        and values.get("userfilter", "") in task["user"]
        and (not values.get("statusfilter") or _kind(status) in split_list(values["statusfilter"]))
    )


def _kind(status: str) -> str:
    if status == "OK":
        return "ok"
    return "warning" if status.startswith("WARNINGS: ") else "error"


def _event(record: dict[str, Any]) -> Event:
    """A task as a fault sees it."""
    guest = int(record["id"]) if record["id"].isdigit() else None
    return Event(subject=record["type"], node=record["node"], guest=guest)
