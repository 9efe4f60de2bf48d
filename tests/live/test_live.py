"""The life of one object of every kind on a real cluster, in a range of VMIDs and under its own names.

The cluster is adopted first, so that the estate also says all that is there already: nothing else may change.
"""

import copy
from pathlib import Path
from string import Template

import pytest
import yaml

from tests.live.conftest import NAME

pytestmark = pytest.mark.live

OURS = ("bastide", "bproof")
NAMED = {
    "/pools": "poolid",
    "/storage": "storage",
    "/cluster/backup": "id",
    "/access/roles": "roleid",
    "/access/groups": "groupid",
    "/access/users": "userid",
    "/cluster/sdn/zones": "zone",
    "/cluster/sdn/vnets": "vnet",
    "/cluster/firewall/aliases": "name",
    "/cluster/firewall/ipset": "name",
    "/cluster/firewall/groups": "group",
    "/cluster/ha/resources": "sid",
}
REMOVE = ["storage/bastide-proof", "role/BastideProof", "sdn_zone/bproof"]


def test_one_of_each_kind_is_made_changed_adopted_and_removed(cluster, estate):
    assert leftovers(cluster) == []
    empty = yaml.safe_load(estate("adopt").out)
    write(estate, empty)
    assert estate("plan").code == 0
    full = merged(empty, one_of_each(cluster, empty))
    try:
        write(estate, full)
        assert only_ours(cluster, estate)
        settled(estate)

        write(estate, changed(full))
        steps = estate("plan", "--json").json["steps"]
        assert [step["action"] for step in steps] == ["update"] * 4
        settled(estate)

        adopted = estate.folder / "adopted.yml"
        assert estate("adopt", "-o", str(adopted)).code == 0
        left = estate("plan", "--json", "-e", str(adopted))
        assert left.code == 0, left.out
    finally:
        empty["sites"][NAME]["remove"] = REMOVE
        write(estate, empty)
        assert only_ours(cluster, estate)
        gone = estate("apply", "--yes", *allowed(cluster))
    assert gone.code == 0, gone.err
    assert leftovers(cluster) == []


def one_of_each(cluster, found: dict) -> dict:
    """What is laid over the adopted estate."""
    node = next(iter(found["sites"][NAME]["nodes"]))
    text = Path(__file__).with_name("one_of_each.yml").read_text()
    names = dict(zip(("template", "clone", "own"), cluster.vmids, strict=False))
    document = yaml.safe_load(
        Template(text).substitute(node=node, storage=cluster.storage, bridge=cluster.bridge, **names)
    )
    if archive := _archive(cluster, node):
        own = document["guests"]["bastide-own"]
        made = {key: own[key] for key in ("site", "node", "pool", "onboot", "started")}
        made |= {"kind": "ct", "vmid": cluster.vmids[3], "image": archive, "memory": "128M"}
        made["disks"] = {"rootfs": {"size": "1G", "storage": cluster.storage}}
        document["guests"]["bastide-ct"] = made
    if found["sites"][NAME].get("version", 9) >= 9:
        rule = {"type": "node-affinity", "guests": ["bastide-clone"], "nodes": {node: None}}
        document["sites"][NAME]["ha"] = {"rules": {"bastide-proof": rule}}
    return document


def _archive(cluster, node: str) -> str | None:
    rows = cluster.get(f"/nodes/{node}/storage/{cluster.storage}/content")
    return next((row["volid"] for row in rows if row["content"] == "vztmpl"), None)


def merged(base, over):
    """Mappings key by key, lists one behind the other."""
    if isinstance(base, dict) and isinstance(over, dict):
        keys = dict.fromkeys((*base, *over))
        return {key: merged(base.get(key), over.get(key)) for key in keys}
    if isinstance(base, list) and isinstance(over, list):
        return base + over
    return copy.deepcopy(base if over is None else over)


def changed(full: dict) -> dict:
    """Four objects, each a little different."""
    document = copy.deepcopy(full)
    document["guests"]["bastide-clone"] |= {"memory": "512M", "description": "changed by a test"}
    document["guests"]["bastide-own"]["disks"]["scsi0"]["size"] = "3G"
    document["sites"][NAME]["pools"]["bastide-proof"]["comment"] = "changed by a test"
    document["sites"][NAME]["backups"]["bastide-proof"]["schedule"] = "sat 04:30"
    return document


def write(estate, document: dict) -> None:
    (estate.folder / "estate.yml").write_text(yaml.safe_dump(document, sort_keys=False))


def settled(estate) -> None:
    """Apply, and see that nothing is left to do."""
    ran = estate("apply", "--yes")
    assert ran.code == 0, ran.err
    left = estate("plan", "--json")
    assert left.code == 0, left.out


def only_ours(cluster, estate) -> bool:
    """Whether a plan touches nothing but what bears our names or lies in our range (and applies the SDN)."""
    plan = estate("plan", "--json")
    assert plan.code in {0, 4}, plan.err
    words = (*OURS, *(str(vmid) for vmid in cluster.vmids), "sdn/running")
    return all(any(word in step["ref"].lower() for word in words) for step in plan.json["steps"])


def allowed(cluster) -> list[str]:
    return [f"--allow=destroy={NAME}/{kind}/{vmid}" for vmid in cluster.vmids for kind in ("vm", "ct")]


def leftovers(cluster) -> list[str]:
    """What still bears our names or lies in our range."""
    guests = [row for row in cluster.get("/cluster/resources?type=vm") if row["vmid"] in cluster.vmids]
    sids = {f"{kind}:{vmid}" for vmid in cluster.vmids for kind in ("vm", "ct")}
    named = [
        f"{path} {row[key]}"
        for path, key in NAMED.items()
        for row in cluster.get(path)
        if row[key].lower().startswith(OURS) or row[key] in sids
    ]
    return [f"guest {row['vmid']}" for row in guests] + named
