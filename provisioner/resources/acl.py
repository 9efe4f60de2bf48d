"""Access control entries (PVE::API2::ACL): one object for each path, grantee and role.

An entry has no comment; it is ours if the user, group or token that it serves is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Mark, Observed, Ref, Traits, Work, read_mark
from provisioner.resources.fields import FLAG, Field, read
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.user import ROOT, USERS

TRAITS = Traits(
    kind="acl",
    title="access control entry",
    rank=30,
    audit=(("/access", "Sys.Audit"), ("/access/groups", "Sys.Audit")),
    delicate=True,
)
GRANTEES = {"user": "users", "group": "groups", "token": "tokens"}
"""Type of a grantee to the parameter, and the key of the estate, that names it."""
FIELDS = (Field("propagate", "propagate", FLAG, default=True),)


def reads(_scope: Scope) -> tuple[str, ...]:
    """The entries, and the grantees whose marks they share."""
    return ("/access/acl", USERS, "/access/groups")


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """All entries; root's, who may do everything anyway, only where the estate has them."""
    marks = _marks(scope, answers)
    rows = (
        (_ref(scope.site, row["path"], row["type"], row["ugid"], role=row["roleid"]), row)
        for row in answers.get("/access/acl", ())
    )
    return tuple(
        Observed(
            ref=ref,
            label=f"{row['roleid']} on {row['path']} for {row['ugid']}",
            attributes=read(FIELDS, row),
            mark=marks.get((row["type"], row["ugid"]), Mark.NONE),
        )
        for ref, row in rows
        if row["ugid"] != ROOT or ref in scope.wanted
    )


def _ref(site: str, path: str, grantee: str, name: str, *, role: str) -> Ref:
    return Ref(site, "acl", f"{path}:{grantee}:{name}:{role}")


def _marks(scope: Scope, answers: Answers) -> dict[tuple[str, str], Mark]:
    """Grantees that are ours, also while they are being made."""
    return {
        (grantee, name): Mark.OURS
        for grantee, name, comment in _grantees(answers)
        if read_mark(comment, scope.mark)[1] is not Mark.NONE
    }


def _grantees(answers: Answers) -> Iterator[tuple[str, str, str | None]]:
    for group in answers.get("/access/groups", ()):
        yield "group", group["groupid"], group.get("comment")
    for user in answers.get(USERS, ()):
        yield "user", user["userid"], user.get("comment")
        for token in user.get("tokens") or ():
            yield "token", f"{user['userid']}!{token['tokenid']}", token.get("comment")


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The entries of a site, one for each grantee that is named."""
    return tuple(
        Desired(
            ref=_ref(site, entry.path, grantee, name, role=entry.role),
            label=f"{entry.role} on {entry.path} for {name}",
            attributes={"propagate": entry.propagate},
            requires=frozenset({Ref(site, "role", entry.role), Ref(site, grantee, name)}),
        )
        for entry in estate.sites[site].access.acl
        for grantee, key in GRANTEES.items()
        for name in getattr(entry, key)
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Grant or withdraw; granting again changes whether the entry propagates."""
    if work.desired is not None and (work.observed is None or work.changed):
        return (_put(work.desired.ref, {"propagate": int(bool(work.desired.attributes["propagate"]))}),)
    if work.desired is None and work.observed is not None:
        return (_put(work.observed.ref, {"delete": 1}),)
    return ()


def _put(ref: Ref, params: dict[str, int]) -> Call:
    path, grantee, name, role = ref.id.split(":")
    who = {"path": path, "roles": role, GRANTEES[grantee]: name}
    return Call("PUT", "/access/acl", {**who, **params}, lanes=("file-user_cfg",))


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `access.acl` of a site; grantees with the same role on the same path share an entry."""
    entries: dict[tuple[str, str, bool], dict[str, Any]] = {}
    for one in sorted(seen, key=lambda entry: entry.ref):
        path, grantee, name, role = one.ref.id.split(":")
        propagate = bool(one.attributes["propagate"])
        entry = entries.setdefault((path, role, propagate), {"path": path, "role": role})
        entry.setdefault(GRANTEES[grantee], []).append(name)
        if not propagate:
            entry["propagate"] = False
    return {"access": {"acl": list(entries.values())}} if entries else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=whole_list(reads),
)
