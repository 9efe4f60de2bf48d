"""The program, run as on a host: `python3 -`, all over stdin. It only reads, so any machine will do."""

import ast
import json
import os
import subprocess
import sys

import pytest
from facts_schema import SECTIONS
from jsonschema import Draft202012Validator

from provisioner.hosts.program import program

NEVER_SHOWN = ("$y$", "$6$", "PRIVATE KEY", "grub.pbkdf2")


@pytest.fixture(scope="module")
def sent():
    """The program, whose walk through all files of this machine is ended after a second."""
    text = program()
    assert "WALKED_SECONDS = 35" in text
    return text.replace("WALKED_SECONDS = 35", "WALKED_SECONDS = 1")


@pytest.fixture(scope="module")
def answer(sent, tmp_path_factory):
    """What it answers, run from an empty folder that it must leave empty."""
    folder = tmp_path_factory.mktemp("host")
    command = [sys.executable, "-ISB", "-X", "utf8", "-"]
    run = subprocess.run(command, input=sent.encode(), capture_output=True, check=False, cwd=folder)
    assert (run.returncode, run.stderr.decode()) == (0, "")
    assert list(folder.iterdir()) == []
    return run.stdout


@pytest.fixture(scope="module")
def facts(answer):
    return json.loads(answer)


def test_the_answer_is_one_line_that_says_what_it_is(answer, facts):
    assert answer.startswith(b'{"format": "bastide-facts/1"')
    assert answer.endswith(b"}\n")
    assert answer.count(b"\n") == 1
    assert sorted(facts) == ["collected_at", "format", "raw", "seconds", "sections"]
    assert facts["collected_at"].endswith("Z")


def test_every_section_is_there(facts):
    assert sorted(facts["sections"]) == sorted(SECTIONS)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_its_shape_or_says_why_not(facts, name):
    section = facts["sections"][name]
    if "error" in section:
        assert list(section) == ["error"]
        assert len(section["error"]) > 10
        assert "not understood" not in section["error"]
        return
    assert list(section) == ["data"]
    assert [
        error.message for error in Draft202012Validator(SECTIONS[name]).iter_errors(section["data"])
    ] == []


@pytest.mark.parametrize(
    "name", ["os", "sysctl", "cmdline", "mounts", "files", "packages", "pam", "login_defs", "listeners"]
)
def test_what_every_debian_has_is_found(facts, name):
    assert facts["sections"][name]["data"]


def test_settings_of_the_network_are_found_for_all_interfaces_and_not_for_each(facts):
    found = facts["sections"]["sysctl"]["data"]
    assert "net.ipv4.conf.all.rp_filter" in found
    assert "net.ipv4.conf.default.rp_filter" in found
    assert not [name for name in found if name.startswith("net.ipv4.conf.lo.")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads the passwords' kinds")
def test_accounts_are_found_and_hashes_stay(facts, answer):
    assert facts["sections"]["accounts"]["data"]["users"]["root"]["uid"] == 0
    assert [mark for mark in NEVER_SHOWN if mark.encode() in answer] == []


def test_evidence_is_text_by_command_or_path(facts):
    assert facts["raw"]["/proc/cmdline"].split() == facts["sections"]["cmdline"]["data"]["args"]
    assert not any(path.startswith(("/etc/shadow", "/etc/gshadow")) for path in facts["raw"])


def test_the_program_is_ascii_and_the_python_of_old_hosts_reads_it():
    ast.parse(program(), feature_version=(3, 9))
    sources = [
        call.args[1].value
        for call in ast.walk(ast.parse(program()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "module" and len(call.args) > 1
    ]
    assert len(sources) > 20
    for source in filter(lambda one: isinstance(one, str), sources):
        ast.parse(source, feature_version=(3, 9))
    assert program().isascii()
