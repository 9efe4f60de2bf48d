"""Tokens that may not do everything: what they cannot see is unknown, what they may not do is named."""

from tests.integration.bad_days.scenes import SITE, Scene, told

AUDIT_BUT_GUESTS = "Datastore.Audit,Mapping.Audit,Pool.Audit,SDN.Audit,Sys.Audit"


def test_a_token_that_may_only_look_can_plan(applied: Scene):
    applied.as_token(applied.operator.token("auditor", ("/", "PVEAuditor")))
    applied.bastide.edit("estate.yml", "memory: 4G", "memory: 6G")
    ran = applied.bastide("plan", "--json")
    assert ran.code == 4, ran.err
    assert [step["ref"] for step in ran.json["steps"]] == [f"{SITE}/vm/110"]
    assert ran.json["unknown"] == []


def test_a_token_that_may_only_look_is_told_what_it_needs_to_apply(applied: Scene):
    applied.as_token(applied.operator.token("auditor", ("/", "PVEAuditor")))
    applied.bastide.edit("estate.yml", "memory: 4G", "memory: 6G")
    before = applied.operator.guest(110)
    ran = applied.bastide("apply", "--yes")
    told(
        ran,
        1,
        "root@pam!auditor needs Pool.Allocate on /pool/bastide-lock",
        "pveum acl modify /pool/bastide-lock",
    )
    assert applied.operator.guest(110) == before


def test_a_step_that_lacks_a_privilege_names_it_and_its_path(applied: Scene):
    applied.operator("POST", "/access/roles", roleid="Cores", privs="VM.Config.CPU,VM.Audit")
    roles = (("/", "PVEAuditor"), ("/pool", "PVEPoolAdmin"), ("/vms", "Cores"))
    applied.as_token(applied.operator.token("pooler", *roles))
    applied.bastide.edit("estate.yml", "comment: Clinic", "comment: The clinic")
    applied.bastide.edit("estate.yml", "memory: 4G", "memory: 6G")
    ran = applied.bastide("apply", "--yes")
    told(
        ran,
        1,
        "1 step failed",
        "root@pam!pooler needs VM.Config.Memory on /vms/110",
        "pveum acl modify /vms/110",
    )
    assert applied.operator.guest(110)["memory"] == "4096"
    assert {pool["poolid"]: pool["comment"] for pool in applied.operator("GET", "/pools")} == {
        "clinic": "The clinic [bastide:small]"
    }


def test_guests_that_a_token_may_not_see_are_unknown_and_nothing_is_planned_for_them(applied: Scene):
    applied.operator("POST", "/access/roles", roleid="Blind", privs=AUDIT_BUT_GUESTS)
    applied.as_token(applied.operator.token("blind", ("/", "Blind")))
    applied.bastide.edit("estate.yml", "memory: 4G", "memory: 6G")
    applied.bastide.edit("estate.yml", "comment: On call", "comment: Always on call")
    ran = applied.bastide("plan", "--json")
    assert ran.code == 4
    assert [step["ref"] for step in ran.json["steps"]] == [f"{SITE}/group/astreinte"]
    reasons = {one["ref"]: one["reason"] for one in ran.json["unknown"]}
    assert "root@pam!blind lacks VM.Audit on /vms" in reasons[f"{SITE}/vm/*"]
    assert "pveum acl modify /vms" in reasons[f"{SITE}/vm/*"]


def test_a_plan_of_nothing_but_unseen_guests_ends_with_exit_6(applied: Scene):
    applied.operator("POST", "/access/roles", roleid="Blind", privs=AUDIT_BUT_GUESTS)
    applied.as_token(applied.operator.token("blind", ("/", "Blind")))
    ran = applied.bastide("plan")
    assert ran.code == 6
    assert f"{SITE}: all of kind vm: root@pam!blind lacks VM.Audit on /vms" in " ".join(ran.out.split())
