"""All kinds of objects, those of a lower rank first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from provisioner.resources import (
    acl,
    alias,
    backup_job,
    cluster_firewall,
    ct,
    firewall_rules,
    group,
    guest_firewall,
    ha_group,
    ha_resource,
    ha_rule,
    interface,
    ipset,
    node_firewall,
    node_network,
    pool,
    replication,
    role,
    sdn,
    sdn_subnet,
    sdn_vnet,
    sdn_zone,
    security_group,
    storage,
    token,
    user,
    vm,
)
from provisioner.resources.kind import Kind

KINDS: tuple[Kind, ...] = (
    role.KIND,
    group.KIND,
    user.KIND,
    token.KIND,
    storage.KIND,
    alias.KIND,
    ipset.KIND,
    security_group.KIND,
    interface.KIND,
    node_network.KIND,
    sdn_zone.KIND,
    sdn_vnet.KIND,
    sdn_subnet.KIND,
    sdn.KIND,
    pool.KIND,
    acl.KIND,
    ha_group.KIND,
    vm.KIND,
    ct.KIND,
    firewall_rules.KIND,
    guest_firewall.KIND,
    node_firewall.KIND,
    cluster_firewall.KIND,
    ha_resource.KIND,
    replication.KIND,
    ha_rule.KIND,
    backup_job.KIND,
)
BY_NAME: Mapping[str, Kind] = MappingProxyType({kind.traits.kind: kind for kind in KINDS})
