"""Aliases of the cluster's firewall: names for addresses (PVE::API2::Firewall::Aliases)."""

from __future__ import annotations

from provisioner.model.estate import Estate
from provisioner.model.firewall import Alias
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.resources.fields import Field, brief, wanted
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.section import Section, section_calls, section_seen

TRAITS = Traits(kind="alias", title="firewall alias", rank=12, delicate=True)
FIELDS = (Field("cidr", "cidr"), Field("comment", "comment", default=""))
PATH = "/cluster/firewall/aliases"
SECTION = Section(PATH, "name", FIELDS, lanes=("firewall-cluster",), repeated=("cidr",), deletes=False)


def reads(_scope: Scope) -> tuple[str, ...]:
    """One list tells all."""
    return (PATH,)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Aliases with their address."""
    return tuple(
        section_seen(scope, row, kind="alias", key="name", fields=FIELDS) for row in answers.get(PATH, ())
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The aliases of a site."""
    firewall = estate.sites[site].firewall
    return tuple(
        Desired(Ref(site, "alias", name), name, wanted(FIELDS, alias) | {"cidr": _stored(alias.cidr)})
        for name, alias in (firewall.aliases if firewall else {}).items()
    )


def _stored(cidr: str) -> str:
    """Without the length of a single address, which Proxmox VE cuts off (PVE::Firewall, parse_ip_or_cidr)."""
    return cidr.removesuffix("/128") if ":" in cidr else cidr.removesuffix("/32")


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove an alias; a PUT always says the address."""
    return section_calls(SECTION, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `firewall.aliases` of a site."""
    aliases = {alias.ref.id: brief(FIELDS, Alias, alias.attributes) for alias in seen}
    return {"firewall": {"aliases": aliases}} if aliases else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=whole_list(reads),
)
