"""One request on its way through the lab."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from lab.faults import Event

READS = ("GET",)
LOGIN = "/access/ticket"


@dataclass(slots=True)
class Call:
    """One request on its way. `entry` is the node whose endpoint it reached, `node` the one it speaks of."""

    method: str
    path: str
    match: Any
    entry: str
    user: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    checked: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    write: int | None = None

    @property
    def template(self) -> str | None:
        """The schema's path template, or None when the schema does not know the path."""
        return self.match.template if self.match else None

    @property
    def node(self) -> str | None:
        """The node in the path."""
        return self.match.params.get("node") if self.match else None

    @property
    def is_write(self) -> bool:
        """Whether it may change the cluster; logging in does not."""
        return self.method not in READS and self.template != LOGIN

    def event(self) -> Event:
        """The call as a fault sees it."""
        vmid = str(self.match.params.get("vmid", "")) if self.match else ""
        guest = int(vmid) if vmid.isdigit() else None
        return Event(subject=f"{self.method} {self.path}", node=self.node, guest=guest, write=self.write)


CALL = web.RequestKey("call", Call)


def empty(status: int, reason: str) -> web.Response:
    """An answer of the proxy layer: nothing but the status line."""
    return web.Response(status=status, reason=reason)
