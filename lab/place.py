"""A place of the lab, where faults strike: the board of them, and the care that the place is as they say."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

from lab.faults import Fault, FaultBoard
from lab.pki import Authority, fingerprint


class Place:
    """Something with a name, faults and a certificate; `folder` keeps what is its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.faults = FaultBoard(self._faults_changed)
        self._refreshing: set[asyncio.Task[None]] = set()
        self._one_refresh = asyncio.Lock()
        self._tls: ssl.SSLContext | None = None

    async def start(self, authority: Authority) -> None:
        """Make a certificate and whatever the faults say."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.serve_certificate(authority)
        await self.refresh()

    async def stop(self) -> None:
        """Care no more for what the faults say."""
        for task in self._refreshing:
            task.cancel()

    def serve_certificate(self, authority: Authority, *, expired: bool = False) -> str:
        """Make and serve a certificate for all names of the place; its fingerprint."""
        certfile, keyfile = authority.issue(self.folder, "server", self.names(), expired=expired)
        if self._tls is None:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certfile, keyfile)
        return fingerprint(certfile)

    def names(self) -> tuple[str, ...]:
        """The names and addresses that the place's certificate is for."""
        return ()

    def check(self, fault: Fault) -> None:
        """Raise LabRefused for a fault that the place lacks what it needs for; kinds of it say more."""

    def credentials(self) -> dict[str, str]:
        """How one gets in, secrets included."""
        return {}

    def report(self) -> dict[str, Any]:
        """What the place is like now, for `status`."""
        return {"faults": [fault.as_json() for fault in self.faults.listed()]}

    async def refresh(self) -> None:
        """Make the place what its faults say."""
        async with self._one_refresh:
            await self._match_faults()

    async def recovered(self) -> None:
        """Return when all that no fault keeps down is there again."""

    @property
    def is_refreshing(self) -> bool:
        """Whether the place is being made what its faults say, and may not be it yet."""
        return self._one_refresh.locked()

    async def _match_faults(self) -> None:
        """Do what `refresh` promises; one at a time."""

    def _faults_changed(self) -> None:
        task = asyncio.ensure_future(self.refresh())
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)
