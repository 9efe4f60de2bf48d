"""`ha-manager`: what shall be highly available, where it is, and what the manager is asked to do."""

from . import show
from .api import PVE, Api
from .errors import USAGE, CommandFailed
from .table import Table, row
from .words import Words, in_places

CRM_COMMANDS = PVE / "ha/crm_commands"
RESOURCE, RULE = "/cluster/ha/resources/{sid}", "/cluster/ha/rules/{rule}"


def _maintenance(api: Api, words: Words) -> None:
    """Ask the manager by its queue, as Proxmox VE does: there is no API for it."""
    usage = "ha-manager crm-command node-maintenance enable|disable <node>"
    said = in_places(words, ("how", "node"), usage)
    if said["how"] not in ("enable", "disable"):
        raise CommandFailed(usage, USAGE)
    if said["node"] not in {one["node"] for one in api.get("/nodes")}:
        raise CommandFailed(f"node '{said['node']}' does not exist")
    _queue(api, f"{said['how']}-node-maintenance {said['node']}")


def _stop(api: Api, words: Words) -> None:
    said = in_places(words, ("sid", "timeout"), "ha-manager crm-command stop <sid> <timeout>")
    sid = api.get(RESOURCE.replace("{sid}", said["sid"]))["sid"]
    _queue(api, f"stop {sid} {said['timeout']}")


def _queue(api: Api, line: str) -> None:
    """Put a command where the manager looks for them (PVE/HA/Config.pm, queue_crm_commands)."""
    if not api.get("/cluster/status")[0]["quorate"]:
        raise CommandFailed("cluster not ready - no quorum?")
    with CRM_COMMANDS.open("a", encoding="utf-8") as queue:
        queue.write(line + "\n")


HA_MANAGER = Table(
    "ha-manager",
    {
        "add": row("sid", "POST /cluster/ha/resources"),
        "config": row("", "GET /cluster/ha/resources", show.sections),
        "crm-command migrate": row("sid node", f"POST {RESOURCE}/migrate"),
        "crm-command relocate": row("sid node", f"POST {RESOURCE}/relocate"),
        "groupadd": row("group", "POST /cluster/ha/groups"),
        "groupconfig": row("", "GET /cluster/ha/groups", show.table),
        "groupremove": row("group", "DELETE /cluster/ha/groups/{group}"),
        "migrate": row("sid node", f"POST {RESOURCE}/migrate"),
        "relocate": row("sid node", f"POST {RESOURCE}/relocate"),
        "remove": row("sid", f"DELETE {RESOURCE}"),
        "rules add": row("type rule", "POST /cluster/ha/rules"),
        "rules config": row("", "GET /cluster/ha/rules", show.table),
        "rules list": row("", "GET /cluster/ha/rules", show.table),
        "rules remove": row("rule", f"DELETE {RULE}"),
        "rules set": row("type rule", f"PUT {RULE}"),
        "set": row("sid", f"PUT {RESOURCE}"),
        "status": row("", "GET /cluster/ha/status/current", show.ha_status),
    },
    {"crm-command node-maintenance": _maintenance, "crm-command stop": _stop},
)
