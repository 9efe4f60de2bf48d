"""Groups of users (PVE::API2::Group). Who belongs to one is an attribute of the user."""

from __future__ import annotations

from provisioner.model.access import Group
from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.resources.fields import Field, brief, wanted
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.section import Section, section_calls, section_seen

TRAITS = Traits(
    kind="group", title="group of users", rank=5, audit=(("/access/groups", "Sys.Audit"),), delicate=True
)
FIELDS = (Field("comment", "comment", default=""),)
SECTION = Section("/access/groups", "groupid", FIELDS, lanes=("file-user_cfg",), deletes=False)


def reads(_scope: Scope) -> tuple[str, ...]:
    """The list of groups tells all."""
    return ("/access/groups",)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Groups with their comment."""
    return tuple(
        section_seen(scope, row, kind="group", key="groupid", fields=FIELDS)
        for row in answers.get("/access/groups", ())
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The groups of a site."""
    return tuple(
        Desired(Ref(site, "group", name), name, wanted(FIELDS, group))
        for name, group in estate.sites[site].access.groups.items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a group."""
    return section_calls(SECTION, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `access.groups` of a site."""
    groups = {group.ref.id: brief(FIELDS, Group, group.attributes) for group in seen}
    return {"access": {"groups": groups}} if groups else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=whole_list(reads),
)
