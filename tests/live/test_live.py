"""The whole life of one object of every kind, on a real cluster, inside a range of VMIDs and under names of its own."""

import copy

import pytest
import yaml

from tests.live.conftest import NAME, frame

pytestmark = pytest.mark.live


def furnished(cluster) -> dict:
    """The estate with an object of every kind that a cluster with one `dir` storage can hold."""
    document = frame(cluster)
    site, nodes = document["sites"][NAME], list(document["sites"][NAME]["nodes"])
    template, clone, own, archive = cluster.vmids[0], cluster.vmids[1], cluster.vmids[2], None
    site["pools"] = {"bastide-proof": {"comment": "made by a test"}}
    site["access"] = {
        "roles": {"BastideProof": {"privileges": ["VM.Audit", "VM.PowerMgmt"]}},
        "groups": {"bastide-proof": {"comment": "made by a test"}},
        "users": {
            "bastide-proof@pve": {
                "groups": ["bastide-proof"],
                "password": "env:PROOF_PASSWORD",
                "tokens": {"proof": {"secret": "file:secrets/proof"}},
            }
        },
        "acl": [{"path": "/pool/bastide-proof", "role": "BastideProof", "groups": ["bastide-proof"]}],
    }
    # Aliases, IP sets and groups change nothing while no rule names them; the firewall's options are left alone.
    site["storages"] = {
        "bastide-proof": {
            "type": "dir",
            "path": "/var/lib/bastide-proof",
            "content": ["iso"],
            "enabled": False,
        }
    }
    site["backups"] = {
        "bastide-proof": {
            "storage": cluster.storage,
            "schedule": "sun 03:30",
            "pool": "bastide-proof",
            "enabled": False,
        }
    }
    site["sdn"] = {
        "zones": {"bproof": {"type": "simple"}},
        "vnets": {"bproof0": {"zone": "bproof", "subnets": {"192.0.2.0/24": {"gateway": "192.0.2.1"}}}},
    }
    common = {
        "site": NAME,
        "node": nodes[0],
        "storage": cluster.storage,
        "pool": "bastide-proof",
        "memory": "256M",
        "onboot": False,
    }
    document["guests"] = {
        "bastide-template": {
            **common,
            "vmid": template,
            "template": True,
            "started": False,
            "disks": {"scsi0": {"size": "1G", "format": "qcow2"}},
        },
        "bastide-clone": {
            **common,
            "vmid": clone,
            "clone": "bastide-template",
            "started": False,
            "disks": {"scsi0": {"size": "2G", "format": "qcow2"}},
            "nics": {"net0": {"bridge": cluster.bridge}},
            "tags": ["bastide-proof"],
            "ha": {"state": "stopped", "comment": "made by a test"},
        },
        "bastide-own": {
            **common,
            "vmid": own,
            "started": False,
            "disks": {"scsi0": {"size": "1G", "format": "qcow2"}},
            "nics": {"net0": {"bridge": cluster.bridge}},
        },
    }
    archives = [
        row["volid"]
        for row in cluster.get(f"/nodes/{nodes[0]}/storage/{cluster.storage}/content")
        if row["content"] == "vztmpl"
    ]
    if archives:
        document["guests"]["bastide-ct"] = {
            **common,
            "kind": "ct",
            "vmid": cluster.vmids[3],
            "image": archives[0],
            "started": False,
            "disks": {"rootfs": "1G"},
        }
    if site["version"] >= 9:
        site["ha"] = {
            "rules": {
                "bastide-proof": {
                    "type": "node-affinity",
                    "guests": ["bastide-clone"],
                    "nodes": {nodes[0]: None},
                }
            }
        }
    assert archive is None
    return document


def write(estate, document: dict) -> None:
    (estate.folder / "estate.yml").write_text(yaml.safe_dump(document))


def settled(estate, *args: str) -> None:
    """Apply, and see that nothing is left to do."""
    ran = estate("apply", "--yes", *args)
    assert ran.code == 0, ran.err
    left = estate("plan", "--json")
    assert left.code == 0, left.out


def leftovers(cluster) -> list[str]:
    """What still bears our names or lies in our range."""
    guests = [
        f"guest {row['vmid']}"
        for row in cluster.get("/cluster/resources?type=vm")
        if row["vmid"] in cluster.vmids
    ]
    lists = {
        "/pools": "poolid", "/access/roles": "roleid", "/access/groups": "groupid", "/access/users": "userid", "/storage": "storage",
        "/cluster/backup": "id", "/cluster/sdn/zones": "zone", "/cluster/sdn/vnets": "vnet", "/cluster/ha/resources": "sid",
    }  # fmt: skip
    named = [
        f"{path} {row[key]}"
        for path, key in lists.items()
        for row in cluster.get(path)
        if row[key].lower().startswith(("bastide", "bproof"))
        or row[key] in {f"vm:{vmid}" for vmid in cluster.vmids}
    ]
    return guests + named


def test_one_of_each_kind_is_made_changed_adopted_and_removed(cluster, estate):
    assert leftovers(cluster) == []
    empty, full = frame(cluster), furnished(cluster)
    try:
        write(estate, full)
        assert estate("plan").code == 4
        settled(estate)

        changed = copy.deepcopy(full)
        changed["guests"]["bastide-clone"] |= {"memory": "512M", "description": "changed by a test"}
        changed["guests"]["bastide-own"]["disks"]["scsi0"]["size"] = "3G"
        changed["sites"][NAME]["pools"]["bastide-proof"]["comment"] = "changed by a test"
        changed["sites"][NAME]["backups"]["bastide-proof"]["schedule"] = "sat 04:30"
        write(estate, changed)
        plan = estate("plan", "--json")
        assert {step["action"] for step in plan.json["steps"]} == {"update"}
        assert len(plan.json["steps"]) == 4
        settled(estate)

        adopted = estate.folder / "adopted.yml"
        ran = estate("adopt", "-o", str(adopted))
        assert ran.code == 0, ran.err
        left = estate("plan", "--json", "-e", str(adopted))
        assert left.code == 0, left.out
    finally:
        site = empty["sites"][NAME]
        site["remove"] = ["storage/bastide-proof", "role/BastideProof", "sdn_zone/bproof"]
        write(estate, empty)
        gone = estate("apply", "--yes", "--allow", "destroy=*")
    assert gone.code == 0, gone.err
    assert leftovers(cluster) == []
