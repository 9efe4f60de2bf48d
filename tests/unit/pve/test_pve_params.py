"""Parameters as Proxmox VE reads them."""

from __future__ import annotations

from provisioner.pve.params import write_request
from provisioner.pve.wire import Request


def test_values_become_what_a_form_holds():
    made = write_request(
        "POST", "/pools", {"full": True, "purge": False, "cores": 2, "tags": ("a", "b"), "no": None}
    )
    assert made == Request("POST", "/pools", {"full": "1", "purge": "0", "cores": "2", "tags": "a,b"})


def test_the_arrays_of_the_schema_are_repeated_keys():
    ranges = (
        "start-address=10.0.0.10,end-address=10.0.0.20",
        "start-address=10.0.0.30,end-address=10.0.0.40",
    )
    assert write_request("PUT", "/x", {"dhcp-range": ranges}).form == {"dhcp-range": list(ranges)}


def test_a_delete_has_its_parameters_in_the_query():
    assert write_request("DELETE", "/pools", {"poolid": "a&b", "force": True}) == Request(
        "DELETE", "/pools?poolid=a%26b&force=1"
    )
    assert write_request("DELETE", "/pools/a", {}) == Request("DELETE", "/pools/a")
