"""Networks: what guests plug into, and the bridges, VLANs and SDN that carry it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from provisioner.model.base import Model, Name, VlanTag

Iface = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z][a-zA-Z0-9_.]{1,20}$")]
"""A network interface of a node (`pve-iface`)."""

SdnId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z][a-zA-Z0-9]{1,7}$")]
"""An SDN zone or vnet: two to eight characters (PVE::Network::SDN)."""


class Network(Model):
    """A segment by the name that guests use: a bridge or vnet, perhaps a VLAN, and its addresses."""

    bridge: Iface | None = None
    vnet: SdnId | None = None
    vlan: VlanTag | None = None
    cidr: IPv4Network | None = None
    gateway: IPv4Address | None = None
    nameservers: tuple[IPv4Address, ...] = ()
    search_domain: str | None = None
    purpose: str = Field("", description="What the segment is for, for whoever reads the firewall.")

    @model_validator(mode="after")
    def _one_carrier(self) -> Network:
        if (self.bridge is None) == (self.vnet is None):
            raise ValueError("a network is carried by a `bridge` or by a `vnet`, and by one of them only")
        return self


class _Interface(Model):
    address: IPv4Interface | None = None
    gateway: IPv4Address | None = None
    address6: IPv6Interface | None = None
    gateway6: IPv6Address | None = None
    mtu: int | None = Field(None, ge=1280, le=65520)
    autostart: bool = True
    comment: str = ""


class BridgeInterface(_Interface):
    """A Linux bridge of a node."""

    type: Literal["bridge"]
    ports: tuple[Iface, ...] = ()
    vlan_aware: bool = False


class BondInterface(_Interface):
    """A Linux bond of a node."""

    type: Literal["bond"]
    slaves: tuple[Iface, ...]
    mode: Literal[
        "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"
    ] = "802.3ad"
    hash_policy: Literal["layer2", "layer2+3", "layer3+4"] | None = None
    primary: Iface | None = None


class VlanInterface(_Interface):
    """A VLAN of a node, on a bridge, bond or port; named `raw.tag`."""

    type: Literal["vlan"]
    raw_device: Iface | None = None
    tag: VlanTag | None = None


Interface = Annotated[BridgeInterface | BondInterface | VlanInterface, Field(discriminator="type")]


class SdnZone(Model):
    """An SDN zone (PVE::Network::SDN::Zones)."""

    type: Literal["simple", "vlan", "qinq", "vxlan", "evpn"]
    bridge: Iface | None = Field(None, description="The bridge below a vlan or qinq zone.")
    tag: VlanTag | None = Field(None, description="The outer tag of a qinq zone.")
    peers: tuple[IPv4Address, ...] = Field((), description="The nodes of a vxlan zone.")
    controller: str | None = Field(None, description="The controller of an evpn zone.")
    vrf_vxlan: int | None = Field(None, ge=1, le=16777215)
    mtu: int | None = Field(None, ge=1280, le=65520)
    nodes: tuple[str, ...] = ()
    dhcp: Literal["dnsmasq"] | None = None
    ipam: str | None = None

    @model_validator(mode="after")
    def _needs(self) -> SdnZone:
        needs = {
            "vlan": ("bridge",),
            "qinq": ("bridge", "tag"),
            "vxlan": ("peers",),
            "evpn": ("controller", "vrf_vxlan"),
        }
        for field in needs.get(self.type, ()):
            if not getattr(self, field):
                raise ValueError(f"a zone of type {self.type} needs `{field}`")
        return self


class SdnSubnet(Model):
    """A subnet of a vnet; its key is the CIDR."""

    gateway: IPv4Address | IPv6Address | None = None
    snat: bool = False
    dns_zone_prefix: str | None = None


class SdnVnet(Model):
    """A virtual network of a zone: a bridge that every node of the zone offers."""

    zone: SdnId
    tag: int | None = Field(None, ge=1, le=16777215)
    alias: str = ""
    vlan_aware: bool = False
    isolate_ports: bool = False
    subnets: dict[IPv4Network | IPv6Network, SdnSubnet] = Field(default_factory=dict)


class Sdn(Model):
    """The software-defined network of a site."""

    zones: dict[SdnId, SdnZone] = Field(default_factory=dict)
    vnets: dict[SdnId, SdnVnet] = Field(default_factory=dict)


Networks = dict[Name, Network]
