"""The catalogue that is shipped: each check tells its good state from its bad one, and says what mends it."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from provisioner.decide.controls import findings, section_of
from provisioner.model.finding import Collected, Subject, Verdict

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OWN_KERNEL = {"container": False}
PER_LEVEL = {"minimal": 11, "intermediary": 29, "enhanced": 18, "high": 22}
LISTS = {"authorized_keys", "certificates", "exposure", "listeners", "sshd_keys", "units"}
"""Sections that are lists of things, and may truly be empty."""
TESTIFIES = re.compile(r"compl(y|ies) with|compliant|conforme (à|aux)", re.IGNORECASE)


@pytest.fixture(scope="module")
def checks(catalogue):
    return catalogue.checks.values()


@pytest.fixture(scope="module")
def tags():
    """The tags of each role: those of its tasks, and those with which the playbook runs it."""
    found = {role.name: set(_tags(role)) for role in (ROOT / "roles").iterdir() if role.is_dir()}
    (play,) = yaml.safe_load((ROOT / "playbooks" / "harden.yml").read_text(encoding="utf-8"))
    for task in play["tasks"]:
        role = task.get("ansible.builtin.import_role", {}).get("name")
        if role:
            found[role] |= set(task.get("tags", ()))
    return found


def _tags(role):
    for file in role.glob("tasks/**/*.yml"):
        for listed in re.findall(r"tags: \[([^\]]*)\]", file.read_text(encoding="utf-8")):
            yield from listed.split(", ")


def verdict(check, sections):
    """What a check concludes of fragments of sections, asked of a subject that it is meant for."""
    subject = Subject("it", check.of, (check.kinds or ("vm",))[0], level=4)
    told = {"os": OWN_KERNEL} | sections
    collected = Collected(subject, NOW, {name: {"data": data} for name, data in told.items()})
    (found,) = findings([check], [collected], [], NOW)
    return found.verdict


def test_nothing_in_the_catalogue_is_broken_and_no_control_rests_on_a_check_that_is_not_there(loaded):
    assert loaded[1] == ()


def test_the_good_state_of_every_check_passes(checks):
    assert [one.id for one in checks if verdict(one, one.examples.good) is not Verdict.PASS] == []


def test_the_bad_state_of_every_check_fails(checks):
    assert [one.id for one in checks if verdict(one, one.examples.bad) is not Verdict.FAIL] == []


def test_no_check_of_a_host_passes_where_its_section_says_nothing(checks):
    asked = [one for one in checks if one.of == "host" and section_of(one) not in LISTS]
    empty = [{section_of(one): type(one.examples.good[section_of(one)])()} for one in asked]
    passed = [one.id for one, data in zip(asked, empty, strict=True) if verdict(one, data) is Verdict.PASS]
    assert passed == []


def test_no_check_passes_where_its_section_could_not_be_looked_at(checks):
    for check in checks:
        subject = Subject("it", check.of, (check.kinds or ("vm",))[0], level=4)
        told = {"os": {"data": OWN_KERNEL}, section_of(check): {"error": "refused"}}
        (found,) = findings([check], [Collected(subject, NOW, told)], [], NOW)
        assert found.verdict is Verdict.UNKNOWN, check.id


def test_what_mends_a_check_is_a_role_and_a_tag_that_are_there(checks, tags):
    told = [(one.id, one.remediation) for one in checks if one.remediation.role]
    assert [name for name, mend in told if mend.role not in tags] == []
    assert [name for name, mend in told if mend.tag and mend.tag not in tags[mend.role]] == []


def test_every_check_of_a_host_means_something_to_a_control(catalogue):
    meant = {check for control in catalogue.controls.values() for check in control.checks}
    assert {one.id for one in catalogue.checks.values() if one.of == "host"} - meant == set()


def test_all_recommendations_of_the_guide_are_controls_at_its_levels(catalogue):
    found = {f"R{number}": catalogue.controls[f"R{number}"] for number in range(1, 81)}
    assert Counter(control.level for control in found.values()) == PER_LEVEL


def test_titles_are_one_line_in_each_language_and_explanations_are_sentences(catalogue):
    for one in [*catalogue.checks.values(), *catalogue.controls.values()]:
        for title in (one.title.en, one.title.fr):
            assert len(title) <= 110, one.id
            assert not re.search(r"[{}\n]|\.$", title), one.id
        assert one.title.en != one.title.fr, one.id
    for check in catalogue.checks.values():
        for text in (check.explanation.en, check.explanation.fr):
            assert re.match(r"(?s)(?!.*\{[a-z_]+\}).{60,}\.$", text.rstrip()), check.id
        assert check.explanation.en != check.explanation.fr, check.id


def test_no_two_checks_ask_the_same_of_the_same_kinds_at_the_same_level(checks):
    asked = Counter((one.of, one.kinds, one.level, one.fact, repr(one.expect)) for one in checks)
    assert [question for question, times in asked.items() if times > 1] == []


def test_no_text_testifies_that_a_text_of_law_or_a_guide_is_met(checks):
    texts = ((one.id, text) for one in checks for text in (one.explanation.en, one.explanation.fr))
    assert [name for name, text in texts if TESTIFIES.search(text)] == []


def test_there_are_as_many_checks_as_were_promised(catalogue, capsys):
    of = Counter(one.of for one in catalogue.checks.values())
    by_level = Counter(one.level or "always" for one in catalogue.checks.values())
    with capsys.disabled():
        print(f"\n{dict(of)} checks, {dict(by_level)}; {len(catalogue.controls)} controls")  # noqa: T201 - for the reader of the run
    assert of["host"] >= 220
