"""One simulated Proxmox VE cluster: fakepve, the lab's own rooms, and the stateful areas.

The order of the bases is the order in which they are asked: an area overrides a room, a room overrides
fakepve.
"""

from typing import Any

from lab.areas import AREAS
from lab.firewall import Firewall
from lab.ground import Ground
from lab.guests import Guests
from lab.nodes import Nodes
from lab.spec import SiteSpec
from lab.tasks import Tasks
from lab.transport import Transport


class Core(Transport, Tasks, Guests, Nodes, Firewall):
    """What a cluster is without its stateful areas.

    `pve_major` (8 or 9) is what areas read to speak as that release does; `ordinal` is its place in the lab;
    `ground` is what its guests are.
    """

    pve_major: int = 9
    ordinal: int = 0
    ground: Ground = Ground()

    def persisted(self) -> tuple[str, ...]:
        """The attributes in which the areas keep their state."""
        return tuple(name for area in AREAS for name in area.persists)


LabCluster = type("LabCluster", (*AREAS, Core), {"__doc__": "A whole simulated cluster."})


def cluster_of(site: SiteSpec, *, time_scale: float) -> Any:
    """A cluster with the site's name, nodes and release, and nothing in it yet."""
    cluster = LabCluster()
    cluster.site = site.name
    cluster.cluster_name = site.cluster
    cluster.pve_major, cluster.ordinal = site.pve_major, site.ordinal
    cluster.version, cluster.release_version = site.version, ".".join(site.version.split(".")[:2])
    cluster.nodes = {node: {"online": True} for node in site.nodes}
    cluster.addresses = dict(site.addresses)
    cluster.device_votes = site.extra_votes
    cluster.storages = {}
    cluster.time_scale = time_scale
    return cluster
