"""All that a site of the lab holds, without what differs from run to run: to compare two outcomes."""

import re
from typing import Any

import requests

from lab.running import SiteAccess

FIREWALL = "/cluster/firewall"
LISTS = (
    *("/pools", "/storage", "/access/roles", "/access/groups", "/access/users?full=1", "/access/acl"),
    *("/cluster/backup", "/cluster/replication", "/cluster/ha/resources", "/cluster/ha/rules"),
    *("/cluster/sdn/zones", "/cluster/sdn/vnets", "/cluster/sdn/vnets/imaging/subnets"),
    *(
        f"{FIREWALL}/{one}"
        for one in ("options", "aliases", "ipset", "ipset/admins", "groups", "groups/dicom")
    ),
    *(f"{FIREWALL}/rules", "/nodes/ventoux-1/network"),
    *("/nodes/ventoux-1/firewall/rules", "/nodes/ventoux-1/firewall/options"),
)
VOLATILE = {"order", "digest", "meta", "vmgenid", "smbios1", "next-run", "uptime", "ctime"}
MAC = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}")
DISK = re.compile(r"(vm|base|subvol)-(\d+)-disk-\d+")


class Picture:
    """Reads a site of the lab with its administrator's token."""

    def __init__(self, site: SiteAccess) -> None:
        self._site, self._http = site, requests.Session()
        self._http.trust_env = False
        self._http.verify = str(site.cafile)
        self._http.headers.update(site.token_header)

    def get(self, path: str) -> Any:
        answer = self._http.get(f"{self._site.urls[0]}/api2/json{path}", timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.reason}"
        return answer.json()["data"]

    def guests(self) -> dict[str, dict[str, Any]]:
        """Guest id (`qemu/110`) to its configuration."""
        rows = [row for row in self.get("/cluster/resources") if row["type"] in {"qemu", "lxc"}]
        return {row["id"]: self.get(f"/nodes/{row['node']}/{row['id']}/config") for row in rows}

    def taken(self) -> dict[str, Any]:
        """Everything, comparable."""
        lists = {
            path: sorted(map(_plain, self.get(path)), key=repr)
            if "options" not in path
            else _plain(self.get(path))
            for path in LISTS
        }
        return lists | {guest: _plain(config) for guest, config in self.guests().items()}

    def orphans(self) -> set[str]:
        """Volumes of guests that no configuration names."""
        named = " ".join(str(value) for config in self.guests().values() for value in config.values())
        volumes = {
            row["volid"]
            for node in ("ventoux-1", "ventoux-2", "ventoux-3")
            for row in self.get(f"/nodes/{node}/storage/vmdata/content")
        }
        return {volume for volume in volumes if volume not in named}


def _plain(row: Any) -> Any:
    if isinstance(row, dict):
        return {key: _plain(value) for key, value in sorted(row.items()) if key not in VOLATILE}
    if isinstance(row, list):
        return sorted(map(_plain, row), key=repr)
    if isinstance(row, str):
        return DISK.sub(r"\1-\2-disk-N", MAC.sub("MAC", row))
    return row
