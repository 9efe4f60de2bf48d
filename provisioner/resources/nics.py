"""Network cards: `netN` of both kinds of guests, and the addresses that cloud-init hands out."""

from __future__ import annotations

import re
from ipaddress import IPv4Interface, ip_interface

from provisioner.model.guest import Ct, CtNic, Vm, VmNic
from provisioner.model.network import Network
from provisioner.model.objects import Value
from provisioner.model.site import Site
from provisioner.resources.kind import Fragment
from provisioner.resources.properties import FLAG, INTEGER, NUMBER, UPPER, Field, Form, Group, split

KEY = r"net\d+"
OWNED = ("net*.bridge",)
"""The estate's list of cards is complete; what it leaves open of a card, such as its MAC, is kept."""
NO_BARE_PART = ""
"""Neither a container's card nor an `ipconfigN` has a part that may stand without its key."""
MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3")


def _spell_vm(text: str) -> str | None:
    """`virtio=MAC,…` as `model=virtio,macaddr=MAC,…`; None for a model or a card that we have no word for."""
    plain = re.sub(rf"(^|,)({'|'.join(MODELS)})=([0-9A-Fa-f:]+)", r"\1model=\2,macaddr=\3", text)
    parts = split(plain, "model")
    return plain if parts.get("model") in MODELS and "bridge" in parts else None


def _spell_ct(text: str) -> str | None:
    """Without `type=veth`, the only type that there is; None for an interface without bridge."""
    parts = {key: value for key, value in split(text, NO_BARE_PART).items() if key != "type"}
    return ",".join(f"{key}={value}" for key, value in parts.items()) if "bridge" in parts else None


def _address(text: str) -> Value:
    """An address with prefix length in its shortest form, `dhcp`, `auto`; `manual` is unset."""
    if text == "manual":
        return None
    return text if text in {"dhcp", "auto"} else ip_interface(text).with_prefixlen


ADDRESS = Form(_address, str)
_WIRE = (
    Field("bridge", "bridge"),
    Field("tag", "tag", INTEGER),
    Field("firewall", "firewall", FLAG, default=False),
    Field("link_down", "link_down", FLAG, default=False),
    Field("mtu", "mtu", INTEGER),
    Field("rate", "rate", NUMBER),
)
_ADDRESSES = (
    Field("ip", "ip", ADDRESS),
    Field("gw", "gw"),
    Field("ip6", "ip6", ADDRESS),
    Field("gw6", "gw6"),
)
VM_NIC = Group(
    "model",
    (Field("model", "model"), Field("macaddr", "mac", UPPER), Field("queues", "queues", INTEGER), *_WIRE),
    _spell_vm,
)
CT_NIC = Group(
    NO_BARE_PART, (Field("name", "name"), Field("hwaddr", "mac", UPPER), *_WIRE, *_ADDRESSES), _spell_ct
)
IPCONFIG = Group(NO_BARE_PART, _ADDRESSES)


def wanted(guest: Vm | Ct, site: Site) -> dict[str, Value]:
    """The attributes of a guest's cards. A MAC that the estate leaves open is not among them."""
    values: dict[str, Value] = {}
    for key, nic in guest.nics.items():
        own = _own(key, nic)
        wire = {**own, **_carrier(nic, site), **_settings(nic)}
        values |= {f"{key}.{name}": value for name, value in wire.items()}
        if isinstance(nic, CtNic):
            values |= {f"{key}.{name}": value for name, value in addresses(nic, site).items()}
    return values


def _own(key: str, nic: VmNic | CtNic) -> dict[str, Value]:
    if isinstance(nic, CtNic):
        return {"name": nic.name or key.replace("net", "eth")}
    return {"model": nic.model, "queues": nic.queues}


def _carrier(nic: VmNic | CtNic, site: Site) -> dict[str, Value]:
    network = _network(nic, site)
    bridge = (network.vnet or network.bridge) if network else nic.bridge
    return {"bridge": bridge, "tag": nic.vlan or (network.vlan if network else None)}


def _settings(nic: VmNic | CtNic) -> dict[str, Value]:
    mac = {"mac": nic.mac} if nic.mac else {}
    return {
        **mac,
        "firewall": nic.firewall,
        "link_down": nic.link_down,
        "mtu": nic.mtu,
        "rate": nic.rate_mbps,
    }


def _network(nic: VmNic | CtNic, site: Site) -> Network | None:
    return site.networks[nic.network] if nic.network else None


def addresses(nic: VmNic | CtNic, site: Site) -> dict[str, Value]:
    """`ip`, `gw`, `ip6`, `gw6` of a card; a fixed address goes by the network's gateway if none is given."""
    network = _network(nic, site)
    gateway = nic.gateway
    if gateway is None and network and isinstance(nic.address, IPv4Interface):
        gateway = network.gateway
    given = {"ip": nic.address, "gw": gateway, "ip6": nic.address6, "gw6": nic.gateway6}
    return {name: None if value is None else str(value) for name, value in given.items()}


def networks(guest: Vm | Ct, site: Site) -> tuple[Network, ...]:
    """The networks of a guest, in the order of its cards."""
    return tuple(site.networks[nic.network] for nic in guest.nics.values() if nic.network)


def adopted(values: dict[str, Value], addressed: dict[str, Value]) -> Fragment:
    """A card in the words of the estate, from its attributes and those of its addresses."""
    words = {
        "bridge": values["bridge"],
        "vlan": values["tag"],
        "address": addressed.get("ip"),
        "gateway": addressed.get("gw"),
        "address6": addressed.get("ip6"),
        "gateway6": addressed.get("gw6"),
        "firewall": values["firewall"] or None,
        "link_down": values["link_down"] or None,
        "mtu": values["mtu"],
        "rate": values["rate"],
        "queues": values.get("queues"),
    }
    return {word: value for word, value in words.items() if value is not None}
