"""Guests under high availability (PVE::API2::HA::Resources): `vm:110`, `ct:120`."""

from __future__ import annotations

from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.guest import HaResource
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Value, Work
from provisioner.resources.fields import FLAG, INTEGER, Codec, Field, Fields, brief, flat, wanted
from provisioner.resources.guest_place import planned
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.section import Section, section_calls, section_seen

TRAITS = Traits(
    kind="ha_resource",
    title="HA resource",
    rank=70,
    stops=(("state", "stopped"), ("state", "disabled")),
)
PATH = "/cluster/ha/resources"
RULES_SINCE = 9
"""Since then rules place resources instead of groups, and resources know `failback`."""


def _state(state: Any) -> Value:
    """`enabled` is an old word for `started`."""
    return "started" if state == "enabled" else flat(state)


COMMON: Fields = (
    Field("state", "state", Codec(_state, lambda state: state, of=_state), default="started"),
    Field("max_restart", "max_restart", INTEGER, default=1),
    Field("max_relocate", "max_relocate", INTEGER, default=1),
    Field("comment", "comment", default=""),
)
GROUP = (Field("group", "group"),)
FAILBACK = (Field("failback", "failback", FLAG, default=True),)


def fields_of(version: int) -> Fields:
    """The attributes that a major version of Proxmox VE knows."""
    return COMMON + (FAILBACK if version >= RULES_SINCE else GROUP)


def sid(guest: Ref) -> str:
    """The name of a guest as an HA resource."""
    return f"{guest.kind}:{guest.id}"


def reads(_scope: Scope) -> tuple[str, ...]:
    """One list tells all."""
    return (PATH,)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Resources with the state that is asked of them, not the one they are in."""
    return tuple(
        section_seen(scope, row, kind="ha_resource", key="sid", fields=fields_of(scope.version))
        for row in answers.get(PATH, ())
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The guests of a site that high availability watches."""
    return tuple(
        Desired(
            ref=Ref(site, "ha_resource", sid(ref)),
            label=place.name,
            attributes=wanted(fields_of(estate.sites[site].version), guest.ha),
            requires=frozenset(
                {ref} | ({Ref(site, "ha_group", guest.ha.group)} if guest.ha.group else set())
            ),
        )
        for guest, ref, place in planned(estate, site)
        if guest.ha
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Put a guest under high availability, change how it is treated, or let go of it."""
    return section_calls(Section(PATH, "sid", fields_of(work.version), lanes=("domain-ha",)), work)


def adopt(scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `ha` of `guests`, by VMID."""
    fields = fields_of(scope.version)
    guests = {one.ref.id.partition(":")[2]: {"ha": brief(fields, HaResource, one.attributes)} for one in seen}
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
