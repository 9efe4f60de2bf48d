"""Datacenter options of the simulated API, and the ids that they allow."""

import pytest

OPTIONS = "/cluster/options"


def test_property_strings_come_back_as_objects(root):
    root.ok("PUT", OPTIONS, migration="secure,network=10.250.0.0/24", crs="ha=static", keyboard="fr")

    shown = root.get(OPTIONS)

    assert shown["migration"] == {"type": "secure", "network": "10.250.0.0/24"}
    assert shown["crs"] == {"ha": "static"}
    assert (shown["keyboard"], shown["mac_prefix"]) == ("fr", "BC:24:11")


def test_a_deleted_option_is_its_default_again(root):
    root.ok("PUT", OPTIONS, mac_prefix="BC:24:12")

    root.ok("PUT", OPTIONS, delete="mac_prefix")

    assert root.get(OPTIONS)["mac_prefix"] == "BC:24:11"


def test_an_unknown_option_is_not_deleted(root):
    assert root("PUT", OPTIONS, delete="nonsense").errors == {"delete": "unknown option 'nonsense'"}


def test_tags_in_use_are_allowed_unless_a_list_says_otherwise(site, root):
    site.add_vm(100, "web", node="pve1", tags="prod;web")
    root.ok("PUT", OPTIONS, **{"registered-tags": "tier0"})
    assert root.get(OPTIONS)["allowed-tags"] == ["prod", "tier0", "web"]

    root.ok("PUT", OPTIONS, **{"user-tag-access": "user-allow=list,user-allow-list=dev;test"})

    assert root.get(OPTIONS)["allowed-tags"] == ["dev", "test", "tier0"]


def test_who_may_not_audit_sees_only_what_everyone_may(site, root):
    root.ok("PUT", OPTIONS, keyboard="fr", console="html5")
    root.ok("POST", "/access/users", userid="bob@pve", password="Secret123")

    assert site.login("bob@pve", "Secret123").get(OPTIONS) == {"allowed-tags": [], "console": "html5"}


def test_the_next_id_lies_in_the_range_of_the_options(site, root):
    root.ok("PUT", OPTIONS, next_id="lower=200,upper=202")
    assert root.get("/cluster/nextid") == "200"

    for vmid in (200, 201):
        site.add_vm(vmid, f"vm{vmid}", node="pve1")

    assert "unable to get any free VMID in range [200, 202]" in root("GET", "/cluster/nextid").message


@pytest.mark.parametrize(
    ("method", "path", "options", "reason"),
    [
        ("PUT", OPTIONS, {"keyboard": "fr"}, "cfs-lock 'file-datacenter_cfg' error: no quorum!"),
        ("POST", "/pools", {"poolid": "p"}, "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!"),
        (
            "DELETE",
            "/storage/other",
            {},
            "delete storage failed: cfs-lock 'file-storage_cfg' error: no quorum!",
        ),
        (
            "POST",
            "/cluster/firewall/aliases",
            {"name": "lan", "cidr": "10.0.0.0/8"},
            "cfs-lock 'firewall-cluster' error: no quorum!",
        ),
    ],
)
def test_the_cluster_is_read_only_without_quorum(site, method, path, options, reason):
    site.lose_quorum()

    assert site.root(method, path, **options).reason == reason
    assert site.root("GET", "/pools").status == 200
