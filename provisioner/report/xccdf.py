"""An audit as XCCDF 1.2 results (NIST IR 7275), for the tools of the SCAP world.

The benchmark holds every check that was asked as a rule, in both languages, and one TestResult for each
subject. XCCDF has no word for a waiver: a waived failure is an override from `fail` to `informational`, with
its authority and its remark.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from provisioner.model.catalogue import Catalogue, Check
from provisioner.model.finding import Audit, Finding, Subject, Verdict, Waived
from provisioner.report.audit_tally import Tally
from provisioner.report.markup import add, name, named, written

NAMESPACE = "http://checklists.nist.gov/xccdf/1.2"
OURS = "xccdf_fr.bastide"
RESULTS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.WAIVED: "informational",
    Verdict.NOT_APPLICABLE: "notapplicable",
    Verdict.UNKNOWN: "unknown",
}
SEVERITIES = {"low": "low", "medium": "medium", "high": "high", "critical": "high"}
"""XCCDF knows nothing above high."""
FLAT = "urn:xccdf:scoring:flat-unweighted"
"""The scoring model of XCCDF that counts rules that pass, of those that apply."""


def xccdf(audit: Audit, catalogue: Catalogue) -> bytes:
    """The benchmark with the results of all subjects, as XML in UTF-8."""
    tally = Tally(audit, catalogue)
    root = benchmark(tally)
    for state in tally.subjects:
        result(root, tally, state.subject)
    return written(root, [("", NAMESPACE)])


def benchmark(tally: Tally) -> ET.Element:
    """The rules that were asked, without results."""
    audit = tally.audit
    root = ET.Element(
        "Benchmark", named({"id": f"{OURS}_benchmark_{name(audit.catalogue)}", "resolved": "true"})
    )
    day = audit.at.date().isoformat()
    add(root, "status", "accepted", date=day)
    add(root, "title", f"Vérifications de Bastide pour {audit.estate}", language="fr")
    add(root, "title", f"Checks of Bastide for {audit.estate}", language="en")
    said = "A rule that passes contributes to the requirements that refer to it; it does not prove them."
    add(root, "description", said, language="en")
    add(root, "version", audit.catalogue)
    for state in tally.checks:
        _rule(root, state.check, tally.catalogue)
    return root


def _rule(root: ET.Element, check: Check, catalogue: Catalogue) -> None:
    rule = add(root, "Rule", id=rule_id(check.id), selected="true", severity=SEVERITIES[check.severity])
    for tag, text in (("title", check.title), ("description", check.explanation)):
        add(rule, tag, text.fr, language="fr")
        add(rule, tag, text.en, language="en")
    for control in catalogue.controls.values():
        if check.id in control.checks:
            add(rule, "reference", control.id)
            for standard, ids in control.references.items():
                add(rule, "reference", f"{standard} {', '.join(ids)}")
    mend = check.remediation
    if mend.by:
        add(rule, "fixtext", mend.by.fr, language="fr")
        add(rule, "fixtext", mend.by.en, language="en")
    if mend.role:
        tag = f" --tags {mend.tag}" if mend.tag else ""
        add(rule, "fixtext", f"bastide harden{tag} (role {mend.role})", language="en")


def result(parent: ET.Element | None, tally: Tally, subject: Subject) -> ET.Element:
    """The TestResult of one subject, below `parent` or by itself."""
    audit, when = tally.audit, tally.audit.at.isoformat()
    identity = f"{OURS}_testresult_{name(subject.name)}"
    told = {
        "id": identity,
        "end_time": when,
        "version": audit.catalogue,
        "test_system": "cpe:/a:bastide:bastide",
    }
    root = ET.Element("TestResult", named(told)) if parent is None else add(parent, "TestResult", **told)
    if parent is None:
        add(root, "benchmark", href=f"#{OURS}_benchmark_{name(audit.catalogue)}")
    add(root, "title", f"{audit.estate} – {subject.name}", language="fr")
    add(root, "remark", f"scope: {audit.scope}", language="en")
    add(root, "target", subject.name)
    found = [one for one in tally.by_subject.get(subject.name, ()) if one.check in tally.catalogue.checks]
    for finding in sorted(found, key=lambda one: one.check):
        _rule_result(root, finding, tally.catalogue.checks[finding.check], when)
    _score(root, found)
    return root


def _rule_result(root: ET.Element, finding: Finding, check: Check, when: str) -> None:
    told = add(root, "rule-result", idref=rule_id(check.id), severity=SEVERITIES[check.severity], time=when)
    add(told, "result", RESULTS[finding.verdict])
    if finding.verdict is Verdict.WAIVED and finding.waiver:
        _override(told, finding.waiver, when)
    add(told, "message", finding.reason, severity="error" if finding.verdict is Verdict.UNKNOWN else "info")
    if finding.seen:
        add(told, "message", f"seen: {finding.seen}", severity="info")


def _override(told: ET.Element, waiver: Waived, when: str) -> None:
    override = add(told, "override", time=when, authority=waiver.owner)
    add(override, "old-result", RESULTS[Verdict.FAIL])
    add(override, "new-result", RESULTS[Verdict.WAIVED])
    said = f"waived until {waiver.expires}: {waiver.reason}; instead: {waiver.measure}"
    add(override, "remark", said, language="en")


def _score(root: ET.Element, found: list[Finding]) -> None:
    applying = [one for one in found if one.verdict is not Verdict.NOT_APPLICABLE]
    passing = sum(one.verdict is Verdict.PASS for one in applying)
    add(root, "score", str(passing), system=FLAT, maximum=str(len(applying)))


def rule_id(check: str) -> str:
    """The id of a check as XCCDF wants it."""
    return f"{OURS}_rule_{name(check)}"
