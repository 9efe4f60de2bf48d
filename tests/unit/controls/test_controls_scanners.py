"""Public scanners beside the catalogue: the recorded run is explained wholly, and by checks that exist."""

import json
import shutil

import pytest
import yaml

from provisioner.estate.catalogue import load_catalogue
from tools.roles_reference import ROOT, Untold
from tools.scanners_reference import FOLDER, gravest, scanners_page

FILES = ("openscap.yml", "lynis.yml")


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "scanners")


def without_reason(file, rule):
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    for one in told["reasons"]:
        one["rules"] = [name for name in one["rules"] if name != rule]
    file.write_text(yaml.safe_dump(told), encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_counterparts_are_checks_of_the_catalogue(name):
    catalogue, _ = load_catalogue(ROOT / "controls")
    named = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["checks"]
    ids = {one for said in named.values() for one in ([said] if isinstance(said, str) else said)}
    assert ids - set(catalogue.checks) == set()


def test_each_rule_of_the_recorded_run_agrees_or_is_explained():
    page = scanners_page()
    assert "OpenSCAP: where the verdicts differ" in page
    assert "Lynis: what still fails" in page


def test_a_rule_that_still_fails_without_a_reason_is_named(folder):
    without_reason(folder / "openscap.yml", "sudo_custom_logfile")
    with pytest.raises(Untold, match=r"^sudo_custom_logfile still says fail on a hardened host"):
        scanners_page(folder)


def test_a_reason_that_explains_nothing_is_named(folder):
    file = folder / "lynis.yml"
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    told["reasons"][0]["rules"].append("AUTH-9204")
    file.write_text(yaml.safe_dump(told), encoding="utf-8")
    with pytest.raises(Untold, match=r"^AUTH-9204 needs no reason any more"):
        scanners_page(folder)


def test_a_disagreement_without_a_reason_is_named(folder):
    recorded = json.loads((folder / "openscap.json").read_text(encoding="utf-8"))
    recorded["hardened"]["bastide"]["account-one-root"] = "fail"
    (folder / "openscap.json").write_text(json.dumps(recorded), encoding="utf-8")
    with pytest.raises(Untold, match=r"accounts_no_uid_except_zero says .*, ours .*'fail'"):
        scanners_page(folder)


def test_what_nobody_judged_is_unknown():
    assert gravest([]) == "unknown"
    assert gravest(["pass", "fail", "notapplicable"]) == "fail"
    assert gravest(["pass", "not_applicable"]) == "pass"
