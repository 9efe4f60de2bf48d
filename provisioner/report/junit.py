"""An audit as JUnit results, which every CI shows: a suite for each subject, a case for each check."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

from provisioner.model.catalogue import Catalogue, Language
from provisioner.model.finding import Answer, Audit, Finding, Verdict
from provisioner.report.audit_reasons import reason
from provisioner.report.audit_tally import Tally
from provisioner.report.markup import add, named, written

OUTCOMES = {
    Verdict.FAIL: "failure",
    Verdict.UNKNOWN: "error",
    Verdict.WAIVED: "skipped",
    Verdict.NOT_APPLICABLE: "skipped",
}
"""What is unknown is an error: a run is never green for what nobody saw."""


def junit(audit: Audit, catalogue: Catalogue, *, language: Language = "en") -> bytes:
    """The XML document, UTF-8. Answers of persons and flaws of the catalogue are suites of their own."""
    tally = Tally(audit, catalogue)
    root = ET.Element("testsuites", named({"name": f"bastide audit {audit.estate}"}))
    for state in sorted(tally.subjects, key=lambda one: one.subject.name):
        suite = _suite(root, state.subject.name, audit)
        for finding in sorted(tally.by_subject.get(state.subject.name, ()), key=lambda one: one.check):
            _finding(suite, finding, catalogue, language)
    if audit.answers:
        suite = _suite(root, "persons", audit)
        for answer in audit.answers:
            _answer(suite, answer, language)
    if audit.broken:
        suite = _suite(root, "catalogue", audit)
        for flaw in audit.broken:
            add(add(suite, "testcase", classname="catalogue", name=flaw), "error", message=flaw)
    _count(root)
    return written(root)


def _suite(root: ET.Element, title: str, audit: Audit) -> ET.Element:
    suite = add(root, "testsuite", name=title, timestamp=audit.at.strftime("%Y-%m-%dT%H:%M:%S"))
    told = add(suite, "properties")
    for key, value in (("scope", audit.scope), ("catalogue", audit.catalogue)):
        add(told, "property", name=key, value=value)
    return suite


def _finding(suite: ET.Element, finding: Finding, catalogue: Catalogue, language: Language) -> None:
    check = catalogue.checks.get(finding.check)
    title = check.title.in_(language) if check else finding.check
    case = add(suite, "testcase", classname=finding.subject, name=f"{finding.check}: {title}")
    if finding.verdict in OUTCOMES:
        told = add(case, OUTCOMES[finding.verdict], message=_message(finding, language))
        if check and finding.verdict is Verdict.FAIL:
            told.set("type", check.severity)
    if finding.seen:
        add(case, "system-out", finding.seen)


def _message(finding: Finding, language: Language) -> str:
    told = reason(finding.reason, language)
    if finding.verdict is not Verdict.WAIVED or finding.waiver is None:
        return told
    waiver = finding.waiver
    return f"{told} [{waiver.owner}, {waiver.expires}: {waiver.reason}; {waiver.measure}]"


def _answer(suite: ET.Element, answer: Answer, language: Language) -> None:
    case = add(suite, "testcase", classname="persons", name=answer.control)
    if answer.verdict in OUTCOMES:
        add(case, OUTCOMES[answer.verdict], message=reason(answer.reason, language))


def _count(root: ET.Element) -> None:
    """The sums that readers of JUnit files expect, of each suite and of all."""
    total: Counter[str] = Counter()
    for suite in root:
        cases = suite.findall("testcase")
        sums = Counter({"tests": len(cases), "failures": 0, "errors": 0, "skipped": 0})
        for tag, key in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            sums[key] = sum(case.find(tag) is not None for case in cases)
        total.update(sums)
        suite.attrib.update({key: str(number) for key, number in sums.items()})
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(total[key]))
