"""A simulated cluster of three nodes with all areas, served over HTTPS from a thread."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from area_client import TIMEOUT, Client
from fakepve.certs import make_cert

from lab.cluster import cluster_of
from lab.spec import SiteSpec

PASSWORD = "correct horse"


NODES = ("pve1", "pve2", "pve3")
LOCAL = {"type": "dir", "path": "/var/lib/vz", "content": "images,rootdir,backup,iso", "active": 1}


class Site:
    """A running cluster; `root` is a client with root's ticket."""

    def __init__(self, pki: tuple[str, str], pve_major: int) -> None:
        self.ca = pki[0]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        spec = SiteSpec(name="real", cluster="real", nodes=NODES, pve_major=pve_major)
        self.pve = cluster_of(spec, time_scale=0)
        self.pve.password, self.pve.host, self.pve.port = PASSWORD, "127.0.0.1", 0
        for name in ("local", "other"):
            self.pve.storages[name] = {**LOCAL, "files": set(), "volumes": {}}
        self.clients: list[Client] = []
        self.run(self.pve.start(*pki))
        self.root = self.login("root@pam", PASSWORD)

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(TIMEOUT)

    def login(self, user: str, password: str) -> Client:
        client = self.client()
        got = client.ok("POST", "/access/ticket", username=user, password=password)
        client.session.cookies.set("PVEAuthCookie", got["ticket"])
        client.session.headers["CSRFPreventionToken"] = got["CSRFPreventionToken"]
        return client

    def token(self, full_id: str, secret: str) -> Client:
        return self.client(Authorization=f"PVEAPIToken={full_id}={secret}")

    def client(self, **headers: str) -> Client:
        self.clients.append(Client(self.pve.url, self.ca, **headers))
        return self.clients[-1]

    def settled(self) -> None:
        """Return when everything that runs in the background at time scale 0 has run."""

        async def idle() -> None:
            while self.pve._chores:
                await asyncio.gather(*self.pve._chores)

        self.run(idle())

    @staticmethod
    def eventually(holds: Any) -> bool:
        """True as soon as `holds()` is; False if it is not within a while."""
        for _ in range(100):
            if holds():
                return True
            time.sleep(0.01)
        return False

    def stop(self) -> None:
        for client in self.clients:
            client.session.close()
        self.run(self.pve.end_tasks())
        self.run(self.pve.stop())
        self.run(asyncio.sleep(0.01))  # the transports of closed connections say goodbye
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(TIMEOUT)
        self.loop.close()


@pytest.fixture(scope="session")
def pki(tmp_path_factory) -> tuple[str, str]:
    return make_cert(str(tmp_path_factory.mktemp("pki")), hosts=("127.0.0.1",))[:2]


@pytest.fixture
def site(pki) -> Iterator[Site]:
    running = Site(pki, 9)
    yield running
    running.stop()


@pytest.fixture
def site8(pki) -> Iterator[Site]:
    running = Site(pki, 8)
    yield running
    running.stop()


@pytest.fixture
def root(site) -> Client:
    return site.root
