"""API tokens (PVE::API2::User). Proxmox VE shows a token's secret once, in the answer that makes it."""

from __future__ import annotations

from typing import Any

from provisioner.model.access import Token
from provisioner.model.base import SecretRef
from provisioner.model.estate import Estate
from provisioner.model.objects import (
    Call,
    Desired,
    Mark,
    Observed,
    Ref,
    Traits,
    Work,
    building_mark,
    read_mark,
    with_mark,
)
from provisioner.resources.fields import FLAG, MOMENT, Field, brief, read, settings, wanted
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.section import Section, changes, marked
from provisioner.resources.user import ROOT, USERS

TRAITS = Traits(
    kind="token", title="API token", rank=7, audit=(("/access/groups", "Sys.Audit"),), delicate=True
)
FIELDS = (
    Field("privilege_separation", "privsep", FLAG, default=True),
    Field("expires", "expire", MOMENT),
    Field("comment", "comment", default=""),
)
LANES = ("file-user_cfg",)
SECTION = Section("", "tokenid", FIELDS, deletes=False)


def reads(_scope: Scope) -> tuple[str, ...]:
    """The list of users holds their tokens."""
    return (USERS,)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """All tokens but root's, which belong to whoever installed the cluster."""
    rows = (
        (user["userid"], token)
        for user in answers.get(USERS, ())
        if user["userid"] != ROOT
        for token in user.get("tokens") or ()
    )
    return tuple(_observed(scope, user, token) for user, token in rows)


def _observed(scope: Scope, user: str, row: dict[str, Any]) -> Observed:
    comment, mark = read_mark(row.get("comment"), scope.mark)
    name = f"{user}!{row['tokenid']}"
    return Observed(Ref(scope.site, "token", name), name, read(FIELDS, {**row, "comment": comment}), mark)


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The tokens of a site's users; `secret` is the file that receives the secret."""
    return tuple(
        Desired(
            ref=Ref(site, "token", f"{user}!{name}"),
            label=f"{user}!{name}",
            attributes=wanted(FIELDS, token),
            at_creation={"secret": token.secret},
            requires=frozenset({Ref(site, "user", user)}),
        )
        for user, owner in estate.sites[site].access.users.items()
        for name, token in owner.tokens.items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a token.

    It is *building* until its secret is kept: one found so has lost its secret, and is made again.
    """
    if work.desired is None:
        return (_delete(work.observed.ref.id),) if work.observed else ()
    name = work.desired.ref.id
    if work.observed is None:
        return _creation(work)
    if work.observed.mark is Mark.BUILDING:
        return (_delete(name), *_creation(work))
    params = changes(SECTION, work)
    return (Call("PUT", _path(name), params, lanes=LANES),) if params else ()


def _creation(work: Work) -> tuple[Call, ...]:
    if work.desired is None:
        return ()
    name, secret = work.desired.ref.id, work.desired.at_creation.get("secret")
    comment = str(work.desired.attributes["comment"])
    attributes = {**marked(SECTION, work), "comment": with_mark(comment, building_mark(work.mark))}
    return (
        Call(
            "POST",
            _path(name),
            settings(FIELDS, attributes),
            reveals=SecretRef(secret) if isinstance(secret, str) else None,
            lanes=LANES,
        ),
        Call("PUT", _path(name), {"comment": with_mark(comment, work.mark)}, lanes=LANES),
    )


def _delete(name: str) -> Call:
    return Call("DELETE", _path(name), lanes=LANES)


def _path(name: str) -> str:
    user, _, token = name.partition("!")
    return f"/access/users/{user}/token/{token}"


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `tokens` of `access.users`; where a secret is kept cannot be seen."""
    users: dict[str, Any] = {}
    for one in seen:
        user, _, name = one.ref.id.partition("!")
        tokens = users.setdefault(user, {"tokens": {}})["tokens"]
        tokens[name] = brief(FIELDS, Token, one.attributes)
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
