"""The guest agent's answers, given by the machine itself: what QEMU's agent would say from inside."""

import itertools
import json
import subprocess
import threading
from collections.abc import Mapping
from typing import Any

from lab.hosts import host

FREEZES = ("fsfreeze-freeze", "fsfreeze-thaw", "fsfreeze-status")


class AgentSilent(Exception):
    """The agent does not answer: the machine is not running."""


class Agent:
    """The agents of a site's machines. Methods block."""

    def __init__(self) -> None:
        self._pids = itertools.count(1000)
        self._ended: dict[tuple[str, int], subprocess.CompletedProcess[str] | None] = {}

    def answer(self, machine: str, command: str, values: Mapping[str, Any]) -> Any:
        """The answer to a command, as the API wraps it; None for those that only the simulation knows.

        Raises AgentSilent when the machine is not running.
        """
        if not host.is_running(machine):
            raise AgentSilent
        if command == "exec":
            return self._start(machine, values)
        if command == "exec-status":
            return self._status(machine, int(values["pid"]))
        if command == "file-read":
            return {"content": _say(machine, "cat", "--", str(values["file"])), "truncated": False}
        if command == "file-write":
            host.enter(machine, "tee", "--", str(values["file"]), stdin=str(values["content"]))
        if command in FREEZES:
            _say(machine, "sync")  # a real freeze would stop every disk of the site: they share a file system
        known = ANSWERS.get(command)
        return {"result": known(machine)} if known else None

    def _start(self, machine: str, values: Mapping[str, Any]) -> dict[str, int]:
        pid = next(self._pids)
        self._ended[machine, pid] = None
        words = [str(word) for word in values["command"]]

        def run() -> None:
            self._ended[machine, pid] = host.enter(machine, *words, stdin=str(values.get("input-data", "")))

        threading.Thread(target=run, name=f"{machine} {pid}", daemon=True).start()
        return {"pid": pid}

    def _status(self, machine: str, pid: int) -> dict[str, Any] | None:
        if (machine, pid) not in self._ended:
            return None
        done = self._ended[machine, pid]
        if done is None:
            return {"exited": 0}
        return {"exited": 1, "exitcode": done.returncode, "out-data": done.stdout, "err-data": done.stderr}


def _say(machine: str, *command: str) -> str:
    return host.enter(machine, *command).stdout


def _ping(machine: str) -> dict[str, Any]:
    if host.enter(machine, "true").returncode:
        raise AgentSilent
    return {}


def _os(machine: str) -> dict[str, str]:
    release = dict(
        line.split("=", 1) for line in _say(machine, "cat", "/etc/os-release").splitlines() if "=" in line
    )
    told = {key: value.strip('"') for key, value in release.items()}
    return {
        "id": told.get("ID", ""),
        "name": told.get("NAME", ""),
        "version": told.get("VERSION", ""),
        "version-id": told.get("VERSION_ID", ""),
        "pretty-name": told.get("PRETTY_NAME", ""),
        "kernel-release": _say(machine, "uname", "-r").strip(),
        "machine": _say(machine, "uname", "-m").strip(),
    }


def _interfaces(machine: str) -> list[dict[str, Any]]:
    kinds = {"inet": "ipv4", "inet6": "ipv6"}
    return [
        {
            "name": card["ifname"],
            "hardware-address": card.get("address", ""),
            "ip-addresses": [
                {
                    "ip-address": one["local"],
                    "ip-address-type": kinds[one["family"]],
                    "prefix": one["prefixlen"],
                }
                for one in card["addr_info"]
            ],
        }
        for card in json.loads(_say(machine, "ip", "-j", "address") or "[]")
    ]


ANSWERS = {
    "ping": _ping,
    "get-host-name": lambda machine: {"host-name": _say(machine, "hostname").strip()},
    "get-osinfo": _os,
    "get-time": lambda machine: int(_say(machine, "date", "+%s%N") or 0),
    "network-get-interfaces": _interfaces,
}
