"""The kinds as a whole: their order, and what a look at a site costs."""

from kind_cases import SITE, answers, estate, scope, seen, wanted, work

from provisioner.resources.catalogue import BY_NAME, KINDS
from provisioner.resources.pool import KIND as POOL

READ_ANYWAY = {"/version", "/cluster/status", "/cluster/resources", "/access/permissions"}
BUDGET = 20
ORDINARY = {
    "storages": {"srv": {"type": "dir", "path": "/srv", "content": ["backup"]}},
    "pools": {"prod": {"storages": ["srv"]}},
    "access": {"groups": {"ops": {}}, "acl": [{"path": "/", "role": "PVEAuditor", "groups": ["ops"]}]},
    "firewall": {"enabled": True},
    "backups": {"nightly": {"storage": "srv", "schedule": "21:00", "all": True}},
}


def test_kinds_stand_in_the_order_in_which_their_objects_are_made():
    ranks = [kind.traits.rank for kind in KINDS]
    assert ranks == sorted(ranks)
    assert len(BY_NAME) == len(KINDS)


def test_a_look_at_an_ordinary_site_takes_few_requests_however_many_objects_it_has():
    document = estate(ORDINARY, {"dpi-db": {"ha": {}, "firewall": {}}})
    here = scope(*(one.ref for kind in KINDS for one in kind.desired(document, SITE)))
    kinds = [kind for kind in KINDS if kind.traits.markable or here.wants(kind.traits.kind)]
    assert len(READ_ANYWAY.union(*(kind.reads(here) for kind in kinds))) <= BUDGET


def test_storages_join_and_leave_a_pool_that_is_ours_and_all_leave_before_it_goes():
    assert set(POOL.details(scope(), answers(9))) == {"/pools/prod"}
    observed = seen(POOL, answers(9), "prod")
    desired = wanted(POOL, estate({"pools": {"prod": {"storages": ["nas"]}}}), "prod")
    changes = [one.params for one in POOL.calls(work(POOL, desired, observed))]
    assert changes == [
        {"poolid": "prod", "storage": "nas"},
        {"poolid": "prod", "storage": "srv", "delete": 1},
    ]
    removal = [(one.method, one.params) for one in POOL.calls(work(POOL, None, observed))]
    assert removal == [
        ("PUT", {"poolid": "prod", "storage": "srv", "delete": 1}),
        ("DELETE", {"poolid": "prod"}),
    ]
