"""Backup jobs of a cluster (PVE::API2::Backup). They have no digest."""

from __future__ import annotations

from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Value, Work
from provisioner.model.site import BackupJob
from provisioner.resources.fields import CHOSEN, FLAG, LIST, Codec, Field, brief, wanted
from provisioner.resources.guest_place import planned
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.prune import PRUNE
from provisioner.resources.section import Section, section_calls, section_seen

TRAITS = Traits(kind="backup_job", title="backup job", rank=80, capacity=("prune",))
PATH = "/cluster/backup"
UNCOMPRESSED = "0"
COMPRESS = Codec(str, lambda text: text, of=lambda text: text or UNCOMPRESSED)
GUESTS = (Field("guests", "vmid", LIST, ()), Field("exclude", "exclude", LIST, ()))
FIELDS = (
    Field("storage", "storage"),
    Field("schedule", "schedule"),
    Field("pool", "pool"),
    Field("all", "all", CHOSEN, default=False),
    Field("node", "node"),
    Field("mode", "mode", default="snapshot"),
    Field("compress", "compress", COMPRESS, default=UNCOMPRESSED),
    Field("prune", "prune-backups", PRUNE),
    Field("notes", "notes-template"),
    Field("enabled", "enabled", FLAG, default=True),
    Field("repeat_missed", "repeat-missed", FLAG, default=False),
    Field("comment", "comment", default=""),
)
SECTION = Section(PATH, "id", GUESTS + FIELDS, lanes=("file-jobs_cfg",), repeated=("storage",))
"""`notes-template` is refused without `storage` beside it."""


def reads(_scope: Scope) -> tuple[str, ...]:
    """One list tells all."""
    return (PATH,)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Jobs with their selection; `guests` and `exclude` hold VMIDs."""
    return tuple(
        section_seen(scope, row, kind="backup_job", key="id", fields=GUESTS + FIELDS)
        for row in answers.get(PATH, ())
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The backup jobs of a site; what they back up and where it goes come first."""
    guests = {str(guest.vmid): ref for guest, ref, _ in planned(estate, site)}
    numbers = {name: str(guest.vmid) for name, guest in estate.guests.items()}
    return tuple(
        Desired(
            ref=Ref(site, "backup_job", name),
            label=name,
            attributes={
                **wanted(FIELDS, job),
                "guests": _vmids(job.guests, numbers),
                "exclude": _vmids(job.exclude, numbers),
            },
            requires=frozenset(
                {Ref(site, "storage", job.storage)}
                | ({Ref(site, "pool", job.pool)} if job.pool else set())
                | {guests[vmid] for guest in job.guests if (vmid := numbers.get(guest, "")) in guests}
            ),
        )
        for name, job in estate.sites[site].backups.items()
    )


def _vmids(names: tuple[str, ...], numbers: dict[str, str]) -> Value:
    return tuple(sorted(numbers[name] for name in names if name in numbers))


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a job; a selection that is left is deleted in the call that makes the other."""
    return section_calls(SECTION, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `backups` of a site, with VMIDs for names of guests."""
    backups = {job.ref.id: _described(job) for job in seen}
    return {"backups": backups} if backups else {}


def _described(job: Observed) -> dict[str, Any]:
    return brief(FIELDS, BackupJob, job.attributes) | brief(GUESTS, BackupJob, job.attributes)


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=whole_list(reads),
)
