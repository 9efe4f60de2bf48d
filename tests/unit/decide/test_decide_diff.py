"""What differs, and what is left alone."""

import pytest
from decide_cases import TRAITS, cases, ref, wanted_and_seen

from provisioner.decide.diff import diff


def told(change):
    """A change as the table writes it, without what is empty."""
    row = {
        "ref": f"{change.ref.kind}/{change.ref.id}",
        "label": change.label,
        "action": change.action.value,
        "attributes": {one.name: [plain(one.before), plain(one.after)] for one in change.attributes},
        "effects": sorted(change.effects),
        "risk": change.risk.value,
        "notes": list(change.notes),
    }
    return {key: value for key, value in row.items() if value}


def plain(value):
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize(("given", "expected"), cases("diff.yaml"))
def test_the_difference_is(given, expected):
    wanted, seen = wanted_and_seen(given)
    found = diff(wanted, seen, TRAITS, frozenset(map(ref, given.get("removals", ()))))
    changes = [{"label": ref(row["ref"]).id} | row for row in expected.get("changes", [])]
    assert [told(change) for change in found.changes] == changes
    assert [blocker.reason for blocker in found.blockers] == expected.get("blockers", [])
    assert [one.kind for one in found.blockers if one.kind != "conflict"] == expected.get("later", [])
    assert dict(found.unknown) == {ref(text): why for text, why in expected.get("unknown", {}).items()}
    assert found.taken == frozenset(map(ref, expected.get("taken", ())))
    waiting = [(ref(text), *rest) for text, *rest in expected.get("waiting", [])]
    assert [(one.ref, one.attribute, one.active, one.next) for one in found.waiting] == waiting
    assert [one.ref for one in found.restarts] == [ref(text) for text in expected.get("restarts", [])]
