"""A lab while it runs: its sites with a port for each node, TLS, its state on disk, its control channel."""

import asyncio
import json
import os
import secrets
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from lab.cluster import cluster_of
from lab.control import ControlServer
from lab.errors import LabError, LabRefused
from lab.faults import NEED_MACHINES, NO_QUORUM, NODE_DOWN, SITE_DOWN, Fault
from lab.pids import start_time
from lab.pki import Authority, write_private
from lab.place import Place
from lab.seed import seed
from lab.spec import LabSpec, SiteSpec
from lab.state import Keeper

HOST = "127.0.0.1"
API_PORT = 8006
TOKEN = "root@pam!bastide"  # noqa: S105  # the token's name, not its secret
IDLE_SECONDS = 5.0
LAST_ANSWERS_SECONDS = 0.5
"""How long answers under way keep a lab up that goes down: nobody waits for them, and a slow one is slow."""
SITE_STEP = 10


@dataclass(frozen=True, slots=True)
class Listener:
    """A node's endpoint while it listens, at an address and a port."""

    where: tuple[str, int]
    site: web.BaseSite


class LabSite(Place):
    """One site: a cluster that answers at one port a node."""

    def __init__(self, spec: SiteSpec, folder: Path, ports: tuple[int, ...], time_scale: float) -> None:
        super().__init__(spec.name, folder)
        self.spec = spec
        self.cluster = cluster_of(spec, time_scale=time_scale)
        self.keeper = Keeper(folder, self.cluster)
        self.endpoints = {
            node: (spec.addresses[node], API_PORT) if node in spec.addresses else (HOST, port)
            for node, port in zip(spec.nodes, ports, strict=True)
        }
        self._listeners: dict[str, Listener] = {}
        self._runner: web.AppRunner | None = None

    async def start(self, authority: Authority) -> None:
        """Load or seed the state, make the certificate, and listen. Raises LabError for a port in use."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cluster.faults = self.faults
        self.cluster.saved = self.keeper.saved
        self.cluster.task_changed = self.keeper.note_task
        if not self.keeper.load():
            seed(self.cluster, self.spec)
            self.cluster.password = secrets.token_urlsafe(18)
            self.cluster.apitokens[TOKEN] = str(uuid.uuid4())
            self.keeper.save_all()
        self._runner = web.AppRunner(
            self.cluster._build_app(),  # noqa: SLF001  # fakepve makes its application here and nowhere else
            keepalive_timeout=IDLE_SECONDS,
            access_log=None,
            shutdown_timeout=LAST_ANSWERS_SECONDS,
        )
        await self._runner.setup()
        await super().start(authority)

    def serve_certificate(self, authority: Authority, *, expired: bool = False) -> str:
        """See Place; the cluster tells its fingerprint."""
        self.cluster.fingerprint = super().serve_certificate(authority, expired=expired)
        return str(self.cluster.fingerprint)

    def names(self) -> tuple[str, ...]:
        """The names and addresses that the site's certificate is for."""
        return (HOST, "localhost", *self.spec.nodes, *self.spec.addresses.values())

    async def _match_faults(self) -> None:
        """A dead node's endpoint refuses connections."""
        for node in self.spec.nodes:
            dead = not self.cluster.nodes[node]["online"] or bool(self.faults.standing(SITE_DOWN))
            if dead and node in self._listeners:
                await self._close(node)
            elif not dead and node not in self._listeners:
                await self._open(node)

    async def stop(self) -> None:
        """Stop listening and save."""
        await super().stop()
        await self.cluster.end_tasks()
        if self._runner:
            for listener in self._listeners.values():
                await listener.site.stop()
            self.cluster.hang_up()
            await self._runner.cleanup()
            await asyncio.sleep(0)  # aborted connections are closed in the loop's next round
        self.keeper.close()

    def check(self, fault: Fault) -> None:
        """Raise LabRefused for a fault that the site does not have what it needs for."""
        if fault.node is not None and fault.node not in self.spec.nodes:
            hint = f"Its nodes: {', '.join(self.spec.nodes)}."
            raise LabRefused(f"{self.spec.name} has no node {fault.node}", hint)
        if fault.name in NEED_MACHINES:
            hint = "Start it as root: bastide lab down && bastide lab up"
            raise LabRefused(f"{fault.name} needs the lab of real hosts; this one is its API alone", hint)

    def url(self, node: str) -> str:
        """The endpoint of a node, up or not."""
        host, port = self.endpoints[node]
        return f"https://{host}:{port}"

    def access(self) -> dict[str, Any]:
        """How a client reaches the site, secrets apart."""
        return {
            "cluster": self.spec.cluster,
            "version": self.spec.version,
            "nodes": {node: self.url(node) for node in self.spec.nodes},
            "fingerprint": self.cluster.fingerprint,
        }

    def credentials(self) -> dict[str, str]:
        """The site's administrator and its API token, secrets included."""
        secret = self.cluster.apitokens.get(TOKEN, "")
        return {"user": "root@pam", "password": self.cluster.password, "tokenid": TOKEN, "secret": secret}

    def report(self) -> dict[str, Any]:
        """What the site is like now, for `status`."""
        cluster = {
            "listening": sorted(self._listeners),
            "quorate": bool(self.cluster.quorate),
            "lost_votes": self.lost_votes(),
            "vms": len(self.cluster.vms),
            "containers": len(self.cluster.cts),
            "writes": self.cluster.write_count,
            "illegal": len(self.cluster.illegal),
        }
        return self.access() | cluster | super().report()

    def lost_votes(self) -> int:
        """How many votes of the quorum device are not there now."""
        return 0

    def count_votes(self) -> None:
        """Find out who is up and whether that is a majority, and let the cluster act on it."""
        down = {fault.node for fault in self.faults.standing(NODE_DOWN)} & set(self.cluster.nodes)
        for node, state in self.cluster.nodes.items():
            state["online"] = node not in down
        self.cluster.lost_votes = self.lost_votes()
        majority = 2 * (len(down) + self.cluster.lost_votes) < len(self.cluster.nodes) + self.spec.extra_votes
        self.cluster.quorate = majority and not self.faults.standing(NO_QUORUM)
        self.cluster.cluster_changed()

    def _faults_changed(self) -> None:
        self.count_votes()
        super()._faults_changed()

    async def _open(self, node: str) -> None:
        sock = self._bound(node)
        where = sock.getsockname()
        self.endpoints[node] = where
        self.cluster.entries[where] = node
        site = web.SockSite(self._started(), sock, ssl_context=self._tls)
        await site.start()
        self._listeners[node] = Listener(where, site)

    def _bound(self, node: str) -> socket.socket:
        """The socket of a node's endpoint, not yet listening."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        host, port = self.endpoints[node]
        try:
            sock.bind((host, port))
        except OSError as problem:
            sock.close()
            raise LabError(
                f"port {port} of {host} is in use: {node} of {self.spec.name} cannot answer",
                "Stop what listens there (ss -ltnp shows it), or give the lab other ports with --port.",
            ) from problem
        return sock

    def _started(self) -> web.AppRunner:
        if self._runner is None:
            raise LabError(f"site {self.spec.name} was not started")
        return self._runner

    async def _close(self, node: str) -> None:
        listener = self._listeners.pop(node)
        await listener.site.stop()
        server = self._started().server
        for connection in list(server.connections) if server else ():
            transport = connection.transport
            if transport and transport.get_extra_info("sockname") == listener.where:
                transport.abort()


class Lab:
    """All sites of a lab in one folder, and its control channel."""

    def __init__(self, spec: LabSpec, folder: Path) -> None:
        self.folder = folder
        kept = _kept_ports(folder)
        self.sites = {
            site.name: self.site_of(site, folder / site.name, _ports(spec, site, kept), spec.time_scale)
            for site in spec.sites
        }
        # Where faults strike: the sites, and places of machines without a cluster.
        self.places: dict[str, Place] = dict(self.sites)
        self.control = ControlServer(self)
        self.done = asyncio.Event()

    def site_of(self, spec: SiteSpec, folder: Path, ports: tuple[int, ...], time_scale: float) -> LabSite:
        """A site of the lab, not yet started."""
        return LabSite(spec, folder, ports, time_scale)

    async def start(self) -> None:
        """Bring every site up, and say in `lab.json` where everything is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority.in_directory(self.folder)
        for place in self.places.values():
            await place.start(self.authority)
        await self.control.start()
        self._write_credentials()
        where = {
            "pid": os.getpid(),
            "started": start_time(os.getpid()),
            "control": str(self.control.path),
            "cafile": str(self.authority.cafile),
            "machines": any(site.spec.addresses for site in self.sites.values()),
            "sites": {name: site.access() for name, site in self.sites.items()},
        }
        draft = self.folder / "lab.json.new"
        draft.write_text(json.dumps(where, indent=2), encoding="utf-8")
        draft.replace(self.folder / "lab.json")

    async def stop(self) -> None:
        """Take every site down; their state stays in the folder."""
        await self.control.stop()
        for place in self.places.values():
            await place.stop()

    async def run(self) -> None:
        """Stay up until somebody asks the lab to stop."""
        await self.done.wait()
        await self.stop()

    def _write_credentials(self) -> None:
        secrets_of = {name: place.credentials() for name, place in self.places.items()}
        write_private(self.folder / "credentials.json", json.dumps(secrets_of, indent=2).encode())
        for name in self.sites:
            token = "{tokenid}={secret}\n".format(**secrets_of[name])
            write_private(self.folder / f"{name}.token", token.encode())


def _kept_ports(folder: Path) -> dict[str, int]:
    """The ports of an earlier run, so that a restarted lab answers where it did: `{node: port}`."""
    try:
        where = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
        urls = {node: url for site in where["sites"].values() for node, url in site["nodes"].items()}
        return {node: int(url.rpartition(":")[2]) for node, url in urls.items()}
    except (OSError, ValueError, KeyError, AttributeError):
        return {}


def _ports(spec: LabSpec, site: SiteSpec, kept: dict[str, int]) -> tuple[int, ...]:
    if spec.port == 0:
        return tuple(kept.get(node, 0) for node in site.nodes)
    first = spec.port + SITE_STEP * spec.sites.index(site)
    return tuple(first + number for number in range(len(site.nodes)))
