"""The firewall of clusters, nodes and guests (PVE::Firewall)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from provisioner.model.base import Model

FirewallName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,17}$")]
"""A security group: 18 characters at most. Proxmox VE makes its name lower-case (PVE::Firewall)."""

IpSetName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,63}$")]
"""An IP set; lower-case too."""

AddressName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{1,63}$")]
"""An alias."""


def _text(value: object) -> object:
    """YAML reads `443` as a number; ports and protocols are text that may look like one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Ports = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | int)]
"""Ports such as `443`, `8000:8010`, `80,443` or a service's name; or a protocol by name or number."""

LogLevel = Literal["nolog", "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]
Policy = Literal["ACCEPT", "REJECT", "DROP"]


class Rule(Model):
    """One rule; `type: group` inserts the security group named by `action`."""

    type: Literal["in", "out", "forward", "group"] = "in"
    action: str = Field(description="ACCEPT, DROP, REJECT, or the name of a security group.")
    macro: str | None = None
    proto: Ports | None = None
    source: str | None = Field(
        None, description="Address, CIDR, range, alias (`dc/name`) or IP set (`+dc/name`)."
    )
    dest: str | None = None
    sport: Ports | None = None
    dport: Ports | None = None
    icmp_type: str | None = None
    iface: str | None = None
    log: LogLevel | None = None
    enabled: bool = True
    comment: str = ""


class Alias(Model):
    """A name for an address or network."""

    cidr: str
    comment: str = ""


class IpSetEntry(Model):
    """A member of an IP set: a CIDR or an alias; `nomatch` excludes it."""

    cidr: str
    nomatch: bool = False
    comment: str = ""


def _entry(value: object) -> object:
    return {"cidr": value} if isinstance(value, str) else value


class IpSet(Model):
    """A named set of addresses."""

    entries: tuple[
        Annotated[IpSetEntry, BeforeValidator(_entry, json_schema_input_type=IpSetEntry | str)], ...
    ] = ()
    comment: str = ""


class SecurityGroup(Model):
    """A named list of rules."""

    rules: tuple[Rule, ...] = ()
    comment: str = ""


class ClusterFirewall(Model):
    """The firewall of a site: options, names and the rules of the datacentre."""

    enabled: bool = False
    policy_in: Policy = "DROP"
    policy_out: Policy = "ACCEPT"
    policy_forward: Literal["ACCEPT", "DROP"] = "ACCEPT"
    ebtables: bool = True
    aliases: dict[AddressName, Alias] = Field(default_factory=dict)
    ipsets: dict[IpSetName, IpSet] = Field(default_factory=dict)
    groups: dict[FirewallName, SecurityGroup] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()


class NodeFirewall(Model):
    """The firewall of a node; rules before policy, so that nobody is locked out."""

    enabled: bool = True
    log_level_in: LogLevel = "nolog"
    log_level_out: LogLevel = "nolog"
    nosmurfs: bool = True
    tcpflags: bool = False
    rules: tuple[Rule, ...] = ()


class GuestFirewall(Model):
    """The firewall of a guest; its network cards need `firewall: true` as well."""

    enabled: bool = True
    policy_in: Policy = "DROP"
    policy_out: Policy = "ACCEPT"
    dhcp: bool = False
    ipfilter: bool = False
    macfilter: bool = True
    ndp: bool = True
    radv: bool = False
    log_level_in: LogLevel = "nolog"
    log_level_out: LogLevel = "nolog"
    rules: tuple[Rule, ...] = ()
