"""HA groups, which release 9 turned into rules (pve-ha-manager, PVE/API2/HA/Groups.pm)."""

from fakepve.routing import check_digest, die

from lab.areas.area import Route, Values, delete_options, digest_of, without
from lab.areas.ha_status import RULES_SINCE, HaStatus

LOCK = "domain-ha"
MIGRATED = "ha groups have been migrated to rules"


class HaGroups(HaStatus):
    """Groups of release 8; release 9 answers that they are gone. Part of the HA area."""

    def ha_group_routes(self) -> list[Route]:
        """Routes of /cluster/ha/groups."""
        groups, group = "/cluster/ha/groups", "/cluster/ha/groups/{group}"
        return [
            ("GET", groups, self._ha_group_list),
            ("POST", groups, self._ha_group_create),
            ("GET", group, self._ha_group_read),
            ("PUT", group, self._ha_group_update),
            ("DELETE", group, self._ha_group_delete),
        ]

    def _ha_refuse_groups(self, verb: str) -> None:
        if self.pve_major >= RULES_SINCE:
            raise die(f"cannot {verb}: {MIGRATED}")

    def ha_check_group(self, values: Values) -> None:
        """Refuse a resource in a group that does not exist, or in any group since release 9."""
        group = values.get("group")
        if group is None:
            return
        if self.pve_major >= RULES_SINCE:
            raise die(f"invalid parameter 'group': {MIGRATED}")
        if group not in self.ha["groups"]:
            raise die(f"HA group '{group}' does not exist")

    def _ha_group(self, name: str) -> Values:
        group: Values | None = self.ha["groups"].get(name)
        if group is None:
            raise die(f"no such ha group '{name}'")
        return group

    def _ha_shown_group(self, name: str) -> Values:
        digest = digest_of(self.ha["groups"])
        return {"group": name, "type": "group", "digest": digest, **self._ha_group(name)}

    async def _ha_group_list(self, _values: Values, _user: str) -> list[Values]:
        self._ha_refuse_groups("index groups")
        return [self._ha_shown_group(name) for name in sorted(self.ha["groups"])]

    async def _ha_group_read(self, values: Values, _user: str) -> Values:
        self._ha_refuse_groups("read group")
        return self._ha_shown_group(values["group"])

    async def _ha_group_create(self, values: Values, _user: str) -> None:
        self._ha_refuse_groups("create group")
        with self.locked(LOCK, "create ha group failed: "):
            if values["group"] in self.ha["groups"]:
                raise die(f"ha group ID '{values['group']}' already defined")
            self.ha["groups"][values["group"]] = without(values, "group", "type")

    async def _ha_group_update(self, values: Values, _user: str) -> None:
        self._ha_refuse_groups("update group")
        with self.locked(LOCK, "update ha group failed: "):
            group = self._ha_group(values["group"])
            check_digest(digest_of(self.ha["groups"]), values.get("digest"))
            delete_options(group, values.get("delete"), fixed=("nodes",))
            group.update(without(values, "group", "digest", "delete"))
            self.ha_wake()

    async def _ha_group_delete(self, values: Values, _user: str) -> None:
        self._ha_refuse_groups("delete group")
        with self.locked(LOCK, "delete ha group failed: "):
            for sid, resource in sorted(self.ha["resources"].items()):
                if resource.get("group") == values["group"]:
                    raise die(f"ha group is used by service '{sid}'")
            self.ha["groups"].pop(values["group"], None)
