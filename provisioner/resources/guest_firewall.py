"""The options of a guest's firewall (PVE::API2::Firewall::VM). They exist as long as the guest does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.firewall import GuestFirewall
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.resources.fields import FLAG, Field, brief, read, wanted
from provisioner.resources.guest_place import RESOURCES, GuestPlace, places, planned
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.section import Section, changes

TRAITS = Traits(kind="guest_firewall", title="guest firewall", rank=63, markable=False, delicate=True)
FIELDS = (
    Field("enabled", "enable", FLAG, default=False),
    Field("policy_in", "policy_in", default="DROP"),
    Field("policy_out", "policy_out", default="ACCEPT"),
    Field("dhcp", "dhcp", FLAG, default=False),
    Field("ipfilter", "ipfilter", FLAG, default=False),
    Field("macfilter", "macfilter", FLAG, default=True),
    Field("ndp", "ndp", FLAG, default=True),
    Field("radv", "radv", FLAG, default=False),
    Field("log_level_in", "log_level_in", default="nolog"),
    Field("log_level_out", "log_level_out", default="nolog"),
)


def _ref(site: str, vmid: str) -> Ref:
    return Ref(site, "guest_firewall", vmid)


def _path(place: GuestPlace) -> str:
    return f"{place.path}/firewall/options"


def reads(scope: Scope) -> tuple[str, ...]:
    """Where the guests are."""
    return (RESOURCES,) if scope.wants("guest_firewall") else ()


def details(scope: Scope, answers: Answers) -> dict[str, Ref]:
    """The options of wanted guests; for an adoption also whether there are rules that options belong to."""
    found = {}
    for place in places(answers):
        ref = _ref(scope.site, place.vmid)
        if scope.everything or ref in scope.wanted:
            found[_path(place)] = ref
        if scope.everything:
            found[f"{place.path}/firewall/rules"] = Ref(scope.site, "firewall_rules", f"guest/{place.vmid}")
    return found


def refresh(_scope: Scope, _ref: Ref, _observed: Observed | None) -> tuple[str, ...]:
    """Where the guest is now; `details` then names the path of its options."""
    return (RESOURCES,)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """The options that were read; for an adoption only where somebody touched them or wrote rules.

    Those of a wanted guest which is not there yet are as Proxmox VE leaves them.
    """
    here = {_ref(scope.site, place.vmid): place for place in places(answers)}
    awaited = scope.wanted - set(here) if RESOURCES in answers else frozenset()
    return (
        *(
            _observed(ref, row, place.node)
            for ref, place in here.items()
            if (row := answers.get(_path(place))) is not None
            and (ref in scope.wanted or _touched(row, answers.get(f"{place.path}/firewall/rules")))
        ),
        *(_observed(ref, {}) for ref in sorted(awaited) if ref.kind == "guest_firewall"),
    )


def _observed(ref: Ref, row: Mapping[str, Any], node: str | None = None) -> Observed:
    label, digest = f"firewall of {ref.id}", row.get("digest") or ""
    return Observed(ref, label, read(FIELDS, row), digest=digest, node=node)


def _touched(row: Mapping[str, Any], rules: Any) -> bool:
    return bool(rules) or read(FIELDS, row) != read(FIELDS, {})


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The options of the guests of a site: switched on after its rules stand, switched off before they go."""
    return tuple(
        Desired(
            ref=_ref(site, place.vmid),
            label=f"firewall of {place.name}",
            attributes=wanted(FIELDS, guest.firewall),
            at_creation={"node": place.node, "word": place.word},
            requires=frozenset(
                {ref, Ref(site, "firewall_rules", f"guest/{place.vmid}")} if guest.firewall.enabled else {ref}
            ),
        )
        for guest, ref, place in planned(estate, site)
        if guest.firewall
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Change options; they cannot be made or removed without their guest."""
    if work.desired is None:
        return ()
    made, seen = work.desired.at_creation, work.observed
    node = (seen.node if seen else None) or made["node"]
    path = _path(GuestPlace(work.desired.ref.id, str(node), str(made["word"])))
    params = changes(Section(path, "", FIELDS), work)
    return (Call("PUT", path, params, lanes=(path,)),) if params else ()


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `firewall` of `guests`, by VMID."""
    guests = {one.ref.id: {"firewall": brief(FIELDS, GuestFirewall, one.attributes)} for one in seen}
    return {"guests": guests} if guests else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    details=details,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=refresh,
)
