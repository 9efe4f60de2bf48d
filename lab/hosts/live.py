"""The API of a lab whose nodes and guests are machines: it answers at the nodes' own addresses."""

from pathlib import Path

from lab.hosts.access import Access
from lab.hosts.machines import Plant
from lab.hosts.site import HostsSite
from lab.server import Lab, LabSite
from lab.spec import LabSpec, SiteSpec


class HostsLab(Lab):
    """A lab on machines that are up already (lab.hosts.build)."""

    def __init__(self, spec: LabSpec, folder: Path, plant: Plant) -> None:
        self._plant, self._access = plant, Access(folder)
        super().__init__(spec, folder)

    def site_of(self, spec: SiteSpec, folder: Path, ports: tuple[int, ...], time_scale: float) -> LabSite:
        """A site on its machines; they have ports of their own, and its state goes when they go."""
        del folder, ports
        return HostsSite(spec, time_scale, self._plant, self._access)
