"""What the HA manager is told by its queue of commands, for which there is no API (PVE/HA/Manager.pm).

A node in maintenance runs no HA resource: they move away while it is up, and come back when it is over.
"""

from typing import Any

from lab.areas.area import Area

MAINTENANCE = "-node-maintenance"


class HaMaintenance(Area):
    """Nodes in maintenance, kept in `self.ha["maintenance"]`; each resource remembers where it came from."""

    def maintained_nodes(self) -> list[str]:
        """The nodes that are in maintenance."""
        return list(self.ha.get("maintenance", ()))

    def usable_nodes(self) -> list[str]:
        """Nodes that are up and not in maintenance."""
        return [node for node in self.online_nodes() if node not in self.maintained_nodes()]

    def ha_obey(self, command: str) -> None:
        """Do what a line of the queue says; one that says nothing is passed over, as the manager does."""
        word, _, rest = command.partition(" ")
        if word.endswith(MAINTENANCE) and rest in self.nodes:
            there = set(self.maintained_nodes())
            enabled = word == "enable" + MAINTENANCE
            self.ha["maintenance"] = sorted(there | {rest} if enabled else there - {rest})
        sid = rest.partition(" ")[0]
        if word == "stop" and sid in self.ha["resources"]:
            self._ha_order(sid, "stopped")
        self.ha_wake()

    def ha_leaves(self, service: dict[str, Any], node: str) -> None:
        """Remember where a resource was when its node's maintenance moved it."""
        if node in self.maintained_nodes():
            service.setdefault("maintenance_node", node)

    def ha_returns(self, service: dict[str, Any], allowed: frozenset[str]) -> str | None:
        """The node that a resource comes back to once the node's maintenance is over; else None."""
        home = service.get("maintenance_node")
        if home not in allowed:
            return None
        del service["maintenance_node"]
        return str(home)
