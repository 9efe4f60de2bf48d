"""An audit for CISO Assistant: its findings, and its word on the requirements of one framework.

Columns and words are those of its data import guide (docs/guide/data-import-wizard.md).
"""

from __future__ import annotations

from provisioner.model.catalogue import Catalogue, Language
from provisioner.model.finding import Audit, Verdict
from provisioner.report import audit_words as words
from provisioner.report.audit_actions import Action, actions
from provisioner.report.audit_tables import found, mends
from provisioner.report.audit_tally import RequirementState, Tally, narrowed
from provisioner.report.workbook import Row, Sheet, workbook

PRIORITY = {"critical": 1, "high": 2, "medium": 3, "low": 4}
"""Severities as the priorities of CISO Assistant."""
FINDINGS = (
    "ref_id", "name", "description", "severity", "status", "filtering_labels", "priority", "observation",
)  # fmt: skip
REFERENCES = {"hds": "[{}]".format, "care": str.lower}
"""How its own libraries write the ids of a framework, where not as the text itself does."""
AUDIT = ("urn", "assessable", "ref_id", "name", "compliance_result", "requirement_progress", "observations")


def ciso_findings(audit: Audit, catalogue: Catalogue, *, language: Language = "fr") -> bytes:
    """The XLSX for the import “Findings follow-up”: one row for each check that fails."""
    rows = (_finding(action, language) for action in actions(Tally(audit, catalogue)))
    return workbook(audit, Sheet("findings", FINDINGS, rows))


def ciso_audit(audit: Audit, catalogue: Catalogue, framework: str, *, language: Language = "fr") -> bytes:
    """The XLSX for the import “Audits”: the requirements of one framework, matched by `ref_id`.

    Nothing is ever `compliant`: where all that contributes passes, a person reviews and concludes.
    Raises BastideError if the framework is not known.
    """
    tally = narrowed(audit, catalogue, framework)
    states = tally.requirements(catalogue.frameworks[framework])
    write = REFERENCES.get(framework, str)
    rows = (_requirement(one, audit, language, reference=write(one.requirement.id)) for one in states)
    return workbook(audit, Sheet("audit", AUDIT, rows))


def _finding(action: Action, language: Language) -> Row:
    check = action.check
    labels = "|".join(["bastide", *([check.remediation.role] if check.remediation.role else [])])
    seen = f"{', '.join(action.subjects)}\n{found(action, language)}\n{mends(check, language)}"
    title, explained = check.title.in_(language), check.explanation.in_(language)
    priority = PRIORITY[check.severity]
    return check.id, title, explained, check.severity, "identified", labels, priority, seen


def _requirement(state: RequirementState, audit: Audit, language: Language, *, reference: str) -> Row:
    verdicts = {one.verdict for one in state.controls}
    result = "not_assessed"
    if Verdict.FAIL in verdicts:
        result = "partially_compliant" if Verdict.PASS in verdicts else "non_compliant"
    seen = state.verdict in {Verdict.PASS, Verdict.WAIVED}
    progress = "in_review" if seen else "in_progress" if state.controls else "to_do"
    told = "\n".join(
        f"{one.control.id} {one.control.title.in_(language)}: {_verdict(one.verdict, language)}"
        for one in state.controls
    )
    note = words.word(("Contribue à l’exigence, au", "Contributes to the requirement, as of"), language)
    observed = f"{note} {words.moment(audit.at, language)} ({audit.scope})\n{told}" if told else ""
    title = state.requirement.title.in_(language)
    return "", "true", reference, title, result, progress, observed


def _verdict(verdict: Verdict, language: Language) -> str:
    return words.word(words.VERDICTS[verdict], language)
