"""A lab as values: sites, their machines, and what joins them; the standard one, and one for any spec.

A site `10.84` has the management network 10.84.0.0/24 on the bridge vmbr0 and a network 10.84.N.0/24 for each
VLAN N on the bridge vmbr0vN, Proxmox VE's own name for it. The first address of a network is its router's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from lab.errors import LabRefused
from lab.platform.cloud_init import CLINICS, ROLES
from lab.spec import LabSpec, SiteSpec, TemplateSpec

REDFISH_PORT = 443
DRILL = "drill"
NODE, BACKUP, WITNESS, WORKSHOP = "node", "backup", "witness", "workshop"
# The second octets of the addresses of sites, apart so far that the workshop's and the links' fit between.
FIRST_OCTET, OCTETS_OF_A_SITE, LINKED_OCTET = 84, 100, 255
PLACES = 30
DEBIAN_OF_PVE = {8: 12, 9: 13}
STORAGES: Mapping[str, Mapping[str, Any]] = {
    "local": {"type": "dir", "path": "/var/lib/vz", "content": "backup,import,iso,snippets,vztmpl"},
    "local-btrfs": {"type": "btrfs", "path": "/srv/btrfs", "content": "images,rootdir"},
    "nas": {
        "type": "nfs",
        "server": "192.0.2.200",
        "export": "/srv/pve",
        "path": "/mnt/pve/nas",
        "content": "backup,images,iso",
        "shared": 1,
    },
}
FILES = (
    "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst",
    "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst",
    "local:import/debian-13-generic-amd64.qcow2",
    "local:import/debian-12-generic-amd64.qcow2",
    "local:iso/debian-13.2.0-amd64-netinst.iso",
    "local:snippets/bastide-hook.pl",
    *(f"local:snippets/{clinic.prefix}-{role.name}.yml" for clinic in CLINICS for role in ROLES),
)
TEMPLATES = (
    TemplateSpec(vmid=9000, name="debian-13", storage="nas"),
    TemplateSpec(vmid=9001, name="debian-12", storage="nas"),
    TemplateSpec(vmid=9002, name="debian-13-platform", storage="nas"),
)


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that the lab itself boots; `number` ends its address on its site's management network.

    `release` is its Debian; None: that of the nodes' Proxmox VE for a node, else the newest.
    """

    name: str
    role: str
    number: int
    release: int | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A place with its own network. `prefix` is the first two octets of every address in it.

    `storages` are those that every node has a folder for, as the API tells them, `bridges` those that every
    node is born with beside vmbr0.
    """

    name: str
    title: str
    prefix: str
    hosts: tuple[Host, ...]
    cluster: str | None = None
    vlans: tuple[int, ...] = ()
    storages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bridges: tuple[str, ...] = ()

    @property
    def network(self) -> str:
        """Everything that is at the site, for routes."""
        return f"{self.prefix}.0.0/16"

    @property
    def nodes(self) -> tuple[Host, ...]:
        """The Proxmox VE nodes of the site."""
        return tuple(host for host in self.hosts if host.role == NODE)

    def address(self, host: Host) -> str:
        """The address of a host on the management network."""
        return f"{self.prefix}.0.{host.number}"

    def mac(self, host: Host) -> str:
        """The hardware address of a host: always the same, or its neighbours would look for the old one."""
        return f"bc:24:11:{int(self.prefix.partition('.')[2]):02x}:00:{host.number:02x}"

    def controller(self, host: Host) -> str:
        """The address of a host's baseboard controller, on the management network."""
        return f"{self.prefix}.0.{100 + host.number}"

    def router(self, vlan: int = 0) -> str:
        """The router's address on the management network, or on a VLAN."""
        return f"{self.prefix}.{vlan}.1"


