"""Every kind but guests against the lab's API: made, changed, adopted and removed by the command line."""

import copy
import shutil

import pytest
import requests
import yaml

from lab.running import running_lab
from lab.spec import LabSpec
from tests.integration.conftest import ESTATES, Bastide, site_api

SITE = "carpentras"
MARK = "[bastide:proof"
LISTS = (
    "/pools",
    "/access/users?full=1",
    "/access/groups",
    "/cluster/firewall/aliases",
    "/cluster/firewall/ipset",
    "/cluster/firewall/groups",
    "/cluster/ha/resources",
    "/cluster/replication",
    "/cluster/backup",
    "/cluster/sdn/vnets",
    "/nodes/ventoux-1/network",
    "/nodes/ventoux-1/qemu",
)
HOME = {"ventoux-1": 2, "ventoux-2": None}
OF_VERSION = {
    9: {"rules": {"home": {"type": "node-affinity", "guests": ["dpi"], "nodes": HOME}}},
    8: {"groups": {"home": {"nodes": HOME, "comment": "where its data is"}}},
}
CHANGES = yaml.safe_load((ESTATES / "kinds_changed.yml").read_text())
UNMARKABLE = ["storage/exports", "role/Astreinte", "sdn_zone/clinic"]


def merged(one, other):
    """Two documents as one; the second over the first, None takes away."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    whole = one | {key: merged(one.get(key), value) for key, value in other.items()}
    return {key: value for key, value in whole.items() if value is not None}


class Cluster:
    """One site of a lab, with an estate that a test rewrites."""

    def __init__(self, lab, folder, major):
        folder.mkdir()
        shutil.copy(ESTATES / "kinds.yml", folder / "estate.yml")
        self.site, self.major = lab.sites[SITE], major
        (folder / "api.yml").write_text(
            yaml.safe_dump({"sites": {SITE: {"api": site_api(lab, SITE, "LAB_TOKEN")}}})
        )
        self.bastide = Bastide(folder, {"LAB_TOKEN": self.site.secret})
        self.document = yaml.safe_load((folder / "estate.yml").read_text())
        self.change(
            {"version": major, "ha": OF_VERSION[major]}, {"ha": {"group": "home"}} if major == 8 else {}
        )

    def change(self, site, guest):
        """Lay a piece over the site and its guest."""
        changes = {"sites": {SITE: site}, "guests": {"dpi": guest}}
        self.write(merged(copy.deepcopy(self.document), changes))

    def write(self, document):
        self.document = document
        (self.bastide.folder / "estate.yml").write_text(yaml.safe_dump(document, sort_keys=False))

    def apply(self, *options):
        ran = self.bastide("apply", "--yes", *options)
        assert ran.code == 0, ran.err
        self.assert_unchanged()

    def assert_unchanged(self, *options):
        plan = self.bastide("plan", *options)
        assert plan.code == 0, plan.out + plan.err

    def get(self, path, name="data"):
        url = f"{self.site.urls[0]}/api2/json{path}"
        answer = requests.get(url, headers=self.site.token_header, verify=self.site.cafile, timeout=10)
        return answer.json().get(name)


@pytest.fixture(params=[9, 8])
def cluster(request, tmp_path):
    with running_lab(LabSpec.sized(sites=1, pve_major=request.param), tmp_path / "lab") as lab:
        made = Cluster(lab, tmp_path / "estate", request.param)
        made.apply()
        yield made
        assert lab.control.illegal() == []


def test_every_kind_is_made_changed_adopted_and_removed(cluster):
    change_everything(cluster)
    adopt(cluster)
    remove_everything(cluster)


def change_everything(cluster):
    """Each object changes where it stands; the rules end up in the wanted order."""
    cluster.change(CHANGES["site"], CHANGES["guest"])
    ran = cluster.bastide("plan", "--json")
    assert ran.code == 4, ran.err
    assert "replace" not in {step["action"] for step in ran.json["steps"]}
    assert cluster.bastide("apply", "--yes").code == 5  # fewer backups would be kept
    cluster.apply("--allow", "shrink=*")
    rules = [row.get("source") or row["action"] for row in cluster.get("/cluster/firewall/rules")]
    assert cluster.get("/nodes/ventoux-1/network", "changes") is None
    assert [row for row in cluster.get("/cluster/sdn/vnets?pending=1") if "state" in row] == []
    assert rules == ["dicom", "10.84.0.0/24", "ACCEPT", "+dc/admins", "DROP"]


def adopt(cluster):
    """What was adopted is what is there."""
    adopted = cluster.bastide.folder / "adopted.yml"
    ran = cluster.bastide("adopt", "-o", str(adopted))
    assert ran.code == 0, ran.err
    cluster.assert_unchanged("-e", str(adopted))


def remove_everything(cluster):
    """Nothing of ours is left once the estate wants nothing but its nodes."""
    nodes = cluster.document["sites"][SITE]["nodes"]
    bare = {name: {key: node[key] for key in ("address", "memory", "cores")} for name, node in nodes.items()}
    bare["ventoux-1"]["interfaces"] = {"vmbr0": nodes["ventoux-1"]["interfaces"]["vmbr0"]}
    site = {"cluster": "ventoux", "version": cluster.major, "nodes": bare, "remove": UNMARKABLE}
    cluster.write({"include": ["api.yml"], "estate": "proof", "sites": {SITE: site}})
    assert cluster.bastide("apply", "--yes").code == 5
    cluster.apply("--allow", "destroy=*")
    assert [path for path in LISTS if any(is_ours(row) for row in cluster.get(path))] == []
    assert "exports" not in {row["storage"] for row in cluster.get("/storage")}
    assert cluster.get("/cluster/sdn/zones?pending=1") == []


def is_ours(row):
    """Whether an object carries the mark; a replication job that Proxmox VE is removing does not count."""
    return MARK in str(row) and "remove_job" not in row
