"""Users, groups, tokens, roles, grants and realms of the simulated API."""

import json
import time

import pytest


@pytest.fixture
def bob(site, root):
    root.ok("POST", "/access/users", userid="bob@pve", password="Secret123")
    return site.login("bob@pve", "Secret123")


def allow(root, path, role, **subject):
    root.ok("PUT", "/access/acl", path=path, roles=role, **subject)


def test_a_user_carries_its_groups_and_tokens_in_the_full_list(root):
    root.ok("POST", "/access/groups", groupid="ops")
    root.ok("POST", "/access/users", userid="al@pve", groups="ops")
    root.ok("POST", "/access/users/al@pve/token/ci", comment="pipeline")

    rows = {row["userid"]: row for row in root.get("/access/users", full=1)}

    assert rows["al@pve"]["groups"] == "ops"
    assert rows["al@pve"]["tokens"] == [{"tokenid": "ci", "comment": "pipeline", "expire": 0, "privsep": 1}]
    assert rows["root@pam"]["realm-type"] == "pam"


def test_a_wrong_password_is_refused(site, bob):
    with pytest.raises(AssertionError, match="authentication failure"):
        site.login("bob@pve", "Secret124")


def test_a_user_changes_its_own_password_only_by_confirming_the_old_one(site, bob):
    refused = bob("PUT", "/access/password", userid="bob@pve", password="Secret999")
    assert refused.errors == {"confirmation-password": "password is required to modify user"}

    bob.ok(
        "PUT", "/access/password", userid="bob@pve", password="Secret999", confirmation_password="Secret123"
    )

    site.login("bob@pve", "Secret999")


def test_a_disabled_user_is_logged_out(root, bob):
    root.ok("PUT", "/access/users/bob@pve", enable=0)

    assert bob("GET", "/version").status == 401


def test_a_token_opens_the_door_with_the_value_that_is_shown_once(site, root):
    made = root.ok("POST", "/access/users/root@pam/token/ci", privsep=0)
    token = site.token(made["full-tokenid"], made["value"])

    assert token.get("/access/users")
    assert "value" not in root.get("/access/users/root@pam/token/ci")


def test_a_regenerated_token_has_a_new_value_and_the_old_one_is_refused(site, root):
    old = root.ok("POST", "/access/users/root@pam/token/ci", privsep=0)
    new = root.ok("PUT", "/access/users/root@pam/token/ci", regenerate=1)

    assert site.token("root@pam!ci", old["value"])("GET", "/version").status == 401
    assert site.token("root@pam!ci", new["value"])("GET", "/version").status == 200


@pytest.mark.parametrize("change", [{"expire": 1}, None])
def test_an_expired_or_deleted_token_is_refused(site, root, change):
    made = root.ok("POST", "/access/users/root@pam/token/ci", privsep=0)
    token = site.token(made["full-tokenid"], made["value"])
    token.get("/version")

    root.ok("PUT" if change else "DELETE", "/access/users/root@pam/token/ci", **(change or {}))

    refused = token("GET", "/version")
    assert (refused.status, refused.reason) == (401, "Authentication failed!")


def test_a_token_that_expires_later_still_works(site, root):
    made = root.ok("POST", "/access/users/root@pam/token/ci", privsep=0, expire=int(time.time()) + 3600)

    assert site.token(made["full-tokenid"], made["value"])("GET", "/version").status == 200


def test_the_state_holds_no_secret_and_is_plain_json(site, root, bob):
    made = root.ok("POST", "/access/users/bob@pve/token/ci")

    kept = json.loads(site.state.read_text())["areas"]["access"]

    assert "bob@pve" in kept["users"]
    assert made["value"] not in json.dumps(kept)
    assert "Secret123" not in json.dumps(kept)


def test_a_separated_token_has_only_what_it_and_its_user_both_have(site, root):
    root.ok("POST", "/access/users", userid="bob@pve", password="Secret123")
    made = root.ok("POST", "/access/users/bob@pve/token/ci", privsep=1)
    token = site.token(made["full-tokenid"], made["value"])
    allow(root, "/", "PVEAuditor", tokens="bob@pve!ci")
    assert token.get("/access/permissions") == {}

    allow(root, "/nodes", "PVESysAdmin", users="bob@pve")

    assert token.get("/access/permissions") == {"/nodes": {"Sys.Audit": 1}}


def test_a_token_without_separation_has_the_rights_of_its_user(site, root, bob):
    made = root.ok("POST", "/access/users/bob@pve/token/ci", privsep=0)
    allow(root, "/nodes", "PVESysAdmin", users="bob@pve")

    assert site.token(made["full-tokenid"], made["value"]).get("/access/permissions") == bob.get(
        "/access/permissions"
    )