@dataclass(frozen=True, slots=True)
class Topology:
    """All sites and the links between them; `links` are pairs of site names."""

    sites: tuple[Site, ...]
    links: tuple[tuple[str, str], ...]
    pve_major: int = 9

    @property
    def clusters(self) -> tuple[Site, ...]:
        """The sites that run a Proxmox VE cluster."""
        return tuple(site for site in self.sites if site.cluster)

    @property
    def debian(self) -> int:
        """The Debian release of the nodes, the one that their Proxmox VE is made on."""
        return DEBIAN_OF_PVE[self.pve_major]

    def site(self, name: str) -> Site:
        """The site of a name. Raises KeyError."""
        return next(site for site in self.sites if site.name == name)

    def places(self) -> tuple[tuple[Site, Host], ...]:
        """Every host with its site."""
        return tuple((site, host) for site in self.sites for host in site.hosts)

    def link_network(self, link: tuple[str, str]) -> str:
        """The first three octets of the /30 between two sites."""
        return f"10.99.{101 + self.links.index(link)}"


def standard(pve_major: int = 9) -> Topology:
    """Carpentras and Cavaillon with two nodes and a backup server each, and the witness at Avignon."""
    return Topology(
        sites=(
            _clinic("carpentras", "Clinique de Carpentras", "10.84", "ventoux"),
            _clinic("cavaillon", "Clinique de Cavaillon", "10.184", "luberon"),
            Site("avignon", "Témoin d'Avignon", "10.99", (Host("witness", WITNESS, 2),)),
        ),
        links=(("carpentras", "cavaillon"), ("carpentras", "avignon"), ("cavaillon", "avignon")),
        pve_major=pve_major,
    )


def _clinic(name: str, title: str, prefix: str, cluster: str) -> Site:
    hosts = (
        Host(f"{cluster}-1", NODE, 11),
        Host(f"{cluster}-2", NODE, 12),
        Host(f"{cluster}-backup", BACKUP, 21),
    )
    return Site(
        name, title, prefix, hosts, cluster=cluster, vlans=(20, 40), storages=STORAGES, bridges=(DRILL,)
    )


def drawn_from(spec: LabSpec, place: int = 0) -> Topology:
    """The machines of any lab: a host for each node, every site linked with every other.

    Labs of different places have no address in common: the sites of place 0 are 10.84 and 10.184, as those of
    the standard lab, of place 1 10.86 and 10.186. Raises LabRefused where there are no addresses for so many.
    """
    last = FIRST_OCTET + OCTETS_OF_A_SITE * max(site.ordinal for site in spec.sites) + 2 * place
    if last >= LINKED_OCTET or place > PLACES:
        raise LabRefused("there are no addresses for a lab of so many sites", "Two sites are the most.")
    sites = tuple(_site_of(site, place) for site in spec.sites)
    pairs = combinations((site.name for site in sites), 2)
    return Topology(sites, tuple(pairs), spec.sites[0].pve_major)


def _site_of(spec: SiteSpec, place: int) -> Site:
    hosts = tuple(Host(node, NODE, 11 + number) for number, node in enumerate(spec.nodes))
    prefix = f"10.{FIRST_OCTET + OCTETS_OF_A_SITE * spec.ordinal + 2 * place}"
    return Site(spec.name, spec.name.title(), prefix, hosts, cluster=spec.cluster, storages=spec.storages)


def on_machines(spec: LabSpec, topology: Topology) -> LabSpec:
    """A lab whose nodes answer at the addresses of their machines."""
    sites = tuple(replace(site, addresses=_addresses(topology.site(site.name))) for site in spec.sites)
    return replace(spec, sites=sites)


def _addresses(site: Site) -> dict[str, str]:
    return {node.name: site.address(node) for node in site.nodes}


def api_site(site: Site, pve_major: int) -> SiteSpec:
    """What the API of a site's cluster is born with."""
    return SiteSpec(
        name=site.name,
        cluster=site.cluster or site.name,
        nodes=tuple(node.name for node in site.nodes),
        pve_major=pve_major,
        storages=site.storages,
        templates=TEMPLATES,
        files=FILES,
        addresses=_addresses(site),
        extra_votes=1,  # the witness
    )
