"""Something that runs an operating system and can be logged in to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Machine:
    """A node, a guest that is no template, the witness, or another host that keeps copies of evidence.

    `name` is unique in the estate and files the host key. `address` is an IP address, or the guest's DNS name
    where the estate leaves its address to DHCP. `site` is None for the witness and for other hosts.
    """

    name: str
    kind: Literal["node", "vm", "ct", "witness", "host"]
    site: str | None
    address: str
    user: str