def test_a_refusal_names_the_path_and_the_privilege(bob):
    refused = bob("POST", "/pools", poolid="x")

    assert refused.status == 403
    assert refused.reason == "Permission check failed (/pool/x, Pool.Allocate)"


def test_even_a_token_of_root_is_not_root_itself(site, root):
    made = root.ok("POST", "/access/users/root@pam/token/ci", privsep=0)
    token = site.token(made["full-tokenid"], made["value"])

    join = token(
        "POST", "/cluster/config/join", hostname="x", password="xxxxx", fingerprint="AA:" * 31 + "AA"
    )
    password = token("PUT", "/access/password", userid="bob@pve", password="Secret1234")

    assert join.reason == "Permission check failed (user != root@pam)"
    assert password.reason.startswith("Permission check failed (URI '/access/password' not available with")


def test_group_rights_reach_the_members_and_nobody_else(root, bob):
    root.ok("POST", "/access/groups", groupid="ops")
    allow(root, "/storage", "PVEDatastoreUser", groups="ops")
    assert bob.get("/storage") == []

    root.ok("PUT", "/access/users/bob@pve", groups="ops")

    assert {row["storage"] for row in bob.get("/storage")} == {"local", "other"}


def test_a_grant_further_down_replaces_what_is_inherited(root, bob):
    allow(root, "/storage", "PVEDatastoreUser", users="bob@pve")
    allow(root, "/storage/other", "NoAccess", users="bob@pve")

    assert [row["storage"] for row in bob.get("/storage")] == ["local"]


def test_a_grant_that_does_not_propagate_counts_only_on_its_own_path(root, bob):
    allow(root, "/storage", "PVEDatastoreUser", users="bob@pve", propagate=0)

    assert bob.get("/storage") == []
    assert bob.get("/access/permissions", path="/storage") == {
        "/storage": {"Datastore.AllocateSpace": 0, "Datastore.Audit": 0}
    }


def test_rights_on_a_pool_are_rights_on_its_members(site, root, bob):
    site.add_vm(100, "web", node="pve1")
    site.add_vm(101, "db", node="pve1")
    root.ok("POST", "/pools", poolid="prod")
    root.ok("PUT", "/pools", poolid="prod", vms="100", storage="local")
    allow(root, "/pool/prod", "PVEAuditor", users="bob@pve")

    seen = bob.get("/cluster/resources")

    assert [row["vmid"] for row in seen if row["type"] == "qemu"] == [100]
    assert {row["storage"] for row in seen if row["type"] == "storage"} == {"local"}
    assert [row["poolid"] for row in bob.get("/pools")] == ["prod"]


def test_a_destroyed_guest_takes_its_grants_with_it(site, root, bob):
    site.add_vm(100, "web", node="pve1")
    allow(root, "/vms/100", "PVEVMUser", users="bob@pve")

    root.ok("DELETE", "/nodes/pve1/qemu/100")

    assert root.get("/access/acl") == []


def test_a_deleted_user_takes_its_grants_with_it(root, bob):
    allow(root, "/", "PVEAuditor", users="bob@pve")

    root.ok("DELETE", "/access/users/bob@pve")

    assert root.get("/access/acl") == []


def test_an_administrator_of_guests_cannot_give_away_more_than_it_has(root, bob):
    allow(root, "/vms", "PVEVMAdmin", users="bob@pve")

    refused = bob("PUT", "/access/acl", path="/vms/100", roles="Administrator", users="bob@pve")

    assert "requires 'Permissions.Modify' or superset of privileges" in refused.message


def test_nothing_is_written_without_quorum(site, root):
    site.lose_quorum()

    refused = root("POST", "/access/groups", groupid="ops")

    assert refused.reason == "create group failed: cfs-lock 'file-user_cfg' error: no quorum!"
    assert root.get("/access/groups") == []


def test_release_8_knows_the_monitor_and_not_the_guest_agent(site8):
    admin = site8.root.get("/access/roles/PVEVMAdmin")

    assert "VM.Monitor" in admin
    assert not [name for name in admin if name.startswith("VM.GuestAgent") or name == "VM.Replicate"]
    refused = site8.root("POST", "/access/roles", roleid="R", privs="VM.Replicate")
    assert "invalid privilege 'VM.Replicate'" in refused.errors["privs"]


def test_a_realm_is_changed_only_by_who_has_seen_its_newest_state(root):
    ldap = {"type": "ldap", "server1": "10.0.0.5", "base_dn": "dc=x", "user_attr": "uid"}
    root.ok("POST", "/access/domains", realm="corp", **ldap)
    seen = root.get("/access/domains/corp")["digest"]
    root.ok("PUT", "/access/domains/corp", server2="10.0.0.6", digest=seen)

    stale = root("PUT", "/access/domains/corp", server2="10.0.0.7", digest=seen)

    assert stale.reason.startswith("update auth server failed: detected modified configuration")
