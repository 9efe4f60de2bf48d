"""An audit in the forms that others read: people on a screen and on paper, CI, SCAP and GRC tools."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.model.catalogue import Catalogue, Language
from provisioner.model.finding import Audit


@dataclass(frozen=True, slots=True)
class Told:
    """What a report is made from: an audit, the one it is compared with, for whom and in which language."""

    audit: Audit
    catalogue: Catalogue
    previous: Audit | None
    language: Language
    framework: str | None = None


def rendered(told: Told, form: str) -> bytes:
    """The report in one of the `FORMS`. Raises BastideError when a part that it needs is not installed."""
    return FORMS[form](told)


def _html(told: Told) -> bytes:
    from provisioner.report.audit_html import html  # noqa: PLC0415 - each form needs its own libraries

    return html(
        told.audit, told.catalogue, previous=told.previous, language=told.language, framework=told.framework
    ).encode()


def _pdf(told: Told) -> bytes:
    from provisioner.report.audit_html import paper  # noqa: PLC0415
    from provisioner.report.audit_pdf import pdf  # noqa: PLC0415

    page = paper(
        told.audit, told.catalogue, previous=told.previous, language=told.language, framework=told.framework
    )
    with tempfile.TemporaryDirectory(prefix="bastide-") as folder:
        target = Path(folder) / "report.pdf"
        pdf(page, target)
        return target.read_bytes()


def _json(told: Told) -> bytes:
    from provisioner.report.audit_document import text  # noqa: PLC0415

    return text(told.audit).encode()


def _csv(told: Told) -> bytes:
    from provisioner.report.audit_tables import plan_csv  # noqa: PLC0415

    return plan_csv(told.audit, told.catalogue, language=told.language).encode()


def _xlsx(told: Told) -> bytes:
    from provisioner.report.audit_tables import plan_xlsx  # noqa: PLC0415

    return plan_xlsx(told.audit, told.catalogue, language=told.language)


def _ciso(told: Told) -> bytes:
    from provisioner.report.ciso_assistant import ciso_audit, ciso_findings  # noqa: PLC0415

    if told.framework:
        return ciso_audit(told.audit, told.catalogue, told.framework, language=told.language)
    return ciso_findings(told.audit, told.catalogue, language=told.language)


def _oscal(told: Told) -> bytes:
    from provisioner.report.oscal import oscal  # noqa: PLC0415

    return oscal(told.audit, told.catalogue, language=told.language).encode()


def _xccdf(told: Told) -> bytes:
    from provisioner.report.xccdf import xccdf  # noqa: PLC0415

    return xccdf(told.audit, told.catalogue)


def _arf(told: Told) -> bytes:
    from provisioner.report.arf import arf  # noqa: PLC0415

    return arf(told.audit, told.catalogue)


def _junit(told: Told) -> bytes:
    from provisioner.report.junit import junit  # noqa: PLC0415

    return junit(told.audit, told.catalogue, language=told.language)


FORMS: Mapping[str, Callable[[Told], bytes]] = {
    "html": _html,
    "pdf": _pdf,
    "json": _json,
    "csv": _csv,
    "xlsx": _xlsx,
    "ciso-assistant": _ciso,
    "oscal": _oscal,
    "xccdf": _xccdf,
    "arf": _arf,
    "junit": _junit,
}
"""Form to what renders it."""

SUFFIXES: Mapping[str, str] = {"ciso-assistant": "ciso.xlsx", "oscal": "oscal.json", "xccdf": "xccdf.xml",
                               "arf": "arf.xml", "junit": "junit.xml"}  # fmt: skip
"""How files of a form end, where not by its name."""
