"""What has to hold of a fact."""

from datetime import UTC, datetime

import pytest

from provisioner.model.expect import NESTED, SIMPLE, WrongExpectation, read, short

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CASES = [  # expectation, what holds, what does not
    ({"equals": 1}, ["1", 1], ["2", None, True, [1]]),
    ({"equals": True}, [True], ["true", 1, None]),
    ({"not_equals": "yes"}, ["no", None], ["yes"]),
    ({"in": ["no", "prohibit-password"]}, ["no"], ["yes", None]),
    ({"not_in": ["md5"]}, ["scram"], ["md5"]),
    ({"at_least": 2}, [2, "3"], [1, "1", None, "many", True, []]),
    ({"at_most": 30}, [30, "-1"], [31, None, ""]),
    ({"matches": "^a"}, ["ab"], ["ba", None]),
    ({"not_matches": "^a"}, ["ba"], ["ab", None]),
    ({"contains": "x"}, ["axb", ["x"], {"x": 1}], ["ab", ["xx"], None, 7]),
    ({"lacks": "x"}, ["ab", []], ["axb", ["x"], None]),
    ({"contains_all": ["a", "b"]}, [["b", "a", "c"]], [["a"], None]),
    ({"subset_of": ["a", "b"]}, [["a"], []], [["a", "c"], None, "a"]),
    ({"empty": True}, [[], "", None, {}], [["a"], "a"]),
    ({"empty": False}, [["a"]], [[]]),
    ({"each": {"at_least": 2}}, [[2, 3], [], {"a": 2}], [[1, 3], None, "2"]),
    ({"some": {"equals": "a"}}, [["b", "a"]], [["b"], [], None]),
    ({"has": {"user": {"equals": "root"}}}, [{"user": "root", "x": 1}], [{}, {"user": "eve"}, None, "root"]),
    ({"all": [{"at_least": 1}, {"at_most": 3}]}, [2], [0, 4]),
    ({"any": [{"equals": 1}, {"equals": 3}]}, [1, 3], [2]),
    ({"not": {"equals": 1}}, [2], [1]),
    ({"newer_than_days": 7}, ["2026-11-20T00:00:00Z", "2026-11-20"], ["2026-10-01", "never", None]),
    ({"older_than_days": 7}, ["2026-10-01"], ["2026-11-20", None]),
]


@pytest.mark.parametrize(("told", "good", "bad"), CASES, ids=[str(case[0]) for case in CASES])
def test_an_operator_tells_what_holds_from_what_does_not(told, good, bad):
    judge = read(told)
    assert [value for value in good if judge(value, NOW) is not None] == []
    assert [value for value in bad if not judge(value, NOW)] == []


def test_every_operator_is_tried():
    tried = {name for told, _, _ in CASES for name in told}
    assert tried == {*SIMPLE, *NESTED}


@pytest.mark.parametrize(
    "told",
    [{}, "yes", {"equal": 1}, {"equals": 1, "in": []}, {"matches": "("}, {"at_least": "two"}, {"in": "abc"},
     {"any": []}, {"each": 1}, {"has": []}, {"empty": "yes"}, {"newer_than_days": "a week"}],
)  # fmt: skip
def test_what_is_no_expectation_is_refused(told):
    with pytest.raises(WrongExpectation):
        read(told)


def test_a_value_that_nobody_would_read_to_its_end_is_counted_or_cut():
    assert short({str(number): number for number in range(800)}) == "800 entries"
    assert short("x" * 500).endswith("x…")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "not set"),
        ([], "nothing"),
        (True, "yes"),
        ([None, 1, False], "not set, 1, no"),
        ({"mode": "0644", "owner": None}, "mode: 0644, owner: not set"),
        ([{"name": "a", "users": ["x", "y"]}, {"name": "b", "users": []}],
         "(name: a, users: (x, y)), (name: b, users: nothing)"),
    ],
)  # fmt: skip
def test_values_are_told_in_words(value, words):
    assert short(value) == words
