"""A place of machines without a cluster: power and faults, and no API. Here stands the witness.

A cluster of two nodes keeps its quorum without one of them because the witness votes too (corosync-qdevice).
"""

import asyncio
import logging
import secrets
from pathlib import Path
from typing import Any

from lab.errors import LabRefused
from lab.faults import LINK_CUT, NEED_MACHINES, NODE_DOWN, SITE_DOWN, Fault
from lab.hosts.machines import Plant
from lab.hosts.premises import FENCE_USER, Premises
from lab.hosts.topology import WITNESS, Site
from lab.pki import Authority
from lab.place import Place
from lab.server import LabSite

SWEEP_SECONDS = 1.0
STRIKES = (NODE_DOWN, SITE_DOWN, *NEED_MACHINES)


class Outpost(Place):
    """The machines of a site that has no cluster. Its `voters` count again whenever its faults change."""

    def __init__(self, plant: Plant, site: Site, folder: Path) -> None:
        super().__init__(site.name, folder)
        self.site = site
        self.voters: list[LabSite] = []
        self.premises = Premises(plant, site, self)
        self._password = secrets.token_urlsafe(18)
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, authority: Authority) -> None:
        """Hand out the power switches, and see who goes down."""
        await super().start(authority)
        await self.premises.start(self._password, self._tls)
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop looking after the machines."""
        if self._sweeper:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self.premises.stop()
        await super().stop()

    def names(self) -> tuple[str, ...]:
        """The addresses of the power switches."""
        return self.premises.names()

    def credentials(self) -> dict[str, str]:
        """Who may press the power switches."""
        return {"user": FENCE_USER, "password": self._password}

    def report(self) -> dict[str, Any]:
        """The machines and the faults."""
        return super().report() | self.premises.report()

    def check(self, fault: Fault) -> None:
        """Raise LabRefused for a fault of something that is not here: an API, a guest, a host."""
        if fault.name not in STRIKES:
            raise LabRefused(
                f"{self.name} has no cluster for {fault.name}", f"Known here: {', '.join(STRIKES)}."
            )
        self.premises.check(fault)

    def keeps_vote_from(self, voter: Place) -> bool:
        """Whether a cluster is without the witness's vote: no power here, or a cut link at either end."""
        witnesses = {one.name for one in self.site.hosts if one.role == WITNESS}
        down = {fault.node for fault in self.faults.standing(NODE_DOWN)} & witnesses
        cut = any(
            fault.match in (None, other)
            for end, other in ((self, voter.name), (voter, self.name))
            for fault in end.faults.standing(LINK_CUT)
        )
        return bool(down) or cut or bool(self.faults.standing(SITE_DOWN))

    def _faults_changed(self) -> None:
        super()._faults_changed()
        for voter in self.voters:
            voter.count_votes()

    async def _match_faults(self) -> None:
        await self.premises.match_power()
        await self.premises.match_faults()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self.premises.notice_dead()
            except Exception:  # what is odd now may be well a second later
                logging.getLogger("lab").exception("looking after the machines of %s failed", self.name)
