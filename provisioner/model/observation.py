"""What was seen of a site, and what could not be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from provisioner.model.objects import Observed, Ref

EVERY = "*"
"""The id of a `Ref` that stands for all objects of a kind; as its kind too, for all of a site."""


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node of a cluster; `memory_bytes` and `cores` are 0 while it is offline."""

    name: str
    online: bool
    memory_bytes: int = 0
    cores: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """One site at one moment (aware UTC). What could not be read is in `unknown`, with the reason."""

    site: str
    at: datetime
    version: str = ""
    quorate: bool = False
    nodes: tuple[NodeSeen, ...] = ()
    objects: Mapping[Ref, Observed] = field(default_factory=dict)
    unknown: Mapping[Ref, str] = field(default_factory=dict)

    @property
    def major(self) -> int:
        """The major version of Proxmox VE, 0 if it was not seen."""
        return int(self.version.split(".")[0]) if self.version else 0

    def why_unknown(self, ref: Ref) -> str | None:
        """Why an object could not be observed, alone, with its kind or with its site; None if it could."""
        wider = (ref, Ref(ref.site, ref.kind, EVERY), Ref(ref.site, EVERY, EVERY))
        return next((self.unknown[one] for one in wider if one in self.unknown), None)
