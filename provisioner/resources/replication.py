"""Replication jobs inside a site (PVE::API2::ReplicationConfig).

A job is known by its guest and target, `110/pve2`; its number is Proxmox VE's affair. When a guest moves to
its target, Proxmox VE turns the job round (PVE::ReplicationConfig::switch_replication_job_target): such a
job is still the one that the estate wants.
A DELETE only marks a job, and the replication runner removes it minutes later. Until then it is not wanted,
not ours and shown under its number, which stays taken; if the estate wants it again, its removal is
withdrawn.
"""

from __future__ import annotations

from itertools import count, islice
from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.guest import Replication
from provisioner.model.objects import Call, Desired, Mark, Observed, Ref, Traits, Value, Work, read_mark
from provisioner.resources.fields import ENABLED, NUMBER, Codec, Field, brief, read, wanted
from provisioner.resources.guest_place import RESOURCES, places, planned
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.section import Section, section_calls

TRAITS = Traits(kind="replication", title="replication job", rank=72, audit=(("/vms", "VM.Audit"),))
PATH = "/cluster/replication"
FIELDS = (
    Field("schedule", "schedule", default="*/15"),
    Field("rate_mbps", "rate", NUMBER),
    Field("enabled", "disable", ENABLED, default=True),
    Field("comment", "comment", default=""),
)
REMOVING = Field("removing", "remove_job", Codec(bool, lambda _removing: None), default=False)
"""Deleting the parameter withdraws the removal."""
SECTION = Section(
    PATH, "id", (*FIELDS, REMOVING), lanes=("file-replication_cfg",), made_with={"type": "local"}
)


def reads(_scope: Scope) -> tuple[str, ...]:
    """The jobs, and where their guests are."""
    return (PATH, RESOURCES)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """All jobs of all guests."""
    nodes = {place.vmid: place.node for place in places(answers)}
    return tuple(_observed(scope, row, nodes.get(str(row["guest"]))) for row in answers.get(PATH, ()))


def _observed(scope: Scope, row: dict[str, Any], node: str | None) -> Observed:
    comment, mark = read_mark(row.get("comment"), scope.mark)
    ref, removing = _ref_of(scope, row, node), bool(row.get("remove_job"))
    leaving = removing and ref not in scope.wanted
    return Observed(
        ref=Ref(scope.site, "replication", row["id"]) if leaving else ref,
        label=row["id"],
        attributes={
            **read(FIELDS, {**row, "comment": comment}),
            "removing": removing,
            "job": row["id"],
        },
        mark=Mark.NONE if leaving else mark,
        node=node,
    )


def _ref_of(scope: Scope, row: dict[str, Any], node: str | None) -> Ref:
    """The job by its target, or by its source if the guest sits on the node that the estate replicates to."""
    guest, source = row["guest"], row.get("source")
    ref = Ref(scope.site, "replication", f"{guest}/{row['target']}")
    turned = Ref(scope.site, "replication", f"{guest}/{source}")
    return turned if source == node and ref not in scope.wanted and turned in scope.wanted else ref


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The jobs of the guests of a site."""
    return tuple(
        Desired(
            ref=Ref(site, "replication", f"{ref.id}/{job.target}"),
            label=f"{place.name} to {job.target}",
            attributes={**wanted(FIELDS, job), "removing": False},
            at_creation={"before": tuple(one.target for one in guest.replication[:number])},
            requires=frozenset({ref}),
        )
        for guest, ref, place in planned(estate, site)
        for number, job in enumerate(guest.replication)
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a job.

    A job takes the first number of its guest that is free, apart from those that the jobs before it in the
    estate take: they may be made at the same moment.
    """
    if work.observed is not None:
        if work.desired is None and work.observed.attributes["removing"]:
            return ()
        return section_calls(SECTION, work, str(work.observed.attributes["job"]))
    if work.desired is None:
        return ()
    guest, _, target = work.desired.ref.id.partition("/")
    taken = {seen.attributes.get("job") for ref, seen in work.seen.items() if ref.kind == "replication"}
    free = (number for number in count() if f"{guest}-{number}" not in taken)
    before = work.desired.at_creation["before"]
    others = [Ref(work.desired.ref.site, "replication", f"{guest}/{one}") for one in _texts(before)]
    number = next(islice(free, sum(other not in work.seen for other in others), None))
    (made,) = section_calls(SECTION, work, f"{guest}-{number}")
    return (Call(made.method, made.path, {**made.params, "target": target}, lanes=made.lanes),)


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `replication` of `guests`, by VMID."""
    guests: dict[str, Any] = {}
    for job in seen:
        guest, _, target = job.ref.id.partition("/")
        if not job.attributes["removing"]:
            told = {"target": target, **brief(FIELDS, Replication, job.attributes)}
            guests.setdefault(guest, {"replication": []})["replication"].append(told)
    return {"guests": guests} if guests else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=whole_list(reads),
)
