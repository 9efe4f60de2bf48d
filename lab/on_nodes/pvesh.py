"""`pvesh`: any call of the API from the shell of a node (PVE/CLI/pvesh.pm)."""

import json
import sys
from typing import Any

from .api import Api, is_task
from .errors import USAGE, CommandFailed
from .show import table
from .words import in_places, read

METHODS = {"get": "GET", "create": "POST", "set": "PUT", "delete": "DELETE", "ls": "GET"}
# How the output shall look, which the API does not take.
OURS = ("output-format", "human-readable", "noborder", "noheader", "quiet")
# What the rows of a list are called by, the most telling first.
NAMES = ("subdir", "vmid", "upid", "volid", "storage", "sid", "rule", "userid", "node", "id", "name")


def pvesh(given: list[str]) -> None:
    """Make one call. A task is waited for, as on Proxmox VE."""
    usage = f"pvesh {'|'.join(METHODS)} <api_path> [OPTIONS] [--output-format json|json-pretty|text]"
    words = read(given)
    said = in_places(words, ("command", "path"), usage)
    if said["command"] not in METHODS:
        raise CommandFailed(usage, USAGE)
    form = str(words.options.get("output-format", "text"))
    sent = {key: value for key, value in words.options.items() if key not in OURS}
    api = Api()
    path = "/" + said["path"].strip("/")
    answer = api.call(METHODS[said["command"]], path if path != "/" else "", sent)
    if said["command"] == "ls":
        sys.stdout.write("".join(f"Dr---        {_name(one)}\n" for one in answer or ()))
        return
    if is_task(answer):
        api.follow(answer)
    if not words.options.get("quiet"):
        sys.stdout.write(_told(answer, form))


def _told(answer: Any, form: str) -> str:
    if form == "text":
        return table(answer)
    if form not in ("json", "json-pretty"):
        raise CommandFailed(
            "output-format: value does not have a value in the enumeration 'text, json, json-pretty'"
        )
    if answer is None:
        return ""
    return json.dumps(answer, indent=3 if form == "json-pretty" else None, sort_keys=True) + "\n"


def _name(one: Any) -> Any:
    if not isinstance(one, dict):
        return one
    return next((one[key] for key in NAMES if key in one), "")
