"""The API of the node that the command runs on, as root@pam, with the lab's own authority checked."""

import http.client
import json
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from .errors import CommandFailed

PVE = Path("/etc/pve")
AUTHORITY = PVE / "pve-root-ca.pem"
SESSION = PVE / "priv/lab-session.json"
PORT = 8006
TIMEOUT_SECONDS = 60
LOOK_SECONDS = 0.1
OK = 200
GOOD_END = ("OK", "WARNINGS: ")


class Api:
    """Calls to the node's API. Raises CommandFailed for whatever is not answered well."""

    def __init__(self) -> None:
        self.node = socket.gethostname()
        try:
            session = json.loads(SESSION.read_text(encoding="utf-8"))
        except PermissionError as refused:
            raise CommandFailed("please run as root", 1) from refused
        except (OSError, ValueError) as problem:
            raise CommandFailed(f"the lab has not opened its API to {self.node} yet: {problem}") from problem
        self._headers = {
            "Cookie": "PVEAuthCookie=" + quote(session["ticket"], safe=""),
            "CSRFPreventionToken": session["csrf"],
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def get(self, path: str, **values: Any) -> Any:
        """The data of a GET."""
        return self.call("GET", path, values)

    def call(self, method: str, path: str, values: dict[str, Any]) -> Any:
        """The data of an answer; `path` is one of the API's, `{node}` in it is this node."""
        form = urlencode(values, doseq=True)
        asks = method in ("GET", "DELETE")  # their parameters are no body
        target = "/api2/json" + quote(path.replace("{node}", self.node), safe="/:@!,=+")
        target += "?" + form if asks and form else ""
        try:
            answer, body = self._exchange(method, target, None if asks else form)
        except (OSError, http.client.HTTPException) as problem:
            raise CommandFailed(f"the API of {self.node} does not answer: {problem}") from problem
        if answer.status != OK:
            raise CommandFailed(_refusal(answer, body))
        return json.loads(body)["data"]

    def _exchange(self, method: str, target: str, form: str | None) -> tuple[http.client.HTTPResponse, bytes]:
        context = ssl.create_default_context(cafile=str(AUTHORITY))
        line = http.client.HTTPSConnection(self.node, PORT, timeout=TIMEOUT_SECONDS, context=context)
        try:
            line.request(method, target, body=form, headers=self._headers)
            answer = line.getresponse()
            return answer, answer.read()
        finally:
            line.close()

    def follow(self, upid: str) -> None:
        """Print the log of a task as it grows, until it ends. Raises CommandFailed when it fails."""
        task = f"/nodes/{upid.split(':')[1]}/tasks/{upid}"
        printed = 0
        while True:
            status = self.get(task + "/status")
            lines = [row["t"] for row in self.get(task + "/log", start=printed, limit=500)]
            for line in lines:
                if not line.startswith(("TASK ", "no content")):
                    sys.stdout.write(line + "\n")
            printed += len(lines)
            if status["status"] == "stopped":
                break
            time.sleep(LOOK_SECONDS)
        if not str(status["exitstatus"]).startswith(GOOD_END):
            raise CommandFailed(str(status["exitstatus"]))


def is_task(answer: Any) -> bool:
    """Whether an answer is the id of a task."""
    return isinstance(answer, str) and answer.startswith("UPID:")


def _refusal(answer: http.client.HTTPResponse, body: bytes) -> str:
    """What the API refuses with, parameter by parameter where it says so."""
    try:
        errors = json.loads(body).get("errors") or {}
    except (ValueError, AttributeError):
        errors = {}
    lines = [f"{key}: {str(text).strip()}" for key, text in errors.items()]
    return "\n".join([f"{answer.status} {answer.reason}" if lines else answer.reason, *lines])
