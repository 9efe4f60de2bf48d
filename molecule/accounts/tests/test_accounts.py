"""Who gets in, who becomes somebody else, and what locks: tried by those who do it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PASSWORD = "Vent-Du-Sud-1972!"  # noqa: S105 - made up, as below, for machines that live for a minute
WRONG = "Vent-Du-Nord-1972!"


@pytest.fixture(autouse=True)
def _nobody_is_locked(host):
    host.check_output("for name in root amartin bdurand; do faillock --user $name --reset; done")


def is_node(host):
    return host.check_output("hostname").endswith("13")


def su(host, target, password, *, by="amartin"):
    """Become `target` with su, as `by`; what `id -un` says then."""
    return host.run("echo %s | runuser -u %s -- su %s -c 'id -un'", password, by, target)


def sudo(host, command, password=PASSWORD, *, by="amartin"):
    """Run a command with sudo on a terminal, as `by`."""
    asked = f"echo '{password}' | sudo -k -S -p '' {command}"
    return host.run("runuser -u %s -- script -qec %s /dev/null", by, asked)


@pytest.fixture
def ssh(host, request, tmp_path):
    """Log in over a connection of its own, by a password or, without one, by the key of the tests."""
    config, name = request.config.option.ssh_config, host.check_output("hostname")
    answer = tmp_path / "answer"

    def attempt(user, password="", *, tries=1):
        answer.write_text(f"#!/bin/sh\necho '{password}'\n")
        answer.chmod(0o700)
        by = "password" if password else "publickey"
        asks = (f"PreferredAuthentications={by}", f"NumberOfPasswordPrompts={tries}", "BatchMode=no")
        command = (
            "ssh",
            "-F",
            config,
            *(f"-o{one}" for one in (*asks, "ControlPath=none")),
            "-l",
            user,
            name,
            "id -un",
        )
        return subprocess.run(  # noqa: S603 - fixed
            command,
            env=os.environ | {"SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        ).stdout.strip()

    return attempt


def last_line(said):
    """What a command wrote, without sudo's lecture before it."""
    return said.stdout.strip().splitlines()[-1]


def test_su_is_for_members_of_its_group(host):
    assert su(host, "bdurand", PASSWORD).stdout.strip() == "bdurand"
    assert su(host, "bdurand", WRONG).failed
    refused = su(host, "amartin", PASSWORD, by="bdurand")
    assert refused.failed
    assert "Permission denied" in refused.stderr


def test_a_password_opens_ssh_until_three_wrong_ones_and_again_when_it_is_unlocked(host, ssh):
    assert ssh("bdurand", WRONG, tries=2) == ""
    assert ssh("bdurand", PASSWORD) == "bdurand"  # and the count begins again
    assert ssh("bdurand", WRONG, tries=2) == ""
    assert ssh("bdurand", PASSWORD) == "bdurand"
    assert ssh("bdurand", WRONG, tries=3) == ""
    assert ssh("bdurand", PASSWORD) == ""
    host.check_output("faillock --user bdurand --reset")
    assert ssh("bdurand", PASSWORD) == "bdurand"


def test_an_account_without_a_password_is_closed(host):
    host.check_output("passwd --delete bdurand")
    opened = su(host, "bdurand", "")
    host.check_output(
        "usermod --password %s bdurand", host.check_output("getent shadow amartin").split(":")[1]
    )
    assert opened.failed


def test_three_wrong_passwords_for_sudo_lock_the_account_too(host):
    assert last_line(sudo(host, "/usr/bin/id -u")) == "0"
    for _ in range(3):
        assert sudo(host, "id -u", WRONG).failed
    assert sudo(host, "id -u").failed


def test_wrong_passwords_lock_root_except_on_a_node_and_its_key_opens_all_the_same(host, ssh):
    host.check_output("echo root:%s | chpasswd", PASSWORD)
    for _ in range(3):
        assert su(host, "root", WRONG).failed
    opened = su(host, "root", PASSWORD).succeeded
    host.check_output("usermod --password '*' root")
    assert opened is is_node(host)
    assert ssh("root") == "root"


@pytest.mark.parametrize(
    ("weak", "because"),
    [
        ("Court-1!", "shorter than 15"),
        ("vent-du-sud-vers-lest", "less than"),
        ("Bbbbbbbb-8bbbbbb-cdf", "same characters consecutively"),
    ],
)
def test_a_weak_password_is_refused_even_when_root_sets_it(host, weak, because):
    refused = host.run("echo bdurand:%s | chpasswd", weak)
    assert refused.failed
    assert because in refused.stderr


