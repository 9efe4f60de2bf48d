"""`qm`, `pct`, `qmrestore` and `vzdump`: guests of this node (PVE/CLI/qm.pm, pct.pm)."""

import json
import sys
import time
from typing import Any

from . import show
from .api import Api
from .errors import CommandFailed
from .table import Row, Table, row
from .words import Words, in_places

EXEC_SECONDS = 30
LOOK_SECONDS = 0.2
ASKED_BY_GET = ("get-", "info", "network-")

BOTH: dict[str, Row] = {
    "clone": row("vmid newid", "POST ./clone"),
    "config": row("vmid", "GET ./config", show.config),
    "delsnapshot": row("vmid snapname", "DELETE ./snapshot/{snapname}"),
    "destroy": row("vmid", "DELETE ."),
    "listsnapshot": row("vmid", "GET ./snapshot", show.snapshots),
    "migrate": row("vmid target", "POST ./migrate"),
    "pending": row("vmid", "GET ./pending", show.pending),
    "reboot": row("vmid", "POST ./status/reboot"),
    "resize": row("vmid disk size", "PUT ./resize"),
    "resume": row("vmid", "POST ./status/resume"),
    "rollback": row("vmid snapname", "POST ./snapshot/{snapname}/rollback"),
    "shutdown": row("vmid", "POST ./status/shutdown"),
    "snapshot": row("vmid snapname", "POST ./snapshot"),
    "start": row("vmid", "POST ./status/start"),
    "status": row("vmid", "GET ./status/current", show.status),
    "stop": row("vmid", "POST ./status/stop"),
    "suspend": row("vmid", "POST ./status/suspend"),
    "template": row("vmid", "POST ./template"),
    "unlock": row("vmid", "PUT ./config", delete="lock", skiplock=1),
}
QM_ROWS: dict[str, Row] = {
    **BOTH,
    "create": row("vmid", "POST /nodes/{node}/qemu"),
    "disk move": row("vmid disk [storage]", "POST ./move_disk"),
    "disk resize": row("vmid disk size", "PUT ./resize"),
    "list": row("", "GET /nodes/{node}/qemu", show.vms),
    "move-disk": row("vmid disk [storage]", "POST ./move_disk"),
    "reset": row("vmid", "POST ./status/reset"),
}
PCT_ROWS: dict[str, Row] = {
    **BOTH,
    "create": row("vmid ostemplate", "POST /nodes/{node}/lxc"),
    "list": row("", "GET /nodes/{node}/lxc", show.containers),
    "restore": row("vmid ostemplate", "POST /nodes/{node}/lxc", restore=1),
}
SSH = "log in to the guest with ssh, or ask its agent"
NO_FIRMWARE = "its VMs are system containers without QEMU"


def _set(base: str, kind: str) -> Any:
    """`set`: say what is changed, as Proxmox VE does, and change it."""

    def act(api: Api, words: Words) -> None:
        said = in_places(words, ("vmid",), f"{kind} set <vmid> [OPTIONS]")
        if not words.options:
            raise CommandFailed("no options specified")
        if kind == "qm":
            told = " ".join(f"-{key} {value}" for key, value in words.options.items())
            sys.stdout.write(f"update VM {said['vmid']}: {told}\n")
        api.call("PUT", base.replace("{vmid}", said["vmid"]) + "/config", words.options)

    return act


def _agent(api: Api, words: Words) -> None:
    """`qm guest cmd`: one question to the agent, its answer as JSON."""
    said = in_places(words, ("vmid", "command"), "qm guest cmd <vmid> <command>")
    method = "GET" if said["command"].startswith(ASKED_BY_GET) else "POST"
    answer = api.call(method, f"/nodes/{{node}}/qemu/{said['vmid']}/agent/{said['command']}", {})
    _print_json(answer.get("result", answer) if isinstance(answer, dict) else answer)


def _exec(api: Api, words: Words) -> None:
    """`qm guest exec`: run a command inside and wait for its end, 30 seconds unless told otherwise."""
    usage = "qm guest exec <vmid> -- <command> [ARGS]"
    places = (*words.places, *words.rest)
    if len(places) < 2:  # noqa: PLR2004  # a guest and a command
        raise CommandFailed(f"not enough arguments\n{usage}", 2)
    agent = f"/nodes/{{node}}/qemu/{places[0]}/agent"
    sent: dict[str, Any] = {"command": list(places[1:])}
    if words.options.get("pass-stdin") == "1":
        sent["input-data"] = sys.stdin.read()
    pid = api.call("POST", agent + "/exec", sent)["pid"]
    seconds = float(words.options.get("timeout", EXEC_SECONDS))
    if words.options.get("synchronous") == "0" or seconds == 0:
        _print_json({"pid": pid})
        return
    deadline = time.monotonic() + seconds
    while True:
        answer = api.get(agent + "/exec-status", pid=pid)
        if answer["exited"]:
            _print_json(answer)
            return
        if time.monotonic() > deadline:
            sys.stderr.write("timeout reached, returning pid\n")
            _print_json({"pid": pid})
            return
        time.sleep(LOOK_SECONDS)


def _exec_status(api: Api, words: Words) -> None:
    said = in_places(words, ("vmid", "pid"), "qm guest exec-status <vmid> <pid>")
    _print_json(api.get(f"/nodes/{{node}}/qemu/{said['vmid']}/agent/exec-status", pid=said["pid"]))


def _print_json(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer, indent=3, sort_keys=True) + "\n")


VM_BASE, CT_BASE = "/nodes/{node}/qemu/{vmid}", "/nodes/{node}/lxc/{vmid}"
QM = Table(
    "qm",
    QM_ROWS,
    {
        "set": _set(VM_BASE, "qm"),
        "agent": _agent,
        "guest cmd": _agent,
        "guest exec": _exec,
        "guest exec-status": _exec_status,
    },
    {
        "monitor": NO_FIRMWARE,
        "sendkey": NO_FIRMWARE,
        "showcmd": NO_FIRMWARE,
        "terminal": SSH,
        "importdisk": "name the image in `qm create` or `qm set`: --scsi0 STORAGE:0,import-from=VOLUME",
    },
    VM_BASE,
)
PCT = Table(
    "pct",
    PCT_ROWS,
    {"set": _set(CT_BASE, "pct")},
    {
        **dict.fromkeys(("enter", "exec", "console", "push", "pull"), SSH),
        "move-volume": "its volumes stay on the storage that they were made on",
    },
    CT_BASE,
)


def vzdump(words: Words) -> None:
    """Back guests up: `vzdump 112 113 --storage nas`."""
    api = Api()
    named = {"vmid": ",".join(words.places)} if words.places else {}
    api.follow(api.call("POST", "/nodes/{node}/vzdump", {**words.options, **named}))


def qmrestore(words: Words) -> None:
    """Make a VM of a backup: `qmrestore VOLUME 112`."""
    said = in_places(words, ("archive", "vmid"), "qmrestore <archive> <vmid> [OPTIONS]")
    api = Api()
    api.follow(api.call("POST", "/nodes/{node}/qemu", {**words.options, **said}))
