"""High availability: resources, rules (groups before release 9) and their status.

Follows pve-ha-manager, PVE/API2/HA/*.pm.
"""

import re
from typing import Any, ClassVar

from fakepve.model import PveError
from fakepve.routing import check_digest, die, param_error, split_list

from lab.areas.area import NOT_IN_SCHEMA, Route, Values, delete_options, digest_of, without
from lab.areas.ha_groups import HaGroups
from lab.areas.ha_placement import node_choices
from lab.areas.ha_rules import NODE, members, print_nodes, problems_of
from lab.areas.ha_status import RULES_SINCE

LOCK = "domain-ha"
NEW_CALLS = ("/cluster/ha/rules", "/cluster/ha/status/arm-ha", "/cluster/ha/status/disarm-ha")
NEW_OPTIONS = ("auto-rebalance", "failback", "purge")
LOGS = {"started": "start", "stopped": "stop"}


class HaArea(HaGroups):
    """HA resources and rules, and a manager that acts on them."""

    persists: ClassVar[tuple[str, ...]] = ("ha",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ha: Values = {
            "resources": {},
            "rules": [],
            "groups": {},
            "services": {},
            "active": False,
            "master": None,
            "disarmed": None,
            "fenced": [],
        }

    def _routes_ha(self) -> list[Route]:
        resources, rules = "/cluster/ha/resources", "/cluster/ha/rules"
        resource, rule = f"{resources}/{{sid}}", f"{rules}/{{rule}}"
        own: list[Route] = [
            ("GET", resources, self._ha_resource_list),
            ("POST", resources, self._ha_resource_create),
            ("GET", resource, self._ha_resource_read),
            ("PUT", resource, self._ha_resource_update),
            ("DELETE", resource, self._ha_resource_delete),
            ("POST", f"{resource}/migrate", self._ha_resource_migrate),
            ("POST", f"{resource}/relocate", self._ha_resource_migrate),
            ("GET", rules, self._ha_rule_list),
            ("POST", rules, self._ha_rule_create),
            ("GET", rule, self._ha_rule_read),
            ("PUT", rule, self._ha_rule_update),
            ("DELETE", rule, self._ha_rule_delete),
        ]
        return [*own, *self.ha_group_routes(), *self.ha_status_routes()]

    def _admit(self, call: Any) -> None:
        """Before release 9 there were no rules, no arming, and fewer options of a resource."""
        if self.pve_major < RULES_SINCE and call.template:
            if call.template.startswith(NEW_CALLS):
                raise PveError(501, f"Method '{call.method} {call.template}' not implemented")
            super()._admit(call)
            if call.template.startswith("/cluster/ha/resources"):
                call.problems.update({name: NOT_IN_SCHEMA for name in NEW_OPTIONS if name in call.raw})
            return
        super()._admit(call)

    # ---------------------------------------------------------------- resources

    def _ha_sid_of(self, text: str) -> str:
        """The resource id of what a caller said: an id, or a guest's number."""
        if not re.fullmatch(r"((vm|ct):)?\d+", text):
            raise param_error(sid="invalid format - value does not look like a valid ha resource id\n")
        if not text.isdigit():
            return text
        guest = self.guest(int(text))
        if guest is None:
            raise die(f"unable to detect SID from VMID - VM/CT {text} does not exist")
        return self.ha_sid(guest)

    def _ha_shown_resources(self) -> dict[str, Values]:
        digest = digest_of(self.ha["resources"])
        return {
            sid: {"sid": sid, "type": sid.partition(":")[0], "digest": digest, **resource}
            for sid, resource in sorted(self.ha["resources"].items())
        }

    def _ha_shown_resource(self, sid: str) -> Values:
        resource = self._ha_shown_resources().get(sid)
        if resource is None:
            raise die(f"no such resource '{sid}'")
        return resource

    async def _ha_resource_list(self, values: Values, _user: str) -> list[Values]:
        self.ha_adopt()
        shown = self._ha_shown_resources().values()
        return [row for row in shown if values.get("type") in (None, row["type"])]

    async def _ha_resource_read(self, values: Values, _user: str) -> Values:
        self.ha_adopt()
        return self._ha_shown_resource(self._ha_sid_of(values["sid"]))

    async def _ha_resource_create(self, values: Values, _user: str) -> None:
        self.ha_adopt()
        sid = self._ha_sid_of(values["sid"])
        if values.get("type") not in (None, sid.partition(":")[0]):
            raise die("types does not match")
        self.ha_check_group(values)
        if self.ha_guest(sid) is None:
            raise die(f"resource '{sid}' does not exist in cluster")
        with self.locked(LOCK, "create resource failed: "):
            if sid in self.ha["resources"]:
                raise die(f"resource ID '{sid}' already defined")
            self._ha_store(sid, without(values, "sid", "type"))

    def _ha_store(self, sid: str, options: Values) -> None:
        """Keep a resource and let the manager see to it."""
        if options.get("state") == "enabled":
            options = {**options, "state": "started"}
        self.ha["resources"].setdefault(sid, {}).update(options)
        self._ha_note_request(sid)
        self.ha_wake()

    def _ha_note_request(self, sid: str) -> None:
        """What the manager says of a resource until it acted."""
        service = self.ha["services"].setdefault(sid, {"state": "queued"})
        wanted = self.ha["resources"][sid].get("state", "started")
        if wanted in ("stopped", "disabled"):
            service["state"] = "request_stop"
        elif wanted == "started" and service["state"] in ("stopped", "disabled", "request_stop"):
            service["state"] = "request_start"
        self.ha_show(sid)

    async def _ha_resource_update(self, values: Values, _user: str) -> None:
        self.ha_adopt()
        sid = self._ha_sid_of(values["sid"])
        self.ha_check_group(values)
        with self.locked(LOCK, "update resources config failed: "):
            self._ha_shown_resource(sid)
            check_digest(digest_of(self.ha["resources"]), values.get("digest"))
            wanted = values.get("state")
            if wanted not in (None, "disabled") and self.ha["services"].get(sid, {}).get("state") == "error":
                raise die(f"service '{sid}' in error state, must be disabled and fixed first")
            delete_options(self.ha["resources"][sid], values.get("delete"))
            self._ha_store(sid, without(values, "sid", "digest", "delete"))

    async def _ha_resource_delete(self, values: Values, _user: str) -> None:
        self.ha_adopt()
        sid = self._ha_sid_of(values["sid"])
        if sid not in self.ha["resources"]:
            raise die(f"cannot delete service '{sid}', not HA managed!")
        with self.locked(LOCK, "delete resource failed: "):
            self._ha_forget(sid, purge=bool(values.get("purge", 1)))

    def _ha_forget(self, sid: str, *, purge: bool) -> None:
        """Take a resource out; with `purge` also out of the rules, and a rule that is left empty goes."""
        self.ha["resources"].pop(sid, None)
        self.ha["services"].pop(sid, None)
        self.ha_show(sid)
        if not purge:
            return
        for rule in self.ha["rules"]:
            rule["resources"] = ",".join(sorted(members(rule) - {sid}))
        self.ha["rules"] = [rule for rule in self.ha["rules"] if rule["resources"]]

    async def _ha_resource_migrate(self, values: Values, _user: str) -> Values | None:
        self.ha_adopt()
        sid = self._ha_sid_of(values["sid"])
        if sid not in self.ha["resources"]:
            raise die(f"resource '{sid}' is not HA managed")
        self.ha_request_move(sid, values["node"])
        return {"sid": sid, "requested-node": values["node"]} if self.pve_major >= RULES_SINCE else None

    def ha_request_move(self, sid: str, node: str) -> None:
        """Ask the manager to bring a resource to a node; it obeys where the rules allow it."""
        if self.ha["services"].get(sid, {}).get("state") == "error":
            raise die(f"service '{sid}' in error state, must be disabled and fixed first")
        self.ha["services"].setdefault(sid, {"state": "queued"})["wanted"] = node
        self.ha_wake()

    def ha_move_blocker(self, guest: Any, target: str) -> str | None:
        """Why the rules forbid the guest on the node, or None."""
        self.ha_adopt()
        allowed = node_choices(self.ha_sid(guest), self.ha_situation())[0]
        sid = self.ha_sid(guest)
        return None if target in allowed else f"cannot migrate resource '{sid}' to node '{target}'"

    async def ha_move(self, guest: Any, target: str) -> None:
        """Ask the manager to move a guest."""
        self.ha_request_move(self.ha_sid(guest), target)

    # -------------------------------------------------------------------- rules

    def _ha_shown_rules(self) -> list[Values]:
        digest = digest_of(self.ha["rules"])
        return [{**rule, "order": order, "digest": digest} for order, rule in enumerate(self.ha["rules"], 1)]

    async def _ha_rule_list(self, values: Values, _user: str) -> list[Values]:
        resource = values.get("resource")
        return [
            rule
            for rule in self._ha_shown_rules()
            if values.get("type") in (None, rule["type"]) and (resource is None or resource in members(rule))
        ]

    async def _ha_rule_read(self, values: Values, _user: str) -> Values:
        for rule in self._ha_shown_rules():
            if rule["rule"] == values["rule"]:
                return rule
        raise die(f"no such ha rule '{values['rule']}'")

    def _ha_find_rule(self, name: str) -> Values | None:
        return next((rule for rule in self.ha["rules"] if rule["rule"] == name), None)

    async def _ha_rule_create(self, values: Values, _user: str) -> None:
        with self.locked(LOCK, "create ha rule failed: "):
            if self._ha_find_rule(values["rule"]):
                raise die(f"HA rule '{values['rule']}' already defined")
            rule = self._ha_normal_rule(values)
            self._ha_check_rule(rule, [*self.ha["rules"], rule])
            self.ha["rules"].append(rule)
            self.ha_wake()

    async def _ha_rule_update(self, values: Values, _user: str) -> None:
        with self.locked(LOCK, "update ha rule failed: "):
            check_digest(digest_of(self.ha["rules"]), values.get("digest"))
            old = self._ha_find_rule(values["rule"])
            if old is None:
                raise die(f"HA rule '{values['rule']}' does not exist")
            if old["type"] != values["type"]:
                raise die("types does not match")
            kept = without(old, *split_list(values.get("delete")))
            rule = self._ha_normal_rule({**kept, **without(values, "delete", "digest")})
            rules = [rule if each is old else each for each in self.ha["rules"]]
            self._ha_check_rule(rule, rules)
            self.ha["rules"] = rules
            self.ha_wake()

    async def _ha_rule_delete(self, values: Values, _user: str) -> None:
        with self.locked(LOCK, "delete ha rule failed: "):
            self.ha["rules"] = [rule for rule in self.ha["rules"] if rule["rule"] != values["rule"]]
            self.ha_wake()

    def _ha_normal_rule(self, values: Values) -> Values:
        """A rule as the configuration file holds it: lists sorted, `disable` only where it is set."""
        rule = without(values, "digest", "order", *([] if values.get("disable") else ["disable"]))
        rule["resources"] = ",".join(sorted({self._ha_sid_of(sid) for sid in members(values)}))
        if rule["type"] == NODE:
            rule["nodes"] = print_nodes(values["nodes"])
        return rule

    def _ha_check_rule(self, rule: Values, rules: list[Values]) -> None:
        self.ha_adopt()
        unmanaged = sorted(members(rule) - self.ha["resources"].keys())
        if unmanaged:
            raise die(f"cannot use unmanaged resource(s) {', '.join(unmanaged)}.")
        named = [node.partition(":")[0] for node in split_list(rule.get("nodes"))]
        unknown = sorted(set(named) - self.nodes.keys())
        if unknown:
            raise die(f"cannot use non-existent node(s) {', '.join(unknown)}.")
        # Until the manager looked round for the first time it knows of no node.
        nodes = sorted(self.nodes) if self.ha["active"] else []
        problems = problems_of(rule["rule"], rules, nodes)
        if problems:
            raise PveError(400, f"Rule '{rule['rule']}' is invalid.", {"resources": ", ".join(problems)})

    # ------------------------------------------------------------ guests under HA

    def _ha_order(self, sid: str, state: str) -> None:
        self.ha_adopt()
        self._ha_store(sid, {"state": state})

    async def _ha_request(self, vm: Any, user: str, state: str) -> Any:
        """Starting or stopping a managed VM only asks the manager: OK is not yet started."""
        return await self._ha_ask(vm, user, state)

    async def _ct_ha(self, ct: Any, user: str, state: str, _timeout: int | None = None) -> Any:
        return await self._ha_ask(ct, user, state)

    async def _ha_ask(self, guest: Any, user: str, state: str) -> Any:
        async def ask() -> None:
            self._ha_order(self.ha_sid(guest), state)

        kind = "CT" if guest.guest.startswith("lxc") else "VM"
        log = [f"Requesting HA {LOGS[state]} for {kind} {guest.vmid}"]
        return await self.task(guest.node, f"ha{LOGS[state]}", guest.vmid, user, ask, lock=False, log=log)

    def guest_gone(self, vmid: int, *, purge: bool) -> None:
        """A guest that was purged is no HA resource any more."""
        super().guest_gone(vmid, purge=purge)
        for sid in (f"vm:{vmid}", f"ct:{vmid}"):
            if purge and sid in self.ha["resources"]:
                self._ha_forget(sid, purge=True)
