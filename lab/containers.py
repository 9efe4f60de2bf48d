"""Where fakepve's containers behave otherwise than Proxmox VE's do (API2/LXC.pm, LXC/Config.pm)."""

from typing import Any

from fakepve import FakePve


class Containers(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """Containers without quorum, and under HA."""

    async def _lxc_create(self, user: str, values: dict[str, Any]) -> Any:
        self.ground.begins_as(str(values["vmid"]), values["ostemplate"])
        return await super()._lxc_create(user, values)

    async def _lxc_clone(self, user: str, values: dict[str, Any]) -> Any:
        snapshot = values.get("snapname")
        source = f"{values['vmid']}@{snapshot}" if snapshot else str(values["vmid"])
        self.ground.begins_as(str(values["newid"]), source)
        return await super()._lxc_clone(user, values)

    async def _lxc_config_put(self, user: str, values: dict[str, Any]) -> Any:
        self._check_writable(self._find_ct(values["node"], values["vmid"]))
        return await super()._lxc_config_put(user, values)

    async def _lxc_migrate(self, user: str, values: dict[str, Any]) -> Any:
        """A container that HA manages is moved by HA, when and if it wants to."""
        ct = self.ct(int(values["vmid"]))
        target = values["target"]
        if ct and ct.ha_managed and ct.node == values["node"] != target and target in self.nodes:
            self.need_quorum()
            return await self._ask_ha(ct, target, user)
        return await super()._lxc_migrate(user, values)
