"""Users, tokens and access control entries: what is made in which call, and what is never touched."""

import pytest
from kind_cases import MARK, answers, estate, ref, scope, seen, wanted, work

from provisioner.model.base import SecretRef
from provisioner.model.objects import Mark
from provisioner.resources import acl, group, role, token, user

BUILDING = "[bastide:synergia+building]"
SITE = {
    "access": {
        "roles": {"Astreinte": {"privileges": ["VM.PowerMgmt", "VM.Audit"]}},
        "groups": {"ops": {"comment": "On call"}},
        "users": {
            "marie@pve": {
                "groups": ["ops"],
                "password": "env:MARIE",
                "tokens": {"t1": {"secret": "file:secrets/t1", "comment": "tok"}},
            }
        },
        "acl": [
            {"path": "/vms/110", "role": "Astreinte", "users": ["marie@pve"], "tokens": ["marie@pve!t1"]}
        ],
    }
}
TOKEN = "/access/users/marie@pve/token/t1"


@pytest.fixture
def document():
    return estate(SITE)


def row(**changed):
    return {
        "/access/users?full=1": [
            {"userid": "marie@pve", "enable": 1, "expire": 0, "groups": "ops", **changed}
        ]
    }


def test_a_password_goes_only_into_the_call_that_makes_a_user(document):
    desired = wanted(user.KIND, document, "marie@pve")
    (made,) = user.KIND.calls(work(user.KIND, desired, None))
    assert made.secrets == {"password": SecretRef("env:MARIE")}
    assert made.params == {"userid": "marie@pve", "groups": "ops", "comment": MARK}
    observed = seen(user.KIND, row(email="old@example.org", comment=MARK), "marie@pve")
    (changed,) = user.KIND.calls(work(user.KIND, desired, observed))
    assert (changed.params, changed.secrets) == ({"email": ""}, {})


def test_a_user_that_we_did_not_make_keeps_its_comment_without_our_mark(document):
    desired = wanted(user.KIND, document, "marie@pve")
    observed = seen(user.KIND, row(comment="by hand"), "marie@pve")
    assert observed.mark is Mark.NONE
    (changed,) = user.KIND.calls(work(user.KIND, desired, observed))
    assert changed.params == {"comment": ""}


def test_root_and_the_built_in_roles_are_not_seen_and_so_never_touched():
    found = answers(9)
    assert seen(user.KIND, found, "root@pam") is None
    assert seen(token.KIND, found, "root@pam!x") is None
    assert seen(role.KIND, found, "PVEVMUser") is None
    assert not [one for one in acl.KIND.parse(scope(), found) if "root@pam" in one.ref.id]


def test_a_token_is_building_until_its_secret_is_kept(document):
    desired = wanted(token.KIND, document, "marie@pve!t1")
    made, finished = token.KIND.calls(work(token.KIND, desired, None))
    assert (made.method, made.path) == ("POST", TOKEN)
    assert made.params["comment"] == f"tok {BUILDING}"
    assert made.reveals == SecretRef("file:secrets/t1")
    assert (finished.method, finished.params) == ("PUT", {"comment": f"tok {MARK}"})


def test_a_token_whose_secret_was_lost_is_made_again(document):
    desired = wanted(token.KIND, document, "marie@pve!t1")
    half = row(tokens=[{"tokenid": "t1", "privsep": 1, "expire": 0, "comment": f"tok {BUILDING}"}])
    observed = seen(token.KIND, half, "marie@pve!t1")
    assert observed.mark is Mark.BUILDING
    calls = token.KIND.calls(work(token.KIND, desired, observed))
    assert [(one.method, one.path) for one in calls] == [("DELETE", TOKEN), ("POST", TOKEN), ("PUT", TOKEN)]


def test_a_token_changes_without_a_new_secret(document):
    desired = wanted(token.KIND, document, "marie@pve!t1")
    open_one = row(tokens=[{"tokenid": "t1", "privsep": 0, "expire": 1893456000, "comment": "tok"}])
    (changed,) = token.KIND.calls(work(token.KIND, desired, seen(token.KIND, open_one, "marie@pve!t1")))
    assert (changed.method, changed.reveals) == ("PUT", None)
    assert changed.params == {"privsep": 1, "expire": 0}


def test_an_entry_is_made_for_each_grantee_and_waits_for_its_role_and_grantee(document):
    one = wanted(acl.KIND, document, "/vms/110:token:marie@pve!t1:Astreinte")
    assert one.requires == {ref("role", "Astreinte"), ref("token", "marie@pve!t1")}
    (made,) = acl.KIND.calls(work(acl.KIND, one, None))
    assert made.params == {"path": "/vms/110", "roles": "Astreinte", "tokens": "marie@pve!t1", "propagate": 1}


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("/vms/110:user:marie@pve:Astreinte", Mark.OURS),
        ("/:token:marie@pve!t2:PVEAuditor", Mark.OURS),
        ("/vms/110:user:paul@pve:Astreinte", Mark.NONE),
        ("/vms/110:group:ops:Astreinte", Mark.NONE),
    ],
)
def test_an_entry_is_ours_if_its_grantee_is(name, mark):
    assert seen(acl.KIND, answers(9), name).mark is mark


def test_an_entry_of_a_token_that_is_being_made_is_no_unfinished_entry():
    found = row(tokens=[{"tokenid": "t1", "comment": BUILDING}]) | {
        "/access/acl": [{"path": "/", "roleid": "PVEAuditor", "type": "token", "ugid": "marie@pve!t1"}]
    }
    assert seen(acl.KIND, found, "/:token:marie@pve!t1:PVEAuditor").mark is Mark.OURS


def test_an_entry_is_withdrawn_from_its_grantee_alone():
    observed = seen(acl.KIND, answers(9), "/vms/110:group:ops:Astreinte")
    (gone,) = acl.KIND.calls(work(acl.KIND, None, observed))
    assert gone.params == {"path": "/vms/110", "roles": "Astreinte", "groups": "ops", "delete": 1}


def test_grantees_of_one_role_on_one_path_share_an_entry_of_the_estate():
    fragment = acl.KIND.adopt(scope(), acl.KIND.parse(scope(), answers(9)))
    assert {"path": "/vms/110", "role": "Astreinte", "users": ["marie@pve", "paul@pve"]} in fragment[
        "access"
    ]["acl"]


def test_a_role_is_told_all_its_privileges_at_once(document):
    desired = wanted(role.KIND, document, "Astreinte")
    observed = seen(
        role.KIND, {"/access/roles": [{"roleid": "Astreinte", "privs": "VM.Audit,VM.Console"}]}, "Astreinte"
    )
    (changed,) = role.KIND.calls(work(role.KIND, desired, observed))
    assert changed.params == {"privs": "VM.Audit,VM.PowerMgmt"}


def test_the_mark_of_a_group_of_ours_survives_a_new_comment(document):
    desired = wanted(group.KIND, document, "ops")
    observed = seen(group.KIND, {"/access/groups": [{"groupid": "ops", "comment": f"old {MARK}"}]}, "ops")
    (changed,) = group.KIND.calls(work(group.KIND, desired, observed))
    assert changed.params == {"comment": f"On call {MARK}"}
