"""The rules of the cluster, of a node and of a guest: one object for each list.

Ids are `cluster`, `node/NAME` and `guest/VMID`. A list that the estate declares is the estate's as a whole.
The lists always exist, so there is nothing to make or remove: an empty one is declared empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Value, Work
from provisioner.resources.firewall_names import names_of
from provisioner.resources.guest_place import RESOURCES, GuestPlace, places, planned
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.rule_list import digest_of, read_rules, rule_calls
from provisioner.resources.rule_text import rules_in_words, texts_of

TRAITS = Traits(kind="firewall_rules", title="firewall rules", rank=62, markable=False, delicate=True)
CLUSTER = "cluster"
RULES = "/cluster/firewall/rules"


def _ref(site: str, scope: str, name: str = "") -> Ref:
    return Ref(site, "firewall_rules", f"{scope}/{name}" if name else scope)


def _node_path(node: str) -> str:
    return f"/nodes/{node}/firewall/rules"


def _guest_path(place: GuestPlace) -> str:
    return f"{place.path}/firewall/rules"


def reads(scope: Scope) -> tuple[str, ...]:
    """The lists that are wanted; those of guests follow when it is known where the guests are."""
    fixed = {_ref(scope.site, CLUSTER): RULES} | {
        _ref(scope.site, "node", node): _node_path(node) for node in scope.nodes
    }
    guests = scope.everything or any(_of_guest(ref) for ref in scope.wanted)
    return (
        *(path for ref, path in fixed.items() if scope.everything or ref in scope.wanted),
        *((RESOURCES,) if guests else ()),
    )


def _of_guest(ref: Ref) -> bool:
    return ref.kind == "firewall_rules" and ref.id.startswith("guest/")


def details(scope: Scope, answers: Answers) -> dict[str, Ref]:
    """The lists of wanted guests, where the guests are now."""
    refs = ((place, _ref(scope.site, "guest", place.vmid)) for place in places(answers))
    return {_guest_path(place): ref for place, ref in refs if scope.everything or ref in scope.wanted}


def refresh(_scope: Scope, ref: Ref, _observed: Observed | None) -> tuple[str, ...]:
    """One list; that of a guest needs to know where the guest is, and `details` then names the path."""
    scope, _, name = ref.id.partition("/")
    if scope == "guest":
        return (RESOURCES,)
    return (RULES if scope == CLUSTER else _node_path(name),)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """All lists that were read; that of a wanted guest which is not there yet is empty."""
    fixed = [(_ref(scope.site, CLUSTER), RULES)]
    fixed += [(_ref(scope.site, "node", node), _node_path(node)) for node in scope.nodes]
    here = {_ref(scope.site, "guest", place.vmid): place for place in places(answers)}
    awaited = scope.wanted - set(here) if RESOURCES in answers else frozenset()
    return (
        *(_observed(ref, answers[path]) for ref, path in fixed if path in answers),
        *(
            _observed(ref, answers[path], place.node)
            for ref, place in here.items()
            if (path := _guest_path(place)) in answers
        ),
        *(_observed(ref, ()) for ref in sorted(awaited) if _of_guest(ref)),
    )


def _observed(ref: Ref, rows: Sequence[Mapping[str, Any]], node: str | None = None) -> Observed:
    label, rules = f"rules of {ref.id}", read_rules(rows)
    return Observed(ref, label, {"rules": rules}, digest=digest_of(rows), node=node)


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The lists of a site for which a firewall is declared."""
    here = estate.sites[site]
    names = names_of(site, here.firewall)
    cluster = ((_ref(site, CLUSTER), here.firewall, Ref(site, "cluster_firewall", "options"), names),)
    nodes = (
        (_ref(site, "node", name), node.firewall, Ref(site, "node_firewall", name), names)
        for name, node in here.nodes.items()
    )
    guests = (
        (
            _ref(site, "guest", place.vmid),
            guest.firewall,
            Ref(site, "guest_firewall", place.vmid),
            names | {ref},
        )
        for guest, ref, place in planned(estate, site)
    )
    where = {place.vmid: place for _, _, place in planned(estate, site)}
    return tuple(
        Desired(
            ref=ref,
            label=f"rules of {_owner(ref, where)}",
            attributes={"rules": texts_of(firewall.rules)},
            at_creation=_at(where.get(ref.id.removeprefix("guest/"))),
            requires=requires if firewall.enabled else requires | {options},
        )
        for ref, firewall, options, requires in (*cluster, *nodes, *guests)
        if firewall
    )


def _owner(ref: Ref, where: Mapping[str, GuestPlace]) -> str:
    """Whose rules: a guest by its name, `cluster`, or `node/ventoux-1`."""
    scope, _, name = ref.id.partition("/")
    return where[name].name if scope == "guest" else ref.id


def _at(place: GuestPlace | None) -> dict[str, Value]:
    """Where the rules of a guest are written; any node of the cluster would take them."""
    return {"node": place.node, "word": place.word} if place else {}


def calls(work: Work) -> tuple[Call, ...]:
    """The shortest way to the wanted list; a list itself can neither be made nor removed."""
    wanted, seen = work.desired, work.observed
    if wanted is None:
        return ()
    scope, _, name = wanted.ref.id.partition("/")
    path = {CLUSTER: RULES, "node": _node_path(name)}.get(scope) or _guest_path(_place(work, name))
    now = seen.attributes["rules"] if seen else ()
    return rule_calls(path, now, wanted.attributes["rules"], digest=seen.digest if seen else "")


def _place(work: Work, vmid: str) -> GuestPlace:
    made = work.desired.at_creation if work.desired else {}
    node = (work.observed.node if work.observed else None) or made.get("node")
    return GuestPlace(vmid, str(node), str(made.get("word")))


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `firewall.rules` of a site, of its `nodes`, and of `guests` by VMID."""
    found: Fragment = {}
    for one in seen:
        scope, _, name = one.ref.id.partition("/")
        if rules := rules_in_words(one.attributes["rules"]):
            owner = found if scope == CLUSTER else found.setdefault(f"{scope}s", {}).setdefault(name, {})
            owner["firewall"] = {"rules": rules}
    return found


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
