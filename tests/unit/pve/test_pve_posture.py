"""What a site's API tells becomes sections; what it does not tell is said, and nothing secret stays."""

import json

import pytest
from site_answers import DAY, HOUR, NOW, SECONDS, Site, answers

from provisioner.errors import ApiError, Unreachable
from provisioner.pve.posture import SECTIONS, posture


def collected(told):
    return posture(Site(told), "carpentras", NOW)


def section(name, changes=None):
    found = collected(answers() | (changes or {})).sections[name]
    assert "error" not in found, found
    return found["data"]


def one(rows, **key):
    ((name, value),) = key.items()
    (row,) = [row for row in rows if row[name] == value]
    return row


def test_every_section_of_a_site_that_answers_is_read_wholly():
    told = collected(answers())
    assert (told.subject.name, told.subject.of, told.trouble) == ("carpentras", "site", "")
    assert {name: found["error"] for name, found in told.sections.items() if "error" in found} == {}
    assert set(told.sections) == {one.name for one in SECTIONS}


def test_every_path_is_asked_once():
    site = Site(answers())
    posture(site, "carpentras", NOW)
    assert len(site.asked) == len(set(site.asked))


def test_what_people_and_proxmox_keep_secret_is_nowhere():
    told = collected(answers())
    text = json.dumps(told.sections) + json.dumps(told.raw)
    assert "dpi-db" in text
    for secret in ("hunter2", "**********", "pve2c-1234567890", "BEGIN CERTIFICATE", '"pw"'):
        assert secret not in text


def test_who_holds_power_by_a_group_is_an_administrator_and_so_is_a_token_without_limits():
    assert one(section("users"), userid="alice@pve")["admin"]
    assert not one(section("users"), userid="gone@pve")["admin"]
    assert one(section("users"), userid="root@pam")["admin"]
    assert one(section("tokens"), tokenid="alice@pve!ci")["admin"]
    assert one(section("tokens"), tokenid="alice@pve!ci")["days_left"] == 90


def test_second_factors_are_told_of_those_who_can_log_in():
    rows = section("second_factors")
    assert [row["userid"] for row in rows] == ["alice@pve", "root@pam"]
    assert not one(rows, userid="alice@pve")["protected"]
    assert one(rows, userid="root@pam")["protected"]


@pytest.mark.parametrize(
    ("settings", "encrypted", "verified"),
    [
        ({"type": "ldap", "mode": "ldap"}, False, False),
        ({"type": "ldap", "mode": "ldaps", "verify": 1}, True, True),
        ({"type": "ad", "secure": 1}, True, False),
    ],
)
def test_a_directory_is_encrypted_and_verified_only_if_its_settings_say_so(settings, encrypted, verified):
    realm = {"realm": "corp", "type": settings["type"]}
    rows = section("realms", {"/access/domains": [realm], "/access/domains/corp": settings})
    assert (rows[0]["encrypted"], rows[0]["verified"]) == (encrypted, verified)


def test_two_votes_can_tie_and_a_third_or_a_device_cannot():
    assert not section("corosync")["tie_impossible"]
    assert section("corosync", {"/cluster/config/qdevice": {"State": "Connected"}})["tie_impossible"]
    assert [node["links"] for node in section("corosync")["nodes"]] == [2, 2]


def test_a_node_that_stands_alone_has_no_quorum_and_no_corosync():
    alone = {"/cluster/status": [{"type": "node", "name": "n1", "online": 1}]}
    assert "quorate" not in section("cluster", alone)
    assert section("corosync", alone) is None


def test_the_certificate_that_the_api_shows_is_the_one_for_the_proxy_where_there_is_one():
    served = [row["id"] for row in section("certificates") if row["served"]]
    assert served == ["n1/pveproxy-ssl.pem", "n2/pveproxy-ssl.pem"]
    assert one(section("certificates"), id="n1/pveproxy-ssl.pem")["days_left"] == 60


def test_package_sources_are_told_with_their_key_and_origin():
    (first, _) = section("repositories")
    assert first["signed_by"].endswith("proxmox-archive-keyring.gpg")
    assert [first[key] for key in ("third_party", "test", "free")] == [False, False, False]
    assert first["encrypted"]


def test_cards_outside_the_firewall_and_rules_for_everybody_are_named():
    vm = one(section("guest_firewall"), vmid=110)
    assert vm["cards_outside"] == ["net1"]
    assert vm["open_to_all"] == ["rule 0: 5432"]
    assert not one(section("guest_firewall"), vmid=120)["enabled"]


def test_guests_tell_what_backups_leave_out_and_what_is_mounted():
    vm, ct = one(section("guests"), vmid=110), one(section("guests"), vmid=120)
    assert vm["not_in_backups"] == ["scsi1"]
    assert vm["disk_images"] == ["ide2"]
    assert (vm["agent"], vm["protection"], vm["secure_boot"]) == (True, True, True)
    assert ct["bound_paths"] == ["mp0"]
    assert ct["not_in_backups"] == ["mp0"]
    assert [row["vmid"] for row in section("guests")] == [110, 120]


def test_snapshots_tell_their_age_and_the_present_is_none():
    (snapshot,) = section("snapshots")
    assert (snapshot["vmid"], snapshot["days"], snapshot["memory"]) == (110, 45, True)


