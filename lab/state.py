"""A cluster's memory on disk, so that a lab that is stopped or killed goes on where it was.

`state.json` holds everything but the tasks and is replaced as a whole; `tasks.jsonl` gets a line when a task starts and
one when it ends. A write's answer waits until its effect is in the file; writes that arrive together share one save.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fakepve import FakeCt, FakeVm

VM_KEPT = ("node", "status", "qmpstatus", "config", "pending", "template", "lock", "snapshots", "ha_state")
CT_KEPT = ("node", "status", "config", "pending", "snapshots", "ha_state")
PLAIN = ("password", "users", "apitokens", "tickets", "acl")
LOST = "unexpected status"
SETTLE_SECONDS = 0.02


def dump(cluster: Any) -> dict[str, Any]:
    """The state of a cluster in JSON types, tasks apart."""
    return {
        "vms": [_guest(vm, VM_KEPT) | {"name": vm.name} for vm in cluster.vms],
        "cts": [_guest(ct, CT_KEPT) for ct in cluster.cts],
        "storages": {
            name: {key: sorted(value) if key == "files" else value for key, value in store.items()}
            for name, store in cluster.storages.items()
        },
        "pools": {name: sorted(members) for name, members in cluster.pools.items()},
        "pool_info": {
            name: {"comment": info["comment"], "storage": sorted(info["storage"])}
            for name, info in cluster.pool_info.items()
        },
        "firewall": _firewall(cluster),
        "writes": cluster.write_count,
        "plain": {name: getattr(cluster, name) for name in PLAIN},
        "areas": {name: getattr(cluster, name) for name in cluster.persisted()},
    }


def restore(cluster: Any, state: dict[str, Any]) -> None:
    """Put a dumped state into a fresh cluster."""
    for one in state["vms"]:
        vm = FakeVm(one["vmid"], one["name"], config=one["config"])
        _refill(vm, one, VM_KEPT)
        cluster.vms.append(vm)
    for one in state["cts"]:
        ct = FakeCt(one["vmid"], defaults=False)
        _refill(ct, one, CT_KEPT)
        cluster.cts.append(ct)
    cluster.storages = {
        name: {**store, "files": set(store.get("files", ()))} for name, store in state["storages"].items()
    }
    cluster.pools = {name: set(members) for name, members in state["pools"].items()}
    cluster.pool_info = {
        name: {"comment": info["comment"], "storage": set(info["storage"])}
        for name, info in state["pool_info"].items()
    }
    _restore_firewall(cluster, state["firewall"])
    cluster.write_count = state["writes"]
    for name, value in (state["plain"] | state["areas"]).items():
        setattr(cluster, name, value)
    cluster._sync_pools()  # noqa: SLF001  # fakepve's own way to tell guests their pool


def _guest(guest: Any, kept: tuple[str, ...]) -> dict[str, Any]:
    return {"vmid": guest.vmid, **{name: getattr(guest, name) for name in kept}}


def _refill(guest: Any, one: dict[str, Any], kept: tuple[str, ...]) -> None:
    for name in kept:
        setattr(guest, name, one[name])
    if guest.status == "running":
        guest.started_at = time.time()


def _firewall(cluster: Any) -> dict[str, Any]:
    return json.loads(json.dumps(cluster._fw()))  # type: ignore[no-any-return]  # noqa: SLF001  # fakepve has no other door


def _restore_firewall(cluster: Any, kept: dict[str, Any]) -> None:
    guests = {int(vmid): conf for vmid, conf in kept["guests"].items()}
    cluster._fw().update({**kept, "guests": guests})  # noqa: SLF001  # as above


class Keeper:
    """Keeps one cluster in a folder: group commit of the state, and a log of the tasks."""

    def __init__(self, folder: Path, cluster: Any) -> None:
        self.folder = folder
        self._cluster = cluster
        self._file = folder / "state.json"
        self._tasks = folder / "tasks.jsonl"
        self._next: asyncio.Future[None] | None = None
        self._pending: asyncio.TimerHandle | None = None

    def load(self) -> bool:
        """Fill the cluster from the folder; False when nothing is kept there yet."""
        if not self._file.exists():
            return False
        restore(self._cluster, json.loads(self._file.read_text(encoding="utf-8")))
        self._load_tasks()
        return True

    def save(self) -> None:
        """Write the state now; readers see the old file or the new one."""
        draft = self._file.with_suffix(".new")
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as out:
            out.write(
                json.dumps(dump(self._cluster), separators=(",", ":"), default=sorted)
            )  # sets have no JSON
        draft.replace(self._file)

    async def saved(self) -> None:
        """Return when a save that began after this call is done; callers of the same moment share it."""
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
            loop.call_soon(self._commit)
        await asyncio.shield(self._next)

    def soon(self) -> None:
        """Save within a moment: something changed that nobody waits for."""
        if self._pending is None:
            self._pending = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle)

    def note_task(self, record: dict[str, Any]) -> None:
        """Write down a task's start or end."""
        self._append(record)
        self.soon()

    def close(self) -> None:
        """Save a last time."""
        if self._pending:
            self._pending.cancel()
        self.save()

    def _settle(self) -> None:
        self._pending = None
        self.save()

    def _commit(self) -> None:
        waiting, self._next = self._next, None
        _report(waiting, self.save)

    def _load_tasks(self) -> None:
        if not self._tasks.exists():
            return
        for line in self._tasks.read_text(encoding="utf-8").splitlines():
            record = _parsed(line)
            if record is None:
                continue
            if record["upid"] not in self._cluster.tasks:
                self._cluster.tasklog.append(self._cluster.tasks.setdefault(record["upid"], record))
            self._cluster.tasks[record["upid"]].update(record)
        for record in self._cluster.tasklog:
            if record["status"] == "running":
                record.update(status="stopped", exitstatus=LOST, endtime=int(time.time()))
                record["log"].append("TASK ERROR: " + LOST)
                self._append(record)

    def _append(self, record: dict[str, Any]) -> None:
        with self._tasks.open("a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")


def _report(waiting: asyncio.Future[None] | None, act: Callable[[], None]) -> None:
    try:
        act()
    except OSError as problem:
        if waiting and not waiting.done():
            waiting.set_exception(problem)
    else:
        if waiting and not waiting.done():
            waiting.set_result(None)


def _parsed(line: str) -> dict[str, Any] | None:
    """A line of the task log; None for the half line that a killed lab left at the end."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
