"""Guests of the lab: made, changed, cloned, moved and removed as Proxmox VE does."""

import pytest

TEMPLATE = "/nodes/ventoux-1/qemu/9000"


@pytest.fixture
def vm(api):
    """A fresh stopped VM with one disk on ventoux-1; its path."""
    vmid = api.data("GET", "/cluster/nextid")
    options = {
        "name": "fresh",
        "cores": 2,
        "memory": 1024,
        "scsi0": "vmdata:8",
        "net0": "virtio,bridge=vmbr0",
    }
    assert api.ended(api.data("POST", "/nodes/ventoux-1/qemu", vmid=vmid, **options)) == "OK"
    return f"/nodes/ventoux-1/qemu/{vmid}"


def volumes(api, vmid):
    rows = api.data("GET", "/nodes/ventoux-1/storage/vmdata/content", vmid=vmid)
    return {row["volid"]: row["size"] for row in rows}


def test_a_new_vm_has_what_proxmox_adds(api, vm):
    config = api.data("GET", vm + "/config")
    assert {"digest", "meta", "smbios1", "vmgenid"} <= config.keys()
    assert (config["cores"], config["memory"]) == (2, "1024")
    assert config["net0"].startswith("virtio=BC:24:11:")
    assert config["boot"] == "order=scsi0;net0"


def test_tags_come_back_lower_cased_sorted_and_joined(api, vm):
    api.data("PUT", vm + "/config", tags="B,a;c B")
    assert api.data("GET", vm + "/config")["tags"] == "a;b;c"


def test_a_stale_digest_is_refused(api, vm):
    digest = api.data("GET", vm + "/config")["digest"]
    api.data("PUT", vm + "/config", cores=4, digest=digest)
    refused = api("PUT", vm + "/config", cores=8, digest=digest)
    assert (refused.status_code, refused.reason) == (500, "checksum mismatch (file change by other user?)")
    assert api.data("GET", vm + "/config")["cores"] == 4


def test_a_running_vm_keeps_what_it_cannot_take_pending_until_it_stops(api, vm):
    api.data("POST", vm + "/status/start")
    api.data("PUT", vm + "/config", cores=6, name="renamed")
    assert api.data("GET", vm + "/config")["cores"] == 6
    active = api.data("GET", vm + "/config", current=1)
    assert (active["cores"], active["name"]) == (2, "renamed")
    rows = {row["key"]: row for row in api.data("GET", vm + "/pending")}
    assert rows["cores"] == {"key": "cores", "value": 2, "pending": 6}
    api.data("POST", vm + "/status/stop")
    assert api.data("GET", vm + "/config", current=1)["cores"] == 6


def test_a_disk_taken_from_a_vm_is_kept_as_unused_until_that_is_deleted(api, vm):
    vmid = vm.rpartition("/")[2]
    api.data("PUT", vm + "/config", scsi1="vmdata:3")
    assert len(volumes(api, vmid)) == 2
    api.data("PUT", vm + "/config", delete="scsi1")
    assert api.data("GET", vm + "/config")["unused0"].startswith("vmdata:")
    assert len(volumes(api, vmid)) == 2
    api.data("PUT", vm + "/config", delete="unused0")
    assert len(volumes(api, vmid)) == 1


def test_disks_grow_and_never_shrink(api, vm):
    vmid = vm.rpartition("/")[2]
    assert api.ended(api.data("PUT", vm + "/resize", disk="scsi0", size="+2G")) == "OK"
    assert "size=10G" in api.data("GET", vm + "/config")["scsi0"]
    shrink = api.data("PUT", vm + "/resize", disk="scsi0", size="1G")
    assert api.ended(shrink) == "shrinking disks is not supported"
    assert list(volumes(api, vmid).values()) == [10 * 1024**3]


def test_a_full_clone_has_its_own_disks_network_cards_and_cloud_init_drive(api):
    upid = api.data("POST", TEMPLATE + "/clone", newid=300, name="copy", full=1, storage="vmdata")
    assert api.ended(upid) == "OK"
    copy, template = (
        api.data("GET", "/nodes/ventoux-1/qemu/300/config"),
        api.data("GET", TEMPLATE + "/config"),
    )
    assert copy["scsi0"].startswith("vmdata:vm-300-disk-0")
    assert copy["ide2"].startswith("vmdata:vm-300-cloudinit")
    assert copy["net0"] != template["net0"]
    assert copy["smbios1"] != template["smbios1"]
    assert "template" not in copy
    assert "lock" not in copy


def test_a_clone_lands_on_its_target_in_its_pool_with_its_description(api):
    api.data("POST", "/pools", poolid="clones")
    options = {"target": "ventoux-2", "pool": "clones", "description": "who and why", "full": 1}
    api.data("POST", TEMPLATE + "/clone", newid=301, name="away", **options)
    assert api.data("GET", "/nodes/ventoux-2/qemu/301/config")["description"] == "who and why"
    rows = {row["vmid"]: row for row in api.data("GET", "/cluster/resources", type="vm")}
    assert rows[301]["pool"] == "clones"


def test_a_vm_on_local_storage_cannot_be_cloned_to_another_node(api, vm):
    refused = api("POST", vm + "/clone", newid=302, full=1, target="ventoux-2")
    assert refused.reason == "can't clone VM to node 'ventoux-2' (VM uses local storage)"


def test_a_disk_is_imported_from_a_cloud_image(api):
    source = "local:import/debian-13-generic-amd64.qcow2"
    options = {"scsi0": f"vmdata:0,import-from={source}", "ide2": "vmdata:cloudinit"}
    assert api.ended(api.data("POST", "/nodes/ventoux-3/qemu", vmid=303, **options)) == "OK"
    config = api.data("GET", "/nodes/ventoux-3/qemu/303/config")
    assert config["scsi0"] == "vmdata:vm-303-disk-0,size=3G"
    assert config["ide2"] == "vmdata:vm-303-cloudinit,media=cdrom"


def test_an_image_that_is_not_there_is_refused(api):
    gone = api(
        "POST", "/nodes/ventoux-3/qemu", vmid=304, scsi0="vmdata:0,import-from=local:import/none.qcow2"
    )
    assert gone.reason == "volume 'local:import/none.qcow2' does not exist"


def test_a_downloaded_image_can_be_imported(api):
    where = {"url": "https://images.example/new.qcow2", "filename": "new.qcow2", "content": "import"}
    assert api.ended(api.data("POST", "/nodes/ventoux-1/storage/local/download-url", **where)) == "OK"
    upid = api.data(
        "POST", "/nodes/ventoux-1/qemu", vmid=305, scsi0="vmdata:0,import-from=local:import/new.qcow2"
    )
    assert api.ended(upid) == "OK"


def test_a_container_is_made_from_a_template_and_lists_its_volume(api):
    template = "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst"
    options = {"hostname": "ct", "ostemplate": template, "rootfs": "vmdata:4"}
    assert api.ended(api.data("POST", "/nodes/ventoux-1/lxc", vmid=306, **options)) == "OK"
    assert api.data("GET", "/nodes/ventoux-1/lxc/306/config")["rootfs"] == "vmdata:subvol-306-disk-0,size=4G"
    assert "vmdata:subvol-306-disk-0" in volumes(api, 306)


def test_a_migrated_vm_is_on_the_other_node_and_no_longer_here(api, vm):
    assert api.ended(api.data("POST", vm + "/migrate", target="ventoux-3")) == "OK"
    assert api("GET", vm + "/config").status_code == 500
    assert api("GET", vm.replace("ventoux-1", "ventoux-3") + "/config").ok


def test_a_running_vm_with_local_disks_migrates_only_when_told_to_take_them_along(api, vm):
    api.data("POST", vm + "/status/start")
    assert (
        api("POST", vm + "/migrate", target="ventoux-2").reason == "can't migrate running VM without --online"
    )
    alone = api.data("POST", vm + "/migrate", target="ventoux-2", online=1)
    assert "Problem found while scanning volumes" in api.ended(alone)
    upid = api.data("POST", vm + "/migrate", **{"target": "ventoux-2", "online": 1, "with-local-disks": 1})
    assert api.ended(upid) == "OK"


def test_a_running_replicated_vm_moves_only_to_where_its_replica_is(api, vm):
    vmid = vm.rpartition("/")[2]
    api.data("POST", "/cluster/replication", id=f"{vmid}-0", type="local", target="ventoux-2")
    api.data("POST", vm + "/status/start")
    how = {"online": 1, "with-local-disks": 1}
    refused = api("POST", vm + "/migrate", target="ventoux-3", **how)
    assert "not a replication target" in refused.reason
    assert api.ended(api.data("POST", vm + "/migrate", target="ventoux-2", **how)) == "OK"


def test_a_vm_under_ha_is_only_asked_to_move(api, vm):
    vmid = vm.rpartition("/")[2]
    api.data("POST", "/cluster/ha/resources", sid=f"vm:{vmid}", state="stopped")
    upid = api.data("POST", vm + "/migrate", target="ventoux-2")
    assert f":hamigrate:{vmid}:" in upid
    assert api.ended(upid) == "OK"


def test_migration_says_beforehand_where_a_vm_may_go(api, vm):
    api.data("POST", "/storage", storage="only1", type="zfspool", pool="tank", nodes="ventoux-1,ventoux-2")
    api.data("PUT", vm + "/config", scsi1="only1:1")
    said = api.data("GET", vm + "/migrate")
    assert said["allowed_nodes"] == ["ventoux-2"]
    assert said["not_allowed_nodes"]["ventoux-3"] == {"unavailable_storages": ["only1"]}
    assert {disk["drivename"] for disk in said["local_disks"]} == {"scsi0", "scsi1"}


def test_a_vm_starts_only_where_its_bridge_is(api, vm):
    api.data("PUT", vm + "/config", net0="virtio,bridge=vmbr77")
    assert api.ended(api.data("POST", vm + "/status/start")) == "bridge 'vmbr77' does not exist"


def test_a_protected_or_running_vm_is_not_destroyed(api, vm):
    vmid = vm.rpartition("/")[2]
    api.data("PUT", vm + "/config", protection=1)
    assert api("DELETE", vm).reason == f"can't remove VM {vmid} - protection mode enabled"
    api.data("PUT", vm + "/config", delete="protection")
    api.data("POST", vm + "/status/start")
    assert api("DELETE", vm).reason == f"VM {vmid} is running - destroy failed"
    api.data("POST", vm + "/status/stop")
    assert api.ended(api.data("DELETE", vm)) == "OK"
    assert volumes(api, vmid) == {}
