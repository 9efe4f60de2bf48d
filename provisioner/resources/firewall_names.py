"""What firewall rules may name: the aliases, IP sets and security groups of a site."""

from __future__ import annotations

from provisioner.model.firewall import ClusterFirewall
from provisioner.model.objects import Ref


def addresses_of(site: str, firewall: ClusterFirewall | None) -> frozenset[Ref]:
    """The aliases and IP sets that rules and security groups of the site may name."""
    if firewall is None:
        return frozenset()
    aliases = frozenset(Ref(site, "alias", name) for name in firewall.aliases)
    return aliases | {Ref(site, "ipset", name) for name in firewall.ipsets}


def names_of(site: str, firewall: ClusterFirewall | None) -> frozenset[Ref]:
    """All that rules of the site may name."""
    groups = firewall.groups if firewall else ()
    return addresses_of(site, firewall) | {Ref(site, "security_group", name) for name in groups}
