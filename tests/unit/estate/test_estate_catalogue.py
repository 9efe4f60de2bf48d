"""The catalogue, from its files."""

from pathlib import Path

from provisioner.estate.catalogue import load_catalogue

GOOD = """
checks:
  - id: ssh-root-login
    title: {en: a, fr: b}
    explanation: {en: a, fr: b}
    severity: high
    fact: sshd.permitrootlogin
    expect: {in: [no, prohibit-password]}
    remediation: {role: ssh, tag: ssh}
    examples: {good: {sshd: {permitrootlogin: no}}, bad: {sshd: {permitrootlogin: yes}}}
  - for_each:
      - {name: kernel.sysrq, value: 0, slug: sysrq}
      - {name: kernel.dmesg_restrict, value: 1, slug: dmesg}
    id: "sysctl-{slug}"
    title: {en: "{name} is {value}", fr: b}
    explanation: {en: a, fr: b}
    severity: medium
    fact: 'sysctl."{name}"'
    expect: {equals: "{value}"}
    remediation: {role: kernel}
    examples: {good: {sysctl: {"{name}": "{value}"}}, bad: {sysctl: {"{name}": "7"}}}
"""
BROKEN = """
checks:
  - id: broken-one
    titel: x
    fact: "a..b"
    expect: {equal: 3}
"""
CONTROLS = """
controls:
  - {id: R1, title: {en: a, fr: b}, checks: [ssh-root-login, broken-one]}
  - {id: R2, title: {en: a, fr: b}, checks: [broken-one]}
  - {id: R3, title: {en: a, fr: b}}
"""


def catalogue(folder: Path, **files):
    (folder / "checks").mkdir()
    for name, text in files.items():
        (folder / f"{name.replace('_', '/')}.yml").write_text(text, encoding="utf-8")
    return load_catalogue(folder)


def test_rows_become_checks_and_keep_the_types_of_their_values(tmp_path):
    found, problems = catalogue(tmp_path, checks_all=GOOD)
    assert problems == ()
    assert list(found.checks) == ["ssh-root-login", "sysctl-sysrq", "sysctl-dmesg"]
    assert found.checks["sysctl-dmesg"].expect == {"equals": 1}
    assert found.checks["sysctl-dmesg"].title.en == "kernel.dmesg_restrict is 1"


def test_a_broken_check_is_named_at_its_place_and_the_others_stay(tmp_path):
    found, problems = catalogue(tmp_path, checks_all=GOOD, checks_broken=BROKEN)
    assert len(found.checks) == 3
    told = [str(problem) for problem in problems]
    assert any("broken.yml:4" in one and "unknown key `titel` (did you mean `title`?)" in one for one in told)
    assert any("broken.yml:5" in one and "is no path" in one for one in told)
    assert any("there is no operator 'equal'" in one for one in told)
    assert all("broken-one" in one for one in told)


def test_a_control_lives_on_without_a_broken_check_but_not_without_any(tmp_path):
    found, problems = catalogue(tmp_path, checks_all=GOOD, rest=CONTROLS)
    assert found.controls["R1"].checks == ("ssh-root-login",)
    assert set(found.controls) == {"R1"}
    assert any("R3" in str(problem) and "checks" in str(problem) for problem in problems)


def test_the_version_changes_with_every_word(tmp_path):
    first, _ = catalogue(tmp_path, checks_all=GOOD)
    (tmp_path / "checks" / "all.yml").write_text(GOOD.replace("severity: high", "severity: low"))
    assert load_catalogue(tmp_path)[0].version != first.version
    assert load_catalogue(tmp_path)[0].version == load_catalogue(tmp_path)[0].version


def test_a_file_that_is_no_yaml_hides_no_other(tmp_path):
    found, problems = catalogue(tmp_path, checks_all=GOOD, checks_torn="checks: [")
    assert len(found.checks) == 3
    assert "broken YAML" in str(problems[0])


TOPICS = "topics: [{id: access, title: {en: Access, fr: Accès}}]"
FRAMEWORK = """
id: law
title: {en: a, fr: b}
version: "1"
source: the law
requirements:
  - {id: "1.1", title: {en: a, fr: b}, topics: [access], controls: [R1]}
  - {id: "1.2", title: {en: a, fr: b}}
"""


def told_of(tmp_path, *, framework=FRAMEWORK, topics=TOPICS):
    (tmp_path / "frameworks").mkdir()
    controls = "controls: [{id: R1, title: {en: a, fr: b}, checks: [ssh-root-login], topics: [access]}]"
    return catalogue(tmp_path, checks_all=GOOD, controls=controls, topics=topics, frameworks_law=framework)


def test_topics_are_read_and_a_requirement_may_ask_what_nothing_here_shows(tmp_path):
    found, problems = told_of(tmp_path)
    assert problems == ()
    assert found.topics["access"].title.fr == "Accès"
    assert [one.controls for one in found.frameworks["law"].requirements] == [("R1",), ()]


def test_a_name_that_does_not_exist_is_told_and_does_not_pass_for_nothing_contributing(tmp_path):
    found, problems = told_of(
        tmp_path, framework=FRAMEWORK.replace("[access]", "[acces]").replace("R1", "R7")
    )
    told = [str(problem) for problem in problems]
    assert any("framework law: there is no topic acces" in one for one in told)
    assert any("framework law: there is no control R7" in one for one in told)
    assert set(found.frameworks) == {"law"}


def test_a_control_with_a_topic_that_does_not_exist_is_told(tmp_path):
    found, problems = told_of(tmp_path, topics="topics: [{id: logging, title: {en: a, fr: b}}]")
    assert any("control R1: there is no topic access" in str(problem) for problem in problems)
    assert "R1" in found.controls


def test_a_framework_with_the_same_requirement_twice_is_left_out(tmp_path):
    found, problems = told_of(tmp_path, framework=FRAMEWORK.replace('"1.2"', '"1.1"'))
    assert found.frameworks == {}
    assert any("requirements stand twice: 1.1" in str(problem) for problem in problems)
