"""What the API tells of tasks: status, log and lists (API2/Tasks.pm)."""

import asyncio
import re
from typing import Any

from aiohttp import web
from fakepve import FakePve
from fakepve.routing import die, param_error, split_list
from fakepve.server import USER

UPID = re.compile(r"UPID:[^:\s]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[^:\s]+:[^:\s]*:[^:\s]+:")


class TaskAnswers(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """The routes of tasks."""

    def _task_view(self, task: dict[str, Any], listing: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  # fakepve's signature
        view = {key: value for key, value in task.items() if key != "log"}
        view["user"], _, token = task["user"].partition("!")
        if token:
            view["tokenid"] = token
        if listing:
            view["status"] = view.pop("exitstatus", "")
            return view if view["status"] else {key: value for key, value in view.items() if key != "status"}
        view.pop("endtime", None)
        return view

    def _get_task(self, request: web.Request) -> dict[str, Any]:
        upid, node = request.match_info["upid"], request.match_info["node"]
        if not UPID.fullmatch(upid):
            raise param_error(upid="unable to parse worker upid")
        task = self.tasks.get(upid)
        if task is None or task["node"] != node:
            raise param_error(upid="no such task")
        user = str(request[USER])
        if not self._task_owner(user, task):
            self.require(user, "/nodes/" + node, "Sys.Audit")
        return dict(task)

    async def _task_log(self, request: web.Request) -> web.StreamResponse:
        values = self._verify(request, None)
        lines = self._get_task(request)["log"]
        start, limit = values.get("start", 0), values.get("limit", 50)
        shown = [{"n": n, "t": text} for n, text in enumerate(lines, 1)][start:]
        return web.json_response({"data": shown[:limit] if limit else shown, "total": len(lines)})

    async def _task_list(self, request: web.Request) -> web.StreamResponse:
        values = self._verify(request, None)
        user = str(request[USER])
        audit = self.allowed(user, "/nodes/" + values["node"], "Sys.Audit")
        found = [
            self._task_view(task, True)
            for task in reversed(self.tasklog)
            if task["node"] == values["node"]
            and (audit or self._task_owner(user, task))
            and _is_wanted(task, values)
        ]
        start, limit = values.get("start", 0), values.get("limit", 50)
        return web.json_response({"data": found[start : start + limit], "total": len(found)})

    def _routes_lab_tasks(self) -> list[tuple[str, str, Any]]:
        return [
            ("GET", "/cluster/tasks", self._cluster_tasks),
            ("DELETE", "/nodes/{node}/tasks/{upid}", self._task_stop),
        ]

    async def _cluster_tasks(self, _values: Any, user: str) -> list[dict[str, Any]]:
        mine = [task for task in self.tasklog[-100:] if self._may_see(user, task)]
        views = []
        for task in reversed(mine):
            view = self._task_view(task, True)
            saved = {"saved": "1"} if "endtime" in view else {}
            views.append({key: value for key, value in view.items() if key not in ("pid", "pstart")} | saved)
        return views

    def _may_see(self, user: str, task: dict[str, Any]) -> bool:
        seen = self._task_owner(user, task) or self.allowed(user, "/nodes/" + task["node"], "Sys.Audit")
        return bool(seen)

    async def _task_stop(self, values: dict[str, Any], user: str) -> None:
        task = self.tasks.get(values["upid"])
        if task is None:
            raise die("no such task")
        if not self._task_owner(user, task):
            self.require(user, "/nodes/" + values["node"], "Sys.Modify")
        job = self._running.get(values["upid"])
        if job:
            job.cancel()
            await asyncio.wait([job])


def _is_wanted(task: dict[str, Any], values: dict[str, Any]) -> bool:
    """Whether a task passes the filters of the task list (API2/Tasks.pm)."""
    source = values.get("source", "archive")
    running = task["status"] == "running"
    status = task.get("exitstatus", "")
    return (
        (source == "all" or running == (source == "active"))
        and str(values.get("vmid", task["id"])) == task["id"]
        and values.get("typefilter", task["type"]) == task["type"]
        and task["starttime"] >= values.get("since", 0)
        and task["starttime"] <= values.get("until", task["starttime"])
        and not (values.get("errors") and status == "OK")
        and values.get("userfilter", "") in task["user"]
        and (not values.get("statusfilter") or _kind(status) in split_list(values["statusfilter"]))
    )


def _kind(status: str) -> str:
    if status == "OK":
        return "ok"
    return "warning" if status.startswith("WARNINGS: ") else "error"
