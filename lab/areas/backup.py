"""Backup jobs, and which guests and volumes they take.

Follows pve-manager, PVE/API2/Backup.pm, PVE/VZDump.pm and PVE/VZDump/Common.pm. The job list has no digest.
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

from fakepve.lxc import parse_mount
from fakepve.qemu import drives_of, is_cdrom
from fakepve.routing import die, param_error, split_list

from lab.areas import calendar
from lab.areas.area import NOT_IN_SCHEMA, Area, Route, Values, without

LOCK = "file-jobs_cfg"
RETENTION = tuple(
    f"keep-{span}" for span in ("all", "last", "hourly", "daily", "weekly", "monthly", "yearly")
)
SELECTION = ("vmid", "all", "pool")


class BackupArea(Area):
    """Backup jobs: `self.backup_jobs` is `{id: options}` in the order in which they were made."""

    persists: ClassVar[tuple[str, ...]] = ("backup_jobs",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.backup_jobs: dict[str, Values] = {}

    def _routes_backup(self) -> list[Route]:
        jobs, job = "/cluster/backup", "/cluster/backup/{id}"
        return [
            ("GET", jobs, self._backup_list),
            ("POST", jobs, self._backup_create),
            ("GET", job, self._backup_read),
            ("PUT", job, self._backup_update),
            ("DELETE", job, self._backup_delete),
            ("GET", f"{job}/included_volumes", self._backup_volumes),
            ("GET", "/cluster/backup-info/not-backed-up", self._backup_missing),
        ]

    @staticmethod
    def _shown_backup(job_id: str, job: Values) -> Values:
        return {"id": job_id, "type": "vzdump", **job}

    async def _backup_list(self, _values: Values, _user: str) -> list[Values]:
        now = datetime.now(UTC)
        return [
            {**self._shown_backup(job_id, job), "next-run": calendar.next_run(job["schedule"], now)}
            for job_id, job in self.backup_jobs.items()
        ]

    async def _backup_read(self, values: Values, _user: str) -> Values:
        return self._shown_backup(values["id"], self._backup_job(values["id"]))

    def _backup_job(self, job_id: str) -> Values:
        job = self.backup_jobs.get(job_id)
        if job is None:
            raise param_error(id=f"No such job '{job_id}'")
        return job

    async def _backup_create(self, values: Values, _user: str) -> None:
        options = with_schedule(without(values, "id"))
        if "schedule" not in options:
            raise param_error(schedule="neither 'starttime' nor 'schedule' were set")
        job_id = values.get("id") or str(uuid.uuid4())
        with self.locked(LOCK):
            if job_id in self.backup_jobs:
                raise die(f"Job '{job_id}' already exists")
            self.backup_jobs[job_id] = {"enabled": 1, **checked(decoded(options))}

    async def _backup_update(self, values: Values, _user: str) -> None:
        options = with_schedule(without(values, "id", "delete"))
        removed = split_list(values.get("delete"))
        if not options and not removed:
            raise die("no options specified")
        with self.locked(LOCK):
            job = self.backup_jobs.get(values["id"])
            if job is None:
                raise die("no such vzdump job")
            chosen = [key for key in SELECTION if options.get(key)]
            # A selection that is given takes the place of another one.
            dropped = [key for key in (*SELECTION, "exclude") if chosen and key not in options]
            kept = without(job, *removed, *dropped)
            self.backup_jobs[values["id"]] = checked({**kept, **decoded(options)})

    async def _backup_delete(self, values: Values, _user: str) -> None:
        with self.locked(LOCK):
            self._backup_job(values["id"])
            del self.backup_jobs[values["id"]]

    # ------------------------------------------------------------- what is taken

    def _backup_selects(self, job: Values) -> list[int]:
        """Ids of the guests that a job takes, whether they exist or not."""
        if job.get("vmid"):
            wanted = {int(vmid) for vmid in split_list(job["vmid"])}
        elif job.get("pool"):
            wanted = set(self.pools.get(job["pool"], ()))
        else:
            wanted = {guest.vmid for guest in [*self.vms, *self.cts]}
        wanted -= {int(vmid) for vmid in split_list(job.get("exclude"))}
        return sorted(vmid for vmid in wanted if self._backup_here(job, vmid))

    def _backup_here(self, job: Values, vmid: int) -> bool:
        guest = self.guest(vmid)
        return guest is None or job.get("node") in (None, guest.node)

    async def _backup_volumes(self, values: Values, user: str) -> Values:
        job = self._backup_job(values["id"])
        return {"children": [self._backup_guest(vmid, user) for vmid in self._backup_selects(job)]}

    def _backup_guest(self, vmid: int, user: str) -> Values:
        guest = self.guest(vmid)
        if guest is None or not self.allowed(user, f"/vms/{vmid}", "VM.Audit"):
            return {"id": vmid, "type": "unknown", "leaf": 1}
        children = [
            {"id": f"{vmid}:{key}", "name": volume, "included": int(taken), "reason": why, "leaf": 1}
            for key, volume, taken, why in volumes_of(guest)
        ]
        row = {"id": vmid, "name": guest.name, "type": guest.guest.partition("/")[0]}
        return {**row, "leaf": int(not children), "children": children}

    async def _backup_missing(self, _values: Values, user: str) -> list[Values]:
        taken = {vmid for job in self.backup_jobs.values() for vmid in self._backup_selects(job)}
        return [
            {"vmid": guest.vmid, "name": guest.name, "type": guest.guest.partition("/")[0]}
            for guest in [*self.vms, *self.cts]
            if guest.vmid not in taken and self.allowed(user, f"/vms/{guest.vmid}", "VM.Audit")
        ]

    def guest_gone(self, vmid: int, *, purge: bool) -> None:
        """A purged guest leaves the lists of the jobs; a job that names no other guest goes."""
        super().guest_gone(vmid, purge=purge)
        if not purge:
            return
        for job_id, job in list(self.backup_jobs.items()):
            for key in ("vmid", "exclude"):
                if key in job:
                    job[key] = ",".join(each for each in split_list(job[key]) if each != str(vmid))
            if not job.get("exclude", "-"):
                del job["exclude"]
            if job.get("vmid") == "":
                del self.backup_jobs[job_id]


def with_schedule(options: Values) -> Values:
    """The options with `starttime` and `dow` told as a schedule.

    Raises PveError for a bad or double schedule, and for a bad retention.
    """
    wrong = retention_problem(options["prune-backups"]) if options.get("prune-backups") else None
    if wrong:
        raise param_error(**{"prune-backups": wrong})
    if options.get("starttime") is None:
        problem = calendar.complaint(options["schedule"]) if options.get("schedule") else None
        if problem:
            raise param_error(schedule=problem)
        return options
    if options.get("schedule") is not None:
        raise param_error(starttime="'starttime' and 'schedule' cannot both be set")
    words = [word for word in (options.get("dow"), options["starttime"]) if word]
    return {**without(options, "starttime", "dow"), "schedule": " ".join(words)}


def retention_problem(text: str) -> str | None:
    """What Proxmox says of a bad `prune-backups` text, None if it is good (PVE/Storage/Plugin.pm)."""
    options = {name: value for name, _, value in (item.partition("=") for item in split_list(text))}
    unknown = [name for name in sorted(options) if name not in RETENTION]
    if unknown:
        return f"invalid format - format error\nprune-backups.{unknown[0]}: {NOT_IN_SCHEMA}\n"
    if options.get("keep-all") == "1" and len(options) > 1:
        return "invalid format - keep-all cannot be set together with other options.\n"
    for name, value in options.items():
        if not value.isdigit():
            what = f"prune-backups.{name}: type check ('integer') failed - got '{value}'"
            return f"invalid format - format error\n{what}\n"
    return None


def decoded(options: Values) -> Values:
    """The options as the job list shows them: retention, fleecing and performance as objects."""
    shown = dict(options)
    for key in ("prune-backups", "fleecing", "performance"):
        if key in options:
            pairs = (item.partition("=") for item in split_list(options[key]))
            shown[key] = {
                name: value if key == "prune-backups" else _typed(value) for name, _, value in pairs
            }
    return shown


def _typed(value: str) -> int | str:
    return int(value) if value.isdigit() else value


def checked(job: Values) -> Values:
    """The job, if it selects guests in one way. Raises PveError otherwise."""
    for key in ("all", "exclude", "pool"):
        if job.get(key) and job.get("vmid"):
            raise param_error(**{key: "option conflicts with option 'vmid'"})
    if job.get("exclude") and not job.get("pool"):
        job = {**job, "all": 1}
    if not any(job.get(key) for key in SELECTION):
        raise param_error(vmid="property is missing")
    return job


def volumes_of(guest: Any) -> Iterator[tuple[str, str, bool, str]]:
    """A guest's volumes: (key, volume, whether a backup takes it, why)."""
    if guest.guest.startswith("qemu"):
        for key, volume, options in drives_of(guest.config):
            if not is_cdrom(volume, options):
                wanted = str(options.get("backup", "1")) != "0"
                yield key, volume, wanted, "backup=yes" if wanted else "backup=no"
        return
    for key, value in sorted(guest.config.items()):
        if key == "rootfs":
            yield key, str(parse_mount(value)["volume"]), True, "rootfs"
        elif key.startswith("mp") and key[2:].isdigit():
            mount = parse_mount(value)
            wanted = str(mount.get("backup", "0")) == "1" and not str(mount["volume"]).startswith("/")
            yield key, str(mount["volume"]), wanted, "enabled" if wanted else "disabled"
