"""Roles (PVE::API2::Role). The built-in ones cannot be changed and are left out."""

from __future__ import annotations

from provisioner.model.access import Role
from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.resources.fields import LIST, Field, brief, read, wanted
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.section import Section, section_calls

TRAITS = Traits(kind="role", title="role", rank=4, markable=False, delicate=True)
FIELDS = (Field("privileges", "privs", LIST, ()),)
SECTION = Section("/access/roles", "roleid", FIELDS, lanes=("file-user_cfg",), deletes=False)


def reads(scope: Scope) -> tuple[str, ...]:
    """Roles carry no comment: they are read only if the estate has some."""
    return ("/access/roles",) if scope.wants("role") else ()


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """The roles that somebody made."""
    return tuple(
        Observed(Ref(scope.site, "role", row["roleid"]), row["roleid"], read(FIELDS, row))
        for row in answers.get("/access/roles", ())
        if not int(row.get("special") or 0)
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The roles of a site."""
    return tuple(
        Desired(Ref(site, "role", name), name, wanted(FIELDS, role))
        for name, role in estate.sites[site].access.roles.items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a role; a PUT replaces all its privileges."""
    return section_calls(SECTION, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `access.roles` of a site."""
    roles = {role.ref.id: brief(FIELDS, Role, role.attributes) for role in seen}
    return {"access": {"roles": roles}} if roles else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=lambda _scope, _ref, _observed: ("/access/roles",),
)
