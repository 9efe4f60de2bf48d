"""Frameworks that are shipped: whole, in their own words, and pairing nothing that the texts do not."""

import re
from pathlib import Path

import pytest
import yaml

from provisioner.report.audit_tally import contributing

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SURE = ("low", "medium", "high")
RENAMED = {
    "activity 1": "Activité 1",
    "activity 6": "Activité 6",
    "domain Accès distants (announced)": "Accès distants",
    "P2 cyber-surveillance audit": "P2 (cybersurveillance)",
}
WRONGLY_PAIRED = {
    ("pgssi-s", "1.1.1"): "paired with risk analysis; the text is about formalities with the CNIL",
    ("anssi-hygiene", "14.R"): "paired with encryption at rest; the text is about backups off line",
}
"""Pairings that the texts themselves contradict: the requirement stands, with nothing that contributes."""
BENCHMARK = re.compile(r"(?P<benchmark>Debian \d+ v[\d.]+(?:, v[\d.]+)*) § (?P<section>\d\.\d)")
TESTIFIES = re.compile(r"\bcompl(y|ies|iant|iance)\b|\bconformes? (à|aux)\b|\ben conformité\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def crosswalk():
    return yaml.safe_load((HERE / "crosswalk.yml").read_text(encoding="utf-8"))


def pairings(crosswalk, framework):
    """The topics of each requirement, and the lowest confidence of its pairings."""
    paired: dict[str, tuple[set[str], str]] = {}
    for topic, asked in crosswalk.items():
        for told in asked.get(framework, ()):
            name, sure = (told["id"], told["confidence"]) if isinstance(told, dict) else (told, None)
            if (framework, name) in WRONGLY_PAIRED:
                continue
            name = f"21.2.{name}" if framework == "nis2" else RENAMED.get(name, name)
            topics, lowest = paired.get(name, (set(), "high"))
            sure = sure or asked.get("confidence", "medium")
            paired[name] = (topics | {topic}, min(lowest, sure, key=SURE.index))
    return paired


def told_of(catalogue, framework):
    return {one.id: one for one in catalogue.frameworks[framework].requirements}


def test_the_catalogue_loads_without_a_problem(loaded):
    assert [str(problem) for problem in loaded[1]] == []


def test_all_frameworks_are_there(catalogue):
    assert set(catalogue.frameworks) == {
        "anssi", "anssi-hygiene", "care", "cis", "gdpr", "hds",
        "hopen", "iso27001", "nis2", "pgssi-s", "recyf",
    }  # fmt: skip


def test_the_topics_are_those_of_the_crosswalk(catalogue, crosswalk):
    assert set(catalogue.topics) == set(crosswalk)
    assert len(catalogue.topics) == 31


def test_every_topic_is_asked_for_by_somebody(catalogue):
    asked = {
        topic for one in catalogue.frameworks.values() for part in one.requirements for topic in part.topics
    }
    assert asked == set(catalogue.topics)


@pytest.mark.parametrize(
    "framework",
    ["anssi-hygiene", "care", "gdpr", "hds", "hopen", "iso27001", "nis2", "pgssi-s", "recyf"],
)
def test_requirements_carry_the_topics_and_the_confidence_of_the_crosswalk_and_no_others(
    catalogue, crosswalk, framework
):
    paired = pairings(crosswalk, framework)
    told = told_of(catalogue, framework)
    assert paired.keys() <= told.keys()
    for name, requirement in told.items():
        topics, sure = paired.get(name, (set(), requirement.confidence))
        assert (set(requirement.topics), requirement.confidence) == (topics, sure), name


def test_sections_of_cis_name_benchmark_and_version_and_claim_no_more_than_the_crosswalk(
    catalogue, crosswalk
):
    paired = pairings(crosswalk, "cis")
    firewall = paired.pop("4 (version-dependent)")
    seen: dict[str, set[str]] = {}
    for requirement in catalogue.frameworks["cis"].requirements:
        told = BENCHMARK.fullmatch(requirement.id)
        assert told, requirement.id
        benchmark, section = told["benchmark"], told["section"]
        topics, sure = firewall if section[0] == "4" else paired.get(section, (set(), requirement.confidence))
        if benchmark.startswith("Debian 13"):  # its sections were read, its pairing is that of Debian 12
            sure = min(sure, "medium", key=SURE.index)
        assert (set(requirement.topics), requirement.confidence) == (topics, sure), requirement.id
        for version in benchmark.removeprefix("Debian 12 ").split(", "):
            seen.setdefault(version, set()).add(section)
    assert set(seen) == {"Debian 13 v1.0.0", "v1.1.0", "v2.0.0"}
    assert all(paired.keys() <= sections for sections in seen.values())
    assert {one for one in seen["v1.1.0"] if one[0] == "4"} == {"4.1", "4.2", "4.3", "4.4"}
    assert {one for one in seen["v2.0.0"] if one[0] == "4"} == {"4.1"}


def test_the_recommendations_of_anssi_are_controls_of_the_same_id_and_title(catalogue):
    asked = catalogue.frameworks["anssi"].requirements
    assert [one.controls for one in asked] == [(f"R{number}",) for number in range(1, 81)]
    for requirement in asked:
        assert [control.title for control in contributing(requirement, catalogue)] == [requirement.title]


def test_texts_with_numbers_of_their_own_miss_none(catalogue):
    hds, hygiene = told_of(catalogue, "hds"), told_of(catalogue, "anssi-hygiene")
    assert all(f"EXI {number:02}" in hds for number in range(1, 32))
    assert all({str(number), f"{number}.R"} & hygiene.keys() for number in range(1, 43))
    assert [name[-1] for name in told_of(catalogue, "nis2")] == list("abcdefghij")
    assert {name.split(".")[0] for name in told_of(catalogue, "recyf")} == {
        str(number) for number in range(1, 21)
    }


def test_a_requirement_of_organisation_alone_has_nothing_here_that_contributes(catalogue):
    hds = told_of(catalogue, "hds")
    for name in ("EXI 07", "EXI 17", "EXI 26"):
        assert contributing(hds[name], catalogue) == ()


def test_a_failover_is_no_continuity_exercise(catalogue):
    """Records of both kinds stay apart, as the regional agency asks: neither borrows from the other."""
    care = told_of(catalogue, "care")
    assert care["D2.O1.D"].topics == ("continuity_exercise",)
    assert care["D2.O4"].topics == ("restore_test",)
    assert "exercice de continuité" in catalogue.frameworks["care"].scope.fr


def test_every_framework_names_its_version_and_where_it_ends(catalogue):
    for framework in catalogue.frameworks.values():
        assert framework.version
        assert framework.source
        assert framework.scope, framework.id


def test_who_is_bound_stays_a_question_for_the_client(catalogue):
    scope = catalogue.frameworks["hds"].scope
    assert re.search("tiers.*question de droit", scope.fr)
    assert re.search("third party.*question of law", scope.en)


def test_no_words_testify(catalogue):
    for framework in catalogue.frameworks.values():
        words = [framework.title, framework.scope, *(one.title for one in framework.requirements)]
        said = " ".join(text for one in words for text in (one.fr, one.en))
        assert TESTIFIES.search(said) is None, framework.id


def test_titles_are_short_and_stand_in_both_languages(catalogue):
    for framework in catalogue.frameworks.values():
        for one in framework.requirements:
            assert max(len(one.title.fr), len(one.title.en)) <= 90, (framework.id, one.id)
