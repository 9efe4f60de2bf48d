"""The words of audit reports in French and English, with their plurals and dates."""

from __future__ import annotations

from datetime import date, datetime

from provisioner.model.catalogue import Confidence, Effort, Language, Severity
from provisioner.model.finding import Verdict
from provisioner.model.hardening import Level

MONTHS: dict[Language, tuple[str, ...]] = {
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
VERDICTS: dict[Verdict, tuple[str, str]] = {
    Verdict.FAIL: ("échec", "failure"),
    Verdict.UNKNOWN: ("inconnu", "unknown"),
    Verdict.WAIVED: ("dérogation", "waived"),
    Verdict.PASS: ("comme attendu", "as expected"),
    Verdict.NOT_APPLICABLE: ("sans objet", "not applicable"),
}
MANY: dict[Verdict, tuple[str, str]] = {
    **VERDICTS,
    Verdict.FAIL: ("échecs", "failures"),
    Verdict.UNKNOWN: ("inconnus", "unknown"),
    Verdict.WAIVED: ("dérogations", "waived"),
}
SIGNS: dict[Verdict, str] = {
    Verdict.FAIL: "✕",
    Verdict.UNKNOWN: "?",
    Verdict.WAIVED: "◐",
    Verdict.PASS: "✓",
    Verdict.NOT_APPLICABLE: "–",
}
"""A sign beside each verdict's word: colour alone says nothing."""
SEVERITY_WORDS: dict[Severity, tuple[str, str]] = {
    "critical": ("critique", "critical"),
    "high": ("élevée", "high"),
    "medium": ("moyenne", "medium"),
    "low": ("faible", "low"),
}
EFFORT_WORDS: dict[Effort, tuple[str, str]] = {
    "low": ("faible", "low"),
    "medium": ("moyen", "medium"),
    "high": ("important", "high"),
}
CONFIDENCE_WORDS: dict[Confidence, tuple[str, str]] = {
    "low": ("faible", "low"),
    "medium": ("moyenne", "medium"),
    "high": ("élevée", "high"),
}
LEVEL_WORDS: dict[Level, tuple[str, str]] = {
    "minimal": ("minimal", "minimal"),
    "intermediary": ("intermédiaire", "intermediary"),
    "enhanced": ("renforcé", "enhanced"),
    "high": ("élevé", "high"),
}
KIND_WORDS: dict[str, tuple[str, str]] = {
    "node": ("nœud Proxmox VE", "Proxmox VE node"),
    "vm": ("machine virtuelle", "virtual machine"),
    "ct": ("conteneur", "container"),
    "witness": ("témoin", "witness"),
    "host": ("hôte", "host"),
    "site": ("site", "site"),
    "estate": ("parc", "estate"),
}
INSTEAD_WORDS: dict[str, tuple[str, str]] = {
    "hardware": ("matériel", "hardware"),
    "organisational": ("organisation", "organisational"),
    "audit-only": ("s’examine, ne se règle pas", "looked at, not set"),
    "not applicable": ("sans objet", "not applicable"),
    "proxmox": ("Proxmox VE ne l’offre pas", "Proxmox VE does not have it"),
}
SCOPES: dict[str, tuple[str, str]] = {
    "lab": (
        "Laboratoire : machines d’essai, sans donnée de patient. Rien ici ne dit l’état de la production.",
        "Lab: machines made for tests, without patient data. Nothing here tells the state of production.",
    ),
    "production": (
        "Production : les machines qui portent les services des établissements.",
        "Production: the machines that carry the services of the hospitals.",
    ),
}
COUNTED: dict[str, tuple[str, str, str, str]] = {
    "subject": ("sujet", "sujets", "subject", "subjects"),
    "check": ("vérification", "vérifications", "check", "checks"),
    "failure": ("échec", "échecs", "failure", "failures"),
    "verdict": ("verdict", "verdicts", "verdict", "verdicts"),
    "waiver": ("dérogation", "dérogations", "waiver", "waivers"),
    "question": ("question", "questions", "question", "questions"),
    "control": ("mesure", "mesures", "control", "controls"),
    "requirement": ("exigence", "exigences", "requirement", "requirements"),
    "day": ("jour", "jours", "day", "days"),
    "action": ("action", "actions", "action", "actions"),
    "other": ("autre", "autres", "other", "others"),
}


def word(pair: tuple[str, str], language: Language) -> str:
    """One of two words, French first."""
    return spaced(pair[0]) if language == "fr" else pair[1]


def counted(number: int, noun: str, language: Language) -> str:
    """`1 échec`, `2 failures`: French takes the singular for 0 and 1, English for 1 alone."""
    one_fr, many_fr, one_en, many_en = COUNTED[noun]
    if language == "fr":
        return f"{grouped(number, language)} {many_fr if number > 1 else one_fr}"
    return f"{grouped(number, language)} {one_en if number == 1 else many_en}"


def tally(number: int, verdict: Verdict, language: Language) -> str:
    """How many findings there are of a verdict: `2 échecs`, `3 unknown`."""
    several = number > 1 if language == "fr" else number != 1
    return f"{grouped(number, language)} {word((MANY if several else VERDICTS)[verdict], language)}"


def share(part: float, language: Language) -> str:
    """A part of one in percent: `23,5 %`, `23.5 %`."""
    text = f"{100 * part:.1f}"
    return f"{text.replace('.', ',') if language == 'fr' else text}\N{NO-BREAK SPACE}%"


def spaced(french: str) -> str:
    """French with spaces that do not break before its double punctuation and inside its quotation marks."""
    for sign in (":", ";", "?", "!", "»"):
        french = french.replace(f" {sign}", f"\N{NO-BREAK SPACE}{sign}")
    return french.replace("« ", "«\N{NO-BREAK SPACE}")


def grouped(number: int, language: Language) -> str:
    """A number with its thousands apart: `12 000` with a no-break space in French, `12,000` in English."""
    text = f"{number:,}"
    return text.replace(",", "\N{NARROW NO-BREAK SPACE}") if language == "fr" else text


def day(on: date, language: Language) -> str:
    """`22 novembre 2026`, `22 November 2026`."""
    number = "1er" if language == "fr" and on.day == 1 else str(on.day)
    return f"{number} {MONTHS[language][on.month - 1]} {on.year}"


def moment(at: datetime, language: Language) -> str:
    """A time as it was told, with its offset: `22 novembre 2026 à 09:00 (UTC)`."""
    zone = at.tzname() or "UTC"
    return f"{day(at.date(), language)} {'à' if language == 'fr' else 'at'} {at:%H:%M} ({zone})"


def scope(told: str, language: Language) -> str:
    """What was audited, in a sentence."""
    return word(SCOPES[told], language) if told in SCOPES else told
