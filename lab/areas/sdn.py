"""Software-defined networks: zones, VNets, subnets and controllers, and their way from written to running.

Follows pve-network, PVE/API2/Network/SDN.pm and below. What is written runs only once it was applied.
"""

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from fakepve.model import PveError
from fakepve.routing import check_digest, die, param_error

from lab.areas.area import Area, Route, Values, delete_options, digest_of, without
from lab.areas.sdn_config import (
    KINDS,
    LOCAL_ZONE,
    check_gateway,
    check_required,
    check_vnet,
    pending_view,
    shown_subnet,
    subnet_id,
    vnets_of,
    zones_of,
)

LOCK = "domain-sdn"
SEES = ("SDN.Audit", "SDN.Use", "SDN.Allocate")
INDEX = ("vnets", "zones", "controllers", "ipams", "dns", "fabrics")


class SdnArea(Area):
    """SDN objects; `self.sdn["config"]` is what is written, `["running"]` what was applied."""

    persists: ClassVar[tuple[str, ...]] = ("sdn",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        empty: Values = {kind: {} for kind in KINDS}
        self.sdn: Values = {"config": empty, "running": copy.deepcopy(empty)}

    def _routes_sdn(self) -> list[Route]:
        base, node = "/cluster/sdn", "/nodes/{node}/sdn/zones"
        subnets = f"{base}/vnets/{{vnet}}/subnets"
        own: list[Route] = [
            ("GET", base, self._sdn_index),
            ("PUT", base, self._sdn_apply),
            ("POST", f"{base}/rollback", self._sdn_rollback),
            ("GET", node, self._sdn_node_zones),
            ("GET", f"{node}/{{zone}}/content", self._sdn_node_vnets),
            ("GET", f"{node}/{{zone}}/bridges", self._sdn_node_bridges),
        ]
        return [
            *own,
            *self._sdn_crud("zone", f"{base}/zones"),
            *self._sdn_crud("vnet", f"{base}/vnets"),
            *self._sdn_crud("controller", f"{base}/controllers"),
            *self._sdn_crud("subnet", subnets),
        ]

    def _sdn_crud(self, kind: str, path: str) -> list[Route]:
        one = f"{path}/{{{kind}}}"
        return [
            ("GET", path, partial(self._sdn_list, kind)),
            ("POST", path, partial(self._sdn_create, kind)),
            ("GET", one, partial(self._sdn_read, kind)),
            ("PUT", one, partial(self._sdn_update, kind)),
            ("DELETE", one, partial(self._sdn_delete, kind)),
        ]

    async def _sdn_index(self, _values: Values, _user: str) -> list[dict[str, str]]:
        return [{"id": name} for name in INDEX]

    # -------------------------------------------------------------------- reading

    def _sdn_rows(self, kind: str, values: Values) -> dict[str, Values]:
        """The objects of a kind as the caller wants them: as written, as running, or as pending changes."""
        config, running = self.sdn["config"][f"{kind}s"], self.sdn["running"][f"{kind}s"]
        if values.get("pending"):
            shown = {name: {"digest": None, **row} for name, row in pending_view(running, config).items()}
        elif values.get("running"):
            shown = {name: dict(row) for name, row in running.items()}
        else:
            digest = digest_of(config)
            shown = {name: {**row, "digest": digest} for name, row in config.items()}
        return {name: self._sdn_named(kind, name, row) for name, row in sorted(shown.items())}

    @staticmethod
    def _sdn_named(kind: str, name: str, row: Mapping[str, Any]) -> Values:
        if kind == "subnet":
            return shown_subnet(name, row)
        return {kind: name, **({"type": "vnet"} if kind == "vnet" else {}), **row}

    def _sdn_path(self, kind: str, row: Mapping[str, Any]) -> str:
        """The permission path of an object."""
        if kind == "controller":
            return f"/sdn/controllers/{row['controller']}"
        if kind == "zone":
            return f"/sdn/zones/{row['zone']}"
        vnet = self.sdn["config"]["vnets"].get(row.get("vnet"), {})
        zone = row.get("zone") or vnet.get("zone") or row.get("pending", {}).get("zone") or ""
        return f"/sdn/zones/{zone}/{row.get('vnet', '')}".rstrip("/")

    async def _sdn_list(self, kind: str, values: Values, user: str) -> list[Values]:
        rows = self._sdn_rows(kind, values).values()
        return [
            row
            for row in rows
            if values.get("type") in (None, row.get("type"))
            and (kind != "subnet" or row.get("vnet") == values["vnet"])
            and any(self.allowed(user, self._sdn_path(kind, row), name) for name in SEES)
        ]

    async def _sdn_read(self, kind: str, values: Values, user: str) -> Values:
        row = self._sdn_rows(kind, values).get(values[kind])
        if row is None:
            raise die(f"sdn {kind} '{values[kind]}' does not exist")
        self._sdn_require(user, self._sdn_path(kind, row), ("SDN.Audit", "SDN.Allocate"))
        return row

    def _sdn_require(self, user: str, path: str, names: tuple[str, ...]) -> None:
        if not any(self.allowed(user, path, name) for name in names):
            raise PveError(403, f"Permission check failed ({path}, {'|'.join(names)})")

    # -------------------------------------------------------------------- writing

    async def _sdn_create(self, kind: str, values: Values, user: str) -> None:
        name, options = self._sdn_wanted(kind, values)
        self._sdn_require(user, self._sdn_path(kind, {**values, **options}), ("SDN.Allocate",))
        with self.locked(LOCK, f"create sdn {kind} object failed: "):
            objects = self.sdn["config"][f"{kind}s"]
            if name in objects:
                raise die(f"sdn {kind} object ID '{name}' already defined")
            self._sdn_check(kind, name, options)
            objects[name] = options

    def _sdn_wanted(self, kind: str, values: Values) -> tuple[str, Values]:
        """The id and options of an object that is to be made."""
        if kind != "subnet":
            dropped = (kind, "lock-token", *(["type"] if kind == "vnet" else []))
            return values[kind], without(values, *dropped)
        vnet = self.sdn["config"]["vnets"].get(values["vnet"])
        if vnet is None:
            raise param_error(vnet=f"{values['vnet']} don't exist")
        if vnet.get("vlanaware"):
            raise param_error(vnet="you can't add a subnet on a vlanaware vnet")
        return subnet_id(vnet["zone"], values["subnet"]), without(values, "subnet", "type", "lock-token")

    def _sdn_check(self, kind: str, name: str, options: Mapping[str, Any]) -> None:
        config = self.sdn["config"]
        if kind in ("zone", "controller"):
            check_required(f"{kind}s", options)
        elif kind == "vnet":
            check_vnet(name, options, config)
            if options.get("vlanaware") and self._sdn_subnets(name):
                raise param_error(vlanaware="vlanaware vnet is not compatible with subnets")
        else:
            check_gateway(name, options)
        if kind == "zone" and options.get("controller") not in (None, *config["controllers"]):
            raise die(f"sdn controller '{options['controller']}' does not exist")

    def _sdn_subnets(self, vnet: str) -> list[str]:
        return [name for name, subnet in self.sdn["config"]["subnets"].items() if subnet["vnet"] == vnet]

    async def _sdn_update(self, kind: str, values: Values, user: str) -> None:
        name = values[kind]
        with self.locked(LOCK, f"update sdn {kind} object failed: "):
            old = self._sdn_object(kind, name)
            check_digest(digest_of(self.sdn["config"][f"{kind}s"]), values.get("digest"))
            new = dict(old)
            delete_options(new, values.get("delete"), fixed=("zone",) if kind == "vnet" else ())
            new.update(without(values, kind, "digest", "delete", "lock-token", "vnet"))
            if kind == "vnet" and new["zone"] != old["zone"] and self._sdn_subnets(name):
                raise param_error(zone="can't change zone if subnets exist")
            self._sdn_require(user, self._sdn_path(kind, {kind: name, **new}), ("SDN.Allocate",))
            self._sdn_check(kind, name, new)
            self.sdn["config"][f"{kind}s"][name] = new

    def _sdn_object(self, kind: str, name: str) -> Values:
        found: Values | None = self.sdn["config"][f"{kind}s"].get(name)
        if found is None:
            raise die(f"sdn {kind} '{name}' does not exist")
        return found

    async def _sdn_delete(self, kind: str, values: Values, user: str) -> None:
        name = values[kind]
        with self.locked(LOCK, f"delete sdn {kind} object failed: "):
            row = self._sdn_object(kind, name)
            self._sdn_require(user, self._sdn_path(kind, {kind: name, **row}), ("SDN.Allocate",))
            self._sdn_unused(kind, name)
            del self.sdn["config"][f"{kind}s"][name]

    def _sdn_unused(self, kind: str, name: str) -> None:
        config = self.sdn["config"]
        if kind == "vnet" and self._sdn_subnets(name):
            raise param_error(vnet="Can't delete vnet if subnets exists")
        users, word = {"zone": ("vnets", "vnet"), "controller": ("zones", "zone")}.get(kind, ("", ""))
        for other, each in sorted(config.get(users, {}).items()):
            if each.get(kind) == name:
                raise die(f"{kind} {name} is used by {word} {other}")

    async def _sdn_apply(self, _values: Values, user: str) -> str:
        self.need_lock(LOCK)

        async def reload() -> str:
            self.sdn["running"] = copy.deepcopy(self.sdn["config"])
            return "\n".join(f"{node}: reloading network config" for node in sorted(self.nodes))

        return str(await self.task(min(self.nodes), "reloadnetworkall", "", user, reload))

    async def _sdn_rollback(self, _values: Values, _user: str) -> None:
        with self.locked(LOCK):
            self.sdn["config"] = copy.deepcopy(self.sdn["running"])

    # ---------------------------------------------------------------------- nodes

    def zones(self, node: str) -> tuple[str, ...]:
        """Zones that run on a node."""
        return tuple(zones_of(node, self.sdn["running"]))

    def bridges(self, node: str) -> set[str]:
        """Bridges and VNets that guests on a node can be plugged into."""
        return {*super().bridges(node), *vnets_of(node, self.sdn["running"])}

    async def _sdn_node_zones(self, values: Values, user: str) -> list[Values]:
        seen = [name for name in self.zones(values["node"]) if self._sdn_sees(user, f"/sdn/zones/{name}")]
        return [{"zone": name, "status": "available"} for name in seen]

    def _sdn_sees(self, user: str, path: str) -> bool:
        return any(self.allowed(user, path, name) for name in SEES)

    def _sdn_plugs(self, node: str, zone: str) -> list[str]:
        """Bridges of the local zone, or VNets of another one."""
        vnets = vnets_of(node, self.sdn["running"])
        if zone == LOCAL_ZONE:
            return sorted(self.bridges(node) - vnets.keys())
        return sorted(name for name, vnet in vnets.items() if vnet["zone"] == zone)

    async def _sdn_node_vnets(self, values: Values, user: str) -> list[Values]:
        zone = values["zone"]
        names = self._sdn_plugs(values["node"], zone)
        seen = [name for name in names if self._sdn_sees(user, f"/sdn/zones/{zone}/{name}")]
        return [{"vnet": name, "status": "available"} for name in seen]

    async def _sdn_node_bridges(self, values: Values, _user: str) -> list[Values]:
        names = self._sdn_plugs(values["node"], values["zone"])
        return [{"name": name, "vlan_filtering": "0", "ports": []} for name in names]
