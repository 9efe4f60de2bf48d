"""Calls that the API schema does not allow are remembered, and only those."""

from pathlib import Path

import pytest

import lab as package

LAWFUL = [
    ("GET", "/nodes/ventoux-1/qemu/999/config", {}),
    ("POST", "/pools", {"poolid": "lawful"}),
    ("GET", "/nodes/nowhere/qemu", {}),
    ("PUT", "/nodes/ventoux-3/qemu/1001/config", {"net7": "virtio,bridge=vmbr0,tag=5"}),
    (
        "POST",
        "/cluster/ha/rules",
        {"rule": "apart", "type": "node-affinity", "nodes": "ventoux-1", "resources": "vm:100"},
    ),
]
UNLAWFUL = [
    ("GET", "/nosuch", {}, "path"),
    ("POST", "/version", {}, "path"),
    ("POST", "/pools", {"poolid": "x", "colour": "red"}, "colour"),
    ("PUT", "/nodes/ventoux-3/qemu/1001/config", {"cores": "many"}, "cores"),
    ("PUT", "/nodes/ventoux-3/qemu/1001/config", {"net0": "tulip,bridge=vmbr0"}, "net0"),
    ("POST", "/nodes/ventoux-1/qemu", {"name": "no-id"}, "vmid"),
    ("POST", "/cluster/ha/rules", {"rule": "apart", "nodes": "ventoux-1"}, "type"),
    (
        "POST",
        "/cluster/ha/rules",
        {"rule": "apart", "type": "node-affinity", "nodes": "ventoux-1"},
        "resources",
    ),
    (
        "POST",
        "/cluster/ha/rules",
        {"rule": "apart", "type": "resource-affinity", "resources": "vm:100"},
        "affinity",
    ),
]


@pytest.mark.parametrize(("method", "path", "params"), LAWFUL)
def test_a_call_refused_for_the_state_of_things_is_lawful(lab, api, method, path, params):
    api(method, path, **params)
    assert lab.control.illegal() == []


@pytest.mark.parametrize("call", UNLAWFUL, ids=lambda call: f"{call[0]} {call[1]}")
def test_an_unlawful_call_is_refused_and_remembered_with_its_reason(lab, api, call):
    method, path, params, culprit = call
    assert api(method, path, **params).status_code in (400, 501)
    [seen] = lab.control.illegal("carpentras")
    assert (seen["method"], seen["site"]) == (method, "carpentras")
    assert culprit in seen["problems"]


def test_the_lab_imports_nothing_of_the_product():
    folder = Path(package.__file__).parent
    guilty = [path.name for path in folder.rglob("*.py") if "provisioner" in path.read_text(encoding="utf-8")]
    assert guilty == []
