"""Audits as documents: written, read, and refused."""

import json

import pytest
from audits import audit, previous
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.finding import Finding, Verdict
from provisioner.report.audit_document import FORMAT, NotAnAudit, document, read, text


def in_order(told):
    return sorted(told, key=repr)


@pytest.mark.parametrize("one", [audit(), previous(), audit(findings=(), answers=(), broken=(), subjects=())])
def test_what_is_written_is_read_again(one):
    again = read(json.loads(text(one)))
    assert in_order(again.findings) == in_order(one.findings)
    assert in_order(again.subjects) == in_order(one.subjects)
    assert (again.at, again.answers, again.broken) == (one.at, one.answers, one.broken)


def test_the_order_of_collection_leaves_no_trace():
    one = audit()
    turned = audit(findings=one.findings[::-1], subjects=one.subjects[::-1], answers=one.answers[::-1])
    assert text(turned) == text(one)


def test_the_text_is_the_document_with_one_finding_a_line():
    lines = text(audit()).splitlines()
    assert json.loads(text(audit())) == document(audit())
    assert sum('"check":' in line for line in lines) == len(audit().findings)


@given(st.text(), st.text())
def test_whatever_a_host_says_comes_back_as_it_was(reason, seen):
    one = audit(findings=(Finding("ssh-root-login", "dpi-db", Verdict.FAIL, reason, seen),))
    assert read(json.loads(text(one).encode())).findings == one.findings


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.pop("format"), FORMAT),
        (lambda told: told.update(format="bastide-audit/2"), FORMAT),
        (lambda told: told["findings"][0].update(verdict="fine"), "findings.0.verdict"),
        (lambda told: told["findings"][0].pop("subject"), "findings.0.subject"),
        (lambda told: told.update(at="2026-11-22T09:00:00"), "offset"),
        (lambda told: told.update(subjects=7), "subjects"),
    ],
)
def test_what_is_no_audit_is_refused_with_its_place(change, said):
    told = document(audit())
    change(told)
    with pytest.raises(NotAnAudit) as refused:
        read(told)
    assert said in refused.value.told


@pytest.mark.parametrize("told", [None, [], "audit", 3])
def test_other_json_is_refused_too(told):
    with pytest.raises(NotAnAudit):
        read(told)
