"""The API of a lab whose nodes and guests are machines: it answers at the nodes' own addresses."""

from pathlib import Path

from lab.hosts.access import Access
from lab.hosts.machines import Plant
from lab.hosts.outpost import Outpost
from lab.hosts.site import HostsSite
from lab.hosts.topology import Site
from lab.server import Lab, LabSite
from lab.spec import LabSpec, SiteSpec


class HostsLab(Lab):
    """A lab on machines that are up already (lab.hosts.build).

    `keys` is the folder with the key and the host keys of the machines, `states` the one in which each site
    keeps what its API knows.
    """

    def __init__(self, spec: LabSpec, folder: Path, plant: Plant, *, keys: Path, states: Path) -> None:
        self._plant, self._access, self._states = plant, Access(keys), states
        super().__init__(spec, folder)
        for site in plant.topology.sites:
            if site.cluster is None:
                self.places[site.name] = self._outpost(site)

    def site_of(self, spec: SiteSpec, folder: Path, ports: tuple[int, ...], time_scale: float) -> LabSite:
        """A site on its machines, which have ports of their own."""
        del folder, ports
        return HostsSite(spec, self._states / spec.name, time_scale, self._plant, self._access)

    def _outpost(self, site: Site) -> Outpost:
        """A place of machines without a cluster, whose witness votes in every cluster that counts on one."""
        outpost = Outpost(self._plant, site, self._states / site.name)
        for voter in self.sites.values():
            if isinstance(voter, HostsSite) and voter.spec.extra_votes:
                outpost.voters.append(voter)
                voter.witnesses.append(outpost)
        return outpost
