"""The firewall: order of switching on and off, members and rules without a gap, guests wherever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_cases import (
    DIGEST,
    MARK,
    RESOURCES,
    RULES,
    answers,
    estate,
    illegal,
    ref,
    scope,
    seen,
    wanted,
    work,
)

from provisioner.model.firewall import Rule
from provisioner.resources import (
    alias,
    cluster_firewall,
    firewall_rules,
    guest_firewall,
    ipset,
    node_firewall,
    security_group,
)
from provisioner.resources.rule_text import rule_params, rule_text, rules_in_words, texts_of

SSH = {"action": "ACCEPT", "proto": "tcp", "dport": "22"}


def walled(*, enabled=True, **changed):
    firewall = {
        "enabled": enabled,
        "aliases": {"gw": {"cidr": "10.0.0.1"}},
        "ipsets": {"adm": {"entries": ["10.1.0.0/16", {"cidr": "10.2.0.5/32", "comment": "him"}]}},
        "groups": {"web": {"rules": [SSH]}},
        "rules": [SSH, {"action": "DROP"}],
        **changed,
    }
    nodes = {"ventoux-1": {"firewall": {"enabled": enabled, "rules": [SSH]}}}
    guest = {"dpi-db": {"firewall": {"enabled": enabled, "rules": [SSH]}}}
    return estate({"firewall": firewall, "nodes": nodes}, guest)


OPTIONS = ref("cluster_firewall", "options")
CASES = [
    (cluster_firewall, "options", "cluster"),
    (node_firewall, "ventoux-1", "node/ventoux-1"),
    (guest_firewall, "110", "guest/110"),
]


@pytest.mark.parametrize(("module", "name", "rules"), CASES)
def test_a_firewall_is_switched_on_after_its_rules_stand_and_off_before_they_go(module, name, rules):
    on, off = walled(enabled=True), walled(enabled=False)
    wall, of_rules = ref(module.KIND.traits.kind, name), ref("firewall_rules", rules)
    assert of_rules in wanted(module.KIND, on, name).requires
    assert wall not in wanted(firewall_rules.KIND, on, rules).requires
    assert of_rules not in wanted(module.KIND, off, name).requires
    assert wall in wanted(firewall_rules.KIND, off, rules).requires


def test_rules_wait_for_what_they_may_name():
    names = {ref("alias", "gw"), ref("ipset", "adm"), ref("security_group", "web")}
    assert names <= wanted(firewall_rules.KIND, walled(), "cluster").requires
    assert names <= wanted(cluster_firewall.KIND, walled(), "options").requires
    assert names | {ref("vm", "110")} <= wanted(firewall_rules.KIND, walled(), "guest/110").requires


def test_a_foreign_rule_in_a_declared_list_goes():
    desired = wanted(firewall_rules.KIND, walled(), "cluster")
    rows = [
        {
            "pos": 0,
            "type": "in",
            "action": "ACCEPT",
            "proto": "tcp",
            "dport": "22",
            "enable": 1,
            "digest": DIGEST,
        },
        {"pos": 1, "type": "in", "action": "ACCEPT", "source": "0.0.0.0/0", "enable": 1, "digest": DIGEST},
        {"pos": 2, "type": "in", "action": "DROP", "enable": 1, "digest": DIGEST},
    ]
    observed = seen(firewall_rules.KIND, {"/cluster/firewall/rules": rows}, "cluster")
    (gone,) = firewall_rules.KIND.calls(work(firewall_rules.KIND, desired, observed))
    assert (gone.method, gone.path, gone.params) == (
        "DELETE",
        "/cluster/firewall/rules/1",
        {"digest": DIGEST},
    )


def test_only_the_first_call_of_a_round_has_the_digest():
    desired = wanted(firewall_rules.KIND, walled(), "cluster")
    observed = seen(firewall_rules.KIND, answers(9), "cluster")
    calls = firewall_rules.KIND.calls(work(firewall_rules.KIND, desired, observed))
    assert len(calls) > 2
    assert ["digest" in one.params for one in calls] == [True] + [False] * (len(calls) - 1)
    assert illegal(calls) == {}


def test_rules_of_a_guest_are_written_where_it_is_now():
    desired = wanted(firewall_rules.KIND, walled(), "guest/110")
    path = "/nodes/ventoux-2/qemu/110/firewall/rules"
    found = {"/cluster/resources": RESOURCES, path: []}
    assert set(firewall_rules.KIND.details(scope(desired.ref), found)) == {path}
    observed = seen(firewall_rules.KIND, found, "guest/110", wanted_refs=[desired.ref])
    (made,) = firewall_rules.KIND.calls(work(firewall_rules.KIND, desired, observed))
    assert (made.method, made.path) == ("POST", path)


@pytest.mark.parametrize("kind", [firewall_rules.KIND, guest_firewall.KIND])
def test_the_firewall_of_a_guest_that_is_not_there_yet_is_untouched(kind):
    for desired in kind.desired(walled(), "carpentras"):
        if "110" in desired.ref.id:
            (observed,) = kind.parse(scope(desired.ref), {"/cluster/resources": []})
            calls = kind.calls(work(kind, desired, observed))
            assert all(one.path.startswith("/nodes/ventoux-1/qemu/110/firewall/") for one in calls)
            assert calls


def test_untouched_firewalls_of_guests_are_not_adopted():
    found = answers(9) | {"/nodes/ventoux-1/lxc/120/firewall/rules": []}
    everything = scope(everything=True)
    for kind in (guest_firewall.KIND, firewall_rules.KIND):
        assert "120" not in kind.adopt(everything, kind.parse(everything, found))["guests"]


def test_members_join_a_set_before_others_leave_it():
    desired = wanted(ipset.KIND, walled(), "adm")
    found = {
        "/cluster/firewall/ipset": [{"name": "adm", "comment": MARK, "digest": DIGEST}],
        "/cluster/firewall/ipset/adm": [{"cidr": "10.9.0.0/16"}, {"cidr": "10.2.0.5", "nomatch": 1}],
    }
    calls = ipset.KIND.calls(work(ipset.KIND, desired, seen(ipset.KIND, found, "adm")))
    assert [(one.method, one.path, one.params) for one in calls] == [
        ("POST", "/cluster/firewall/ipset/adm", {"cidr": "10.1.0.0/16"}),
        ("PUT", "/cluster/firewall/ipset/adm/10.2.0.5", {"nomatch": 0, "comment": "him"}),
        ("DELETE", "/cluster/firewall/ipset/adm/10.9.0.0/16", {}),
    ]
    assert illegal(calls) == {}


@pytest.mark.parametrize(("module", "name"), [(ipset, "adm"), (security_group, "web")])
def test_a_comment_changes_by_renaming_to_the_same_name(module, name):
    kind, found = module.KIND, answers(9)
    desired = wanted(kind, walled(), name)
    observed = seen(kind, found, name)
    renamed = [one for one in kind.calls(work(kind, desired, observed)) if "rename" in one.params]
    assert [one.params["rename"] for one in renamed] == [name]
    assert illegal(renamed) == {}


def test_members_are_read_for_sets_that_are_wanted_or_ours_only():
    found = {"/cluster/firewall/ipset": [{"name": "a"}, {"name": "b", "comment": MARK}, {"name": "c"}]}
    assert list(ipset.KIND.details(scope(ref("ipset", "a")), found)) == [
        "/cluster/firewall/ipset/a",
        "/cluster/firewall/ipset/b",
    ]


def test_a_group_is_emptied_from_its_end_before_it_goes():
    observed = seen(security_group.KIND, answers(9), "web")
    calls = security_group.KIND.calls(work(security_group.KIND, None, observed))
    assert [one.path.rpartition("/")[2] for one in calls] == ["3", "2", "1", "0", "web"]
    assert {one.method for one in calls} == {"DELETE"}


def test_an_alias_says_its_address_with_every_change():
    desired = wanted(alias.KIND, walled(aliases={"gw": {"cidr": "10.0.0.1", "comment": "new"}}), "gw")
    (changed,) = alias.KIND.calls(work(alias.KIND, desired, seen(alias.KIND, answers(9), "gw")))
    assert changed.params == {"cidr": "10.0.0.1", "comment": f"new {MARK}", "digest": DIGEST}


@pytest.mark.parametrize(
    ("said", "stored"),
    [("10.0.0.1/32", "10.0.0.1"), ("fd00::1/128", "fd00::1"), ("10.0.0.0/24", "10.0.0.0/24")],
)
def test_an_alias_for_one_address_is_wanted_as_proxmox_stores_it(said, stored):
    assert wanted(alias.KIND, walled(aliases={"gw": {"cidr": said}}), "gw").attributes["cidr"] == stored


RULE = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["in", "out", "forward", "group"]),
        "action": st.sampled_from(["ACCEPT", "DROP", "web"]),
    },
    optional={
        "macro": st.just("SSH"),
        "proto": st.sampled_from(["tcp", "udp"]),
        "source": st.sampled_from(["10.0.0.0/8,+dc/adm", "10.0.0.1-10.0.0.9", "fd00::/8"]),
        "dport": st.sampled_from(["80,443", "1024:2048"]),
        "icmp_type": st.just("echo-request"),
        "iface": st.just("net0"),
        "log": st.sampled_from(["info", "nolog"]),
        "enabled": st.booleans(),
        "comment": st.text("ab #=é", max_size=8),
    },
)


@given(RULE)
def test_a_rule_is_the_same_as_text_as_parameters_and_in_the_estate(words):
    (text,) = texts_of([Rule.model_validate(words)])
    assert rule_text(rule_params(text)) == text
    (again,) = rules_in_words((text,))
    assert texts_of([Rule.model_validate(again)]) == (text,)


def test_a_rule_that_does_not_say_enable_is_off():
    assert rule_text({"type": "in", "action": "DROP"}) == "off in DROP"
    assert rule_text(RULES[1]) == "in ACCEPT macro=SSH source=+dc/adm # never # out"
