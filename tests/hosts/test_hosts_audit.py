"""Audits of real hosts by an account that may do nothing else, set up as the manual says."""

import json
import re

import pytest
from hosts_lab import ROOT, bastide, estate_for

WITNESS = "10.99.0.2"
AUDIT = ("audit", "--limit", "witness", "--fail-on", "nothing", "--json")


def commands_of_the_manual() -> str:
    """What it has an administrator type on a host."""
    text = (ROOT / "docs/audit.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```\n(useradd .*?)```", text, re.DOTALL)
    return block


@pytest.fixture
def auditor(whole, tmp_path):
    """The lab, and its estate in which the account of the manual logs in; the account goes afterwards."""
    whole.ssh(WITNESS, commands_of_the_manual())
    keys = "/home/audit/.ssh/authorized_keys"
    whole.ssh(WITNESS, f"install -m 600 -o audit -g audit /root/.ssh/authorized_keys {keys}")
    estate = estate_for(whole.folder, tmp_path)
    file = estate / "estate.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("ssh: { key", "ssh: { user: audit, key"))
    text = re.sub(r"\nevidence:\n(  .*\n)+", "\n", file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    yield whole, estate
    whole.ssh(WITNESS, "rm -f /etc/sudoers.d/60-audit; userdel --force --remove audit")


def verdicts(ran) -> list[str]:
    return [finding["verdict"] for finding in json.loads(ran.stdout)["findings"]]


def test_an_account_with_one_rule_of_sudo_sees_what_root_sees(auditor):
    lab, estate = auditor
    seen = verdicts(bastide("-e", str(estate), *AUDIT))
    as_root = estate_for(lab.folder, estate.parent / "root")
    assert sorted(seen) == sorted(verdicts(bastide("-e", str(as_root), *AUDIT)))
    assert seen.count("pass") > seen.count("unknown")


def test_the_rule_allows_nothing_else(auditor):
    lab, _ = auditor
    for command in ("sudo -n id", "sudo -n python3 -c 1", "sudo -n python3 -ISB -X utf8 /tmp/a.py"):
        assert lab.try_ssh(WITNESS, command, user="audit").returncode != 0


def test_without_the_rule_the_host_is_unknown_and_that_is_exit_6(auditor):
    lab, estate = auditor
    lab.ssh(WITNESS, "rm /etc/sudoers.d/60-audit")
    ran = bastide("-e", str(estate), *AUDIT)
    assert ran.returncode == 6
    assert "witness: sudo refuses to run python3 without a password" in ran.stderr
    assert set(verdicts(ran)) == {"unknown", "not_applicable"}
