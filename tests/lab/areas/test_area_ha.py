"""HA resources, rules and groups, and what the simulated HA stack does with them."""

import pytest


@pytest.fixture
def guests(site):
    """VMs 100 to 102, stopped on pve1."""
    for vmid in (100, 101, 102):
        site.add_vm(vmid, f"vm{vmid}", node="pve1")


def manage(root, *vmids, **options):
    for vmid in vmids:
        root.ok("POST", "/cluster/ha/resources", sid=f"vm:{vmid}", **options)


def node_rule(root, name, nodes, *vmids, **options):
    resources = ",".join(f"vm:{vmid}" for vmid in vmids)
    rule = {"rule": name, "type": "node-affinity", "nodes": nodes, "resources": resources, **options}
    return root("POST", "/cluster/ha/rules", **rule)


def bond(root, name, affinity, *vmids):
    resources = ",".join(f"vm:{vmid}" for vmid in vmids)
    rule = {"rule": name, "type": "resource-affinity", "affinity": affinity, "resources": resources}
    return root("POST", "/cluster/ha/rules", **rule)


def seen(site, root, vmid):
    site.settled()
    return next(row for row in root.get("/cluster/resources", type="vm") if row["vmid"] == vmid)


def test_a_managed_guest_is_started_after_its_answer(site, root, guests):
    manage(root, 100, state="started")

    row = seen(site, root, 100)

    assert (row["status"], row["hastate"]) == ("running", "started")


def test_a_stopped_resource_is_stopped_and_an_ignored_one_left_alone(site, root, guests):
    for vmid in (100, 101):
        root.ok("POST", f"/nodes/pve1/qemu/{vmid}/status/start")
    manage(root, 100, state="stopped")
    manage(root, 101, state="ignored")

    assert (seen(site, root, 100)["status"], seen(site, root, 100)["hastate"]) == ("stopped", "stopped")
    assert seen(site, root, 101)["status"] == "running"
    assert "hastate" not in seen(site, root, 101)


def test_a_guest_outside_its_strict_rule_is_moved_and_keeps_running(site, root, guests):
    manage(root, 100)
    assert seen(site, root, 100)["node"] == "pve1"

    assert node_rule(root, "home", "pve3", 100, strict=1).status == 200

    row = seen(site, root, 100)
    assert (row["node"], row["status"], row["hastate"]) == ("pve3", "running", "started")


def test_the_node_of_highest_priority_is_preferred(site, root, guests):
    manage(root, 100)

    node_rule(root, "home", "pve1:1,pve2:5,pve3", 100)

    assert seen(site, root, 100)["node"] == "pve2"


def test_guests_that_must_be_apart_are_separated(site, root, guests):
    manage(root, 100, 101, 102)

    bond(root, "apart", "negative", 100, 101, 102)

    assert {seen(site, root, vmid)["node"] for vmid in (100, 101, 102)} == {"pve1", "pve2", "pve3"}


def test_guests_that_belong_together_follow_the_one_with_a_home(site, root, guests):
    manage(root, 100, 101)
    node_rule(root, "home", "pve2", 100, strict=1)
    assert seen(site, root, 101)["node"] == "pve1"

    bond(root, "together", "positive", 100, 101)

    assert seen(site, root, 100)["node"] == seen(site, root, 101)["node"]


def test_the_guests_of_a_dead_node_are_recovered_elsewhere(site, root, guests):
    manage(root, 100)
    node_rule(root, "home", "pve2:2,pve3", 100, strict=1)
    assert seen(site, root, 100)["node"] == "pve2"

    site.lose_node("pve2")

    def recovered():
        row = seen(site, root, 100)
        return (row["node"], row["status"]) == ("pve3", "running")

    assert site.eventually(recovered)


def test_a_guest_that_cannot_start_is_in_error_until_it_is_disabled(site, root, guests):
    root.ok("PUT", "/nodes/pve1/qemu/100/config", net0="virtio=BC:24:11:00:00:01,bridge=vmbr77")
    manage(root, 100)
    assert seen(site, root, 100)["hastate"] == "error"

    refused = root("PUT", "/cluster/ha/resources/vm:100", state="started")

    assert "in error state, must be disabled and fixed first" in refused.reason
    root.ok("PUT", "/cluster/ha/resources/vm:100", state="disabled")


def test_starting_and_stopping_a_managed_guest_changes_what_is_requested(site, root, guests):
    manage(root, 100, state="stopped")

    root.ok("POST", "/nodes/pve1/qemu/100/status/start")
    assert root.get("/cluster/ha/resources/vm:100")["state"] == "started"
    assert seen(site, root, 100)["status"] == "running"

    root.ok("POST", "/nodes/pve1/qemu/100/status/stop")
    assert root.get("/cluster/ha/resources/vm:100")["state"] == "stopped"
    assert seen(site, root, 100)["status"] == "stopped"


