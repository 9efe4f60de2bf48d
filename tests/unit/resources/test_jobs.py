"""Replication and backup jobs."""

import pytest
from kind_cases import MARK, RESOURCES, answers, estate, illegal, ref, scope, seen, wanted, work

from provisioner.model.objects import Mark
from provisioner.resources import backup_job, replication

JOB = {
    "id": "110-0",
    "guest": 110,
    "type": "local",
    "source": "ventoux-1",
    "target": "ventoux-2",
    "schedule": "*/15",
    "comment": MARK,
}
WANTED = ref("replication", "110/ventoux-2")


def replicated(*targets):
    return estate(guests={"dpi-db": {"replication": [{"target": target} for target in targets]}})


def jobs(*rows, node="ventoux-1"):
    where = [{**row, "node": node} if row.get("vmid") == 110 else row for row in RESOURCES]
    return {"/cluster/replication": list(rows), "/cluster/resources": where}


def test_a_job_takes_the_first_free_number_of_its_guest():
    desired = wanted(replication.KIND, replicated("ventoux-2", "ventoux-3"), "110/ventoux-3")
    others = replication.KIND.parse(scope(), jobs(JOB))
    (made,) = replication.KIND.calls(work(replication.KIND, desired, None, others=others))
    assert made.params == {"id": "110-1", "type": "local", "target": "ventoux-3", "comment": MARK}
    assert illegal([made]) == {}


def test_two_jobs_that_are_made_at_the_same_moment_take_different_numbers():
    desired = replication.KIND.desired(replicated("ventoux-2", "ventoux-3"), "carpentras")
    made = [replication.KIND.calls(work(replication.KIND, one, None))[0].params["id"] for one in desired]
    assert made == ["110-0", "110-1"]


def test_an_adopted_job_keeps_its_number():
    desired = wanted(replication.KIND, replicated("ventoux-2"), "110/ventoux-2")
    observed = seen(replication.KIND, jobs({**JOB, "id": "110-7", "schedule": "*/5"}), "110/ventoux-2")
    (changed,) = replication.KIND.calls(work(replication.KIND, desired, observed))
    assert (changed.path, changed.params) == ("/cluster/replication/110-7", {"schedule": "*/15"})


def test_a_job_that_was_turned_round_by_a_move_is_still_the_wanted_one():
    turned = {**JOB, "source": "ventoux-2", "target": "ventoux-1"}
    found = jobs(turned, node="ventoux-2")
    desired = wanted(replication.KIND, replicated("ventoux-2"), "110/ventoux-2")
    observed = seen(replication.KIND, found, "110/ventoux-2", wanted_refs=[WANTED])
    assert replication.KIND.calls(work(replication.KIND, desired, observed)) == ()


def test_a_job_on_its_way_out_is_gone_though_its_number_stays_taken():
    leaving = {**JOB, "remove_job": "full"}
    (observed,) = replication.KIND.parse(scope(), jobs(leaving))
    assert (observed.ref.id, observed.mark) == ("110-0", Mark.NONE)
    desired = wanted(replication.KIND, replicated("ventoux-3"), "110/ventoux-3")
    (made,) = replication.KIND.calls(work(replication.KIND, desired, None, others=[observed]))
    assert made.params["id"] == "110-1"


def test_a_job_on_its_way_out_that_is_wanted_again_stays():
    desired = wanted(replication.KIND, replicated("ventoux-2"), "110/ventoux-2")
    observed = seen(
        replication.KIND, jobs({**JOB, "remove_job": "full"}), "110/ventoux-2", wanted_refs=[WANTED]
    )
    (kept,) = replication.KIND.calls(work(replication.KIND, desired, observed))
    assert (kept.method, kept.params) == ("PUT", {"delete": "remove_job"})
    assert illegal([kept]) == {}


BACKUP = {"storage": "srv", "schedule": "21:00", "guests": ["dpi-db", "dns"], "compress": "0"}


def backup(**changed):
    return wanted(backup_job.KIND, estate({"backups": {"nightly": {**BACKUP, **changed}}}), "nightly")


def stored(**row):
    job = {
        "id": "nightly",
        "type": "vzdump",
        "enabled": 1,
        "storage": "srv",
        "schedule": "21:00",
        "comment": MARK,
    }
    return seen(backup_job.KIND, {"/cluster/backup": [{**job, **row}]}, "nightly")


def test_names_of_guests_become_numbers_and_what_is_backed_up_comes_first():
    desired = backup()
    assert desired.attributes["guests"] == ("110", "120")
    assert desired.requires == {ref("storage", "srv"), ref("vm", "110"), ref("ct", "120")}


@pytest.mark.parametrize(
    ("row", "params"),
    [
        ({"all": 1, "exclude": "110"}, {"vmid": "110,120", "delete": "all,exclude"}),
        ({"pool": "prod"}, {"vmid": "110,120", "delete": "pool"}),
        ({"vmid": "120,110", "enabled": 0}, {"enabled": 1}),
        ({"vmid": "120,110", "mode": "stop", "compress": "zstd"}, {"mode": "snapshot", "compress": "0"}),
        ({"vmid": "120,110", "prune-backups": {"keep-last": "3"}}, {"delete": "prune-backups"}),
    ],
)
def test_a_selection_is_switched_in_one_call(row, params):
    (changed,) = backup_job.KIND.calls(work(backup_job.KIND, backup(), stored(**row)))
    assert changed.params == {"storage": "srv", **params}
    assert illegal([changed]) == {}


def test_what_a_job_has_beside_what_the_estate_says_is_left_alone():
    observed = stored(vmid="110,120", fleecing={"enabled": 1}, mailto="x@example.org")
    assert backup_job.KIND.calls(work(backup_job.KIND, backup(), observed)) == ()


def test_an_adopted_job_names_its_guests_by_number_until_names_are_known():
    fragment = backup_job.KIND.adopt(scope(), backup_job.KIND.parse(scope(), answers(9)))
    assert fragment["backups"]["bk1"]["guests"] == ["110", "120"]
    assert fragment["backups"]["bk1"]["prune"] == {"keep_last": 3, "keep_daily": 7}
