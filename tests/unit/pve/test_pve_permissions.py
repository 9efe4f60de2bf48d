"""Which privileges are missing, by what `GET /access/permissions` tells."""

from __future__ import annotations

import pytest

from provisioner.pve.permissions import missing


@pytest.mark.parametrize(
    ("permissions", "pair", "held"),
    [
        ({"/": {"Sys.Audit": 1}}, ("/", "Sys.Audit"), True),
        ({"/": {"Sys.Audit": 0}}, ("/", "Sys.Audit"), True),
        ({"/": {"VM.Audit": 1}}, ("/vms", "VM.Audit"), True),
        ({"/": {"VM.Audit": 0}}, ("/vms", "VM.Audit"), False),
        ({"/": {"VM.Audit": 1}}, ("/vms", "VM.Allocate"), False),
        ({"/vms": {"VM.Audit": 1}}, ("/vms", "VM.Audit"), True),
        ({"/vms": {"VM.Audit": 0}}, ("/vms", "VM.Audit"), False),
        ({"/": {"VM.Audit": 1}, "/vms": {"VM.Console": 1}}, ("/vms", "VM.Audit"), False),
        ({"/sdn": {"SDN.Audit": 1}}, ("/sdn/zones/prod", "SDN.Audit"), True),
        ({"/vms/100": {"VM.Audit": 1}}, ("/vms", "VM.Audit"), False),
        ({}, ("/", "Sys.Audit"), False),
    ],
)
def test_a_privilege_counts_if_it_holds_for_all_below_the_path(permissions, pair, held):
    assert missing(permissions, [pair]) == (() if held else (pair,))


def test_all_that_is_missing_is_named_in_order():
    pairs = [("/vms", "VM.Audit"), ("/pool", "Pool.Audit"), ("/", "Sys.Audit")]
    assert missing({"/pool": {"Pool.Audit": 1}}, pairs) == (pairs[0], pairs[2])