def test_nothing_moves_while_ha_is_disarmed(site, root, guests):
    manage(root, 100, state="stopped")
    root.ok("POST", "/cluster/ha/status/disarm-ha", resource_mode="freeze")
    root.ok("PUT", "/cluster/ha/resources/vm:100", state="started")
    assert seen(site, root, 100)["status"] == "stopped"

    root.ok("POST", "/cluster/ha/status/arm-ha")

    assert seen(site, root, 100)["status"] == "running"


def test_a_requested_move_goes_where_the_rules_allow(site, root, guests):
    manage(root, 100, failback=0)

    answer = root.ok("POST", "/cluster/ha/resources/vm:100/migrate", node="pve2")

    assert answer == {"sid": "vm:100", "requested-node": "pve2"}
    assert seen(site, root, 100)["node"] == "pve2"


def test_migrating_a_managed_guest_only_asks_and_obeys_the_rules(site, root, guests):
    manage(root, 100, failback=0)
    node_rule(root, "home", "pve1,pve2", 100, strict=1)
    site.settled()

    upid = root.ok("POST", "/nodes/pve1/qemu/100/migrate", target="pve2", online=1)
    assert upid.split(":")[5] == "hamigrate"
    assert seen(site, root, 100)["node"] == "pve2"

    upid = root.ok("POST", "/nodes/pve2/qemu/100/migrate", target="pve3", online=1)
    assert "cannot migrate" in root.get(f"/nodes/pve2/tasks/{upid}/status")["exitstatus"]
    assert seen(site, root, 100)["node"] == "pve2"


def test_a_purged_guest_leaves_its_resources_and_rules(site, root, guests):
    manage(root, 100, 101, state="stopped")
    node_rule(root, "both", "pve1", 100, 101)
    node_rule(root, "alone", "pve2", 100)
    site.settled()

    refused = root("DELETE", "/nodes/pve1/qemu/100")
    assert "used in HA resources and purge parameter not set" in refused.reason
    root.ok("DELETE", "/nodes/pve1/qemu/100", purge=1)

    assert [row["sid"] for row in root.get("/cluster/ha/resources")] == ["vm:101"]
    assert [(rule["rule"], rule["resources"]) for rule in root.get("/cluster/ha/rules")] == [
        ("both", "vm:101")
    ]


def test_omitted_options_stay_omitted(root, guests):
    manage(root, 100)

    shown = root.get("/cluster/ha/resources/vm:100")

    assert shown.keys() == {"sid", "type", "digest"}


def test_a_rule_names_only_what_its_type_has(root, guests):
    manage(root, 100, 101)

    refused = root(
        "POST", "/cluster/ha/rules", rule="r1", type="resource-affinity", resources="vm:100,vm:101", strict=1
    )

    assert refused.status == 400
    assert refused.errors["affinity"] == "property is missing and it is not optional"
    assert refused.errors["strict"].startswith("property is not defined in schema")


def test_a_rule_change_with_an_old_digest_is_refused(root, guests):
    manage(root, 100)
    node_rule(root, "r1", "pve1", 100)
    old = root.get("/cluster/ha/rules/r1")["digest"]
    root.ok("PUT", "/cluster/ha/rules/r1", type="node-affinity", comment="new")

    stale = root("PUT", "/cluster/ha/rules/r1", type="node-affinity", comment="newer", digest=old)

    assert stale.reason.startswith("update ha rule failed: detected modified configuration")


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ("pve1:2,pve2", "cannot be in a node affinity rule with multiple priorities"),
        ("pve1", "restrict these to less nodes than available to the resources"),
    ],
)
def test_a_home_that_contradicts_a_separation_is_infeasible(site, root, guests, nodes, why):
    manage(root, 100, 101, state="stopped")
    site.settled()
    bond(root, "apart", "negative", 100, 101)

    refused = node_rule(root, "home", nodes, 100, 101)

    assert refused.reason == "create ha rule failed: 400 Rule 'home' is invalid."
    assert why in refused.message


def test_a_disabled_rule_may_be_infeasible_and_moves_nothing(site, root, guests):
    manage(root, 100)
    node_rule(root, "home", "pve1", 100)

    assert node_rule(root, "later", "pve2", 100, disable=1).status == 200

    assert seen(site, root, 100)["node"] == "pve1"


def test_no_rule_is_written_without_quorum(site, root, guests):
    manage(root, 100)
    site.lose_quorum()

    refused = node_rule(root, "home", "pve1", 100)

    assert refused.reason == "create ha rule failed: cfs-lock 'domain-ha' error: no quorum!"


def test_release_8_places_guests_by_groups(site8):
    root, site = site8.root, site8
    site.add_vm(100, "vm100", node="pve1")
    root.ok("POST", "/cluster/ha/groups", group="cavaillon", nodes="pve2", restricted=1)

    root.ok("POST", "/cluster/ha/resources", sid="vm:100", group="cavaillon")

    assert seen(site, root, 100)["node"] == "pve2"
    assert root("DELETE", "/cluster/ha/groups/cavaillon").message.endswith("used by service 'vm:100'\n")
    assert root("GET", "/cluster/ha/rules").reason == "Method 'GET /cluster/ha/rules' not implemented"
    assert root("PUT", "/cluster/ha/resources/vm:100", failback=0).errors.keys() == {"failback"}
