"""A plan that is kept, approved and read again."""

import json
from datetime import datetime

import pytest
from plans import FULL, GROWN, NEW, plan

from provisioner.errors import Exit, Refused
from provisioner.report.document import plan_document, read_document


def saved(one=FULL):
    return json.dumps(plan_document(one), indent=2, ensure_ascii=False)


def test_a_saved_plan_approves_its_steps_and_no_others():
    approved = read_document(saved())
    assert approved.estate == "synergia"
    assert approved.digest == FULL.digest
    assert approved.digests == {step.ref: step.digest for step in FULL.steps}


def test_the_document_tells_all_that_the_plan_tells():
    document = json.loads(saved())
    assert document["format"] == "bastide-plan/1"
    assert document["tool"].startswith("bastide")
    assert datetime.fromisoformat(document["created"]) == FULL.created
    grown = document["steps"][1]
    assert grown["ref"] == "carpentras/vm/111"
    assert grown["action"] == "update"
    assert grown["attributes"][1] == {"name": "tags", "before": ["dpi", "old"], "after": ["dpi", "tier0"]}
    assert grown["effects"] == ["restart"]
    assert grown["requires"] == ["carpentras/vm/110"]
    assert [len(document[part]) for part in ("unknown", "violations", "waiting", "blockers")] == [1, 1, 1, 1]


def test_the_document_of_a_plan_is_always_the_same():
    assert saved(plan(NEW, GROWN)) == saved(plan(NEW, GROWN))


def changed(path, value):
    document = json.loads(saved())
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("digest",), "0" * 64),
        (("estate",), "other"),
        (("created",), "2026-11-22T09:00:01+00:00"),
        (("steps", 0, "digest"), "0" * 64),
        (("steps", 0, "ref"), "carpentras/vm/190"),
        (("steps", 1, "attributes", 0, "after"), 1),
        (("steps",), []),
        (("unknown",), []),
        (("seal",), "0" * 64),
        (("more",), "of it"),
    ],
)
def test_a_document_that_was_changed_is_refused(path, value):
    with pytest.raises(Refused, match="changed after it was saved") as caught:
        read_document(changed(path, value))
    assert caught.value.exit_code is Exit.REFUSED
    assert "bastide plan -o" in caught.value.hint


def test_no_changed_letter_goes_unnoticed():
    text = saved(plan(GROWN))
    for place in range(0, len(text), 7):
        if text[place].isalnum():
            other = text[:place] + ("x" if text[place] != "x" else "y") + text[place + 1 :]
            with pytest.raises(Refused):
                read_document(other)


@pytest.mark.parametrize(
    "text",
    ["", "not json", "[]", "null", '"bastide-plan/1"', "{}", '{"format": "bastide-plan/2"}', saved()[:-9]],
)
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(Refused, match="not a plan that can be applied"):
        read_document(text)
