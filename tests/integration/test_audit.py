"""Audits of clusters that answer, and of hosts that nobody ever pinned a key of."""

import json


def test_an_audit_judges_what_answers_and_calls_unknown_what_does_not(bastide, lab):
    ran = bastide("audit", "--fail-on", "nothing", "--json")
    assert ran.code == 6, ran.err
    kinds = {subject["name"]: subject["of"] for subject in ran.json["subjects"]}
    verdicts = {kind: set() for kind in kinds.values()}
    for finding in ran.json["findings"]:
        verdicts[kinds[finding["subject"]]].add(finding["verdict"])
    assert verdicts["host"] == {"unknown", "not_applicable"}
    assert {"pass", "fail"} <= verdicts["site"]
    assert verdicts["estate"] == {"pass", "fail"}
    assert "no host key is pinned" in ran.err
    assert lab.control.illegal() == []


def test_a_failure_above_the_threshold_tells_ci(bastide):
    assert bastide("audit").code == 4
    assert bastide("audit", "--fail-on", "nothing").code == 6


def test_what_was_audited_is_recorded_and_reported(bastide):
    bastide("audit")
    bastide("audit")
    wrote = bastide(
        "report", "--format", "html", "--format", "junit", "--lang", "en", "-o", str(bastide.folder / "out")
    )
    assert wrote.code == 0, wrote.err
    page, junit = sorted((bastide.folder / "out").iterdir())
    assert "contributes to" in page.read_text()
    assert "<testsuites" in junit.read_text()
    assert bastide("evidence", "verify").code == 0
    records = json.loads(bastide("evidence", "show", "--json").out)
    assert [record["kind"] for record in records] == ["audit", "audit"]


def test_without_an_audit_there_is_no_report(bastide):
    ran = bastide("report")
    assert ran.code == 1
    assert "no audit is recorded" in ran.err
    assert "run `bastide audit` first" in ran.err
