"""Plan, apply, plan: on an estate with every kind of object."""

import pytest

from lab.running import running_lab
from lab.spec import LabSpec
from tests.integration.conftest import prepare

KINDS = {
    *("storage", "pool", "role", "group", "user", "token", "acl", "interface"),
    *(
        "sdn_zone",
        "sdn_vnet",
        "sdn_subnet",
        "vm",
        "ct",
        "ha_resource",
        "ha_rule",
        "replication",
        "backup_job",
    ),
    *("alias", "ipset", "security_group", "firewall_rules"),
    *("cluster_firewall", "node_firewall", "guest_firewall"),
}


@pytest.fixture
def applied(bastide):
    """The estate, applied once."""
    ran = bastide("apply", "--yes")
    assert ran.code == 0, ran.err
    return bastide


def test_a_plan_of_a_fresh_cluster_names_every_kind_and_ends_with_exit_4(bastide):
    ran = bastide("plan", "--json")
    assert ran.code == 4, ran.err
    assert {step["ref"].split("/")[1] for step in ran.json["steps"]} >= KINDS


def test_after_an_apply_the_plan_is_empty(applied):
    ran = applied("plan")
    assert ran.code == 0, ran.out
    assert "No changes" in ran.out


def test_nothing_secret_is_in_the_journal_or_in_what_is_printed(bastide):
    ran = bastide("apply", "--yes", "-v")
    journals = list((bastide.folder / ".bastide").rglob("*.jsonl"))
    said = ran.out + ran.err + "".join(path.read_text() for path in journals)
    assert journals
    for secret in (*bastide.secrets.values(), (bastide.folder / "secrets" / "probe").read_text().strip()):
        assert secret not in said


def test_the_secret_of_a_new_token_is_written_for_its_owner_only(applied):
    secret = applied.folder / "secrets" / "probe"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(secret.read_text().strip()) == 36


def test_one_changed_line_is_one_changed_object(applied):
    applied.edit("estate.yml", "memory: 4G", "memory: 6G")
    ran = applied("plan", "--json")
    assert ran.code == 4
    (step,) = ran.json["steps"]
    assert (step["ref"], step["action"]) == ("carpentras/vm/110", "update")
    assert [change["name"] for change in step["attributes"]] == ["memory"]


def test_a_saved_plan_is_applied_word_for_word(bastide):
    plan = bastide.folder / "plan.json"
    assert bastide("plan", "-o", str(plan)).code == 4
    assert bastide("apply", str(plan)).code == 0
    assert bastide("plan").code == 0


def test_a_saved_plan_is_refused_when_the_estate_says_something_else(bastide):
    plan = bastide.folder / "plan.json"
    bastide("plan", "-o", str(plan))
    bastide.edit("estate.yml", "memory: 4G", "memory: 6G")
    ran = bastide("apply", str(plan))
    assert ran.code == 5
    assert "carpentras/vm/110" in ran.err


def test_a_guest_that_left_the_estate_goes_only_when_it_is_named(applied):
    text = (applied.folder / "estate.yml").read_text()
    start, end = text.index("  lis:"), text.index("  dns:")
    (applied.folder / "estate.yml").write_text(text[:start] + text[end:])
    refused = applied("apply", "--yes")
    assert refused.code == 5
    assert "--allow destroy" in refused.err
    assert applied("apply", "--yes", "--allow", "destroy=lis").code == 0
    assert applied("plan").code == 0


@pytest.mark.parametrize("major", [9, 8])
def test_adopt_then_plan_is_empty(tmp_path, major):
    with running_lab(LabSpec.sized(sites=1, pve_major=major), tmp_path / "lab") as lab:
        bastide = prepare(lab, tmp_path / "estate", major=major)
        assert bastide("apply", "--yes").code == 0
        adopted = bastide.folder / "adopted.yml"
        ran = bastide("adopt", "-o", str(adopted))
        assert ran.code == 0, ran.err
        plan = bastide("plan", "-e", str(adopted))
        assert plan.code == 0, plan.out + plan.err
        assert lab.control.illegal() == []
