"""What is seen of a task in the events of ansible-runner."""

import pytest

from provisioner.hosts.ansible import _Said
from provisioner.model.hosts import Seen

ABOUT = {"host": "db", "remote_addr": "10.0.0.5", "role": "ssh", "task": "Let in by key only"}


@pytest.fixture
def told():
    """A function: an event and what the module answered → what is told of it."""

    def tell(event, answer=None, **about):
        seen = []
        said = _Said(seen.append)
        kept = said.event({"event": event, "event_data": ABOUT | about | {"res": answer or {}}})
        assert kept is False, "a file of an event would hold its differences, which may be private"
        return seen

    return tell


def changed(answer):
    return {"changed": True, **answer}


@pytest.mark.parametrize(
    ("event", "answer", "state"),
    [
        ("runner_on_ok", {"changed": False}, "ok"),
        ("runner_on_ok", {"changed": True}, "changed"),
        ("runner_on_failed", {"changed": True, "msg": "no space left"}, "failed"),
        ("runner_on_unreachable", {"changed": False, "unreachable": True, "msg": "timed out"}, "unreachable"),
        ("runner_on_skipped", {"changed": False, "skipped": True}, "skipped"),
    ],
)
def test_how_a_task_ended_on_a_host(told, event, answer, state):
    (seen,) = told(event, answer)
    assert seen == Seen("db", "ssh", "Let in by key only", state, message=answer.get("msg", ""))


@pytest.mark.parametrize(
    "event", ["playbook_on_play_start", "playbook_on_task_start", "runner_item_on_ok", "verbose"]
)
def test_only_the_end_of_a_task_on_a_host_is_told(told, event):
    assert told(event, {"changed": True}) == []


def test_a_failure_that_the_play_ignores_is_none(told):
    assert told("runner_on_failed", {"msg": "no such file"}, ignore_errors=True) == []
    assert told("runner_on_failed", {"msg": "no such file"}, ignore_errors=None)[0].state == "failed"


def test_ansible_has_begun_when_a_play_has(told):
    said = _Said(told)
    said.event({"event": "verbose", "stdout": "[WARNING]: no inventory was parsed"})
    assert not said.began
    said.event({"event": "playbook_on_play_start", "event_data": {"play": "Harden"}})
    assert said.began


def test_a_loop_that_failed_says_what_its_first_failed_item_said(told):
    results = [{"changed": True, "item": "a"}, {"failed": True, "msg": "/etc/b is a directory", "item": "b"}]
    (seen,) = told("runner_on_failed", {"results": results})
    assert seen.message == "/etc/b is a directory"


def test_what_is_hidden_is_not_told(told):
    (seen,) = told("runner_on_ok", {"censored": "the output has been hidden"})
    assert (seen.diff, seen.message) == ("", "")


def test_the_difference_of_a_file_is_unified_with_one_line_around_it(told):
    diff = {"before": "1\n2\n3\n4\n5\n", "after": "1\n2\nthree\n4\n5\n", "before_header": "/etc/f"}
    (seen,) = told("runner_on_ok", changed({"diff": [diff]}))
    assert "/etc/f" in seen.diff.splitlines()[0]
    assert seen.diff.splitlines()[2:] == ["@@ -2,3 +2,3 @@", " 2", "-3", "+three", " 4"]


def test_a_new_file_is_all_plus_and_a_removed_one_all_minus(told):
    (new,) = told("runner_on_ok", changed({"diff": {"before": "", "after": "a\n"}}))
    (gone,) = told("runner_on_ok", changed({"diff": {"before": "a\n", "after": None}}))
    assert new.diff.splitlines()[2:] == ["@@ -0,0 +1 @@", "+a"]
    assert gone.diff.splitlines()[2:] == ["@@ -1 +0,0 @@", "-a"]


def test_the_difference_of_attributes_is_told_in_yaml(told):
    diff = {"before": {"path": "/etc/f", "mode": "0644"}, "after": {"path": "/etc/f", "mode": "0600"}}
    (seen,) = told("runner_on_ok", changed({"diff": diff}))
    assert seen.diff.splitlines()[2:] == [
        "@@ -1,2 +1,2 @@",
        "-mode: '0644'",
        "+mode: '0600'",
        " path: /etc/f",
    ]


def test_a_difference_that_a_module_has_written_itself_stays_as_it_is(told):
    (seen,) = told("runner_on_ok", changed({"diff": {"prepared": "Inst chrony (4.6)\nConf chrony\n\n"}}))
    assert seen.diff == "Inst chrony (4.6)\nConf chrony"


def test_the_differences_of_a_loop_stand_one_below_the_other(told):
    results = [
        {"changed": True, "diff": {"before": "", "after": "a\n"}},
        {"changed": False},
        {"changed": True, "diff": [{"before": "b\n", "after": ""}, {"prepared": "c"}]},
    ]
    (seen,) = told("runner_on_ok", changed({"results": results}))
    assert [line for line in seen.diff.splitlines() if line[:3] not in {"---", "+++", "@@ "}] == [
        "+a",
        "-b",
        "c",
    ]


def test_what_stayed_as_it_was_has_no_difference(told):
    (seen,) = told("runner_on_ok", {"changed": False, "diff": {"before": "a\n", "after": "a\n"}})
    assert seen.diff == ""
