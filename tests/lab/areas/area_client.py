"""A cluster of three empty nodes with two directories, and clients of it that say how a call ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from lab.running import RunningLab
from lab.spec import SiteSpec

TIMEOUT = 30
NAME = "real"
NODES = ("pve1", "pve2", "pve3")
CONTENT = "images,rootdir,backup,iso"
STORAGES = {
    "local": {"type": "dir", "path": "/var/lib/vz", "content": CONTENT},
    "other": {"type": "dir", "path": "/srv/other", "content": CONTENT},
}
PATIENCE_SECONDS = 60


def site_spec(pve_major: int) -> SiteSpec:
    return SiteSpec(name=NAME, cluster=NAME, nodes=NODES, pve_major=pve_major, storages=STORAGES)


@dataclass(frozen=True)
class Answer:
    """What came back: `reason` is Proxmox's message, `errors` its complaints by parameter."""

    status: int
    reason: str
    body: dict[str, Any]

    @property
    def data(self):
        return self.body.get("data")

    @property
    def message(self):
        return self.body.get("message", "")

    @property
    def errors(self):
        return self.body.get("errors", {})


class Client:
    """Requests with the credentials of one user."""

    def __init__(self, url: str, ca: str, **headers: str) -> None:
        self.url, self.ca, self.session = url, ca, requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers)

    def __call__(self, method: str, path: str, /, **params: Any) -> Answer:
        sent = {key.replace("_", "-") if key in DASHED else key: value for key, value in params.items()}
        where = "params" if method in ("GET", "DELETE") else "data"
        got = self.session.request(
            method, f"{self.url}/api2/json{path}", verify=self.ca, timeout=TIMEOUT, **{where: sent}
        )
        return Answer(got.status_code, got.reason, got.json() if got.content else {})

    def get(self, path: str, /, **params: Any) -> Any:
        """The data of a GET that must succeed."""
        answer = self("GET", path, **params)
        assert answer.status == 200, answer
        return answer.data

    def ok(self, method: str, path: str, /, **params: Any) -> Any:
        """The data of a call that must succeed."""
        answer = self(method, path, **params)
        assert answer.status == 200, answer
        return answer.data


DASHED = ("confirmation_password", "prune_backups", "resource_mode", "repeat_missed", "next_id", "vlan_id")


class Site:
    """A running cluster; `root` is a client with root's ticket."""

    def __init__(self, lab: RunningLab) -> None:
        self._lab, self._access = lab, lab.sites[NAME]
        self.clients: list[Client] = []
        self.root = self.login("root@pam", self._access.password)

    def login(self, user: str, password: str) -> Client:
        client = self.client()
        got = client.ok("POST", "/access/ticket", username=user, password=password)
        client.session.cookies.set("PVEAuthCookie", got["ticket"])
        client.session.headers["CSRFPreventionToken"] = got["CSRFPreventionToken"]
        return client

    def token(self, full_id: str, secret: str) -> Client:
        return self.client(Authorization=f"PVEAPIToken={full_id}={secret}")

    def client(self, **headers: str) -> Client:
        self.clients.append(Client(self._access.urls[0], self._access.cafile, **headers))
        return self.clients[-1]

    @property
    def state(self) -> Path:
        """The file with what the site remembers."""
        return self._lab.folder / NAME / "state.json"

    def add_vm(self, vmid: int, name: str, node: str, **config: Any) -> None:
        """An empty VM, stopped."""
        self.root.ok("POST", f"/nodes/{node}/qemu", vmid=vmid, name=name, **config)

    def lose_quorum(self) -> None:
        self._lab.control.fault("no-quorum", NAME)

    def lose_node(self, node: str) -> None:
        self._lab.control.fault("node-down", NAME, node=node)

    def settled(self) -> None:
        """Return when everything that runs in the background at time scale 0 has run."""
        self._lab.control.settle(NAME)

    @staticmethod
    def eventually(holds: Callable[[], bool]) -> bool:
        """True as soon as `holds()` is; False if it is not within a while."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def close(self) -> None:
        for client in self.clients:
            client.session.close()
