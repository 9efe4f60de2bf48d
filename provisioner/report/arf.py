"""An audit in the Asset Reporting Format 1.1 (NIST IR 7694): what was asked, of what, with which results."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from provisioner.model.catalogue import Catalogue
from provisioner.model.finding import Audit
from provisioner.report import xccdf
from provisioner.report.audit_tally import Tally
from provisioner.report.markup import add, name, written

NAMESPACES = (
    ("arf", "http://scap.nist.gov/schema/asset-reporting-format/1.1"),
    ("core", "http://scap.nist.gov/schema/reporting-core/1.1"),
    ("ai", "http://scap.nist.gov/schema/asset-identification/1.1"),
    ("words", "http://scap.nist.gov/specifications/arf/vocabulary/relationships/1.0#"),
)
REQUEST = "request"


def arf(audit: Audit, catalogue: Catalogue) -> bytes:
    """The collection as XML in UTF-8: one report for each subject, all to the same request."""
    tally = Tally(audit, catalogue)
    names = [state.subject.name for state in tally.subjects]
    root = ET.Element("arf:asset-report-collection")
    _relationships(root, names)
    request = add(add(root, "arf:report-requests"), "arf:report-request", id=REQUEST)
    _content(request, xccdf.benchmark(tally))
    assets = add(root, "arf:assets")
    for one in names:
        system = add(add(assets, "arf:asset", id=_id("asset", one)), "ai:system")
        add(system, "ai:system-name", one)
    reports = add(root, "arf:reports")
    for state in tally.subjects:
        report = add(reports, "arf:report", id=_id("report", state.subject.name))
        _content(report, xccdf.result(None, tally, state.subject))
    return written(root, NAMESPACES)


def _relationships(root: ET.Element, names: list[str]) -> None:
    told = add(root, "core:relationships")
    for one in names:
        for kind, other in (("createdFor", REQUEST), ("isAbout", _id("asset", one))):
            told_of = add(told, "core:relationship", type=f"words:{kind}", subject=_id("report", one))
            add(told_of, "core:ref", other)


def _content(parent: ET.Element, document: ET.Element) -> None:
    document.set("xmlns", xccdf.NAMESPACE)
    add(parent, "arf:content").append(document)


def _id(kind: str, subject: str) -> str:
    return f"{kind}_{name(subject)}"
