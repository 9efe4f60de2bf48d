"""The action plan of an audit as tables, CSV and XLSX.

What hosts said may look like a formula. In XLSX every cell is text; in CSV, which has no types, a leading
apostrophe keeps spreadsheets from reckoning.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from provisioner.model.catalogue import Catalogue, Check, Language
from provisioner.model.finding import Audit
from provisioner.report import audit_words as words
from provisioner.report.audit_actions import Action, actions, borne, gaps
from provisioner.report.audit_reasons import reason
from provisioner.report.audit_tally import Tally
from provisioner.report.workbook import Row, Sheet, workbook

PLAN: tuple[tuple[str, str], ...] = (
    ("Rang", "Rank"),
    ("Vérification", "Check"),
    ("État visé", "State to reach"),
    ("Gravité", "Severity"),
    ("Effort", "Effort"),
    ("Nombre de sujets", "Number of subjects"),
    ("Sujets", "Subjects"),
    ("Constat", "Finding"),
    ("Rôle", "Role"),
    ("Étiquette", "Tag"),
    ("Correction", "Remediation"),
    ("Mesures", "Controls"),
    ("Responsable", "Owner"),
    ("Échéance", "Due date"),
)
"""The columns of the action plan; the last two are for people to fill in."""
GAPS = (("Cause", "Cause"), ("Sujets", "Subjects"), ("Vérifications", "Checks"))
WAIVERS = (
    ("Dernier jour", "Last day"), ("Responsable", "Owner"), ("Motif", "Reason"),
    ("Mesure compensatoire", "Compensating measure"), ("Vérifications", "Checks"), ("Sujets", "Subjects"),
)  # fmt: skip
ANSWERS = (
    ("Mesure", "Control"), ("Question", "Question"), ("Réponse", "Answer"), ("Fondée sur", "Rests on"),
    ("Responsable", "Owner"), ("Date", "Date"),
)  # fmt: skip


def plan_csv(audit: Audit, catalogue: Catalogue, *, language: Language = "fr") -> str:
    """The action plan, its columns apart by semicolons in French and by commas in English.

    Write it as UTF-8; it begins with a byte-order mark, without which Excel spoils accents.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if language == "fr" else ",", lineterminator="\r\n")
    writer.writerow(_titles(PLAN, language))
    for row in _plan(Tally(audit, catalogue), language):
        writer.writerow([_harmless(cell) for cell in row])
    return "\N{ZERO WIDTH NO-BREAK SPACE}" + text.getvalue()


def plan_xlsx(audit: Audit, catalogue: Catalogue, *, language: Language = "fr") -> bytes:
    """A workbook: the action plan, what was not looked at, waivers, and answers of persons."""
    tally = Tally(audit, catalogue)
    sheets = (
        (("Plan d’action", "Action plan"), PLAN, _plan(tally, language)),
        (("Non examiné", "Not looked at"), GAPS, _gaps(tally, language)),
        (("Dérogations", "Waivers"), WAIVERS, _waivers(tally)),
        (("Questions", "Questions"), ANSWERS, _answers(tally, language)),
    )
    return workbook(
        audit,
        *(
            Sheet(words.word(title, language), _titles(columns, language), rows)
            for title, columns, rows in sheets
        ),
    )


def _titles(columns: tuple[tuple[str, str], ...], language: Language) -> tuple[str, ...]:
    return tuple(words.word(title, language) for title in columns)


def _plan(tally: Tally, language: Language) -> Iterator[Row]:
    for rank, action in enumerate(actions(tally), start=1):
        check, mend = action.check, action.check.remediation
        controls = [key for key, control in tally.catalogue.controls.items() if check.id in control.checks]
        yield (
            rank,
            check.id,
            check.title.in_(language),
            words.word(words.SEVERITY_WORDS[check.severity], language),
            words.word(words.EFFORT_WORDS[check.effort], language),
            len(action.subjects),
            ", ".join(action.subjects),
            found(action, language),
            mend.role or "",
            mend.tag or "",
            mends(check, language),
            ", ".join(controls),
            "",
            "",
        )


def _gaps(tally: Tally, language: Language) -> Iterator[Row]:
    for gap in gaps(tally):
        yield reason(gap.reason, language), ", ".join(gap.subjects), ", ".join(gap.checks)


def _waivers(tally: Tally) -> Iterator[Row]:
    for one in borne(tally):
        told = one.waiver
        checks, subjects = ", ".join(one.checks), ", ".join(one.subjects)
        yield told.expires.isoformat(), told.owner, told.reason, told.measure, checks, subjects


def _answers(tally: Tally, language: Language) -> Iterator[Row]:
    for answer in tally.audit.answers:
        control = tally.catalogue.controls.get(answer.control)
        asked = control.question if control else None
        question = "" if asked is None else asked.fr if language == "fr" else asked.en
        verdict = words.word(words.VERDICTS[answer.verdict], language)
        on = answer.on.isoformat() if answer.on else ""
        yield answer.control, question, verdict, reason(answer.reason, language), answer.owner, on


def found(action: Action, language: Language) -> str:
    """The different reasons, each once."""
    return "\n".join(dict.fromkeys(reason(one.reason, language) for one in action.failing))


def mends(check: Check, language: Language) -> str:
    """What a person does, or the command that has a role do it."""
    mend = check.remediation
    if mend.by:
        return mend.by.in_(language)
    return f"bastide harden --tags {mend.tag}" if mend.tag else "bastide harden"


def _harmless(cell: str | int) -> str | int:
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell
