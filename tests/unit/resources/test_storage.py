"""Storages: what Proxmox VE fills in, what it keeps secret, and what it cannot change."""

import pytest
from kind_cases import DIGEST, estate, scope, seen, wanted, work

from provisioner.decide.diff import change_for
from provisioner.model.base import SecretRef
from provisioner.model.plan import Action
from provisioner.resources.storage import KIND

SRV = {"type": "dir", "path": "/srv", "content": ["backup"], "prune": {"keep_last": 3, "keep_daily": 7}}
PBS = {
    "type": "pbs",
    "server": "10.84.0.40",
    "datastore": "clinic",
    "username": "pve@pbs",
    "password": "env:PBS",
    "encryption_key": "file:pbs.key",
    "content": ["backup"],
}


def storages(**named):
    return estate({"storages": named})


def listed(**row):
    return {
        "/storage": [
            {"storage": "srv", "type": "dir", "path": "/srv", "content": "backup", "digest": DIGEST, **row}
        ]
    }


def test_secrets_are_parameters_of_the_call_that_makes_a_storage():
    desired = wanted(KIND, storages(pbs=PBS), "pbs")
    (made,) = KIND.calls(work(KIND, desired, None))
    assert made.secrets == {"password": SecretRef("env:PBS"), "encryption-key": SecretRef("file:pbs.key")}
    assert "password" not in made.params
    assert "password" not in desired.attributes


def test_only_what_differs_is_written_and_with_the_digest():
    desired = wanted(KIND, storages(srv=SRV), "srv")
    observed = seen(
        KIND, listed(**{"prune-backups": "keep-daily=7,keep-last=2", "nodes": "b,a", "disable": 1}), "srv"
    )
    (changed,) = KIND.calls(work(KIND, desired, observed))
    assert changed.params == {
        "prune-backups": "keep-last=3,keep-daily=7",
        "delete": "disable,nodes",
        "digest": DIGEST,
    }


@pytest.mark.parametrize("text", ["keep-last=3,keep-daily=7", "keep-daily=7,keep-last=3,keep-weekly=0"])
def test_retention_compares_by_what_it_means(text):
    assert (
        seen(KIND, listed(**{"prune-backups": text}), "srv").attributes["prune"] == "keep-last=3,keep-daily=7"
    )


def test_the_local_storage_of_every_cluster_keeps_all_without_saying_so():
    local = [
        {
            "storage": "local",
            "type": "dir",
            "path": "/var/lib/vz",
            "content": "iso",
            "prune-backups": "keep-all=1",
        }
    ]
    observed = seen(KIND, {"/storage": local}, "local")
    assert observed.attributes["prune"] is None
    document = storages(local={"type": "dir", "path": "/var/lib/vz", "content": ["iso"]})
    assert KIND.calls(work(KIND, wanted(KIND, document, "local"), observed)) == ()


def test_a_storage_that_may_hold_nothing_says_none():
    observed = seen(KIND, listed(content="none"), "srv")
    assert observed.attributes["content"] == ()
    desired = wanted(KIND, storages(srv={**SRV, "content": []}), "srv")
    (made,) = KIND.calls(work(KIND, desired, None))
    assert made.params["content"] == "none"


@pytest.mark.parametrize(
    "row", [{"path": "/elsewhere"}, {"type": "nfs", "server": "10.0.0.1", "export": "/x"}]
)
def test_what_proxmox_cannot_change_needs_a_replacement(row):
    desired = wanted(KIND, storages(srv=SRV), "srv")
    assert change_for(desired, seen(KIND, listed(**row), "srv"), KIND.traits).action is Action.REPLACE


def test_a_storage_of_an_unknown_type_holds_its_name_and_is_not_adopted():
    lvm = seen(KIND, listed(type="lvm", vgname="pve"), "srv")
    assert lvm.attributes["type"] == "lvm"
    assert KIND.adopt(scope(), (lvm,)) == {}


def test_storages_are_not_read_unless_the_estate_has_some():
    desired = wanted(KIND, storages(srv=SRV), "srv")
    assert KIND.reads(scope()) == ()
    assert KIND.reads(scope(desired.ref)) == ("/storage",)
