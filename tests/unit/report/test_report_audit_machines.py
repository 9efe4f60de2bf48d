"""The forms that machines read. XCCDF, ARF and OSCAL are held to their schemas; JUnit has no official one."""

import json
import warnings
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from audits import HOSTILE, audit, catalogue, clean
from lxml import etree

from provisioner.model.finding import Finding, Verdict
from provisioner.report.arf import arf
from provisioner.report.junit import junit
from provisioner.report.oscal import document, oscal
from provisioner.report.xccdf import NAMESPACE, xccdf

SCHEMAS = Path("/usr/share/openscap/schemas")
X = f"{{{NAMESPACE}}}"
AUDITS = (audit(), clean(Verdict.PASS, Verdict.WAIVED), clean(), audit(subjects=(), findings=(), answers=()))

needs_schemas = pytest.mark.skipif(
    not SCHEMAS.is_dir(),
    reason="the Debian package openscap-common, with the schemas of SCAP, is not installed",
)


def schema(name):
    return etree.XMLSchema(etree.parse(SCHEMAS / name, etree.XMLParser(no_network=True)))


@pytest.fixture(scope="module")
def xccdf_schema():
    return schema("xccdf/1.2/xccdf_1.2.xsd")


@needs_schemas
@pytest.mark.parametrize("one", AUDITS)
def test_xccdf_is_valid(xccdf_schema, one):
    xccdf_schema.assertValid(etree.fromstring(xccdf(one, catalogue())))


@needs_schemas
def test_arf_is_valid_and_so_is_all_that_it_holds(xccdf_schema):
    collection = etree.fromstring(arf(audit(), catalogue()))
    schema("arf/1.1/asset-reporting-format_1.1.0.xsd").assertValid(collection)
    inside = list(collection.iter(f"{X}TestResult", f"{X}Benchmark"))
    assert len(inside) == 1 + len(audit().subjects)
    for element in inside:
        xccdf_schema.assertValid(etree.fromstring(etree.tostring(element)))


@needs_schemas
def test_whatever_hosts_say_leaves_xccdf_valid(xccdf_schema):
    said = "".join(map(chr, [*range(32), 0x7F, 0xFFFE, 0xD800, 0x1F600])) + HOSTILE
    one = audit(findings=(Finding("ssh-root-login", "dpi-db", Verdict.FAIL, said, said),))
    xccdf_schema.assertValid(etree.fromstring(xccdf(one, catalogue())))


def test_xccdf_tells_every_verdict_in_its_words():
    root = ET.fromstring(xccdf(audit(), catalogue()))  # noqa: S314 - written just now
    told = {
        (result.findtext(f"{X}target"), rule.get("idref").split("_rule_")[1]): rule.findtext(f"{X}result")
        for result in root.iter(f"{X}TestResult")
        for rule in result.iter(f"{X}rule-result")
    }
    assert told["ventoux-1", "ssh-root-login"] == "fail"
    assert told["temoin", "ssh-root-login"] == "unknown"
    assert told["dpi-db", "ssh-ciphers"] == "notapplicable"
    assert told["dpi-db", "time-nts"] == "pass"
    assert told["ventoux-2", "ssh-ciphers"] == "informational"
    [override] = root.iter(f"{X}override")
    assert override.get("authority") == "RSSI – É. Brès"
    assert "2026-12-10" in override.findtext(f"{X}remark")


def test_xccdf_scores_what_passes_of_what_applies():
    root = ET.fromstring(xccdf(audit(), catalogue()))  # noqa: S314 - written just now
    scores = {one.findtext(f"{X}target"): one.find(f"{X}score") for one in root.iter(f"{X}TestResult")}
    told = {name: (score.text, score.get("maximum")) for name, score in scores.items()}
    assert told["temoin"] == ("0", "4")
    assert told["dpi-db"] == ("2", "2")


def test_junit_counts_what_it_holds_and_is_red_for_what_nobody_saw():
    root = ET.fromstring(junit(audit(), catalogue()))  # noqa: S314 - written just now
    sums = {key: int(root.get(key)) for key in ("tests", "failures", "errors", "skipped")}
    cases = list(root.iter("testcase"))
    assert sums["tests"] == len(cases) == len(audit().findings) + 2 + 1
    assert sums["failures"] == 4
    assert sums["errors"] == 4 + 1 + 1  # a host that was not reached, a question, a flaw of the catalogue
    assert sums["skipped"] == 3
    for suite in root:
        assert int(suite.get("tests")) == len(suite.findall("testcase"))


def test_junit_tells_who_bears_a_failure():
    root = ET.fromstring(junit(audit(), catalogue(), language="fr"))  # noqa: S314 - written just now
    told = [one.get("message") for one in root.iter("skipped")]
    assert any("RSSI – É. Brès, 2026-12-10" in one for one in told)


@pytest.fixture(scope="module")
def oscal_model():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of a library and of what it loads
        from trestle.oscal.assessment_results import Model
    return Model


@pytest.mark.parametrize("one", AUDITS)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_oscal_is_valid(oscal_model, one, language):
    told = json.loads(oscal(one, catalogue(), language=language))
    oscal_model.model_validate(told)
    assert told["assessment-results"]["metadata"]["oscal-version"] == "1.2.1"


def test_what_oscal_does_not_know_would_be_refused(oscal_model):
    told = json.loads(oscal(audit(), catalogue()))
    told["assessment-results"]["results"][0]["verdict"] = "fine"
    with pytest.raises(ValueError, match="verdict"):
        oscal_model.model_validate(told)


def test_oscal_is_satisfied_only_with_what_passed():
    [result] = document(audit(), catalogue())["assessment-results"]["results"]
    status = {one["target"]["target-id"]: one["target"]["status"] for one in result["findings"]}
    assert status["SSH-1"] == {"state": "not-satisfied", "reason": "fail"}
    assert status["T1"] == {"state": "not-satisfied", "reason": "other"}
    assert status["R2"] == {"state": "satisfied", "reason": "pass"}
    assert status["R80"] == {"state": "not-satisfied", "reason": "other"}


def test_oscal_refers_only_to_what_it_holds():
    told = document(audit(), catalogue())["assessment-results"]
    [result] = told["results"]
    observed = {one["uuid"] for one in result["observations"]}
    items = {one["uuid"] for one in result["local-definitions"]["inventory-items"]}
    assert {
        one["observation-uuid"] for finding in result["findings"] for one in finding["related-observations"]
    } <= observed
    assert {
        one["subject-uuid"] for seen in result["observations"] for one in seen.get("subjects", ())
    } == items
    assert told["import-ap"]["href"] == f"#{told['back-matter']['resources'][0]['uuid']}"


def test_oscal_keeps_waivers_as_risks_with_their_deadline():
    [result] = document(audit(), catalogue())["assessment-results"]["results"]
    risks = {one["status"]: one for one in result["risks"]}
    assert risks["deviation-approved"]["deadline"].startswith("2026-12-10")
    assert risks["open"]["deadline"].startswith("2026-10-01")


def test_the_same_audit_is_the_same_document():
    turned = audit(findings=audit().findings[::-1])
    assert oscal(turned, catalogue()) == oscal(audit(), catalogue())
    assert xccdf(turned, catalogue()) == xccdf(audit(), catalogue())
    assert junit(turned, catalogue()) == junit(audit(), catalogue())
