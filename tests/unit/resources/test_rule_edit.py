"""The way from one list of firewall rules to another, on a list that behaves as Proxmox VE's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.resources.rule_edit import Edit, edit
from provisioner.resources.rule_text import rule_params, rule_text

RULES = st.builds(
    lambda on, action, port, note: (
        f"{'' if on else 'off '}in {action} proto=tcp dport={port}{f' # {note}' if note else ''}"
    ),
    st.booleans(),
    st.sampled_from(["ACCEPT", "DROP"]),
    st.integers(1, 4),
    st.sampled_from(["", "a", "b # c"]),
)
LISTS = st.lists(RULES, max_size=7)


def applied(rules: list[str], one: Edit) -> list[str]:
    """What PVE::API2::Firewall::Rules does."""
    rows = [rule_params(text) for text in rules]
    if one.method == "POST":
        rows.insert(0, dict(one.params))
    elif one.method == "DELETE":
        del rows[one.pos]
    elif "moveto" in one.params:
        moveto = one.params["moveto"]
        assert moveto != one.pos, "Proxmox VE loses a rule that is moved onto itself"
        moved = rows[one.pos]
        rows.insert(moveto, moved)
        del rows[one.pos if one.pos < moveto else one.pos + 1]
    else:
        row = rows[one.pos] | {key: value for key, value in one.params.items() if key != "delete"}
        for key in filter(None, str(one.params.get("delete", "")).split(",")):
            del row[key]
        rows[one.pos] = row
    return [rule_text(row) for row in rows]


@given(LISTS, LISTS)
def test_edits_lead_to_the_wanted_list(now, target):
    rules = now
    for one in edit(now, target):
        rules = applied(rules, one)
    assert rules == target


@given(LISTS, LISTS)
def test_an_interrupted_edit_is_finished_by_a_new_one(now, target):
    rules = now
    for one in edit(now, target):
        rules = applied(rules, one)
        again = rules
        for more in edit(rules, target):
            again = applied(again, more)
        assert again == target


@given(LISTS, LISTS)
def test_a_rule_that_lets_in_before_and_after_lets_in_all_the_time(now, target):
    kept = {text for text in {*now} & {*target} if text.startswith("in ACCEPT")}
    rules = now
    for one in edit(now, target):
        rules = applied(rules, one)
        assert kept <= set(rules)


@given(LISTS, LISTS)
def test_nothing_refuses_before_all_that_lets_in_stands(now, target):
    refusing = {text for text in target if text.startswith("in DROP")} - set(now)
    letting_in = {text for text in target if text.startswith("in ACCEPT")}
    rules = now
    for one in edit(now, target):
        before, rules = rules, applied(rules, one)
        switched_on = {text for text in refusing if text in rules and text not in before}
        made_anew = one.method == "POST" or one.params == {"enable": 1}
        if switched_on and made_anew:
            assert letting_in <= set(rules)


@given(LISTS)
def test_equal_lists_need_no_edit(rules):
    assert edit(rules, rules) == ()


@pytest.mark.parametrize(
    ("now", "target", "writes"),
    [
        (["in ACCEPT dport=1", "in ACCEPT dport=2", "in DROP"], ["in DROP"], ["DELETE", "DELETE"]),
        (["in ACCEPT dport=1", "in DROP"], ["in ACCEPT dport=1 # ssh", "in DROP"], ["PUT"]),
        (["in ACCEPT dport=2", "in ACCEPT dport=1"], ["in ACCEPT dport=1", "in ACCEPT dport=2"], ["PUT"]),
        (["in DROP"], ["in ACCEPT dport=1", "in DROP"], ["POST"]),
        ([], ["in ACCEPT dport=1", "in DROP"], ["POST", "POST", "PUT"]),
        (["in ACCEPT dport=1"], ["in ACCEPT dport=1", "in DROP"], ["POST", "PUT", "PUT"]),
    ],
)
def test_edits_are_as_few_as_can_be(now, target, writes):
    assert [one.method for one in edit(now, target)] == writes
