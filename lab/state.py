"""A cluster's memory on disk, so that a lab that is stopped or killed goes on where it was.

`guests.jsonl` gets a line for each guest that may have changed, `tasks.jsonl` one when a task starts and one
when it ends; `state.json` holds the rest and is replaced as a whole. A write's answer waits until its effect
is in the files; writes that arrive together share one save.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from fakepve import FakeCt, FakeVm

VM_KEPT = ("node", "status", "qmpstatus", "config", "pending", "template", "lock", "snapshots", "ha_state")
CT_KEPT = ("node", "status", "config", "pending", "snapshots", "ha_state")
PLAIN = ("password", "users", "apitokens", "tickets", "acl")
LOST = "unexpected status"
SETTLE_SECONDS = 0.05


def dump(cluster: Any) -> dict[str, Any]:
    """The state of a cluster in JSON types, guests and tasks apart."""
    return {
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
    """Put a dumped state into a cluster that has its guests."""
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


def dump_guest(cluster: Any, vmid: int) -> dict[str, Any]:
    """One guest in JSON types; its id alone when there is none (any more)."""
    vm, ct = cluster.vms.by_id.get(vmid), cluster.cts.by_id.get(vmid)
    if vm is not None:
        return {"vmid": vmid, "kind": "vm", "name": vm.name, **{name: getattr(vm, name) for name in VM_KEPT}}
    if ct is not None:
        return {"vmid": vmid, "kind": "ct", **{name: getattr(ct, name) for name in CT_KEPT}}
    return {"vmid": vmid}


def restore_guest(cluster: Any, one: dict[str, Any]) -> None:
    """Put a dumped guest into a cluster."""
    if one["kind"] == "vm":
        vm = FakeVm(one["vmid"], one["name"], config=one["config"])
        _refill(vm, one, VM_KEPT)
        cluster.vms.append(vm)
    else:
        ct = FakeCt(one["vmid"], defaults=False)
        _refill(ct, one, CT_KEPT)
        cluster.cts.append(ct)


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
    """Keeps one cluster in a folder: group commit of the state, and logs of guests and tasks."""

    def __init__(self, folder: Path, cluster: Any) -> None:
        self.folder = folder
        self._cluster = cluster
        self._file = folder / "state.json"
        self._guests = folder / "guests.jsonl"
        self._tasks = folder / "tasks.jsonl"
        self._next: asyncio.Future[None] | None = None
        self._pending: asyncio.TimerHandle | None = None

    def load(self) -> bool:
        """Fill the cluster from the folder; False when nothing is kept there yet."""
        if not self._file.exists():
            return False
        for one in {line["vmid"]: line for line in _lines(self._guests)}.values():
            if "kind" in one:
                restore_guest(self._cluster, one)
        restore(self._cluster, json.loads(self._file.read_text(encoding="utf-8")))
        self._load_tasks()
        self.save_all()
        return True

    def save_all(self) -> None:
        """Write everything now, and the log of guests afresh."""
        ids = [*self._cluster.vms.by_id, *self._cluster.cts.by_id]
        _replace(self._guests, "".join(self._guest_line(vmid) for vmid in ids))
        self._cluster.touched.clear()
        self.save()

    def save(self) -> None:
        """Write what changed since the last time; readers see the old state or the new one."""
        touched, self._cluster.touched = self._cluster.touched, set()
        if touched:
            with self._guests.open("a", encoding="utf-8") as out:
                out.write("".join(self._guest_line(vmid) for vmid in touched))
        # Sets, which JSON does not have, become lists.
        _replace(self._file, json.dumps(dump(self._cluster), separators=(",", ":"), default=sorted))

    async def saved(self) -> None:
        """Return when a save that began after this call is done; callers of the same moment share it."""
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
            loop.call_soon(self._commit)
        await asyncio.shield(self._next)

    def note_task(self, record: dict[str, Any]) -> None:
        """Write down a task's start or end, and soon what it changed."""
        self._append_task(record)
        if self._pending is None:
            self._pending = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle)

    def close(self) -> None:
        """Save a last time."""
        if self._pending:
            self._pending.cancel()
        self.save_all()

    def _guest_line(self, vmid: int) -> str:
        return json.dumps(dump_guest(self._cluster, vmid), separators=(",", ":")) + "\n"

    def _settle(self) -> None:
        self._pending = None
        self.save()

    def _commit(self) -> None:
        waiting, self._next = self._next, None
        _report(waiting, self.save)

    def _load_tasks(self) -> None:
        for record in _lines(self._tasks):
            if record["upid"] not in self._cluster.tasks:
                self._cluster.tasklog.append(self._cluster.tasks.setdefault(record["upid"], record))
            self._cluster.tasks[record["upid"]].update(record)
        for record in self._cluster.tasklog:
            if record["status"] == "running":
                record.update(status="stopped", exitstatus=LOST, endtime=int(time.time()))
                record["log"].append("TASK ERROR: " + LOST)
                self._append_task(record)

    def _append_task(self, record: dict[str, Any]) -> None:
        with self._tasks.open("a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")


def _replace(path: Path, content: str) -> None:
    """Write a file that only its owner reads, as a whole or not at all."""
    draft = path.with_suffix(".new")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as out:
        out.write(content)
    draft.replace(path)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a log, without the half line that a killed lab left at its end."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                yield json.loads(line)


def _report(waiting: asyncio.Future[None] | None, act: Callable[[], None]) -> None:
    try:
        act()
    except OSError as problem:
        if waiting and not waiting.done():
            waiting.set_exception(problem)
    else:
        if waiting and not waiting.done():
            waiting.set_result(None)
