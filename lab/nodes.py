"""The cluster and its nodes as the API shows them: status, resources, version."""

from typing import Any

from aiohttp import web
from fakepve import FakePve
from fakepve.server import ok


class Nodes(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """Answers about the cluster as a whole."""

    async def _version(self, _request: web.Request) -> web.Response:
        answer: web.Response = ok(
            {"version": self.version, "release": self.release_version, "repoid": "bastide-lab"}
        )
        return answer

    def bridges(self, _node: str) -> set[str]:
        """Bridges and VNets that guests on a node can be plugged into."""
        return {"vmbr0"}
