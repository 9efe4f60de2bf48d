"""What users can still do with mounts, files and programs."""

import json

import pytest

REFUSED = 126
SETID = {
    "/usr/bin/passwd",
    "/usr/bin/ssh-agent",
    "/usr/bin/su",
    "/usr/bin/sudo",
    "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
    "/usr/sbin/unix_chkpwd",
}


def options(host, path):
    seen = json.loads(host.check_output("findmnt --json --output OPTIONS --mountpoint %s", path))
    return set(seen["filesystems"][-1]["options"].split(","))


def as_worker(host, command):
    return host.run("runuser --user worker -- sh -c %s", command)


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])  # noqa: S108 - they are what is tested
def test_nothing_is_run_from_folders_that_everybody_writes_to(host, folder):
    assert {"nosuid", "nodev", "noexec"} <= options(host, folder)
    tried = as_worker(host, f"cp /usr/bin/true {folder}/mine && {folder}/mine")
    assert tried.rc == REFUSED
    assert "Permission denied" in tried.stderr


def test_a_mount_of_its_own_gives_no_rights(host):
    assert {"nosuid", "nodev"} <= options(host, "/srv")
    assert "noexec" not in options(host, "/srv")
    assert as_worker(host, "/srv/stranger -u").stdout == host.check_output("id -u worker") + "\n"


def test_the_table_of_mounts_is_sound_and_says_the_same(host):
    assert host.run("findmnt --verify").rc == 0
    fields = host.check_output("findmnt --fstab --noheadings --output OPTIONS /srv").split(",")
    assert {"nosuid", "nodev", "size=16m"} <= set(fields)
    assert "suid" not in fields
    generated = host.check_output("systemctl show --property Options --value tmp.mount")
    assert "noexec" in generated


def test_packages_still_ask_their_questions(host):
    said = host.check_output(
        "DEBIAN_FRONTEND=noninteractive apt-get install --yes --reinstall tzdata 2>&1 < /dev/null"
    )
    assert "Permission denied" not in said
    assert "debconf: unable" not in said


def test_only_the_programs_of_the_list_have_rights_of_others(host):
    found = host.check_output("find / -xdev -type f -perm /6000").split()
    assert set(found) == SETID


def test_an_upgrade_does_not_bring_the_rights_back(host):
    host.check_output(
        "DEBIAN_FRONTEND=noninteractive apt-get install --yes --reinstall mount passwd 2>&1 < /dev/null"
    )
    for program in ("/usr/bin/mount", "/usr/bin/umount", "/usr/bin/chsh", "/usr/bin/gpasswd"):
        assert host.file(program).mode == 0o755
    assert host.file("/usr/bin/passwd").mode == 0o4755


def test_a_stranger_among_the_programs_gives_no_rights(host):
    assert as_worker(host, "/usr/local/bin/stranger -u").stdout == host.check_output("id -u worker") + "\n"


def test_what_users_need_still_works(host):
    assert as_worker(host, "sudo --non-interactive /usr/bin/id -u").stdout == "0\n"
    # The password of somebody else is checked with the help of a program that may read it.
    assert as_worker(host, "passwd --status").rc == 0


def test_secrets_are_read_by_nobody_else(host):
    assert as_worker(host, "cat /etc/shadow").rc != 0
    assert as_worker(host, "cat /etc/ssh/sshd_config").rc != 0
    assert as_worker(host, "ls /etc/cron.d").rc != 0
    assert as_worker(host, "cat /etc/passwd").rc == 0
    shadow = host.file("/etc/shadow")
    assert (shadow.user, shadow.group, shadow.mode) == ("root", "shadow", 0o640)


def test_in_a_folder_that_everybody_writes_to_only_owners_delete(host):
    assert host.check_output("find / -xdev -type d -perm -0002 ! -perm -1000") == ""
    host.check_output("touch /var/lib/open/of-root")
    assert as_worker(host, "rm --force /var/lib/open/of-root").rc != 0


def test_files_of_nobody_are_left_for_a_person_to_look_at(host):
    assert host.file("/var/lib/nobodys").uid == 4711
