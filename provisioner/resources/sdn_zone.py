"""SDN zones (PVE::API2::Network::SDN::Zones). They take effect with `sdn`."""

from __future__ import annotations

from provisioner.model.estate import Estate
from provisioner.model.network import SdnZone
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.resources.fields import INTEGER, LIST, Field, brief, read, wanted
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.sdn_pending import configured
from provisioner.resources.section import Section, section_calls

TRAITS = Traits(
    kind="sdn_zone",
    title="SDN zone",
    rank=17,
    audit=(("/sdn/zones", "SDN.Audit"),),
    markable=False,
    immutable=("type",),
    delicate=True,
)
PATH = "/cluster/sdn/zones"
ZONES = f"{PATH}?pending=1"
FIELDS = (
    Field("type", "type"),
    Field("bridge", "bridge"),
    Field("tag", "tag", INTEGER),
    Field("peers", "peers", LIST, ()),
    Field("controller", "controller"),
    Field("vrf_vxlan", "vrf-vxlan", INTEGER),
    Field("mtu", "mtu", INTEGER),
    Field("nodes", "nodes", LIST, ()),
    Field("dhcp", "dhcp"),
    Field("ipam", "ipam"),
)
SECTION = Section(PATH, "zone", FIELDS, lanes=("sdn",))


def running(site: str) -> Ref:
    """What puts a site's SDN configuration in force."""
    return Ref(site, "sdn", "running")


def reads(scope: Scope) -> tuple[str, ...]:
    """Zones carry no comment: they are read only if the estate has some."""
    return (ZONES,) if scope.wants("sdn_zone") else ()


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Zones as they are configured."""
    rows = (zone for row in answers.get(ZONES, ()) if (zone := configured(row)))
    return tuple(
        Observed(
            ref=Ref(scope.site, "sdn_zone", row["zone"]),
            label=row["zone"],
            attributes=read(FIELDS, row),
            digest=row.get("digest") or "",
            activation=running(scope.site),
        )
        for row in rows
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The zones of a site; the bridge below one must be declared before."""
    here = estate.sites[site]
    return tuple(
        Desired(
            ref=Ref(site, "sdn_zone", name),
            label=name,
            attributes=wanted(FIELDS, zone),
            requires=frozenset(
                Ref(site, "interface", f"{node}/{zone.bridge}")
                for node, declared in here.nodes.items()
                if zone.bridge in declared.interfaces
            ),
            activation=running(site),
        )
        for name, zone in here.sdn.zones.items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a zone."""
    return section_calls(SECTION, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `sdn.zones` of a site, of the types that the model knows."""
    zones = {
        zone.ref.id: brief(FIELDS, SdnZone, zone.attributes)
        for zone in seen
        if zone.attributes["type"] != "faucet"
    }
    return {"sdn": {"zones": zones}} if zones else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=lambda _scope, _ref, _observed: (ZONES,),
)
