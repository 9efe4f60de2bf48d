"""The areas of the API that fakepve does not keep, made stateful: mixins of the simulated cluster."""

from lab.areas.access import AccessArea

AREAS: tuple[type, ...] = (AccessArea,)
