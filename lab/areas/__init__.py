"""The areas of the API that fakepve does not keep, made stateful: mixins of the simulated cluster."""

from lab.areas.access import AccessArea
from lab.areas.area import Area
from lab.areas.backup import BackupArea
from lab.areas.ha import HaArea
from lab.areas.network import NetworkArea
from lab.areas.options import OptionsArea
from lab.areas.quorum import QuorumArea
from lab.areas.replication import ReplicationArea
from lab.areas.sdn import SdnArea

AREAS: tuple[type[Area], ...] = (
    AccessArea,
    HaArea,
    ReplicationArea,
    BackupArea,
    SdnArea,
    NetworkArea,
    OptionsArea,
    QuorumArea,
)
