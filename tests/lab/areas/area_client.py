"""A client of the simulated API that says how a call ended."""

from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT = 10


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
