"""The areas together: mixins of one class that must not overwrite each other, and state that survives."""

import json

import pytest
from area_client import Client, Site, site_spec

from lab.areas import AREAS
from lab.areas.area import Area
from lab.cluster import Core
from lab.running import LabThread, RunningLab, running_lab
from lab.server import Lab
from lab.spec import LabSpec

# Hooks: each area adds its part and passes the call on.
HOOKS = {"__init__", "persists", "_admit", "bridges", "_pool_delete", "_sc_delete"}


def own_names(area):
    """What an area defines itself, its parts included."""
    parts = [cls for cls in area.__mro__ if cls.__module__.startswith("lab.areas") and cls is not Area]
    return {name for cls in parts for name in vars(cls) if not name.startswith("__")}


def test_no_two_areas_define_the_same_name_but_for_the_hooks():
    seen = {}
    for area in AREAS:
        for name in own_names(area) - HOOKS - set(vars(Area)):
            assert name not in seen, f"{area.__name__} and {seen[name]} both define {name}"
            seen[name] = area.__name__


def test_a_name_that_hides_one_of_the_cluster_passes_the_call_on_or_is_meant():
    meant = {
        *(
            "_ha_request",
            "_ct_ha",
            "ha_move",
            "ha_move_blocker",
            "replica_nodes",
            "node_hastate",
            "zones",
            "bridges",
        ),
        *(
            "allowed",
            "token_opens",
            "check_password",
            "check_permissions",
            "_password",
            "_permissions",
            "_ticket",
        ),
        *("_routes_access", "_check"),
    }
    inherited = {name for cls in Core.__mro__ for name in vars(cls)}
    hidden = {name for area in AREAS for name in own_names(area)} & inherited
    passing = {"_admit", "token_opens", "_ticket_user", "_nextid", "_routes_firewall"}
    passing |= {f"_pool_{verb}" for verb in ("create", "update", "delete")}
    passing |= {f"_sc_{verb}" for verb in ("create", "update", "delete")}

    assert hidden <= meant | passing


def test_a_restarted_lab_remembers_what_its_areas_were_told(tmp_path):
    spec = LabSpec.sized(sites=1, guests=1)
    with running_lab(spec, tmp_path) as lab:
        [access] = lab.sites.values()
        first = Client(access.urls[0], access.cafile, **access.token_header)
        made = first.ok("POST", "/access/users/root@pam/token/ci", privsep=0)
        first.ok("POST", "/cluster/ha/resources", sid="vm:1001")
        node = first.get("/cluster/resources", type="vm")[0]["node"]
        first.ok("POST", f"/nodes/{node}/network", iface="vmbr1", type="bridge")
        first.session.close()

    with running_lab(spec, tmp_path) as lab:
        [access] = lab.sites.values()
        token = f"PVEAPIToken={made['full-tokenid']}={made['value']}"
        again = Client(access.urls[0], access.cafile, Authorization=token)

        assert [row["sid"] for row in again.get("/cluster/ha/resources")] == ["vm:1001"]
        assert "vmbr1" in {row["iface"] for row in again.get(f"/nodes/{node}/network")}
        again.session.close()


@pytest.fixture
def own_lab(tmp_path):
    """A light lab in this process, into whose memory a test can look."""
    made = Lab(LabSpec(sites=(site_spec(9),), time_scale=0.0, port=0), tmp_path)
    thread = LabThread(lambda: made)
    thread.start()
    thread.wait_up()
    yield made
    thread.finish()


@pytest.mark.api_only("it looks into the memory of the process that answers")
def test_the_state_of_every_area_is_plain_json(own_lab):
    site = Site(RunningLab.at(own_lab.folder))
    root = site.root
    root.ok("POST", "/nodes/pve1/qemu", vmid=100, memory=64, scsi0="local:1,format=qcow2")
    root.ok("POST", "/access/users/root@pam/token/ci")
    root.ok("POST", "/cluster/ha/resources", sid="vm:100")
    root.ok("POST", "/cluster/ha/rules", rule="home", type="node-affinity", nodes="pve1", resources="vm:100")
    root.ok("POST", "/cluster/backup", storage="local", schedule="daily", all=1, prune_backups="keep-last=1")
    root.ok("POST", "/cluster/sdn/zones", zone="clinic", type="simple")
    root.ok("POST", "/nodes/pve1/network", iface="vmbr1", type="bridge")
    root.ok("PUT", "/cluster/options", migration="secure")
    site.settled()
    site.close()

    [cluster] = [one.cluster for one in own_lab.sites.values()]
    for area in AREAS:
        for name in area.persists:
            kept = getattr(cluster, name)
            assert json.loads(json.dumps(kept)) == kept
