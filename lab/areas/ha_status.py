"""What the HA stack says of itself (pve-ha-manager, PVE/API2/HA/Status.pm)."""

import base64
import hashlib
import time

from lab.areas.area import Route, Values, without
from lab.areas.ha_crm import HaCrm

INDEX = ("current", "manager_status", "arm-ha", "disarm-ha")
RULES_SINCE = 9


class HaStatus(HaCrm):
    """Status answers; part of the HA area."""

    def ha_status_routes(self) -> list[Route]:
        """Routes of /cluster/ha/status."""
        status = "/cluster/ha/status"
        return [
            ("GET", status, self._ha_status_index),
            ("GET", f"{status}/current", self._ha_current),
            ("GET", f"{status}/manager_status", self._ha_manager_status),
            ("POST", f"{status}/arm-ha", self._ha_arm),
            ("POST", f"{status}/disarm-ha", self._ha_disarm),
        ]

    async def _ha_status_index(self, _values: Values, _user: str) -> list[dict[str, str]]:
        return [{"name": name} for name in INDEX]

    async def _ha_current(self, _values: Values, _user: str) -> list[Values]:
        self.ha_adopt()
        now = int(time.time())
        master = [self._ha_master_row(now)] if self.ha["active"] and self.ha["master"] else []
        fencing = [self._ha_fencing_row()] if self.pve_major >= RULES_SINCE else []
        agents = [self._ha_agent_row(node, now) for node in sorted(self.nodes)] if self.ha["active"] else []
        services = [self._ha_service_row(sid) for sid in sorted(self.ha["resources"]) if self.ha_guest(sid)]
        return [self._ha_quorum_row(), *master, *fencing, *agents, *services]

    def node_hastate(self, node: str) -> str | None:
        """What the resources list says of a node's HA."""
        if not self.ha["active"]:
            return None
        if node not in self.online_nodes():
            return "unknown"
        return "maintenance" if node in self.maintained_nodes() else "online"

    def _ha_here(self) -> str:
        return str(min(self.nodes))

    def _ha_quorum_row(self) -> Values:
        status = "OK" if self.quorate else f"No quorum on node '{self._ha_here()}'!"
        row = {"id": "quorum", "type": "quorum", "node": self._ha_here(), "status": status}
        return {**row, "quorate": int(self.quorate)}

    def _ha_master_row(self, now: int) -> Values:
        node = self.ha["master"]
        status = f"{node} (active, {time.ctime(now)})"
        return {"id": "master", "type": "master", "node": node, "status": status, "timestamp": now}

    def _ha_fencing_row(self) -> Values:
        state, watchdog = "standby", "CRM watchdog standby"
        if self.ha["disarmed"]:
            state, watchdog = "disarmed", "CRM watchdog released"
        elif self.ha["active"]:
            state, watchdog = "armed", "CRM watchdog active"
        node = self.ha["master"] or self._ha_here()
        row = {"id": "fencing", "type": "fencing", "node": node, "status": f"{state} ({watchdog})"}
        mode = {"resource_mode": self.ha["disarmed"]} if self.ha["disarmed"] else {}
        return {**row, "armed-state": state, **mode}

    def _ha_agent_row(self, node: str, now: int) -> Values:
        words = [self._ha_agent_state(node), time.ctime(now)]
        if self.pve_major >= RULES_SINCE:
            words.insert(1, "watchdog active" if words[0] == "active" else "watchdog standby")
        status = f"{node} ({', '.join(words)})"
        return {"id": f"lrm:{node}", "type": "lrm", "node": node, "status": status, "timestamp": now}

    def _ha_agent_state(self, node: str) -> str:
        if node not in self.online_nodes():
            return "old timestamp - dead?"
        if node in self.maintained_nodes():
            return "maintenance mode"
        guests = [self.ha_guest(sid) for sid in self.ha["resources"]]
        return "active" if any(guest and guest.node == node for guest in guests) else "idle"

    def _ha_service_row(self, sid: str) -> Values:
        resource, guest = self.ha["resources"][sid], self.ha_guest(sid)
        wanted = resource.get("state", "started")
        crm = "ignored" if wanted == "ignored" else self.ha["services"].get(sid, {}).get("state", "queued")
        state = "starting" if crm == "started" and guest.status != "running" else crm
        defaults = {"max_relocate": 1, "max_restart": 1}
        if self.pve_major >= RULES_SINCE:
            defaults["failback"] = 1
        row = {
            **defaults,
            **without(resource, "state"),
            "id": f"service:{sid}",
            "type": "service",
            "sid": sid,
            "node": guest.node,
            "request_state": wanted,
            "state": state,
            "status": f"{sid} ({guest.node}, {state})",
        }
        return row if crm in ("ignored", "queued") else {**row, "crm_state": crm}

    async def _ha_manager_status(self, _values: Values, _user: str) -> Values:
        self.ha_adopt()
        now = int(time.time())
        quorum = {"node": self._ha_here(), "quorate": "1" if self.quorate else "0"}
        if not self.ha["active"]:
            return {"lrm_status": {}, "manager_status": {}, "quorum": quorum}
        managed = [sid for sid in sorted(self.ha["services"]) if self._ha_is_managed(sid)]
        services = {sid: self._ha_service_view(sid) for sid in managed}
        agents = {node: self._ha_agent_view(node, services, now) for node in sorted(self.nodes)}
        crm = {
            "master_node": self.ha["master"],
            "node_status": {node: self.node_hastate(node) for node in self.nodes},
            "service_status": services,
            "timestamp": now,
        }
        return {"lrm_status": agents, "manager_status": crm, "quorum": quorum}

    def _ha_is_managed(self, sid: str) -> bool:
        resource = self.ha["resources"].get(sid)
        return bool(resource and resource.get("state") != "ignored" and self.ha_guest(sid))

    def _ha_agent_view(self, node: str, services: Values, now: int) -> Values:
        results = {
            view["uid"]: {"sid": sid, "state": view["state"], "exit_code": 0}
            for sid, view in services.items()
            if view["node"] == node
        }
        state = "active" if self._ha_agent_state(node) == "active" else "wait_for_agent_lock"
        mode = "maintenance" if node in self.maintained_nodes() else "active"
        return {"mode": mode, "state": state, "timestamp": now, "results": results}

    def _ha_service_view(self, sid: str) -> Values:
        state = self.ha["services"][sid]["state"]
        uid = base64.b64encode(hashlib.md5(f"{sid} {state}".encode(), usedforsecurity=False).digest())
        return {"node": self.ha_guest(sid).node, "state": state, "uid": uid.decode().rstrip("=")}

    async def _ha_arm(self, _values: Values, _user: str) -> None:
        with self.locked("domain-ha"):
            self.ha["disarmed"] = None
            self.ha_wake()

    async def _ha_disarm(self, values: Values, _user: str) -> None:
        with self.locked("domain-ha"):
            self.ha["disarmed"] = values["resource-mode"]

    def ha_adopt(self) -> None:
        """Make a resource of every guest that fakepve created with `ha-managed`."""
        for guest in [*self.vms, *self.cts]:
            sid = self.ha_sid(guest)
            if guest.ha_managed and sid not in self.ha["resources"]:
                self.ha["resources"][sid] = {"state": guest.ha_state}
                self.ha_wake()
