"""Replication of guests between the nodes of a cluster.

Follows pve-manager, PVE/API2/ReplicationConfig.pm and PVE/API2/Replication.pm, and pve-guest-common,
PVE/ReplicationState.pm. Jobs need no scheduler here: what it would have done by now is worked out on reading.
"""

import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from fakepve.lxc import parse_mount
from fakepve.model import PveError
from fakepve.qemu import drives_of, is_cdrom, volume_ref
from fakepve.routing import check_digest, die, param_error

from lab.areas import calendar
from lab.areas.area import Area, Beside, Route, Values, delete_options, digest_of, without

LOCK = "file-replication_cfg"
DEFAULT_SCHEDULE = "*/15"
# The scheduler of a node looks every minute; a lab whose time stands still gives it a second.
TICK_SECONDS = 60
SHORTEST_TICK = 1.0
REPLICATE_SINCE = 9


class ReplicationArea(Area):
    """Replication jobs; `self.replication["jobs"]` is the configuration, `["states"]` what the nodes did."""

    persists: ClassVar[tuple[str, ...]] = ("replication",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.replication: Values = {"jobs": {}, "states": {}}

    def _routes_replication(self) -> list[Route]:
        jobs, here = "/cluster/replication", "/nodes/{node}/replication"
        job, one = f"{jobs}/{{id}}", f"{here}/{{id}}"
        return [
            ("GET", jobs, self._job_list),
            ("POST", jobs, self._job_create),
            ("GET", job, self._job_read),
            ("PUT", job, self._job_update),
            ("DELETE", job, self._job_delete),
            ("GET", here, self._job_status_list),
            ("GET", f"{one}/status", self._job_status),
            ("GET", f"{one}/log", self._job_log),
            ("POST", f"{one}/schedule_now", self._job_schedule_now),
        ]

    def _admit(self, call: Any) -> None:
        """Say of a bad job id what its format says; fakepve knows only its pattern."""
        super()._admit(call)
        if "id" in call.problems and (call.template or "").startswith("/cluster/replication"):
            job_id = call.match.params.get("id", call.raw.get("id"))
            call.problems["id"] = f"invalid format - invalid replication job id '{job_id}'\n"

    # ------------------------------------------------------------- configuration

    def _job(self, job_id: str, text: str) -> Values:
        self._scheduler_ran()
        job: Values | None = self.replication["jobs"].get(job_id)
        if job is None:
            raise die(text.format(job_id))
        return job

    @staticmethod
    def _shown_job(job_id: str, job: Values) -> Values:
        guest, _, number = job_id.partition("-")
        return {"id": job_id, "guest": int(guest), "jobnum": int(number), **job}

    def replica_nodes(self, vmid: int) -> set[str]:
        """The nodes that a guest is replicated to."""
        jobs = self.replication["jobs"].items()
        return {job["target"] for job_id, job in jobs if job_id.partition("-")[0] == str(vmid)}

    async def _job_list(self, _values: Values, user: str) -> list[Values]:
        self._scheduler_ran()
        shown = [self._shown_job(job_id, job) for job_id, job in sorted(self.replication["jobs"].items())]
        return [job for job in shown if self.allowed(user, f"/vms/{job['guest']}", "VM.Audit")]

    async def _job_read(self, values: Values, user: str) -> Values:
        job = self._job(values["id"], "no such replication job '{}'")
        shown = self._shown_job(values["id"], job)
        self.require(user, f"/vms/{shown['guest']}", "VM.Audit")
        return {**shown, "digest": digest_of(self.replication["jobs"])}

    def _may_replicate(self, user: str, job_id: str) -> None:
        vmid = job_id.partition("-")[0]
        if self.pve_major >= REPLICATE_SINCE:
            self.require(user, f"/vms/{vmid}", "VM.Replicate")
        else:
            self.require(user, "/storage", "Datastore.Allocate")

    async def _job_create(self, values: Values, user: str) -> None:
        _check_schedule(values)
        self._may_replicate(user, values["id"])
        guest = self._source_guest(values)
        if not self._replicated_volumes(guest):
            raise die("No replicatable volumes found")
        with self.locked(LOCK):
            self._scheduler_ran()
            self._check_duplicate(values["id"], values["target"])
            options = {
                key: value for key, value in values.items() if key not in ("id", "disable") or value == 1
            }
            self.replication["jobs"][values["id"]] = {"source": guest.node, **without(options, "id")}
            self.replication["states"][values["id"]] = {"created": int(time.time()), "last_sync": 0}

    def _source_guest(self, values: Values) -> Any:
        vmid = int(values["id"].partition("-")[0])
        guest = self.guest(vmid)
        if guest is None:
            raise die(f"Guest '{vmid}' does not exist.")
        if values["target"] not in self.nodes:
            raise die(f"Target '{values['target']}' does not exist.")
        source = values.get("source", guest.node)
        if source != guest.node:
            raise die(f"Source '{source}' does not match current node of guest '{vmid}' ({guest.node})")
        if source == values["target"]:
            raise die("Source and target must not be identical")
        return guest

    def _check_duplicate(self, job_id: str, target: str) -> None:
        if job_id in self.replication["jobs"]:
            raise die(f"replication job '{job_id}' already exists")
        guest = job_id.partition("-")[0]
        for other, job in self.replication["jobs"].items():
            if other.partition("-")[0] == guest and job["target"] == target:
                text = f"replication job for guest '{guest}' to target 'local/{target}' already exists"
                raise die(text)

    def _replicated_volumes(self, guest: Any) -> list[str]:
        """The guest's volumes that a job would copy; raises PveError for one whose storage cannot."""
        found = []
        for volume in _local_volumes(guest):
            storage = self.storages.get(volume_ref(volume)[0] or "", {})
            if storage.get("shared"):
                continue
            if storage.get("type") != "zfspool":
                raise die(f"missing replicate feature on volume '{volume}'")
            found.append(volume)
        return found

    async def _job_update(self, values: Values, user: str) -> None:
        _check_schedule(values)
        self._may_replicate(user, values["id"])
        with self.locked(LOCK):
            job = self._job(values["id"], "no such job '{}'")
            check_digest(digest_of(self.replication["jobs"]), values.get("digest"))
            delete_options(job, values.get("delete"), fixed=("target", "type"))
            job.update(without(values, "id", "digest", "delete"))
            if not job.get("disable"):
                job.pop("disable", None)

    async def _job_delete(self, values: Values, user: str) -> None:
        if values.get("keep") and values.get("force"):
            raise param_error(keep="conflicts with parameter 'force'")
        self._may_replicate(user, values["id"])
        with self.locked(LOCK):
            job = self._job(values["id"], "no such job '{}'")
            if values.get("force"):
                self._forget_job(values["id"])
                return
            job["remove_job"] = "local" if values.get("keep") else "full"
            self.replication["states"][values["id"]]["removed"] = time.time()

    def _forget_job(self, job_id: str) -> None:
        self.replication["jobs"].pop(job_id, None)
        self.replication["states"].pop(job_id, None)

    # -------------------------------------------------------------- what nodes did

    def _scheduler_ran(self) -> None:
        """Do what the nodes' schedulers did until now: remove marked jobs, and replicate."""
        now = time.time()
        tick = max(TICK_SECONDS * self.time_scale, SHORTEST_TICK)
        for job_id, job in list(self.replication["jobs"].items()):
            state = self.replication["states"][job_id]
            if "removed" in state and now >= state["removed"] + tick:
                self._forget_job(job_id)
            elif not job.get("disable"):
                self._replicate(job_id, job, state, now)

    def _replicate(self, job_id: str, job: Values, state: Values, now: float) -> None:
        guest = self.guest(int(job_id.partition("-")[0]))
        if guest is None or not all(self._is_up(node) for node in (guest.node, job["target"])):
            return
        due = self._due(job, state, now)
        if due:
            state["last_sync"] = due
            state["duration"] = 1.5
            end = datetime.fromtimestamp(due, UTC).strftime("%Y-%m-%d %H:%M:%S")
            state["log"] = [
                f"{end} {job_id}: {line}" for line in ("start replication job", "end replication job")
            ]

    def _is_up(self, node: str) -> bool:
        return bool(self.nodes.get(node, {}).get("online", True))

    @staticmethod
    def _due(job: Values, state: Values, now: float) -> int | None:
        """The newest time at which the job ran that its state does not know yet."""
        asked = state.pop("asked", None)
        event = calendar.parse(job.get("schedule", DEFAULT_SCHEDULE))
        since = datetime.fromtimestamp(max(state["last_sync"], state["created"]), UTC)
        newest, following = None, event.next_after(since)
        while following and following.timestamp() <= now:
            newest, following = int(following.timestamp()), event.next_after(following)
        return newest or asked

    def _job_state(self, job_id: str) -> Values:
        job, state = self.replication["jobs"][job_id], self.replication["states"][job_id]
        guest = self.guest(int(job_id.partition("-")[0]))
        since = datetime.fromtimestamp(state["last_sync"] or state["created"], UTC)
        ran = {"duration": state["duration"]} if "duration" in state else {}
        return {
            **without(self._shown_job(job_id, job), "comment"),
            "vmtype": guest.guest.partition("/")[0] if guest else "qemu",
            "last_sync": state["last_sync"],
            "last_try": state["last_sync"],
            "next_sync": calendar.next_run(job.get("schedule", DEFAULT_SCHEDULE), since),
            "fail_count": 0,
            **ran,
        }

    async def _job_status_list(self, values: Values, user: str) -> list[Values]:
        self._scheduler_ran()
        rows = [self._job_state(job_id) for job_id in sorted(self.replication["jobs"])]
        return [
            row
            for row in rows
            if row["source"] == values["node"]
            and values.get("guest") in (None, row["guest"])
            and self.allowed(user, f"/vms/{row['guest']}", "VM.Audit")
        ]

    def _job_here(self, values: Values, user: str) -> str:
        self._job(values["id"], "no such replication job '{}'")
        if not self.allowed(user, f"/vms/{values['id'].partition('-')[0]}", "VM.Audit"):
            raise PveError(403, "Permission check failed")
        return str(values["id"])

    async def _job_status(self, values: Values, user: str) -> Values:
        return self._job_state(self._job_here(values, user))

    async def _job_log(self, values: Values, user: str) -> Beside:
        state = self.replication["states"][self._job_here(values, user)]
        lines = state.get("log") or ["unable to open file - No such file or directory"]
        shown = [{"n": number, "t": text} for number, text in enumerate(lines, 1)]
        start = values.get("start", 0)
        return Beside(shown[start : start + values.get("limit", 50)], {"total": len(lines)})

    async def _job_schedule_now(self, values: Values, user: str) -> str:
        state = self.replication["states"][self._job_here(values, user)]
        self._may_replicate(user, values["id"])
        state["asked"] = int(time.time())
        return ""

    # ------------------------------------------------------------------- guests

    def removal_blocker(self, vmid: int) -> str | None:
        """A guest with replication jobs is not destroyed without `purge`."""
        for job_id in sorted(self.replication["jobs"]):
            if job_id.partition("-")[0] == str(vmid):
                text = f"There is a replication job '{job_id}' for guest '{vmid}'"
                return f"{text} - Please remove that first."
        blocker: str | None = super().removal_blocker(vmid)
        return blocker

    def guest_gone(self, vmid: int, *, purge: bool) -> None:
        """The jobs of a purged guest go with it."""
        super().guest_gone(vmid, purge=purge)
        for job_id in list(self.replication["jobs"]):
            if job_id.partition("-")[0] == str(vmid):
                self._forget_job(job_id)


def _check_schedule(values: Values) -> None:
    problem = calendar.complaint(values["schedule"]) if values.get("schedule") else None
    if problem:
        raise param_error(schedule=problem)


def _local_volumes(guest: Any) -> list[str]:
    """Volumes of a guest that replication looks at: no CD-ROMs, no bind mounts, none with `replicate=0`."""
    if guest.guest.startswith("qemu"):
        drives = [
            (volume, options)
            for _, volume, options in drives_of(guest.config)
            if not is_cdrom(volume, options)
        ]
        return [volume for volume, options in drives if str(options.get("replicate", "1")) != "0"]
    mounts = [
        parse_mount(value)
        for key, value in sorted(guest.config.items())
        if key == "rootfs" or (key.startswith("mp") and key[2:].isdigit())
    ]
    return [
        mount["volume"]
        for mount in mounts
        if not str(mount["volume"]).startswith("/") and str(mount.get("replicate", "1")) != "0"
    ]
