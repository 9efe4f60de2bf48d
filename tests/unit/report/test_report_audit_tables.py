"""The action plan as spreadsheets read it."""

import csv
import io

import pytest
from audits import audit, catalogue
from openpyxl import load_workbook

from provisioner.errors import BastideError
from provisioner.model.finding import Answer, Finding, Verdict
from provisioner.report.audit_tables import plan_csv, plan_xlsx
from provisioner.report.ciso_assistant import ciso_audit, ciso_findings


def rows(content, sheet):
    page = load_workbook(io.BytesIO(content))[sheet]
    return [[cell.value for cell in row] for row in page.iter_rows()]


def test_the_plan_stands_by_severity_then_effort_with_its_role():
    told = plan_csv(audit(), catalogue(), language="fr")
    assert told.startswith("\ufeff")
    listed = list(csv.DictReader(io.StringIO(told[1:]), delimiter=";"))
    assert [one["Vérification"] for one in listed] == ["pve-tfa", "kernel-kptr", "ssh-root-login"]
    last = listed[-1]
    assert (last["Sujets"], last["Rôle"], last["Étiquette"]) == ("ventoux-1, ventoux-2", "ssh", "ssh")
    assert last["Correction"] == "bastide harden --tags ssh"
    assert listed[0]["Correction"] == "activer la double authentification"


def test_english_tables_have_commas_and_english_words():
    listed = list(csv.DictReader(io.StringIO(plan_csv(audit(), catalogue(), language="en")[1:])))
    assert [one["Severity"] for one in listed] == ["critical", "critical", "high"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_what_a_host_says_never_becomes_a_formula(start):
    said = f"{start}cmd|' /C calc'!A1"
    one = audit(findings=(Finding("pve-tfa", "carpentras", Verdict.FAIL, said),))
    [row] = csv.DictReader(io.StringIO(plan_csv(one, catalogue(), language="en")[1:]))
    assert row["Finding"] == f"'{said}"
    page = load_workbook(io.BytesIO(plan_xlsx(one, catalogue(), language="en")))["Action plan"]
    assert "f" not in {cell.data_type for cell in page[2]}
    assert page["H2"].value == said.replace("\t", "·")


def test_the_workbook_has_waivers_answers_and_what_was_not_seen():
    content = plan_xlsx(audit(), catalogue(), language="fr")
    assert len(rows(content, "Plan d’action")) == 4
    assert rows(content, "Non examiné")[1][1:] == [
        "temoin",
        "kernel-kptr, ssh-ciphers, ssh-root-login, time-nts",
    ]
    assert [row[0] for row in rows(content, "Dérogations")[1:]] == ["2026-10-01", "2026-12-10"]
    assert rows(content, "Questions")[2][2:4] == ["inconnu", "personne n’a répondu"]


def test_control_characters_and_endless_texts_do_not_stop_a_workbook():
    one = audit(findings=(Finding("pve-tfa", "carpentras", Verdict.FAIL, "\x00\x07" + "x" * 40_000),))
    [finding] = [row[7] for row in rows(plan_xlsx(one, catalogue(), language="en"), "Action plan")[1:]]
    assert len(finding) == 32_000


def test_ciso_assistant_gets_failures_in_its_own_words():
    header, *listed = rows(ciso_findings(audit(), catalogue(), language="fr"), "findings")
    told = [dict(zip(header, row, strict=True)) for row in listed]
    assert [(one["ref_id"], one["severity"], one["priority"]) for one in told] == [
        ("pve-tfa", "critical", 1),
        ("kernel-kptr", "critical", 1),
        ("ssh-root-login", "high", 2),
    ]
    assert {one["status"] for one in told} == {"identified"}
    assert told[2]["filtering_labels"] == "bastide|ssh"


def test_ciso_assistant_is_never_told_that_something_complies():
    passing = audit(
        findings=tuple(
            Finding(key, "dpi-db", Verdict.PASS, "as expected")
            for key in ("ssh-root-login", "ssh-ciphers", "kernel-kptr")
        ),
        answers=(Answer("R2", Verdict.PASS, "fiche"),),
    )
    header, *listed = rows(ciso_audit(passing, catalogue(), "hds", language="fr"), "audit")
    told = {row[header.index("ref_id")]: row for row in listed}
    results = {key: row[header.index("compliance_result")] for key, row in told.items()}
    progress = {key: row[header.index("requirement_progress")] for key, row in told.items()}
    assert set(results.values()) == {"not_assessed"}
    assert progress == {"[EXI 05.D]": "in_review", "[EXI 05.G]": "in_review", "[EXI 28]": "to_do"}


def test_ciso_assistant_hears_of_requirements_with_failures():
    header, *listed = rows(ciso_audit(audit(), catalogue(), "hds", language="fr"), "audit")
    results = {row[header.index("ref_id")]: row[header.index("compliance_result")] for row in listed}
    assert results == {
        "[EXI 05.D]": "non_compliant",
        "[EXI 05.G]": "partially_compliant",
        "[EXI 28]": "not_assessed",
    }


def test_an_unknown_framework_is_refused():
    with pytest.raises(BastideError):
        ciso_audit(audit(), catalogue(), "pci")
