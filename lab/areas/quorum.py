"""What fakepve keeps itself but would write without quorum: pools, storages and firewall rules."""

from typing import Any

from lab.areas.area import Area, Values

USER_CFG, STORAGE_CFG = "file-user_cfg", "file-storage_cfg"


class QuorumArea(Area):
    """Refuses writes to `/etc/pve` while the cluster has no quorum, in the words of each area."""

    async def _pool_create(self, values: Values, user: str) -> Any:
        self.need_lock(USER_CFG, "create pool failed: ")
        return await super()._pool_create(values, user)

    async def _pool_update(self, values: Values, user: str) -> Any:
        self.need_lock(USER_CFG, "update pools failed: ")
        return await super()._pool_update(values, user)

    async def _pool_delete(self, values: Values, user: str) -> Any:
        self.need_lock(USER_CFG, "delete pool failed: ")
        return await super()._pool_delete(values, user)

    async def _sc_create(self, values: Values, user: str) -> Any:
        self.need_lock(STORAGE_CFG, "create storage failed: ")
        return await super()._sc_create(values, user)

    async def _sc_update(self, values: Values, user: str) -> Any:
        self.need_lock(STORAGE_CFG, "update storage failed: ")
        return await super()._sc_update(values, user)

    async def _sc_delete(self, values: Values, user: str) -> Any:
        self.need_lock(STORAGE_CFG, "delete storage failed: ")
        return await super()._sc_delete(values, user)

    def _routes_firewall(self) -> Any:
        """Fakepve's firewall, with writes that need a lock; a node's own rules are a local file of it."""

        def guarded(path: str, handler: Any) -> Any:
            lock = _firewall_lock(path)

            async def call(values: Values, user: str) -> Any:
                self.need_lock(lock.format(**values))
                return await handler(values, user)

            return call

        return [
            (
                method,
                path,
                handler
                if method == "GET" or path.startswith("/nodes/{node}/firewall")
                else guarded(path, handler),
            )
            for method, path, handler in super()._routes_firewall()
        ]


def _firewall_lock(path: str) -> str:
    if path.startswith("/cluster"):
        return "firewall-cluster"
    return "firewall-vnet-{vnet}" if "{vnet}" in path else "firewall-vm-{vmid}"
