"""Users of the realms (PVE::API2::User). `root@pam` is Proxmox VE's own and is left out."""

from __future__ import annotations

from provisioner.model.access import User
from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work, read_mark
from provisioner.resources.fields import FLAG, LIST, MOMENT, Field, brief, read, wanted
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.section import Section, section_calls

TRAITS = Traits(kind="user", title="user", rank=6, audit=(("/access/groups", "Sys.Audit"),), delicate=True)
USERS = "/access/users?full=1"
ROOT = "root@pam"
FIELDS = (
    Field("groups", "groups", LIST, ()),
    Field("email", "email"),
    Field("firstname", "firstname"),
    Field("lastname", "lastname"),
    Field("comment", "comment", default=""),
    Field("enabled", "enable", FLAG, default=True),
    Field("expires", "expire", MOMENT),
)
SECTION = Section("/access/users", "userid", FIELDS, lanes=("file-user_cfg",), deletes=False)


def reads(_scope: Scope) -> tuple[str, ...]:
    """One list tells all users with their groups and tokens."""
    return (USERS,)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """All users but root."""
    found = []
    for row in answers.get(USERS, ()):
        comment, mark = read_mark(row.get("comment"), scope.mark)
        attributes = read(FIELDS, {**row, "comment": comment})
        found.append(Observed(Ref(scope.site, "user", row["userid"]), row["userid"], attributes, mark))
    return tuple(user for user in found if user.ref.id != ROOT)


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The users of a site; a password is set when the user is made and never again."""
    return tuple(
        Desired(
            ref=Ref(site, "user", name),
            label=name,
            attributes=wanted(FIELDS, user),
            secrets={"password": user.password} if user.password else {},
            requires=frozenset(Ref(site, "group", group) for group in user.groups),
        )
        for name, user in estate.sites[site].access.users.items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a user; removing one takes its tokens and grants with it."""
    return section_calls(SECTION, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `access.users` of a site, without their tokens."""
    users = {user.ref.id: brief(FIELDS, User, user.attributes) for user in seen}
    return {"access": {"users": users}} if users else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=whole_list(reads),
)
