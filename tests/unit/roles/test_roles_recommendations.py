"""The table of recommendations answers for each of them, and is not written when it cannot."""

import re
from collections import Counter

import pytest
import yaml

from tools import roles_reference
from tools.roles_reference import Untold, recommendations_page

PER_LEVEL = {"minimal": 11, "intermediary": 29, "enhanced": 18, "high": 22}
BREAKS_A_NODE = {"R6", "R10", "R28", "R33"}
"""What stops a node of Proxmox VE when it is applied word for word."""
ROW = re.compile(r"^\| (?P<id>[A-Z0-9.-]+) \| (?P<cells>.*) \|$", re.MULTILINE)


def rows(section):
    found = ((one["id"], re.split(r"(?<!\\)\|", one["cells"])) for one in ROW.finditer(section))
    return [(name, [cell.strip() for cell in cells]) for name, cells in found]


@pytest.fixture(scope="module")
def sections():
    first, *others = recommendations_page().split("\n## ")
    return {"": first} | {text.splitlines()[0]: text for text in others}


def test_every_recommendation_has_one_row_and_each_says_what_applies_it_or_why_nothing_does(sections):
    table = rows(sections[""])
    assert [name for name, _ in table] == [f"R{number}" for number in range(1, 81)]
    assert [name for name, cells in table if not all(cells)] == []


def test_the_levels_are_those_of_the_guide(sections):
    assert Counter(cells[0] for _, cells in rows(sections[""])) == PER_LEVEL


def test_what_would_break_a_node_is_a_deviation_with_reason_and_measure(sections):
    table = rows(sections["Deviations of Proxmox VE nodes"])
    assert {name for name, _ in table} >= BREAKS_A_NODE
    assert [name for name, cells in table if not all(cells)] == []


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A function: the entries of one role's controls → the page of a catalogue of R1 and R2."""
    catalogue = tmp_path / "catalogue.yml"
    titles = [{"id": name, "level": "minimal", "title": {"en": f"What {name} says"}} for name in ("R1", "R2")]
    catalogue.write_text(yaml.safe_dump({"document": "G", "version": "1", "controls": titles}))
    meta = tmp_path / "roles" / "doors" / "meta"
    meta.mkdir(parents=True)
    (meta / "argument_specs.yml").touch()
    monkeypatch.setattr(roles_reference, "ROOT", tmp_path)
    monkeypatch.setattr(roles_reference, "ROLES", tmp_path / "roles")
    monkeypatch.setattr(roles_reference, "CATALOGUE", catalogue)

    def page(*controls):
        (meta / "controls.yml").write_text(yaml.safe_dump({"controls": list(controls)}), encoding="utf-8")
        return recommendations_page()

    return page


def control(name, **more):
    return {"id": name, "level": "minimal", "task": "Lock the door", "note": "Two bolts", **more}


def test_a_recommendation_that_nobody_answers_for_is_named_with_what_to_do(small):
    with pytest.raises(
        Untold, match=r"^R2 \(What R2 says\): no role applies it\. Name it in .* `instead`\.$"
    ):
        small(control("R1"))


def test_what_is_in_no_catalogue_needs_a_source(small):
    with pytest.raises(Untold, match=r"doors/meta/controls\.yml: R81 is not in the catalogue"):
        small(control("R1"), control("R2"), control("R81"))
    assert "| X-1 | minimal |" in small(control("R1"), control("R2"), control("X-1", source="a book"))


def test_several_roles_or_tasks_share_a_row_and_deviations_of_nodes_stand_apart(small):
    page = small(
        control("R1"),
        control("R1", task="Bar the window"),
        control("R2", deviations=[{"kinds": ["node"], "reason": "a|b", "measure": "A guard."}]),
    )
    assert page.count("| R1 |") == 1
    assert "*Lock the door*. Two bolts.<br>" in page
    assert "| R2 | doors | node | a\\|b. | A guard. |" in page
