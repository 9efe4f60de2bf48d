"""Whether the endpoints lead to the cluster that the estate means."""

import pytest

from provisioner.errors import Refused
from provisioner.model.site import Site
from provisioner.workflows.sites import OpenSite
from provisioner.workflows.survey import STATUS, VERSION, _check_identity

SITE = Site.model_validate(
    {
        "cluster": "ventoux",
        "api": {"endpoints": ["https://10.84.0.11:8006"], "token": "root@pam!iac", "secret": "env:TOKEN"},
        "nodes": {"ventoux-1": {"address": "10.84.0.11", "memory": "64G", "cores": 16}},
    }
)
CLUSTER = {"type": "cluster", "name": "ventoux", "quorate": 1}


def check(*rows):
    opened = OpenSite("carpentras", SITE, None, str, lambda *_: None, "[bastide:synergia]")
    _check_identity(opened, {STATUS: rows, VERSION: {"release": "9.2"}})


def test_the_cluster_of_the_estate_and_a_single_node_of_it_are_right():
    check(CLUSTER, {"type": "node", "name": "ventoux-7"})
    check({"type": "node", "name": "ventoux-1"})


@pytest.mark.parametrize("row", [CLUSTER | {"name": "luberon"}, {"type": "node", "name": "test-box"}])
def test_another_cluster_and_a_node_that_belongs_to_none_are_refused(row):
    with pytest.raises(Refused, match=row["name"]):
        check(row)