def test_a_former_password_is_refused(host):
    host.check_output(": > /etc/security/opasswd; echo bdurand:%s | chpasswd", "Pont-Du-Gard-0050!")
    host.check_output("echo bdurand:%s | chpasswd", "Col-De-Perty-1302!")
    refused = host.run("echo bdurand:%s | chpasswd", "Pont-Du-Gard-0050!")
    host.check_output(
        "usermod --password %s bdurand", host.check_output("getent shadow amartin").split(":")[1]
    )
    assert refused.failed
    assert "already used" in refused.stderr


def test_a_new_password_is_stored_with_yescrypt(host):
    host.check_output("useradd trial && echo trial:%s | chpasswd", "Mont-Serein-1445!")
    stored = host.check_output("getent shadow trial").split(":")
    host.check_output("userdel --remove trial 2>/dev/null || true")
    assert stored[1].startswith("$y$")
    assert stored[3:6] == ["1", "365", "14"]


def test_sudo_runs_what_is_allowed_with_those_arguments_only(host):
    assert last_line(sudo(host, "/usr/bin/id -u")) == "0"
    assert last_line(sudo(host, "-u backup /usr/bin/id -un", "")) == "backup"
    assert sudo(host, "/usr/bin/uptime").succeeded
    for refused in ("/usr/bin/uptime -p", "/usr/bin/id", "/usr/bin/id -g", "/usr/bin/cat /etc/shadow", "-i"):
        said = sudo(host, refused)
        assert said.failed
        assert "not allowed to execute" in said.stdout


def test_a_command_of_sudo_starts_no_other(host):
    said = sudo(host, "/usr/bin/timeout 5 /usr/bin/id -u")
    assert said.failed
    assert "Permission denied" in said.stdout


def test_sudo_wants_a_terminal_of_people(host):
    refused = host.run("runuser -u amartin -- setsid sudo -n -u backup /usr/bin/id -un < /dev/null")
    assert refused.failed
    assert "you must have a tty" in refused.stderr


def test_whoever_is_not_in_its_group_cannot_even_start_sudo(host):
    refused = host.run("runuser -u bdurand -- sudo -n true")
    assert refused.failed
    assert "Permission denied" in refused.stderr
    assert host.run("runuser -u automate -- sudo -n true").succeeded


def test_ansible_becomes_root_and_another_user_from_its_own_account(host, request):
    own = {
        "ansible_user": "automate",
        # not over the connection that is open already: that one is root's
        "ansible_ssh_args": f"-F {request.config.option.ssh_config} -o ControlPath=none",
    }
    ansible = Path(sys.executable).parent / "ansible"
    asks = ("--module-name=shell", "--args=id -un; sudo -n -u backup id -un", "--become")
    done = subprocess.run(  # noqa: S603 - fixed
        [
            *(ansible, host.check_output("hostname"), *asks),
            *("--inventory=molecule/shared/inventory", f"--extra-vars={json.dumps(own)}"),
        ],
        cwd=Path(__file__).resolve().parents[3],
        env=os.environ | {"MOLECULE_SCENARIO_NAME": "accounts"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.splitlines()[-2:] == ["root", "backup"], done.stdout + done.stderr


def test_an_account_that_is_locked_opens_for_no_password_and_no_key(host, ssh):
    assert ssh("automate") == "automate"
    assert ssh("ancien") == ""
    assert ssh("ancien", PASSWORD) == ""
    assert su(host, "ancien", PASSWORD).failed


def test_only_who_is_named_plans_jobs(host):
    plan = "echo '@yearly true' | runuser -u %s -- crontab -"
    assert host.run(plan, "bdurand").succeeded
    refused = host.run(plan, "amartin")
    assert refused.failed
    assert "not allowed to use this program" in refused.stderr


def test_no_service_has_a_shell(host):
    rows = [line.split(":") for line in host.check_output("getent passwd").splitlines()]
    shells = {row[0]: row[6] for row in rows if int(row[2]) < 1000}
    assert {name for name, shell in shells.items() if not shell.endswith(("/nologin", "/false"))} <= {
        "root",
        "sync",
    }


def test_an_idle_shell_ends_and_its_user_cannot_prevent_it(host):
    assert host.check_output("runuser -l amartin -c 'echo $TMOUT'") == "600"
    refused = host.run("runuser -l amartin -c 'TMOUT=0'")
    assert refused.failed
    assert "readonly variable" in refused.stderr
    assert host.run("sh -c '. /etc/profile; . /etc/profile'").succeeded


def test_a_program_that_crashes_leaves_no_image_of_its_memory(host):
    assert host.check_output("runuser -l amartin -c 'ulimit -Hc'") == "0"
    assert host.check_output("su -l root -c 'ulimit -Hc'") == "0"


def test_new_files_are_their_owners_alone_but_roots_on_a_node(host):
    assert host.check_output("runuser -l amartin -c umask") == "0077"
    assert host.check_output("bash -lc umask") == ("0022" if is_node(host) else "0077")
