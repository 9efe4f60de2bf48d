"""The cluster and its nodes as the API shows them: status, resources, version (API2/Cluster.pm, Nodes.pm).

The figures of a node are invented and stand still; they are those of a mid-sized server.
"""

from functools import lru_cache
from typing import Any

from aiohttp import web
from fakepve import FakePve
from fakepve.lxc import parse_size
from fakepve.server import USER, ok

GIB = 1024**3
UPTIME_SECONDS = 864000
PVE_WITH_NETWORK_TYPE = 9

CPU = {
    "cpus": 32,
    "cores": 16,
    "sockets": 1,
    "model": "simulated",
    "vendor": "GenuineIntel",
    "family": "6",
    "mhz": "2900.000",
    "hvm": "1",
    "flags": "simulated",
    "user_hz": 100,
}
MEMORY = {"total": 256 * GIB, "used": 64 * GIB, "free": 192 * GIB, "available": 192 * GIB}
ROOT_DISK = {"total": 96 * GIB, "used": 12 * GIB, "free": 84 * GIB, "avail": 79 * GIB}
KERNEL = {"sysname": "Linux", "release": "6.14.8-2-pve", "version": "#1 SMP simulated", "machine": "x86_64"}
CAPACITY = {"maxcpu": 32, "maxmem": 256 * GIB, "maxdisk": 96 * GIB}
LOAD = {"cpu": 0.02, "mem": 64 * GIB, "disk": 12 * GIB, "uptime": UPTIME_SECONDS}


DISKS = ("ide", "sata", "scsi", "virtio")


@lru_cache(maxsize=1024)
def _bytes(size: str) -> int:
    """A size as configurations have it (8G) in bytes."""
    return parse_size(size) or 0


def _disabled(node: str, storage: str) -> dict[str, Any]:
    """A storage that is a member of a pool and of which a node knows no more than its name."""
    return {
        "id": f"storage/{node}/{storage}",
        "type": "storage",
        "node": node,
        "storage": storage,
        "status": "unknown",
    }


