"""Speaking to a lab as a client of Proxmox VE does."""

from dataclasses import dataclass
from typing import Any

import requests

from lab.running import SiteAccess


@dataclass(frozen=True)
class Api:
    """One site over HTTP, as root with the lab's token unless a session says otherwise."""

    site: SiteAccess
    session: requests.Session
    node: int = 0

    def __call__(self, method: str, path: str, /, **params: Any) -> requests.Response:
        how = {"data" if method in ("POST", "PUT") else "params": params}
        return self.session.request(method, self.site.urls[self.node] + "/api2/json" + path, **how)

    def data(self, method: str, path: str, /, **params: Any) -> Any:
        answer = self(method, path, **params)
        assert answer.ok, (answer.reason, answer.text)
        return answer.json()["data"]

    def ended(self, upid: str) -> str | None:
        """How a task ended, or None while it runs."""
        return self.data("GET", f"/nodes/{upid.split(':')[1]}/tasks/{upid}/status").get("exitstatus")


def session_for(site: SiteAccess, **headers: str) -> requests.Session:
    session = requests.Session()
    session.trust_env, session.verify = False, site.cafile
    session.headers.update(headers or site.token_header)
    return session