def test_of_backups_the_newest_counts_for_age_and_the_last_verified_for_soundness():
    vm, ct = one(section("backups"), vmid=110), one(section("backups"), vmid=120)
    assert (vm["count"], vm["age_hours"], vm["encrypted"]) == (2, 6.0, True)
    assert (vm["verified"], vm["protected"]) == (True, 1)
    assert (ct["count"], ct["newest"], ct["age_hours"]) == (0, None, None)


def test_a_storage_that_was_not_read_may_hold_the_backup_that_seems_to_be_missing():
    path = "/nodes/n1/storage/pbs/content?content=backup"
    found = collected(answers() | {path: ApiError("storage 'pbs' is not online", status=500)})
    assert found.sections["backups"] == {"error": "storage 'pbs' is not online"}


def test_a_shared_storage_is_asked_of_one_node_and_a_local_one_of_each():
    local = {"storage": "local", "type": "dir", "content": "backup"}
    path = "/nodes/{}/storage/local/content?content=backup"
    told = answers() | {"/storage": [local], path.format("n1"): [], path.format("n2"): []}
    site = Site(told)
    posture(site, "carpentras", NOW)
    assert {path.format("n1"), path.format("n2")} <= set(site.asked)
    assert not any("storage/pbs" in asked for asked in site.asked)


def test_the_newest_backup_task_of_each_job_decides():
    path = f"/nodes/n1/tasks?typefilter=vzdump&limit=500&since={SECONDS - 7 * DAY}"
    runs = [
        {"id": "110", "starttime": SECONDS - HOUR, "endtime": SECONDS - 10, "status": "OK"},
        {"id": "110", "starttime": SECONDS - DAY, "endtime": SECONDS - DAY + 10, "status": "job errors"},
    ]
    (task,) = section("backup_tasks", {path: runs})
    assert task["status"] == "OK"


def test_replication_takes_its_state_from_the_nodes():
    job = {"id": "110-0", "guest": 110, "target": "n2", "schedule": "*/5"}
    state = {"id": "110-0", "last_sync": SECONDS - 2 * HOUR, "fail_count": 3, "error": "no space"}
    changes = {"/cluster/replication": [job], "/nodes/n1/replication": [state]}
    (row,) = section("replication", changes)
    assert (row["age_hours"], row["failures"]) == (2.0, 3)


def test_a_replication_whose_state_no_node_tells_is_a_gap():
    job = {"id": "110-0", "guest": 110, "target": "n2"}
    found = collected(answers() | {"/cluster/replication": [job]}).sections["replication"]
    assert (found["data"], found["error"]) == ([], "replication 110-0: no node tells its state")


def test_a_path_that_is_refused_costs_its_sections_alone_and_says_why():
    refused = ApiError("Permission check failed (/nodes/n2, Sys.Modify)", status=403)
    sections = collected(answers() | {"/nodes/n2/apt/update": refused, "/access/acl": refused}).sections
    assert sections["updates"]["data"] == {"n1": ["openssl"]}
    assert "Sys.Modify" in sections["updates"]["error"]
    assert "data" not in sections["users"]
    assert "error" not in sections["firewall"]


def test_an_offline_node_is_not_asked_and_is_a_gap():
    told = answers()
    told["/cluster/status"][2]["online"] = 0
    site = Site(told)
    found = posture(site, "carpentras", NOW).sections["nodes"]
    assert list(found["data"]) == ["n1"]
    assert "node n2 is offline" in found["error"]
    assert not any(path.startswith("/nodes/n2/") for path in site.asked)


def test_lists_that_would_come_with_holes_are_not_believed():
    some = {"/access/permissions": {"/": {"Sys.Audit": 1}, "/vms": {"VM.PowerMgmt": 1}}}
    sections = collected(answers() | some).sections
    assert "lacks VM.Audit on /vms" in sections["guests"]["error"]
    assert "data" not in sections["guests"]
    assert "lacks Mapping.Audit" in sections["notifications"]["error"]
    assert "error" not in sections["cluster"]


def test_backups_need_the_right_to_use_the_storage_or_to_administer_it():
    few = {"Sys.Audit", "VM.Audit", "Datastore.Audit"}
    for more, seen in [
        ({"Datastore.Allocate"}, True),
        ({"Datastore.AllocateSpace", "VM.Backup"}, True),
        (set(), False),
    ]:
        rights = {"/access/permissions": {"/": dict.fromkeys(few | more, 1)}}
        assert ("data" in collected(answers() | rights).sections["backups"]) is seen


@pytest.mark.parametrize("nonsense", ["text", [{"b": None}]])
def test_an_answer_without_its_form_is_an_error_of_its_section(nonsense):
    for path in answers():
        told = collected(answers() | {path: nonsense})
        assert set(told.sections) == {one.name for one in SECTIONS}, path


@pytest.mark.parametrize(
    "trouble", [Unreachable("carpentras", "no endpoint can be used"), ApiError("was refused", status=401)]
)
def test_a_site_that_cannot_be_read_at_all_is_in_trouble(trouble):
    told = collected(answers() | {"/version": trouble})
    assert told.sections == {}
    assert trouble.what in told.trouble