class Nodes(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """Answers about the cluster as a whole. `addresses` are those of nodes that are machines."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.addresses: dict[str, str] = {}
        # What the quorum device has, and how much of it is not there now.
        self.device_votes = self.lost_votes = 0

    def bridges(self, _node: str) -> set[str]:
        """Bridges and VNets that guests on a node can be plugged into; the network areas know more."""
        return {"vmbr0"}

    def node_hastate(self, _node: str) -> str | None:
        """What HA says of a node, or None while HA has nothing to do; the HA area knows."""
        return None

    def zones(self, _node: str) -> tuple[str, ...]:
        """The SDN zones of a node; the SDN area knows more."""
        return ("localnetwork",)

    def _is_online(self, node: str) -> bool:
        return bool(self.nodes[node].get("online", True))

    async def _version(self, _request: web.Request) -> web.Response:
        answer: web.Response = ok(
            {"version": self.version, "release": self.release_version, "repoid": "bastide-lab"}
        )
        return answer

    async def _cluster_status(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        rows = [
            {
                "type": "cluster",
                "id": "cluster",
                "name": self.cluster_name,
                "nodes": len(self.nodes),
                "quorate": int(self.quorate),
                "version": len(self.nodes),
            }
        ]
        for number, name in enumerate(sorted(self.nodes), 1):
            rows.append(
                {
                    "type": "node",
                    "id": f"node/{name}",
                    "name": name,
                    "nodeid": number,
                    "ip": self.addresses.get(name, f"192.0.2.{10 * (self.ordinal + 1) + number}"),
                    "level": "",
                    "online": int(self._is_online(name)),
                    "local": int(name == entry),
                }
            )
        answer: web.Response = ok(rows)
        return answer

    # ------------------------------------------------------------ resources

    def _node_row(self, user: str, name: str) -> dict[str, Any]:
        online = self._is_online(name)
        row: dict[str, Any] = {"id": f"node/{name}", "type": "node", "node": name, "level": ""}
        row["status"] = "online" if online else "offline"
        if self.allowed(user, f"/nodes/{name}", "Sys.Audit"):
            row |= CAPACITY | (LOAD if online else {})
        return row

    async def _nodes(self, request: web.Request) -> web.Response:
        shown = {"ssl_fingerprint": self.fingerprint}
        rows = [self._node_row(request[USER], name) | shown for name in sorted(self.nodes)]
        answer: web.Response = ok(rows)
        return answer

    async def _resources(self, request: web.Request) -> web.Response:
        kind, user = self._verify(request, None).get("type"), request[USER]
        rows: list[dict[str, Any]] = []
        if kind in (None, "vm"):
            rows += [self.guest_row(guest) for guest in self._audited(user)]
        if kind in (None, "node"):
            rows += [self._node_resource(user, name) for name in sorted(self.nodes)]
        if kind in (None, "storage"):
            rows += self._storage_rows(user)
        if kind in (None, "sdn", "network"):
            rows += self._zone_rows(user)
        answer: web.Response = ok(rows)
        return answer

    def _audited(self, user: str) -> list[Any]:
        return [one for one in (*self.vms, *self.cts) if self.allowed(user, f"/vms/{one.vmid}", "VM.Audit")]

    def _node_resource(self, user: str, name: str) -> dict[str, Any]:
        hastate = self.node_hastate(name)
        return {**self._node_row(user, name), "cgroup-mode": 2} | ({"hastate": hastate} if hastate else {})

    def guest_row(self, guest: Any) -> dict[str, Any]:
        """A guest as `/cluster/resources` and the pools list it."""
        name = guest.guest
        row = {
            "id": name,
            "type": name.partition("/")[0],
            "node": guest.node,
            "name": guest.name,
            "vmid": guest.vmid,
            "status": guest.status if self._is_online(guest.node) else "unknown",
            "template": int(bool(guest.template)),
            **self._usage(guest),
        }
        optional = {
            "tags": guest.config.get("tags"),
            "lock": guest.lock,
            "pool": guest.pool,
            "hastate": guest.ha_state,
        }
        return row | {key: value for key, value in optional.items() if value}

    @staticmethod
    def _vm_maxdisk(vm: Any) -> int:
        """The size of a VM's first disk in bytes, from its configuration; 0 when it has none."""
        for key in sorted(key for key in vm.config if key[-1].isdigit() and key.startswith(DISKS)):
            value = str(vm.config[key])
            if "media=cdrom" not in value:
                return _bytes(value.partition("size=")[2].partition(",")[0])
        return 0

    def _usage(self, guest: Any) -> dict[str, Any]:
        if guest.guest.startswith("qemu"):
            return dict(self._vm_usage(guest))
        idle = dict.fromkeys(("cpu", "mem", "memhost", "disk", "netin", "netout", "diskread", "diskwrite"), 0)
        limits = {"maxcpu": self._cpus(guest), "maxmem": self._maxmem(guest), "maxdisk": self._maxdisk(guest)}
        return idle | limits | {"uptime": self._uptime(guest)}

    def _storage_rows(self, user: str) -> list[dict[str, Any]]:
        seen = [name for name in sorted(self.storages) if self._can_audit(user, name)]
        rows = [self._storage_resource(node, name) for node in sorted(self.nodes) for name in seen]
        return [row for row in rows if row]

    def _zone_rows(self, user: str) -> list[dict[str, Any]]:
        return [
            self._zone_row(node, zone)
            for node in sorted(self.nodes)
            for zone in self.zones(node)
            if self.allowed(user, f"/sdn/zones/{zone}", "SDN.Audit")
        ]

    def _zone_row(self, node: str, zone: str) -> dict[str, Any]:
        if self.pve_major < PVE_WITH_NETWORK_TYPE:
            return {"id": f"sdn/{node}/{zone}", "type": "sdn", "node": node, "sdn": zone, "status": "ok"}
        names = {"network": zone, "network-type": "zone"}
        return {"id": f"network/{node}/zone/{zone}", "type": "network", "node": node, "status": "ok", **names}

    def _members(self, name: str, kind: str | None) -> list[dict[str, Any]]:
        """The members of a pool: guests and storages as the resources list shows them."""
        guests = [self._guest_of(vmid) for vmid in sorted(self.pools.get(name, ()))]
        rows = [self.guest_row(guest) for guest in guests if guest is not None]
        rows = [{key: value for key, value in row.items() if key not in ("pool", "tags")} for row in rows]
        for storage in sorted(self._pool_meta(name)["storage"]):
            if storage in self.storages:
                node = (self._storage_nodes(storage) or sorted(self.nodes))[0]
                row = self._storage_resource(node, storage) or _disabled(node, storage)
                rows.append({key: value for key, value in row.items() if key != "pool"})
        return [row for row in rows if kind in (None, row["type"])]

    def _guest_of(self, vmid: int) -> Any:
        return self.vm(vmid) or self.ct(vmid)

    # -------------------------------------------------------------- one node

    def _routes_lab_nodes(self) -> list[tuple[str, str, Any]]:
        return [
            ("GET", "/nodes/{node}/status", self._node_status),
            ("GET", "/cluster/config/qdevice", self._quorum_device),
        ]

    async def _quorum_device(self, _values: dict[str, Any], _user: str) -> dict[str, str]:
        """What corosync-qdevice says of itself; nothing where there is none (API2/ClusterConfig.pm)."""
        if not self.device_votes:
            return {}
        state = "Connect failed" if self.lost_votes else "Connected"
        return {
            "Algorithm": "Fifty-Fifty split",
            "Model": "Net",
            "State": state,
            "Tie-breaker": "Node with lowest node ID",
        }

    async def _node_status(self, _values: dict[str, Any], _user: str) -> dict[str, Any]:
        return {
            "pveversion": f"pve-manager/{self.version}/bastide-lab",
            "kversion": " ".join((KERNEL["sysname"], KERNEL["release"], KERNEL["version"])),
            "current-kernel": KERNEL,
            "boot-info": {"mode": "legacy-bios"},
            "cpuinfo": CPU,
            "memory": MEMORY,
            "rootfs": ROOT_DISK,
            "swap": {"total": 0, "used": 0, "free": 0},
            "ksm": {"shared": 0},
            "loadavg": ["0.42", "0.40", "0.38"],
            "cpu": LOAD["cpu"],
            "idle": 0,
            "wait": 0,
            "uptime": UPTIME_SECONDS,
        }
