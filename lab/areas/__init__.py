"""The areas of the API that fakepve does not keep, made stateful: mixins of the simulated cluster."""

from lab.areas.access import AccessArea
from lab.areas.area import Area
from lab.areas.ha import HaArea
from lab.areas.quorum import QuorumArea

AREAS: tuple[type[Area], ...] = (AccessArea, HaArea, QuorumArea)
