"""What the HA stack does: it starts, stops and moves guests a while after their configuration changed.

On a real cluster the manager looks every ten seconds and the local agents act within five more; here one
round does it all (pve-ha-manager, PVE/HA/Manager.pm and LRM.pm).
"""

import asyncio
from functools import partial
from typing import Any

from lab.areas.ha_maintenance import HaMaintenance
from lab.areas.ha_placement import Situation, choose_node, node_choices
from lab.areas.ha_rules import NODE, Rule

RUNS = ("started", "enabled")
MIGRATION_SECONDS = 5
# A dead node loses its watchdog after 60 s; then its lock is taken from it.
FENCE_SECONDS = 60


class HaCrm(HaMaintenance):
    """The cluster resource manager: `self.ha["services"]` holds `{sid: {"state", "wanted"?}}`."""

    _ha_round_due = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._ha_turn = asyncio.Lock()

    def ha_guest(self, sid: str) -> Any:
        """The guest of a resource id such as vm:100, or None."""
        kind, _, vmid = sid.partition(":")
        return (self.vm if kind == "vm" else self.ct)(int(vmid)) if vmid.isdigit() else None

    @staticmethod
    def ha_sid(guest: Any) -> str:
        """The resource id of a guest."""
        return f"{'ct' if guest.guest.startswith('lxc') else 'vm'}:{guest.vmid}"

    def online_nodes(self) -> list[str]:
        """Nodes that are up."""
        return sorted(name for name, state in self.nodes.items() if state.get("online", True))

    def rules_in_force(self) -> list[Rule]:
        """The rules; before release 9, what the groups of the resources mean as rules."""
        rules: list[Rule] = list(self.ha["rules"])
        for name, group in self.ha["groups"].items():
            inside = [sid for sid, resource in self.ha["resources"].items() if resource.get("group") == name]
            if inside:
                strict = group.get("restricted", 0)
                rules.append(
                    {"type": NODE, "resources": ",".join(inside), "nodes": group["nodes"], "strict": strict}
                )
        return rules

    def ha_wake(self) -> None:
        """Let the manager look at the cluster after its delay; call it when something changed."""
        if not self.ha["resources"] or self._ha_round_due:
            return
        self._ha_round_due = True
        self.later(self.ha_delay, self._ha_round)

    def cluster_changed(self) -> None:
        """A node that stays dead is fenced after a while, and its guests are recovered elsewhere."""
        super().cluster_changed()
        dead = set(self.nodes) - set(self.online_nodes())
        self.ha["fenced"] = sorted(dead & set(self.ha["fenced"]))
        if dead and self.ha["resources"]:
            self.later(FENCE_SECONDS, partial(self._ha_fence, dead))
        self.ha_wake()

    async def _ha_fence(self, suspects: set[str]) -> None:
        dead = suspects - set(self.online_nodes())
        self.ha["fenced"] = sorted(dead | set(self.ha["fenced"]))
        self.ha_wake()

    async def _ha_round(self) -> None:
        async with self._ha_turn:  # one round ends before the next looks: a guest that starts cannot move
            self._ha_round_due = False
            await self._ha_look()

    async def _ha_look(self) -> None:
        if not self.quorate or self.ha["disarmed"]:
            return
        self.ha["active"] = True
        self.ha["master"] = (
            self.ha["master"] if self._ha_is_online(self.ha["master"]) else self._ha_new_master()
        )
        seen = self.ha_situation()
        for sid in sorted(seen.homes):
            if sid in self.ha["resources"] and self.ha_guest(sid) and await self._ha_care(sid, seen):
                seen = self.ha_situation()

    def _ha_is_online(self, node: str | None) -> bool:
        return node in self.online_nodes()

    def _ha_new_master(self) -> str | None:
        online = self.online_nodes()
        return online[1 % len(online)] if online else None

    async def _ha_care(self, sid: str, seen: Situation) -> bool:
        """Bring one resource to the state and place that its configuration asks for; True if it moved."""
        resource, guest = self.ha["resources"][sid], self.ha_guest(sid)
        state = resource.get("state", "started")
        service = self.ha["services"].setdefault(sid, {"state": "queued"})
        if not self._ha_is_online(guest.node) and guest.node not in self.ha["fenced"]:
            return False  # it may still run there
        if state == "ignored" or service["state"] == "error":
            self.ha_show(sid)
            return False
        target = self._ha_target(sid, seen, runs=state in RUNS)
        moves = target is not None and target != guest.node
        if target and moves:
            self.ha_leaves(service, guest.node)
            await self._ha_move(sid, target)
        if state in RUNS:
            await self._ha_start(sid)
        else:
            await self._ha_stop(sid, final=state)
        return moves

    def ha_situation(self) -> Situation:
        """The rules, the nodes that are up and where the resources are."""
        guests = {sid: self.ha_guest(sid) for sid in self.ha["resources"]}
        homes = {sid: guest.node for sid, guest in guests.items() if guest}
        return Situation(rules=self.rules_in_force(), online=self.usable_nodes(), homes=homes)

    def _ha_failback(self, sid: str) -> bool:
        resource = self.ha["resources"][sid]
        group = self.ha["groups"].get(resource.get("group"), {})
        return bool(resource.get("failback", 1)) and not group.get("nofailback")

    def _ha_target(self, sid: str, seen: Situation, *, runs: bool) -> str | None:
        """The node where the resource shall be: where an operator asked for, else where the rules say."""
        service, allowed = self.ha["services"][sid], node_choices(sid, seen)[0]
        wanted = service.pop("wanted", None)
        if wanted and wanted in allowed:
            self.ha_wake()  # the next round may bring it back
            return str(wanted)
        home = self.ha_returns(service, allowed) if runs else None
        if home:
            return home
        return choose_node(sid, seen, failback=self._ha_failback(sid)) if runs else None

    async def _ha_move(self, sid: str, target: str) -> None:
        guest = self.ha_guest(sid)
        self._ha_set(sid, "migrate")
        if not self._ha_is_online(guest.node):
            # The dead node was fenced: the guest is recovered, its memory is lost.
            self._ha_off(guest)
            guest.node = target
            return
        if sid.startswith("vm:"):
            upid = await self._move(guest, target, "root@pam", {"with-local-disks": 1})
        else:
            upid = await self.migrate(guest.vmid, target, secs=MIGRATION_SECONDS)
        await self._ha_done(upid)

    def _ha_off(self, guest: Any) -> None:
        if guest.guest.startswith("qemu"):
            self.power(guest, on=False)
        else:
            guest.status, guest.pid = "stopped", None

    async def _ha_start(self, sid: str) -> None:
        guest = self.ha_guest(sid)
        self._ha_set(sid, "started")
        if guest.status == "running" or guest.template or not self._ha_is_online(guest.node):
            return
        guest.ha_state = None  # fakepve would ask the HA stack to start it
        try:
            if sid.startswith("vm:"):
                upid = await self._do_start(guest, "root@pam", {})
            else:
                upid = await self._lxc_start("root@pam", {"node": guest.node, "vmid": guest.vmid})
        finally:
            self.ha_show(sid)
        if not await self._ha_done(upid):
            self._ha_set(sid, "error")

    async def _ha_stop(self, sid: str, *, final: str) -> None:
        guest = self.ha_guest(sid)
        if guest.status == "running":
            self._ha_off(guest)
        self._ha_set(sid, final)

    async def _ha_done(self, upid: str) -> bool:
        """Wait for a task of the local agent; True if it ended well."""
        while self.tasks[upid]["status"] == "running":
            await self.pause(1)
        result = self.tasks[upid]["exitstatus"]
        return bool(result == "OK" or result.startswith("WARNINGS:"))

    def _ha_set(self, sid: str, state: str) -> None:
        if sid in self.ha["resources"]:
            self.ha["services"].setdefault(sid, {})["state"] = state
            self.ha_show(sid)

    def ha_show(self, sid: str) -> None:
        """Let the guest's `hastate` say what the manager does with it; an ignored guest is not managed."""
        guest = self.ha_guest(sid)
        resource = self.ha["resources"].get(sid)
        if guest is not None:
            ignored = resource is None or resource.get("state") == "ignored"
            guest.ha_state = None if ignored else self.ha["services"].get(sid, {}).get("state", "queued")
