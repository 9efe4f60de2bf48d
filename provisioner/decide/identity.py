"""Whether a plan takes from Bastide the rights with which it works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioner.model.objects import Ref, Value
from provisioner.model.observation import Observation
from provisioner.model.plan import Action, AttributeChange, Blocker, Plan, Step
from provisioner.model.site import Api

ALL = "Administrator"
"""The role that has every privilege."""

GONE = frozenset({Action.DELETE, Action.REPLACE})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who Bastide is on a cluster: a user (`bastide@pve`), and the token of that user if it has one."""

    user: str
    token: str | None = None

    @classmethod
    def of(cls, api: Api) -> Identity:
        """The identity with which the estate reaches a site."""
        return cls((api.token or api.user or "").partition("!")[0], api.token)


@dataclass(frozen=True, slots=True)
class _Rights:
    """What gives an identity its rights: itself, its groups, and the roles and entries that name them."""

    user: Ref
    token: Ref
    groups: frozenset[Ref]
    entries: frozenset[Ref]
    names: frozenset[tuple[str, str | None]]
    """Itself and its groups, as entries name them."""
    roles: frozenset[Ref]


def cuts_itself_off(
    plan: Plan, identities: Mapping[str, Identity], seen: Mapping[str, Observation]
) -> Iterable[Blocker]:
    """A blocker for each step that removes, disables or weakens what Bastide itself works with.

    `identities` and `seen` go by the name of the site.
    """
    rights = {
        site: _rights(site, identity, seen[site]) for site, identity in identities.items() if site in seen
    }
    for step in plan.steps:
        if step.ref.site in rights and _weakens(step, rights[step.ref.site]):
            who = identities[step.ref.site]
            keep = "take it from" if step.change.action is Action.CREATE else "keep it in"
            yield Blocker(
                f"{step.change.label} ({step.ref}) is what Bastide works with on {step.ref.site}, as "
                f"{who.token or who.user}: this step would cut it off in the middle of the work",
                f"{keep} the estate, or let sites.{step.ref.site}.api name another identity first",
                refs=(step.ref,),
            )


def _rights(site: str, identity: Identity, seen: Observation) -> _Rights:
    user = Ref(site, "user", identity.user)
    held = seen.objects[user].attributes.get("groups") if user in seen.objects else ()
    groups = frozenset(str(name) for name in held) if isinstance(held, tuple) else frozenset()
    names = {("user", identity.user), ("token", identity.token)} | {("group", name) for name in groups}
    granted = {
        ref: role
        for ref in seen.objects
        if ref.kind == "acl"
        for _, grantee, name, role in (ref.id.rsplit(":", 3),)
        if (grantee, name) in names
    }
    return _Rights(
        user=user,
        token=Ref(site, "token", identity.token or ""),
        groups=frozenset(Ref(site, "group", name) for name in groups),
        entries=frozenset(granted),
        names=frozenset(names),
        roles=frozenset(Ref(site, "role", role) for role in granted.values()),
    )


def _weakens(step: Step, rights: _Rights) -> bool:
    """Whether a step takes anything from these rights."""
    if step.change.action is Action.CREATE and step.ref.kind == "acl":
        return _hides(step.ref, rights)
    if step.ref not in {rights.user, rights.token} | rights.groups | rights.entries | rights.roles:
        return False
    return step.change.action in GONE or any(map(_takes, step.change.attributes))


def _hides(entry: Ref, rights: _Rights) -> bool:
    """Whether a new entry takes the place of what the identity has from above, or from its groups.

    Of all entries for a user the one on the longest path counts, and a user's own before those of its groups
    (PVE::AccessControl, roles); two on one path add up.
    """
    path, grantee, name, role = entry.id.rsplit(":", 3)
    if (grantee, name) not in rights.names or role == ALL:
        return False
    held = [tuple(one.id.rsplit(":", 3)) for one in rights.entries]
    above = [one for one in held if f"{path}/".startswith(f"{one[0].rstrip('/')}/")]
    adds = any(one[:3] == (path, grantee, name) for one in above)
    return bool(above) and not adds and role not in {one[3] for one in above}


def _takes(change: AttributeChange) -> bool:
    """A switch turned against the identity, an expiry, or a group or privilege that is no longer held."""
    match change.name:
        case "enabled" | "propagate":
            return change.after is False
        case "privilege_separation":
            return change.after is True
        case "expires":
            return change.after is not None
        case "groups" | "privileges":
            return bool(_items(change.before) - _items(change.after))
        case _:
            return False


def _items(value: Value) -> frozenset[Value]:
    return frozenset(value) if isinstance(value, tuple) else frozenset()
