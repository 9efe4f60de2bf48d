"""Checks of sites and of the estate mean something to a control, and controls to topics that exist."""

from pathlib import Path

import pytest
import yaml

from provisioner.estate.catalogue import load_catalogue

CONTROLS = Path(__file__).resolve().parents[3] / "controls"


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(CONTROLS)[0]


def test_every_check_of_a_site_or_the_estate_means_something_to_a_control(catalogue):
    meant = {check for control in catalogue.controls.values() for check in control.checks}
    assert {one.id for one in catalogue.checks.values() if one.of != "host"} - meant == set()


def test_controls_contribute_to_topics_that_exist(catalogue):
    listed = yaml.safe_load((CONTROLS / "topics.yml").read_text(encoding="utf-8"))["topics"]
    topics = {topic["id"] for topic in listed}
    assert {topic for control in catalogue.controls.values() for topic in control.topics} <= topics


def test_there_are_as_many_checks_of_sites_and_of_recovery_as_were_promised(catalogue):
    asked = [one.of for one in catalogue.checks.values()]
    assert asked.count("site") >= 60
    assert asked.count("estate") >= 10


def test_questions_about_sites_and_recovery_name_the_evidence_that_is_kept(catalogue):
    asked = [
        one
        for one in catalogue.controls.values()
        if one.question and one.id.startswith(("PVE-", "RECOVERY-"))
    ]
    assert [one.id for one in asked if one.question.evidence is None] == []
