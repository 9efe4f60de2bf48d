"""Network interfaces of the nodes: changes wait until the network is reloaded.

Follows pve-manager, PVE/API2/Network.pm. The file is the node's own, so it can be written without quorum.
"""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

from fakepve.routing import die, param_error, split_list

from lab.areas import interfaces
from lab.areas.area import Area, Beside, Route, Values, without

BRIDGES = ("bridge", "OVSBridge")
CARDS = {8: ("eno1", "eno2"), 9: ("nic0", "nic1")}


class NetworkArea(Area):
    """Interfaces: `self.interfaces` is `{node: {"running": {...}, "pending": {...} or None}}`."""

    persists: ClassVar[tuple[str, ...]] = ("interfaces",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.interfaces: dict[str, Values] = {}

    def _routes_network(self) -> list[Route]:
        network, one = "/nodes/{node}/network", "/nodes/{node}/network/{iface}"
        return [
            ("GET", network, self._iface_list),
            ("POST", network, self._iface_create),
            ("PUT", network, self._iface_reload),
            ("DELETE", network, self._iface_revert),
            ("GET", one, self._iface_read),
            ("PUT", one, self._iface_update),
            ("DELETE", one, self._iface_delete),
        ]

    def _node_interfaces(self, node: str) -> Values:
        if node not in self.interfaces:
            card, spare = CARDS[self.pve_major]
            number = 10 * (self.ordinal + 1) + sorted(self.nodes).index(node) + 1
            seeded = interfaces.seeded(number, bridge_port=card, spare=spare)
            self.interfaces[node] = {"running": seeded, "pending": None}
        return self.interfaces[node]

    def _current(self, node: str) -> dict[str, Values]:
        """The interfaces as they will be after the next reload."""
        state = self._node_interfaces(node)
        current: dict[str, Values] = state["running"] if state["pending"] is None else state["pending"]
        return current

    def _draft(self, node: str) -> dict[str, Values]:
        """The interfaces, to be changed."""
        state = self._node_interfaces(node)
        if state["pending"] is None:
            state["pending"] = copy.deepcopy(state["running"])
        draft: dict[str, Values] = state["pending"]
        return draft

    def bridges(self, node: str) -> set[str]:
        """Bridges that are up on a node."""
        running = self._node_interfaces(node)["running"]
        return {name for name, options in running.items() if options["type"] in BRIDGES}

    def give_bridge(self, node: str, name: str) -> None:
        """Let a node be born with one more bridge, without ports."""
        running = self._node_interfaces(node)["running"]
        running[name] = {"type": "bridge", "autostart": 1, "bridge_ports": ""}

    async def _iface_list(self, values: Values, user: str) -> Beside | list[Values]:
        node = values["node"]
        state = self._node_interfaces(node)
        rows = [
            self._with_activity(row, state["running"])
            for row in interfaces.all_shown(self._current(node))
            if _is_wanted(row["type"], values.get("type")) and self._may_see_interface(user, node, row)
        ]
        if values.get("type") in ("any_bridge", "include_sdn", "vnet"):
            rows += self._vnet_rows(node, user)
        changes = interfaces.difference(state["running"], self._current(node))
        return Beside(rows, {"changes": changes}) if changes else rows

    @staticmethod
    def _with_activity(row: Values, running: Mapping[str, Any]) -> Values:
        return {**row, "active": 1} if row["iface"] in running else row

    def _may_see_interface(self, user: str, node: str, row: Values) -> bool:
        path = f"/sdn/zones/localnetwork/{row['iface']}"
        usable = row["type"] in BRIDGES and any(
            self.allowed(user, path, name) for name in ("SDN.Audit", "SDN.Use")
        )
        return usable or bool(self.allowed(user, f"/nodes/{node}", "Sys.Audit"))

    def _vnet_rows(self, node: str, user: str) -> list[Values]:
        vnets = sorted(
            {name for name in self.bridges(node) if name not in self._node_interfaces(node)["running"]}
        )
        zones = {name: vnet["zone"] for name, vnet in self.sdn["running"]["vnets"].items()}
        return [
            {"iface": name, "type": "vnet", "active": 1}
            for name in vnets
            if any(
                self.allowed(user, f"/sdn/zones/{zones[name]}/{name}", each)
                for each in ("SDN.Audit", "SDN.Use")
            )
        ]

    def _known_interface(self, values: Values) -> None:
        if values["iface"] not in self._current(values["node"]):
            raise param_error(iface="interface does not exist")

    async def _iface_read(self, values: Values, _user: str) -> Values:
        self._known_interface(values)
        rows = interfaces.all_shown(self._current(values["node"]))
        row = next(row for row in rows if row["iface"] == values["iface"])
        running = self._node_interfaces(values["node"])["running"]
        return without(self._with_activity(row, running), "iface")

    async def _iface_create(self, values: Values, _user: str) -> None:
        node, name = values["node"], values["iface"]
        if name in self._current(node):
            raise param_error(iface="interface already exists")
        self._check_kind(values)
        options = interfaces.with_addresses(without(values, "node", "iface"))
        interfaces.check_gateway(name, options, self._current(node))
        self._draft(node)[name] = options

    @staticmethod
    def _check_kind(values: Values) -> None:
        if values["type"].startswith("OVS"):
            raise die("Open VSwitch is not installed (need package 'openvswitch-switch')")

    async def _iface_update(self, values: Values, _user: str) -> None:
        self._known_interface(values)
        self._check_kind(values)
        node, name = values["node"], values["iface"]
        kept = without(self._current(node)[name], *split_list(values.get("delete")))
        given = interfaces.with_addresses(without(values, "node", "iface", "delete"))
        interfaces.check_gateway(name, given, self._current(node))
        self._draft(node)[name] = {**kept, **given}

    async def _iface_delete(self, values: Values, _user: str) -> None:
        self._known_interface(values)
        del self._draft(values["node"])[values["iface"]]

    async def _iface_revert(self, values: Values, _user: str) -> None:
        self._node_interfaces(values["node"])["pending"] = None

    async def _iface_reload(self, values: Values, user: str) -> str:
        node = values["node"]

        async def reload() -> None:
            state = self._node_interfaces(node)
            state["running"], state["pending"] = self._current(node), None

        return str(await self.task(node, "srvreload", "networking", user, reload))


def _is_wanted(kind: str, wanted: str | None) -> bool:
    """Whether an interface of this kind passes the `type` filter."""
    if wanted in (None, "include_sdn"):
        return True
    return kind in BRIDGES if wanted in ("any_bridge", "any_local_bridge") else kind == wanted
