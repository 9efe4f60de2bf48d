"""Bridges, bonds and VLANs of nodes (PVE::API2::Network): `pve1/vmbr1`. They take effect with `node_network`.

Proxmox VE shows what is configured, in force or not. Only nodes that declare interfaces are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.network import BondInterface, BridgeInterface, Interface, VlanInterface
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Value, Work, read_mark
from provisioner.resources.fields import (
    FLAG,
    INTEGER,
    WORDS,
    Field,
    Fields,
    brief,
    read,
    settings,
    wanted,
)
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.section import Section, changes, marked, section_calls

TRAITS = Traits(kind="interface", title="network interface", rank=15, immutable=("type",), delicate=True)
COMMON: Fields = (
    Field("type", "type"),
    Field("address", "cidr"),
    Field("gateway", "gateway"),
    Field("address6", "cidr6"),
    Field("gateway6", "gateway6"),
    Field("mtu", "mtu", INTEGER),
    Field("autostart", "autostart", FLAG, default=False),
    Field("comment", "comments", default=""),
)
OWN: Mapping[str, Fields] = {
    "bridge": (
        Field("ports", "bridge_ports", WORDS, ()),
        Field("vlan_aware", "bridge_vlan_aware", FLAG, default=False),
    ),
    "bond": (
        Field("slaves", "slaves", WORDS, ()),
        Field("mode", "bond_mode", default="balance-rr"),
        Field("hash_policy", "bond_xmit_hash_policy"),
        Field("primary", "bond-primary"),
    ),
    "vlan": (Field("raw_device", "vlan-raw-device"), Field("tag", "vlan-id", INTEGER)),
}
MODELS: Mapping[str, type[BridgeInterface | BondInterface | VlanInterface]] = {
    "bridge": BridgeInterface,
    "bond": BondInterface,
    "vlan": VlanInterface,
}


def network_path(node: str) -> str:
    """The interfaces of a node."""
    return f"/nodes/{node}/network"


def network_of(site: str, node: str) -> Ref:
    """What puts a node's interfaces in force."""
    return Ref(site, "node_network", node)


def reads(scope: Scope) -> tuple[str, ...]:
    """The interfaces of nodes that declare some."""
    declared = {ref.id for ref in scope.wanted if ref.kind == "node_network"}
    return tuple(network_path(node) for node in scope.nodes if scope.everything or node in declared)


def refresh(_scope: Scope, ref: Ref, _observed: Observed | None) -> tuple[str, ...]:
    """The interfaces of one node."""
    return (network_path(ref.id.partition("/")[0]),)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """The bridges, bonds and VLANs of the nodes that were read."""
    return tuple(
        _observed(scope, node, row)
        for node in scope.nodes
        for row in answers.get(network_path(node), ())
        if row["type"] in OWN
    )


def _observed(scope: Scope, node: str, row: dict[str, Any]) -> Observed:
    comment, mark = read_mark(row.get("comments"), scope.mark)
    fields = (*COMMON, *OWN[row["type"]])
    attributes = read(fields, {**row, "comments": comment})
    return Observed(
        ref=Ref(scope.site, "interface", f"{node}/{row['iface']}"),
        label=f"{row['iface']} of {node}",
        attributes=_with_vlan(row["iface"], attributes),
        mark=mark,
        activation=network_of(scope.site, node),
    )


def _with_vlan(name: str, attributes: dict[str, Value]) -> dict[str, Value]:
    """The carrier and the tag of a VLAN that are told by its name: `bond0.84`, `vlan84`."""
    if attributes["type"] != "vlan":
        return attributes
    told = {key: value for key, value in attributes.items() if value is not None}
    return attributes | _named(name) | told


def _named(name: str) -> dict[str, Value]:
    carrier, dot, tag = name.rpartition(".")
    if dot:
        return {"raw_device": carrier, "tag": int(tag)} if tag.isdecimal() else {}
    number = name.removeprefix("vlan")
    return {"tag": int(number)} if number.isdecimal() else {}


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The interfaces of the nodes of a site, each after those that it is built on."""
    return tuple(
        _desired(Ref(site, "interface", f"{node}/{name}"), interface, frozenset(declared.interfaces))
        for node, declared in estate.sites[site].nodes.items()
        for name, interface in declared.interfaces.items()
    )


def _desired(ref: Ref, interface: Interface, declared: frozenset[str]) -> Desired:
    node, _, name = ref.id.partition("/")
    attributes = _with_vlan(name, wanted((*COMMON, *OWN[interface.type]), interface))
    return Desired(
        ref=ref,
        label=f"{name} of {node}",
        attributes=attributes,
        requires=frozenset(
            Ref(ref.site, "interface", f"{node}/{below}") for below in _below(attributes) & declared
        ),
        activation=network_of(ref.site, node),
    )


def _below(attributes: Mapping[str, Value]) -> frozenset[str]:
    """What an interface is built on."""
    lists = (attributes.get(key) for key in ("ports", "slaves"))
    names = [name for one in lists if isinstance(one, tuple) for name in one]
    return frozenset(str(name) for name in (*names, attributes.get("raw_device")) if name)


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove an interface.

    A PUT takes the address away unless it says it again (PVE::API2::Network, update_network), so it says all.
    """
    known = work.desired or work.observed
    if known is None:
        return ()
    node, _, name = known.ref.id.partition("/")
    fields = _written(name, str(known.attributes["type"]))
    section = Section(network_path(node), "iface", fields, lanes=(f"network:{node}",))
    if work.desired is None or work.observed is None:
        return section_calls(section, work, name)
    params = changes(section, work)
    if not params:
        return ()
    whole = settings(fields, marked(section, work)) | params
    return (Call("PUT", f"{section.path}/{name}", whole, lanes=section.lanes),)


def _written(name: str, kind: str) -> Fields:
    """The fields that can be written: the carrier and tag of `bond0.84` are in its name alone."""
    return COMMON if kind == "vlan" and "." in name else (*COMMON, *OWN.get(kind, ()))


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `interfaces` of `nodes`."""
    nodes: dict[str, Any] = {}
    for one in seen:
        node, _, name = one.ref.id.partition("/")
        interfaces = nodes.setdefault(node, {"interfaces": {}})["interfaces"]
        interfaces[name] = _described(name, one.attributes)
    return {"nodes": nodes} if nodes else {}


def _described(name: str, attributes: Mapping[str, Value]) -> dict[str, Any]:
    kind = str(attributes["type"])
    told = brief((*COMMON, *OWN[kind]), MODELS[kind], attributes)
    implied = _named(name) if kind == "vlan" else {}
    return {key: value for key, value in told.items() if implied.get(key) != value}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=refresh,
)
