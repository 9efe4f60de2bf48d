"""The SDN configuration as plain JSON: what is written, what runs, and what lies between (pve-network).

`{"zones": {id: options}, "vnets": {...}, "subnets": {...}, "controllers": {...}}`; a subnet's id is
`<zone>-<network>-<prefix length>`. Pure functions.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any

from fakepve.routing import die, param_error, split_list

Objects = Mapping[str, Mapping[str, Any]]
KINDS = ("zones", "vnets", "subnets", "controllers")
LOCAL_ZONE = "localnetwork"
REQUIRED = {
    "zones": {"vlan": ("bridge",), "qinq": ("bridge", "tag"), "evpn": ("controller", "vrf-vxlan")},
    "controllers": {
        "evpn": ("asn",),
        "bgp": ("asn", "node"),
        "isis": ("isis-domain", "isis-ifaces", "isis-net"),
    },
}
TAGGED = ("vlan", "qinq", "vxlan", "evpn")
MAX_TAG = {"vlan": 4096, "qinq": 4096, "vxlan": 16777216, "evpn": 16777216}
# Keys that a pending object shows beside `state` and not as a change.
ALWAYS = ("type", "vnet")


def pending_view(running: Objects, config: Objects) -> dict[str, dict[str, Any]]:
    """Every object that runs or is written, with `state` and `pending` where the two differ."""
    view = {}
    for name in sorted({*running, *config}):
        old, new = running.get(name), config.get(name)
        if old is None and new is not None:
            view[name] = {**_only(new, ALWAYS), "state": "new", "pending": _without(new, ALWAYS)}
        elif new is None and old is not None:
            view[name] = {**old, "state": "deleted", "pending": {}}
        elif old is not None and new is not None:
            view[name] = {**old, **_changes(old, new)}
    return view


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    pending = {key: value for key, value in new.items() if old.get(key) != value}
    pending |= {key: "deleted" for key in old if key not in new}
    return {"state": "changed", "pending": pending} if pending else {}


def _only(values: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key in keys}


def _without(values: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}


def check_required(kind: str, options: Mapping[str, Any]) -> None:
    """Raise PveError if an option is missing that this type of zone or controller needs."""
    for name in REQUIRED[kind].get(options["type"], ()):
        if options.get(name) is None:
            raise die(f"missing value for required option '{name}'")


def check_vnet(name: str, vnet: Mapping[str, Any], config: Mapping[str, Objects]) -> None:
    """Raise PveError if the VNet does not fit its zone."""
    zone = config["zones"].get(vnet["zone"])
    if zone is None:
        raise die(f"sdn zone '{vnet['zone']}' does not exist")
    tag, kind = vnet.get("tag"), zone["type"]
    if kind == "simple" and tag is not None:
        raise param_error(tag="vlan tag is not allowed on simple zone")
    if kind in TAGGED and tag is None:
        raise param_error(tag="missing vlan tag")
    if tag is not None and tag > MAX_TAG.get(kind, tag):
        raise param_error(tag=f"vlan tag max value is {MAX_TAG[kind]}")
    for other, each in config["vnets"].items():
        if other != name and tag is not None and (each["zone"], each.get("tag")) == (vnet["zone"], tag):
            raise param_error(tag=f"tag {tag} already exist in zone {vnet['zone']}")


def subnet_id(zone: str, cidr: str) -> str:
    """The id that a subnet gets; raises PveError for what is no network."""
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise param_error(subnet=f"invalid format - '{cidr}' is no valid CIDR\n") from None
    return f"{zone}-{network.network_address}-{network.prefixlen}"


def shown_subnet(name: str, subnet: Mapping[str, Any]) -> dict[str, Any]:
    """A subnet with what its id says: zone, CIDR, network and prefix length."""
    zone, network, mask = name.rsplit("-", 2)
    cidr = f"{network}/{mask}"
    return {
        "subnet": name,
        "type": "subnet",
        "zone": zone,
        "cidr": cidr,
        "network": network,
        "mask": mask,
        **subnet,
    }


def check_gateway(name: str, subnet: Mapping[str, Any]) -> None:
    """Raise PveError if a subnet's gateway lies outside of it."""
    cidr = shown_subnet(name, subnet)["cidr"]
    gateway = subnet.get("gateway")
    if gateway and ipaddress.ip_address(gateway) not in ipaddress.ip_network(cidr):
        raise param_error(gateway=f"{gateway} is not in subnet {cidr}")


def zones_of(node: str, running: Mapping[str, Objects]) -> list[str]:
    """Zones that run on a node; the node's own bridges are a zone of their own."""
    here = [
        name
        for name, zone in running["zones"].items()
        if not zone.get("nodes") or node in split_list(zone["nodes"])
    ]
    return [LOCAL_ZONE, *sorted(here)]


def vnets_of(node: str, running: Mapping[str, Objects]) -> dict[str, Mapping[str, Any]]:
    """VNets that run on a node."""
    zones = zones_of(node, running)
    return {name: vnet for name, vnet in running["vnets"].items() if vnet["zone"] in zones}
